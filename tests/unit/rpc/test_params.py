"""A client's text becomes a value here and nowhere else; what is not one must not slip through."""

from typing import Any

import pytest

from node.rpc.dispatch import RpcError
from node.rpc.params import (
    argument,
    optional,
    to_address,
    to_bool,
    to_data,
    to_hash,
    to_object,
    to_quantity,
)


@pytest.mark.parametrize(
    ("value", "number"),
    [("0x0", 0), ("0xff", 255), ("0x00ff", 255), (7, 7), ("0x" + "f" * 64, 2**256 - 1)],
)
def test_quantities(value: Any, number: int) -> None:
    assert to_quantity(value, "x") == number


@pytest.mark.parametrize(
    "value",
    [
        *("", "0x", "ff", "0xg", "0x-1", "0x1_0", "0x 1", "0x1 ", "0x+1", "0x\u0661"),
        *(-1, True, None, 1.0, [], "0x" + "f" * 65),
    ],
)
def test_what_is_no_quantity(value: Any) -> None:
    with pytest.raises(RpcError, match="no hex quantity") as caught:
        to_quantity(value, "x")
    assert caught.value.number == -32602


def test_a_quantity_has_its_maximum() -> None:
    assert to_quantity("0x10", "x", 16) == 16
    with pytest.raises(RpcError):
        to_quantity("0x11", "x", 16)


def test_data_of_any_and_of_one_length() -> None:
    assert to_data("0x", "x") == b""
    assert to_data("0x00FF", "x") == b"\x00\xff"
    assert len(to_address("0x" + "00" * 20)) == 20
    assert len(to_hash("0x" + "00" * 32)) == 32


@pytest.mark.parametrize("value", ["", "00", "0x0", "0xzz", "0x00 00", 5, None, b"", ["0x"]])
def test_what_is_no_data(value: Any) -> None:
    with pytest.raises(RpcError, match="invalid argument"):
        to_data(value, "x")


@pytest.mark.parametrize("value", ["0x" + "00" * 19, "0x" + "00" * 21, "0x"])
def test_what_is_no_address(value: str) -> None:
    with pytest.raises(RpcError, match="20 bytes"):
        to_address(value)


def test_booleans_and_objects_are_not_guessed() -> None:
    assert to_bool(True, "x") is True
    assert to_object({"a": 1}, "x") == {"a": 1}
    for wrong in (1, "true", None):
        with pytest.raises(RpcError):
            to_bool(wrong, "x")
    for also_wrong in ([], "x", None):
        with pytest.raises(RpcError):
            to_object(also_wrong, "x")


def test_a_missing_argument_is_named() -> None:
    assert argument(["a"], 0, "what") == "a"
    assert optional([], 0, "default") == optional([None], 0, "default") == "default"
    for params in ([], [None]):
        with pytest.raises(RpcError, match="required argument 0"):
            argument(params, 0, "what")
