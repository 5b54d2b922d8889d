"""The block header and its one encoding.

Fields and their order follow the yellow paper, section 4.4, and the EIPs that appended to it. A
header ends at its first absent field, so those of older rule sets decode as well; Dataccord's own
blocks are Prague and carry all 21. Which values the fields may take is judged in
`node.chain.header_rules`; what `extra_data` means is QBFT's and stands in `node.spec.seal`.
"""

from dataclasses import dataclass, fields
from typing import Any, Final

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
from node.spec.types import Address, Hash32

BLOOM_LENGTH: Final = 256
EXTRA_DATA_LENGTH_MAX: Final = 16_384
"""Enough for the seals of 100 validators in contract mode, and for 100 listed addresses."""

FIELDS_MIN: Final = 15
FIELDS_PRAGUE: Final = 21


@dataclass(frozen=True, slots=True)
class Header:
    """A block header; the comment of each group names the EIP that added it."""

    parent_hash: Hash32
    ommers_hash: Hash32
    coinbase: Address
    state_root: Hash32
    transactions_root: Hash32
    receipts_root: Hash32
    logs_bloom: bytes
    difficulty: int
    number: int
    gas_limit: int
    gas_used: int
    timestamp: int
    extra_data: bytes
    mix_hash: Hash32
    nonce: bytes
    base_fee: int | None = None  # EIP-1559
    withdrawals_root: Hash32 | None = None  # EIP-4895
    blob_gas_used: int | None = None  # EIP-4844
    excess_blob_gas: int | None = None
    parent_beacon_block_root: Hash32 | None = None  # EIP-4788
    requests_hash: Hash32 | None = None  # EIP-7685


_NAMES: Final = tuple(field.name for field in fields(Header))
_HASHES: Final = frozenset(
    {"parent_hash", "ommers_hash", "state_root", "transactions_root", "receipts_root", "mix_hash"}
    | {"withdrawals_root", "parent_beacon_block_root", "requests_hash"}
)
_BITS: Final = {"difficulty": 256, "base_fee": 256}


def header_items(header: Header) -> list[Encodable]:
    """Return the header's RLP items, up to the first absent field."""
    items: list[Encodable] = []
    for name in _NAMES:
        value = getattr(header, name)
        if value is None:
            break
        items.append(value)
    if any(getattr(header, name) is not None for name in _NAMES[len(items) :]):
        raise DecodeError("header: a field follows an absent one")
    return items


def encode_header(header: Header) -> bytes:
    """Return the header's RLP with extra data as it stands."""
    return encode(header_items(header))


def decode_header(data: bytes) -> Header:
    """Return the header that `data` encodes."""
    return header_from_item(decode(data))


def header_from_item(item: Item) -> Header:
    """Return the header that a decoded RLP item holds."""
    items = to_list(item, "header", length_max=FIELDS_PRAGUE)
    if len(items) < FIELDS_MIN:
        raise DecodeError(f"header: {len(items)} fields, at least {FIELDS_MIN} needed")
    values: dict[str, Any] = {
        name: _field(name, part) for name, part in zip(_NAMES, items, strict=False)
    }
    return Header(**values)


def _field(name: str, item: Item) -> bytes | int:
    what = f"header {name}"
    if name in _HASHES:
        return to_hash(item, what)
    match name:
        case "coinbase":
            return to_address(item, what)
        case "logs_bloom":
            return to_bytes(item, what, BLOOM_LENGTH)
        case "extra_data":
            return to_bytes(item, what, length_max=EXTRA_DATA_LENGTH_MAX)
        case "nonce":
            return to_bytes(item, what, 8)
        case _:
            return to_int(item, what, _BITS.get(name, 64))
