"""Decoded transactions with their senders, by their raw bytes.

Recovering a sender costs 50 microseconds (25 natively, on two cores); a transaction is met in the
pool, when a block is built or checked, and when it is committed. The cache makes that one time. It
is bounded, the oldest entries go first, and it may be used from any thread.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from lru import LRU

from node.errors import DecodeError
from node.spec.transaction import Transaction
from node.spec.types import Address

CACHE_MAX: Final = 50_000
"""A full pool and some blocks."""


Resolved = tuple[Transaction, Address | None]
"""A transaction with its sender, None where the signature recovers to nobody."""


class Recovers(Protocol):
    """The part of an engine that finds senders."""

    def recover(self, raws: Sequence[bytes]) -> Sequence[Resolved | DecodeError]:
        """Decode raw transactions and recover their senders, in the order given."""
        ...


class TransactionCache:
    """Raw bytes to transaction and sender."""

    def __init__(self, engine: Recovers, size_max: int = CACHE_MAX) -> None:
        self._engine = engine
        self._held: LRU[bytes, Resolved] = LRU(size_max)

    def resolve(self, raws: Sequence[bytes]) -> list[Resolved]:
        """Return transactions and senders in the order given.

        Raises:
            DecodeError: one of them is no transaction.
        """
        found = []
        for item in self.resolve_each(raws):
            if isinstance(item, DecodeError):
                raise item
            found.append(item)
        return found

    def read(self, raws: Sequence[bytes]) -> list[Resolved]:
        """Return a stored block's transactions and senders, and keep none: readers are many."""
        known = {raw: held for raw in raws if (held := self._held.get(raw)) is not None}
        missing = [raw for raw in raws if raw not in known]
        for raw, item in zip(missing, self._engine.recover(missing), strict=True):
            if isinstance(item, DecodeError):
                raise item
            known[raw] = item
        return [known[raw] for raw in raws]

    def resolve_each(self, raws: Sequence[bytes]) -> list[Resolved | DecodeError]:
        """Return transactions and senders in the order given, an error for what is none."""
        found: list[Resolved | DecodeError | None] = [self._held.get(raw) for raw in raws]
        missing = [index for index, known in enumerate(found) if known is None]
        recovered = self._engine.recover([raws[index] for index in missing])
        for index, item in zip(missing, recovered, strict=True):
            found[index] = item
            if not isinstance(item, DecodeError):
                self._held[raws[index]] = item
        return [item for item in found if item is not None]

    def forget(self, raws: Sequence[bytes]) -> None:
        """Let go of transactions that are not likely to be met again."""
        for raw in raws:
            self._held.pop(raw, None)
