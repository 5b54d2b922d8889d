"""What `dataccord store repair` does to a folder that will not open.

A damaged log is cut off at the damage, a copy kept: what it held after that is lost, which leaves
the chain at an older head, whole, because each block is one batch. Damaged tables are left to
LevelDB's own repair, which sets aside what it can not read. Nothing is thrown away, and the result
is looked at before anyone relies on it: blocks that are lost come again from peers. For a
sign-state a lost record is a vote forgotten, so one is put back as it was and refused: its
validator recovers by observing (N14).
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.errors import StoreError
from node.storage.chain_store import ChainStore
from node.storage.check import check_blocks, check_state
from node.storage.leveldb import LevelDB, owned, rebuild
from node.storage.log_scan import check_log, cut_log
from node.storage.sign_state import is_sign_state

SIGN_STATE_BYTES_MAX: Final = 256 * 1024 * 1024
"""No sign-state grows to this: it holds one height, in logs of 32 MiB."""


@dataclass(frozen=True, slots=True)
class Repair:
    """What was done, and what the store is now."""

    kept: tuple[Path, ...]
    """Copies of logs that were cut."""
    rebuilt: bool
    """Whether LevelDB's own repair had to run."""
    head: int
    """The block the chain goes on from."""


def repair_chain_store(folder: Path) -> Repair:
    """Make a damaged chain folder open again, and check all of it.

    Raises:
        FolderInUse: another process has it open.
        StoreError: it is a sign-state, or what is left does not agree with itself.
    """
    with owned(folder):
        aside = _set_aside(folder)
        kept = _cut_logs(folder)
    rebuilt = _reopen(folder)
    kv = LevelDB(folder)
    try:
        found_sign_state = is_sign_state(kv)
        if not found_sign_state:
            return Repair(kept, rebuilt, _checked_head(kv))
    finally:
        kv.close()
    if aside is not None:
        shutil.rmtree(folder)
        aside.rename(folder)
    raise StoreError(
        f"{folder}: a sign-state is not repaired",
        why="a record lost from it is a vote forgotten; the folder is as it was",
        next_command="dataccord node recover",
    )


def _checked_head(kv: LevelDB) -> int:
    store = ChainStore(kv)
    for _ in check_blocks(store.blocks):
        pass
    for _ in check_state(store, kv):
        pass
    return store.head().number


def _set_aside(folder: Path) -> Path | None:
    """Return a copy of a folder small enough to be a sign-state, which must not be altered."""
    if sum(path.stat().st_size for path in folder.rglob("*")) > SIGN_STATE_BYTES_MAX:
        return None
    number = sum(1 for _ in folder.parent.glob(f"{folder.name}.before-repair-*"))
    return Path(shutil.copytree(folder, f"{folder}.before-repair-{number}"))


def _cut_logs(folder: Path) -> tuple[Path, ...]:
    kept = []
    for path in sorted(folder.glob("*.log")):
        data = path.read_bytes()
        check = check_log(data)
        if check.damage is not None:
            kept.append(cut_log(path, data, check.valid_length))
    return tuple(kept)


def _reopen(folder: Path) -> bool:
    """Return whether the folder opened only after LevelDB's own repair."""
    try:
        LevelDB(folder).close()
    except StoreError:
        rebuild(folder)
        return True
    return False
