"""One run: deploy, warm up, load, wait until the last is in a block, judge, and the figures.

The clock runs from the first batch sent until the last transaction is seen in a block. Afterwards
every receipt is judged, and the contract's own counters must have grown by what was sent. CPU,
memory and disk are those of the target's processes; the load's own CPU stands beside them, because
both share the machine.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scripts.bench import usage
from scripts.bench.flight import Flight
from scripts.bench.presign import contract, counter_slots, deployment, presigned
from scripts.bench.sending import Work, send_all
from scripts.bench.summary import percentile
from scripts.bench.target import Target
from scripts.bench.watching import Door, failures, follow, open_door, probe, records_made, subscribe
from scripts.loads import POLL_SECONDS, LoadFailed

SAMPLE_SECONDS: Final = 1.0
SAMPLES_KEPT: Final = 120
STALL_SECONDS: Final = 60.0
DEPLOY_SECONDS: Final = 30.0
MEGABYTE: Final = 1_000_000

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Load:
    """How much is sent: first unmeasured, then measured; a second, 0 for as fast as answered."""

    count: int
    warm_up: int
    rate: float = 0.0

    @property
    def lines(self) -> int:
        """How many presigned transactions it takes."""
        return self.warm_up + self.count


@dataclass(slots=True)
class Watch:
    """What was noted while a load ran."""

    answers: list[float] = field(default_factory=list)
    """Seconds that each probe's answer took."""
    memory: list[tuple[float, list[int]]] = field(default_factory=list)
    """Time, and the bytes that each process with its descendants held."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What a load took of the machine."""

    nodes: usage.Cpu
    load: usage.Cpu
    disk: int


async def measure(target: Target, load: Load) -> Figures:
    """Return what a running target does under a load that is judged to the last receipt.

    Raises:
        LoadFailed: the target stopped taking or committing transactions.
    """
    file = presigned(load.lines)
    async with open_door(target.rpcs[0]) as door:
        client = await door.call("web3_clientVersion")
        await deploy(target, door)
        warm = Work(file, range(load.warm_up))
        await _run(target, door, warm, Flight(), Watch())
        flight, watch = Flight(), Watch()
        work = Work(file, range(load.warm_up, load.warm_up + load.count), load.rate)
        first, before = await door.height() + 1, await _records(door)
        costs = await _run(target, door, work, flight, watch)
        succeeded = await _records(door) - before
        found, bad = len(flight.latencies), len(flight.latencies) - succeeded
        if target.gives_receipts:
            found, bad = await failures(door, range(first, flight.blocks[-1][0] + 1))
    figures = {"client": client, "offered_per_second": load.rate, "sent": load.count}
    figures |= _progress(flight, watch) | _costs(target, flight, watch, costs)
    return figures | {"succeeded": succeeded, "failed": bad, "missing": load.count - found}


async def _records(door: Door) -> int:
    return await records_made(door, "0x" + contract().hex(), counter_slots())


async def deploy(target: Target, door: Door) -> None:
    """Make the contract, and wait until every node has it."""
    where = "0x" + contract().hex()
    if await door.call("eth_getCode", where, "latest") == "0x":
        await door.call("eth_sendRawTransaction", deployment())
    async with asyncio.timeout(DEPLOY_SECONDS):
        for rpc in target.rpcs:
            async with open_door(rpc) as other:
                while await other.call("eth_getCode", where, "latest") == "0x":
                    await asyncio.sleep(POLL_SECONDS)


async def _run(target: Target, door: Door, work: Work, flight: Flight, watch: Watch) -> Costs:
    """Send some work and wait until the last of it is in a block; return what it cost."""
    numbers: asyncio.Queue[int] = asyncio.Queue()
    first = await door.height() + 1
    disk = sum(map(usage.disk, target.folders))
    async with _beside(
        subscribe(target.heads, flight, numbers),
        follow(door, flight, first, numbers),
        _probe(target, watch),
        _sample(target, watch),
    ):
        nodes, own = usage.cpu(target.processes), usage.own_cpu()
        await send_all(target.rpcs, work, flight)
        await _drained(flight)
        await _level(target, flight.blocks[-1][0])
        nodes, own = usage.cpu(target.processes) - nodes, usage.own_cpu() - own
    return Costs(nodes, own, sum(map(usage.disk, target.folders)) - disk)


