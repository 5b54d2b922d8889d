"""Kill validators under load and see what is left of the promises: `python -m scripts.chaos`.

Four fresh validators carry a load. One after another, N times, a validator that a seed chooses
is killed (SIGKILL), started again by `net up`, and must be back unaided before the next: at the
others' height, and signing. Then:

1. every transaction whose receipt a client saw is on every node, in the same block;
2. the block hashes of all nodes are equal at all heights;
3. no validator sent two different QBFT messages for one height, round and kind. Every node keeps
   what it received, across its restarts; justifications inside messages are judged too.

The exit code is 1 when one of these does not hold. The counts are printed.
"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from node.cli import processes
from node.cli.devnet import DevelopmentNetwork, NodePlan
from node.consensus.encoding import decode_message, signing_hash
from node.consensus.messages import Message, Proposal, RoundChange, Signed
from node.errors import DataccordError, RemoteError
from node.runtime.frame_log import BYTES_MAX, read_frames
from node.sdk.client import Client
from node.sdk.transport import HttpTransport
from node.spec.crypto import recover
from node.spec.seal import decode_extra_data, hash_for_commit_seal
from node.spec.types import Address, Hash32
from scripts.loads import (
    BATCH,
    POLL_SECONDS,
    SENDERS,
    LoadFailed,
    Seen,
    Senders,
    command,
    deploy,
    fresh_network,
    send_batch,
    up,
    watch,
)
from scripts.loads import (
    Signed as SignedTransaction,
)

FRAMES_FILE = "frames.bin"
RESEND_SECONDS = 4.0
RETURN_SECONDS = 90.0
DRAIN_SECONDS = 60.0


@dataclass(slots=True)
class Trial:
    """What happened."""

    network: DevelopmentNetwork
    seen: list[Seen]
    """By node: the receipts and blocks that a client of it saw."""
    returns: list[float] = field(default_factory=list)
    """Seconds from each restart until the validator signed again."""
    sent: int = 0

    def final(self, transaction_hash: Hash32) -> bool:
        """Whether any client saw the transaction's receipt."""
        return any(transaction_hash in seen.receipts for seen in self.seen)


# Load --------------------------------------------------------------------------------------------


async def send_on_and_on(trial: Trial, senders: Senders, sender: int, pause: float) -> None:
    """One sender: a record, its receipt, a pause, the next; asks another node when unanswered."""
    chance = random.Random(sender)
    while True:
        signed = senders.record(sender)
        trial.sent += 1
        while not trial.final(signed.hash):
            await _send_somewhere(chance.choice(trial.network.nodes), signed)
            deadline = time.monotonic() + RESEND_SECONDS
            while not trial.final(signed.hash) and time.monotonic() < deadline:
                await asyncio.sleep(2 * POLL_SECONDS)
        await asyncio.sleep(pause * chance.uniform(0.5, 1.5))


async def _send_somewhere(plan: NodePlan, signed: SignedTransaction) -> None:
    async with HttpTransport(plan.rpc, timeout_s=5.0) as transport:
        with contextlib.suppress(RemoteError):
            await send_batch(transport, [signed])


# Kills -------------------------------------------------------------------------------------------


async def kill_and_return(trial: Trial, victim: NodePlan, down_seconds: float) -> None:
    """Kill a validator, start it again, and wait until it signs blocks at the others' height."""
    folder = trial.network.node_folder(victim.index)
    process = processes.running(folder)
    if process is None:
        raise LoadFailed(f"node {victim.index} does not run: {processes.last_words(folder)}")
    os.kill(process, signal.SIGKILL)
    await asyncio.sleep(down_seconds)
    others = max([await _height(plan) for plan in trial.network.nodes if plan != victim])
    started = time.monotonic()
    await asyncio.to_thread(up, trial.network.folder)
    try:
        async with asyncio.timeout(RETURN_SECONDS):
            await _signs_above(trial, victim, others)
    except TimeoutError as error:
        raise LoadFailed(
            f"node {victim.index} was killed at height {others} and did not sign again "
            f"within {RETURN_SECONDS:.0f} s; it is at {await _height(victim)}"
        ) from error
    trial.returns.append(time.monotonic() - started)


