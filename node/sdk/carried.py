"""Files that people carry between offices: text of a bounded length, one error for all else."""

from pathlib import Path

from node.errors import DecodeError


def read_carried(path: Path, bytes_max: int) -> str:
    """Return the text of a file.

    Raises:
        DecodeError: it can not be read, is longer than `bytes_max`, or is not UTF-8.
    """
    try:
        if path.stat().st_size > bytes_max:
            raise DecodeError(f"{path}: more than {bytes_max} bytes")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DecodeError(f"{path}: cannot be read", why=str(error)) from error
