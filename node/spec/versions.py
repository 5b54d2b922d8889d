"""Versions of the contracts: which are open, closed or halted, and what a halt does to deadlines.

The Python twin of `chaincode/versions.vy` and of the gate in `leases.vy` (R23). A deadline for
settling that falls into a halt is as far behind its end as it was behind its beginning; in a
one-sided close no second of a halt counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chaincode import ADDRESSES
from node.errors import IntegrityError
from node.spec.slots import ReadSlot, mapping_slot
from node.spec.types import Address
from node.spec.vocabulary import VersionStatus

VERSIONS: Final = Address(ADDRESSES["versions"])

VERSION_COUNT: Final = 0
VERSION_RECORDS: Final = 1
HALTS: Final = 2

HALT_SECONDS_MAX: Final = 72 * 3_600


@dataclass(frozen=True, slots=True)
class Halt:
    """A halt, Unix seconds: the first inside and the first outside; zeros for none."""

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
    """The last."""

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


def slot_of_halt(number: int, place: int) -> int:
    """Return where Versions holds a version's halt by its place from 1; under 0 how many."""
    return mapping_slot(mapping_slot(HALTS, number), place)


def halts_of(read: ReadSlot, number: int) -> tuple[Halt, ...]:
    """Return all halts of a version in their order. `read` is of Versions."""
    count = read(slot_of_halt(number, 0))
    words = (read(slot_of_halt(number, place)) for place in range(1, count + 1))
    return tuple(Halt(word & (1 << 40) - 1, word >> 40) for word in words)


def settling_deadline(halts: Sequence[Halt], deadline: int, time: int) -> int:
    """Return until when receipts settle as of a time: the last halt begun by then moves it."""
    begun = [halt for halt in halts if halt.since <= time]
    return begun[-1].deadline(deadline) if begun else deadline


def running(halts: Sequence[Halt], since: int, until: int) -> int:
    """Return the seconds of a span, those left out of the halts that began within it."""
    within = (halt for halt in halts if since <= halt.since < until)
    return until - since - sum(min(halt.until, until) - halt.since for halt in within)
