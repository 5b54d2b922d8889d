"""What a proposal asks, as bytes, and where Governance and what it governs keep it.

The Python twin of `chaincode/governance.vy`, `parameters.vy` and the proposals of `members.vy`. The
content of a proposal is a row of 32-byte words whose meaning follows from its kind; the one text, a
newcomer's name, follows its words. State keeps the content's hash; `ProposalOpened` has the whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from chaincode import ADDRESSES
from node.errors import IntegrityError
from node.spec.registry import NAME_BYTES_MAX
from node.spec.slots import ReadSlot, mapping_slot
from node.spec.types import ADDRESS_LENGTH, Address, Hash32
from node.spec.vocabulary import Parameter, ProposalKind, ProposalStatus

GOVERNANCE: Final = Address(ADDRESSES["governance"])
PARAMETERS: Final = Address(ADDRESSES["parameters"])
HOLIDAYS: Final = Address(ADDRESSES["holidays"])

# Of Governance.
PROPOSAL_COUNT: Final = 0
PROPOSALS: Final = 1
SHARES: Final = 2

# Of Parameters and Holidays.
VALUES: Final = 1
FEATURES: Final = 2
VOCABULARY_IN_FORCE: Final = 3
TABLES: Final = 0

LIFETIME_SECONDS: Final = 30 * 86_400
"""A proposal expires so long after it was opened, or carried if that was later."""

WHOLE: Final = 10_000
"""Shares are in ten-thousandths; more than the share of the electors must agree."""

NUMBER, ACCOUNT, HASH, TEXT = "number", "account", "hash", "text"

PARTS: Final[Mapping[ProposalKind, Mapping[str, str]]] = {
    ProposalKind.ADMIT_MEMBER: {
        "identifier": HASH,
        "kind": NUMBER,
        "governor": ACCOUNT,
        "jurisdiction": NUMBER,
        "head_office": NUMBER,
        "name": TEXT,
    },
    ProposalKind.SUSPEND_MEMBER: {"member": NUMBER, "reason": NUMBER},
    ProposalKind.REINSTATE_MEMBER: {"member": NUMBER},
    ProposalKind.ADD_VALIDATOR: {"node": ACCOUNT},
    ProposalKind.REMOVE_VALIDATOR: {"node": ACCOUNT},
    ProposalKind.LOWER_FAULT_TOLERANCE: {"node": ACCOUNT},
    ProposalKind.ROLE_THRESHOLD: {"member": NUMBER, "role": NUMBER, "least": NUMBER},
    ProposalKind.MANDATE: {"member": NUMBER, "mandate": NUMBER},
    ProposalKind.SHARE: {"kind": NUMBER, "share": NUMBER},
    ProposalKind.PARAMETER: {"parameter": NUMBER, "value": NUMBER},
    ProposalKind.FEATURE: {"feature": HASH, "height": NUMBER},
    ProposalKind.HOLIDAY_TABLE: {"year": NUMBER, "first_days": NUMBER, "last_days": NUMBER},
    ProposalKind.VOCABULARY_VERSION: {"version": NUMBER, "digest": HASH},
    ProposalKind.CONTRACT_VERSION: {"version": NUMBER, "status": NUMBER, "gate": ACCOUNT},
    ProposalKind.HALT: {"version": NUMBER, "seconds": NUMBER},
    ProposalKind.TEMPLATE: {"template": HASH, "status": NUMBER, "reason": NUMBER},
    ProposalKind.LIST_ENTRY: {
        "category": NUMBER,
        "destination": NUMBER,
        "purposes": NUMBER,
        "caution": NUMBER,
    },
}
"""The parts of each kind's content, in their order, with their types."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is asked of the consortium."""

    kind: ProposalKind
    content: bytes


@dataclass(frozen=True, slots=True)
class ProposalState:
    """What state keeps of a proposal; ballots and time decide what follows from it."""

    kind: ProposalKind
    member: int
    """The member that proposed it."""
    status: ProposalStatus
    """As stored: carried and expired follow from `carried_at` and time."""
    opened_at: int
    carried_at: int | None
    """Unix seconds since when it has been carried; None while it is not."""
    content_hash: Hash32


def encode_proposal(kind: ProposalKind, *values: int | bytes | str) -> Proposal:
    """Return a proposal of a kind from the values of its parts, in the order of `PARTS`.

    Raises:
        ValueError: a value does not fit its part, or there are more or fewer than the kind has.
    """
    pairs = zip(PARTS[kind].items(), values, strict=True)
    return Proposal(kind, b"".join(_encode(name, part, value) for (name, part), value in pairs))


