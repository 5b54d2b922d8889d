"""Two engines are one ledger only while they give the same bytes on blocks nobody thought of.

3,000 transactions here; `make differential` runs 100,000.
"""

import pytest

from tests.differential.__main__ import SHARE_MIN, TYPES, main
from tests.differential.blocks import KINDS
from tests.differential.compare import NATIVE, REFERENCE, Chapter, Difference, one_gas_more
from tests.engines import needs_native

pytestmark = needs_native


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["suite:1", "suite:2", "suite:3"])
def test_random_blocks_are_equal(seed: str) -> None:
    counts = Chapter(seed).run()
    total = sum(counts[name] for name in TYPES)
    assert total >= 950
    kinds = [kind.__name__ for kind in KINDS if kind.__name__ != "invalid"]
    rare = {name: counts[name] for name in (*kinds, *TYPES) if counts[name] < SHARE_MIN * total / 2}
    assert rare == {}
    assert counts["refused"] > 10


@pytest.mark.parametrize("name", [REFERENCE, NATIVE])
def test_one_gas_too_many_is_found(name: str) -> None:
    with pytest.raises(Difference, match=r"seed 'plant', block 1: outcomes of transaction 0"):
        Chapter("plant", one_gas_more(name)).run(1)


def test_the_long_run_prints_what_it_ran_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["differential", "--transactions", "1", "--workers", "1", "--plant", NATIVE]
    monkeypatch.setattr("sys.argv", arguments)
    assert main() == 0
    printed = capsys.readouterr().out
    assert "engine: py-evm" in printed
    assert "engine: native" in printed
    assert "the planted difference was found" in printed
