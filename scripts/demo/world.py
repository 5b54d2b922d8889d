"""The demo's world: a network, a gateway, the members' keys, and how each acts."""

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from node.cli.devnet import DevelopmentNetwork, load_network
from node.config import read_private_key
from node.execution.choice import VARIABLE
from node.sdk.client import Client
from node.sdk.consumer import Consumer, LeaseHandle, gateway_tls
from node.sdk.contracts import Call, Opening, open_lease
from node.sdk.light import LightClient
from node.sdk.product import Manifest, load_manifest
from node.sdk.sender import Sender
from node.sdk.view import LedgerView
from node.spec.crypto import address_of
from node.spec.registry import AuthorizationState, LeaseState
from node.spec.terms import Terms
from node.spec.types import Hash32

PROJECT = Path(__file__).parent.parent.parent
DATA = PROJECT / "config" / "demo"
GATEWAY_PORT = 8600
"""Where the gateway listens, before the offset that moves all of the demo's ports."""


class StepFailed(Exception):
    """Something a step promised does not hold."""


def require(holds: bool, what: str) -> None:
    """Raise `StepFailed` unless a promise holds."""
    if not holds:
        raise StepFailed(what)


def say(text: str) -> None:
    """Print one line of what a step showed."""
    print(f"      {text}", flush=True)


