"""What was measured, as JSON lines in run/bench, one a run, with where and when.

Runs of one invocation and case are a series. A later series of the same case and size takes the
place of an earlier one; nothing is deleted.
"""

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from scripts.bench.measure import Figures
from scripts.bench.presign import FOLDER
from scripts.bench.summary import spread
from scripts.loads import PROJECT

FILE: Final = FOLDER / "results.jsonl"
SUMMARIZED: Final = (
    "tps",
    "sustained_tps",
    "latency_p50_s",
    "latency_p99_s",
    "cpu_us",
    "cpu_user_us",
    "cpu_system_us",
    "load_cpu_us",
    "memory_peak_mb",
    "disk_bytes",
    "blocks",
    "gap_p99_s",
    "gap_largest_s",
    "block_number_p99_ms",
)

Record = dict[str, Any]


def circumstances(size: str) -> Record:
    """Return what every run of one series has in common; `size` is full, quick or another."""
    return {
        "size": size,
        "series": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def commit() -> str:
    """Return the commit that is measured, with a plus where files differ from it."""
    found = _git("rev-parse", "--short=10", "HEAD")
    changed = _git("status", "--porcelain", "--", "node", "engine", "chaincode")
    return (found or "unknown") + ("+" if changed else "")


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip()


def machine() -> str:
    """Return what this machine is: processor, cores, memory, system."""
    models = [
        line.partition(":")[2].strip()
        for line in _text("/proc/cpuinfo").splitlines()
        if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    model = models[0] if models else platform.machine()
    cores = len(os.sched_getaffinity(0))
    python = platform.python_version()
    return f"{model}, {cores} cores, {memory:.0f} GB, {platform.system()}, Python {python}"


def _text(place: str) -> str:
    try:
        return Path(place).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def keep(record: Record, file: Path = FILE) -> None:
    """Add a run."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(record) + "\n")


def kept(file: Path = FILE) -> list[Record]:
    """Return all runs kept, the oldest first."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def newest(records: Iterable[Record], size: str) -> dict[str, list[Record]]:
    """Return the runs of each case's newest series of a size."""
    found: dict[str, list[Record]] = {}
    for record in records:
        if record["size"] != size:
            continue
        held = found.get(record["case"])
        if held and held[0]["series"] == record["series"]:
            held.append(record)
        else:
            found[record["case"]] = [record]
    return found


def summary(runs: list[Record]) -> Record:
    """Return a series in short: its circumstances, and each figure's median, least and most."""
    last = runs[-1]
    shared = {name: last[name] for name in ("series", "commit", "machine", "load_before")}
    figures = {}
    for name in SUMMARIZED:
        values = [run["figures"][name] for run in runs if run["figures"][name] is not None]
        if values:
            found = spread(values)
            figures[name] = [found.median, found.least, found.most]
    of_last: Figures = last["figures"]
    rest = {name: of_last[name] for name in ("client", "sent", "offered_per_second")}
    return {**shared, **rest, "runs": len(runs), "figures": figures}
