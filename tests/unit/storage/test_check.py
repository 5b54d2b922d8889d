"""Damage that no checksum shows must be found by the long look; repair must say what is left."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.errors import FolderInUse, StoreError
from node.spec.crypto import keccak256
from node.spec.types import Address
from node.storage.chain_store import ChainStore
from node.storage.check import check_blocks, check_state
from node.storage.keys import (
    ACCOUNT,
    BODY,
    CODE,
    HASH_OF,
    HEADER,
    NUMBER_OF,
    RECEIPTS,
    TRANSACTION,
    node_key,
    number_key,
    slot_key,
)
from node.storage.kv import MemoryKeyValue
from node.storage.leveldb import LevelDB
from node.storage.repair import repair_chain_store
from node.storage.sign_state import SignedRecord, SignState
from tests.unit.chain.kit import GOVERNOR_KEY, SENDER, grow, ledger, transfer


def consume(steps: Iterator[int]) -> int:
    return sum(1 for _ in steps)


@pytest.fixture(scope="module")
def entries() -> dict[bytes, bytes]:
    kv = MemoryKeyValue()
    chain = ledger(kv)
    grow(chain, transfer(), transfer(GOVERNOR_KEY))
    grow(chain)
    grow(chain, transfer(nonce=1))
    return dict(kv.scan(b"", b"\xff"))


def look(entries: dict[bytes, bytes]) -> int:
    kv = MemoryKeyValue(entries)
    store = ChainStore(kv)
    return consume(check_blocks(store.blocks)) + consume(check_state(store, kv))


def test_a_whole_store_agrees(entries: dict[bytes, bytes]) -> None:
    kv = MemoryKeyValue(entries)
    store = ChainStore(kv)
    assert list(check_blocks(store.blocks)) == [0, 1, 2, 3]
    steps = list(check_state(store, kv))
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) > 10


def with_swapped_receipts(entries: dict[bytes, bytes]) -> dict[bytes, bytes]:
    one, other = number_key(RECEIPTS, 1), number_key(RECEIPTS, 3)
    return {**entries, one: entries[other], other: entries[one]}


def first(entries: dict[bytes, bytes], prefix: bytes) -> bytes:
    return next(key for key in sorted(entries) if key.startswith(prefix) and len(key) > 10)


@pytest.mark.parametrize(
    "damage",
    [
        lambda e: {**e, number_key(BODY, 1): e[number_key(BODY, 3)]},
        with_swapped_receipts,
        lambda e: {**e, number_key(HEADER, 1): e[number_key(HEADER, 2)]},
        lambda e: {k: v for k, v in e.items() if k != number_key(RECEIPTS, 0)},
        lambda e: {**e, NUMBER_OF + e[number_key(HASH_OF, 1)]: bytes(8)},
        lambda e: {**e, first(e, TRANSACTION): bytes(12)},
        lambda e: {**e, first(e, ACCOUNT): e[ACCOUNT + SENDER]},
        lambda e: {k: v for k, v in e.items() if k != ACCOUNT + SENDER},
        lambda e: {**e, slot_key(Address(bytes(20)), 7): b"\x01"},
        lambda e: {k: v for k, v in e.items() if k != first(e, CODE)},
    ],
    ids=lambda value: "",
)
def test_each_disagreement_is_found(entries: dict[bytes, bytes], damage: object) -> None:
    with pytest.raises(StoreError):
        look(damage(entries))  # type: ignore[operator]


def test_a_wrong_state_node_is_found(entries: dict[bytes, bytes]) -> None:
    kv = MemoryKeyValue(entries)
    store = ChainStore(kv)
    header = store.blocks.header(3)
    assert header is not None
    key = node_key((None, b"", header.state_root))
    kv.write({key: entries[key][:-1] + bytes([entries[key][-1] ^ 1])}, sync=True)
    with pytest.raises(StoreError, match="state node"):
        consume(check_state(ChainStore(kv), kv))
    kv.write({key: b"\xc1"}, sync=True)
    with pytest.raises(StoreError):
        consume(check_state(ChainStore(kv), kv))


def test_repair_goes_back_to_the_last_whole_block(tmp_path: Path) -> None:
    chain = ledger(LevelDB(tmp_path))
    sizes = []
    for nonce in range(4):
        grow(chain, transfer(nonce=nonce))
        sizes.append(len(next(tmp_path.glob("*.log")).read_bytes()))
    chain.store.close()
    (log,) = tmp_path.glob("*.log")
    data = bytearray(log.read_bytes())
    data[sizes[1] + 200] ^= 1  # within block 3
    log.write_bytes(data)
    with pytest.raises(StoreError, match="damaged at offset"):
        LevelDB(tmp_path)
    done = repair_chain_store(tmp_path)
    assert (done.head, done.rebuilt) == (2, False)
    assert done.kept[0].read_bytes() == bytes(data)
    again = ledger(LevelDB(tmp_path))
    grow(again, transfer(nonce=2))
    again.store.close()


def test_repair_of_a_table_says_what_is_left(tmp_path: Path) -> None:
    chain = ledger(LevelDB(tmp_path))
    grow(chain, transfer())
    chain.store.close()
    LevelDB(tmp_path).close()  # replays the log into a table
    table = max(tmp_path.glob("*.ldb"), key=lambda path: path.stat().st_size)
    data = bytearray(table.read_bytes())
    data[len(data) // 2] ^= 1
    table.write_bytes(data)
    with pytest.raises(StoreError):
        repair_chain_store(tmp_path)


def test_a_damaged_sign_state_is_put_back_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "votes"
    kv = LevelDB(folder)
    state = SignState(kv)
    for height in (1, 2, 3):
        digest = keccak256(bytes([height]))
        state.record(SignedRecord(height, 0, 0x13, digest, bytes(500)))
    kv.close()
    (log,) = folder.glob("*.log")
    data = bytearray(log.read_bytes())
    data[700] ^= 1
    log.write_bytes(data)
    with pytest.raises(StoreError, match="not repaired"):
        repair_chain_store(folder)
    assert log.read_bytes() == bytes(data)
    with pytest.raises(StoreError, match="damaged at offset"):
        LevelDB(folder)


def test_repair_leaves_an_open_store_alone(tmp_path: Path) -> None:
    kv = LevelDB(tmp_path)
    with pytest.raises(FolderInUse, match="in use"):
        repair_chain_store(tmp_path)
    kv.write({keccak256(b"k"): b"v"}, sync=True)
    kv.close()
