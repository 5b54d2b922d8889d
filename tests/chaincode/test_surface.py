"""Whatever a contract can do or refuse must be reachable by command and catchable by name.

Both are derived from the artifacts: a new method without a command, or a new reason without a
class, fails here and says what to run.
"""

from types import SimpleNamespace

import pytest

import chaincode
from node.cli import commands
from node.sdk import reverts
from node.sdk.reverts.base import CLASSES, class_name
from scripts.reverts import files, reasons, suggested
from tests.chaincode import seen

LISTED = [
    (command.contract, command.method) for table in commands.TABLE.values() for command in table
]
METHODS = [
    (contract, entry["name"])
    for contract in chaincode.CONTRACTS
    for entry in chaincode.load(contract).abi
    if entry["type"] == "function"
]


@pytest.mark.parametrize("method", METHODS, ids=".".join)
def test_every_method_has_a_command_or_a_reason_why_not(method):
    has = (method in LISTED) + (method in commands.UNREACHABLE)
    assert has == 1, (
        f"{'.'.join(method)}: add one line to TABLE or UNREACHABLE of node/cli/commands.py"
    )


def test_no_command_is_of_a_method_that_is_not_there():
    assert set(LISTED) | set(commands.UNREACHABLE) == set(METHODS)
    assert len(LISTED) == len(set(LISTED))
    assert set(commands.TABLE) == set(commands.NOUNS)


def test_what_no_account_can_call_is_refused_by_the_contract_itself():
    for contract, method in commands.UNREACHABLE:
        said = chaincode.load(contract).reasons
        assert any(": only " in reason for reason in said), f"{contract}.{method}"


def test_every_reason_has_its_class():
    assert set(CLASSES) == {text for texts in reasons().values() for text in texts}, (
        "run `python -m scripts.reverts`"
    )
    for path, text in files().items():
        assert path.read_text("utf-8") == text, f"{path.name}: run `python -m scripts.reverts`"


def test_a_class_is_found_where_its_contract_and_its_words_say():
    for reason, made in CLASSES.items():
        module = getattr(reverts, made.contract)
        assert getattr(module, class_name(reason)) is made
        assert (made.text, made.__name__) == (reason, class_name(reason))
        error = reverts.error_of(reason, "why")
        assert type(error) is made
        assert (error.reason, error.why, error.next_command) == (reason, "why", made.advice)
        assert made.advice


def test_a_reason_that_nobody_knows_is_still_a_refusal():
    error = reverts.error_of("elsewhere: no")
    assert type(error) is reverts.Reverted
    assert error.reason == "elsewhere: no"


def test_a_new_reason_gets_the_advice_that_its_words_suggest():
    assert suggested("leases: only closings") == "INTERNAL"
    assert suggested("supervision: not an officer") == "ROLE"
    assert suggested("grants: no such thing") == "TERMS"
    assert suggested("unheard: of") == "SHAPE"


def test_a_reason_is_named_once():
    with pytest.raises(ValueError, match="named twice"):
        reverts.base.revert("leases: not open", "anything")


# Reasons seen ----


def options(**narrowed):
    return SimpleNamespace(**narrowed)


def test_a_whole_run_is_told_from_a_part_of_it():
    folder = seen.FOLDER.parents[1]
    for arguments in (
        ["tests"],
        ["tests/chaincode"],
        ["."],
        [str(seen.FOLDER)],
        ["tests/unit", "tests"],
    ):
        assert seen.is_whole(options(), arguments, folder), arguments
    for arguments in (["tests/unit"], ["tests/chaincode/test_leases.py"], ["tests/chaincode::x"]):
        assert not seen.is_whole(options(), arguments, folder), arguments
    for name in ("keyword", "markexpr", "deselect", "lf", "collectonly", "ignore"):
        assert not seen.is_whole(options(**{name: "x"}), ["tests"], folder), name


def test_a_reason_that_is_never_seen_is_missed():
    every = {text for texts in reasons().values() for text in texts}
    assert seen.missing(every) == []
    assert seen.missing(every - {"leases: not open"}) == ["leases: not open"]


class Session(SimpleNamespace):
    exitstatus = pytest.ExitCode.OK


def test_a_whole_run_with_a_reason_never_seen_fails(monkeypatch):
    config = SimpleNamespace(
        option=options(),
        args=["tests"],
        invocation_params=SimpleNamespace(dir=seen.FOLDER.parents[1]),
    )
    monkeypatch.setattr(seen, "SEEN", {text for texts in reasons().values() for text in texts})
    session = Session(config=config)
    seen.pytest_sessionfinish(session)
    assert session.exitstatus == pytest.ExitCode.OK
    seen.SEEN.discard("leases: not open")
    seen.pytest_sessionfinish(session)
    assert session.exitstatus == pytest.ExitCode.TESTS_FAILED


def test_workers_hand_over_what_they_saw(monkeypatch):
    monkeypatch.setattr(seen, "SEEN", {"a: b"})
    worker = SimpleNamespace(workeroutput={})
    seen.pytest_sessionfinish(Session(config=worker))
    monkeypatch.setattr(seen, "SEEN", set())
    seen.pytest_testnodedown(worker)
    assert "a: b" in seen.SEEN
