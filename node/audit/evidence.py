"""What a bundle shows once its chain part is proved: events in order, state words, trails.

These are the values that later checks work on. Each came out of a proof: an event from a receipt
under a final header's receipts root, a word from a storage proof under the last state root. What
was looked at is noted, so that the last check can name whatever nothing needed.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from node.audit.bundle import Bundle
from node.audit.calldata import ContractCall, direct_call
from node.errors import IntegrityError, RemoteError
from node.sdk.abi import Event
from node.spec.disputes import Dispute
from node.spec.fees import DisputeSpan
from node.spec.finality import ValidatorSets
from node.spec.header import Header
from node.spec.registry import AuthorizationState, LeaseState, Member
from node.spec.terms import Terms
from node.spec.transaction import Transaction, recover_sender
from node.spec.types import Address, Hash32
from node.spec.usage import Correction, SignedReceipt, receipt_hash
from node.spec.versions import Halt


class CheckFailed(IntegrityError):
    """A check does not hold; `subject` names the object in the bundle."""

    def __init__(self, subject: str, what: str, *, why: str = "") -> None:
        super().__init__(what, why=why)
        self.subject = subject


class NotShown(Exception):
    """A check ran, and what it needs is not in the file: it is not provable, and not a failure.

    `key` names the sentence in `texts`, `values` are put into it.
    """

    def __init__(self, key: str, **values: Any) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


@contextmanager
def naming(subject: str) -> Iterator[None]:
    """Let whatever does not hold inside name this object, unless it names one more closely."""
    try:
        yield
    except CheckFailed:
        raise
    except (IntegrityError, RemoteError) as error:
        raise CheckFailed(subject, error.what, why=error.why) from error


def require(subject: str, *claims: tuple[bool, str]) -> None:
    """Raise `CheckFailed` with the text of the first claim that does not hold."""
    for holds, text in claims:
        if not holds:
            raise CheckFailed(subject, text)


def text_of(data: bytes) -> str:
    """Return bytes as 0x hex."""
    return "0x" + data.hex()


@dataclass(frozen=True, slots=True)
class Happening:
    """A contract's event with the transaction and block it happened in."""

    event: Event
    transaction: Transaction
    header: Header
    index: int
    """The transaction's place in its block."""
    order: int
    """The event's place in the bundle, which is the chain's order."""

    @property
    def name(self) -> str:
        """The event's name."""
        return self.event.name

    def value(self, name: str) -> Any:
        """Return one of the event's values."""
        return self.event.values[name]

    def address(self, name: str) -> Address:
        """Return one of the event's addresses as bytes."""
        return Address(bytes.fromhex(self.event.values[name].removeprefix("0x")))

    @property
    def block(self) -> int:
        """The number of its block."""
        return self.header.number

    @property
    def time(self) -> int:
        """The time of its block, Unix seconds."""
        return self.header.timestamp

    @property
    def where(self) -> str:
        """Event, block and transaction, for findings."""
        return f"{self.name} in {place(self.header.number, self.index)}"

    def call(self) -> ContractCall | None:
        """Return the call of this event's contract that its transaction makes directly."""
        return direct_call(self.event.contract, self.transaction)

    def sender(self) -> Address:
        """Return who signed the transaction."""
        return recover_sender(self.transaction)


def place(block: int, index: int) -> str:
    """Return how findings name a transaction."""
    return f"block {block}, transaction {index}"


@dataclass(frozen=True, slots=True)
class Statement:
    """Something about the trail that this file cannot show, by its key in `texts`."""

    key: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Disputed:
    """A dispute over receipts of a lease, with when it was opened and ended."""

    record: Dispute
    span: DisputeSpan


