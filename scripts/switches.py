"""Shows that the demo can fail: five safeguards are switched off, one at a time, on copies.

Each switch edits one place of a copy of the project (contracts are compiled anew) and plays the
demo there. The demo must end with a code other than 0 and name the step whose promise broke.
Exit code 0 only if it did so for all five.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parent.parent
FAILED: Final = re.compile(r"^FAILED in step (.*)$", re.MULTILINE)
DEMO_SECONDS_MAX: Final = 240
PORT_OFFSET: Final = 7_300
"""Beside a network on the usual ports."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One place of a file: the text that carries a safeguard, and the text without it."""

    file: str
    on: str
    off: str


@dataclass(frozen=True, slots=True)
class Switch:
    """One safeguard, where it stands, and how the step that must fail begins."""

    name: str
    step: str
    edits: tuple[Edit, ...]
    compiles: bool = False


SWITCHES: Final = (
    Switch(
        "the gateway's field check",
        "6a",
        (
            Edit(
                "node/gateway/service.py",
                "guard.check_fields(query, grant, manifest.names)",
                "_ = manifest.names",
            ),
        ),
    ),
    Switch(
        "the contract's use counter",
        "6c",
        (
            Edit(
                "chaincode/authorizations.vy",
                "assert uses <= maximum - counted,",
                "assert uses <= maximum,",
            ),
        ),
        compiles=True,
    ),
    Switch(
        "the countersignature check",
        "6e",
        (
            Edit(
                "node/gateway/meter.py",
                '_check_consumer(digest, signature, lease, "countersignature")',
                "_ = digest",
            ),
        ),
    ),
    Switch(
        "the gateway's revocation check",
        "6h",
        (
            Edit(
                "node/gateway/guard.py",
                "if grant.authorization.ended is not None:",
                "if grant.authorization.ended == 0:",
            ),
            Edit(
                "node/gateway/guard.py",
                "if status not in (AuthorizationStatus.ACTIVE, AuthorizationStatus.EXHAUSTED):",
                "if status < AuthorizationStatus.ACTIVE:",
            ),
        ),
    ),
    Switch(
        "the validator's restart",
        "7",
        (
            Edit(
                "node/cli/net.py",
                "if processes.running(place) is None:",
                "if not (place / 'node.log').exists():",
            ),
        ),
    ),
)


def copy_project(target: Path) -> None:
    """Copy the sources, without environments, stores and caches."""
    ignored = shutil.ignore_patterns(
        ".git", ".venv", "__pycache__", ".*_cache", "run", ".hypothesis"
    )
    shutil.copytree(PROJECT, target, ignore=ignored)


def switch_off(target: Path, switch: Switch) -> None:
    """Edit the copy; a text that is not there exactly once is an error of this script."""
    for edit in switch.edits:
        path = target / edit.file
        text = path.read_text(encoding="utf-8")
        count = text.count(edit.on)
        if count != 1:
            raise SystemExit(f"{edit.file}: expected {edit.on!r} once, found it {count} times")
        path.write_text(text.replace(edit.on, edit.off), encoding="utf-8")
    if switch.compiles:
        run(target, "chaincode.build")


def run(target: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the copy."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=target,
        env={**os.environ, "PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        timeout=DEMO_SECONDS_MAX,
        check=False,
    )


def try_switch(switch: Switch) -> bool:
    """Return whether the demo noticed that the safeguard was off, at the right step."""
    with tempfile.TemporaryDirectory(prefix="dataccord-switch-") as folder:
        target = Path(folder) / "copy"
        copy_project(target)
        switch_off(target, switch)
        done = run(target, "scripts.demo", "--port-offset", str(PORT_OFFSET))
    found = FAILED.search(done.stdout)
    named = found[1] if found else "no step named"
    noticed = done.returncode != 0 and named.startswith(switch.step)
    print(f"{'caught' if noticed else 'MISSED'}  {switch.name}: {named}", flush=True)
    return noticed


def main() -> int:
    """Try all switches, or those whose names contain a word."""
    parser = argparse.ArgumentParser(prog="switches", description=__doc__)
    parser.add_argument("--only", default="", help="a part of one switch's name")
    only = parser.parse_args().only
    results = [try_switch(switch) for switch in SWITCHES if only in switch.name]
    print(f"{sum(results)} of {len(results)} switched-off safeguards were noticed")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
