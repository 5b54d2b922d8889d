"""Test the simulation itself: plant five bugs, each in a copy of the project; it must find them.

For each mutant the project is copied to a temporary folder, one rule is broken there, and seeds are
told until one breaks. The seed that caught it is named. The exit code is 1 if a bug survives
`SEEDS_MAX` seeds, or if the line to be broken is no longer there.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SEEDS_MAX = 600
TOLD = "seeds kept every property"
"""What a simulation that came to its end says, whatever it found."""
COPIED = ("node", "chaincode", "tests/__init__.py", "tests/engines.py", "tests/sim", "scripts")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One planted bug: in `path`, the one place that reads `right` is made to read `wrong`."""

    name: str
    path: str
    right: str
    wrong: str


MUTANTS = (
    Mutant(
        "quorum minus one",
        "node/spec/seal.py",
        "return (2 * validator_count - 1) // 3 + 1",
        "return (2 * validator_count - 1) // 3",
    ),
    Mutant(
        "lock ignored on round change",
        "node/consensus/height.py",
        "create_round_change(self.context, round_number, self.certificate, legacy)",
        "create_round_change(self.context, round_number, None, legacy)",
    ),
    Mutant(
        "prepares not checked in a justification",
        "node/consensus/rules.py",
        "return hash_for_commit_seal(before.header) == prepared.digest and is_quorum_of_prepares(\n"
        "        message.prepares, context, prepared.round, prepared.digest\n"
        "    )",
        "return hash_for_commit_seal(before.header) == prepared.digest",
    ),
    Mutant(
        "seal check skipped in sync",
        "node/chain/ledger.py",
        "            verify_seals(block.header, view.validators)\n",
        "",
    ),
    Mutant(
        "sign-state not written",
        "node/runtime/performer.py",
        "self._sign_state.record(record, encoded)",
        "None",
    ),
)


def copy_project(target: Path) -> None:
    """Copy what the simulation needs."""
    ignore = shutil.ignore_patterns("__pycache__")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=ignore)
        elif source.exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target / name)


def plant(mutant: Mutant, project: Path) -> None:
    """Break the one line."""
    path = project / mutant.path
    text = path.read_text(encoding="utf-8")
    if text.count(mutant.right) != 1:
        raise SystemExit(f"{mutant.name}: {mutant.path} does not read as expected, once")
    path.write_text(text.replace(mutant.right, mutant.wrong), encoding="utf-8")


def hunt(project: Path) -> str | None:
    """Return the seed that breaks, with what broke; None if none does."""
    command = [sys.executable, "-m", "scripts.sim", "--seeds", str(SEEDS_MAX), "--until-broken"]
    found = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    caught = re.search(r"^seed (\d+) at commit \S+: (.*)$", found.stdout, re.MULTILINE)
    if TOLD not in found.stdout:  # a run that crashed proves nothing about the mutant
        raise SystemExit(f"the simulation did not run to its end:\n{found.stderr}")
    return None if caught is None else f"seed {caught[1]}: {caught[2]}"


def main() -> int:
    caught = 0
    for mutant in MUTANTS:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="dataccord-mutant-") as folder:
            project = Path(folder)
            copy_project(project)
            plant(mutant, project)
            result = hunt(project)
        caught += result is not None
        verdict = f"caught by {result}" if result else f"SURVIVED {SEEDS_MAX} seeds"
        print(f"{mutant.name}: {verdict} ({time.monotonic() - started:.0f} s)", flush=True)
    print(f"{caught} of {len(MUTANTS)} mutants caught")
    return 0 if caught == len(MUTANTS) else 1


if __name__ == "__main__":
    raise SystemExit(main())