def dataccord(*arguments: str, expect: int | None = 0, engine: str = "") -> Any:
    """Run a command of dataccord and return its JSON, its exit code as expected.

    Validators that the command starts run `engine`, where one is named.
    """
    done = subprocess.run(
        [sys.executable, "-m", "node", *arguments, "--json"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {VARIABLE: engine} if engine else None,
    )
    if expect is not None and done.returncode != expect:
        raise StepFailed(
            f"dataccord {' '.join(arguments[:2])} ended with {done.returncode}: "
            f"{(done.stderr or done.stdout)[-800:]}"
        )
    try:
        value = json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else {}
    except ValueError as error:
        text = f"dataccord {arguments[0]} printed no JSON: {done.stdout[:300]}"
        raise StepFailed(text) from error
    return value | {"exit_code": done.returncode}


@dataclass
class World:
    """Everything the steps share."""

    folder: Path
    port_offset: int = 0
    later_engine: str = ""
    """The engine of validators that are started again; empty for the one they choose."""
    network: DevelopmentNetwork = field(init=False)
    gateway: subprocess.Popen[bytes] | None = None
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    product_folder: Path = DATA
    """The folder of the product that the gateway serves."""
    manifest: Manifest = field(init=False)
    subject_key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    authorizations: dict[str, Hash32] = field(default_factory=dict)
    terms: dict[str, Terms] = field(default_factory=dict)
    leases: dict[str, LeaseHandle] = field(default_factory=dict)
    bundle: Path = field(init=False)
    product: Hash32 = field(init=False)

    def __post_init__(self) -> None:
        """Read what the product is."""
        self.manifest = load_manifest(self.product_folder / "product.json")

    async def __aenter__(self) -> Self:
        self.bundle = self.folder / "evidence.bundle"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop_gateway()
        await self.stack.aclose()
        if (self.folder / "net" / "network.json").exists():
            dataccord("net", "down", "--dir", str(self.folder / "net"), expect=None)

    async def connect(self) -> None:
        """Open clients and senders once the network is up."""
        self.network = load_network(self.folder / "net")
        self.client = await self.stack.enter_async_context(Client(self.network.nodes[0].rpc))
        self.genesis_hash = Hash32(bytes.fromhex(self.network.genesis_hash[2:]))
        light = LightClient(self.client, self.genesis_hash)
        await light.start()
        self.light, self.view = light, LedgerView(light)
        names = ("consumer", "provider", "exchange", "regulator")
        self.approvers = {name: self.sender(name, "approver") for name in names}
        self.gateways = {name: self.sender(name, "gateway") for name in names}

    def key(self, member: str, account: str) -> bytes:
        """Return a member's private key."""
        return read_private_key(self.network.member_folder(member) / f"{account}.key")

    def sender(self, member: str, account: str) -> Sender:
        """Return an account that can send."""
        return Sender(self.client, self.key(member, account), self.network.chain_id)

    @property
    def provider_key(self) -> bytes:
        """The key with which the provider's gateway signs."""
        return self.key("provider", "gateway")

    @property
    def consumer_key(self) -> bytes:
        """The key with which the consumer's gateway signs."""
        return self.key("consumer", "gateway")

    async def start_gateway(self, product: Hash32, subjects: dict[str, int]) -> None:
        """Start the provider's gateway as a process of its own, and the consumer's side."""
        place = self.folder / "gateway"
        place.mkdir(exist_ok=True)
        (place / "subjects.json").write_text(json.dumps(subjects), encoding="utf-8")
        (place / "gateway.toml").write_text(self._gateway_toml(product), encoding="utf-8")
        command = [sys.executable, "-m", "node", "gateway", "run"]
        with (place / "gateway.log").open("ab") as log:
            self.gateway = subprocess.Popen(
                [*command, "--config", str(place / "gateway.toml")],
                cwd=PROJECT,
                stdout=log,
                stderr=log,
            )
        await self._wait_for_gateway()
        await self.view.advance()
        authorities = await self.view.authorities(self.network.members["provider"])
        self.consumer = Consumer(
            f"https://127.0.0.1:{GATEWAY_PORT + self.port_offset}",
            gateway_tls(authorities[0]),
            self.consumer_key,
            self.folder / "consumer" / "uses.sqlite",
            self.network.chain_id,
        )
        self.stack.callback(self.consumer.close)

    def _gateway_toml(self, product: Hash32) -> str:
        keys = self.network.member_folder("provider")
        return (
            f'genesis_hash = "{self.network.genesis_hash}"\nrpc = "{self.network.nodes[1].rpc}"\n'
            f'account_key = "{keys}/gateway.key"\nstore = "uses.sqlite"\n'
            f'host = "127.0.0.1"\nport = {GATEWAY_PORT + self.port_offset}\n'
            f'certificate = "{keys}/tls-cert.pem"\nprivate_key = "{keys}/tls-key.pem"\n\n'
            f'[[sources]]\nproduct = "0x{product.hex()}"\n'
            f'manifest = "{self.product_folder}/product.json"\n'
            f'file = "{DATA}/german_credit.csv"\nsubjects = "subjects.json"\n'
        )

    async def _wait_for_gateway(self) -> None:
        deadline = time.monotonic() + 20
        while "gateway_ready" not in self.gateway_log():
            running = self.gateway is not None and self.gateway.poll() is None
            require(running, "gateway stopped: " + self.gateway_log()[-500:])
            require(time.monotonic() < deadline, "gateway did not start within 20 s")
            await asyncio.sleep(0.1)

    def gateway_log(self) -> str:
        """Return what the gateway has logged so far."""
        return (self.folder / "gateway" / "gateway.log").read_text(encoding="utf-8")

    def data_reads(self) -> int:
        """Return how often the gateway has touched the provider's data."""
        return self.gateway_log().count('"event": "data_read"')

    def stop_gateway(self) -> None:
        """Stop the gateway's process."""
        if self.gateway is not None and self.gateway.poll() is None:
            self.gateway.send_signal(signal.SIGTERM)
            self.gateway.wait(timeout=10)

    async def lease(self, name: str, opening: Opening) -> LeaseHandle:
        """Open a lease and remember it by name."""
        call = open_lease(opening, address_of(self.provider_key))
        await self.gateways["consumer"].send(call)
        await self.view.advance()
        state = await self.authorization(opening.authorization)
        handle = LeaseHandle(opening.authorization, state.leases, address_of(self.provider_key))
        self.leases[name] = handle
        return handle

    async def authorization(self, identifier: Hash32) -> AuthorizationState:
        """Return an authorization as proved at the newest head."""
        await self.view.advance()
        state = await self.view.authorization(identifier)
        require(state is not None, "authorization is not on the ledger")
        assert state is not None, "required above"
        return state

    async def lease_state(self, name: str) -> LeaseState:
        """Return a lease as proved at the newest head."""
        await self.view.advance()
        state = await self.view.lease(self.leases[name].id)
        require(state is not None, f"lease {name} is not on the ledger")
        assert state is not None, "required above"
        return state

    async def send(self, member: str, call: Call) -> None:
        """Send a call as a member's approver."""
        await self.approvers[member].send(call)

    def kill(self, index: int) -> int:
        """End a validator's process with SIGKILL; return the process id it had."""
        status = dataccord("net", "status", "--dir", str(self.network.folder), expect=None)
        process = int(status["nodes"][index]["pid"])
        os.kill(process, signal.SIGKILL)
        return process
