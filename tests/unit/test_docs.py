"""What is written about commands must be what they are, and what errors advise must exist."""

import json
import re
from pathlib import Path

import pytest

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
