"""`dataccord node`: run one node of the consortium."""

import argparse
from pathlib import Path

import uvloop

from node.app import run_node
from node.cli.output import add_command, emit
from node.config import load_node_config
from node.errors import ConfigError
from node.execution.choice import load_engine
from node.runtime.process import prepare_process
from node.storage.leveldb import owned
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
    recover = add_command(
        verbs,
        "recover",
        _recover,
        "set a damaged or lost sign-state aside: at its next start the validator only observes, "
        "and signs again two blocks after one that was final without it",
        example="dataccord node recover --config node.toml",
    )
    recover.add_argument("--config", type=Path, required=True, help="the node's TOML file")


def _recover(arguments: argparse.Namespace) -> int:
    config = load_node_config(arguments.config)
    folder = config.data_dir / "sign-state"
    if not folder.exists():
        raise ConfigError(f"{folder}: there is no sign-state to set aside")
    with owned(folder):
        number = sum(1 for _ in folder.parent.glob("sign-state.aside-*"))
        aside = folder.with_name(f"sign-state.aside-{number}")
        folder.rename(aside)
    emit(
        arguments,
        {"aside": str(aside)},
        f"the sign-state is kept as {aside}\n"
        "you vouch that this key signs nowhere else while the node observes\n"
        f"next: dataccord node run --config {arguments.config}",
    )
    return 0


def _run(arguments: argparse.Namespace) -> int:
    config = load_node_config(arguments.config)
    configure_logs(config.log_level, config.log_format)
    engines = load_engine()
    emit(arguments, {"engine": engines.engine.name, "line": engines.line}, engines.line)
    prepare_process(engines.engine)
    uvloop.run(run_node(config, engines))
    return 0
