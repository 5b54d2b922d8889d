"""Fee files: a period's fees with salt and signatures, carried by hand between the sides (R15).

The content stands in the file as itself; statement, commitment and digest are computed from it and
never taken from the file. A side signs only what its own records come to: `sign_fees` computes the
difference first and names the first line that differs. What was signed is kept, because only who
has content and salt can open the commitment that the ledger holds (R18).
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from node.errors import DecodeError, Refused, SignatureError
from node.sdk.carried import read_carried
from node.sdk.contracts import Call
from node.sdk.statements import state_fees
from node.spec.crypto import SIGNATURE_LENGTH, address_of, recover, sign
from node.spec.fees import CONTENT_BYTES_MAX, Fees, decode_fees, encode_fees, first_difference
from node.spec.pricing import PricePlan, encode_plan, plan_from_json, plan_hash
from node.spec.statements import SALT_BYTES, FeeStatement, fee_commitment, statement_id
from node.spec.types import Address, Hash32

FORMAT: Final = "dataccord-fee-statement/1"
PLANS_MAX: Final = 1_024
SIDES: Final = ("provider", "consumer", "exchange")
"""Who signs, in the order in which the contract takes the signatures."""

_FILE_BYTES_MAX: Final = 2 * CONTENT_BYTES_MAX
_MEMBERS: Final = frozenset({"format", "chainId", "digest", "salt", "content", "plans", "signed"})


class FeesDiffer(Refused):
    """What a side proposes is not what our own records come to; the first line is named."""


@dataclass(frozen=True, slots=True)
class FeeFile:
    """A fee statement under way."""

    chain_id: int
    salt: bytes
    fees: Fees
    plans: tuple[PricePlan, ...]
    """Those that its lines name, by ascending hash."""
    signed: tuple[tuple[str, Address, bytes], ...] = ()
    """Side, account and signature, in the order of `SIDES`."""

    @property
    def statement(self) -> FeeStatement:
        """What is signed and anchored."""
        fees = self.fees
        commitment = fee_commitment(self.salt, encode_fees(fees))
        members = (fees.provider, fees.consumer, fees.exchange)
        return FeeStatement(*members, fees.since, fees.until, commitment)

    @property
    def digest(self) -> Hash32:
        """The statement's id, which every side signs."""
        return statement_id(self.statement, self.chain_id)


def propose_fees(chain_id: int, fees: Fees, plans: Sequence[PricePlan]) -> FeeFile:
    """Return a file of fees with a fresh salt and those of the plans that its lines name."""
    named = {line.plan for line in fees.lines}
    known = {plan_hash(plan): plan for plan in plans}
    used = tuple(known[name] for name in sorted(named))
    return FeeFile(chain_id, secrets.token_bytes(SALT_BYTES), fees, used)


def require_equal(ours: Fees, proposed: Fees) -> None:
    """Check a proposal against what our own records come to.

    Raises:
        FeesDiffer: they differ; `why` names the first line.
    """
    difference = first_difference(ours, proposed)
    if difference is not None:
        raise FeesDiffer(
            "fees differ from our own records",
            why=difference,
            next_command="dataccord audit export anew, or dispute the receipts concerned",
        )


def sign_fees(file: FeeFile, ours: Fees, side: str, key: bytes) -> FeeFile:
    """Return the file with a side's signature, given once its own records come to the same.

    Raises:
        FeesDiffer: they do not.
        Refused: an exchange signs where the statement names none.
    """
    require_equal(ours, file.fees)
    return with_signature(file, side, address_of(key), sign(key, file.digest))