@asynccontextmanager
async def _beside(*watchers: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run watchers beside the body; what ends one of them with an error ends the body too."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(watcher) for watcher in watchers]
            yield
            for task in tasks:
                task.cancel()
    except BaseExceptionGroup as errors:
        raise _first(errors) from errors


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _probe(target: Target, watch: Watch) -> None:
    async with open_door(target.rpcs[0]) as door:
        await probe(door, watch.answers)


async def _sample(target: Target, watch: Watch) -> None:
    while True:
        watch.memory.append((time.monotonic(), usage.resident(target.processes)))
        await asyncio.sleep(SAMPLE_SECONDS)


async def _drained(flight: Flight) -> None:
    """Return once nothing is under way any more."""
    left, moved = len(flight.waiting), time.monotonic()
    while flight.waiting:
        await asyncio.sleep(POLL_SECONDS)
        if len(flight.waiting) != left:
            left, moved = len(flight.waiting), time.monotonic()
        if time.monotonic() - moved > STALL_SECONDS:
            raise LoadFailed(f"{left} transactions were in no block after {STALL_SECONDS:.0f} s")


async def _level(target: Target, height: int) -> None:
    """Return once every node has a block: a slower one's work on it is a cost like the others'."""
    async with asyncio.timeout(STALL_SECONDS):
        for rpc in target.rpcs:
            async with open_door(rpc) as door:
                while await door.height() < height:
                    await asyncio.sleep(POLL_SECONDS)


def _progress(flight: Flight, watch: Watch) -> Figures:
    committed = len(flight.latencies)
    return {
        "committed": committed,
        "refused": flight.refused,
        "retried": flight.retried,
        "seconds": _rounded(flight.seconds, 2),
        "tps": _rounded(committed / flight.seconds if committed else 0.0, 1),
        "sustained_tps": _rounded(flight.sustained, 1),
        "latency_p50_s": _rounded(percentile(flight.latencies, 50), 3),
        "latency_p99_s": _rounded(percentile(flight.latencies, 99), 3),
        "blocks": sum(count > 0 for _, count, _ in flight.blocks),
        "most_in_a_block": max((count for _, count, _ in flight.blocks), default=0),
        "gap_p99_s": _rounded(percentile(flight.gaps, 99), 3),
        "gap_largest_s": _rounded(max(flight.gaps, default=None), 3),
        "gaps": len(flight.gaps),
        "block_number_p99_ms": _rounded(_times(percentile(watch.answers, 99), 1e3), 1),
        "probes": len(watch.answers),
    }


def _costs(target: Target, flight: Flight, watch: Watch, costs: Costs) -> Figures:
    committed = max(1, len(flight.latencies))
    peaks = [max(held) for held in zip(*(held for _, held in watch.memory), strict=True)]
    # The kernel's own record of a lone process' peak misses no moment, as samples may.
    exact = [
        max(pair) for pair in zip(peaks, map(usage.resident_peak, target.processes), strict=True)
    ]
    step = -(-len(watch.memory) // SAMPLES_KEPT)
    return {
        "cpu_us": _rounded(1e6 * costs.nodes.total / committed, 1),
        "cpu_user_us": _rounded(1e6 * costs.nodes.user / committed, 1),
        "cpu_system_us": _rounded(1e6 * costs.nodes.system / committed, 1),
        "load_cpu_us": _rounded(1e6 * costs.load.total / committed, 1),
        "memory_peak_mb": _rounded(max(exact) / MEGABYTE, 1),
        "memory_mb": [
            (_rounded(at - flight.first_sent, 1), _rounded(max(held) / MEGABYTE, 1))
            for at, held in watch.memory[::step]
        ],
        "disk_bytes": _rounded(costs.disk / len(target.folders) / committed, 1)
        if target.folders
        else None,
    }


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def folder_of(place: str) -> Path:
    """Return the folder of a network within a temporary place."""
    return Path(place) / "net"
