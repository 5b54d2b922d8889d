"""The command line: `dataccord NOUN VERB`.

Each noun is a module with `add(parsers)`, or a part of the table of contract methods in `commands`,
to which a module of `EXTRA` may add verbs of its own. Errors go to standard error as what, why and
the next command; exit codes are 0 done, 1 refused by a rule, 2 usage, 3 configuration, 4 not ready,
5 integrity.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Final

from node.cli import commands
from node.cli.calls import add_noun
from node.cli.output import run_command

MODULES: Final = ("net", "node", "gateway", "audit", "store", "completion")
EXTRA: Final = ("authorization", "product", "governance", "sealed", "receipt", "statement")
NOUNS: Final = (*MODULES, *commands.NOUNS)

__all__ = ["NOUNS", "main"]


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """Return the parser of all nouns; with `only`, of that one, whose module alone is imported."""
    parser = argparse.ArgumentParser(
        prog="dataccord",
        description="A permissioned ledger of data authorizations and usage receipts.",
        epilog="exit codes: 0 done, 1 refused, 2 usage, 3 configuration, 4 not ready, 5 integrity",
    )
    nouns = parser.add_subparsers(required=True, metavar="NOUN")
    for noun in NOUNS if only is None else (only,):
        if noun in MODULES:
            importlib.import_module(f"node.cli.{noun}").add(nouns)
            continue
        verbs = add_noun(nouns, noun)
        if noun in EXTRA:
            importlib.import_module(f"node.cli.{noun}").add_verbs(verbs)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    noun = given[0] if given and given[0] in NOUNS else None
    return run_command(build_parser(noun), given)
