"""Which runs there are: each a target made fresh, and a load."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from scripts.bench import target
from scripts.bench.measure import Figures, Load, folder_of, measure
from scripts.bench.presign import presigned
from scripts.bench.target import Target

RUNS: Final = 3
QUICK_RUNS: Final = 1
ONE_GAS_LIMIT: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """A target and how it is loaded; 0 validators are anvil."""

    title: str
    validators: int
    count: int
    quick_count: int
    gas_limit: int = 0
    engine: str = ""
    """Which engine the nodes are told to run; empty for the one they choose."""
    rate: float = 0.0


CASES: Final = {
    "one": Case("one validator, 1 G gas", 1, 100_000, 4_000, gas_limit=ONE_GAS_LIMIT),
    "anvil": Case("anvil 1.7.1, in memory", 0, 100_000, 4_000),
    "four": Case("four validators", 4, 20_000, 2_000),
    "four-py-evm": Case("four validators, reference engine", 4, 4_000, 1_000, engine="py-evm"),
}


def load_of(case: Case, *, quick: bool, count: int = 0) -> Load:
    """Return a case's load; a tenth of it, at most 1,000, is sent before, unmeasured."""
    wanted = count or (case.quick_count if quick else case.count)
    return Load(wanted, min(1_000, max(1, wanted // 10)), case.rate)


def run_case(case: Case, *, quick: bool, count: int = 0) -> Figures:
    """Return the figures of one run of a case, on a target of its own."""
    load = load_of(case, quick=quick, count=count)
    presigned(load.lines)  # before there is anything that signing could disturb
    with tempfile.TemporaryDirectory(prefix="dataccord-bench-") as place, _made(case, place) as it:
        return asyncio.run(measure(it, load))


@contextmanager
def _made(case: Case, place: str) -> Iterator[Target]:
    if not case.validators:
        with target.anvil() as made:
            yield made
        return
    with target.network(
        folder_of(place), case.validators, gas_limit=case.gas_limit, engine=case.engine
    ) as made:
        yield made
