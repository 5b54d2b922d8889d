"""The style guide as a test: what is said twice in review becomes a rule here."""

import ast
import re
from pathlib import Path

import pytest

SOURCES = sorted([*Path("node").rglob("*.py"), *Path("chaincode").rglob("*.py")])
SCRIPTS = sorted(Path("scripts").rglob("*.py"))
TESTS = sorted(Path("tests").rglob("test_*.py"))
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 520
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|NotImplemented" + r"Error)\b")
MACHINE_PATH = re.compile(r"/(work|farm)/|/tmp/bash_jobs")


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", [*SOURCES, *SCRIPTS], ids=str)
def test_sources_are_tidy(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= FILE_LINES_MAX, "a second theory of operation has appeared"
    assert ast.get_docstring(tree(path)), "a module introduces itself"
    assert not UNFINISHED.search(text), "what is not built says so by a clear error"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < FUNCTION_LINES_MAX, node.name


@pytest.mark.parametrize("path", TESTS, ids=str)
def test_tests_say_why_they_exist(path: Path) -> None:
    assert ast.get_docstring(tree(path))


@pytest.mark.parametrize("path", [*SOURCES, *SCRIPTS, *TESTS, Path("README.md")], ids=str)
def test_nothing_names_a_machine(path: Path) -> None:
    if path != Path("tests/test_tidy.py"):
        assert not MACHINE_PATH.search(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if "cli" not in p.parts and p.name != "build.py"], ids=str
)
def test_only_commands_print_and_nothing_sleeps(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            assert name not in ("print", "time.sleep"), f"{path}:{node.lineno}"
