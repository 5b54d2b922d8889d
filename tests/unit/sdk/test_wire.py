"""Both sides sign what this turns into JSON: a member more, less or different is refused."""

from dataclasses import replace
from typing import Any

import pytest

from node.errors import DecodeError
from node.sdk import wire
from node.sdk.settlement import RangeRequest
from node.spec.types import Hash32
from node.spec.usage import Receipt, Request, UseRange

WORD = Hash32(b"\x01" * 32)
VALUES = [
    Request(WORD, 1, WORD, WORD),
    Receipt(WORD, 1, WORD, WORD, 1, 2, 3, 4, 5, WORD, WORD, WORD),
    RangeRequest(WORD, 1, 2, 3, closes=True),
    UseRange(WORD, 1, 2, 3, WORD, closes=False),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_there_and_back(value: Any) -> None:
    assert wire.from_json(type(value), wire.to_json(value)) == value
    assert wire.from_json(type(value), wire.to_json(value)) != replace(value, lease=99)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_each_member_must_be_there_and_of_its_type(value: Any) -> None:
    body = wire.to_json(value)
    for name, part in body.items():
        wrong: list[Any] = [None, [], 1.5, "0x12", "x", -1, 2**63]
        wrong += [1] if isinstance(part, bool | str) else [True]
        for other in wrong:
            with pytest.raises(DecodeError):
                wire.from_json(type(value), body | {name: other})
        with pytest.raises(DecodeError, match="exactly"):
            wire.from_json(type(value), {key: body[key] for key in body if key != name})
    for whole in (None, [], "x", body | {"more": 1}):
        with pytest.raises(DecodeError, match="exactly"):
            wire.from_json(type(value), whole)


@pytest.mark.parametrize("text", ["", "0x", "00" * 32, "0x" + "00" * 31, "0x" + "AB" * 32, "0xzz"])
def test_bytes_have_one_form(text: str) -> None:
    with pytest.raises(DecodeError):
        wire.hash_of({"x": text}, "x")
    assert wire.hash_of({"x": "0x" + "ab" * 32}, "x") == b"\xab" * 32


def test_numbers_fit_a_journal() -> None:
    assert wire.number({"x": 2**63 - 1}, "x") == 2**63 - 1
    with pytest.raises(DecodeError, match=r"2\*\*63"):
        wire.number({"x": 2**63}, "x")
    with pytest.raises(DecodeError):
        wire.mapping([], "body")
    with pytest.raises(DecodeError):
        wire.text({}, "x")
