"""What consumer and gateway say to each other, as JSON both ways; each parse failure is one error.

Bytes are hex with 0x, numbers are plain. The structures are those that both sides sign, so neither
can be misread: a changed member is another digest.
"""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar

from node.errors import DecodeError
from node.sdk.settlement import RangeRequest
from node.spec.types import Hash32
from node.spec.usage import Receipt, Request, UseRange

Record = TypeVar("Record", Request, Receipt, RangeRequest, UseRange)


def to_hex(data: bytes) -> str:
    """Return bytes as 0x and hex."""
    return "0x" + data.hex()


def to_json(value: Request | Receipt | RangeRequest | UseRange) -> dict[str, Any]:
    """Return a signed structure under its members' names."""
    return {
        name: to_hex(part) if isinstance(part, bytes) else part
        for name, part in asdict(value).items()
    }


def from_json(kind: type[Record], value: Any) -> Record:
    """Return the structure a JSON object holds, each member of its type."""
    names = {field.name: field.type for field in fields(kind)}
    if not isinstance(value, dict) or set(value) != set(names):
        raise DecodeError(f"{kind.__name__}: expected exactly {', '.join(names)}")
    parts: dict[str, Any] = {}
    for name, hint in names.items():
        if hint is bool or hint == "bool":
            parts[name] = _boolean(value, name)
        else:
            is_number = hint is int or hint == "int"
            parts[name] = number(value, name) if is_number else hash_of(value, name)
    return kind(**parts)


def _boolean(value: Mapping[str, Any], name: str) -> bool:
    if not isinstance(value[name], bool):
        raise DecodeError(f"{name}: expected true or false")
    return bool(value[name])


def number(value: Mapping[str, Any], name: str) -> int:
    """Return a member that is an integer of at most 63 bits, as journals hold them."""
    found = value.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found < 2**63:
        raise DecodeError(f"{name}: expected a number below 2**63")
    return found


def text(value: Mapping[str, Any], name: str) -> str:
    """Return a member that is a text."""
    found = value.get(name)
    if not isinstance(found, str):
        raise DecodeError(f"{name}: expected a text")
    return found


def data(value: Mapping[str, Any], name: str, length: int) -> bytes:
    """Return a member that is hex of exactly `length` bytes."""
    found = text(value, name)
    try:
        decoded = bytes.fromhex(found.removeprefix("0x"))
    except ValueError as error:
        raise DecodeError(f"{name}: not hex") from error
    if len(decoded) != length or found != to_hex(decoded):
        raise DecodeError(f"{name}: expected 0x and {length} bytes of lower-case hex")
    return decoded


def hash_of(value: Mapping[str, Any], name: str) -> Hash32:
    """Return a member that is a 32-byte hash."""
    return Hash32(data(value, name, 32))


def mapping(value: Any, what: str) -> Mapping[str, Any]:
    """Return a JSON object."""
    if not isinstance(value, dict):
        raise DecodeError(f"{what}: expected an object")
    return value