@dataclass(slots=True)
class LeaseCase:
    """A lease with all that the bundle shows of it."""

    number: int
    opened: Happening
    events: tuple[Happening, ...]
    state: LeaseState
    receipts: tuple[SignedReceipt, ...]
    hashes: tuple[Hash32, ...]
    """Of the receipts, in order."""
    halts: tuple[Halt, ...]
    """The halts of settling, in their order."""
    corrections: dict[int, Correction] = field(default_factory=dict)
    """By the number of the receipt that both sides corrected."""

    @property
    def name(self) -> str:
        """How findings name it."""
        return f"lease {self.number} ({text_of(self.state.lease)})"

    def hash_of(self, number: int) -> Hash32:
        """Return the hash of receipt `number`; the lease's id for 0."""
        if not 0 <= number <= len(self.hashes):
            raise CheckFailed(self.name, f"receipt {number} is anchored and not in the bundle")
        return self.hashes[number - 1] if number else self.state.lease


@dataclass(slots=True)
class Case:
    """An authorization with all that the bundle shows of it; checks fill it in their order."""

    identifier: Hash32
    requested: Happening
    events: tuple[Happening, ...]
    """Of its contract and of its leases, in the chain's order."""
    terms: Terms
    statements: list[Statement] = field(default_factory=list)
    regulators: list[int] = field(default_factory=list)
    """Members that approved as regulator."""
    members: dict[int, Member] = field(default_factory=dict)
    """Its parties as the registry of the last block names them."""
    levels: tuple[int, ...] = ()
    """Masks of the product's fields by level, of level 1 first."""
    zone: int = 0
    """Of the product version that its terms name."""
    proved_state: AuthorizationState | None = None
    leases: tuple[LeaseCase, ...] = ()
    ancestors: tuple["Case", ...] = ()
    """What it shares onward, its parent first."""
    amendments: tuple["Case", ...] = ()
    """The later versions of its terms, each with the record of its own approvals."""
    amended: Happening | None = None
    """Of an amendment: where it took effect."""
    disputes: tuple[Disputed, ...] = ()
    """All that were ever opened over its receipts."""

    @property
    def name(self) -> str:
        """How findings name it."""
        return f"authorization {text_of(self.identifier)}"

    @property
    def state(self) -> AuthorizationState:
        """What state keeps of it."""
        if self.proved_state is None:
            raise CheckFailed(self.name, "its state is not proved")
        return self.proved_state

    @property
    def in_force(self) -> Terms:
        """The terms of its newest version."""
        return self.amendments[-1].terms if self.amendments else self.terms

    def version_at(self, happening: Happening) -> "Case":
        """Return the version that was in force once an event had happened."""
        for version in reversed(self.amendments):
            if version.amended is not None and version.amended.order <= happening.order:
                return version
        return self

    def version_in(self, block: int) -> "Case":
        """Return the version that was in force after a block."""
        for version in reversed(self.amendments):
            if version.amended is not None and version.amended.block <= block:
                return version
        return self

    def terms_under(self, lease: LeaseCase) -> Terms:
        """Return the terms that a lease was opened under (R23)."""
        return self.version_under(lease).terms

    def version_under(self, lease: LeaseCase) -> "Case":
        """Return the version of the terms that a lease was opened under (R23)."""
        version = lease.state.version
        if not 1 <= version <= 1 + len(self.amendments):
            raise CheckFailed(self.name, f"lease {lease.number} is under version {version}")
        return (self, *self.amendments)[version - 1]

    @property
    def all_events(self) -> tuple[Happening, ...]:
        """Its events and those of its amendments."""
        return self.events + tuple(h for version in self.amendments for h in version.events)

    def named(self, *names: str) -> list[Happening]:
        """Return its events of some names, in the chain's order."""
        return [happening for happening in self.events if happening.name in names]

    def cannot_show(self, key: str, **values: Any) -> None:
        """Note something that this file cannot show."""
        statement = Statement(key, {"authorization": text_of(self.identifier), **values})
        if statement not in self.statements:
            self.statements.append(statement)


