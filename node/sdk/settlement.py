"""Batches over journals: both sides build the same one, each from its own record, and sign it.

A range takes a lease's countersigned receipts from the first that is not settled; the batch's root
is over all of them in the order of the ranges (R13).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from node.errors import Refused
from node.sdk.journal import Journal
from node.spec import merkle
from node.spec.types import Hash32
from node.spec.usage import Batch, UseRange, lease_id, pack_ranges, ranges_hash, receipt_hash


@dataclass(frozen=True, slots=True)
class RangeRequest:
    """A wish for a range: the uses `first` to `last` of an authorization's lease."""

    authorization: Hash32
    lease: int
    first: int
    last: int
    closes: bool


@dataclass(frozen=True, slots=True)
class BuiltBatch:
    """A batch with its ranges and the receipt hashes that its root is over."""

    batch: Batch
    ranges: tuple[UseRange, ...]
    leaves: tuple[Hash32, ...]


def build_batch(
    journal: Journal, provider: int, consumer: int, wishes: Sequence[RangeRequest], chain_id: int
) -> BuiltBatch:
    """Return the batch over the receipts that a journal holds for these ranges.

    Raises:
        Refused: a receipt is missing or lacks the countersignature.
    """
    leaves: list[Hash32] = []
    ranges: list[UseRange] = []
    highest = 0
    for wish in wishes:
        last, last_hash = wish.first - 1, lease_id(wish.authorization, wish.lease)
        for number in range(wish.first, wish.last + 1):
            use = journal.get(lease_id(wish.authorization, wish.lease), number)
            if use is None or use.receipt is None or use.consumer_signature is None:
                raise Refused(
                    "settlement: receipt missing", why=f"use {number} is not countersigned here"
                )
            last, last_hash = number, receipt_hash(use.receipt, chain_id)
            highest = max(highest, use.receipt.state_block)
            leaves.append(last_hash)
        ranges.append(
            UseRange(wish.authorization, wish.lease, wish.first, last, last_hash, wish.closes)
        )
    root = merkle.root(leaves)
    batch = Batch(provider, consumer, root, ranges_hash(pack_ranges(ranges)), len(leaves), highest)
    return BuiltBatch(batch, tuple(ranges), tuple(leaves))
