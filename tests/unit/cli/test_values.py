"""A command line is the edge where words become what is signed, so a word must mean one value."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from node.cli import values
from node.cli.values import TEXT, option_of, parser_of, shaped, shown
from node.errors import UsageError
from node.spec.vocabulary import HOME


def parse(kind: str, text: str, hint: str = "") -> Any:
    return parser_of({"type": kind, "name": "value"}, hint)(text)


@pytest.mark.parametrize(
    ("kind", "hint", "text", "value"),
    [
        ("uint256", "", "12", 12),
        ("uint256", "", "0xff", 255),
        ("bool", "", "true", True),
        ("bool", "", "false", False),
        ("address", "", "0x" + "Ab" * 20, "0x" + "ab" * 20),
        ("bytes32", "", "0x" + "11" * 32, b"\x11" * 32),
        ("bytes", "", "0x1234", b"\x12\x34"),
        ("string", "", "a bank", "a bank"),
        ("bytes32", TEXT, "DEMO", b"DEMO" + bytes(28)),
        ("uint256", "reason", "SubjectWithdrew", 1),
        ("uint256", "reason", "subject-withdrew", 1),
        ("uint256", "reason", "1", 1),
        ("uint256", "jurisdiction", "cn", HOME),
        ("uint256", "*role", "sender,gateway", 0b101),
        ("uint256", "*role", "0x5", 0b101),
        ("uint256", "*role", "0", 0),
        ("uint256", "*member", "1,3", 0b1010),
    ],
)
def test_words_become_values(kind: str, hint: str, text: str, value: Any) -> None:
    assert parse(kind, text, hint) == value


@pytest.mark.parametrize(
    ("kind", "hint", "text"),
    [
        ("uint256", "", "twelve"),
        ("uint256", "", ""),
        ("bool", "", "yes"),
        ("address", "", "0x1234"),
        ("address", "", "ab" * 20),
        ("bytes32", "", "0x1234"),
        ("bytes32", "", "11" * 32),
        ("bytes", "", "0xzz"),
        ("bytes32", TEXT, "x" * 33),
        ("bytes32", TEXT, ""),
        ("uint256", "reason", "because"),
        ("uint256", "*role", "sender,king"),
    ],
)
def test_what_means_nothing_is_refused(kind: str, hint: str, text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        parse(kind, text, hint)


def test_bytes_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ca.der"
    path.write_bytes(b"\x30\x82")
    assert parse("bytes", f"@{path}") == b"\x30\x82"
    with pytest.raises(UsageError, match="cannot be read"):
        parse("bytes", f"@{tmp_path}/none")
    monkeypatch.setattr(values, "FILE_BYTES_MAX", 1)
    with pytest.raises(UsageError, match="more than 1 bytes"):
        parse("bytes", f"@{path}")


OPENING = {
    "name": "opening",
    "type": "tuple",
    "components": [
        {"name": "authorization", "type": "bytes32"},
        {"name": "uses", "type": "uint256"},
        {"name": "purpose", "type": "uint256"},
        {"name": "final", "type": "bool"},
    ],
}
OPENED = {"authorization": "0x" + "22" * 32, "uses": 3, "purpose": "CreditChecking", "final": True}
VALUE = (b"\x22" * 32, 3, 5, True)


def test_structures_come_from_json_files(tmp_path: Path) -> None:
    path = tmp_path / "opening.json"
    path.write_text(json.dumps(OPENED))
    assert parser_of(OPENING, "")(str(path)) == VALUE
    path.write_text(json.dumps([OPENED, OPENED]))
    assert parser_of({**OPENING, "type": "tuple[]"}, "")(str(path)) == [VALUE, VALUE]
    path.write_text("not json")
    with pytest.raises(UsageError, match="not JSON"):
        parser_of(OPENING, "")(str(path))


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        [],
        {},
        {**OPENED, "more": 1},
        {**OPENED, "uses": "many"},
        {**OPENED, "uses": None},
        {**OPENED, "uses": 1.5},
        {**OPENED, "authorization": "0x12"},
        {**OPENED, "authorization": 7},
        {**OPENED, "purpose": "Nothing"},
        {**OPENED, "final": "maybe"},
    ],
)
def test_a_structure_of_another_shape_is_one_error(value: Any) -> None:
    with pytest.raises(UsageError):
        shaped(OPENING, value)
    with pytest.raises(UsageError):
        shaped({**OPENING, "type": "tuple[]"}, value if value != [] else 5)


def test_options_are_words() -> None:
    assert option_of("providerKey") == "--provider-key"
    assert option_of("caseHash") == "--case-hash"
    assert option_of("uses") == "--uses"


def test_results_are_json() -> None:
    parts = [OPENING, {"name": "", "type": "uint256"}]
    assert shown((VALUE, 2**60), parts) == {
        "opening": {
            "authorization": "0x" + "22" * 32,
            "uses": 3,
            "purpose": 5,
            "final": True,
        },
        "value1": hex(2**60),
    }
    assert shown([b"\x01", True, 4]) == ["0x01", True, 4]
    many = [{**OPENING, "type": "tuple[]"}]
    assert shown(([VALUE],), many)["opening"][0]["uses"] == 3