async def _signs_above(trial: Trial, victim: NodePlan, height: int) -> None:
    """Return once some block above `height` + 1, on any node, has the victim's seal.

    The next block may still hold a seal from before the kill; the one after it cannot.
    """
    wanted, number = bytes.fromhex(victim.address[2:]), height + 2
    while True:
        if await _height(victim) < number:
            await asyncio.sleep(2 * POLL_SECONDS)
            continue
        for plan in trial.network.nodes:
            if wanted in await _sealers(plan, number):
                return
        number += 1


async def _height(plan: NodePlan) -> int:
    try:
        async with Client(plan.rpc, timeout_s=2.0) as client:
            return await client.block_number()
    except DataccordError:
        return -1


async def _sealers(plan: NodePlan, number: int) -> set[Address]:
    try:
        async with Client(plan.rpc, timeout_s=2.0) as client:
            header = await client.header(number)
    except RemoteError:
        return set()
    digest = hash_for_commit_seal(header)
    return {recover(digest, seal) for seal in decode_extra_data(header.extra_data).seals}


# The trial ---------------------------------------------------------------------------------------


async def run(network: DevelopmentNetwork, kills: int, seed: int, rate: float) -> Trial:
    """Kill `kills` times under load; return what clients saw."""
    chance = random.Random(seed)
    trial, senders = Trial(network, [Seen() for _ in network.nodes]), Senders(network.chain_id)
    await deploy(network, senders)
    watching = [
        asyncio.create_task(watch([plan.rpc], trial.seen[plan.index], 1)) for plan in network.nodes
    ]
    loading = [
        asyncio.create_task(send_on_and_on(trial, senders, sender, SENDERS / rate))
        for sender in range(SENDERS)
    ]
    try:
        for count in range(1, kills + 1):
            victim = chance.choice(network.nodes)
            await asyncio.sleep(chance.uniform(0.1, 2.0))
            await kill_and_return(trial, victim, chance.uniform(0.0, 3.0))
            print(
                f"kill {count}: node {victim.index}, signed again after {trial.returns[-1]:.1f} s,"
                f" height {await _height(victim)}, receipts {len(_receipts(trial))}",
                flush=True,
            )
    finally:
        for task in loading:
            task.cancel()
        await asyncio.gather(*loading, return_exceptions=True)
        await _level(network)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    return trial


async def _level(network: DevelopmentNetwork) -> int:
    """Wait until all nodes have one height twice in a row; return it."""
    deadline, before = time.monotonic() + DRAIN_SECONDS, -1
    while time.monotonic() < deadline:
        heights = {await _height(plan) for plan in network.nodes}
        if len(heights) == 1 and before in heights:
            return before
        before = max(heights)
        await asyncio.sleep(1.5)
    raise LoadFailed("the nodes did not come to one height after the last kill")


def _receipts(trial: Trial) -> dict[Hash32, set[str]]:
    """Return the block hashes that clients were told for each transaction."""
    found: dict[Hash32, set[str]] = defaultdict(set)
    for seen in trial.seen:
        for transaction_hash, (block_hash, _) in seen.receipts.items():
            found[transaction_hash].add(block_hash)
    return found


# Judgement ---------------------------------------------------------------------------------------


async def ask_many(plan: NodePlan, method: str, params: list[list[Any]]) -> list[Any]:
    """Return a node's results of many calls, asked in batches."""
    results: list[Any] = []
    async with HttpTransport(plan.rpc, timeout_s=60.0) as transport:
        for first in range(0, len(params), BATCH):
            part = params[first : first + BATCH]
            body = [
                {"jsonrpc": "2.0", "id": place, "method": method, "params": given}
                for place, given in enumerate(part)
            ]
            results += [answer.get("result") for answer in await transport.post(body)]
    return results