def _encode(name: str, part: str, value: int | bytes | str) -> bytes:
    if part == NUMBER and isinstance(value, int) and 0 <= value < 1 << 256:
        return value.to_bytes(32, "big")
    if part == ACCOUNT and isinstance(value, bytes) and len(value) == ADDRESS_LENGTH:
        return value.rjust(32, b"\0")
    if part == HASH and isinstance(value, bytes) and len(value) <= 32:
        return value.ljust(32, b"\0")
    if part == TEXT and isinstance(value, str) and 0 < len(value.encode()) <= NAME_BYTES_MAX:
        return value.encode()
    raise ValueError(f"proposal: {name} does not fit: {value!r}"[:200])


def decode_proposal(proposal: Proposal) -> dict[str, int | bytes | str]:
    """Return the parts of a proposal by name, as a member that votes must see them.

    Raises:
        ValueError: the content is not one of its kind.
    """
    found: dict[str, int | bytes | str] = {}
    rest = proposal.content
    for name, part in PARTS[proposal.kind].items():
        if part == TEXT:
            found[name], rest = rest.decode("utf-8"), b""
            continue
        word, rest = rest[:32], rest[32:]
        if part == NUMBER:
            found[name] = int.from_bytes(word, "big")
        else:
            found[name] = word[32 - ADDRESS_LENGTH :] if part == ACCOUNT else word
    if rest or encode_proposal(proposal.kind, *found.values()).content != proposal.content:
        raise ValueError("proposal: the content is not one of its kind")
    return found


def proposal_count(read: ReadSlot) -> int:
    """Return how many proposals were ever opened. `read` is of Governance, as in what follows."""
    return read(PROPOSAL_COUNT)


def slots_of_proposal(number: int) -> tuple[int, ...]:
    """Return the slots of a proposal."""
    base = mapping_slot(PROPOSALS, number)
    return tuple(base + offset for offset in range(7))


def proposal_state(read: ReadSlot, number: int) -> ProposalState | None:
    """Return what state keeps of a proposal, None when there is none.

    Raises:
        IntegrityError: kind or status is unknown to this version.
    """
    kind, member, status, opened, carried, _, content = map(read, slots_of_proposal(number))
    if not kind:
        return None
    if kind not in tuple(ProposalKind) or status not in tuple(ProposalStatus):
        raise IntegrityError(f"proposals: kind {kind}, status {status}")
    return ProposalState(
        ProposalKind(kind),
        member,
        ProposalStatus(status),
        opened,
        carried or None,
        Hash32(content.to_bytes(32, "big")),
    )


def status_at(state: ProposalState, timestamp: int) -> ProposalStatus:
    """Return where a proposal stands as of a block's time, if no ballot changed since."""
    if state.status != ProposalStatus.OPEN:
        return state.status
    if timestamp > max(state.opened_at, state.carried_at or 0) + LIFETIME_SECONDS:
        return ProposalStatus.EXPIRED
    return ProposalStatus.OPEN if state.carried_at is None else ProposalStatus.CARRIED


def needed(share: int, electors: int) -> int:
    """Return how many electors must agree: the least number above the share, all at most."""
    return min(electors * share // WHOLE + 1, electors)


def share_of(read: ReadSlot, kind: ProposalKind) -> int:
    """Return the share that carries a kind, in ten-thousandths of the electors."""
    return read(mapping_slot(SHARES, kind))


def slot_of_value(parameter: Parameter) -> int:
    """Return where Parameters holds a value."""
    return mapping_slot(VALUES, parameter)


def value_of(read: ReadSlot, parameter: Parameter) -> int:
    """Return a parameter in its own unit. `read` is of Parameters, as in what follows."""
    return read(slot_of_value(parameter))


def feature_height(read: ReadSlot, feature: Hash32) -> int | None:
    """Return the block at which a feature begins, None when it was never voted."""
    return read(mapping_slot(FEATURES, feature)) or None


def vocabulary_in_force(read: ReadSlot) -> tuple[int, Hash32]:
    """Return the vocabulary's version in force and its source's hash, zero for that of genesis."""
    digest = read(VOCABULARY_IN_FORCE + 1)
    return read(VOCABULARY_IN_FORCE), Hash32(digest.to_bytes(32, "big"))


def working_table(read: ReadSlot, year: int) -> tuple[int, int]:
    """Return the two words of a year's table, zeros when there is none. `read` is of Holidays."""
    base = mapping_slot(TABLES, year)
    return read(base), read(base + 1)
