"""Promises of a running network can only be seen on one: clients, kills, hostile peers and input.

All tests here share one network of four real processes on loopback, started by the command line.
"""

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
from typing import Any

import aiohttp
import pytest

from node.cli import processes
from node.cli.devnet import DevelopmentNetwork, NodePlan
from node.cli.mnemonic import DEVELOPMENT_MNEMONIC, derive_keys
from node.config import read_private_key
from node.errors import RemoteError
from node.p2p.identity import make_hello, read_certificate_pem
from node.p2p.tls import dialing_context
from node.p2p.wire import (
    Blocks,
    Consensus,
    Goodbye,
    Hello,
    Transactions,
    decode_frame,
    encode_frame,
)
from node.sdk.client import Client
from node.sdk.light import LightClient
from node.spec.crypto import address_of
from node.spec.transaction import sign_dynamic_fee
from node.spec.types import Address, Hash32
from scripts.loads import PROJECT, command, up

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SENDER_KEY = derive_keys(DEVELOPMENT_MNEMONIC, 49)[-1]
TO = Address(bytes(19) + b"\x77")


async def heights(network: DevelopmentNetwork) -> list[int]:
    found = []
    for plan in network.nodes:
        async with Client(plan.rpc) as client:
            found.append(await client.block_number())
    return found


async def send_one(plan: NodePlan) -> int:
    """Send a transfer through a node and return the number of its block."""
    async with Client(plan.rpc) as client:
        nonce = await client.nonce(address_of(SENDER_KEY))
        raw = sign_dynamic_fee(SENDER_KEY, chain_id=31337, nonce=nonce, gas=21_000, to=TO, value=1)
        receipt = await client.wait(await client.send_raw(raw), timeout_s=40)
    assert receipt.succeeded
    return receipt.block_number


async def post(plan: NodePlan, body: bytes, **headers: str) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(plan.rpc, data=body, headers=headers) as response,
    ):
        text = await response.text()
        return response.status, json.loads(text) if text.startswith(("{", "[")) else text


def test_status_shows_four_running_validators(network: DevelopmentNetwork) -> None:
    done = command("net", "status", "--dir", str(network.folder), "--json")
    value = json.loads(done.stdout)
    assert done.returncode == 0
    assert [node["running"] for node in value["nodes"]] == [True] * 4
    assert all(node["height"] >= 1 for node in value["nodes"])
    assert value["genesis_hash"] == network.genesis_hash


def test_plain_web3_uses_it(network: DevelopmentNetwork) -> None:
    first, second = network.nodes[0], network.nodes[1]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "scripts.plain_web3"),
            *("--rpc", first.rpc, "--ws", f"ws://127.0.0.1:{second.ws}"),
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for step in ("get_logs finds", "the filter polls", "the subscription pushes", "reverts"):
        assert step in done.stdout


def test_plain_web3_says_no_where_nobody_answers() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.plain_web3", "--rpc", "http://127.0.0.1:9"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "failed:" in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_light_client_proves_the_head_from_the_genesis_hash(
    network: DevelopmentNetwork,
) -> None:
    async with Client(network.nodes[2].rpc) as client:
        light = LightClient(client, Hash32(bytes.fromhex(network.genesis_hash[2:])))
        await light.start()
        assert (await light.advance()).number >= 1
        wrong = LightClient(client, Hash32(b"\1" * 32))
        with pytest.raises(Exception, match="not that of the trusted chain"):
            await wrong.start()


async def test_a_killed_validator_returns_unaided(network: DevelopmentNetwork) -> None:
    victim = network.nodes[3]
    process = processes.running(network.node_folder(3))
    assert process is not None
    os.kill(process, signal.SIGKILL)
    number = await send_one(network.nodes[0])
    await asyncio.to_thread(up, network.folder)
    async with Client(victim.rpc) as client, asyncio.timeout(30):
        while await client.block_number() < number:
            await asyncio.sleep(0.1)
        ours = await client.header(number)
    async with Client(network.nodes[0].rpc) as client:
        theirs = await client.header(number)
    assert ours.state_root == theirs.state_root
    assert ours.parent_hash == theirs.parent_hash


def test_every_node_has_every_block_alike(network: DevelopmentNetwork) -> None:
    async def hashes() -> list[str]:
        number = min(await heights(network))
        found = []
        for plan in network.nodes:
            async with Client(plan.rpc) as client:
                found.append((await client.call("eth_getBlockByNumber", hex(number)))["hash"])
        return found

    assert len(set(asyncio.run(hashes()))) == 1


# A registered node that lies ----


