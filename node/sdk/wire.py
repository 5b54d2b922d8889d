"""What consumer and gateway say to each other, as JSON both ways; each parse failure is one error.

Bytes are hex with 0x, numbers are plain. The structures are those that both sides sign, so neither
can be misread: a changed member is another digest.
"""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar

from node.errors import DecodeError
from node.sdk.settlement import RangeRequest
from node.spec.consents import Consent, SignedConsent
from node.spec.crypto import SIGNATURE_LENGTH
from node.spec.sealed import SealedGround, SealedTerms
from node.spec.types import Address, Hash32
from node.spec.usage import Receipt, Request, UseRange

Signed = Request | Receipt | RangeRequest | UseRange | Consent | SealedTerms | SealedGround
Record = TypeVar(
    "Record", Request, Receipt, RangeRequest, UseRange, Consent, SealedTerms, SealedGround
)


def to_hex(data: bytes) -> str:
    """Return bytes as 0x and hex."""
    return "0x" + data.hex()


def to_json(value: Signed) -> dict[str, Any]:
    """Return a signed structure under its members' names."""
    return {name: _shown(name, part) for name, part in asdict(value).items()}


def _shown(name: str, part: int | bytes) -> int | str:
    if isinstance(part, bytes):
        return to_hex(part)
    return to_hex(part.to_bytes(32, "big")) if kind_of_mask(name) else part


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
            parts[name] = _part(value, name, hint)
    return kind(**parts)


def _part(value: Mapping[str, Any], name: str, hint: Any) -> int | bytes:
    if hint is int or hint == "int":
        wide = kind_of_mask(name)
        return mask(value, name) if wide else number(value, name)
    if hint is Address or hint == "Address":
        return data(value, name, 20)
    return hash_of(value, name)


def kind_of_mask(name: str) -> bool:
    """Whether a member is a word of 256 bits, which travels as hex: a mask or a nonce."""
    return name in ("fields", "nonce")


def mask(value: Mapping[str, Any], name: str) -> int:
    """Return a member that is a number of at most 256 bits in hex."""
    return int.from_bytes(data(value, name, 32), "big")


def consent(value: Mapping[str, Any]) -> SignedConsent | None:
    """Return the consent that a request comes with, None where it has none."""
    if value.get("consent") is None:
        return None
    found = mapping(value["consent"], "consent")
    signature = data(found, "signature", SIGNATURE_LENGTH)
    return SignedConsent(from_json(Consent, found.get("consent")), signature)


def consent_json(signed: SignedConsent | None) -> dict[str, Any] | None:
    """Return a consent as a request carries it."""
    if signed is None:
        return None
    return {"consent": to_json(signed.consent), "signature": to_hex(signed.signature)}


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
