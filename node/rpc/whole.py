"""Blocks with all that their shapes need, decoded once and off the event loop.

A block may hold thousands of transactions, and clients ask for them one by one. So the last few
blocks asked for are held decoded, and whoever asks for another waits for a worker thread, never the
votes of consensus.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from node.errors import StoreError
from node.spec.block import Block
from node.spec.receipt import Receipt
from node.spec.transaction import Transaction
from node.spec.types import Address, Hash32
from node.storage.blocks import Blocks

HELD_MAX: Final = 4_096
"""Transactions of all blocks held decoded, some six kilobytes each; one block may have more."""

Resolve = Callable[[Sequence[bytes]], Sequence[tuple[Transaction, Address | None]]]


@dataclass(frozen=True, slots=True)
class WholeBlock:
    """A block, its transactions with their senders, and its receipts."""

    block: Block
    hash: Hash32
    transactions: tuple[tuple[Transaction, Address], ...]
    receipts: tuple[Receipt, ...]
    first_logs: tuple[int, ...]
    """The index in the block of each receipt's first log."""


class WholeBlocks:
    """Decoded blocks by number; there is one chain, so a number names one block for good."""

    def __init__(self, blocks: Blocks, resolve: Resolve) -> None:
        self._blocks = blocks
        self._resolve = resolve
        self._held: OrderedDict[int, WholeBlock] = OrderedDict()
        self._lock = asyncio.Lock()
        self._guard = threading.Lock()

    async def get(self, number: int) -> WholeBlock | None:
        """Return a block, None where the chain is shorter; decoded in a thread, one at a time."""
        held = self._look(number)
        if held is not None:
            return held
        async with self._lock:
            return await asyncio.to_thread(self.read, number)

    def read(self, number: int) -> WholeBlock | None:
        """Return a block, None where the chain is shorter; takes its time."""
        held = self._look(number)
        if held is not None:
            return held
        block, block_hash = self._blocks.block(number), self._blocks.hash_of(number)
        if block is None or block_hash is None:
            return None
        receipts = self._blocks.receipts(number) or ()
        if len(receipts) != len(block.transactions):
            raise StoreError(f"store: receipts {number} do not fit their block")
        counts = accumulate((len(receipt.logs) for receipt in receipts), initial=0)
        transactions = tuple(
            (transaction, sender if sender is not None else _nobody(transaction))
            for transaction, sender in self._resolve(block.transactions)
        )
        whole = WholeBlock(block, block_hash, transactions, receipts, tuple(counts))
        self._keep(number, whole)
        return whole

    def _look(self, number: int) -> WholeBlock | None:
        with self._guard:
            held = self._held.get(number)
            if held is not None:
                self._held.move_to_end(number)
            return held

    def _keep(self, number: int, whole: WholeBlock) -> None:
        with self._guard:
            self._held[number] = whole
            count = sum(len(held.transactions) for held in self._held.values())
            while len(self._held) > 1 and count > HELD_MAX:
                _, oldest = self._held.popitem(last=False)
                count -= len(oldest.transactions)


def _nobody(transaction: Transaction) -> Address:
    raise StoreError(f"store: transaction 0x{transaction.hash.hex()} has no sender")
