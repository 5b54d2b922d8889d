"""Scripts live by exit codes and one JSON object; people by three lines. Both are promised here."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from node.cli import NOUNS, build_parser, main
from node.cli.output import add_command, emit, run_handler
from node.errors import ConfigError, DataccordError, NotReady, Refused, StoreError, UsageError


def arguments(as_json: bool, error: BaseException | None = None) -> argparse.Namespace:
    def handler(_given: argparse.Namespace) -> int:
        if error is not None:
            raise error
        return 0

    return argparse.Namespace(json=as_json, handler=handler)


CASES: list[tuple[BaseException, int]] = [
    (UsageError("what"), 2),
    (ConfigError("what"), 3),
    (NotReady("what"), 4),
    (StoreError("what"), 5),
    (Refused("rule"), 1),
    (DataccordError("what"), 1),
    (ZeroDivisionError("what"), 5),
    (KeyboardInterrupt(), 130),
    (BrokenPipeError(), 0),
]


@pytest.mark.parametrize(("error", "code"), CASES, ids=lambda part: type(part).__name__)
def test_each_error_has_its_exit_code(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_handler(arguments(False, error)) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    if isinstance(error, Exception) and not isinstance(error, BrokenPipeError):
        assert printed.err.startswith("error: ")


def test_an_error_under_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    error = Refused("limit reached", why="3 of 3", next_command="dataccord net status")
    assert run_handler(arguments(True, error)) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {
        "error": "refused: limit reached",
        "why": "3 of 3",
        "next": "dataccord net status",
        "code": 1,
        "reason": "limit reached",
    }
    assert printed.err.splitlines()[-1] == "next:  dataccord net status"
    assert run_handler(arguments(True, ConfigError("no file"))) == 3
    assert "reason" not in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("content", "what", "why"),
    [
        (None, "cannot be read", "No such file or directory"),
        (b"{", "not JSON", "line 1"),
        (b"[" * 100_000, "not JSON", "recursion"),
        (b"[]", "expected exactly the members kind", "it is no object"),
        (b'{"kind": 1, "kind_": 1}', "expected exactly the members", "missing: purposes, modes"),
        (b'{"kind": 1, "kind_": 1}', "expected exactly the members", "unknown: kind_"),
    ],
    ids=("absent", "cut off", "too deep", "a list", "lacking", "too much"),
)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_file_that_cannot_be_is_a_fault_of_usage(
    content: bytes | None,
    what: str,
    why: str,
    as_json: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is read while the command line is: its exit code says so, and under --json its object."""
    file = tmp_path / "clauses.json"
    if content is not None:
        file.write_bytes(content)
    given = ["template", "propose", "--text", "0x" + "11" * 32, "--clauses", str(file)]
    assert main([*given, "--json"] if as_json else given) == 2
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    assert what in printed.err
    assert why in printed.err
    assert bool(printed.out) == as_json
    if as_json:
        assert json.loads(printed.out)["code"] == 2


def test_a_result_is_text_or_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    emit(arguments(False), {"name": "银行"}, "a bank")
    assert capsys.readouterr().out == "a bank\n"
    emit(arguments(True), {"name": "银行"}, "a bank")
    assert capsys.readouterr().out == '{"name": "银行"}\n'
    assert run_handler(arguments(False)) == 0


@pytest.mark.parametrize(
    "given", [[], ["nothing"], ["net"], ["net", "nothing"], ["net", "up", "--validators", "x"]]
)
def test_what_cannot_be_understood_ends_with_2(
    given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(given)
    assert caught.value.code == 2
    assert "usage: dataccord" in capsys.readouterr().err


def commands(parser: argparse.ArgumentParser) -> list[tuple[str, argparse.ArgumentParser]]:
    found = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                below = commands(inner)
                found += [(f"{name} {deeper}", last) for deeper, last in below] or [(name, inner)]
    return found


def test_every_command_has_json_help_and_an_example() -> None:
    listed = commands(build_parser())
    assert {name.split()[0] for name, _ in listed} == set(NOUNS)
    for name, parser in listed:
        text = parser.format_help()
        assert "--json" in text, name
        assert f"dataccord {name}" in text, f"{name}: no example"
        assert callable(parser.get_default("handler")), name


def test_one_noun_alone_is_built_for_one_noun() -> None:
    assert {name.split()[0] for name, _ in commands(build_parser("net"))} == {"net"}


def test_a_command_is_added_with_its_handler() -> None:
    parsers = argparse.ArgumentParser().add_subparsers()
    ran: list[Any] = []
    handler: Callable[[argparse.Namespace], int] = lambda given: ran.append(given) or 0  # noqa: E731
    parser = add_command(parsers, "try", handler, "try it", example="dataccord try")
    given = parser.parse_args(["--json"])
    assert given.json
    assert run_handler(given) == 0
    assert ran == [given]
