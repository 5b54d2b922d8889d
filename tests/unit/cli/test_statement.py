"""Fees from evidence to the ledger by commands alone: a side signs only what its own file says."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from node.cli import main
from node.sdk import fee_file
from node.sdk.journal import Journal
from node.spec.pricing import encode_plan, plan_hash
from tests.chaincode.world import A, B, key
from tests.unit.audit.trade import PLAN, SIGNERS, Trade
from tests.unit.cli.test_calls import key_file


@pytest.fixture(scope="module")
def trade(tmp_path_factory: pytest.TempPathFactory) -> Trade:
    return Trade(tmp_path_factory.mktemp("statement") / "journal.db", stated=False)


@pytest.fixture(scope="module")
def until(trade: Trade) -> int:
    found = trade.next_period()
    trade.seal([])
    return found


@pytest.fixture
def evidence(trade: Trade, until: int, tmp_path: Path) -> Path:
    path = tmp_path / "own.evidence"
    path.write_bytes(asyncio.run(trade.export(*trade.wanted)))
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str, expect: int = 0) -> Any:
    code = main(["statement", *arguments, "--json"])
    printed = capsys.readouterr()
    assert code == expect, printed.err
    return json.loads(printed.out)


def computing(trade: Trade, evidence: Path, until: int, plan: Path) -> list[str]:
    out = evidence.with_name("may.fees")
    given = {
        "--evidence": evidence,
        "--genesis-hash": "0x" + trade.genesis.hash.hex(),
        "--provider": A,
        "--consumer": B,
        "--since": trade.began,
        "--until": until,
        "--plan": plan,
        "--out": out,
    }
    return ["compute-fees", *(str(part) for pair in given.items() for part in pair)]


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "price.json"
    path.write_text(json.dumps(json.loads(encode_plan(PLAN)), indent=2))
    return path


def signing(trade: Trade, evidence: Path, side: str, folder: Path) -> list[str]:
    given = {
        "--file": evidence.with_name("may.fees"),
        "--side": side,
        "--evidence": evidence,
        "--genesis-hash": "0x" + trade.genesis.hash.hex(),
        "--journal": folder / f"{side}.db",
        "--key": key_file(folder, key(SIGNERS[side])),
    }
    return ["sign-fees", *(str(part) for pair in given.items() for part in pair)]


def test_every_side_signs_by_its_own_evidence(
    trade: Trade,
    until: int,
    evidence: Path,
    plan: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = run(capsys, *computing(trade, evidence, until, plan))
    assert told["totals"] == {"CNY": {"amount": 700, "exchange": 20}}
    assert told["left_out"] == {"disputed": 2, "void": 1}
    refused = run(capsys, *signing(trade, evidence, "consumer", tmp_path), expect=2)
    assert "--yes" in refused["next"]
    for side in fee_file.SIDES:
        told = run(capsys, *signing(trade, evidence, side, tmp_path), "--yes")
    assert told["signed"] == list(fee_file.SIDES)
    file = fee_file.read(evidence.with_name("may.fees"))
    assert fee_file.anchoring(file).data
    for side in fee_file.SIDES:
        journal = Journal(tmp_path / f"{side}.db")
        assert journal.fees(file.digest) is not None
        assert journal.price_plan(file.fees.lines[0].plan) == encode_plan(PLAN)
        journal.close()


def test_a_plan_is_checked_and_its_hash_shown(
    plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["product", "plan", "--file", str(plan), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["plan"] == "0x" + plan_hash(PLAN).hex()
    assert told["document"].encode() == encode_plan(PLAN)
    plan.write_text(plan.read_text().replace("tiered", "fixed"))
    assert main(["product", "plan", "--file", str(plan), "--json"]) == 5
    assert "more tiers than one price" in json.loads(capsys.readouterr().out)["error"]


@pytest.mark.parametrize("language", ["zh", "en", "both"])
def test_a_fee_file_is_shown_to_people(
    trade: Trade,
    until: int,
    evidence: Path,
    plan: Path,
    language: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = [*computing(trade, evidence, until, plan), "--lang", language]
    assert main(["statement", *shown]) == 0
    assert "CNY 7.00" in capsys.readouterr().out
    file = str(evidence.with_name("may.fees"))
    assert main(["statement", "show-fees", "--file", file, "--lang", language]) == 0
    assert "CNY 0.20" in capsys.readouterr().out


def test_another_sides_proposal_that_differs_is_refused(
    trade: Trade,
    until: int,
    evidence: Path,
    plan: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The provider proposes one use more; the consumer's own evidence has it not."""
    run(capsys, *computing(trade, evidence, until, plan))
    path = evidence.with_name("may.fees")
    value = json.loads(path.read_text())
    value["content"]["lines"][0][6] += 100
    changed = fee_file.decode(json.dumps(value | {"digest": digest_of(value)}))
    path.write_text(fee_file.encode(changed))
    told = run(capsys, *signing(trade, evidence, "consumer", tmp_path), "--yes", expect=1)
    assert told["reason"] == "fees differ from our own records"
    assert "line of authorization" in told["why"]
    assert not (tmp_path / "consumer.db").exists()


def digest_of(value: Any) -> str:
    """The digest that a forger would write: that of the changed content."""
    try:
        fee_file.decode(json.dumps(value))
    except fee_file.Refused as error:
        return error.why.rsplit(" ", 1)[1]
    raise AssertionError


def test_what_cannot_be_computed(
    trade: Trade,
    until: int,
    evidence: Path,
    plan: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = computing(trade, evidence, until, plan)
    told = run(capsys, *computing(trade, evidence, until + 10_000, plan), expect=4)
    assert "before the period" in told["error"]
    other = tmp_path / "other.json"
    other.write_bytes(encode_plan(PLAN).replace(b"150", b"151"))
    told = run(capsys, *computing(trade, evidence, until, other), expect=1)
    assert told["reason"] == "fees: a price plan is missing"
    other.write_text("{}")
    assert run(capsys, *computing(trade, evidence, until, other), expect=5)
    wrong = [part.replace("0x", "0x00")[:66] if part.startswith("0x") else part for part in given]
    assert "does not hold" in run(capsys, *wrong, expect=5)["error"]
    told = run(capsys, *[part if part != str(B) else "3" for part in given], expect=1)
    assert told["reason"] == "fees: not of one pair"
    evidence.unlink()
    assert run(capsys, *given, expect=3)