@dataclass(slots=True)
class Evidence:
    """The growing result of a verification."""

    bundle: Bundle
    genesis_hash: Hash32 | None = None
    """Of the bundle's genesis header, once it is checked."""
    sets: ValidatorSets = field(default_factory=dict)
    sealing_versions: set[int] = field(default_factory=set)
    """Versions of the validator sets that sealed the bundle's blocks."""
    happenings: list[Happening] = field(default_factory=list)
    words: dict[Address, dict[int, int]] = field(default_factory=dict)
    read: dict[Address, set[int]] = field(default_factory=dict)
    """Slots that checks asked for."""
    past: dict[tuple[int, Address], dict[int, int]] = field(default_factory=dict)
    """Proved slots in the states after earlier blocks, by block and contract."""
    past_read: dict[tuple[int, Address], set[int]] = field(default_factory=dict)
    noted: set[tuple[int, int]] = field(default_factory=set)
    """Transactions, by block and index, that checks needed beside those of the cases."""
    opened: set[Hash32] = field(default_factory=set)
    """Fee statements and price plans that checks needed."""
    cases: tuple[Case, ...] = ()
    _hashes: dict[Hash32, tuple[Hash32, ...]] = field(default_factory=dict)
    _by_contract: dict[str, list[Happening]] = field(default_factory=dict)

    @property
    def last(self) -> Header:
        """The block whose state is proved."""
        return self.bundle.blocks[-1].final.header

    @property
    def chain_id(self) -> int:
        """The chain that signatures are for."""
        return self.bundle.chain_id

    def reader(self, address: Address) -> Callable[[int], int]:
        """Return a function that reads a contract's proved slots and notes each."""
        words, noted = self.words.get(address, {}), self.read.setdefault(address, set())

        def read(slot: int) -> int:
            noted.add(slot)
            if slot not in words:
                raise CheckFailed(f"state of {text_of(address)}", f"slot 0x{slot:x} is not proved")
            return words[slot]

        return read

    def reader_at(self, number: int, address: Address) -> Callable[[int], int] | None:
        """Return a function that reads a contract's slots after an earlier block, as `reader` does.

        None where the file does not show that state.
        """
        if number == self.last.number:
            return self.reader(address)
        words = self.past.get((number, address))
        if words is None:
            return None
        noted = self.past_read.setdefault((number, address), set())

        def read(slot: int) -> int:
            noted.add(slot)
            if slot not in words:
                subject = f"state of {text_of(address)} after block {number}"
                raise CheckFailed(subject, f"slot 0x{slot:x} is not proved")
            return words[slot]

        return read

    def note(self, happening: Happening) -> Happening:
        """Note that a check needed an event that no case holds, and return it."""
        self.noted.add((happening.block, happening.index))
        return happening

    def of_contract(self, contract: str, *names: str) -> list[Happening]:
        """Return a contract's events of some names, in the chain's order."""
        if sum(map(len, self._by_contract.values())) != len(self.happenings):
            self._by_contract = {}
            for happening in self.happenings:
                self._by_contract.setdefault(happening.event.contract, []).append(happening)
        return [h for h in self._by_contract.get(contract, ()) if h.name in names]

    def trail(self, lease: Hash32) -> tuple[SignedReceipt, ...]:
        """Return the receipts that the bundle holds of a lease."""
        for trail in self.bundle.trails:
            if trail.lease == lease:
                return trail.receipts
        return ()

    def hashes(self, lease: Hash32) -> tuple[Hash32, ...]:
        """Return the hashes of those receipts."""
        if lease not in self._hashes:
            self._hashes[lease] = tuple(
                receipt_hash(use.receipt, self.chain_id) for use in self.trail(lease)
            )
        return self._hashes[lease]

    def of_transaction(self, happening: Happening) -> Sequence[Happening]:
        """Return all events of the same transaction."""
        return [
            other
            for other in self.happenings
            if (other.block, other.index) == (happening.block, happening.index)
        ]
