"""Contract ABI: calls and events of chaincode to bytes and back, by its own artifacts."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import eth_abi
from eth_abi.exceptions import DecodingError

import chaincode
from node.errors import RemoteError
from node.spec.crypto import keccak256
from node.spec.receipt import Log
from node.spec.types import Hash32

_ERROR_SELECTOR: Final = keccak256(b"Error(string)")[:4]


@dataclass(frozen=True, slots=True)
class Event:
    """A decoded event: its contract's name, its own, and its values by name."""

    contract: str
    name: str
    values: dict[str, Any]


@cache
def _function(contract: str, name: str) -> tuple[bytes, tuple[str, ...], tuple[str, ...]]:
    """Return (selector, input types, output types) of a contract's function."""
    for entry in chaincode.load(contract).abi:
        if entry["type"] == "function" and entry["name"] == name:
            inputs = tuple(_type(part) for part in entry["inputs"])
            outputs = tuple(_type(part) for part in entry["outputs"])
            selector = keccak256(f"{name}({','.join(inputs)})".encode())[:4]
            return selector, inputs, outputs
    raise LookupError(f"{contract} has no function {name}")


def _type(part: Any) -> str:
    kind: str = part["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_type(inner) for inner in part['components'])}){kind[5:]}"


def encode_call(contract: str, name: str, *values: Any) -> bytes:
    """Return the calldata of a function call."""
    selector, inputs, _ = _function(contract, name)
    return selector + bytes(eth_abi.encode(inputs, values))


def decode_result(contract: str, name: str, data: bytes) -> Any:
    """Return what a call returned: one value, or a tuple of several."""
    outputs = _function(contract, name)[2]
    try:
        values = eth_abi.decode(outputs, data)
    except DecodingError as error:
        raise RemoteError(f"{contract}.{name}: the answer does not fit its type") from error
    return values[0] if len(values) == 1 else values


@cache
def _events(contract: str) -> dict[Hash32, Any]:
    found = {}
    for entry in chaincode.load(contract).abi:
        if entry["type"] == "event":
            types = ",".join(_type(part) for part in entry["inputs"])
            found[keccak256(f"{entry['name']}({types})".encode())] = entry
    return found


def event_topic(contract: str, name: str) -> Hash32:
    """Return the first topic of a contract's event."""
    for topic, entry in _events(contract).items():
        if entry["name"] == name:
            return topic
    raise LookupError(f"{contract} has no event {name}")


def decode_event(contract: str, log: Log) -> Event | None:
    """Return the event a log of `contract` holds; None where the artifact does not know it."""
    entry = _events(contract).get(log.topics[0]) if log.topics else None
    if entry is None:
        return None
    indexed = [part for part in entry["inputs"] if part["indexed"]]
    plain = [part for part in entry["inputs"] if not part["indexed"]]
    try:
        values = dict(
            zip(
                (part["name"] for part in plain),
                eth_abi.decode([_type(part) for part in plain], log.data),
                strict=True,
            )
        )
        for part, topic in zip(indexed, log.topics[1:], strict=True):
            values[part["name"]] = eth_abi.decode([_type(part)], topic)[0]
    except (DecodingError, ValueError) as error:
        raise RemoteError(f"{contract}.{entry['name']}: the log does not fit its type") from error
    return Event(contract, entry["name"], values)


def revert_reason(data: bytes) -> str:
    """Return the reason that a revert carries, or what else its data is."""
    if data[:4] == _ERROR_SELECTOR:
        try:
            return str(eth_abi.decode(["string"], data[4:])[0])
        except DecodingError:
            return "malformed reason"
    return "without reason" if not data else f"with data 0x{data.hex()[:128]}"
