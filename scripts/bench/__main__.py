"""The bench's command line: `python -m scripts.bench [--case NAME ... | --steady | --burst]`."""

import argparse
import json
import sys

from scripts.bench import steady
from scripts.bench.cases import CASES, QUICK_RUNS, RUNS, run_case
from scripts.bench.target import NotThere
from scripts.loads import LoadFailed


def main() -> int:
    """Run what is asked for; return the exit code."""
    arguments = _arguments()
    if not (arguments.case or arguments.all):
        return steady.run(arguments)
    good = True
    for name in CASES if arguments.all else arguments.case:
        good = _run(name, arguments) and good
    return 0 if good else 1


def _run(name: str, arguments: argparse.Namespace) -> bool:
    runs = arguments.runs or (QUICK_RUNS if arguments.quick else RUNS)
    try:
        for number in range(1, runs + 1):
            figures = run_case(CASES[name], quick=arguments.quick, count=arguments.count)
            print(json.dumps({"case": name, "run": number, **figures}), flush=True)
    except NotThere as error:
        print(f"{name}: {error}", file=sys.stderr, flush=True)
    except LoadFailed as error:
        print(f"{name}: failed: {error}", file=sys.stderr, flush=True)
        return False
    return True


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.bench", description=__doc__)
    parser.add_argument("--steady", action="store_true", help="a load of single requests at a rate")
    parser.add_argument("--burst", action="store_true", help="a load of batches, sent at once")
    parser.add_argument("--rate", type=float, default=50.0, help="steady: transactions a second")
    parser.add_argument("--seconds", type=float, default=120.0, help="steady: how long")
    parser.add_argument("--count", type=int, default=0, help="how many transactions")
    parser.add_argument("--json", action="store_true", help="steady, burst: one JSON object each")
    parser.add_argument("--case", action="append", choices=CASES, help="measure this case")
    parser.add_argument("--all", action="store_true", help="measure every case")
    parser.add_argument("--quick", action="store_true", help="fewer transactions and runs")
    parser.add_argument("--runs", type=int, default=0, help=f"of each case, default {RUNS}")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
