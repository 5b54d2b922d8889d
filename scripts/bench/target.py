"""What is measured: a fresh network of this project, or a peer, with its doors and its processes.

A network is made by the product's own command line; only its genesis' gas limit may be changed
before the first start, which changes the chain's hash and nothing else. The peer is anvil, one
process in memory without consensus, from its npm package; where npm is not there it is left out.
"""

import contextlib
import platform
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.cli import processes
from node.cli.devnet import CHAIN_ID, DevelopmentNetwork, create_network, load_network
from scripts.loads import PROJECT, SENDERS, LoadFailed, command, free_port_offset, up
from scripts.preload import revise_genesis

ANVIL: Final = "@foundry-rs/anvil"
ANVIL_VERSION: Final = "1.7.1"
ANVIL_FOLDER: Final = PROJECT / "run" / "anvil"
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0


class NotThere(Exception):
    """What a case needs is not on this machine; the case is left out."""


@dataclass(frozen=True, slots=True)
class Target:
    """A running ledger."""

    rpcs: tuple[str, ...]
    heads: str
    """URL of the WebSocket that announces the first node's heads."""
    processes: tuple[int, ...]
    folders: tuple[Path, ...]
    """Where each process keeps its data; none for one that keeps it in memory."""
    gives_receipts: bool = True
    """Whether receipts of a full block come in time: anvil takes 6 s for 3,000, growing squared."""


@contextlib.contextmanager
def network(
    folder: Path, validators: int, *, gas_limit: int = 0, engine: str = ""
) -> Iterator[Target]:
    """Start fresh validators in an empty folder; stop them in the end, whatever happens."""
    create_network(folder, validators, free_port_offset(validators))
    if gas_limit:
        revise_genesis(folder, gas_limit=gas_limit)
    with started(folder, engine=engine) as target:
        yield target


@contextlib.contextmanager
def started(folder: Path, *, engine: str = "") -> Iterator[Target]:
    """Start the network that a folder holds; stop it in the end, whatever happens."""
    try:
        up(folder, engine=engine)
        yield target_of(load_network(folder))
    finally:
        command("net", "down", "--dir", str(folder))


def target_of(held: DevelopmentNetwork) -> Target:
    """Return the target that a running network is."""
    places = [held.node_folder(plan.index) for plan in held.nodes]
    return Target(
        tuple(plan.rpc for plan in held.nodes),
        f"ws://127.0.0.1:{held.nodes[0].ws}/",
        tuple(process for place in places if (process := processes.running(place)) is not None),
        tuple(place / "db" for place in places),
    )


@contextlib.contextmanager
def anvil() -> Iterator[Target]:
    """Start anvil with the mnemonic's accounts and a block a second; stop it in the end."""
    program, port = anvil_program(), free_port()
    options = {
        "--host": "127.0.0.1",
        "--port": str(port),
        "--chain-id": str(CHAIN_ID),
        "--accounts": str(SENDERS + 1),
        "--gas-limit": "10000000000",
        "--block-time": "1",
    }
    words = [word for option in options.items() for word in option]
    process = subprocess.Popen(
        [str(program), *words, "--silent"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(process, url)
        yield Target((url,), f"ws://127.0.0.1:{port}", (process.pid,), (), gives_receipts=False)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def anvil_program() -> Path:
    """Return anvil's program, installing its npm package into a folder of ours once."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "unknown")
    program = ANVIL_FOLDER / "node_modules" / f"{ANVIL}-linux-{machine}" / "bin" / "anvil"
    if not program.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise NotThere("npm is not in PATH, so anvil is left out")
        ANVIL_FOLDER.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [npm, "install", "--prefix", str(ANVIL_FOLDER), f"{ANVIL}@{ANVIL_VERSION}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0 or not program.exists():
            raise NotThere(f"npm could not install anvil: {done.stderr.strip()[-300:]}")
    return program


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(process: "subprocess.Popen[bytes]", url: str) -> None:
    request = urllib.request.Request(
        url,
        b'{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}',
        {"content-type": "application/json"},
    )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(request, timeout=2.0):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise LoadFailed(f"anvil did not answer at {url}")
