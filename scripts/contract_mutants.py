"""Test the contracts' tests: plant bugs in the Vyper sources, one at a time; a test must find each.

Sites are all asserts, comparisons and counter moves of the sources; `--seed` draws `--count` of
them. For each the project is copied, one site is changed there, the artifacts it goes into are
built anew and the tests of the contracts run until one fails, those first that speak of the
contract most. Tests that compare hashes of sources or costs are left out: they find any change. The
exit code is 1 if a bug survives, 3 if a run broke off without a verdict. What fails by another
exception than an assertion or a refusal is called a crash: caught, but perhaps by chance.
"""

import argparse
import io
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chaincode import CONTRACTS
from chaincode.build import source_paths

ROOT: Final = Path(__file__).resolve().parent.parent
COPIED: Final = ("node", "chaincode", "tests", "scripts", "config", "pyproject.toml")
LEFT_OUT: Final = ("test_artifacts.py", "test_gas.py", "test_surface.py")
GENERATED: Final = ("vocabulary.vy", "addresses.vy")
SECONDS_MAX: Final = 900

_COMPARED: Final = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
_MOVED: Final = {"+=": "-=", "-=": "+="}
_BUILD: Final = "import sys; from chaincode import build; build.write(build.outputs(sys.argv[1:]))"
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - (.*))?$", re.MULTILINE)
_EXPECTED: Final = (
    *("AssertionError", "assert ", "Failed: DID NOT RAISE", "Refusal", "tests."),
    "node.errors.ConfigError: genesis: the constructor",
)


@dataclass(frozen=True, slots=True)
class Site:
    """A place in a source, from one offset to another, and what it is changed to."""

    path: str
    line: int
    start: int
    end: int
    old: str
    new: str

    @property
    def title(self) -> str:
        """What is changed, on one line."""
        old = " ".join(self.old.split())
        return f"{self.path}:{self.line}: {old!r} becomes {self.new!r}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant: `kind` is killed, crashed, survived, unborn or broken."""

    kind: str
    by: str = ""


def sites(path: Path) -> list[Site]:
    """Return every place of a source that can be changed, in order."""
    text = path.read_text(encoding="utf-8")
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    found = []
    for place, token in enumerate(tokens):
        offset = starts[token.start[0] - 1] + token.start[1]
        new = {**_COMPARED, **_MOVED}.get(token.string, "") if token.type == tokenize.OP else ""
        end = offset + len(token.string)
        if token.type == tokenize.NAME and token.string == "assert":
            last = next(t for t in tokens[place:] if t.type == tokenize.NEWLINE)
            new, end = "pass", starts[last.start[0] - 1] + last.start[1]
        if new and "extcall" not in text[offset:end]:
            found.append(Site(path.name, token.start[0], offset, end, text[offset:end], new))
    return found


def drawn(folder: Path, seed: int) -> Iterator[Site]:
    """Yield all sites of all sources in an order drawn by a seed."""
    paths = sorted(path for path in folder.glob("*.vy") if path.name not in GENERATED)
    every = [site for path in paths for site in sites(path)]
    random.Random(seed).shuffle(every)
    yield from every


def copy_project(target: Path, origin: Path = ROOT) -> None:
    """Copy what the tests of the contracts need."""
    for name in COPIED:
        source = origin / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__", "run")
            shutil.copytree(source, target / name, ignore=ignore)
        else:
            shutil.copy(source, target / name)


def plant(site: Site, project: Path) -> None:
    """Change the one place."""
    path = project / "chaincode" / site.path
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: site.start] + site.new + text[site.end :], encoding="utf-8")


def affected(site: Site) -> list[str]:
    """Return the contracts that a source is compiled into."""
    return [name for name in CONTRACTS if site.path in source_paths(name)]


def ordered_tests(project: Path, site: Site) -> list[str]:
    """Return the test files, those first that speak of the contract most."""
    stem = site.path.removesuffix(".vy")
    spoken = re.compile(rf'"{stem}(?:"|:)')

    def rank(path: Path) -> tuple[int, str]:
        mentions = len(spoken.findall(path.read_text(encoding="utf-8")))
        return -(mentions + 1_000 * (stem in path.stem)), path.name

    folder = project / "tests" / "chaincode"
    found = (path for path in folder.glob("test_*.py") if path.name not in LEFT_OUT)
    return [str(path.relative_to(project)) for path in sorted(found, key=rank)]


def judge(site: Site, origin: Path) -> Verdict:
    """Plant a site in a fresh copy of a project and run the tests until one fails."""
    with tempfile.TemporaryDirectory(prefix="dataccord-mutant-") as folder:
        project = Path(folder)
        copy_project(project, origin)
        plant(site, project)
        built = _run(project, "-c", _BUILD, *affected(site))
        if built.returncode != 0:
            return Verdict("unborn", built.stderr.strip().splitlines()[-1][:120])
        options = ("-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--tb=no", "-rfE")
        try:
            done = _run(project, "-m", "pytest", *options, *ordered_tests(project, site))
        except subprocess.TimeoutExpired:
            return Verdict("broken", f"no verdict within {SECONDS_MAX} s")
    return verdict_of(done.returncode, done.stdout)


def _run(project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project), "COLUMNS": "2000"},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX,
    )


def verdict_of(code: int, output: str) -> Verdict:
    """Return what a run of pytest says of a mutant."""
    if code == 0:
        return Verdict("survived")
    found = _FAILED.search(output)
    if found is None:
        return Verdict("broken", output.strip()[-300:])
    test, why = found[1], found[2] or ""
    if not why.startswith(_EXPECTED):
        return Verdict("crashed", f"{test} with {why[:120]}")
    return Verdict("killed", f"{test}: {why[:100]}")


def main() -> int:
    """Judge mutants until enough were born; return the exit code.

    All are of one copy, made first: the project may be worked on while this runs.
    """
    parser = argparse.ArgumentParser(prog="contract_mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dataccord-mutants-") as folder:
        origin = Path(folder)
        copy_project(origin)
        return _judge_all(origin, arguments.seed, arguments.count)


def _judge_all(origin: Path, seed: int, count: int) -> int:
    kinds: dict[str, int] = {}
    born = 0
    for site in drawn(origin / "chaincode", seed):
        if born == count:
            break
        started = time.monotonic()
        verdict = judge(site, origin)
        born += verdict.kind != "unborn"
        kinds[verdict.kind] = kinds.get(verdict.kind, 0) + 1
        elapsed = time.monotonic() - started
        print(f"{site.title}\n    {verdict.kind} {verdict.by} ({elapsed:.0f} s)", flush=True)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    print(f"seed {seed}: {counts}")
    if kinds.get("survived"):
        return 1
    return 3 if kinds.get("broken") else 0


if __name__ == "__main__":
    raise SystemExit(main())
