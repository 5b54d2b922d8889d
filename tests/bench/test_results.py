"""What was measured is kept and found again; a mixed-up series would publish wrong figures."""

from pathlib import Path
from typing import Any

import pytest

from scripts.bench import results
from scripts.bench.cases import CASES, load_of, resized, sound, wanted_cases
from scripts.loads import LoadFailed


def run(case: str, series: str, tps: float, size: str = "full") -> dict[str, Any]:
    figures = dict.fromkeys(results.SUMMARIZED, None) | {"tps": tps, "sustained_tps": tps}
    figures |= {"client": "c", "sent": 10, "offered_per_second": 0.0}
    circumstances = {"commit": "abc", "machine": "m", "load_before": 0.1}
    return {"case": case, "series": series, "size": size, "figures": figures, **circumstances}


def test_runs_are_kept_in_order(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "results.jsonl"
    assert results.kept(file) == []
    results.keep({"a": 1}, file)
    results.keep({"a": 2}, file)
    assert results.kept(file) == [{"a": 1}, {"a": 2}]


def test_the_newest_series_of_a_size_stands() -> None:
    records = [
        run("four", "1", 10.0),
        run("four", "1", 20.0),
        run("four", "2", 30.0),
        run("one", "1", 5.0),
        run("four", "2", 50.0),
        run("four", "3", 99.0, "quick"),
    ]
    found = results.newest(records, "full")
    assert {name: len(runs) for name, runs in found.items()} == {"four": 2, "one": 1}
    assert results.summary(found["four"])["figures"]["tps"] == [40.0, 30.0, 50.0]
    assert results.summary(found["four"])["runs"] == 2
    assert results.newest(records, "other") == {}


def test_where_and_when_is_named() -> None:
    shared = results.circumstances("quick")
    assert shared["size"] == "quick"
    assert "cores" in shared["machine"]
    assert shared["commit"]


def test_only_a_sound_run_counts() -> None:
    figures = {"sent": 2, "succeeded": 2, "refused": {}, "missing": 0, "failed": 0}
    assert sound(figures) is figures
    for wrong in ({"refused": {"no": 1}}, {"missing": 1}, {"failed": 1}, {"succeeded": 1}):
        with pytest.raises(LoadFailed, match="of 2 transactions"):
            sound({**figures, **wrong})


def test_a_quick_measurement_takes_fewer_cases_and_transactions() -> None:
    assert set(wanted_cases(quick=True)) < set(wanted_cases(quick=False)) < set(CASES)
    case = CASES["four"]
    assert resized(case, quick=False, count=0, rate=None) == case
    assert resized(case, quick=True, count=0, rate=None).count == case.quick_count
    assert resized(case, quick=True, count=7, rate=2.0).rate == 2.0
    assert load_of(resized(case, quick=False, count=7, rate=None)).lines == 8
