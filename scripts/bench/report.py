"""docs/performance.json, .md and .svg: what was measured last, for people and for `bench-check`.

The JSON is the source; the table and the picture are made of it. The page's own text stands outside
two marks and is left alone.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from scripts.bench.cases import CASES
from scripts.bench.comparison import ratios
from scripts.bench.plot import Bar, Chart, render
from scripts.bench.results import Record, newest, summary
from scripts.bench.summary import Spread
from scripts.loads import PROJECT

DOCS: Final = PROJECT / "docs"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
COLUMNS: Final = {
    "TPS": ("tps", 0),
    "sustained": ("sustained_tps", 0),
    "latency p50 (s)": ("latency_p50_s", 2),
    "p99 (s)": ("latency_p99_s", 2),
    "CPU (µs)": ("cpu_us", 0),
    "user": ("cpu_user_us", 0),
    "system": ("cpu_system_us", 0),
    "the load's": ("load_cpu_us", 0),
    "memory (MB)": ("memory_peak_mb", 0),
    "disk (B)": ("disk_bytes", 0),
    "blocks": ("blocks", 0),
    "largest gap (s)": ("gap_largest_s", 2),
    "gap p99 (s)": ("gap_p99_s", 2),
    "eth_blockNumber p99 (ms)": ("block_number_p99_ms", 0),
}

Summaries = Mapping[str, Mapping[str, Any]]


def recorded(docs: Path = DOCS) -> dict[str, Any]:
    """Return what was recorded last, by size: the cases' summaries and their ratios."""
    path = docs / "performance.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def record(records: list[Record], size: str, docs: Path = DOCS) -> None:
    """Record the newest series of a size, those of cases not measured since kept; write all."""
    held = recorded(docs)
    cases = {name: summary(runs) for name, runs in newest(records, size).items()}
    merged = {**held.get(size, {}).get("cases", {}), **cases}
    held[size] = {"cases": merged, "ratios": ratios(merged)}
    text = json.dumps(held, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    (docs / "performance.json").write_text(text, encoding="utf-8")
    page = docs / "performance.md"
    page.write_text(placed(page.read_text(encoding="utf-8"), section(held)), encoding="utf-8")
    picture = render(charts(held.get("full", held[size])["cases"]))
    (docs / "performance.svg").write_text(picture, encoding="utf-8")


def placed(page: str, figures: str) -> str:
    """Return a page with the figures between its marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"performance.md: {BEGIN} and {END} are not both there")
    return f"{before}{BEGIN}\n{figures}\n{END}{after}"


def section(held: Mapping[str, Any]) -> str:
    """Return what stands between the marks: tables of every size, ratios, circumstances."""
    parts = []
    for size in sorted(held):
        cases = held[size]["cases"]
        parts += [f"### Size: {size}", table(cases), ratio_table(held[size]["ratios"])]
        parts += [circumstances_table(cases)]
    return "\n\n".join(parts)


def ordered(cases: Summaries) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the summaries in the order in which the cases are defined."""
    return [(name, cases[name]) for name in CASES if name in cases]


def table(cases: Summaries) -> str:
    """Return the figures as a Markdown table: median, and least to most where runs differ."""
    head = ["case", "transactions", "runs", *COLUMNS]
    rows = [
        [
            CASES[name].title,
            f"{found['sent']:,}",
            str(found["runs"]),
            *(_cell(found["figures"].get(figure), digits) for figure, digits in COLUMNS.values()),
        ]
        for name, found in ordered(cases)
    ]
    return markdown(head, rows)


def _cell(values: list[float] | None, digits: int) -> str:
    if values is None:
        return "–"
    median, least, most = (f"{value:,.{digits}f}" for value in values)
    return median if least == most else f"{median} ({least} to {most})"


def ratio_table(found: Mapping[str, float]) -> str:
    """Return the ratios as a Markdown table."""
    return markdown(["ratio", "value"], [[name, f"{value:.2f}"] for name, value in found.items()])


def circumstances_table(cases: Summaries) -> str:
    """Return when and on what each case was measured, with the command that does it again."""
    rows = [
        [
            f"`python -m scripts.bench --case {name}`",
            found["client"],
            found["commit"],
            found["series"],
            str(found["load_before"]),
            found["machine"],
        ]
        for name, found in ordered(cases)
    ]
    head = ["command", "client", "commit", "begun", "load average before", "machine"]
    return markdown(head, rows)


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def charts(cases: Summaries) -> list[Chart]:
    """Return the pictures: throughput, and CPU a transaction."""
    wanted = {
        "Transactions a second, committed": "tps",
        "CPU a transaction, all nodes together (µs)": "cpu_us",
    }
    return [
        Chart(
            title,
            [
                Bar(CASES[name].title, _spread(found["figures"][figure], found["runs"]))
                for name, found in ordered(cases)
            ],
        )
        for title, figure in wanted.items()
    ]


def _spread(values: list[float], runs: int) -> Spread:
    median, least, most = values
    return Spread(median, least, most, runs)
