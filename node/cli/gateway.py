"""`dataccord gateway`: run a provider's gateway."""

import argparse
import asyncio
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from node.cli.output import add_command
from node.config import load_gateway_config
from node.gateway.server import run_gateway
from node.telemetry import configure_logs


def add(parsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the noun and its verbs."""
    gateway = parsers.add_parser("gateway", help="serve data against recorded permission")
    verbs = gateway.add_subparsers(required=True, metavar="VERB")
    run = add_command(
        verbs,
        "run",
        _run,
        "serve until stopped; the configuration names chain, key, data and door",
        example="dataccord gateway run --config gateway.toml",
    )
    run.add_argument("--config", type=Path, required=True, help="the gateway's TOML file")


def _run(arguments: argparse.Namespace) -> int:
    config = load_gateway_config(arguments.config)
    configure_logs(config.log_level, config.log_format)
    asyncio.run(_until_stopped(run_gateway(config)))
    return 0


async def _until_stopped(service: Coroutine[Any, Any, None]) -> None:
    """Run a service until it ends or the process is asked to."""
    task = asyncio.ensure_future(service)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return
