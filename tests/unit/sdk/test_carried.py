"""A file from another office may be anything; each way it can be wrong is the same error."""

from pathlib import Path

import pytest

from node.errors import DecodeError
from node.sdk.carried import read_carried


def test_text_up_to_the_bound_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("授权", encoding="utf-8")
    assert read_carried(path, 6) == "授权"
    with pytest.raises(DecodeError, match="more than 5 bytes"):
        read_carried(path, 5)


def test_what_is_no_text_or_not_there_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for path in (tmp_path, tmp_path / "none", tmp_path / "bytes"):
        with pytest.raises(DecodeError, match="cannot be read"):
            read_carried(path, 1 << 20)
