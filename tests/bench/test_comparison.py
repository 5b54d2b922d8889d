"""The check of ratios is worth something only if it can fail, and fails for the right reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.bench import __main__ as command
from scripts.bench import results
from scripts.bench.comparison import RATIOS, compare, passes, ratios
from tests.bench.test_results import run


def cases(**tps: float) -> dict[str, Any]:
    return {
        name: {"figures": {"sustained_tps": [value, value, value]}} for name, value in tps.items()
    }


def test_a_ratio_is_of_medians() -> None:
    measured = {
        "four": {"figures": {"sustained_tps": [50.0, 1.0, 99.0]}},
        "anvil": {"figures": {"sustained_tps": [200.0, 1.0, 999.0]}},
    }
    assert ratios(measured) == {"sustained TPS, four validators ÷ anvil": 0.25}


def test_a_case_that_was_not_measured_makes_no_ratio() -> None:
    assert ratios(cases(four=50.0)) == {}
    assert ratios(cases(four=50.0, anvil=0.0)) == {}
    assert ratios({"four": {"figures": {}}, "anvil": {"figures": {}}}) == {}


@pytest.mark.parametrize(("found", "expected"), [(0.86, True), (0.84, False), (1.5, True)])
def test_a_fall_beyond_the_tolerance_fails(found: float, expected: bool) -> None:
    [verdict] = compare({"a": 1.0}, {"a": found})
    assert verdict.is_fall is not expected
    assert passes([verdict]) is expected
    assert ("FALL" in str(verdict)) is not expected


def test_one_fall_among_many_fails() -> None:
    recorded = {"a": 1.0, "b": 2.0}
    assert passes(compare(recorded, {"a": 1.0, "b": 2.0}))
    assert not passes(compare(recorded, {"a": 1.0, "b": 1.6}))


def test_what_was_left_out_is_said_and_alone_is_no_pass() -> None:
    verdicts = compare({"a": 1.0, "b": 1.0}, {"a": 1.0})
    assert passes(verdicts)
    assert "not compared" in str(verdicts[1])
    assert not passes(compare({"b": 1.0}, {}))
    assert not passes([])


def test_every_ratio_is_of_cases_that_exist() -> None:
    for ratio in RATIOS.values():
        for case, figure in (ratio.over, ratio.under):
            assert case in command.CASES
            assert figure in results.SUMMARIZED


def test_the_command_fails_where_a_ratio_fell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "results.jsonl"
    text = json.dumps(
        {"quick": {"ratios": {"sustained TPS, four validators ÷ anvil": 0.5}, "cases": {}}}
    )
    (tmp_path / "performance.json").write_text(text, encoding="utf-8")
    results.keep(run("anvil", "1", 200.0, "quick"), file)
    for series, (tps, expected) in enumerate(((100.0, True), (80.0, False), (90.0, True))):
        results.keep(run("four", str(series), tps, "quick"), file)
        assert command.check("quick", tmp_path, file) is expected
    assert capsys.readouterr().out.count("FALL") == 1
    assert command.check("full", tmp_path, file) is False
    assert "no ratios of size full are recorded" in capsys.readouterr().out
