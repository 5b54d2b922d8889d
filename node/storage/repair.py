"""What `dataccord store repair` does to a folder that will not open.

A damaged log is cut off at the damage, a copy kept: what it held after that is lost, which leaves
the chain at an older head, whole, because each block is one batch. Damaged tables are left to
LevelDB's own repair, which sets aside what it can not read. Nothing is thrown away, and the result
is looked at before anyone relies on it: blocks that are lost come again from peers. For a
sign-state a lost record is a vote forgotten, so repairing one is refused here: its validator
recovers by observing (N14).
"""

from dataclasses import dataclass
from pathlib import Path

from node.errors import StoreError
from node.storage.chain_store import ChainStore
from node.storage.check import check_blocks, check_state
from node.storage.leveldb import LevelDB, owned, rebuild
from node.storage.log_scan import check_log, cut_log
from node.storage.sign_state import is_sign_state


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
        StoreError: another process has it open, it is a sign-state, or what is left does not agree
            with itself.
    """
    with owned(folder):
        kept = _cut_logs(folder)
    rebuilt = _reopen(folder)
    kv = LevelDB(folder)
    try:
        if is_sign_state(kv):
            raise StoreError(
                f"{folder}: a sign-state is not repaired",
                why="a record lost from it is a vote forgotten",
                next_command="dataccord node recover",
            )
        store = ChainStore(kv)
        for _ in check_blocks(store.blocks):
            pass
        for _ in check_state(store, kv):
            pass
        return Repair(kept, rebuilt, store.head().number)
    finally:
        kv.close()


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
