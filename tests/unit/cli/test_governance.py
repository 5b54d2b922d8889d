"""Who votes must see what the ledger holds the hash of, so proposals are shown decoded."""

import json
from pathlib import Path
from typing import Any

import pytest

from node.cli import calls, governance, main
from node.sdk.client import Client
from node.spec.proposals import PARTS
from tests.unit.chain.kit import GOVERNOR_KEY
from tests.unit.cli.test_calls import Mining, key_file
from tests.unit.rpc.kit import Node


@pytest.fixture
def transport(monkeypatch: pytest.MonkeyPatch) -> Mining:
    transport = Mining(Node())
    for module in (calls, governance):
        monkeypatch.setattr(module, "Client", lambda _url: Client(transport))
    return transport


def run(capsys: pytest.CaptureFixture[str], *arguments: str, expect: int = 0) -> Any:
    code = main(["governance", *arguments, "--json"])
    printed = capsys.readouterr()
    assert code == expect, printed.err
    return json.loads(printed.out)


ADMIT = {
    "identifier": "529900T8BM49AURSDO55",
    "kind": "bank",
    "governor": "0x" + "77" * 20,
    "name": "第二银行",
    "jurisdiction": "156",
    "head-office": "0",
}


def test_a_proposal_is_made_shown_in_words_and_withdrawn(
    transport: Mining, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = ("--key", str(key_file(tmp_path, GOVERNOR_KEY)))
    words = [word for name, value in ADMIT.items() for word in (f"--{name}", value)]
    sent = run(capsys, "propose-admit-member", *words, *key)
    assert "ProposalOpened" in [event["event"] for event in sent["events"]]
    shown = run(capsys, "show", "--number", "1")
    assert shown["kind"] == "Admit a member"
    asked = {name.replace("-", "_"): value for name, value in ADMIT.items()}
    assert shown["asks"] == {**asked, "kind": 1, "jurisdiction": 156, "head_office": 0}
    again = run(capsys, "enact", "--number", "1", *key, expect=1)
    assert again["reason"].startswith("governance: ")
    run(capsys, "withdraw", "--number", "1", *key)
    assert run(capsys, "show", "--number", "1")["status"] == "Withdrawn by who proposed it"


def test_a_number_without_a_proposal_is_not_ready(
    transport: Mining, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no proposal 7" in run(capsys, "show", "--number", "7", expect=4)["error"]


def test_a_value_that_does_not_fit_is_a_matter_of_usage(
    transport: Mining, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = ("--key", str(key_file(tmp_path, GOVERNOR_KEY)))
    words = ("--parameter", "TimeLock", "--value", str(2**256))
    assert "does not fit" in run(capsys, "propose-parameter", *words, *key, expect=2)["error"]


@pytest.mark.parametrize("kind", PARTS)
def test_every_kind_of_proposal_has_a_verb(kind: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["governance", governance.verb_of(kind), "--help"])
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    assert all(f"--{name.replace('_', '-')}" in printed for name in PARTS[kind])
