"""Values of contract calls on a command line: from words to what the ABI takes, and back to JSON.

The type comes from the ABI. Where a parameter is an index or a mask of the vocabulary, its names
are taken beside numbers. Structures and lists come from JSON files under the ABI's own names, byte
strings as hex or, after an `@`, from a file.
"""

import argparse
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from chaincode.vocabulary import load
from node.errors import UsageError

FILE_BYTES_MAX: Final = 16 * 1024 * 1024
_SAFE: Final = 1 << 53
"""From here on a JSON number is not the same in every language, so hex is written."""

TEXT: Final = "text"
"""The hint of 32 bytes that hold a text, such as an LEI."""

HINTS: Final[Mapping[str, str]] = {
    "reason": "reason",
    "cause": "correction_cause",
    "ground": "freeze_ground",
    "zone": "zone",
    "category": "zone",
    "mode": "delivery_mode",
    "purpose": "purpose",
    "destination": "jurisdiction",
    "modes": "*delivery_mode",
    "purposes": "*purpose",
    "roles": "*role",
    "admitted": "*member",
    "identifier": TEXT,
}
"""Tables of the vocabulary by the names of parameters; a `*` is before those of masks."""

Parse = Callable[[str], Any]


def option_of(name: str) -> str:
    """Return the option of a parameter: `providerKey` is `--provider-key`."""
    return "--" + re.sub(r"(?<=[a-z0-9])([A-Z])", r"-\1", name).lower().replace("_", "-")


def word_of(text: str) -> str:
    """Return a name as it is compared: case and marks left out."""
    return re.sub(r"[^a-z0-9]", "", text.casefold())


def is_file(kind: str) -> bool:
    """Whether a value of this ABI type is read from a JSON file."""
    return kind.startswith("tuple") or (kind.endswith("]") and kind != "bytes[]")


def parser_of(part: Mapping[str, Any], hint: str) -> Parse:
    """Return the function from a command line's word to a value of an ABI parameter.

    `hint` names a table of the vocabulary; with a `*` before it, the value is a mask of it.
    """
    kind: str = part["type"]
    if is_file(kind):
        return lambda text: shaped(part, read_json(Path(text)))
    if hint == TEXT:
        return _text
    if hint:
        return _masked(hint[1:]) if hint.startswith("*") else _indexed(hint)
    if re.fullmatch(r"bytes\d+", kind):
        return lambda text: _fixed(text, int(kind.removeprefix("bytes")))
    return _PARSERS.get(kind.rstrip("0123456789[]"), _plain)


def describe(part: Mapping[str, Any], hint: str) -> str:
    """Return the help text of a parameter."""
    kind: str = part["type"]
    if is_file(kind):
        names = [entry["name"] for entry in part.get("components", ())]
        listed = f" with {', '.join(names)}" if names else ""
        return f"JSON file{', a list' if kind.endswith(']') else ''}{listed}"
    if hint and hint != TEXT:
        table = hint.lstrip("*")
        words = [term.name for term in load()[table]] if table != "member" else []
        few = f": {', '.join(words)}" if 0 < len(words) <= 13 else f" of the table {table}"
        return f"{'names or a mask' if hint[0] == '*' else 'name or index'}{few}"
    return _TEXTS.get(kind.rstrip("0123456789[]"), kind)


def placeholder(part: Mapping[str, Any], hint: str) -> str:
    """Return what stands for a parameter's value in an example."""
    kind: str = part["type"]
    if is_file(kind):
        return f"{part['name']}.json"
    if hint == TEXT:
        return "TEXT"
    if hint and hint.lstrip("*") != "member":
        return load()[hint.lstrip("*")][-1].name
    return _EXAMPLES.get(kind.rstrip("0123456789[]"), "1")


def _indexed(table: str) -> Parse:
    return lambda text: _index(table, text)


def _index(table: str, text: str) -> int:
    for term in load()[table]:
        if word_of(term.name) == word_of(text):
            return term.index
    try:
        return _number(text)
    except argparse.ArgumentTypeError as error:
        names = ", ".join(term.name for term in load()[table][:20])
        raise argparse.ArgumentTypeError(f"{text!r} is none of {table}: {names}") from error


def _masked(table: str) -> Parse:
    def parse(text: str) -> int:
        if re.fullmatch(r"0x[0-9a-fA-F]+|0", text):
            return _number(text)
        parts = text.split(",")
        found = {_number(part) if table == "member" else _index(table, part) for part in parts}
        return sum(1 << index for index in found)

    return parse


