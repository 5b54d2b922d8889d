"""Fill the record contract's state on a network that has not run: `python -m scripts.preload NET`.

A ledger that has worked for years holds millions of slots, and getting there by transactions takes
hours. This makes the contract, and then writes N of its slots through the product's own ledger,
trie and storage, as if records of other ids had been made: a few hundred blocks without
transactions, whose state roots hold the slots. They carry the seals of all validators, made with
the development network's own keys. No transaction leads to them, so a node that joins later would
refuse them; the validators, given one store and the memory of having sealed it, go on from there.

Memory is bounded: slots are first spread over files by the beginning of their key in the trie, and
each file is one block. So each block touches a part of the trie of its own and leaves few outgrown
nodes behind. Genesis is dated back, because blocks must not lie in the future. Interrupted, it
leaves a folder to be thrown away.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

import plyvel

from node.app import LocalSigner
from node.chain.genesis_file import load_genesis
from node.chain.ledger import Ledger
from node.cli.devnet import DevelopmentNetwork, load_network
from node.config import read_private_key
from node.consensus.encoding import encode_message, signing_hash
from node.consensus.messages import Commit, CommitPayload, Signed
from node.errors import ConfigError, DataccordError
from node.execution.choice import load_engine
from node.execution.engine import Engine, Execution
from node.spec.block import Block
from node.spec.crypto import keccak256
from node.spec.header import Header
from node.spec.seal import hash_for_commit_seal, proposer, with_seals
from node.spec.transaction import Transaction, decode_transaction
from node.spec.types import AccountChange, BlockDiff
from node.storage.chain_store import ChainStore
from node.storage.leveldb import BLOOM_BITS, COMPRESSION, WRITE_BUFFER_BYTES, LevelDB
from node.storage.sign_state import SignedRecord, SignState
from scripts.bench.presign import contract, deployment

BACK_SECONDS: Final = 3_600
FILES_MAX: Final = 256
SLOTS_PER_FILE: Final = 16_384
SLOT_BYTES: Final = 64
"""A position and its value, 32 bytes each."""


def revise_genesis(folder: Path, *, gas_limit: int = 0, seconds_back: int = 0) -> None:
    """Give a network that never ran another gas limit, or an earlier genesis."""
    genesis, description = folder / "genesis.json", folder / "network.json"
    document = json.loads(genesis.read_text(encoding="utf-8"))
    if gas_limit:
        document["gasLimit"] = hex(gas_limit)
    document["timestamp"] = hex(int(document["timestamp"], 16) - seconds_back)
    genesis.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    value = json.loads(description.read_text(encoding="utf-8"))
    value["genesis_hash"] = "0x" + load_genesis(genesis).hash.hex()
    description.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def preload(folder: Path, slots: int) -> Header:
    """Write `slots` slots into the stores of a network that never ran; return the new head.

    Raises:
        ConfigError: the network has run.
    """
    network = load_network(folder)
    places = [network.node_folder(plan.index) for plan in network.nodes]
    if any((place / "db").exists() for place in places):
        raise ConfigError(
            f"{folder}: it has run", next_command=f"dataccord net reset --dir {folder}"
        )
    revise_genesis(folder, seconds_back=BACK_SECONDS)
    signers = [LocalSigner(read_private_key(place / "node.key")) for place in places]
    with opened(folder, network) as filling:
        filling.seal(signers, [decode_transaction(bytes.fromhex(deployment()[2:]))])
        with tempfile.TemporaryDirectory(prefix="dataccord-preload-") as scratch:
            for file in spread(slots, Path(scratch)):
                filling.slots = _slots_in(file)
                filling.seal(signers, ())
                file.unlink()
        head = filling.ledger.head
    compact(places[0] / "db" / "chain")
    for place, signer in zip(places, signers, strict=True):
        _remember(place / "db" / "sign-state", signer, head)
    for place in places[1:]:
        shutil.copytree(places[0] / "db" / "chain", place / "db" / "chain")
    return head


class Filling:
    """A ledger whose next block also writes `slots` of the contract; the engine it runs on."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.slots: dict[int, int] = {}
        self.ledger: Ledger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def build(self, *arguments: Any, **options: Any) -> Execution:
        """Build as the engine does, then add the slots to what the block changes."""
        execution = self._engine.build(*arguments, **options)
        if not self.slots:
            return execution
        account = self.ledger.view.state.account(contract())
        if account is None:
            raise ConfigError("preload: the record contract was not made")
        change = AccountChange(account.nonce, account.balance, account.code_hash, self.slots)
        diff = execution.diff
        return replace(execution, diff=BlockDiff({**diff.accounts, contract(): change}, diff.codes))

    def seal(self, signers: Sequence[LocalSigner], transactions: Sequence[Transaction]) -> None:
        """Put the next block on the head, sealed by all."""
        ledger = self.ledger
        coinbase = proposer(ledger.validators, ledger.head.coinbase, 0)
        built = ledger.build(ledger.head.timestamp + 1, coinbase, transactions, seconds=60.0)
        digest = hash_for_commit_seal(built.block.header)
        header = with_seals(built.block.header, [signer.sign(digest) for signer in signers])
        ledger.commit(Block(header, built.block.transactions))


