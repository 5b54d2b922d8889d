"""`dataccord store`: look at a store, or repair one that will not open, while the node is down."""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from node.cli.output import add_command, emit
from node.errors import ConfigError
from node.storage.chain_store import ChainStore
from node.storage.check import check_blocks, check_state
from node.storage.leveldb import LevelDB
from node.storage.repair import repair_chain_store

PROGRESS_SECONDS: Final = 0.5


def add(parsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the noun and its verbs."""
    store = parsers.add_parser("store", help="look at a node's store, or repair it")
    verbs = store.add_subparsers(required=True, metavar="VERB")
    commands = (
        ("check", _check, "read every block and the head's whole state, and compare their hashes"),
        ("repair", _repair, "cut a damaged log at the damage, copies kept, and check what is left"),
    )
    for name, handler, text in commands:
        parser = add_command(
            verbs, name, handler, text, example=f"dataccord store {name} --dir node/db/chain"
        )
        parser.add_argument("--dir", type=Path, required=True, help="the folder `chain` of a node")


def _check(arguments: argparse.Namespace) -> int:
    _require_store(arguments.dir)
    kv = LevelDB(arguments.dir)
    try:
        store = ChainStore(kv)
        blocks = _with_progress("blocks", check_blocks(store.blocks))
        entries = _with_progress("state entries", check_state(store, kv))
        head = store.head()
    finally:
        kv.close()
    value = {"head": head.number, "hash": "0x" + head.hash.hex(), "entries": entries}
    emit(arguments, value, f"{blocks} blocks and {entries} state entries agree; head {head.number}")
    return 0


def _repair(arguments: argparse.Namespace) -> int:
    _require_store(arguments.dir)
    done = repair_chain_store(arguments.dir)
    kept = [str(path) for path in done.kept]
    lines = [f"the store opens, and all of it agrees; head {done.head}"]
    lines += [f"a damaged log was cut; the original is kept as {path}" for path in kept]
    if done.rebuilt:
        lines.append("LevelDB's own repair had to run; what it set aside is in the folder `lost`")
    lines.append("next: start the node; blocks that were lost come again from its peers")
    value = {"head": done.head, "kept": kept, "rebuilt": done.rebuilt}
    emit(arguments, value, "\n".join(lines))
    return 0


def _require_store(folder: Path) -> None:
    if not (folder / "CURRENT").exists():
        raise ConfigError(
            f"{folder}: holds no store",
            why="there is no file CURRENT",
            next_command="name a node's folder: its data_dir, then `chain`",
        )


def _with_progress(what: str, steps: Iterator[int]) -> int:
    """Run all steps, showing how far they are on a terminal; return how many there were."""
    count, shown = 0, time.monotonic()
    for count, _ in enumerate(steps, start=1):
        if sys.stderr.isatty() and time.monotonic() - shown > PROGRESS_SECONDS:
            shown = time.monotonic()
            print(f"\r{count} {what}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return count
