"""Damage and a second owner must be named before anything is read; a torn tail must not stop us."""

import subprocess
import sys
from pathlib import Path

import pytest

from node.errors import FolderInUse, StoreError
from node.storage.leveldb import LevelDB
from node.storage.log_scan import BLOCK_LENGTH, check_log, crc32c, masked

VALUE = bytes(range(256)) * 4


def filled(folder: Path, count: int = 40) -> Path:
    """Write one synced batch a key and return the log they stand in."""
    store = LevelDB(folder)
    for number in range(count):
        store.write({b"k%03d" % number: VALUE + bytes([number])}, sync=True)
    store.close()
    (log,) = folder.glob("*.log")
    return log


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x40
    path.write_bytes(data)


def test_crc32c_of_the_rfc() -> None:
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(b"123456789") == 0xE3069283
    assert masked(0) == 0xA282EAD8


def test_a_second_process_is_refused_by_name(tmp_path: Path) -> None:
    store = LevelDB(tmp_path)
    store.write({b"a": b"1"}, sync=True)
    program = (
        "import sys; from pathlib import Path; from node.errors import FolderInUse\n"
        "from node.storage.leveldb import LevelDB\n"
        "try: LevelDB(Path(sys.argv[1]))\n"
        "except FolderInUse as error: print(error.diagnostics()); sys.exit(error.code)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == 3
    assert f"{tmp_path}: in use by another process" in second.stdout
    with pytest.raises(FolderInUse, match="in use"):
        LevelDB(tmp_path)
    assert store.get(b"a") == b"1"
    store.close()
    LevelDB(tmp_path).close()


def test_a_killed_process_loses_nothing_synced(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from node.storage.leveldb import LevelDB\n"
        "store = LevelDB(Path(sys.argv[1]))\n"
        "for n in range(20): store.write({b'%d' % n: b'x' * 5000}, sync=True)\n"
        "store.write({b'unsynced': b'1'}, sync=False)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert killed.returncode == -9
    store = LevelDB(tmp_path)
    assert [store.get(b"%d" % n) for n in range(20)] == [b"x" * 5000] * 20
    store.close()


@pytest.mark.parametrize("cut", [1, 6, 7, 8, 500, 1040])
def test_a_torn_tail_is_cut_off_and_kept_aside(tmp_path: Path, cut: int) -> None:
    log = filled(tmp_path)
    whole = log.read_bytes()
    log.write_bytes(whole[:-cut])
    store = LevelDB(tmp_path)
    assert store.get(b"k038") == VALUE + bytes([38])
    assert store.get(b"k039") is None
    (kept,) = store.torn_tails
    assert kept.read_bytes() == whole[:-cut]
    store.close()


def test_a_cut_at_a_record_boundary_loses_only_what_follows(tmp_path: Path) -> None:
    log = filled(tmp_path, 2)
    length = len(log.read_bytes()) // 2
    log.write_bytes(log.read_bytes()[:length])
    store = LevelDB(tmp_path)
    assert (store.get(b"k000"), store.get(b"k001")) == (VALUE + b"\0", None)
    assert store.torn_tails == ()
    store.close()


@pytest.mark.parametrize(
    "offset", [0, 4, 5, 6, 7, 900, 1100, BLOCK_LENGTH - 10, BLOCK_LENGTH + 3, BLOCK_LENGTH + 5]
)
def test_a_flip_in_mid_log_is_corruption_with_file_and_offset(tmp_path: Path, offset: int) -> None:
    log = filled(tmp_path)
    flip(log, offset)
    before = log.read_bytes()
    with pytest.raises(StoreError, match=rf"{log.name}: damaged at offset \d+") as caught:
        LevelDB(tmp_path)
    assert caught.value.code == 5
    assert "store repair" in caught.value.next_command
    assert log.read_bytes() == before


def test_every_flip_before_the_last_record_is_found(tmp_path: Path) -> None:
    data = filled(tmp_path, 8).read_bytes()
    for offset in range(0, len(data) * 6 // 8, 97):
        damaged = bytearray(data)
        damaged[offset] ^= 1
        check = check_log(bytes(damaged))
        assert check.damage is not None
        assert check.damage <= offset
        assert check.resumes is not None
        assert check.resumes > check.damage


def test_reserved_space_after_the_last_record_is_no_damage(tmp_path: Path) -> None:
    data = filled(tmp_path, 3).read_bytes()
    assert check_log(data + bytes(5000)).damage is None
    torn = check_log(data + b"\x01" * 20)
    assert (torn.damage, torn.valid_length, torn.resumes) == (len(data), len(data), None)


def test_a_split_record_without_its_end_is_torn(tmp_path: Path) -> None:
    store = LevelDB(tmp_path)
    store.write({b"a": b"1"}, sync=True)
    small = len(next(tmp_path.glob("*.log")).read_bytes())
    store.write({b"b": b"x" * 3 * BLOCK_LENGTH}, sync=True)
    store.close()
    (log,) = tmp_path.glob("*.log")
    check = check_log(log.read_bytes()[: 2 * BLOCK_LENGTH])
    assert (check.valid_length, check.resumes) == (small, None)
    assert check.damage is not None


def test_damage_in_a_table_is_named_on_reading(tmp_path: Path) -> None:
    filled(tmp_path)
    LevelDB(tmp_path).close()  # replays the log into a table
    (table,) = tmp_path.glob("*.ldb")
    flip(table, 100)
    with pytest.raises(StoreError, match="damaged"):
        open_and_read(tmp_path)


def open_and_read(folder: Path) -> None:
    store = LevelDB(folder)
    try:
        store.get(b"k000")
    finally:
        store.close()


def test_reading_a_closed_store_is_an_error_of_ours(tmp_path: Path) -> None:
    store = LevelDB(tmp_path)
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.get(b"a")
    with pytest.raises(StoreError, match="closed"):
        list(store.scan(b"a", b"b"))