@contextmanager
def opened(folder: Path, network: DevelopmentNetwork) -> Iterator[Filling]:
    """Open the first node's ledger, begun from its genesis, and close it in the end."""
    store = network.node_folder(0) / "db" / "chain"
    store.mkdir(parents=True)
    engines = load_engine()
    filling = Filling(engines.engine)
    with ExitStack() as stack:
        kv = LevelDB(store)
        stack.callback(kv.close)
        genesis = load_genesis(folder / "genesis.json")
        filling.ledger = Ledger(ChainStore(kv), genesis, cast(Engine, filling), engines.trie)
        yield filling


def compact(store: Path) -> None:
    """Let LevelDB tidy up now what it would else tidy up under somebody's load."""
    held = plyvel.DB(
        str(store),
        write_buffer_size=max(WRITE_BUFFER_BYTES),
        bloom_filter_bits=BLOOM_BITS,
        compression=COMPRESSION,
    )
    held.compact_range(start=b"", stop=b"\xff")  # without bounds it would do nothing
    held.close()


def spread(slots: int, place: Path) -> list[Path]:
    """Write positions and values into files by the beginning of their key in the trie."""
    count = min(FILES_MAX, max(1, slots // SLOTS_PER_FILE))
    paths = [place / f"{number:03}" for number in range(count)]
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("wb")) for path in paths]
        for index in range(slots):
            position, value = slot_of(index)
            files[keccak256(position)[0] * count >> 8].write(position + value)
    return [path for path in paths if path.stat().st_size]


def slot_of(index: int) -> tuple[bytes, bytes]:
    """Return where record number `index` of those preloaded stands, and its value."""
    identifier = preloaded_id(index)
    # Vyper keeps key k of the mapping at slot 0 at keccak256(0 as 32 bytes, k).
    return keccak256(bytes(32) + identifier), identifier


def preloaded_id(index: int) -> bytes:
    """Return a record id that no load uses."""
    return keccak256(b"preloaded" + index.to_bytes(8, "big"))


def _slots_in(file: Path) -> dict[int, int]:
    data = file.read_bytes()
    return {
        int.from_bytes(data[at : at + 32], "big"): int.from_bytes(data[at + 32 : at + 64], "big")
        for at in range(0, len(data), SLOT_BYTES)
    }


def _remember(folder: Path, signer: LocalSigner, head: Header) -> None:
    """Tell a validator's sign-state that it sealed the head, which is true (N13)."""
    sealed = hash_for_commit_seal(head)
    payload = CommitPayload(head.number, 0, sealed, signer.sign(sealed))
    digest = signing_hash(payload)
    commit = Commit(Signed(payload, signer.sign(digest), signer.address), signer.address)
    folder.mkdir(parents=True)
    kv = LevelDB(folder)
    try:
        data = encode_message(commit)
        SignState(kv).record(SignedRecord(commit.height, 0, commit.kind, digest, data))
    finally:
        kv.close()


def main() -> int:
    """Fill a network; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.preload", description=__doc__)
    parser.add_argument("folder", type=Path, help="a new network's folder")
    parser.add_argument("--slots", type=int, default=1_000_000, help="how many, default 1,000,000")
    arguments = parser.parse_args()
    start = time.monotonic()
    try:
        if arguments.slots < 1:
            raise ConfigError(f"{arguments.slots} slots: at least one")
        head = preload(arguments.folder.absolute(), arguments.slots)
    except DataccordError as error:
        print(error.diagnostics(), file=sys.stderr)
        return error.code
    seconds = time.monotonic() - start
    print(f"{arguments.slots} slots in {seconds:.1f} s: block {head.number}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
