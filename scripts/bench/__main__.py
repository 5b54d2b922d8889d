"""The bench's command line: `python -m scripts.bench`.

Without a case: two plain loads, or one of them (`--steady`, `--burst`). `--all` measures every case
but the long ones, `--case NAME` one (again and again for several), `--heads` and `--soak N` the
long ones. `--quick` takes fewer cases and transactions. Runs are kept in run/bench/results.jsonl;
`--record` makes docs/performance.* of the newest. `--check` measures nothing: it compares the
newest with what is recorded, and the exit code is 1 where a ratio fell by more than 15 %.
"""

import argparse
import json
import sys
from pathlib import Path

from scripts.anvil import NotThere
from scripts.bench import comparison, report, results, steady
from scripts.bench.cases import CASES, Case, resized, series, wanted_cases
from scripts.loads import LoadFailed

FULL, QUICK, OTHER = "full", "quick", "other"
STEADY_RATE = 50.0


def main() -> int:
    """Do what is asked for; return the exit code."""
    arguments = _arguments()
    names = _names(arguments)
    size = QUICK if arguments.quick else FULL
    if not (names or arguments.record or arguments.check):
        arguments.rate = STEADY_RATE if arguments.rate is None else arguments.rate
        return steady.run(arguments)
    done = [_measure(name, arguments) for name in names]  # all, whatever fails
    good = all(done)
    if arguments.check:
        good = check(size) and good
    if arguments.record and good:
        report.record(results.kept(), size)
    return 0 if good else 1


def _names(arguments: argparse.Namespace) -> list[str]:
    names = wanted_cases(quick=arguments.quick) if arguments.all else list(arguments.case)
    return names + ["heads"] * arguments.heads + ["soak"] * bool(arguments.soak)


def _measure(name: str, arguments: argparse.Namespace) -> bool:
    """Measure one case and keep its runs; return whether all went well."""
    count = arguments.soak if name == "soak" else arguments.count
    wanted = resized(CASES[name], quick=arguments.quick, count=count, rate=arguments.rate)
    shared = results.circumstances(_size(CASES[name], wanted, arguments))
    runs = arguments.runs or wanted.runs
    try:
        for number, figures in enumerate(series(wanted, runs), start=1):
            results.keep({"case": name, "run": number, **shared, "figures": figures})
            shown = {key: value for key, value in figures.items() if key != "memory_mb"}
            print(json.dumps({"case": name, "run": f"{number}/{runs}", **shown}), flush=True)
    except NotThere as error:
        print(f"{name}: left out: {error}", file=sys.stderr, flush=True)
    except (LoadFailed, TimeoutError) as error:
        print(f"{name}: failed: {error}", file=sys.stderr, flush=True)
        return False
    return True


def _size(case: Case, wanted: Case, arguments: argparse.Namespace) -> str:
    """Return which series a run belongs to; one of another load is comparable with none."""
    if wanted == case and not arguments.quick:
        return FULL
    is_quick = arguments.quick and wanted.count == case.quick_count and wanted.rate == case.rate
    return QUICK if is_quick else OTHER


def check(size: str, docs: Path = report.DOCS, file: Path = results.FILE) -> bool:
    """Print how a size's newest ratios stand to those recorded; return whether they hold."""
    newest = results.newest(results.kept(file), size)
    found = comparison.ratios({name: results.summary(runs) for name, runs in newest.items()})
    before = report.recorded(docs).get(size, {}).get("ratios", {})
    verdicts = comparison.compare(before, found)
    for verdict in verdicts:
        print(verdict)
    if not verdicts:
        print(f"no ratios of size {size} are recorded: measure with --all and --record")
    return comparison.passes(verdicts)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--steady", action="store_true", help="a load of single requests at a rate")
    parser.add_argument("--burst", action="store_true", help="a load of batches, sent at once")
    parser.add_argument("--rate", type=float, help="transactions a second; steady: default 50")
    parser.add_argument("--seconds", type=float, default=120.0, help="steady: how long")
    parser.add_argument("--count", type=int, default=0, help="how many transactions")
    parser.add_argument("--json", action="store_true", help="steady, burst: one JSON object each")
    parser.add_argument("--case", action="append", default=[], choices=CASES, help="measure it")
    parser.add_argument("--all", action="store_true", help="measure every case but the long ones")
    parser.add_argument("--heads", action="store_true", help="310 s at 1,000 a second")
    parser.add_argument("--soak", type=int, default=0, metavar="N", help="N at 1,500 a second")
    parser.add_argument("--quick", action="store_true", help="fewer cases and transactions")
    parser.add_argument("--runs", type=int, default=0, help="of each case; default 3, long ones 1")
    parser.add_argument("--record", action="store_true", help="write docs/performance.*")
    parser.add_argument("--check", action="store_true", help="compare with what is recorded")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
