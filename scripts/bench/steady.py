"""Two plain loads on four fresh validators: `python -m scripts.bench [--steady | --burst]`.

`--burst` sends many signed "record" transactions at once, in batches over all four RPC ports;
`--steady` sends at a fixed rate, one request each, as separate clients would. Without either, both.
Printed are TPS, latency from sending to receipt, CPU per transaction summed over the four
processes, blocks, and the largest gap between them. The exit code is 1 when a receipt is missing or
failed. Here the client does as much work as anyone's; `measure` is the one that stays out of the
way.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from node.cli import processes
from node.cli.devnet import DevelopmentNetwork
from node.sdk.client import Client
from node.sdk.transport import HttpTransport
from scripts.loads import (
    BATCH,
    POLL_SECONDS,
    LoadFailed,
    Seen,
    Senders,
    Signed,
    cpu_seconds,
    deploy,
    fresh_network,
    send_batch,
    watch,
)

DRAIN_SECONDS = 120.0
BURST_COUNT = 2_000


async def load(network: DevelopmentNetwork, work: list[Signed], rate: float) -> dict[str, Any]:
    """Send all of `work`, at `rate` a second or (0) at once; return the figures."""
    rpcs = [plan.rpc for plan in network.nodes]
    ours = [processes.running(network.node_folder(plan.index)) or 0 for plan in network.nodes]
    async with Client(rpcs[0]) as client:
        first = await client.block_number() + 1
    seen, sent, refused = Seen(), dict[bytes, float](), list[str]()
    watching = asyncio.create_task(watch(rpcs, seen, first))
    before, start = cpu_seconds(ours), time.monotonic()
    await asyncio.gather(
        *(_send(rpc, work, at, len(rpcs), rate, sent, refused) for at, rpc in enumerate(rpcs))
    )
    sending = time.monotonic() - start
    deadline = time.monotonic() + DRAIN_SECONDS
    while len(seen.receipts) < len(work) - len(refused) and time.monotonic() < deadline:
        await asyncio.sleep(POLL_SECONDS)
    used, end = cpu_seconds(ours) - before, time.monotonic()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    return _figures(work, seen, sent, refused, (start, sending, end, used))


async def _send(
    rpc: str,
    work: list[Signed],
    at: int,
    ways: int,
    rate: float,
    sent: dict[bytes, float],
    refused: list[str],
) -> None:
    """Send one node's share: the senders whose number leads to it, so that nonces stay in order."""
    mine = [(place, signed) for place, signed in enumerate(work) if signed.sender % ways == at]
    step, start = (1 if rate else BATCH), time.monotonic()
    transport = HttpTransport(rpc, timeout_s=60.0)
    for index in range(0, len(mine), step):
        part = mine[index : index + step]
        if rate:
            await asyncio.sleep(max(0.0, start + part[0][0] / rate - time.monotonic()))
        now = time.monotonic()
        sent.update((signed.hash, now) for _, signed in part)
        refused += await send_batch(transport, [signed for _, signed in part])
    await transport.close()


def _figures(
    work: list[Signed],
    seen: Seen,
    sent: dict[bytes, float],
    refused: list[str],
    clock: tuple[float, float, float, float],
) -> dict[str, Any]:
    start, sending, end, used = clock
    found = [signed for signed in work if signed.hash in seen.receipts]
    latencies = sorted(seen.times[signed.hash] - sent[signed.hash] for signed in found)
    failed = sum(seen.receipts[signed.hash][1] != 1 for signed in found)
    last = max((seen.times[signed.hash] for signed in found), default=end)
    arrivals = [at for _, at, _ in seen.blocks if at <= last]
    gaps = [later - earlier for earlier, later in zip([start, *arrivals], arrivals, strict=False)]
    return {
        "sent": len(work),
        "refused": len(refused),
        "why_refused": sorted(set(refused))[:3],
        "receipts_status_1": len(found) - failed,
        "missing": len(work) - len(found),
        "failed": failed,
        "send_seconds": round(sending, 2),
        "tps": round(len(found) / (last - start), 1),
        "latency_p50_s": _percentile(latencies, 50),
        "latency_p99_s": _percentile(latencies, 99),
        "cpu_ms_per_transaction": round(1000 * used / len(work), 2),
        "cpu_seconds": round(used, 2),
        "blocks": len(arrivals),
        "largest_gap_s": round(max(gaps, default=0.0), 2),
        "most_in_a_block": max((count for _, _, count in seen.blocks), default=0),
    }


def _percentile(ordered: Sequence[float], percent: int) -> float | None:
    if len(ordered) < 2:
        return None
    return round(statistics.quantiles(ordered, n=100, method="inclusive")[percent - 1], 3)


async def measure(network: DevelopmentNetwork, arguments: argparse.Namespace) -> bool:
    """Run the wanted loads and print each; return whether every receipt came with status 1."""
    senders = Senders(network.chain_id)
    await deploy(network, senders)
    both, good = arguments.burst == arguments.steady, True
    steady = ("steady", int(arguments.rate * arguments.seconds), arguments.rate)
    for name, count, rate in (("burst", arguments.count or BURST_COUNT, 0.0), steady):
        if both or getattr(arguments, name):
            figures = await load(network, senders.records(count), rate)
            good = good and not figures["missing"] and not figures["failed"]
            _show(name, figures, arguments.json)
    return good


def _show(name: str, figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"load": name, **figures}), flush=True)
        return
    print(name)
    for key, value in figures.items():
        print(f"  {key.replace('_', ' '):24} {value}", flush=True)


def run(arguments: argparse.Namespace) -> int:
    """Measure on a network of its own; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="dataccord-bench-") as folder:
        try:
            with fresh_network(Path(folder) / "net") as network:
                return 0 if asyncio.run(measure(network, arguments)) else 1
        except LoadFailed as error:
            print(f"failed: {error}", file=sys.stderr)
            return 1
