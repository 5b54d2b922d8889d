"""Logs, bloom filters and transaction receipts.

A receipt is what a transaction left: status, cumulative gas, and the logs it emitted (yellow paper,
section 4.4.1; EIP-658 for the status; EIP-2718 for the type byte in front).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from node.errors import DecodeError
from node.spec.codec import (
    Encodable,
    Item,
    decode,
    encode,
    to_address,
    to_bytes,
    to_hash,
    to_int,
    to_list,
)
from node.spec.crypto import keccak256
from node.spec.header import BLOOM_LENGTH
from node.spec.types import Address, Hash32

TOPICS_MAX: Final = 4
EMPTY_BLOOM: Final = bytes(BLOOM_LENGTH)


@dataclass(frozen=True, slots=True)
class Log:
    """An event that a contract emitted."""

    address: Address
    topics: tuple[Hash32, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """A transaction's receipt; `type` is that of its transaction (0 is written without a byte)."""

    type: int
    succeeded: bool
    cumulative_gas: int
    logs: tuple[Log, ...]

    @property
    def bloom(self) -> bytes:
        """The filter over this receipt's logs."""
        return logs_bloom(self.logs)


def logs_bloom(logs: Iterable[Log]) -> bytes:
    """Return the 2048-bit filter over addresses and topics (yellow paper, M3:2048)."""
    bits = 0
    for log in logs:
        bits |= bloom_bits(log.address)
        for topic in log.topics:
            bits |= bloom_bits(topic)
    return bits.to_bytes(BLOOM_LENGTH, "big")


def bloom_bits(value: bytes) -> int:
    """Return the three bits that `value` sets, as an integer of the filter's width."""
    digest = keccak256(value)
    bits = 0
    for index in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[index : index + 2], "big") & 2047)
    return bits


def merge_blooms(blooms: Iterable[bytes]) -> bytes:
    """Return the union of filters: a block's from its receipts'."""
    bits = 0
    for bloom in blooms:
        bits |= int.from_bytes(bloom, "big")
    return bits.to_bytes(BLOOM_LENGTH, "big")


def log_index(receipts: Iterable[Receipt]) -> tuple[tuple[int, bytes], ...]:
    """Return each distinct emitter (as place 0) and topic (by its place from 1), ascending."""
    found = set[tuple[int, bytes]]()
    for receipt in receipts:
        for log in receipt.logs:
            found.add((0, log.address))
            found.update(enumerate(log.topics, start=1))
    return tuple(sorted(found))


def encode_receipt(receipt: Receipt) -> bytes:
    """Return the receipt's EIP-2718 envelope: its leaf in the receipts trie."""
    logs: Sequence[Encodable] = [[log.address, log.topics, log.data] for log in receipt.logs]
    body = encode([int(receipt.succeeded), receipt.cumulative_gas, receipt.bloom, logs])
    return bytes([receipt.type]) + body if receipt.type else body


def decode_receipt(data: bytes) -> Receipt:
    """Return the receipt that `data` is the canonical envelope of."""
    kind = data[0] if data and data[0] < 0x80 else 0
    if data[:1] == b"\0" or kind == 3:
        raise DecodeError(f"receipt: unknown type {kind}")
    items = to_list(decode(data[1:] if kind else data), "receipt", 4)
    status = to_int(items[0], "receipt status", 1)
    gas = to_int(items[1], "receipt cumulative gas")
    bloom = to_bytes(items[2], "receipt bloom", BLOOM_LENGTH)
    receipt = Receipt(kind, bool(status), gas, decode_logs(items[3]))
    if receipt.bloom != bloom:
        raise DecodeError("receipt: bloom does not match its logs")
    return receipt


def decode_logs(item: Item) -> tuple[Log, ...]:
    """Return the logs that a decoded list holds."""
    return tuple(_log(part) for part in to_list(item, "receipt logs"))


def _log(item: Item) -> Log:
    address, topics, data = to_list(item, "log", 3)
    return Log(
        to_address(address, "log address"),
        tuple(to_hash(topic, "log topic") for topic in to_list(topics, "topics", None, TOPICS_MAX)),
        to_bytes(data, "log data"),
    )
