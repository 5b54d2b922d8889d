"""Compile the contracts: `python -m chaincode.build` writes, `--check` compares only.

Each contract becomes one JSON file in `artifacts/`; the vocabulary becomes `vocabulary.vy` first,
because contracts import it. The compiler is pinned (by this module and by the sources' pragmas) and
deterministic, so anyone can reproduce the bytes that genesis carries. Only development needs the
compiler; nothing at run time imports this module.
"""

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from chaincode.artifact import ADDRESSES, CONTRACTS, ArtifactError
from chaincode.vocabulary import load as load_vocabulary
from chaincode.vocabulary import render_vyper

ROOT: Final = Path(__file__).parent
COMPILER: Final = "vyper 0.4.3"
EVM_VERSION: Final = "prague"
RUNTIME_BYTES_MAX: Final = 24_576
"""Largest runtime code an account may hold (EIP-170)."""

_OUTPUTS: Final = (
    "abi",
    "evm.bytecode",
    "evm.deployedBytecode",
    "evm.methodIdentifiers",
    "layout",
)
_IMPORT: Final = re.compile(r"^(?:from (\w+) )?import (\w+)$", re.MULTILINE)
SHARED: Final = ("usage",)
"""Modules whose checks several contracts share; their reasons begin with the module's name."""

_REASON: Final = re.compile(rf'"((?:{"|".join((*CONTRACTS, *SHARED))}): [^"]+)"')


def outputs(names: Iterable[str] = CONTRACTS) -> dict[Path, str]:
    """Return the generated files of some contracts with the content they must have, compiled.

    Raises:
        ArtifactError: another compiler is installed, or a contract is too large.
    """
    vocabulary = render_vyper(load_vocabulary())
    files = {ROOT / "vocabulary.vy": vocabulary}
    for name in names:
        files[ROOT / "artifacts" / f"{name}.json"] = _artifact_text(name, vocabulary)
    return files


def _artifact_text(name: str, vocabulary: str) -> str:
    sources = {path: _source(path, vocabulary) for path in source_paths(name)}
    compiled = _compile(name, sources)
    runtime = compiled["bytecode_runtime"]
    if len(runtime) // 2 - 1 > RUNTIME_BYTES_MAX:
        raise ArtifactError(f"chaincode: {name} has {len(runtime) // 2 - 1} bytes of code")
    layout = compiled["layout"]["storage_layout"]
    document = {
        "name": name,
        "address": "0x" + ADDRESSES[name].hex(),
        "compiler": f"{COMPILER}, {EVM_VERSION}",
        "sources": {
            path: hashlib.sha256(text.encode()).hexdigest() for path, text in sources.items()
        },
        "layout": dict(_slots(layout)),
        "methods": compiled["method_identifiers"],
        "reasons": _reasons(sources),
        "abi": compiled["abi"],
        "constructor": compiled["bytecode"],
        "runtime": runtime,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def source_paths(name: str) -> tuple[str, ...]:
    """Return a contract's own file and all it imports, sorted."""
    found: set[str] = set()
    waiting = [f"{name}.vy"]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        text = "" if path == "vocabulary.vy" else (ROOT / path).read_text("utf-8")
        for package, module in _IMPORT.findall(text):
            waiting.append(f"{package}/{module}.vyi" if package else f"{module}.vy")
    return tuple(sorted(found))


def _source(path: str, vocabulary: str) -> str:
    return vocabulary if path == "vocabulary.vy" else (ROOT / path).read_text("utf-8")


def _slots(layout: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield each state variable with its slot; those of modules stand under the module's name."""
    for name, place in layout.items():
        if "slot" in place:
            yield name, place["slot"]
        else:
            yield from _slots(place)


def _compile(name: str, sources: Mapping[str, str]) -> dict[str, Any]:
    """Compile from the texts given, never from files that may differ from them."""
    import vyper
    from vyper.cli.vyper_json import compile_json

    if not vyper.__version__.startswith("0.4.3"):
        raise ArtifactError(f"chaincode: the compiler is vyper {vyper.__version__}, not 0.4.3")
    contract = f"{name}.vy"
    result = compile_json(
        {
            "language": "Vyper",
            "sources": {
                path: {"content": text} for path, text in sources.items() if path.endswith(".vy")
            },
            "interfaces": {
                path: {"content": text} for path, text in sources.items() if path.endswith(".vyi")
            },
            "settings": {
                "evmVersion": EVM_VERSION,
                "outputSelection": {contract: list(_OUTPUTS)},
            },
        }
    )
    if result.get("errors"):
        raise ArtifactError(f"chaincode: {name} does not compile: {result['errors'][0]['message']}")
    output = result["contracts"][contract][name]
    return {
        "abi": output["abi"],
        "bytecode": output["evm"]["bytecode"]["object"],
        "bytecode_runtime": output["evm"]["deployedBytecode"]["object"],
        "layout": output["layout"],
        "method_identifiers": {
            signature: f"0x{int(selector, 16):08x}"
            for signature, selector in output["evm"]["methodIdentifiers"].items()
        },
    }


def _reasons(sources: Mapping[str, str]) -> list[str]:
    """Return every revert reason of a contract: prefixed strings of the sources it compiles."""
    return sorted({reason for text in sources.values() for reason in _REASON.findall(text)})


def stale(files: Mapping[Path, str]) -> list[Path]:
    """Return those of the generated files that are missing or differ on disk."""
    return [
        path
        for path, text in files.items()
        if not path.is_file() or path.read_text("utf-8") != text
    ]


def write(files: Mapping[Path, str]) -> None:
    """Write the files given."""
    for path, text in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Run as a command; exit 5 when `--check` finds a file that differs."""
    parser = argparse.ArgumentParser(prog="python -m chaincode.build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, change nothing")
    checking: bool = parser.parse_args(arguments).check
    try:
        files = outputs()
    except ArtifactError as error:
        print(error, file=sys.stderr)
        return 5
    changed = stale(files)
    if not checking:
        write({path: files[path] for path in changed})
    for path in changed:
        print(f"{'differs' if checking else 'wrote'}: {path.relative_to(ROOT)}")
    return 5 if checking and changed else 0


if __name__ == "__main__":
    sys.exit(main())
