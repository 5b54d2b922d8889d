"""Slots written by a script must be what transactions would have left, alike at every validator."""

from pathlib import Path

import pytest

from node.chain.genesis_file import load_genesis
from node.chain.ledger import Ledger
from node.cli.devnet import create_network, load_network
from node.cli.mnemonic import DEVELOPMENT_MNEMONIC, derive_keys
from node.config import read_private_key
from node.errors import ConfigError
from node.execution.choice import load_engine
from node.spec.crypto import address_of
from node.spec.seal import proposer, verify_seals
from node.spec.transaction import decode_transaction, sign_dynamic_fee
from node.storage.chain_store import ChainStore
from node.storage.leveldb import LevelDB
from node.storage.sign_state import SignState
from scripts import preload
from scripts.bench.presign import contract, counter_slots
from scripts.loads import RECORD_GAS, RECORD_SELECTOR

SLOTS = 600


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of two validators with slots in its contract."""
    folder = tmp_path_factory.mktemp("preload") / "net"
    create_network(folder, 2, 1_200)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preload, "SLOTS_PER_FILE", 200)
        preload.preload(folder, SLOTS)
    return folder


def stores(folder: Path) -> list[Path]:
    return [folder / "nodes" / str(index) / "db" for index in range(2)]


def test_all_validators_stand_at_one_sealed_head(filled: Path) -> None:
    heads = []
    for place in stores(filled):
        kv, signed = LevelDB(place / "chain"), LevelDB(place / "sign-state")
        store = ChainStore(kv)
        header = store.blocks.header(store.head().number)
        assert header is not None
        heads.append((store.head(), header.state_root))
        assert SignState(signed).last_height() == header.number == 4
        kv.close()
        signed.close()
    keys = [read_private_key(place.parent / "node.key") for place in stores(filled)]
    assert heads[0] == heads[1]
    assert len(verify_seals(header, [address_of(key) for key in keys])) == 2


def test_flat_state_and_trie_hold_every_slot(filled: Path) -> None:
    kv = LevelDB(stores(filled)[1] / "chain")
    store = ChainStore(kv)
    header = store.blocks.header(store.head().number)
    assert header is not None
    flat, trie = store.head_state(), store.state_at(header.state_root)
    for index in range(SLOTS):
        position, value = (int.from_bytes(part, "big") for part in preload.slot_of(index))
        assert flat.storage(contract(), position) == value
        assert trie.storage(contract(), position) == value
    absent = int.from_bytes(preload.slot_of(SLOTS)[0], "big")
    assert flat.storage(contract(), absent) == trie.storage(contract(), absent) == 0
    flat.release()
    kv.close()


def test_the_contract_knows_the_slots_and_takes_others(filled: Path) -> None:
    network, kv = load_network(filled), LevelDB(stores(filled)[0] / "chain")
    engines = load_engine()
    genesis = load_genesis(filled / "genesis.json")
    assert network.genesis_hash == "0x" + genesis.hash.hex()
    ledger = Ledger(ChainStore(kv), genesis, engines.engine, engines.trie)
    coinbase = proposer(ledger.validators, ledger.head.coinbase, 0)
    work = [record(0, SLOTS - 1), record(1, SLOTS)]
    built = ledger.build(ledger.head.timestamp + 1, coinbase, work, seconds=60.0)
    execution = ledger.check(built.block)
    assert [receipt.succeeded for receipt in execution.receipts] == [False, True]
    kv.close()


def record(sender: int, index: int):
    key = derive_keys(DEVELOPMENT_MNEMONIC, 2)[sender]
    data = RECORD_SELECTOR + preload.preloaded_id(index) + bytes(32)
    raw = sign_dynamic_fee(key, chain_id=31337, nonce=0, gas=RECORD_GAS, to=contract(), data=data)
    return decode_transaction(raw)


def test_a_network_that_has_run_is_left_alone(filled: Path) -> None:
    with pytest.raises(ConfigError, match="it has run"):
        preload.preload(filled, 1)


def test_slots_are_spread_in_the_order_of_the_trie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preload, "SLOTS_PER_FILE", 100)
    files = preload.spread(1_000, tmp_path)
    assert len(files) == 10
    assert sum(file.stat().st_size for file in files) == 1_000 * preload.SLOT_BYTES
    last = b""
    for file in files:
        data = file.read_bytes()
        keys = [preload.keccak256(data[at : at + 32]) for at in range(0, len(data), 64)]
        assert min(keys) > last
        last = max(keys)


def test_the_contracts_counters_are_where_the_judge_reads_them(filled: Path) -> None:
    kv = LevelDB(stores(filled)[0] / "chain")
    engines = load_engine()
    genesis = load_genesis(filled / "genesis.json")
    ledger = Ledger(ChainStore(kv), genesis, engines.engine, engines.trie)
    coinbase = proposer(ledger.validators, ledger.head.coinbase, 0)
    work = [record(0, SLOTS - 1), record(1, SLOTS)]
    built = ledger.build(ledger.head.timestamp + 1, coinbase, work, seconds=60.0)
    change = ledger.check(built.block).diff.accounts[contract()]
    assert change is not None
    counters = [change.storage.get(int(slot, 16), 0) for slot in counter_slots()]
    assert counters == [0, 1] + [0] * 48
    kv.close()