def _number(text: str) -> int:
    try:
        return int(text, 16) if text.startswith("0x") else int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from error


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"{text!r}: true or false is expected")
    return text == "true"


def _bytes(text: str) -> bytes:
    try:
        if text.startswith("@"):
            return _read(Path(text[1:]))
        if not text.startswith("0x"):
            raise ValueError
        return bytes.fromhex(text[2:])
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: 0x and hex is expected, or @FILE") from error


def _fixed(text: str, length: int) -> bytes:
    found = _bytes(text)
    if len(found) != length:
        raise argparse.ArgumentTypeError(f"{text!r}: {length} bytes are expected")
    return found


def _text(text: str) -> bytes:
    data = text.encode("ascii", "replace")
    if not 0 < len(data) <= 32:
        raise argparse.ArgumentTypeError(f"{text!r}: 1 to 32 letters and digits are expected")
    return data.ljust(32, b"\0")


def _address(text: str) -> str:
    if not re.fullmatch(r"0x[0-9a-fA-F]{40}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no address of 0x and 40 hex digits")
    return text.lower()


def _plain(text: str) -> str:
    return text


_PARSERS: Final[dict[str, Parse]] = {
    "uint": _number,
    "int": _number,
    "bool": _boolean,
    "bytes": _bytes,
    "address": _address,
}
_TEXTS: Final = {
    "uint": "a number, or 0x and hex",
    "bool": "true or false",
    "bytes": "0x and hex, or @FILE",
    "address": "0x and 40 hex digits",
    "string": "a text",
}
_EXAMPLES: Final = {"bool": "true", "bytes": "0x…", "address": "0x…", "string": "TEXT"}


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise UsageError(f"{path}: more than {FILE_BYTES_MAX} bytes")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read", why=str(error.strerror)) from error


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        UsageError: it cannot be read, or is no JSON.
    """
    try:
        return json.loads(_read(path))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not JSON", why=str(error)) from error


def shaped(part: Mapping[str, Any], value: Any) -> Any:
    """Return a JSON value as the ABI takes it.

    Raises:
        UsageError: it has another shape than the parameter.
    """
    kind: str = part["type"]
    if kind.endswith("]"):
        inner = {**part, "type": kind[: kind.rindex("[")]}
        if not isinstance(value, list):
            raise UsageError(f"{part['name']}: a list is expected")
        return [shaped(inner, item) for item in value]
    if kind == "tuple":
        names = [entry["name"] for entry in part["components"]]
        if not isinstance(value, dict) or set(value) != set(names):
            what = f"{part['name']}: expected exactly the members {', '.join(names)}"
            raise UsageError(what, why=_difference(names, value))
        return tuple(shaped(entry, value[entry["name"]]) for entry in part["components"])
    if isinstance(value, bool | int) and kind.rstrip("0123456789") in ("uint", "bool"):
        return value
    try:
        hint = HINTS.get(part["name"], "")
        return parser_of(part, hint)(value if isinstance(value, str) else json.dumps(value))
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"{part['name']}: {error}") from error


def _difference(names: Sequence[str], value: Any) -> str:
    """Return which members a JSON value lacks, and which it has too many."""
    if not isinstance(value, dict):
        return "it is no object"
    missing = [name for name in names if name not in value]
    unknown = sorted(set(value) - set(names))
    lacks = (("missing", missing), ("unknown", unknown))
    return "; ".join(f"{word}: {', '.join(found)}" for word, found in lacks if found)


def shown(value: Any, parts: Sequence[Mapping[str, Any]] = ()) -> Any:
    """Return a decoded ABI value as JSON: bytes in hex, structures under their members' names."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, list | tuple):
        if parts and len(parts) == len(value):
            return {
                part["name"] or f"value{place}": _shown_part(part, inner)
                for place, (part, inner) in enumerate(zip(parts, value, strict=True))
            }
        return [shown(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and value >= _SAFE:
        return hex(value)
    return value


def _shown_part(part: Mapping[str, Any], value: Any) -> Any:
    if part["type"].endswith("]"):
        inner = {**part, "type": part["type"][: part["type"].rindex("[")]}
        return [_shown_part(inner, item) for item in value]
    return shown(value, part.get("components", ()))
