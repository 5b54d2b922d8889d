"""What loads a network: fresh networks, pre-signed "record" transactions, and who watches them.

`bench` and `chaos` share this. A network is made and stopped by the product's own command line, in
a folder and on ports that nobody else uses. The work is one contract call that writes a fresh slot,
moves a counter and emits an event, by 50 senders of the development mnemonic.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from node.cli.devnet import (
    HTTP_PORT,
    METRICS_PORT,
    P2P_PORT,
    PORT_STEP,
    WS_PORT,
    DevelopmentNetwork,
    create_network,
    load_network,
)
from node.cli.mnemonic import DEVELOPMENT_MNEMONIC, derive_keys
from node.errors import DataccordError, RemoteError
from node.sdk.client import Client
from node.sdk.transport import HttpTransport
from node.spec.crypto import address_of, keccak256
from node.spec.transaction import created_address, sign_dynamic_fee
from node.spec.types import Address, Hash32
from scripts.plain_web3 import RECORD_CODE

PROJECT: Final = Path(__file__).resolve().parent.parent
SENDERS: Final = 50
RECORD_SELECTOR: Final = bytes.fromhex("cda1c3b9")
RECORD_GAS: Final = 120_000
DEPLOY_GAS: Final = 1_500_000
ENGINE_VARIABLE: Final = "DATACCORD_ENGINE"
POLL_SECONDS: Final = 0.05
BATCH: Final = 100
OFFSETS: Final = range(1_200, 2_440, 40)
"""Port offsets tried: above the usual ports, and below those that Linux gives to outgoing
connections (from 32,768), one of which could hold a validator's port when it returns."""


class LoadFailed(Exception):
    """The network did not do what the load needs."""


def command(*arguments: str, engine: str = "") -> subprocess.CompletedProcess[str]:
    """Run `dataccord ARGUMENTS` to its end; `engine` names the one that nodes are to run."""
    return subprocess.run(
        [sys.executable, "-m", "node", *arguments],
        cwd=PROJECT,
        env={**os.environ, ENGINE_VARIABLE: engine} if engine else None,
        capture_output=True,
        text=True,
        check=False,
    )


def free_port_offset(validators: int = 4) -> int:
    """Return an offset at which all ports of a network are free; where to begin is by chance."""
    offsets = list(OFFSETS)
    first = os.getpid() % len(offsets)
    for offset in offsets[first:] + offsets[:first]:
        bases = (HTTP_PORT + offset, WS_PORT + offset, METRICS_PORT + offset, P2P_PORT + offset)
        if all(_is_free(base + PORT_STEP * k) for base in bases for k in range(validators)):
            return offset
    raise LoadFailed("no free ports for a network")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def fresh_network(
    folder: Path, validators: int = 4, *, p2p_lines: str = ""
) -> Iterator[DevelopmentNetwork]:
    """Start a network in an empty folder and stop it in the end, whatever happens.

    `p2p_lines` are added to every node's [p2p] configuration before the first start.
    """
    network = create_network(folder, validators, free_port_offset(validators))
    for plan in network.nodes:
        config = network.node_folder(plan.index) / "node.toml"
        text = config.read_text(encoding="utf-8").replace("[p2p]\n", f"[p2p]\n{p2p_lines}")
        config.write_text(text, encoding="utf-8")
    try:
        up(folder)
        yield load_network(folder)
    finally:
        if (folder / "network.json").exists():
            command("net", "down", "--dir", str(folder))


