"""An engine that fails must end its node with the block kept, and leave a chain that goes on.

The native engine of a real validator is handed an account that is no account, from one moment on:
what a damaged cache or a fault of its own would look like to the rest of the node.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from node.cli.devnet import DevelopmentNetwork, create_network
from node.cli.mnemonic import DEVELOPMENT_MNEMONIC, derive_keys
from node.errors import DataccordError
from node.execution.choice import NATIVE, VARIABLE
from node.sdk.client import Client
from node.spec.block import decode_block
from node.spec.crypto import address_of, keccak256
from node.spec.transaction import sign_dynamic_fee
from node.spec.types import Address, Hash32
from scripts.loads import PROJECT, free_port_offset
from tests.engines import needs_native

pytestmark = [pytest.mark.integration, pytest.mark.slow, needs_native]

SENDER_KEY = derive_keys(DEVELOPMENT_MNEMONIC, 49)[-1]
TO = Address(bytes(19) + b"\x78")
INTEGRITY = 5
SECONDS = 60

FAULT = """
import os
from node.execution import native

class Damaged:
    def __init__(self, sound):
        self.sound = sound

    def __getattr__(self, name):
        return getattr(self.sound, name)

    def account_bytes(self, address):
        return b"\\xff"

sound_reads = native.raw_reads
native.raw_reads = lambda pre: (
    Damaged(sound_reads(pre)) if os.path.exists({trigger!r}) else sound_reads(pre)
)
"""


@contextmanager
def running(network: DevelopmentNetwork, patches: Path) -> Iterator[subprocess.Popen[str]]:
    place = network.node_folder(0)
    environment = {**os.environ, VARIABLE: NATIVE, "PYTHONPATH": f"{patches}:{PROJECT}"}
    with (place / "node.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "node", "node", "run", "--config", str(place / "node.toml")],
            cwd=PROJECT,
            env=environment,
            stdout=log,
            stderr=log,
            text=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(SECONDS)


async def sent(rpc: str) -> Hash32:
    """Send one transfer, as soon as the node answers."""
    async with Client(rpc) as client, asyncio.timeout(SECONDS):
        while True:
            try:
                nonce = await client.nonce(address_of(SENDER_KEY))
                break
            except DataccordError:
                await asyncio.sleep(0.1)
        raw = sign_dynamic_fee(SENDER_KEY, chain_id=31337, nonce=nonce, gas=21_000, to=TO, value=1)
        return await client.send_raw(raw)


async def committed(rpc: str) -> int:
    """Send one transfer and return the number of its block."""
    wanted = await sent(rpc)
    async with Client(rpc) as client:
        return (await client.wait(wanted, timeout_s=SECONDS)).block_number


def test_a_fault_keeps_the_block_and_the_chain(tmp_path: Path) -> None:
    network = create_network(tmp_path / "net", 1, free_port_offset(1))
    plan, place = network.nodes[0], network.node_folder(0)
    patches, trigger = tmp_path / "patches", tmp_path / "trigger"
    patches.mkdir()
    (patches / "sitecustomize.py").write_text(FAULT.format(trigger=str(trigger)))

    with running(network, patches) as node:
        before = asyncio.run(committed(plan.rpc))
        trigger.touch()
        wanted = asyncio.run(sent(plan.rpc))
        assert node.wait(SECONDS) == INTEGRITY
    log = (place / "node.log").read_text()
    (kept,) = (place / "db").glob("fault-*.block")
    block = decode_block(kept.read_bytes())
    assert f"block {block.header.number}" in log
    assert "block_kept" in log
    assert block.header.number > before
    assert wanted in [keccak256(raw) for raw in block.transactions]

    trigger.unlink()
    with running(network, patches):
        assert asyncio.run(committed(plan.rpc)) == block.header.number
