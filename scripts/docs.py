"""Writes docs/cli.md from the commands' own help; a test holds the file to it."""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from node.cli import build_parser

FILE: Final = Path(__file__).parent.parent / "docs" / "cli.md"
WIDTH: Final = 96


def command_reference() -> str:
    """Return the whole reference."""
    os.environ["COLUMNS"] = str(WIDTH)
    parts = ["# Commands", "", "Written by `make docs` from the commands themselves.", ""]
    for parser in _leaves(build_parser()):
        parts += [f"## {parser.prog}", "", "```", parser.format_help().rstrip(), "```", ""]
    return "\n".join(parts)


def _leaves(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield the parsers of all verbs, in the order they were added."""
    nested = [
        action for action in parser._actions if isinstance(action, argparse._SubParsersAction)
    ]
    if not nested:
        yield parser
    for action in nested:
        for inner in action.choices.values():
            yield from _leaves(inner)


def main() -> None:
    """Write the file."""
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(command_reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
