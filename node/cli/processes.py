"""A development network's processes: start, find, stop. Only those started here are touched."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from node.errors import NotReady

STOP_SECONDS: Final = 10.0


def start(folder: Path, *command: str) -> int:
    """Start `dataccord COMMAND` in the background, logging to `folder`; return its id."""
    with (folder / "node.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "node", *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (folder / "node.pid").write_text(f"{process.pid}\n", encoding="ascii")
    # For a moment after exec the kernel shows no command line, and nobody would know the process.
    while running(folder) is None and process.poll() is None:
        time.sleep(0.001)
    return process.pid


def running(folder: Path) -> int | None:
    """Return the id of the process started for `folder`, None where it does not run."""
    try:
        process = int((folder / "node.pid").read_text(encoding="ascii"))
        command = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        state = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2]
    except (OSError, ValueError):
        return None
    ours = any(part == str(folder / "node.toml").encode() for part in command)
    return process if ours and state.split()[0] != "Z" else None


def stop(folders: list[Path]) -> None:
    """Ask the processes of these folders to end, and wait; end those that do not."""
    found = [(folder, process) for folder in folders if (process := running(folder)) is not None]
    for _, process in found:
        _signal(process, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while any(running(folder) for folder, _ in found):
        if time.monotonic() > deadline:
            for folder, process in found:
                if running(folder):
                    _signal(process, signal.SIGKILL)
        time.sleep(0.05)
        _reap()
    for folder, _ in found:
        (folder / "node.pid").unlink(missing_ok=True)


def last_words(folder: Path) -> str:
    """Return the end of a process's log, for an error's text."""
    try:
        lines = (folder / "node.log").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "no log"
    return "\n".join(lines[-4:])


def require_alive(folder: Path, what: str) -> None:
    """Raise `NotReady` with the log's end where the process of `folder` has ended."""
    if running(folder) is None:
        raise NotReady(
            f"{what} has stopped", why=last_words(folder), next_command=f"less {folder}/node.log"
        )


def _signal(process: int, number: signal.Signals) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return


def _reap() -> None:
    """Collect children that have ended, so that they do not linger as zombies."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return