async def judge_receipts(trial: Trial) -> list[str]:
    """Return the transactions that are not everywhere where a client saw them (1)."""
    told = _receipts(trial)
    broken = [
        f"0x{key.hex()}: told of blocks {hashes}" for key, hashes in told.items() if len(hashes) > 1
    ]
    wanted = list(told)
    for plan in trial.network.nodes:
        params = [["0x" + key.hex()] for key in wanted]
        for key, found in zip(
            wanted, await ask_many(plan, "eth_getTransactionReceipt", params), strict=True
        ):
            if found is None or found["blockHash"] not in told[key]:
                broken.append(f"0x{key.hex()}: not so on node {plan.index}")
    return broken


async def judge_hashes(network: DevelopmentNetwork, height: int) -> list[str]:
    """Return the heights at which nodes have different blocks (2)."""
    params = [[hex(number), False] for number in range(height + 1)]
    answers = [await ask_many(plan, "eth_getBlockByNumber", params) for plan in network.nodes]
    broken = []
    for number, blocks in enumerate(zip(*answers, strict=True)):
        hashes = {block and block["hash"] for block in blocks}
        if len(hashes) != 1 or None in hashes:
            broken.append(f"height {number}: {hashes}")
    return broken


def parts_of(message: Message) -> Iterator[Signed[Any]]:
    """Yield all that is signed in a message, its justification included."""
    yield message.signed
    if isinstance(message, Proposal):
        yield from message.round_changes
    if isinstance(message, Proposal | RoundChange):
        yield from message.prepares


def judge_frames(files: Iterable[Path]) -> tuple[list[str], dict[str, int]]:
    """Return double signatures in what nodes received, and how much was judged (3)."""
    said: dict[tuple[str, int, int, str], set[bytes]] = defaultdict(set)
    frames = 0
    for file in files:
        if file.stat().st_size > BYTES_MAX * 0.99:
            raise LoadFailed(f"{file}: the record of frames is full, nothing can be concluded")
        for code, payload in read_frames(file):
            frames += 1
            for part in parts_of(decode_message(code, payload, recover)):
                body = part.payload
                key = ("0x" + part.author.hex(), body.height, body.round, body.kind.name)
                said[key].add(signing_hash(body))
    broken = [f"{key}: {len(values)} different" for key, values in said.items() if len(values) > 1]
    rounds = sum(1 for _, _, round_number, _ in said if round_number > 0)
    return broken, {"frames": frames, "messages": len(said), "in_later_rounds": rounds}


def main() -> int:
    """Run the trial; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30, help="how many, default 30")
    parser.add_argument("--seed", type=int, default=1, help="of the chances taken")
    parser.add_argument("--rate", type=float, default=20.0, help="transactions a second, about")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dataccord-chaos-") as folder:
        try:
            return trial_in(Path(folder) / "net", arguments)
        except LoadFailed as error:
            print(f"failed: {error}", file=sys.stderr)
            return 1


def trial_in(folder: Path, arguments: argparse.Namespace) -> int:
    """Run the trial on a network in a folder; return the exit code."""
    with fresh_network(folder, p2p_lines=f'record_frames = "{FRAMES_FILE}"\n') as network:
        trial = asyncio.run(run(network, arguments.kills, arguments.seed, arguments.rate))
        height = asyncio.run(_level(network))
        receipts = asyncio.run(judge_receipts(trial))
        hashes = asyncio.run(judge_hashes(network, height))
        command("net", "down", "--dir", str(folder))
        files = [network.node_folder(plan.index) / FRAMES_FILE for plan in network.nodes]
        frames, counts = judge_frames(files)
    _report(trial, height, counts)
    for text in receipts + hashes + frames:
        print(f"broken: {text}", file=sys.stderr)
    return 1 if receipts or hashes or frames else 0


def _report(trial: Trial, height: int, counts: dict[str, int]) -> None:
    returns = sorted(trial.returns)
    print(
        f"kills {len(returns)}, all back; seconds until signing again: "
        f"median {returns[len(returns) // 2]:.1f}, longest {returns[-1]:.1f}"
    )
    print(f"transactions sent {trial.sent}, receipts seen by clients {len(_receipts(trial))}")
    print(f"heights compared on 4 nodes: {height + 1}")
    print(
        "QBFT: " + ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items())
    )


if __name__ == "__main__":
    sys.exit(main())