class Peer:
    """Speaks as a member's node to another: it may hold any key and certificate."""

    def __init__(self, network: DevelopmentNetwork, index: int, target: int) -> None:
        self.folder = network.node_folder(index)
        self.target = f"wss://127.0.0.1:{network.nodes[target].p2p}/"
        self.genesis = Hash32(bytes.fromhex(network.genesis_hash[2:]))
        self.key = read_private_key(self.folder / "node.key")

    def hello(self, **changes: Any) -> Hello:
        certificate = self.folder / "tls-cert.pem"
        facts = read_certificate_pem(certificate.read_bytes(), str(certificate))
        return make_hello(changes.get("genesis", self.genesis), facts, changes.get("key", self.key))

    async def talk(self, *frames: bytes) -> list[Any]:
        """Connect, send frames, and return all decoded frames until the other side closes."""
        context = dialing_context(self.folder / "tls-cert.pem", self.folder / "tls-key.pem")
        heard: list[Any] = []
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(self.target, ssl=context) as socket,
        ):
            for frame in frames:
                await socket.send_bytes(frame)
            async with asyncio.timeout(10):
                async for message in socket:
                    if message.type is not aiohttp.WSMsgType.BINARY:
                        break
                    heard.append(decode_frame(message.data))
        return heard


RUBBISH: list[bytes] = [
    b"\x63",
    b"\x63\xc0",
    encode_frame(Consensus(0x55, b"\xc0")),
    encode_frame(Consensus(0x12, b"\x01")),
    encode_frame(Consensus(0x12, b"\xc3\xc2\x01\x02")),
    encode_frame(Transactions((b"\x02\xc0",))),
    encode_frame(Blocks(1, (b"\xc0",))),
    encode_frame(Hello(Hash32(bytes(32)), bytes(32), 1, 1, bytes(65))),
]


@pytest.fixture(scope="module")
def liar(network: DevelopmentNetwork) -> Any:
    """Stop the fourth validator, so that its identity is free for a liar; start it afterwards."""
    processes.stop([network.node_folder(3)])
    yield network
    up(network.folder)


@pytest.mark.parametrize("target", [0, 1, 2])
async def test_a_peer_that_talks_rubbish_is_cut_off_and_nobody_stops(
    liar: DevelopmentNetwork, target: int
) -> None:
    peer = Peer(liar, 3, target)
    heard = await peer.talk(encode_frame(peer.hello()), *RUBBISH, *RUBBISH)
    goodbyes = [frame.reason for frame in heard if isinstance(frame, Goodbye)]
    assert len(goodbyes) == 1
    assert "too many faults" in goodbyes[0]
    again = await peer.talk(encode_frame(peer.hello()))
    assert [type(frame) for frame in again] == [Hello], "it stays away for a while"
    assert processes.running(liar.node_folder(target)) is not None
    async with Client(liar.nodes[target].rpc) as client:
        assert await client.block_number() > 0


async def test_a_hello_for_another_chain_or_by_another_key_is_refused(
    liar: DevelopmentNetwork,
) -> None:
    peer = Peer(liar, 3, 0)
    for hello in (peer.hello(genesis=Hash32(b"\1" * 32)), peer.hello(key=b"\7" * 32)):
        heard = await peer.talk(encode_frame(hello))
        assert [type(frame) for frame in heard] == [Hello]
    assert await send_one(liar.nodes[1]) > 0


# RPC clients that lie ----


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 100_000, -32700),
        (b"{}", -32600),
        (b"[]", -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_sendTransaction","params":[{}]}', -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x1"]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0x02c0"]}', -32000),
    ],
)
async def test_malformed_requests_get_their_code(
    network: DevelopmentNetwork, body: bytes, code: int
) -> None:
    status, answer = await post(network.nodes[1], body)
    assert status == 200
    assert answer["error"]["code"] == code


async def test_a_body_above_the_bound_and_a_foreign_host_are_refused(
    network: DevelopmentNetwork,
) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(network.nodes[1].rpc, data=io.BytesIO(b" " * 5_300_000)) as response,
    ):
        assert response.status == 413
    status, _ = await post(network.nodes[1], b"{}", Host="evil.example:8545")
    assert status == 403


async def test_a_stranger_may_not_send(network: DevelopmentNetwork) -> None:
    raw = sign_dynamic_fee(b"\x11" * 32, chain_id=31337, nonce=0, gas=21_000, to=TO)
    async with Client(network.nodes[0].rpc) as client:
        with pytest.raises(RemoteError, match="not"):
            await client.send_raw(raw)


async def test_calls_overlap_on_one_client(network: DevelopmentNetwork) -> None:
    async with Client(network.nodes[0].rpc) as client:
        found = await asyncio.gather(*(client.header(0) for _ in range(20)))
    assert len({header.state_root for header in found}) == 1


async def test_metrics_and_health(network: DevelopmentNetwork) -> None:
    base = f"http://127.0.0.1:{network.nodes[0].metrics}"
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{base}/metrics") as response:
            assert "ethereum_blockchain_height" in await response.text()
        async with session.get(f"{base}/liveness") as response:
            assert (await response.json())["status"] == "UP"
        async with session.get(f"{base}/readiness") as response:
            assert response.status in (200, 503)
