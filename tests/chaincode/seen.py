"""Which revert reasons the suite has seen executed: a whole run that misses one fails.

`world.reason` notes each. Under xdist the workers hand theirs to the controller, which compares all
with the reasons of the artifacts once the session is over. A run of some tests only is not judged.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import chaincode
from node.sdk.abi import decode_event
from node.spec.receipt import Log

FOLDER = Path(__file__).parent
SEEN: set[str] = set()
_OUTPUT = "reasons_seen"


def note(reason: str) -> str:
    """Remember a reason that a transaction or call was refused with."""
    SEEN.add(reason)
    return reason


def note_flaws(logs: Iterable[Log]) -> None:
    """Remember what a challenge found: these reasons are told by an event, they refuse nothing."""
    for log in logs:
        if log.address == chaincode.ADDRESSES["challenges"]:
            event = decode_event("challenges", log)
            if event is not None and "flaw" in event.values:
                note(event.values["flaw"])


def missing(seen: Iterable[str]) -> list[str]:
    """Return the reasons of the artifacts that were not seen."""
    every = {text for name in chaincode.CONTRACTS for text in chaincode.load(name).reasons}
    return sorted(every - set(seen))


def is_whole(options: Any, arguments: Iterable[str], folder: Path) -> bool:
    """Whether a run was asked for all tests of the contracts, leaving none out."""
    narrowed = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "collectonly")
    if any(getattr(options, name, None) for name in narrowed):
        return False
    places = [(folder / argument).resolve() for argument in arguments if "::" not in argument]
    return any(place == FOLDER or place in FOLDER.parents for place in places)


def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput[_OUTPUT] = sorted(SEEN)
    elif session.exitstatus == pytest.ExitCode.OK and _never_seen(config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    SEEN.update(getattr(node, "workeroutput", {}).get(_OUTPUT, ()))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if never := _never_seen(config):
        terminalreporter.section("revert reasons that no test has seen")
        for reason in never:
            terminalreporter.line(reason, red=True)


def _never_seen(config: pytest.Config) -> list[str]:
    whole = is_whole(config.option, config.args, config.invocation_params.dir)
    return missing(SEEN) if whole else []
