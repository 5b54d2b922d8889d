"""Refuse crates of the native engine by their licences: `python -m scripts.licences`.

Each crate names a licence expression (SPDX). Of alternatives one allowed suffices, of what is
joined by AND each must be. MPL-2.0 binds its own files only and is allowed; GPL and AGPL are not.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

ENGINE: Final = Path(__file__).resolve().parent.parent / "engine"
ALLOWED: Final = frozenset(
    {"MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "ISC"}
    | {"Zlib", "0BSD", "CC0-1.0", "Unlicense", "MIT-0", "MPL-2.0", "Unicode-3.0", "BSL-1.0"}
)


def is_allowed(expression: str) -> bool:
    """Whether a licence expression leaves a choice that is allowed."""
    plain = expression.replace("/", " OR ").replace("(", " ( ").replace(")", " ) ")
    return _either(plain.split(), [0])


def _either(words: list[str], at: list[int]) -> bool:
    found = _both(words, at)
    while at[0] < len(words) and words[at[0]] == "OR":
        at[0] += 1
        found = _both(words, at) or found
    return found


def _both(words: list[str], at: list[int]) -> bool:
    found = _one(words, at)
    while at[0] < len(words) and words[at[0]] == "AND":
        at[0] += 1
        found = _one(words, at) and found
    return found


def _one(words: list[str], at: list[int]) -> bool:
    if at[0] >= len(words):
        return False
    word = words[at[0]]
    at[0] += 1
    if word == "(":
        found = _either(words, at)
        at[0] += 1
        return found
    if at[0] + 1 < len(words) and words[at[0]] == "WITH":
        word = f"{word} WITH {words[at[0] + 1]}"
        at[0] += 2
    return word in ALLOWED


def refused() -> list[str]:
    """Return the crates that the engine is built of and may not be."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    done = subprocess.run(command, cwd=ENGINE, capture_output=True, text=True, check=True)
    packages = json.loads(done.stdout)["packages"]
    return sorted(
        f"{item['name']} {item['version']}: {item['license']}"
        for item in packages
        if not is_allowed(item["license"] or "")
    )


def main() -> int:
    """Print what is refused; return 1 where there is any."""
    found = refused()
    for line in found:
        print(line)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
