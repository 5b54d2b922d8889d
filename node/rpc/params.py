"""Typed parameters: hex text from a client to values, each failure one -32602 that names it."""

import string
from typing import Any, Final

from node.rpc.dispatch import INVALID_PARAMS, Params, RpcError
from node.spec.types import WORD_MAX, Address, Hash32

BYTES_MAX: Final = 1_048_576
_HEX_DIGITS: Final = frozenset(string.hexdigits)
TAGS: Final = frozenset({"latest", "pending", "safe", "finalized", "earliest"})


def argument(params: Params, index: int, what: str) -> Any:
    """Return a required parameter."""
    if index >= len(params) or params[index] is None:
        raise RpcError(INVALID_PARAMS, f"missing value for required argument {index} ({what})")
    return params[index]


def optional(params: Params, index: int, default: Any = None) -> Any:
    """Return a parameter that may be left out."""
    return default if index >= len(params) or params[index] is None else params[index]


def to_quantity(value: Any, what: str, maximum: int = WORD_MAX) -> int:
    """Return a hex quantity; plain integers are taken as well, as geth does for counts."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= maximum:
        return value
    if isinstance(value, str) and value.startswith("0x") and 2 < len(value) <= 66:
        # int() alone would also take signs, spaces, underscores and digits of other scripts.
        is_hex = all(digit in _HEX_DIGITS for digit in value[2:])
        if is_hex and (number := int(value[2:], 16)) <= maximum:
            return number
    raise RpcError(INVALID_PARAMS, f"invalid argument: {what} is no hex quantity in range")


def to_data(value: Any, what: str, length: int | None = None) -> bytes:
    """Return hex data, of exactly `length` bytes where given."""
    if isinstance(value, str) and value.startswith("0x") and len(value) <= 2 * BYTES_MAX + 2:
        try:
            data = bytes.fromhex(value[2:])
        except ValueError:
            data = None
        clean = data is not None and len(value) == 2 * len(data) + 2
        if data is not None and clean and length in (None, len(data)):
            return data
    size = "hex data" if length is None else f"{length} bytes of hex"
    raise RpcError(INVALID_PARAMS, f"invalid argument: {what} is not {size}")


def to_address(value: Any, what: str = "address") -> Address:
    """Return a 20-byte address."""
    return Address(to_data(value, what, 20))


def to_hash(value: Any, what: str = "hash") -> Hash32:
    """Return a 32-byte hash."""
    return Hash32(to_data(value, what, 32))


def to_bool(value: Any, what: str) -> bool:
    """Return a boolean."""
    if not isinstance(value, bool):
        raise RpcError(INVALID_PARAMS, f"invalid argument: {what} is no boolean")
    return value


def to_object(value: Any, what: str) -> dict[str, Any]:
    """Return a JSON object."""
    if not isinstance(value, dict):
        raise RpcError(INVALID_PARAMS, f"invalid argument: {what} is no object")
    return value
