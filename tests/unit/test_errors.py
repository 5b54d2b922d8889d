"""Exit codes and the three lines of an error are a contract with scripts and with people."""

import errno
import inspect

import pytest

from node import errors
from node.errors import AddressInUse, DataccordError, Refused, RemoteError, Reverted

CODES = {
    "UsageError": 2,
    "ConfigError": 3,
    "AddressInUse": 3,
    "FolderInUse": 3,
    "NotReady": 4,
    "Refused": 1,
    "Reverted": 1,
    "InvalidTransaction": 1,
    "RemoteError": 4,
    "IntegrityError": 5,
    "DecodeError": 5,
    "SignatureError": 5,
    "ProofError": 5,
    "SealError": 5,
    "InvalidBlock": 5,
    "StoreError": 5,
    "EquivocationRefused": 5,
    "EngineFault": 5,
}


def leaves() -> dict[str, type[DataccordError]]:
    return {
        name: kind
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, DataccordError) and kind is not DataccordError
    }


def test_every_error_has_the_code_that_is_promised() -> None:
    assert {name: kind.code for name, kind in leaves().items()} == CODES


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    tree = inspect.getdoc(errors) or ""
    for name, code in CODES.items():
        lines = [line for line in tree.splitlines() if f" {name} " in line]
        assert len(lines) == 1, name
        assert lines[0].split(name)[1].split()[0] == str(code)


def test_an_error_says_what_why_and_what_next() -> None:
    error = DataccordError("it broke", why="it was dropped", next_command="pick it up")
    assert error.diagnostics() == "error: it broke\nwhy:   it was dropped\nnext:  pick it up"
    assert DataccordError("it broke").diagnostics() == "error: it broke"
    assert str(error) == "it broke"


def test_a_refusal_keeps_its_reason_for_scripts() -> None:
    for kind in (Refused, Reverted):
        error = kind("limit reached", why="3 of 3")
        assert (error.reason, error.what) == ("limit reached", "refused: limit reached")


def test_a_remote_error_keeps_number_and_data() -> None:
    error = RemoteError("no", number=3, data=b"\x01")
    assert (error.number, error.data, error.code) == (3, b"\x01", 4)


@pytest.mark.parametrize(
    ("number", "words"), [(errno.EADDRINUSE, "ss -ltnp"), (errno.EACCES, "check host and port")]
)
def test_a_port_that_cannot_be_served(number: int, words: str) -> None:
    error = AddressInUse.on(8545, OSError(number, "why"))
    assert "8545" in error.what
    assert words in error.next_command
