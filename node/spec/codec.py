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
    position, end = 0, len(data)
    if not data:
        raise DecodeError("RLP: no bytes")
    top: list[Item] = []
    open_lists: list[tuple[list[Item], int]] = []
    current, limit = top, end
    while True:
        while position == limit and open_lists:
            current, limit = open_lists.pop()
        if position == limit:
            break
        if current is top and top:
            raise DecodeError("RLP: bytes after the end", why=f"at offset {position} of {end}")
        first = data[position]
        if first < 0x80:
            current.append(_SINGLE_BYTES[first])
            position += 1
            continue
        start, length = _read_prefix(data, position, limit)
        position = start
        if first < 0xC0:
            if length == 1 and data[start] < 0x80:
                raise DecodeError("RLP: single byte behind a prefix", why=f"at offset {start}")
            current.append(data[start : start + length])
            position += length
        else:
            if len(open_lists) >= depth_max:
                raise DecodeError("RLP: nested too deep", why=f"more than {depth_max} lists")
            inner: list[Item] = []
            current.append(inner)
            open_lists.append((current, limit))
            current, limit = inner, start + length
    return top[0]


def _read_prefix(data: bytes, position: int, limit: int) -> tuple[int, int]:
    """Return (start of the payload, its length), both checked to lie before `limit`."""
    first = data[position]
    short = first - (0x80 if first < 0xC0 else 0xC0)
    position += 1
    if short < 56:
        length = short
    else:
        digits = data[position : min(position + short - 55, limit)]
        if len(digits) != short - 55:
            raise DecodeError("RLP: truncated length", why=f"at offset {position}")
        length = int.from_bytes(digits, "big")
        if digits[0] == 0 or length < 56:
            raise DecodeError("RLP: length not minimal", why=f"at offset {position}")
        position += len(digits)
    if length > limit - position:
        raise DecodeError("RLP: truncated", why=f"{length} bytes claimed at offset {position}")
    return position, length


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
