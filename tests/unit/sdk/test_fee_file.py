"""Fee files travel between offices: what is signed is recomputed, what was altered is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node.errors import DataccordError, DecodeError, Refused, SignatureError
from node.sdk import fee_file
from node.sdk.abi import encode_call
from node.sdk.fee_file import FeeFile, FeesDiffer
from node.spec.fees import Fees, encode_fees, fees_of
from node.spec.statements import fee_commitment, statement_id
from tests.chaincode.world import key
from tests.unit.spec.test_fees import OTHER, PLAN, priced

CHAIN_ID = 31337
FEES = fees_of([priced(), replace(priced(), authorization=OTHER)], 0, 400)
SIGNERS = {"provider": "a.approver", "consumer": "b.approver", "exchange": "exchange.approver"}


def signed(fees: Fees = FEES) -> FeeFile:
    file = fee_file.propose_fees(CHAIN_ID, fees, [PLAN])
    for side in fee_file.SIDES if fees.exchange else fee_file.SIDES[:2]:
        file = fee_file.sign_fees(file, fees, side, key(SIGNERS[side]))
    return file


def test_every_side_signs_what_its_own_records_come_to() -> None:
    file = signed()
    assert fee_file.decode(fee_file.encode(file)) == file
    statement = file.statement
    assert statement.commitment == fee_commitment(file.salt, encode_fees(FEES))
    assert file.digest == statement_id(statement, CHAIN_ID)
    call = fee_file.anchoring(file)
    members = (statement.provider, statement.consumer, statement.exchange)
    parts = (*members, statement.since, statement.until, statement.commitment)
    halves = [signature for _, _, signature in file.signed]
    assert call.data == encode_call("statements", "stateFees", parts, *halves)
    assert signed().salt != file.salt


def test_a_proposal_that_differs_is_not_signed() -> None:
    """The consumer's records have one use fewer in the second line than is proposed."""
    fewer = replace(priced(), authorization=OTHER, uses=priced().uses[:9])
    ours = fees_of([priced(), fewer], 0, 400)
    file = fee_file.propose_fees(CHAIN_ID, FEES, [PLAN])
    with pytest.raises(FeesDiffer) as error:
        fee_file.sign_fees(file, ours, "consumer", key("b.approver"))
    assert OTHER.hex() in error.value.why
    assert "9 charged" in error.value.why
    assert "10 charged" in error.value.why
    assert error.value.code == 1


def test_nothing_is_anchored_without_every_signature() -> None:
    file = signed()
    with pytest.raises(Refused, match="signature missing") as error:
        fee_file.anchoring(replace(file, signed=file.signed[:2]))
    assert "exchange" in error.value.why
    direct = signed(replace(FEES, exchange=0))
    assert fee_file.anchoring(direct).data
    with pytest.raises(Refused, match="no such side"):
        fee_file.sign_fees(direct, direct.fees, "exchange", key("exchange.approver"))
    with pytest.raises(Refused, match="no such side"):
        fee_file.sign_fees(direct, direct.fees, "regulator", key("regulator.approver"))


def test_a_side_that_signs_again_takes_its_own_place() -> None:
    file = signed()
    again = fee_file.sign_fees(file, FEES, "provider", key("c.approver"))
    assert [side for side, _, _ in again.signed] == list(fee_file.SIDES)


CHANGES: dict[str, Any] = {
    "a line's amount": lambda v: v["content"]["lines"][0].__setitem__(6, 26),
    "the period": lambda v: v["content"].__setitem__("until", 401),
    "the salt": lambda v: v.__setitem__("salt", "0x" + "11" * 32),
    "a short salt": lambda v: v.__setitem__("salt", "0x11"),
    "the chain": lambda v: v.__setitem__("chainId", 1),
    "no chain": lambda v: v.__setitem__("chainId", "1"),
    "the digest": lambda v: v.__setitem__("digest", "0x" + "11" * 32),
    "a plan's price": lambda v: v["plans"][0]["tiers"][0].__setitem__("price", 26),
    "no plan": lambda v: v.__setitem__("plans", []),
    "plans twice": lambda v: v.__setitem__("plans", v["plans"] * 2),
    "no list": lambda v: v.__setitem__("plans", {}),
    "a signature": lambda v: v["signed"][0].__setitem__("signature", v["signed"][1]["signature"]),
    "a side": lambda v: v["signed"][0].__setitem__("side", "regulator"),
    "no side": lambda v: v["signed"][0].pop("side"),
    "an account": lambda v: v["signed"][0].__setitem__("account", 5),
    "too many": lambda v: v.__setitem__("signed", v["signed"] * 2),
    "more": lambda v: v.__setitem__("more", 1),
    "the form": lambda v: v.__setitem__("format", "dataccord-fee-statement/2"),
    "the content": lambda v: v.__setitem__("content", None),
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_altered_file_is_refused(name: str) -> None:
    value = json.loads(fee_file.encode(signed()))
    CHANGES[name](value)
    with pytest.raises((DecodeError, Refused, SignatureError)):
        fee_file.decode(json.dumps(value))


def test_what_is_no_fee_file(tmp_path: Path) -> None:
    for text in ("", "[]", "{", "5", "[" * 5_000):
        with pytest.raises(DecodeError, match="fee file"):
            fee_file.decode(text)
    with pytest.raises(DataccordError, match="cannot be read"):
        fee_file.read(tmp_path / "none")
    (tmp_path / "one").write_text(fee_file.encode(signed()), encoding="utf-8")
    assert fee_file.read(tmp_path / "one").fees == FEES
