"""Tests and simulation trust the memory form, so it must behave as LevelDB, crashes included."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from node.storage.kv import KeyValue, MemoryKeyValue, Snapshot, prefix_end
from node.storage.leveldb import LevelDB

keys = st.sampled_from([b"a", b"ab", b"b", b"b\xff", b"c"])
values = st.binary(max_size=3)
batches = st.dictionaries(keys, st.none() | values, max_size=4)


class Agreement(RuleBasedStateMachine):
    """The two forms, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.stores: tuple[KeyValue, ...] = (MemoryKeyValue(), LevelDB(Path(self.folder.name)))
        self.snapshots: tuple[Snapshot, ...] = ()
        self.frozen: list[tuple[bytes, bytes]] = []

    @rule(batch=batches, sync=st.booleans())
    def write(self, batch: dict[bytes, bytes | None], sync: bool) -> None:
        for store in self.stores:
            store.write(batch, sync=sync)

    @rule()
    def take_snapshot(self) -> None:
        for snapshot in self.snapshots:
            snapshot.release()
        self.snapshots = tuple(store.snapshot() for store in self.stores)
        self.frozen = list(self.stores[0].scan(b"", b"\xff"))

    @rule(start=keys, stop=keys, reverse=st.booleans())
    def scan(self, start: bytes, stop: bytes, reverse: bool) -> None:
        memory, disk = (list(s.scan(start, stop, reverse=reverse)) for s in self.stores)
        assert memory == disk

    @precondition(lambda self: self.snapshots)
    @rule(key=keys)
    def read_snapshot(self, key: bytes) -> None:
        for snapshot in self.snapshots:
            assert list(snapshot.scan(b"", b"\xff")) == self.frozen
            assert snapshot.get(key) == dict(self.frozen).get(key)

    @invariant()
    def same_contents(self) -> None:
        memory, disk = (list(store.scan(b"", b"\xff")) for store in self.stores)
        assert memory == disk
        for key, value in memory:
            assert self.stores[0].get(key) == self.stores[1].get(key) == value

    def teardown(self) -> None:
        for snapshot in self.snapshots:
            snapshot.release()
        for store in self.stores:
            store.close()
        self.folder.cleanup()


Agreement.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestAgreement = Agreement.TestCase


def test_a_crash_takes_back_unsynced_batches_newest_first() -> None:
    store = MemoryKeyValue()
    store.write({b"a": b"1"}, sync=True)
    store.write({b"a": b"2"}, sync=False)
    store.write({b"a": b"3", b"b": b"3"}, sync=False)
    assert store.unsynced_count == 2
    assert store.get(b"a") == b"3"
    left = [dict(store.crash(kept).scan(b"", b"\xff")) for kept in (0, 1, 2)]
    assert left == [{b"a": b"1"}, {b"a": b"2"}, {b"a": b"3", b"b": b"3"}]


def test_a_sync_covers_all_batches_before_it() -> None:
    store = MemoryKeyValue()
    store.write({b"a": b"1"}, sync=False)
    store.write({b"b": b"1"}, sync=True)
    assert dict(store.crash().scan(b"", b"\xff")) == {b"a": b"1", b"b": b"1"}


@pytest.mark.parametrize(
    ("prefix", "end"), [(b"a", b"b"), (b"a\xff", b"b"), (b"a\xff\xff", b"b"), (b"ab", b"ac")]
)
def test_prefix_end(prefix: bytes, end: bytes) -> None:
    assert prefix_end(prefix) == end
