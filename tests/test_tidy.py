"""A rule worth stating twice is a test: the manner of this code, held against every file of it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.cli import EXTRA, MODULES

PROJECT = Path(__file__).resolve().parents[1]
PRODUCT = ("node", "chaincode")
FOLDERS = (*PRODUCT, "scripts", "tests")
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
LONG_FILES = {
    "tests/unit/execution/test_engines.py": "every engine, every rule judged before and in it",
    "tests/unit/consensus/test_machine.py": "one machine, one event after another in QBFT's order",
}
ENTRY_POINTS = {
    "node.__main__",
    "chaincode.build",
    *(f"node.cli.{noun}" for noun in (*MODULES, *EXTRA)),
}
TEXTS = ("*.py", "*.md", "*.toml", "*.vy", "*.vyi", "*.json", "*.txt", "*.in", "Makefile")


def sources(*folders: str) -> list[Path]:
    """Return the Python files of some folders."""
    return sorted(path for folder in folders for path in (PROJECT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def module_of(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many lines a function's body has, its docstring left out."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return 0 if not body else (body[-1].end_lineno or 0) - body[0].lineno + 1


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for part in ast.walk(tree(path)):
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            yield part


def calls(path: Path) -> Iterator[str]:
    """Yield the dotted names of all that a file calls."""
    for part in ast.walk(tree(path)):
        if isinstance(part, ast.Call):
            yield ast.unparse(part.func)


def imported() -> set[str]:
    """Return every module that some file of the project imports."""
    found = set()
    for path in sources(*FOLDERS):
        package = module_of(path) if path.name == "__init__.py" else module_of(path.parent / "x")
        package = package.removesuffix(".x")
        for part in ast.walk(tree(path)):
            if isinstance(part, ast.Import):
                found.update(alias.name for alias in part.names)
            elif isinstance(part, ast.ImportFrom):
                above = package.rsplit(".", part.level - 1)[0] if part.level else ""
                base = ".".join(piece for piece in (above, part.module) if piece)
                found.add(base)
                found.update(f"{base}.{alias.name}" for alias in part.names)
    return found


def test_functions_are_short() -> None:
    long = [
        f"{name_of(path)}: {function.name} has {body_lines(function)} lines"
        for path in sources(*FOLDERS)
        for function in functions(path)
        if body_lines(function) > FUNCTION_LINES_MAX
    ]
    assert long == []


def test_files_are_short_or_have_a_reason() -> None:
    long = {
        name_of(path)
        for path in sources(*FOLDERS)
        if len(path.read_text(encoding="utf-8").splitlines()) > FILE_LINES_MAX
    }
    assert long == set(LONG_FILES), "a reason is given for each, and for no other"


def test_every_module_introduces_itself() -> None:
    silent = [
        name_of(path)
        for path in sources(*FOLDERS)
        if not ast.get_docstring(tree(path)) and path.read_text(encoding="utf-8").strip()
    ]
    assert silent == []


def test_every_file_of_tests_says_why_it_exists() -> None:
    found = [path for path in sources("tests") if path.name.startswith("test_")]
    assert len(found) > 60
    for path in found:
        first = (ast.get_docstring(tree(path)) or "").split("\n\n")[0]
        assert len(first.split()) >= 6, f"{name_of(path)}: one sentence says why"


def test_no_module_is_dead() -> None:
    used = imported() | ENTRY_POINTS
    dead = [
        module_of(path)
        for path in sources(*PRODUCT)
        if path.name != "__init__.py" and module_of(path) not in used
    ]
    assert dead == []


def test_nothing_is_left_to_be_done() -> None:
    words = ("TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error")
    marks = re.compile("|".join(words))
    for path in sources(*FOLDERS):
        found = marks.search(path.read_text(encoding="utf-8"))
        assert found is None, f"{name_of(path)}: {found.group() if found else ''}"


def test_only_commands_print() -> None:
    loud = [
        name_of(path)
        for path in sources("node")
        if "print" in calls(path) and "cli" not in path.parts
    ]
    assert loud == []


def test_only_commands_and_scripts_sleep() -> None:
    allowed = {"node/cli/processes.py", "node/cli/net.py"}
    sleepy = [
        name_of(path)
        for path in sources(*PRODUCT, "tests")
        if "time.sleep" in calls(path) and name_of(path) not in allowed
    ]
    assert sleepy == []


def test_the_product_verifies_without_assert_and_hides_no_fault() -> None:
    """A bare except, or one that passes over every Exception in silence, hides a fault."""
    for path in sources(*PRODUCT):
        for part in ast.walk(tree(path)):
            if isinstance(part, ast.ExceptHandler):
                caught = "" if part.type is None else ast.unparse(part.type)
                silent = all(isinstance(line, ast.Pass) for line in part.body)
                assert caught, f"{name_of(path)}:{part.lineno}: a bare except"
                assert not (silent and "Exception" in caught), f"{name_of(path)}:{part.lineno}"


@pytest.mark.parametrize("place", ["/" + "work/", "/" + "tmp/", "/" + "root/", "/" + "home/"])
def test_no_text_names_a_machine(place: str) -> None:
    files = [PROJECT / ".ci" / "run", *(path for kind in TEXTS for path in PROJECT.glob(kind))]
    for folder in (*FOLDERS, "config", "docs", "requirements"):
        files += [path for kind in TEXTS for path in (PROJECT / folder).rglob(kind)]
    assert len(files) > 200
    named = [name_of(path) for path in files if place in path.read_text(encoding="utf-8")]
    assert named == []


def test_these_checks_can_fail(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    lines = "\n".join(f"    x = {number}" for number in range(FUNCTION_LINES_MAX + 1))
    bad.write_text(f"import time\ndef long():\n    '''Say.'''\n{lines}\ntime.sleep(1)\nprint(1)\n")
    assert [body_lines(function) for function in functions(bad)] == [FUNCTION_LINES_MAX + 1]
    assert {"time.sleep", "print"} <= set(calls(bad))
    assert ast.get_docstring(tree(bad)) is None
    assert "node.no_such_module" not in imported()
    assert "node.spec.codec" in imported()