def with_signature(file: FeeFile, side: str, account: Address, signature: bytes) -> FeeFile:
    """Return the file with a side's signature in its place.

    Raises:
        SignatureError: it is not that account's over this statement.
        Refused: the statement has no such side.
    """
    if side not in SIDES or (side == "exchange" and not file.fees.exchange):
        raise Refused("fee file: no such side", why=f"the statement names no {side}")
    if recover(file.digest, signature) != account:
        raise SignatureError(f"fee file: not signed by 0x{account.hex()}")
    kept = [entry for entry in file.signed if entry[0] != side]
    ordered = sorted([*kept, (side, account, signature)], key=lambda entry: SIDES.index(entry[0]))
    return replace(file, signed=tuple(ordered))


def anchoring(file: FeeFile) -> Call:
    """Return the call that anchors a statement which every side has signed.

    Raises:
        Refused: a signature is missing.
    """
    given = {side: signature for side, _, signature in file.signed}
    wanted = SIDES if file.fees.exchange else SIDES[:2]
    missing = [side for side in wanted if side not in given]
    if missing:
        raise Refused(
            "fee file: signature missing",
            why=f"not signed by {', '.join(missing)}",
            next_command="dataccord statement sign-fees",
        )
    return state_fees(file.statement, *(given.get(side, b"") for side in SIDES))


def encode(file: FeeFile) -> str:
    """Return the file's text."""
    value = {
        "format": FORMAT,
        "chainId": file.chain_id,
        "digest": "0x" + file.digest.hex(),
        "salt": "0x" + file.salt.hex(),
        "content": json.loads(encode_fees(file.fees)),
        "plans": [json.loads(encode_plan(plan)) for plan in file.plans],
        "signed": [
            {"side": side, "account": "0x" + account.hex(), "signature": "0x" + signature.hex()}
            for side, account, signature in file.signed
        ],
    }
    return json.dumps(value, indent=1) + "\n"


def decode(text: str) -> FeeFile:
    """Return the fee file that a text holds.

    Raises:
        DecodeError: it is no fee file, or its plans are not those that its lines name.
        Refused: its digest is not that of its content.
        SignatureError: a signature is not that account's.
    """
    value = _object(text)
    try:
        content = json.dumps(value["content"], sort_keys=True, separators=(",", ":"))
        fees, salt = decode_fees(content.encode("ascii")), _hex(value["salt"], SALT_BYTES)
        plans = tuple(map(plan_from_json, value["plans"]))
        signed = [(str(entry["side"]), *_signature(entry)) for entry in value["signed"]]
        file = FeeFile(_chain_id(value["chainId"]), salt, fees, plans)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DecodeError("fee file: a malformed member", why=str(error)) from error
    if [plan_hash(plan) for plan in plans] != sorted({line.plan for line in fees.lines}):
        raise DecodeError("fee file: its plans are not those that its lines name")
    if value["digest"] != "0x" + file.digest.hex():
        raise Refused(
            "fee file: content differs from the digest",
            why=f"it says {value['digest']}, its content gives 0x{file.digest.hex()}",
        )
    for entry in signed:
        file = with_signature(file, *entry)
    return file


def read(path: Path) -> FeeFile:
    """Return the fee file at a path; errors as of `decode`."""
    return decode(read_carried(path, _FILE_BYTES_MAX))


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DecodeError("fee file: not JSON", why=str(error)) from error
    if not isinstance(value, dict) or value.get("format") != FORMAT or set(value) != _MEMBERS:
        raise DecodeError(f"fee file: not of the form {FORMAT}")
    for name, most in (("plans", PLANS_MAX), ("signed", len(SIDES))):
        if not isinstance(value[name], list) or len(value[name]) > most:
            raise DecodeError(f"fee file: {name} is a list of at most {most}")
    return value


def _chain_id(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("chainId is a whole number")
    return value


def _signature(entry: Any) -> tuple[Address, bytes]:
    return Address(_hex(entry["account"], 20)), _hex(entry["signature"], SIGNATURE_LENGTH)


def _hex(text: str, length: int) -> bytes:
    data = bytes.fromhex(text.removeprefix("0x"))
    if len(data) != length:
        raise ValueError(f"{len(data)} bytes where {length} are due")
    return data
