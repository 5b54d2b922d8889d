"""JSON values of a genesis file: numbers and bytes as Besu writes them; errors name the key."""

from typing import Any

from node.errors import ConfigError
from node.spec.types import ADDRESS_LENGTH, Address


def integer_value(value: Any, where: str, bits: int = 256) -> int:
    """Return a number written as JSON integer, decimal string or 0x string."""
    try:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError
        number = value if isinstance(value, int) else int(value, 16 if _is_hex(value) else 10)
    except ValueError:
        raise ConfigError(f"genesis: {where} is no number", why=repr(value)[:80]) from None
    if not 0 <= number < 1 << bits:
        raise ConfigError(f"genesis: {where} is out of range", why=f"0 to 2^{bits} - 1")
    return number


def bytes_value(value: Any, where: str, length: int | None = None) -> bytes:
    """Return bytes written in hexadecimal, with or without 0x."""
    try:
        if not isinstance(value, str):
            raise ValueError
        data = bytes.fromhex(value[2:] if _is_hex(value) else value)
    except ValueError:
        raise ConfigError(f"genesis: {where} is not hexadecimal", why=repr(value)[:80]) from None
    if length is not None and len(data) != length:
        raise ConfigError(f"genesis: {where} has {len(data)} bytes, {length} needed")
    return data


def address_value(value: Any, where: str) -> Address:
    """Return an address."""
    return Address(bytes_value(value, where, ADDRESS_LENGTH))


def _is_hex(text: str) -> bool:
    return text[:2].lower() == "0x"
