"""`KeyValue` on LevelDB, through plyvel: the only module that imports it.

A folder belongs to one process. It is scanned before it is opened (`node.storage.log_scan`), opened
with `paranoid_checks`, and read with `verify_checksums`, so damage is an error that names the
folder, never a wrong or missing value (N18).
"""

import fcntl
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

import plyvel

from node.errors import FolderInUse, StoreError
from node.storage.kv import Batch
from node.storage.log_scan import scan_folder

WRITE_BUFFER_BYTES: Final = (24 * 1024 * 1024, 40 * 1024 * 1024)
"""Sizes of a log before it becomes a table, one drawn at each opening. All validators write the
same; with one size all would compact in the same second, and every quorum would wait for them."""
CACHE_BYTES: Final = 64 * 1024 * 1024
BLOOM_BITS: Final = 10
OPEN_FILES_MAX: Final = 128
"""Tables kept open, 2 MiB each. LevelDB maps them whole, so what a process seems to hold in memory
grows with them: of a store of 1.2 GB, 900 MB with all open and under 100 with these, for a third
more CPU where reads go everywhere."""

COMPRESSION: Final = None
"""Trie nodes are hashes, which do not compress; trying cost half of all reads and compactions."""


class LevelDBReader:
    """Checked reads on a plyvel database or snapshot."""

    def __init__(self, source: Any, folder: Path) -> None:
        self._source = source
        self._folder = folder

    def get(self, key: bytes) -> bytes | None:
        """Return the value, None where there is none; raise StoreError where it is damaged."""
        try:
            found: bytes | None = self._source.get(key, verify_checksums=True)
        except plyvel.Error as error:
            raise _damaged(self._folder, error) from error
        except RuntimeError as error:  # plyvel's word for a closed database
            raise StoreError(f"{self._folder}: closed") from error
        return found

    def scan(
        self, start: bytes, stop: bytes, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield keys in [start, stop) with their values."""
        # Backwards, plyvel 1.5.1 misses an only entry that equals `start`: the bound is kept here.
        bounds = {"stop": stop, "reverse": True} if reverse else {"start": start, "stop": stop}
        try:
            with self._source.iterator(**bounds, verify_checksums=True) as entries:
                yield from takewhile(lambda entry: entry[0] >= start, entries)
        except plyvel.Error as error:
            raise _damaged(self._folder, error) from error
        except RuntimeError as error:
            raise StoreError(f"{self._folder}: closed") from error

    def release(self) -> None:
        """Close the snapshot or database."""
        self._source.close()


class LevelDB(LevelDBReader):
    """A folder, open for this process alone."""

    def __init__(self, folder: Path) -> None:
        """Scan and open `folder`, creating it where there is none.

        Raises:
            FolderInUse: another process has it open.
        StoreError: it is damaged.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            stack.enter_context(owned(folder))
            self.torn_tails = scan_folder(folder)
            super().__init__(_open(folder), folder)
            self._ownership = stack.pop_all()

    def write(self, batch: Batch, *, sync: bool) -> None:
        """Apply a batch, atomically; with `sync` return only when it is durable."""
        try:
            with self._source.write_batch(transaction=True, sync=sync) as writer:
                for key, value in batch.items():
                    if value is None:
                        writer.delete(key)
                    else:
                        writer.put(key, value)
        except plyvel.Error as error:
            raise StoreError(
                f"{self._folder}: cannot be written", why=str(error), next_command="check the disk"
            ) from error

    def snapshot(self) -> LevelDBReader:
        """Return the store as it stands, for any thread."""
        return LevelDBReader(self._source.snapshot(), self._folder)

    def close(self) -> None:
        """Release the folder."""
        self._source.close()
        self._ownership.close()


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Take the folder for this process; the scan must not meet another's unfinished writes.

    LevelDB's own LOCK can not be asked for this: its kind of lock (fcntl) is lost when the asking
    process closes the file.
    """
    with (folder / "OWNER").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise in_use(folder) from error
        yield


def _open(folder: Path) -> Any:
    try:
        return plyvel.DB(
            str(folder),
            create_if_missing=True,
            paranoid_checks=True,
            write_buffer_size=random.randint(*WRITE_BUFFER_BYTES),
            lru_cache_size=CACHE_BYTES,
            bloom_filter_bits=BLOOM_BITS,
            compression=COMPRESSION,
            max_open_files=OPEN_FILES_MAX,
        )
    except plyvel.CorruptionError as error:
        raise _damaged(folder, error) from error
    except plyvel.Error as error:
        if "LOCK" in str(error) or "lock" in str(error):
            raise in_use(folder) from error
        raise StoreError(f"{folder}: cannot be opened", why=str(error)) from error


def start_compactor(folder: Path) -> None:
    """Have LevelDB start its background thread, one for all stores, in an empty folder.

    The thread takes its scheduling from whoever starts it; without this, from the first writer
    whose log is full.
    """
    with plyvel.DB(str(folder), create_if_missing=True) as database:
        database.compact_range()


def rebuild(folder: Path) -> None:
    """Let LevelDB repair a folder: what it can not read it sets aside in `lost`.

    Raises:
        FolderInUse: another process has it open.
        StoreError: even that failed.
    """
    with owned(folder):
        try:
            plyvel.repair_db(str(folder))
        except plyvel.Error as error:
            raise _damaged(folder, error) from error


def in_use(folder: Path) -> FolderInUse:
    """Return the error of a folder that belongs to another process."""
    return FolderInUse(
        f"{folder}: in use by another process",
        why="a store has one owner; a second node on the same folder could sign twice",
        next_command="stop the other process, or give this one its own data_dir",
    )


def _damaged(folder: Path, error: Exception) -> StoreError:
    return StoreError(
        f"{folder}: damaged", why=str(error), next_command=f"dataccord store repair {folder}"
    )
