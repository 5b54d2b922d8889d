"""The page of figures is made by a program, so its tables, marks and picture are held here."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from scripts.bench import report
from scripts.bench.plot import Bar, Chart, render
from scripts.bench.summary import Spread
from tests.bench.test_results import run

PAGE = f"text\n{report.BEGIN}\nold\n{report.END}\nmore\n"


def measured(case: str, tps: float, cpu: float) -> dict[str, object]:
    record = run(case, "s", tps)
    record["figures"]["cpu_us"] = cpu
    return record


def test_figures_stand_between_the_marks() -> None:
    assert report.placed(PAGE, "new") == PAGE.replace("old", "new")
    for mark in (report.BEGIN, report.END):
        with pytest.raises(ValueError, match="not both there"):
            report.placed(PAGE.replace(mark, ""), "new")


def test_a_record_writes_page_source_and_picture(tmp_path: Path) -> None:
    (tmp_path / "performance.md").write_text(PAGE, encoding="utf-8")
    report.record([measured("four", 100.0, 7.0), measured("four", 300.0, 9.0)], "full", tmp_path)
    report.record([measured("anvil", 400.0, 2.0)], "full", tmp_path)
    page = (tmp_path / "performance.md").read_text(encoding="utf-8")
    assert "| four validators | 10 | 2 | 200 (100 to 300) |" in page
    assert "| sustained TPS, four validators ÷ anvil | 0.50 |" in page
    assert page.startswith("text\n")
    assert page.endswith("more\n")
    held = json.loads((tmp_path / "performance.json").read_text(encoding="utf-8"))
    assert set(held["full"]["cases"]) == {"four", "anvil"}
    assert report.recorded(tmp_path) == held
    ElementTree.parse(tmp_path / "performance.svg")


def test_what_has_no_figure_is_a_dash() -> None:
    assert report._cell(None, 1) == "–"
    assert report._cell([1.0, 1.0, 1.0], 0) == "1"


def test_the_projects_page_has_its_marks() -> None:
    page = (report.DOCS / "performance.md").read_text(encoding="utf-8")
    assert report.placed(page, "figures") != page


def test_a_bar_is_as_long_as_its_value() -> None:
    bars = [Bar("a & b", Spread(50.0, 40.0, 60.0, 3)), Bar("c", Spread(100.0, 100.0, 100.0, 1))]
    picture = ElementTree.fromstring(render([Chart("title", bars), Chart("empty", [])]))
    space = "{http://www.w3.org/2000/svg}"
    widths = [float(bar.get("width", "")) for bar in picture.iter(f"{space}rect")][1:]
    assert widths[0] * 2 == pytest.approx(widths[1], abs=0.2)
    texts = [text.text for text in picture.iter(f"{space}text")]
    assert {"title", "a & b", "50", "100"} <= set(texts)
