"""What is written about commands must be what they are, and what errors advise must exist."""

import json
import re
from pathlib import Path

import pytest

from chaincode import CONTRACTS
from chaincode.artifact import load
from node.cli import build_parser
from scripts.demo_product import FOLDER, product
from scripts.docs import FILE, command_reference

ADVICE = re.compile(r"dataccord ([a-z]+) ([a-z-]+)")


def test_the_command_reference_is_current():
    assert FILE.read_text(encoding="utf-8") == command_reference(), "run `make docs`"


def test_the_product_is_made_from_the_datas_own_description():
    assert json.loads((FOLDER / "product.json").read_text(encoding="utf-8")) == product()


def _advised() -> set[tuple[str, str]]:
    found = set()
    for path in [*Path("node").rglob("*.py"), Path("README.md")]:
        found |= set(ADVICE.findall(path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize(("noun", "verb"), sorted(_advised()))
def test_every_command_that_is_named_exists(noun, verb, capsys):
    with pytest.raises(SystemExit) as stopped:
        build_parser().parse_args([noun, verb, "--help"])
    assert stopped.value.code == 0
    assert f"dataccord {noun} {verb}" in capsys.readouterr().out


def test_the_table_of_visibility_names_each_event_once():
    """R18: whatever a contract puts on the chain stands in one row, in both languages."""
    text = Path("docs/visibility.md").read_text(encoding="utf-8")
    named = re.findall(r"`([A-Z]\w+)`", text)
    events = [e["name"] for name in CONTRACTS for e in load(name).abi if e["type"] == "event"]
    assert sorted(named) == sorted(events)
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| ")][1:]
    assert all(" / " in cell for row in rows for cell in (row[0], *row[2:]))


def test_the_contracts_readme_says_where_each_file_of_tests_belongs():
    text = Path("chaincode/README.md").read_text(encoding="utf-8")
    files = {path.name for path in Path("tests/chaincode").glob("test_*.py")}
    named = set(re.findall(r"`(test_\w+\.py)`", text))
    assert files - named == set()
    assert {name for name in named - files if not list(Path("tests/unit").rglob(name))} == set()
