"""The long run: `python -m tests.differential --transactions 100000 --seed 1`.

Prints both engines' versions, the count per kind, and where something differs the seed and block.
Ends with 0 where all was equal (with --plant: where the planted difference was found), else with 1.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib import metadata
from multiprocessing import get_context

from tests.differential.blocks import KINDS
from tests.differential.compare import NATIVE, REFERENCE, run_chapter
from tests.engines import load

SHARE_MIN = 0.01
TYPES = ("type 0", "type 1", "type 2", "type 4")


def chapters(seed: int, wanted: int, workers: int, plant: str) -> Iterator[Counter[str] | str]:
    """Yield chapters' results until enough transactions ran."""
    ran, number = 0, 0
    # Spawned, not forked: the native engine's threads do not survive a fork.
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        while ran < wanted:
            seeds = [f"{seed}:{number + index}" for index in range(workers)]
            number += workers
            for found in pool.map(run_chapter, seeds, [plant] * workers):
                yield found
                if isinstance(found, str):
                    return
                ran += sum(found[name] for name in TYPES)


def report(counts: Counter[str], total: int) -> list[str]:
    """Print the count per kind; return those below a hundredth."""
    names = [kind.__name__ for kind in KINDS if kind.__name__ != "invalid"]
    for name in (*names, *TYPES, "refused"):
        print(f"  {name:18} {counts[name]:8}  {counts[name] / total:6.1%}")
    return [name for name in (*names, *TYPES) if counts[name] < SHARE_MIN * total]


def main() -> int:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--plant", choices=(REFERENCE, NATIVE), default="")
    arguments = parser.parse_args()
    print(f"{load(REFERENCE).line}; version {metadata.version('py-evm')}")
    print(load(NATIVE).line, flush=True)
    counts, begun, shown = Counter[str](), time.monotonic(), 0
    for found in chapters(
        arguments.seed, arguments.transactions, arguments.workers, arguments.plant
    ):
        if isinstance(found, str):
            print(found)
            print("the planted difference was found" if arguments.plant else "NOT EQUAL")
            return 0 if arguments.plant else 1
        counts += found
        total = sum(counts[name] for name in TYPES)
        if total - shown >= 5_000:
            shown = total
            print(f"  {total} equal after {time.monotonic() - begun:.0f} s", flush=True)
    return _end(arguments, counts, time.monotonic() - begun)


def _end(arguments: argparse.Namespace, counts: Counter[str], seconds: float) -> int:
    total = sum(counts[name] for name in TYPES)
    rare = report(counts, total)
    print(f"{total} transactions equal on both engines, seed {arguments.seed}, {seconds:.0f} s")
    if arguments.plant:
        print("the planted difference was NOT found")
        return 1
    if rare:
        print(f"fewer than {SHARE_MIN:.0%}: {', '.join(rare)}")
    return int(bool(rare))


if __name__ == "__main__":
    sys.exit(main())
