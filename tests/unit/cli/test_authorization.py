"""Approvals travel by hand, so what is shown, signed and refused offline is the whole safeguard."""

import json
from pathlib import Path
from typing import Any

import pytest

from node.cli import main
from node.sdk import approval_file
from node.spec.crypto import recover
from node.spec.terms import authorization_id, revocation_digest, to_json
from node.spec.vocabulary import Reason
from tests.chaincode import world as w
from tests.unit.cli.test_calls import key_file

CHAIN = 31337
TERMS = w.personal_terms()
ID = "0x" + authorization_id(TERMS, CHAIN).hex()


@pytest.fixture
def terms(tmp_path: Path) -> Path:
    path = tmp_path / "terms.json"
    path.write_text(json.dumps(to_json(TERMS)))
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str, expect: int = 0) -> Any:
    code = main(["authorization", *arguments, "--json"])
    printed = capsys.readouterr()
    assert code == expect, printed.err
    return json.loads(printed.out), printed.err


def test_terms_are_asked_for_and_approved_without_a_network(
    terms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "share.approval"
    request = ("request", "--terms", str(terms), "--chain-id", str(CHAIN), "--out", str(file))
    assert run(capsys, *request)[0]["authorization"] == ID
    key = key_file(tmp_path, w.key("subject"))
    sign = ("sign", "--file", str(file), "--chain-id", str(CHAIN), "--key", str(key))
    told, shown = run(capsys, *sign, expect=2)
    assert "--yes" in told["next"]
    assert ID in shown
    assert "提供方: 成员1" in shown
    assert approval_file.read(file, CHAIN).approvals == ()
    told, shown = run(capsys, *sign, "--terms", str(terms), "--yes")
    assert told == {
        "authorization": ID,
        "account": "0x" + w.account("subject").hex(),
        "approvals": 1,
    }
    assert "Provider: member 1" in shown
    assert len(approval_file.read(file, CHAIN).approvals) == 1


def test_a_file_of_another_chain_or_of_other_terms_is_not_signed(
    terms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "share.approval"
    run(capsys, "request", "--terms", str(terms), "--chain-id", "1", "--out", str(file))
    key = key_file(tmp_path, w.key("subject"))
    sign = ("sign", "--file", str(file), "--key", str(key), "--yes", "--chain-id")
    assert run(capsys, *sign, str(CHAIN), expect=1)[0]["reason"] == "approval file: another chain"
    terms.write_text(json.dumps(to_json(w.personal_terms(maximum_uses=9))))
    told = run(capsys, *sign, "1", "--terms", str(terms), expect=1)[0]
    assert told["reason"] == "approval file: other terms"
    assert "maximumUses" in told["why"]
    assert approval_file.read(file, 1).approvals == ()


def test_an_approval_file_is_of_one_chain(
    terms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "x.approval")
    assert (
        "--chain-id"
        in run(capsys, "request", "--terms", str(terms), "--out", out, expect=2)[0]["error"]
    )


def test_a_revocation_is_signed_offline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = key_file(tmp_path, w.key("subject"))
    words = ("--authorization", ID, "--reason", "subject_withdrew", "--chain-id", str(CHAIN))
    told = run(capsys, "sign-revocation", *words, "--key", str(key))[0]
    digest = revocation_digest(authorization_id(TERMS, CHAIN), Reason.SUBJECT_WITHDREW, CHAIN)
    assert recover(digest, bytes.fromhex(told["signature"][2:])) == w.account("subject")


def test_terms_are_rendered_in_every_format(
    terms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = tmp_path / "directory.json"
    cards = {str(i): {"name": "银行", "address": "路", "contact": "tel"} for i in (1, 2)}
    document = {
        "members": cards,
        "kinds": list(w.FIELDS),
        "privacyNotice": "https://bank.example",
        "storageLocations": ["上海"],
        "withdrawal": "any branch",
    }
    names.write_text(json.dumps(document))
    events = tmp_path / "events.json"
    events.write_text(json.dumps([{"time": 1, "member": 0, "kind": "a", "state": "ConsentGiven"}]))
    base = ("render", "--terms", str(terms), "--chain-id", str(CHAIN), "--directory", str(names))
    assert "银行" in run(capsys, *base, "--lang", "zh")[0]["text"]
    for name in ("odrl", "dpv"):
        assert run(capsys, *base, "--format", name)[0]["dcd:digest"] == ID
    record = ("--format", "consent-record")
    assert run(capsys, *base, *record, "--events", str(events))[0]["dcd:digest"] == ID
    assert "--events" in run(capsys, *base, *record, expect=2)[0]["error"]
    events.write_text("[5]")
    assert "events" in run(capsys, *base, *record, "--events", str(events), expect=2)[0]["error"]


def test_malformed_terms_are_an_integrity_error(
    terms: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    terms.write_text("{}")
    told = run(capsys, "render", "--terms", str(terms), "--chain-id", "1", expect=5)[0]
    assert "expected exactly the members" in told["error"]