def up(folder: Path, *options: str, engine: str = "") -> None:
    """Start what does not run of a network."""
    done = command("net", "up", "--dir", str(folder), *options, engine=engine)
    if done.returncode != 0:
        raise LoadFailed(f"net up ended with {done.returncode}: {done.stderr.strip()}")


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed transaction, and whose it is."""

    sender: int
    raw: bytes
    hash: Hash32


class Senders:
    """The mnemonic's accounts with their nonces; sender 50 deploys the contract."""

    def __init__(self, chain_id: int) -> None:
        self._keys = derive_keys(DEVELOPMENT_MNEMONIC, SENDERS + 1)
        self._nonces = [0] * (SENDERS + 1)
        self._chain_id = chain_id
        self._count = 0
        self.contract: Address = created_address(address_of(self._keys[SENDERS]), 0)

    def deployment(self) -> Signed:
        """Return the transaction that makes the contract."""
        return self._sign(SENDERS, None, bytes.fromhex(RECORD_CODE[2:]), DEPLOY_GAS)

    def record(self, sender: int) -> Signed:
        """Return a sender's next record, of an id never used before."""
        self._count += 1
        digest = keccak256(self._count.to_bytes(8, "big"))
        data = RECORD_SELECTOR + digest + keccak256(digest)
        return self._sign(sender, self.contract, data, RECORD_GAS)

    def records(self, count: int) -> list[Signed]:
        """Return records of all senders by turns."""
        return [self.record(index % SENDERS) for index in range(count)]

    def _sign(self, sender: int, to: Address | None, data: bytes, gas: int) -> Signed:
        raw = sign_dynamic_fee(
            self._keys[sender],
            chain_id=self._chain_id,
            nonce=self._nonces[sender],
            gas=gas,
            to=to,
            data=data,
        )
        self._nonces[sender] += 1
        return Signed(sender, raw, keccak256(raw))


async def deploy(network: DevelopmentNetwork, senders: Senders) -> None:
    """Make the contract, and wait until every node has it."""
    async with Client(network.nodes[0].rpc) as client:
        sent = await client.send_raw(senders.deployment().raw)
        receipt = await client.wait(sent)
    if not receipt.succeeded:
        raise LoadFailed("the contract could not be deployed")
    for plan in network.nodes:
        async with Client(plan.rpc) as client, asyncio.timeout(10):
            while await client.block_number() < receipt.block_number:
                await asyncio.sleep(POLL_SECONDS)


@dataclass(slots=True)
class Seen:
    """What a watcher saw: receipts by transaction hash, and blocks as they came.

    A receipt is (block hash, status); times are of the monotonic clock, in seconds.
    """

    receipts: dict[Hash32, tuple[str, int]] = field(default_factory=dict)
    times: dict[Hash32, float] = field(default_factory=dict)
    blocks: list[tuple[int, float, int]] = field(default_factory=list)
    """Number, time seen, transactions."""


async def watch(rpcs: list[str], seen: Seen, first: int) -> None:
    """Follow blocks from `first` on, asking the next node where one does not answer."""
    number, at = first, 0
    while True:
        async with Client(rpcs[at % len(rpcs)], timeout_s=5.0) as client:
            with contextlib.suppress(DataccordError):
                while True:
                    head = await client.block_number()
                    while number <= head:
                        await _look(client, number, seen)
                        number += 1
                    await asyncio.sleep(POLL_SECONDS)
        at += 1
        await asyncio.sleep(POLL_SECONDS)


async def _look(client: Client, number: int, seen: Seen) -> None:
    found = await client.call("eth_getBlockReceipts", hex(number))
    if not isinstance(found, list):
        raise RemoteError(f"block {number}: no receipts")
    now = time.monotonic()
    seen.blocks.append((number, now, len(found)))
    for receipt in found:
        transaction_hash = Hash32(bytes.fromhex(receipt["transactionHash"][2:]))
        seen.receipts[transaction_hash] = (receipt["blockHash"], int(receipt["status"], 16))
        seen.times.setdefault(transaction_hash, now)


async def send_batch(transport: HttpTransport, part: list[Signed]) -> list[str]:
    """Send transactions in one request; return the messages of those not admitted."""
    body: Any = [
        {
            "jsonrpc": "2.0",
            "id": place,
            "method": "eth_sendRawTransaction",
            "params": ["0x" + signed.raw.hex()],
        }
        for place, signed in enumerate(part)
    ]
    answers = await transport.post(body)
    return [str(answer["error"]["message"]) for answer in answers if "error" in answer]


def cpu_seconds(processes: list[int]) -> float:
    """Return what processes have used of the CPU, user and system, summed."""
    ticks = 0
    for process in processes:
        fields = (
            Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        )
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
