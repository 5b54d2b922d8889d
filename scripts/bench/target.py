"""What is measured: a fresh network of this project, or a peer, with its doors and its processes.

A network is made by the product's own command line; only its genesis' gas limit may be changed
before the first start, which changes the chain's hash and nothing else. The peer is anvil, one
process in memory without consensus, from its npm package; where npm is not there it is left out.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from node.cli import processes
from node.cli.devnet import CHAIN_ID, DevelopmentNetwork, create_network, load_network
from scripts.anvil import running_anvil
from scripts.loads import SENDERS, command, free_port_offset, up
from scripts.preload import revise_genesis


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
    options = {
        "--chain-id": str(CHAIN_ID),
        "--accounts": str(SENDERS + 1),
        "--gas-limit": "10000000000",
        "--block-time": "1",
    }
    with running_anvil(options) as peer:
        yield Target((peer.rpc,), peer.heads, (peer.process,), (), gives_receipts=False)
