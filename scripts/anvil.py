"""Anvil from its npm package, unmodified: a peer to measure beside, and a foreign node."""

import contextlib
import platform
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.loads import PROJECT, LoadFailed

ANVIL: Final = "@foundry-rs/anvil"
ANVIL_VERSION: Final = "1.7.1"
ANVIL_FOLDER: Final = PROJECT / "run" / "anvil"
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0


class NotThere(Exception):
    """What a case needs is not on this machine; the case is left out."""


@dataclass(frozen=True, slots=True)
class Anvil:
    """A running one."""

    rpc: str
    heads: str
    """URL of its WebSocket."""
    process: int


@contextlib.contextmanager
def running_anvil(options: Mapping[str, str]) -> Iterator[Anvil]:
    """Start anvil on a free port of loopback; stop it in the end, whatever happens.

    Raises:
        NotThere: it is not on this machine, and npm cannot bring it.
        LoadFailed: it does not answer.
    """
    program, port = anvil_program(), free_port()
    places = {"--host": "127.0.0.1", "--port": str(port), **options}
    process = subprocess.Popen(
        [str(program), *(word for option in places.items() for word in option), "--silent"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(process, url)
        yield Anvil(url, f"ws://127.0.0.1:{port}", process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def anvil_program() -> Path:
    """Return anvil's program, installing its npm package into a folder of ours once."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "unknown")
    program = ANVIL_FOLDER / "node_modules" / f"{ANVIL}-linux-{machine}" / "bin" / "anvil"
    if not program.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise NotThere("npm is not in PATH, so anvil is left out")
        ANVIL_FOLDER.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [npm, "install", "--prefix", str(ANVIL_FOLDER), f"{ANVIL}@{ANVIL_VERSION}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0 or not program.exists():
            raise NotThere(f"npm could not install anvil: {done.stderr.strip()[-300:]}")
    return program


def free_port() -> int:
    """Return a port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(process: "subprocess.Popen[bytes]", url: str) -> None:
    """Wait until it answers; raise `LoadFailed` where it does not."""
    request = urllib.request.Request(
        url,
        b'{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}',
        {"content-type": "application/json"},
    )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(request, timeout=2.0):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise LoadFailed(f"anvil did not answer at {url}")
