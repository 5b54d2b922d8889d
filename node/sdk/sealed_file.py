"""Sealed files: clear terms and all signatures of a sealed authorization, carried by hand (R19).

Such a file lies with the regulator and the two banks, nowhere else: it holds what opens the seal.
It grows from a draft (clear terms, salt, one-time keys) by signatures to what is carried in, and by
receipts and a ground to a disclosure. Whoever reads it computes the digest anew, and who signs sees
the clear terms that it commits to.
"""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from node.errors import ConfigError, DecodeError, Refused
from node.sdk import wire
from node.sdk.carried import read_carried
from node.sdk.contracts import Call
from node.sdk.sealed import carry_grant, sign_terms
from node.spec import terms as clear_terms
from node.spec.crypto import SIGNATURE_LENGTH, address_of
from node.spec.disclosure import LEASES_MAX, Disclosure
from node.spec.sealed import SEALED, SealedGround, SealedTerms, commitment, sealed_id
from node.spec.types import Hash32
from node.spec.usage import Receipt, SignedReceipt

FORMAT: Final = "dataccord-sealed/1"
FILE_BYTES_MAX: Final = 64 * 1024 * 1024
APPROVALS_MAX: Final = 16
"""Most approvals of the regulator's that the contract takes in one call."""

PARTS: Final = ("provider-key", "consumer-key", "provider", "consumer", "regulator")
"""As what one signs: a one-time key, an approver who vouches for it, or who approves."""

_MEMBERS: Final = frozenset(
    {"format", "chainId", "contract", "digest", "clear", "salt", "sealed", "signatures"}
    | {"approvals", "leases", "ground"}
)


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A sealed authorization under way; a signature that is not there yet is empty."""

    chain_id: int
    shown: Disclosure
    provider_signature: bytes = b""
    consumer_signature: bytes = b""
    approvals: tuple[bytes, ...] = ()

    @property
    def digest(self) -> Hash32:
        """What all sign, which becomes the authorization's id."""
        return sealed_id(self.shown.sealed, self.chain_id)

    @property
    def grant(self) -> Call:
        """The call that carries it in.

        Raises:
            Refused: a one-time key has not signed.
        """
        if not (self.provider_signature and self.consumer_signature):
            raise Refused("sealed file: a one-time key has not signed yet")
        signatures = (self.provider_signature, self.consumer_signature)
        return carry_grant(self.shown.sealed, *signatures, self.approvals)


def sign_as(file: SealedFile, part: str, key: bytes) -> SealedFile:
    """Return the file with one more signature.

    Raises:
        Refused: a one-time key that is not the one named, or too many approvals.
    """
    signature = sign_terms(file.shown.sealed, key, file.chain_id)
    if part in ("provider-key", "consumer-key"):
        sealed = file.shown.sealed
        named = sealed.provider if part == "provider-key" else sealed.consumer
        if address_of(key) != named:
            raise Refused(f"sealed file: not the {part} it names", why=f"it names 0x{named.hex()}")
        if part == "provider-key":
            return replace(file, provider_signature=signature)
        return replace(file, consumer_signature=signature)
    if part == "provider":
        return replace(file, shown=replace(file.shown, provider_voucher=signature))
    if part == "consumer":
        return replace(file, shown=replace(file.shown, consumer_voucher=signature))
    kept = tuple(entry for entry in file.approvals if entry != signature)
    if len(kept) >= APPROVALS_MAX:
        raise Refused("sealed file: too many approvals", why=f"{APPROVALS_MAX} fit in one call")
    return replace(file, approvals=(*kept, signature))


