"""Which runs there are: each a target made fresh, and a load."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from node.cli.devnet import create_network
from scripts.bench import target
from scripts.bench.measure import Figures, Load, measure
from scripts.bench.presign import presigned
from scripts.bench.target import Target
from scripts.loads import LoadFailed, free_port_offset
from scripts.preload import preload

ONE_GAS_LIMIT: Final = 1_000_000_000
WARM_UP_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Case:
    """A target and how it is loaded; 0 validators are anvil, a rate of 0 is as fast as it goes."""

    title: str
    validators: int
    count: int
    quick_count: int = 0
    """How many transactions in a quick measurement; 0 leaves the case out of it."""
    gas_limit: int = 0
    engine: str = ""
    """Which engine the nodes are told to run; empty for the one they choose."""
    slots: int = 0
    """How many slots the contract holds beforehand."""
    rate: float = 0.0
    runs: int = 3
    is_long: bool = False
    """Measured only when asked for by name."""


CASES: Final = {
    "one": Case("one validator, gas limit 10⁹", 1, 100_000, 20_000, gas_limit=ONE_GAS_LIMIT),
    "anvil": Case("anvil 1.7.1 (memory, no consensus)", 0, 100_000, 20_000),
    "four": Case("four validators", 4, 20_000, 20_000),
    "four-py-evm": Case("four validators, reference engine", 4, 4_000, 1_000, engine="py-evm"),
    "validators-1": Case("one validator", 1, 20_000),
    "validators-7": Case("seven validators", 7, 20_000),
    "slots-1m": Case("four validators, 1 M slots before", 4, 20_000, slots=1_000_000),
    "slots-5m": Case("four validators, 5 M slots before", 4, 20_000, slots=5_000_000),
    "heads": Case(
        "four validators at 1,000 a second", 4, 310_000, rate=1_000.0, runs=1, is_long=True
    ),
    "soak": Case(
        "four validators at 1,500 a second", 4, 1_000_000, rate=1_500.0, runs=1, is_long=True
    ),
}


def wanted_cases(*, quick: bool) -> list[str]:
    """Return the cases of a whole measurement."""
    return [
        name for name, case in CASES.items() if not case.is_long and (case.quick_count or not quick)
    ]


def resized(case: Case, *, quick: bool, count: int, rate: float | None) -> Case:
    """Return a case with another load, where one is asked for."""
    size = count or (case.quick_count if quick else 0) or case.count
    return replace(case, count=size, rate=case.rate if rate is None else rate)


def load_of(case: Case) -> Load:
    """Return a case's load; a tenth of it, at most 1,000, is sent before, unmeasured."""
    return Load(case.count, min(WARM_UP_MAX, max(1, case.count // 10)), case.rate)


def series(case: Case, runs: int) -> Iterator[Figures]:
    """Yield the figures of each run of a case, each on a target of its own.

    Raises:
        LoadFailed: a transaction was refused, is missing or failed.
        NotThere: the target is not on this machine.
    """
    load = load_of(case)
    presigned(load.lines)  # before there is anything that signing could disturb
    with tempfile.TemporaryDirectory(prefix="dataccord-bench-") as place:
        filled = _filled(case, Path(place) / "filled") if case.slots else None
        for _ in range(runs):
            with _made(case, Path(place) / "net", filled) as made:
                figures = asyncio.run(measure(made, load))
            yield sound(figures)
            shutil.rmtree(Path(place) / "net", ignore_errors=True)


def sound(figures: Figures) -> Figures:
    """Return figures of a run in which everything sent is in a block and succeeded."""
    lost = figures["sent"] - figures["succeeded"]
    if figures["refused"] or figures["missing"] or figures["failed"] or lost:
        wrong = {name: figures[name] for name in ("refused", "missing", "failed", "succeeded")}
        raise LoadFailed(f"of {figures['sent']} transactions: {wrong}")
    return figures


def _filled(case: Case, folder: Path) -> Path:
    """Make a network whose contract holds many slots, to be copied for each run."""
    create_network(folder, case.validators, free_port_offset(case.validators))
    preload(folder, case.slots)
    return folder


@contextmanager
def _made(case: Case, folder: Path, filled: Path | None) -> Iterator[Target]:
    if not case.validators:
        with target.anvil() as made:
            yield made
    elif filled is not None:
        shutil.copytree(filled, folder)
        with target.started(folder, engine=case.engine) as made:
            yield made
    else:
        with target.network(
            folder, case.validators, gas_limit=case.gas_limit, engine=case.engine
        ) as made:
            yield made
