"""Evidence that a crash tears or a flood fills would prove nothing, so both are tried."""

from pathlib import Path

import pytest

from node.errors import ConfigError
from node.runtime.frame_log import FrameLog, read_frames


def test_what_is_added_is_read_back_across_restarts(tmp_path: Path) -> None:
    path = tmp_path / "frames.bin"
    for part in ([(0x12, b"one"), (0x13, b"")], [(0x12, b"two")]):
        log = FrameLog(path)
        for code, payload in part:
            log.add(code, payload)
        log.close()
    assert list(read_frames(path)) == [(0x12, b"one"), (0x13, b""), (0x12, b"two")]


def test_a_repeated_message_is_written_once(tmp_path: Path) -> None:
    log = FrameLog(tmp_path / "frames.bin")
    for _ in range(3):
        log.add(0x12, b"one")
    log.add(0x13, b"one")
    log.close()
    assert len(list(read_frames(tmp_path / "frames.bin"))) == 2


@pytest.mark.parametrize("cut", [1, 4, 5, 7])
def test_a_torn_record_is_cut_off_and_the_next_is_whole(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "frames.bin"
    log = FrameLog(path)
    log.add(0x12, b"one")
    whole = path.stat().st_size
    log.add(0x12, b"two")
    log.close()
    path.write_bytes(path.read_bytes()[: whole + cut])
    assert list(read_frames(path)) == [(0x12, b"one")]
    log = FrameLog(path)
    log.add(0x12, b"three")
    log.close()
    assert list(read_frames(path)) == [(0x12, b"one"), (0x12, b"three")]


def test_the_file_has_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "frames.bin"
    log = FrameLog(path, bytes_max=20)
    log.add(0x12, b"0123456789")
    log.add(0x12, b"abcdefghij")
    log.add(0x12, b"")
    assert list(read_frames(path)) == [(0x12, b"0123456789")]
    log.close()


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    FrameLog(tmp_path / "frames.bin").close()
    assert (tmp_path / "frames.bin").stat().st_mode & 0o077 == 0
    with pytest.raises(ConfigError, match="cannot be written"):
        FrameLog(tmp_path / "none" / "frames.bin")
