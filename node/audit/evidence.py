"""What a bundle shows once its chain part is proved: events in order, state words, trails.

These are the values that later checks work on. Each came out of a proof: an event from a receipt
under a final header's receipts root, a word from a storage proof under the last state root.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from node.audit.bundle import Bundle
from node.sdk.abi import Event
from node.sdk.contracts import terms_from_event
from node.spec.finality import ValidatorSets
from node.spec.header import Header
from node.spec.registry import AuthorizationState, LeaseState
from node.spec.terms import Terms
from node.spec.transaction import Transaction
from node.spec.types import Address, Hash32
from node.spec.usage import SignedReceipt


@dataclass(frozen=True, slots=True)
class Happening:
    """A contract's event with the transaction and block it happened in."""

    event: Event
    transaction: Transaction
    header: Header
    index: int
    """The transaction's place in its block."""

    @property
    def name(self) -> str:
        """The event's name."""
        return self.event.name

    def value(self, name: str) -> Any:
        """Return one of the event's values."""
        return self.event.values[name]

    @property
    def where(self) -> str:
        """The block and transaction, for findings."""
        return f"block {self.header.number}, transaction {self.index}"


@dataclass(slots=True)
class Evidence:
    """The growing result of a verification."""

    bundle: Bundle
    sets: ValidatorSets = field(default_factory=dict)
    happenings: list[Happening] = field(default_factory=list)
    words: Mapping[Address, Mapping[int, int]] = field(default_factory=dict)
    terms: dict[Hash32, Terms] = field(default_factory=dict)
    authorizations: dict[Hash32, AuthorizationState] = field(default_factory=dict)
    leases: dict[Hash32, LeaseState] = field(default_factory=dict)
    lease_of: dict[Hash32, tuple[Hash32, int]] = field(default_factory=dict)
    """A lease's authorization and its number there."""
    receipt_hashes: dict[Hash32, tuple[Hash32, ...]] = field(default_factory=dict)

    def named(self, *names: str) -> Iterator[Happening]:
        """Yield the events of some names, in the chain's order."""
        return (happening for happening in self.happenings if happening.name in names)

    def trail(self, lease: Hash32) -> tuple[SignedReceipt, ...]:
        """Return the receipts that the bundle holds of a lease."""
        for trail in self.bundle.trails:
            if trail.lease == lease:
                return trail.receipts
        return ()

    @property
    def last(self) -> Header:
        """The block whose state is proved."""
        return self.bundle.blocks[-1].final.header


def requested_terms(happening: Happening) -> Terms:
    """Return the terms inside an AuthorizationRequested event."""
    return terms_from_event(happening.value("terms"))
