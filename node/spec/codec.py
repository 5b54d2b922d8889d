"""Recursive Length Prefix, canonical in both directions.

RLP (yellow paper, appendix B) knows two kinds of item: byte strings and lists of items. Every value
has exactly one encoding here: `decode` refuses a length that could be written shorter, a single
byte below 0x80 behind a prefix, bytes after the end, and nesting beyond `depth_max`. It is
iterative and checks each length against what is there before it takes a byte, so a stranger's
message costs at most what it weighs.

The `to_*` helpers turn decoded items into typed values and name what was wrong. What an item means
is left to the module that owns the type.
"""

from collections.abc import Sequence
from typing import Final

from node.errors import DecodeError
from node.spec.types import ADDRESS_LENGTH, HASH_LENGTH, Address, Hash32

Item = bytes | list["Item"]
Encodable = bytes | int | Sequence["Encodable"]

DEPTH_MAX: Final = 16
"""Deepest nesting any of our types needs is 9 (a prepared proposal's access lists)."""

_SINGLE_BYTES: Final = tuple(bytes([value]) for value in range(256))


def encode(item: Encodable) -> bytes:
    """Return the one RLP encoding of `item`; integers become minimal big-endian strings."""
    if isinstance(item, bytes):
        return _encode_bytes(item)
    if isinstance(item, int):
        return _encode_bytes(int_to_bytes(item))
    return join_list([encode(part) for part in item])


def join_list(encoded: Sequence[bytes]) -> bytes:
    """Return the list whose items are already encoded."""
    payload = b"".join(encoded)
    return _prefix(len(payload), 0xC0) + payload


def int_to_bytes(value: int) -> bytes:
    """Return the minimal big-endian form of a non-negative integer; 0 is the empty string."""
    if value < 0:
        raise ValueError("RLP has no negative integers")
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _encode_bytes(data: bytes) -> bytes:
    if len(data) == 1 and data[0] < 0x80:
        return data
    return _prefix(len(data), 0x80) + data


def _prefix(length: int, offset: int) -> bytes:
    if length < 56:
        return _SINGLE_BYTES[offset + length]
    digits = int_to_bytes(length)
    return _SINGLE_BYTES[offset + 55 + len(digits)] + digits


def decode(data: bytes, *, depth_max: int = DEPTH_MAX) -> Item:
    """Return the item that `data` is the canonical encoding of.

    Raises:
        DecodeError: `data` is truncated, has bytes left over, is not canonical or nests too deep.
    """
    top: list[Item] = []
    stack: list[tuple[list[Item], int]] = [(top, _end_of_item(data, 0, len(data)))]
    if stack[0][1] != len(data):
        raise DecodeError("RLP: bytes after the end", why=f"at offset {stack[0][1]} of {len(data)}")
    position = 0
    while stack:
        target, limit = stack[-1]
        if position == limit:
            stack.pop()
            continue
        start, length = _read_prefix(data, position, limit)
        if data[position] < 0xC0:
            target.append(data[start : start + length])
            position = start + length
            continue
        if len(stack) > depth_max:
            raise DecodeError("RLP: nested too deep", why=f"more than {depth_max} lists")
        inner: list[Item] = []
        target.append(inner)
        stack.append((inner, start + length))
        position = start
    return top[0]


def _end_of_item(data: bytes, position: int, limit: int) -> int:
    start, length = _read_prefix(data, position, limit)
    return start + length


def _read_prefix(data: bytes, position: int, limit: int) -> tuple[int, int]:
    """Return (start of the payload, its length), both checked to lie before `limit`."""
    if position >= limit:
        raise DecodeError("RLP: no bytes")
    first = data[position]
    if first < 0x80:
        return position, 1
    short = first - (0x80 if first < 0xC0 else 0xC0)
    start = position + 1
    length = short if short < 56 else _long_length(data[start : min(start + short - 55, limit)])
    start += max(0, short - 55)
    if length > limit - start:
        raise DecodeError("RLP: truncated", why=f"{length} bytes claimed at offset {start}")
    if first == 0x81 and data[start] < 0x80:
        raise DecodeError("RLP: single byte behind a prefix", why=f"at offset {start}")
    return start, length


def _long_length(digits: bytes) -> int:
    length = int.from_bytes(digits, "big")
    if digits[:1] in (b"", b"\0") or length < 56:
        raise DecodeError("RLP: length truncated or not minimal")
    return length


def to_list(
    item: Item, what: str, length: int | None = None, length_max: int = 2**31
) -> list[Item]:
    """Return `item` as a list, of exactly `length` items where given."""
    if not isinstance(item, list):
        raise DecodeError(f"{what}: expected a list, found a string")
    if length is not None and len(item) != length:
        raise DecodeError(f"{what}: expected {length} items, found {len(item)}")
    if len(item) > length_max:
        raise DecodeError(f"{what}: more than {length_max} items")
    return item


def to_bytes(item: Item, what: str, length: int | None = None, length_max: int = 2**31) -> bytes:
    """Return `item` as a byte string, of exactly `length` bytes where given."""
    if isinstance(item, list):
        raise DecodeError(f"{what}: expected a string, found a list")
    if length is not None and len(item) != length:
        raise DecodeError(f"{what}: expected {length} bytes, found {len(item)}")
    if len(item) > length_max:
        raise DecodeError(f"{what}: more than {length_max} bytes")
    return item


def to_int(item: Item, what: str, bits: int = 64) -> int:
    """Return `item` as a non-negative integer below 2**bits, written without leading zeros."""
    data = to_bytes(item, what)
    if data[:1] == b"\0":
        raise DecodeError(f"{what}: integer with a leading zero")
    if len(data) * 8 > bits + 7 or (value := int.from_bytes(data, "big")) >> bits:
        raise DecodeError(f"{what}: integer above {bits} bits")
    return value


def to_address(item: Item, what: str) -> Address:
    """Return `item` as a 20-byte address."""
    return Address(to_bytes(item, what, ADDRESS_LENGTH))


def to_hash(item: Item, what: str) -> Hash32:
    """Return `item` as a 32-byte hash."""
    return Hash32(to_bytes(item, what, HASH_LENGTH))
