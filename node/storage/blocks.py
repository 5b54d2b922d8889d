"""Blocks, receipts and what finds them: by number, by hash, by transaction.

There is one chain and no reorganisation: a block is stored when it is final, under its number. Its
header keeps the seals this node imported it with. Reads that find nothing return None; a part that
must be there and is not is a `StoreError`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from node.errors import DataccordError, StoreError
from node.spec.block import Block
from node.spec.codec import decode, encode, to_bytes, to_list
from node.spec.header import Header, decode_header, encode_header
from node.spec.receipt import Log, Receipt
from node.spec.transaction import Transaction, decode_transaction
from node.spec.types import Hash32
from node.storage.keys import (
    BODY,
    HASH_OF,
    HEAD,
    HEADER,
    NUMBER_OF,
    RECEIPTS,
    TRANSACTION,
    number_key,
)
from node.storage.kv import Reader
from node.storage.logs import LogFilter, candidate_blocks, log_keys
from node.storage.receipts import decode_receipts, encode_receipts

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Head:
    """The newest block."""

    number: int
    hash: Hash32


@dataclass(frozen=True, slots=True)
class Place:
    """Where a transaction stands in the chain."""

    number: int
    index: int


@dataclass(frozen=True, slots=True)
class FoundLog:
    """A log with its place: block, transaction within it, and log within the block."""

    log: Log
    number: int
    transaction_index: int
    log_index: int


def block_entries(
    block: Block,
    block_hash: Hash32,
    transaction_hashes: Sequence[Hash32],
    receipts: Sequence[bytes],
    log_index: Sequence[tuple[int, bytes]],
) -> dict[bytes, bytes]:
    """Return all that the store keeps of a block, as part of its one batch."""
    number = block.header.number
    place = number.to_bytes(8, "big")
    entries = {
        number_key(HEADER, number): encode_header(block.header),
        number_key(BODY, number): encode(list(block.transactions)),
        number_key(RECEIPTS, number): encode_receipts(receipts),
        number_key(HASH_OF, number): bytes(block_hash),
        NUMBER_OF + block_hash: place,
        HEAD: place + block_hash,
    }
    for index, transaction_hash in enumerate(transaction_hashes):
        entries[TRANSACTION + transaction_hash] = place + index.to_bytes(4, "big")
    return entries | log_keys(number, log_index)


class Blocks:
    """Reads of the chain's blocks over a store or a snapshot of it."""

    def __init__(self, kv: Reader) -> None:
        self._kv = kv

    def head(self) -> Head | None:
        """Return the newest block, None in an empty store."""
        held = self._kv.get(HEAD)
        if held is None:
            return None
        return Head(int.from_bytes(held[:8], "big"), Hash32(held[8:]))

    def hash_of(self, number: int) -> Hash32 | None:
        """Return the hash of the block with this number."""
        held = self._kv.get(number_key(HASH_OF, number))
        return None if held is None else Hash32(held)

    def number_of(self, block_hash: Hash32) -> int | None:
        """Return the number of the block with this hash."""
        held = self._kv.get(NUMBER_OF + block_hash)
        return None if held is None else int.from_bytes(held, "big")

    def header(self, number: int) -> Header | None:
        """Return a block's header with its seals."""
        held = self._kv.get(number_key(HEADER, number))
        return None if held is None else _checked(f"header {number}", decode_header, held)

    def transactions(self, number: int) -> tuple[bytes, ...] | None:
        """Return a block's raw transactions."""
        held = self._kv.get(number_key(BODY, number))
        return None if held is None else _checked(f"body {number}", _byte_strings, held)

    def block(self, number: int) -> Block | None:
        """Return a whole block."""
        header, transactions = self.header(number), self.transactions(number)
        if header is None:
            return None
        if transactions is None:
            raise _missing(f"body {number}")
        return Block(header, transactions)

    def receipts(self, number: int) -> tuple[Receipt, ...] | None:
        """Return the receipts of a block's transactions, in order."""
        held = self._kv.get(number_key(RECEIPTS, number))
        return None if held is None else _checked(f"receipts {number}", decode_receipts, held)

    def place_of(self, transaction_hash: Hash32) -> Place | None:
        """Return where a transaction stands."""
        held = self._kv.get(TRANSACTION + transaction_hash)
        if held is None:
            return None
        return Place(int.from_bytes(held[:8], "big"), int.from_bytes(held[8:], "big"))

    def transaction(self, transaction_hash: Hash32) -> tuple[Transaction, Place] | None:
        """Return a transaction with its place."""
        place = self.place_of(transaction_hash)
        if place is None:
            return None
        raws = self.transactions(place.number)
        if raws is None or place.index >= len(raws):
            raise _missing(f"transaction 0x{transaction_hash.hex()}")
        return decode_transaction(raws[place.index]), place

    def logs(self, wanted: LogFilter, first: int, last: int) -> Iterator[FoundLog]:
        """Yield the wanted logs of blocks first to last, in order; stop when you have enough."""
        numbers = candidate_blocks(self._kv, wanted, first, last)
        for number in range(first, last + 1) if numbers is None else numbers:
            yield from (found for found in self.logs_of(number) if wanted.matches(found.log))

    def logs_of(self, number: int) -> Iterator[FoundLog]:
        """Yield all logs of a block, in order."""
        count = 0
        for index, receipt in enumerate(self.receipts(number) or ()):
            for log in receipt.logs:
                yield FoundLog(log, number, index, count)
                count += 1


def check_links(blocks: Blocks, depth: int) -> None:
    """Raise `StoreError` unless the newest `depth` blocks are all there and name their parents."""
    head = blocks.head()
    if head is None:
        return
    expected = head.hash
    for number in range(head.number, max(-1, head.number - depth), -1):
        header = blocks.header(number)
        if header is None or blocks.hash_of(number) != expected:
            raise _missing(f"block {number}")
        expected = header.parent_hash


def _checked(what: str, parse: Callable[[bytes], Part], data: bytes) -> Part:
    try:
        return parse(data)
    except DataccordError as error:
        raise StoreError(
            f"store: {what} is damaged", why=error.what, next_command="dataccord store check"
        ) from error


def _missing(what: str) -> StoreError:
    return StoreError(f"store: {what} is missing", next_command="dataccord store check")


def _byte_strings(data: bytes) -> tuple[bytes, ...]:
    return tuple(to_bytes(item, "stored item") for item in to_list(decode(data), "stored list"))
