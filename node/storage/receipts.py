"""How a block's receipts are stored: as their envelopes, but without the blooms.

A bloom is 256 bytes that follow from the logs, more than half of a small receipt. So each receipt
is stored as its type and the list of status, cumulative gas and logs; whoever needs the bloom
computes it (`node.spec.receipt`).
"""

from collections.abc import Iterable
from typing import Final

from node.spec.codec import decode, encode, join_list, to_bytes, to_int, to_list
from node.spec.header import BLOOM_LENGTH
from node.spec.receipt import Receipt, decode_logs

_STRING: Final = 0x80
_LONG_LIST: Final = 0xF7
_BLOOM_LENGTH: Final = 3 + BLOOM_LENGTH
"""The bloom with its prefix."""


def encode_receipts(envelopes: Iterable[bytes]) -> bytes:
    """Return the stored form of receipts that are given as their envelopes."""
    return encode([_without_bloom(envelope) for envelope in envelopes])


def _without_bloom(envelope: bytes) -> bytes:
    """Return a receipt's type and its list without the bloom.

    The bloom makes every receipt a long list: after its prefix come one byte of status, then the
    gas, then the bloom.
    """
    kind, body = (b"\0", envelope) if envelope[0] > _LONG_LIST else (envelope[:1], envelope[1:])
    start = 1 + body[0] - _LONG_LIST
    gas = start + 1
    bloom = gas + 1 + max(0, body[gas] - _STRING)
    return kind + join_list([body[start:bloom], body[bloom + _BLOOM_LENGTH :]])


def decode_receipts(data: bytes) -> tuple[Receipt, ...]:
    """Return the receipts that were stored."""
    stored = to_list(decode(data), "stored receipts")
    return tuple(_receipt(to_bytes(item, "stored receipt")) for item in stored)


def _receipt(data: bytes) -> Receipt:
    status, gas, logs = to_list(decode(data[1:]), "stored receipt", 3)
    succeeded = bool(to_int(status, "receipt status", 1))
    return Receipt(data[0], succeeded, to_int(gas, "receipt cumulative gas"), decode_logs(logs))
