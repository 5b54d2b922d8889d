"""Where a block's time goes: `python -m scripts.phases` prints microseconds a transaction by phase.

A fresh ledger on disk with the record contract, its store filled with `--slots` beforehand, takes
blocks of pre-signed records through the seams that a validator uses: senders recovered as the pool
does, the block executed and its tries updated (what checking it costs with its senders known), and
committed in one synced batch. Medians over the blocks, on the clock and in CPU time of all threads.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Final, TypeVar

from node.chain.genesis_file import load_genesis
from node.chain.ledger import Ledger
from node.cli.devnet import create_network
from node.config import read_private_key
from node.errors import DecodeError
from node.execution.choice import Engines, load_engine
from node.spec.block import Block
from node.spec.crypto import sign
from node.spec.seal import hash_for_commit_seal, with_round, with_seals
from node.spec.transaction import Transaction
from node.spec.types import Address
from node.storage.chain_store import ChainStore
from node.storage.leveldb import LevelDB
from scripts.bench.presign import lines, presigned
from scripts.preload import preload

WARM_UP: Final = 2
T = TypeVar("T")


class Stopwatch:
    """Seconds by phase, on the clock and of CPU."""

    def __init__(self) -> None:
        self.spent: dict[str, list[tuple[float, float]]] = {}

    def measure(self, phase: str, work: Callable[[], T]) -> T:
        """Do work and note what it took."""
        clock, cpu = time.perf_counter(), time.process_time()
        made = work()
        self.note(phase, time.perf_counter() - clock, time.process_time() - cpu)
        return made

    def note(self, phase: str, clock: float, cpu: float) -> None:
        """Note what one block's phase took."""
        self.spent.setdefault(phase, []).append((clock, cpu))

    def table(self, transactions: int) -> Iterator[str]:
        """Yield a line a phase: medians and minima in microseconds a transaction."""
        yield f"{'phase':16} {'clock':>8} {'least':>8} {'CPU':>8} {'least':>8}   us a transaction"
        for phase, rows in self.spent.items():
            columns = [
                [seconds / transactions * 1e6 for seconds in part]
                for part in zip(*rows, strict=True)
            ]
            figures = [
                figure for part in columns if any(part) for figure in (median(part), min(part))
            ]
            yield f"{phase:16}" + "".join(f" {figure:8.1f}" for figure in figures)


@contextmanager
def filled(slots: int, engines: Engines) -> Iterator[tuple[Ledger, bytes]]:
    """Open a ledger that holds the contract with so many slots; give it with its node key."""
    with tempfile.TemporaryDirectory(prefix="dataccord-phases-") as scratch:
        folder = Path(scratch) / "net"
        network = create_network(folder, 1)
        preload(folder, max(1, slots))
        place = network.node_folder(0)
        kv = LevelDB(place / "db" / "chain")
        try:
            genesis = load_genesis(folder / "genesis.json")
            ledger = Ledger(ChainStore(kv), genesis, engines.engine, engines.trie)
            yield ledger, read_private_key(place / "node.key")
        finally:
            kv.close()


def run_block(
    ledger: Ledger, engines: Engines, key: bytes, raws: list[bytes], watch: Stopwatch
) -> None:
    """Take one block through all phases; what is measured comes first, so it finds caches cold."""
    engine, view = engines.engine, ledger.view
    items: list[Transaction] = []
    senders: list[Address] = []
    for item in watch.measure("recover", lambda: engine.recover(raws)):
        if not isinstance(item, DecodeError) and item[1] is not None:
            items.append(item[0])
            senders.append(item[1])
    ledger.transactions.resolve(raws)
    header = view.header
    env = replace(
        ledger.environment_of(header),
        number=header.number + 1,
        timestamp=header.timestamp + 1,
        parent_hash=view.hash,
    )
    done = watch.measure("execute", lambda: engine.execute(env, items, senders, view.state))
    for name, seconds in done.timings.items():
        watch.note(f"  of it {name}", seconds, 0.0)
    get_nodes = ledger.store.nodes.nodes
    watch.measure("tries", lambda: engines.trie.update(header.state_root, done.diff, get_nodes))
    block = ledger.build(header.timestamp + 1, ledger.validators[0], items, seconds=60.0).block
    if len(block.transactions) != len(raws):
        raise SystemExit(f"only {len(block.transactions)} of {len(raws)} fitted the block")
    digest = hash_for_commit_seal(with_round(block.header, 0))
    sealed = Block(with_seals(block.header, [sign(key, digest)]), block.transactions)
    watch.measure("commit, synced", lambda: ledger.commit(sealed))


def main() -> int:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m scripts.phases", description=__doc__)
    parser.add_argument("--slots", type=int, default=1, help="slots beforehand, default 1")
    parser.add_argument("--transactions", type=int, default=2_000, help="a block, default 2,000")
    parser.add_argument("--blocks", type=int, default=12)
    arguments = parser.parse_args()
    count, engines, watch = arguments.transactions, load_engine(), Stopwatch()
    print(engines.line, flush=True)
    path = presigned(count * (arguments.blocks + WARM_UP))
    with filled(arguments.slots, engines) as (ledger, key):
        for number in range(arguments.blocks + WARM_UP):
            span = range(number * count, (number + 1) * count)
            raws = [bytes.fromhex(raw[2:]) for _, raw, _ in lines(path, span)]
            run_block(ledger, engines, key, raws, watch if number >= WARM_UP else Stopwatch())
    print(f"{arguments.slots} slots, {arguments.blocks} blocks of {count}")
    print("\n".join(watch.table(count)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
