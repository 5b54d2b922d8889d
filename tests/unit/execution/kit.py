"""What execution tests share: keys, signed transactions of every type, a small assembler."""

from collections.abc import Sequence

from node.execution.engine import BlockEnvironment
from node.spec.codec import encode
from node.spec.crypto import address_of, keccak256, sign
from node.spec.seal import MIX_HASH
from node.spec.transaction import Transaction, decode_transaction
from node.spec.types import Address, Hash32

CHAIN_ID = 31337
GAS_LIMIT = 30_000_000
COINBASE = Address(b"\xc0" * 20)
PARENT_HASH = Hash32(b"\x77" * 32)

KEYS = tuple(keccak256(b"test key %d" % index) for index in range(8))
SENDERS = tuple(address_of(key) for key in KEYS)


def environment(number: int = 1, **changes: object) -> BlockEnvironment:
    """Return a block's environment; keyword arguments replace its fields."""
    fields: dict[str, object] = {
        "number": number,
        "timestamp": 1_700_000_000 + number,
        "coinbase": COINBASE,
        "gas_limit": GAS_LIMIT,
        "prev_randao": MIX_HASH,
        "chain_id": CHAIN_ID,
        "parent_hash": PARENT_HASH,
    }
    return BlockEnvironment(**{**fields, **changes})  # type: ignore[arg-type]


def transaction(
    key: bytes,
    nonce: int = 0,
    to: bytes | None = None,
    *,
    kind: int = 2,
    data: bytes = b"",
    value: int = 0,
    gas: int = 500_000,
    fee: int = 0,
    tip: int = 0,
    chain_id: int = CHAIN_ID,
    access_list: Sequence[tuple[bytes, Sequence[int]]] = (),
    authorizations: Sequence[Sequence[object]] = (),
) -> Transaction:
    """Return a signed transaction of type 0, 1, 2 or 4."""
    tail = [gas, to or b"", value, data]
    slots = [[a, [slot.to_bytes(32, "big") for slot in held]] for a, held in access_list]
    if kind == 0:
        body = [nonce, fee, *tail]
        signature = sign(key, keccak256(encode([*body, chain_id, b"", b""])))
        v = signature[64] + 35 + 2 * chain_id
        return decode_transaction(encode([*body, v, *_halves(signature)]))
    fees = [fee] if kind == 1 else [tip, fee]
    body = [chain_id, nonce, *fees, *tail, slots]
    if kind == 4:
        body.append(list(authorizations))
    prefix = bytes([kind])
    signature = sign(key, keccak256(prefix + encode(body)))
    return decode_transaction(prefix + encode([*body, signature[64], *_halves(signature)]))


def authorization(key: bytes, address: bytes, nonce: int, chain_id: int = CHAIN_ID) -> list[object]:
    """Return a signed EIP-7702 authorization as it stands in a transaction."""
    signature = sign(key, keccak256(b"\x05" + encode([chain_id, address, nonce])))
    return [chain_id, address, nonce, signature[64], *_halves(signature)]


def _halves(signature: bytes) -> tuple[int, int]:
    return int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")


_NAMES = {
    "STOP": 0x00, "ADD": 0x01, "SUB": 0x03, "LT": 0x10, "EQ": 0x14, "ISZERO": 0x15,
    "KECCAK256": 0x20, "ADDRESS": 0x30, "BALANCE": 0x31, "ORIGIN": 0x32, "CALLER": 0x33,
    "CALLVALUE": 0x34, "CALLDATALOAD": 0x35, "CALLDATASIZE": 0x36, "CALLDATACOPY": 0x37,
    "CODECOPY": 0x39, "EXTCODESIZE": 0x3B, "RETURNDATASIZE": 0x3D, "RETURNDATACOPY": 0x3E,
    "EXTCODEHASH": 0x3F, "BLOCKHASH": 0x40, "COINBASE": 0x41, "TIMESTAMP": 0x42, "NUMBER": 0x43,
    "PREVRANDAO": 0x44, "CHAINID": 0x46, "SELFBALANCE": 0x47, "BASEFEE": 0x48, "BLOBBASEFEE": 0x4A,
    "POP": 0x50, "MLOAD": 0x51, "MSTORE": 0x52, "SLOAD": 0x54, "SSTORE": 0x55, "JUMP": 0x56,
    "JUMPI": 0x57, "PC": 0x58, "GAS": 0x5A, "JUMPDEST": 0x5B, "TLOAD": 0x5C, "TSTORE": 0x5D,
    "PUSH0": 0x5F, "DUP1": 0x80, "DUP2": 0x81, "SWAP1": 0x90, "LOG0": 0xA0, "LOG1": 0xA1,
    "LOG2": 0xA2, "CREATE": 0xF0, "CALL": 0xF1, "RETURN": 0xF3, "DELEGATECALL": 0xF4,
    "CREATE2": 0xF5, "STATICCALL": 0xFA, "REVERT": 0xFD, "INVALID": 0xFE, "SELFDESTRUCT": 0xFF,
}  # fmt: skip


def assemble(*parts: str | int | bytes) -> bytes:
    """Return code: names are opcodes, integers and bytes are pushed."""
    code = b""
    for part in parts:
        if isinstance(part, str):
            code += bytes([_NAMES[part]])
            continue
        data = (
            part if isinstance(part, bytes) else part.to_bytes(max(1, -(-part.bit_length() // 8)))
        )
        code += bytes([0x5F + len(data)]) + data
    return code


def initcode(runtime: bytes, *constructor: str | int | bytes) -> bytes:
    """Return initcode that runs `constructor` and then deploys `runtime`."""
    head = assemble(*constructor)
    copy = assemble(
        len(runtime).to_bytes(2, "big"), (len(head) + 13).to_bytes(2, "big"), "PUSH0", "CODECOPY"
    ) + assemble(len(runtime).to_bytes(2, "big"), "PUSH0", "RETURN")
    assert len(copy) == 13
    return head + copy + runtime
