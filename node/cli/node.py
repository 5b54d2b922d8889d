"""`dataccord node`: run one node of the consortium."""

import argparse
from pathlib import Path

import uvloop

from node.app import run_node
from node.cli.output import add_command
from node.config import load_node_config
from node.telemetry import configure_logs


def add(parsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the noun and its verbs."""
    node = parsers.add_parser("node", help="run one node of the consortium")
    verbs = node.add_subparsers(required=True, metavar="VERB")
    run = add_command(
        verbs,
        "run",
        _run,
        "run until stopped; exit code 5 means that going on would not be safe",
        example="dataccord node run --config node.toml",
    )
    run.add_argument("--config", type=Path, required=True, help="the node's TOML file")


def _run(arguments: argparse.Namespace) -> int:
    config = load_node_config(arguments.config)
    configure_logs(config.log_level, config.log_format)
    uvloop.run(run_node(config))
    return 0