def encode(file: SealedFile) -> str:
    """Return the file's text."""
    shown = file.shown
    signatures = {
        "providerKey": file.provider_signature,
        "consumerKey": file.consumer_signature,
        "provider": shown.provider_voucher,
        "consumer": shown.consumer_voucher,
    }
    value = {
        "format": FORMAT,
        "chainId": file.chain_id,
        "contract": wire.to_hex(SEALED),
        "digest": wire.to_hex(file.digest),
        "clear": clear_terms.to_json(shown.clear),
        "salt": wire.to_hex(shown.salt),
        "sealed": wire.to_json(shown.sealed),
        "signatures": {name: wire.to_hex(signature) for name, signature in signatures.items()},
        "approvals": [wire.to_hex(signature) for signature in file.approvals],
        "leases": [[_receipt_json(entry) for entry in lease] for lease in shown.leases],
        "ground": None if shown.ground is None else wire.to_json(shown.ground),
    }
    return json.dumps(value, indent=1) + "\n"


def decode(text: str, chain_id: int) -> SealedFile:
    """Return the sealed file that a text holds, which must be for this chain.

    Raises:
        DecodeError: it is no sealed file.
        Refused: it is for another chain or contract, or its parts do not belong together.
    """
    value = _object(text)
    expected = (
        ("chain", value["chainId"], chain_id),
        ("contract", value["contract"], wire.to_hex(SEALED)),
    )
    for what, found, ours in expected:
        if found != ours:
            raise Refused(f"sealed file: another {what}", why=f"it says {found}, here is {ours}")
    signatures = wire.mapping(value["signatures"], "signatures")
    ground = value["ground"]
    shown = Disclosure(
        clear=clear_terms.from_json(value["clear"]),
        salt=wire.hash_of(value, "salt"),
        sealed=wire.from_json(SealedTerms, value["sealed"]),
        provider_voucher=_signature(signatures, "provider"),
        consumer_voucher=_signature(signatures, "consumer"),
        leases=_leases(value["leases"]),
        ground=None if ground is None else wire.from_json(SealedGround, ground),
    )
    approvals = _list(value["approvals"], "approvals", APPROVALS_MAX)
    file = SealedFile(
        chain_id,
        shown,
        _signature(signatures, "providerKey"),
        _signature(signatures, "consumerKey"),
        tuple(_signature({"approval": entry}, "approval") for entry in approvals),
    )
    if value["digest"] != wire.to_hex(file.digest):
        raise Refused("sealed file: sealed terms differ from the digest")
    if commitment(shown.clear, shown.salt, chain_id) != shown.sealed.commitment:
        raise Refused("sealed file: clear terms differ from what the sealed terms commit to")
    return file


def read(path: Path, chain_id: int) -> SealedFile:
    """Return the sealed file at a path; errors as of `decode`."""
    return decode(read_carried(path, FILE_BYTES_MAX), chain_id)


def write(path: Path, text: str) -> None:
    """Write what must stay secret: nobody but its owner can read the file.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.fchmod(descriptor, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written", why=str(error.strerror)) from error


def _receipt_json(entry: SignedReceipt) -> dict[str, Any]:
    return {
        "receipt": wire.to_json(entry.receipt),
        "provider": wire.to_hex(entry.provider_signature),
        "consumer": wire.to_hex(entry.consumer_signature or b""),
    }


def _receipt(value: Any) -> SignedReceipt:
    found = wire.mapping(value, "receipt")
    receipt = wire.from_json(Receipt, found.get("receipt"))
    return SignedReceipt(receipt, _signature(found, "provider"), _signature(found, "consumer"))


def _leases(value: Any) -> tuple[tuple[SignedReceipt, ...], ...]:
    return tuple(
        tuple(map(_receipt, _list(lease, "receipts", FILE_BYTES_MAX)))
        for lease in _list(value, "leases", LEASES_MAX)
    )


def _list(value: Any, what: str, longest: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > longest:
        raise DecodeError(f"sealed file: {what} are a list of at most {longest}")
    return value


def _signature(value: Any, name: str) -> bytes:
    if wire.text(value, name) == "0x":
        return b""
    return wire.data(value, name, SIGNATURE_LENGTH)


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise DecodeError("sealed file: not JSON", why=str(error)) from error
    if not isinstance(value, dict) or value.get("format") != FORMAT or set(value) != _MEMBERS:
        raise DecodeError(f"sealed file: not of the form {FORMAT}")
    return value
