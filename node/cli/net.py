"""`dataccord net`: a development network on this machine, up, down, looked at, thrown away."""

import argparse
import asyncio
import shutil
import time
from pathlib import Path
from typing import Any, Final

from node.cli import processes
from node.cli.devnet import DevelopmentNetwork, NodePlan, create_network, load_network
from node.cli.output import add_command, emit
from node.errors import DataccordError, NotReady
from node.sdk.client import Client

FIRST_BLOCK_SECONDS: Final = 30.0
DEFAULT_FOLDER: Final = Path("run/net")


def add(parsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the noun and its verbs."""
    net = parsers.add_parser("net", help="a development network on this machine")
    verbs = net.add_subparsers(required=True, metavar="VERB")
    commands = (
        ("up", _up, "start the network, making it first where there is none"),
        ("status", _status, "show processes, addresses and heights"),
        ("down", _down, "stop all its processes"),
        ("reset", _reset, "stop it and delete its folder"),
    )
    for name, handler, text in commands:
        parser = add_command(verbs, name, handler, text, example=f"dataccord net {name}")
        parser.add_argument("--dir", type=Path, default=DEFAULT_FOLDER, help="its folder")
        if name == "up":
            parser.add_argument("--validators", type=int, default=4, help="1 to 16, default 4")
            parser.add_argument(
                "--port-offset", type=int, default=0, help="added to all ports of a new network"
            )


def _up(arguments: argparse.Namespace) -> int:
    folder = arguments.dir.absolute()
    if (folder / "network.json").exists():
        network = load_network(folder)
    else:
        network = create_network(folder, arguments.validators, arguments.port_offset)
    for plan in network.nodes:
        place = network.node_folder(plan.index)
        if processes.running(place) is None:
            processes.start(place, "node", "run", "--config", str(place / "node.toml"))
    heights = _wait_for_first_block(network)
    value = _describe(network, heights)
    emit(arguments, value, _text(network, value))
    return 0


def _wait_for_first_block(network: DevelopmentNetwork) -> dict[int, int | None]:
    deadline = time.monotonic() + FIRST_BLOCK_SECONDS
    while True:
        heights = asyncio.run(_heights(network))
        if all(heights.values()):
            return heights
        for plan in network.nodes:
            processes.require_alive(network.node_folder(plan.index), f"node {plan.index}")
        if time.monotonic() > deadline:
            raise NotReady(
                f"no block 1 within {FIRST_BLOCK_SECONDS:.0f} s",
                why=f"heights by node: {heights}",
                next_command=f"less {network.node_folder(0)}/node.log",
            )
        time.sleep(0.2)


async def _heights(network: DevelopmentNetwork) -> dict[int, int | None]:
    found = await asyncio.gather(*(_height(plan) for plan in network.nodes))
    return {plan.index: height for plan, height in zip(network.nodes, found, strict=True)}


async def _height(plan: NodePlan) -> int | None:
    try:
        async with Client(plan.rpc, timeout_s=2.0) as client:
            return await client.block_number()
    except DataccordError:
        return None


def _status(arguments: argparse.Namespace) -> int:
    network = load_network(arguments.dir.absolute())
    value = _describe(network, asyncio.run(_heights(network)))
    emit(arguments, value, _text(network, value))
    return 0 if all(node["running"] for node in value["nodes"]) else NotReady.code


def _describe(network: DevelopmentNetwork, heights: dict[int, int | None]) -> dict[str, Any]:
    nodes = []
    for plan in network.nodes:
        process = processes.running(network.node_folder(plan.index))
        nodes.append(
            {
                "index": plan.index,
                "member": plan.member,
                "address": plan.address,
                "running": process is not None,
                "pid": process,
                "height": heights[plan.index],
                "http": plan.rpc,
                "ws": f"ws://127.0.0.1:{plan.ws}",
                "p2p": f"wss://127.0.0.1:{plan.p2p}",
                "metrics": f"http://127.0.0.1:{plan.metrics}/metrics",
            }
        )
    return {
        "dir": str(network.folder),
        "chain_id": network.chain_id,
        "genesis_hash": network.genesis_hash,
        "nodes": nodes,
    }


def _text(network: DevelopmentNetwork, value: dict[str, Any]) -> str:
    lines = [f"chain {value['chain_id']}, genesis {value['genesis_hash']}"]
    for node in value["nodes"]:
        state = f"pid {node['pid']}, height {node['height']}" if node["running"] else "stopped"
        lines.append(f"  node {node['index']} {node['member']:9} {node['http']}  {state}")
    lines.append(f"keys and certificates: {network.folder}/members")
    lines.append("next: dataccord net status | dataccord net down | dataccord net reset")
    return "\n".join(lines)


def _folders(network: DevelopmentNetwork) -> list[Path]:
    return [network.node_folder(plan.index) for plan in network.nodes]


def _down(arguments: argparse.Namespace) -> int:
    network = load_network(arguments.dir.absolute())
    processes.stop(_folders(network))
    emit(arguments, {"stopped": len(network.nodes)}, "stopped")
    return 0


def _reset(arguments: argparse.Namespace) -> int:
    network = load_network(arguments.dir.absolute())
    processes.stop(_folders(network))
    shutil.rmtree(network.folder)
    emit(arguments, {"deleted": str(network.folder)}, f"deleted {network.folder}")
    return 0
