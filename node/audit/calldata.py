"""Calls inside transactions: what a signature in calldata was given for.

Only a transaction that calls a contract of Dataccord directly is looked into. A call that came
through another contract left the same events, but its arguments cannot be read without executing.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import eth_abi
from eth_abi.exceptions import DecodingError

import chaincode
from node.errors import IntegrityError
from node.spec.crypto import SIGNATURE_LENGTH, keccak256
from node.spec.transaction import Transaction


@dataclass(frozen=True, slots=True)
class ContractCall:
    """A function's name and its arguments in order."""

    name: str
    arguments: tuple[Any, ...]


@cache
def _functions(contract: str) -> dict[bytes, tuple[str, tuple[str, ...]]]:
    found = {}
    for entry in chaincode.load(contract).abi:
        if entry["type"] == "function":
            types = tuple(_type(part) for part in entry["inputs"])
            signature = f"{entry['name']}({','.join(types)})"
            found[bytes(keccak256(signature.encode())[:4])] = (str(entry["name"]), types)
    return found


def _type(part: Any) -> str:
    kind: str = part["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_type(inner) for inner in part['components'])}){kind[5:]}"


def direct_call(contract: str, transaction: Transaction) -> ContractCall | None:
    """Return the contract's function that a transaction calls; None where it calls another thing.

    Raises:
        IntegrityError: the arguments are no encoding of the function's types.
    """
    if transaction.to != chaincode.ADDRESSES[contract]:
        return None
    found = _functions(contract).get(transaction.data[:4])
    if found is None:
        return None
    name, types = found
    try:
        return ContractCall(name, tuple(eth_abi.decode(types, transaction.data[4:], strict=False)))
    except (DecodingError, ValueError, OverflowError) as error:
        raise IntegrityError(f"calldata of {contract}.{name} does not fit its types") from error


def is_seconded(signature: bytes) -> bool:
    """Whether a compromised key's signature is followed by one of its member's new key (R17)."""
    return len(signature) == 2 * SIGNATURE_LENGTH


def plain_signature(signature: bytes) -> bytes:
    """Return a signature with v as 0 or 1; contracts take wallets' 27 and 28 as well.

    Of a compromised key's signature and the one that seconds it, the first.
    """
    if is_seconded(signature):
        return plain_signature(signature[:SIGNATURE_LENGTH])
    if len(signature) == SIGNATURE_LENGTH and signature[-1] in (27, 28):
        return signature[:-1] + bytes([signature[-1] - 27])
    return signature
