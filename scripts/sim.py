"""Tell many simulated stories, or one again: `python -m scripts.sim --seeds 2000 | --seed N`.

Each seed is a whole history of a consortium under faults (see `tests/sim`). Seeds are shared out to
one process a core. A seed that breaks a property is printed with the commit it was found on and the
command that repeats it, and the exit code is 1. The last line sums up.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.sim.story import Report, tell  # noqa: E402

FAULTY_SHARE_MIN = 0.9
LIAR_SHARE_MIN = 0.3
HEIGHTS_MIN = 10
CHUNK = 8
BROKEN_SHOWN_MAX = 20


def attempt(seed: int) -> Report | str:
    """Return how a seed's story went, or what broke in it."""
    try:
        return tell(seed)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def commit() -> str:
    """Return the commit of the code, marked if it has been changed since."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def tell_all(seeds: range, workers: int, until_broken: bool) -> tuple[list[Report], dict[int, str]]:
    """Tell the stories, all or until one breaks; return the reports, and what broke by seed."""
    reports: list[Report] = []
    broken: dict[int, str] = {}
    with ProcessPoolExecutor(workers) as pool:
        results: Iterable[Report | str] = pool.map(attempt, seeds, chunksize=CHUNK)
        for done, (seed, result) in enumerate(zip(seeds, results, strict=True), 1):
            if isinstance(result, str):
                broken[seed] = result
                if until_broken:
                    pool.shutdown(wait=False, cancel_futures=True)
                    break
            else:
                reports.append(result)
            if done % 100 == 0 and sys.stderr.isatty():
                print(f"\r{done}/{len(seeds)} seeds", end="", file=sys.stderr, flush=True)
    return reports, broken


def complaints(reports: list[Report]) -> list[str]:
    """Return in what the stories were too mild to prove anything."""
    count = len(reports)
    found = []
    if any(report.heights < HEIGHTS_MIN for report in reports):
        found.append(f"a seed finalised fewer than {HEIGHTS_MIN} heights")
    if sum(report.faulty for report in reports) < FAULTY_SHARE_MIN * count:
        found.append(f"fewer than {FAULTY_SHARE_MIN:.0%} of the seeds carry faults")
    if sum(report.liars > 0 for report in reports) < LIAR_SHARE_MIN * count:
        found.append(f"fewer than {LIAR_SHARE_MIN:.0%} of the seeds carry a liar")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200, help="how many stories")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="tell one story again and print how it went")
    parser.add_argument("--until-broken", action="store_true", help="stop at the first that breaks")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    if options.seed is not None:
        print(tell(options.seed))
        return 0
    started = time.monotonic()
    seeds = range(options.first, options.first + options.seeds)
    reports, broken = tell_all(seeds, options.workers, options.until_broken)
    for seed, what in list(broken.items())[:BROKEN_SHOWN_MAX]:
        print(f"seed {seed} at commit {commit()}: {what}")
        print(f"  repeat: python -m scripts.sim --seed {seed}")
    mild = complaints(reports) if len(seeds) >= 100 else []
    for complaint in mild:
        print(f"too mild: {complaint}")
    print(
        f"{len(reports)} of {len(seeds)} seeds kept every property in "
        f"{time.monotonic() - started:.0f} s: "
        f"{sum(report.heights for report in reports)} heights, "
        f"{sum(report.crashes for report in reports)} crashes, "
        f"{sum(report.liars for report in reports)} liars, "
        f"{sum(report.liars > 0 for report in reports)} seeds with a liar, "
        f"{sum(report.faulty for report in reports)} with faults, "
        f"{sum(report.real for report in reports)} on real engines and signatures"
    )
    return 1 if broken or mild else 0


if __name__ == "__main__":
    raise SystemExit(main())
