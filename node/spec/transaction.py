"""Transactions: types 0, 1, 2 and 4, their bytes, their hash and their sender.

A transaction travels and is stored as its raw bytes: a bare RLP list for legacy ones (EIP-155), a
type byte and a list for the others (EIP-2718; 2930, 1559, 7702). Decoding is canonical, so one
transaction has one hash. Blob transactions (type 3) do not exist here. Whether a transaction is
valid is judged in `node.spec.transaction_rules`.
"""

from dataclasses import dataclass
from typing import Final

from node.errors import DecodeError, SignatureError
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
from node.spec.crypto import keccak256, recover, sign
from node.spec.types import Address, Hash32

LEGACY: Final = 0
ACCESS_LIST: Final = 1
DYNAMIC_FEE: Final = 2
SET_CODE: Final = 4

TRANSACTION_LENGTH_MAX: Final = 131_072
"""Bytes of one raw transaction, as geth's pool allows."""

_ITEM_COUNT: Final = {LEGACY: 9, ACCESS_LIST: 11, DYNAMIC_FEE: 12, SET_CODE: 13}
_AUTHORIZATION_MAGIC: Final = b"\x05"

AccessList = tuple[tuple[Address, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class Authorization:
    """A signed permission to run the code at `address` in the signer's account (EIP-7702)."""

    chain_id: int
    address: Address
    nonce: int
    y_parity: int
    r: int
    s: int

    def authority(self) -> Address:
        """Return the signer.

        Raises:
            SignatureError: the signature recovers to no key.
        """
        digest = keccak256(_AUTHORIZATION_MAGIC + encode([self.chain_id, self.address, self.nonce]))
        return recover(digest, join_signature(self.r, self.s, self.y_parity))


@dataclass(frozen=True, slots=True)
class Transaction:
    """A decoded transaction with the raw bytes it came from.

    `chain_id` is None for a legacy transaction without replay protection. Types 0 and 1 name one
    gas price, which stands in both fee fields. Amounts are in wei, `gas` in units of gas.
    """

    type: int
    chain_id: int | None
    nonce: int
    max_priority_fee: int
    max_fee: int
    gas: int
    to: Address | None
    value: int
    data: bytes
    access_list: AccessList
    authorizations: tuple[Authorization, ...]
    y_parity: int
    r: int
    s: int
    signing_hash: Hash32
    hash: Hash32
    raw: bytes

    @property
    def signature(self) -> bytes:
        """The 65 bytes r ‖ s ‖ v."""
        return join_signature(self.r, self.s, self.y_parity)


def join_signature(r: int, s: int, y_parity: int) -> bytes:
    """Return r ‖ s ‖ v as 65 bytes.

    Raises:
        SignatureError: a part does not fit its place.
    """
    if r >> 256 or s >> 256 or y_parity > 1:
        raise SignatureError("signature: r, s or y parity out of range")
    return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([y_parity])


def recover_sender(transaction: Transaction) -> Address:
    """Return the address whose key signed the transaction.

    Raises:
        SignatureError: no key did, or s is in the upper half (EIP-2).
    """
    return recover(transaction.signing_hash, transaction.signature)


def decode_transaction(raw: bytes) -> Transaction:
    """Return the transaction that `raw` is the canonical form of.

    Raises:
        DecodeError: unknown type, wrong shape, or not canonical.
    """
    if not raw or len(raw) > TRANSACTION_LENGTH_MAX:
        raise DecodeError(f"transaction: {len(raw)} bytes, 1 to {TRANSACTION_LENGTH_MAX} allowed")
    kind = LEGACY if raw[0] >= 0xC0 else raw[0]
    if kind not in _ITEM_COUNT or (kind == LEGACY and raw[0] == 0):
        raise DecodeError(f"transaction: type {raw[0]} is not supported")
    items = to_list(
        decode(raw[1:] if kind else raw), f"transaction of type {kind}", _ITEM_COUNT[kind]
    )
    return _legacy(items, raw) if kind == LEGACY else _typed(kind, items, raw)


def _legacy(items: list[Item], raw: bytes) -> Transaction:
    v = to_int(items[6], "transaction v")
    chain_id, y_parity = (None, v - 27) if v in (27, 28) else ((v - 35) // 2, (v - 35) % 2)
    if chain_id is not None and v < 37:
        raise DecodeError(f"transaction: v of {v}")
    suffix: list[Item | int] = [] if chain_id is None else [chain_id, b"", b""]
    price = to_int(items[1], "transaction gas price", 256)
    return Transaction(
        type=LEGACY,
        chain_id=chain_id,
        nonce=to_int(items[0], "transaction nonce"),
        max_priority_fee=price,
        max_fee=price,
        gas=to_int(items[2], "transaction gas"),
        to=_recipient(items[3]),
        value=to_int(items[4], "transaction value", 256),
        data=to_bytes(items[5], "transaction data"),
        access_list=(),
        authorizations=(),
        y_parity=y_parity,
        r=to_int(items[7], "transaction r", 256),
        s=to_int(items[8], "transaction s", 256),
        signing_hash=keccak256(encode([*items[:6], *suffix])),
        hash=keccak256(raw),
        raw=raw,
    )


def _typed(kind: int, items: list[Item], raw: bytes) -> Transaction:
    tip = to_int(items[2], "transaction priority fee", 256)
    # Types 2 and 4 name two fees, type 1 one: everything after them is one place earlier.
    rest = items[3:] if kind == ACCESS_LIST else items[4:]
    fee = tip if kind == ACCESS_LIST else to_int(items[3], "transaction fee", 256)
    return Transaction(
        type=kind,
        chain_id=to_int(items[0], "transaction chain id"),
        nonce=to_int(items[1], "transaction nonce"),
        max_priority_fee=tip,
        max_fee=fee,
        gas=to_int(rest[0], "transaction gas"),
        to=_recipient(rest[1]),
        value=to_int(rest[2], "transaction value", 256),
        data=to_bytes(rest[3], "transaction data"),
        access_list=_access_list(rest[4]),
        authorizations=_authorizations(rest[5]) if kind == SET_CODE else (),
        y_parity=to_int(items[-3], "transaction y parity", 1),
        r=to_int(items[-2], "transaction r", 256),
        s=to_int(items[-1], "transaction s", 256),
        signing_hash=keccak256(bytes([kind]) + encode(items[:-3])),
        hash=keccak256(raw),
        raw=raw,
    )


def _recipient(item: Item) -> Address | None:
    return None if item == b"" else to_address(item, "transaction recipient")


def _access_list(item: Item) -> AccessList:
    entries = []
    for part in to_list(item, "access list"):
        address, slots = to_list(part, "access list entry", 2)
        words = (to_hash(slot, "access list slot") for slot in to_list(slots, "access list slots"))
        entries.append(
            (
                to_address(address, "access list address"),
                tuple(int.from_bytes(word, "big") for word in words),
            )
        )
    return tuple(entries)


def _authorizations(item: Item) -> tuple[Authorization, ...]:
    found = []
    for part in to_list(item, "authorization list"):
        fields = to_list(part, "authorization", 6)
        found.append(
            Authorization(
                to_int(fields[0], "authorization chain id", 256),
                to_address(fields[1], "authorization address"),
                to_int(fields[2], "authorization nonce"),
                to_int(fields[3], "authorization y parity", 8),
                to_int(fields[4], "authorization r", 256),
                to_int(fields[5], "authorization s", 256),
            )
        )
    return tuple(found)


def sign_dynamic_fee(
    private_key: bytes,
    *,
    chain_id: int,
    nonce: int,
    gas: int,
    to: Address | None,
    data: bytes = b"",
    value: int = 0,
    max_fee: int = 0,
    max_priority_fee: int = 0,
) -> bytes:
    """Return the raw bytes of a signed type 2 transaction without access list."""
    recipient: Encodable = to if to is not None else b""
    fields: list[Encodable] = [
        *(chain_id, nonce, max_priority_fee, max_fee, gas),
        *(recipient, value, data, []),
    ]
    signature = sign(private_key, keccak256(bytes([DYNAMIC_FEE]) + encode(fields)))
    r, s = (int.from_bytes(signature[i : i + 32], "big") for i in (0, 32))
    return bytes([DYNAMIC_FEE]) + encode([*fields, signature[64], r, s])


def created_address(sender: Address, nonce: int) -> Address:
    """Return the address of the contract that `sender` creates by its transaction `nonce`."""
    return Address(keccak256(encode([sender, nonce]))[12:])
