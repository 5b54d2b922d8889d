"""No crate may bring a licence that binds what it is linked into; expressions must be read."""

import pytest

from scripts.licences import is_allowed


@pytest.mark.parametrize(
    "expression",
    [
        "MIT",
        "MIT/Apache-2.0",
        "MIT OR GPL-3.0",
        "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "MPL-2.0",
    ],
)
def test_a_permissive_choice_is_taken(expression: str) -> None:
    assert is_allowed(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "GPL-3.0",
        "AGPL-3.0-only",
        "MIT AND GPL-3.0",
        "(MIT OR ISC) AND AGPL-3.0",
        "GPL-2.0 WITH X",
    ],
)
def test_no_other_is(expression: str) -> None:
    assert not is_allowed(expression)
