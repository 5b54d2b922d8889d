"""Writes docs/cli.md from the commands' own help and docs/vocabulary.md from the vocabulary.

A test holds both files to it.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from chaincode.vocabulary import TABLES, Term, load
from node.cli import build_parser

FILE: Final = Path(__file__).parent.parent / "docs" / "cli.md"
VOCABULARY_FILE: Final = FILE.with_name("vocabulary.md")
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


def vocabulary_reference() -> str:
    """Return the vocabulary in both languages; Chinese prevails."""
    known = load()
    parts = [
        "# Vocabulary / 词表",
        "",
        f"Version {known.version}, written by `make docs` from "
        "`chaincode/vocabulary.json`. An index never changes its meaning. Chinese prevails.",
        "",
        f"第{known.version}版，由`make docs`生成。编号含义永不变更；中英文不一致时以中文为准。",
        "",
    ]
    for table in TABLES:
        terms = known[table]
        extra = [name for name in _EXTRA if any(getattr(term, name) for term in terms)]
        head = ["index / 编号", "name / 名称", "中文", "English", *(_EXTRA[name] for name in extra)]
        parts += [f"## {table}", "", _row(head), _row(["---"] * len(head))]
        parts += [_row(_cells(term, extra)) for term in terms]
        parts.append("")
    return "\n".join(parts)


_EXTRA: Final = {
    "parent": "parent / 上级",
    "level": "least level / 最低级别",
    "personal_class": "least class / 最低类别",
    "by": "given by / 可由谁提出",
}
"""What some tables have beside index, name and labels."""


def _cells(term: Term, extra: list[str]) -> list[str]:
    cells = [str(term.index), f"`{term.name}`", term.zh, term.en]
    for name in extra:
        value = getattr(term, name)
        cells.append(", ".join(value) if isinstance(value, tuple) else str(value or ""))
    return cells


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Write the files."""
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(command_reference(), encoding="utf-8")
    VOCABULARY_FILE.write_text(vocabulary_reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
