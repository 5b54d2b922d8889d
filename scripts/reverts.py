"""Writes the tables of `node/sdk/reverts` from the artifacts: `python -m scripts.reverts`.

A reason that is there keeps its advice; a new one gets what its words suggest, for a person to
better; one that no contract says any more goes. A test holds the tables to the artifacts.
"""

import re
from pathlib import Path
from typing import Final

import chaincode
from node.sdk.reverts import base

FOLDER: Final = Path(base.__file__).parent
_COLUMNS: Final = 100

_SUGGESTIONS: Final = (
    (
        r"only (closings|grants|leases|sandboxes|supervision|governance|authorizations|members)$",
        "INTERNAL",
    ),
    (r"frozen", "FROZEN"),
    (r"compromised", "KEY"),
    (r"a second|too few approvers|counted twice", "SECOND"),
    (r"already|stated already", "DONE"),
    (r"signature|signer|the contract does not approve", "SIGNATURE"),
    (r"not yet valid|not over$", "WAIT"),
    (r"is over$|past the|expired", "LATE"),
    (r"too many (members|validators|keys)", "CAPACITY"),
    (r"exhausted|too many|too often|more uses", "COUNT"),
    (r"not an? (officer|gateway|approver|governor|exchange)|neither gateway", "ROLE"),
    (r"not the .*(gateway|approver|operator)|is the .*'s|is an .*'s|assigned by|vote$", "ROLE"),
    (r"not (a|an approving|an awaited) party|party", "PARTY"),
)
"""Words of a reason and the advice that they suggest; the first that fits is taken."""

_DEFAULTS: Final = {
    "applications": "APPLICATION",
    "authorizations": "STANDING",
    "catalog": "PRODUCT",
    "challenges": "PROOF",
    "closings": "LEASE",
    "grants": "TERMS",
    "leases": "LEASE",
    "members": "MEMBER",
    "sandboxes": "SANDBOX",
    "templates": "MARKET",
    "usage": "CHAIN",
}
"""Advice where no word suggests any; of other contracts it is to correct the value."""


def reasons() -> dict[str, list[str]]:
    """Return all reasons of all artifacts by the contract or shared module that says them."""
    every = {text for name in chaincode.CONTRACTS for text in chaincode.load(name).reasons}
    found: dict[str, list[str]] = {}
    for reason in sorted(every):
        found.setdefault(reason.partition(": ")[0], []).append(reason)
    return dict(sorted(found.items()))


def suggested(reason: str) -> str:
    """Return the name of the advice that a reason's words suggest."""
    contract, _, words = reason.partition(": ")
    fits = (advice for pattern, advice in _SUGGESTIONS if re.search(pattern, words))
    return next(fits, _DEFAULTS.get(contract, "SHAPE"))


def files() -> dict[Path, str]:
    """Return every file of the package but its base, as it must be."""
    found = reasons()
    written = {FOLDER / f"{name}.py": table(name, texts) for name, texts in found.items()}
    return {**written, FOLDER / "__init__.py": package(list(found))}


def table(contract: str, texts: list[str]) -> str:
    """Return the table of one contract."""
    names = {
        value: name
        for name, value in vars(base).items()
        if name.isupper() and isinstance(value, str)
    }
    kept = {text: names.get(made.advice, "SHAPE") for text, made in base.CLASSES.items()}
    advice = {text: kept.get(text) or suggested(text) for text in texts}
    used = ", ".join([*sorted(set(advice.values())), "revert"])
    importing = f"from node.sdk.reverts.base import {used}"
    if len(importing) > _COLUMNS:
        parts = "".join(f"    {name},\n" for name in used.split(", "))
        importing = f"from node.sdk.reverts.base import (\n{parts})"
    lines = [f'"""Reasons of `{contract}`, each an exception class with what to do next."""', ""]
    lines += [importing, "", *(_line(text, advice[text]) for text in texts)]
    return "\n".join(lines) + "\n"


def _line(text: str, advice: str) -> str:
    name = base.class_name(text)
    line = f'{name} = revert("{text}", {advice})'
    return line if len(line) <= _COLUMNS else f'{name} = revert(\n    "{text}", {advice}\n)'


def package(modules: list[str]) -> str:
    """Return the package's own file, which imports every table."""
    present = (FOLDER / "__init__.py").read_text(encoding="utf-8")
    imported = "".join(f"    {name},\n" for name in modules)
    listed = sorted(["CLASSES", "Revert", "error_of", *modules])
    quoted = "".join(f'    "{name}",\n' for name in listed)
    text = re.sub(
        r"(?<=from node\.sdk\.reverts import \(\n).*?(?=\))", imported, present, flags=re.DOTALL
    )
    return re.sub(r"(?<=__all__ = \[\n).*?(?=\])", quoted, text, flags=re.DOTALL)


def main() -> None:
    """Write the files that differ."""
    for path, text in files().items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote: {path.relative_to(FOLDER.parents[2])}")


if __name__ == "__main__":
    main()
