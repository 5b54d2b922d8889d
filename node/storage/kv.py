"""Ordered bytes to bytes, written in atomic batches: the one protocol of all storage.

A batch maps a key to its new value, or to None to remove it. A batch is applied whole or not at
all; after `write(..., sync=True)` returns, it and every batch before it survive a power cut.
Without `sync`, a cut may take batches back, the newest first. `MemoryKeyValue` keeps just these
promises in memory and can be made to crash, so tests and simulation meet what a disk may do.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Protocol

Batch = Mapping[bytes, bytes | None]


class Reader(Protocol):
    """A consistent view of a store."""

    def get(self, key: bytes) -> bytes | None:
        """Return the value, None where there is none; raise StoreError where it is damaged."""
        ...

    def scan(
        self, start: bytes, stop: bytes, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield keys in [start, stop) with their values, ascending or descending."""
        ...


class Snapshot(Reader, Protocol):
    """A view that later writes do not reach."""

    def release(self) -> None:
        """Let go of what the view kept alive; it is not to be read any more."""
        ...


class KeyValue(Reader, Protocol):
    """A store."""

    def write(self, batch: Batch, *, sync: bool) -> None:
        """Apply a batch, atomically; with `sync` return only when it is durable."""
        ...

    def snapshot(self) -> Snapshot:
        """Return the store as it stands, for any thread."""
        ...

    def close(self) -> None:
        """Release the store."""
        ...


def prefix_end(prefix: bytes) -> bytes:
    """Return the first key after all that begin with `prefix`."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes([stripped[-1] + 1])


class MemorySnapshot:
    """A view of a `MemoryKeyValue`, or of any mapping that no longer changes."""

    def __init__(self, entries: dict[bytes, bytes]) -> None:
        self._entries = entries
        self._order: list[bytes] | None = None

    def get(self, key: bytes) -> bytes | None:
        """Return the value, None where there is none."""
        return self._entries.get(key)

    def scan(
        self, start: bytes, stop: bytes, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield keys in [start, stop) with their values."""
        if self._order is None:
            self._order = sorted(self._entries)
        order = self._order
        keys = order[bisect_left(order, start) : bisect_left(order, stop)]
        for key in reversed(keys) if reverse else keys:
            yield key, self._entries[key]

    def release(self) -> None:
        """Let go; nothing is held but memory."""


class MemoryKeyValue:
    """A store in memory that knows which of its batches are durable."""

    def __init__(self, entries: Mapping[bytes, bytes] | None = None) -> None:
        self._durable: dict[bytes, bytes] = dict(entries or {})
        self._unsynced: list[Batch] = []
        self._view = MemorySnapshot(dict(self._durable))
        self._shared = False

    def get(self, key: bytes) -> bytes | None:
        """Return the value, None where there is none."""
        return self._view.get(key)

    def scan(
        self, start: bytes, stop: bytes, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield keys in [start, stop) with their values."""
        return self._view.scan(start, stop, reverse=reverse)

    def write(self, batch: Batch, *, sync: bool) -> None:
        """Apply a batch; with `sync`, this and all before become durable."""
        entries = dict(self._view._entries) if self._shared else self._view._entries
        apply_batch(entries, batch)
        self._view, self._shared = MemorySnapshot(entries), False
        self._unsynced.append(dict(batch))
        if sync:
            for earlier in self._unsynced:
                apply_batch(self._durable, earlier)
            self._unsynced.clear()

    def snapshot(self) -> MemorySnapshot:
        """Return the store as it stands."""
        self._shared = True
        return self._view

    def close(self) -> None:
        """Make everything durable, as an orderly shutdown does."""
        self.write({}, sync=True)

    @property
    def unsynced_count(self) -> int:
        """How many batches a power cut could take back."""
        return len(self._unsynced)

    def crash(self, batches_kept: int = 0) -> "MemoryKeyValue":
        """Return what a power cut leaves: all that was synced, and the first few batches after."""
        entries = dict(self._durable)
        for batch in self._unsynced[:batches_kept]:
            apply_batch(entries, batch)
        return MemoryKeyValue(entries)


def apply_batch(entries: dict[bytes, bytes], batch: Batch) -> None:
    """Change `entries` as `batch` says."""
    for key, value in batch.items():
        if value is None:
            entries.pop(key, None)
        else:
            entries[key] = value
