"""Versions of the contracts: which are open, closed or halted, and what a halt does to deadlines.

The Python twin of `chaincode/versions.vy` and of the gate in `leases.vy` (R23). A deadline that
falls into a halt is as far behind its end as it was behind its beginning.
"""

from dataclasses import dataclass
from typing import Final

from chaincode import ADDRESSES
from node.errors import IntegrityError
from node.spec.slots import ReadSlot, mapping_slot
from node.spec.types import Address
from node.spec.vocabulary import VersionStatus

VERSIONS: Final = Address(ADDRESSES["versions"])

# Of Versions and of Leases.
VERSION_COUNT: Final = 0
VERSION_RECORDS: Final = 1
HALT: Final = 2

HALT_SECONDS_MAX: Final = 72 * 3_600


@dataclass(frozen=True, slots=True)
class Halt:
    """The last halt, Unix seconds: the first inside and the first outside; zeros for none."""

    since: int = 0
    until: int = 0

    def deadline(self, time: int) -> int:
        """Return when a deadline is over that was set for a time (Unix seconds)."""
        return time - self.since + self.until if self.since <= time < self.until else time


@dataclass(frozen=True, slots=True)
class VersionState:
    """A version of the contracts."""

    status: VersionStatus
    gate: Address
    """The contract that keeps its gate; zero for version 1."""
    halt: Halt

    def is_halted(self, timestamp: int) -> bool:
        """Whether nothing settles as of a block's time."""
        return self.halt.since <= timestamp < self.halt.until


def version_state(read: ReadSlot, number: int) -> VersionState | None:
    """Return a version, None when there is none. `read` is of Versions.

    Raises:
        IntegrityError: its status is unknown to this version.
    """
    base = mapping_slot(VERSION_RECORDS, number)
    status, gate, since, until = (read(base + offset) for offset in range(4))
    if not status:
        return None
    if status not in tuple(VersionStatus):
        raise IntegrityError(f"versions: status {status}")
    return VersionState(
        VersionStatus(status), Address(gate.to_bytes(32, "big")[12:]), Halt(since, until)
    )


def last_halt(read: ReadSlot) -> Halt:
    """Return the last halt of version 1 as Leases knows it. `read` is of Leases."""
    word = read(HALT)
    return Halt(word & (1 << 40) - 1, word >> 40)
