"""Blocks: a header with its transactions, and the roots that bind them.

A body is `[header, [transactions], [ommers], [withdrawals]]`; ommers and withdrawals are always
empty here (as Besu has them from 26.1 on). A typed transaction is a byte string within the
list, a legacy one is the list itself, and both stand in a `Block` as the raw bytes whose keccak256
is the transaction's hash.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from node.errors import DecodeError
from node.spec.codec import Item, decode, encode, join_list, to_list
from node.spec.header import Header, encode_header, header_from_item
from node.spec.receipt import Receipt, encode_receipt
from node.spec.trie import root_of_list
from node.spec.types import Hash32

EMPTY_OMMERS_HASH: Final = Hash32(
    bytes.fromhex("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347")
)
BLOCK_LENGTH_MAX: Final = 8 * 1024 * 1024
"""Bytes of an encoded block; a proposal of it fits a frame (see `node.p2p.wire`)."""

_EMPTY_LIST: Final = b"\xc0"


@dataclass(frozen=True, slots=True)
class Block:
    """A header and the raw transactions it commits to."""

    header: Header
    transactions: tuple[bytes, ...] = ()


def encode_block(block: Block) -> bytes:
    """Return the block's RLP, with extra data as the header holds it."""
    parts = [encode_header(block.header), _encode_transactions(block.transactions), _EMPTY_LIST]
    if block.header.withdrawals_root is not None:
        parts.append(_EMPTY_LIST)
    return join_list(parts)


def decode_block(data: bytes) -> Block:
    """Return the block that `data` encodes."""
    if len(data) > BLOCK_LENGTH_MAX:
        raise DecodeError(f"block: more than {BLOCK_LENGTH_MAX} bytes")
    return block_from_item(decode(data))


def block_from_item(item: Item) -> Block:
    """Return the block that a decoded RLP item holds."""
    items = to_list(item, "block", length_max=4)
    if len(items) < 3:
        raise DecodeError("block: fewer than three parts")
    header = header_from_item(items[0])
    if any(to_list(part, "block ommers or withdrawals") for part in items[2:]):
        raise DecodeError("block: ommers and withdrawals must be empty")
    if (len(items) == 4) != (header.withdrawals_root is not None):
        raise DecodeError("block: a withdrawals list and its root belong together")
    transactions = to_list(items[1], "block transactions")
    return Block(header, tuple(_raw_transaction(part) for part in transactions))


def _encode_transactions(transactions: Sequence[bytes]) -> bytes:
    return join_list([raw if is_legacy(raw) else encode(raw) for raw in transactions])


def _raw_transaction(item: Item) -> bytes:
    if isinstance(item, list):
        return encode(item)
    if not item or is_legacy(item):
        raise DecodeError("block: a legacy transaction inside a string")
    return item


def is_legacy(raw: bytes) -> bool:
    """Whether raw transaction bytes are a bare list, not an EIP-2718 envelope."""
    return raw[:1] >= b"\xc0"


def transactions_root(transactions: Sequence[bytes]) -> Hash32:
    """Return the root of the trie from index to raw transaction."""
    return root_of_list(transactions)


def receipts_root(receipts: Sequence[Receipt]) -> Hash32:
    """Return the root of the trie from index to receipt envelope."""
    return root_of_list([encode_receipt(receipt) for receipt in receipts])
