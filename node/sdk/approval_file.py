"""Approval files: terms and the signatures over them, carried by hand between offices.

One JSON file holds the terms, the chain and contract they are for, the digest that is signed, and
the approvals gathered so far. Whoever reads it computes the digest anew from the terms, so a file
that was altered, or made for another chain, contract or version, is refused before a key is asked
for. A signer sees the terms rendered from the very structure that the digest is of.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from node.errors import DecodeError, Refused, SignatureError
from node.sdk.carried import read_carried
from node.spec.crypto import address_of, recover, sign
from node.spec.terms import Terms, authorization_id, from_json, grants_domain, to_json
from node.spec.types import Address, Hash32

FORMAT: Final = "dataccord-approval/1"
FILE_BYTES_MAX: Final = 64 * 1024
APPROVALS_MAX: Final = 16
"""Most approvals in one file; the contract takes no more in one call."""

_SIGNATURE_BYTES: Final = 65
_MEMBERS: Final = frozenset(
    {"format", "chainId", "contract", "name", "version", "digest", "terms", "approvals"}
)


@dataclass(frozen=True, slots=True)
class ApprovalFile:
    """Terms under way: `approvals` are signatures over their digest, by account."""

    chain_id: int
    terms: Terms
    approvals: tuple[tuple[Address, bytes], ...] = ()

    @property
    def digest(self) -> Hash32:
        """What is signed, which becomes the authorization's id."""
        return authorization_id(self.terms, self.chain_id)

    @property
    def signatures(self) -> list[bytes]:
        """The approvals as the contract takes them."""
        return [signature for _, signature in self.approvals]


def encode(file: ApprovalFile) -> str:
    """Return the file's text."""
    domain = grants_domain(file.chain_id)
    value = {
        "format": FORMAT,
        "chainId": file.chain_id,
        "contract": "0x" + domain.verifying_contract.hex(),
        "name": domain.name,
        "version": domain.version,
        "digest": "0x" + file.digest.hex(),
        "terms": to_json(file.terms),
        "approvals": [
            {"account": "0x" + account.hex(), "signature": "0x" + signature.hex()}
            for account, signature in file.approvals
        ],
    }
    return json.dumps(value, indent=1) + "\n"


def decode(text: str, chain_id: int) -> ApprovalFile:
    """Return the approval file that a text holds, which must be for this chain.

    Raises:
        DecodeError: it is no approval file.
        Refused: it is for another chain, contract or version, or its digest is not its terms'.
        SignatureError: an approval is not that account's.
    """
    value = _object(text)
    domain = grants_domain(chain_id)
    expected = (
        ("chain", value["chainId"], chain_id),
        ("contract", value["contract"], "0x" + domain.verifying_contract.hex()),
        ("version", (value["name"], value["version"]), (domain.name, domain.version)),
    )
    for what, found, ours in expected:
        if found != ours:
            raise Refused(f"approval file: another {what}", why=f"it says {found}, here is {ours}")
    file = ApprovalFile(chain_id, from_json(value["terms"]))
    if value["digest"] != "0x" + file.digest.hex():
        raise Refused(
            "approval file: terms differ from the digest",
            why=f"it says {value['digest']}, its terms give 0x{file.digest.hex()}",
        )
    for entry in value["approvals"]:
        file = with_approval(file, *_approval(entry))
    return file


def read(path: Path, chain_id: int) -> ApprovalFile:
    """Return the approval file at a path; errors as of `decode`."""
    return decode(read_carried(path, FILE_BYTES_MAX), chain_id)


def approve(file: ApprovalFile, key: bytes) -> ApprovalFile:
    """Return the file with this key's approval."""
    return with_approval(file, address_of(key), sign(key, file.digest))


def with_approval(file: ApprovalFile, account: Address, signature: bytes) -> ApprovalFile:
    """Return the file with one more approval, once for each account.

    Raises:
        SignatureError: the signature is not that account's over these terms.
        Refused: there are too many.
    """
    if recover(file.digest, signature) != account:
        raise SignatureError(f"approval file: not signed by 0x{account.hex()}")
    kept = tuple(entry for entry in file.approvals if entry[0] != account)
    if len(kept) >= APPROVALS_MAX:
        raise Refused("approval file: too many approvals", why=f"{APPROVALS_MAX} fit in one call")
    return replace(file, approvals=(*kept, (account, signature)))


def require_terms(file: ApprovalFile, terms: Terms) -> None:
    """Refuse a file whose terms are not those that a signer has before them.

    Raises:
        Refused: they differ; the members that do are named.
    """
    ours, theirs = to_json(terms), to_json(file.terms)
    differing = [name for name in ours if ours[name] != theirs[name]]
    if differing:
        raise Refused("approval file: other terms", why=f"they differ in {', '.join(differing)}")


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise DecodeError("approval file: not JSON", why=str(error)) from error
    if not isinstance(value, dict) or value.get("format") != FORMAT or set(value) != _MEMBERS:
        raise DecodeError(f"approval file: not of the form {FORMAT}")
    if not isinstance(value["approvals"], list) or len(value["approvals"]) > APPROVALS_MAX:
        raise DecodeError(f"approval file: approvals are a list of at most {APPROVALS_MAX}")
    return value


def _approval(entry: Any) -> tuple[Address, bytes]:
    try:
        account, signature = (
            bytes.fromhex(entry[name].removeprefix("0x")) for name in ("account", "signature")
        )
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise DecodeError("approval file: a malformed approval") from error
    if len(account) != 20 or len(signature) != _SIGNATURE_BYTES:
        raise DecodeError("approval file: a malformed approval")
    return Address(account), signature
