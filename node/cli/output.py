"""What every command shares: options, output as text or JSON, and errors to exit codes."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from node.errors import DataccordError, Refused

Handler = Callable[[argparse.Namespace], int]
Parsers = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_command(
    parsers: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    handler: Handler,
    text: str,
    *,
    example: str,
) -> argparse.ArgumentParser:
    """Add a command with the options that all have; return its parser for its own."""
    parser = parsers.add_parser(
        name,
        help=text,
        description=text,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    parser.set_defaults(handler=handler)
    return parser


def emit(arguments: argparse.Namespace, value: dict[str, Any], text: str) -> None:
    """Print a result: `value` as JSON under --json, else `text`."""
    print(json.dumps(value, ensure_ascii=False) if arguments.json else text, flush=True)


def run_command(parser: argparse.ArgumentParser, given: Sequence[str]) -> int:
    """Run what a command line asks for; a file that it names may be refused before that."""
    try:
        arguments = parser.parse_args(given)
    except DataccordError as error:
        return _fail(error, as_json="--json" in given)
    return run_handler(arguments)


def run_handler(arguments: argparse.Namespace) -> int:
    """Run the command; whatever goes wrong becomes lines for a human and an exit code."""
    as_json: bool = getattr(arguments, "json", False)
    try:
        handler: Handler = arguments.handler
        return handler(arguments)
    except DataccordError as error:
        return _fail(error, as_json=as_json)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    except Exception as error:
        text = f"unexpected {type(error).__name__}: {error}"
        why = "this is a fault in dataccord itself; nothing was confirmed"
        return _fail(DataccordError(text, why=why), as_json=as_json, code=5)


def _fail(error: DataccordError, *, as_json: bool, code: int | None = None) -> int:
    status = error.code if code is None else code
    if as_json:
        body = {"error": error.what, "why": error.why, "next": error.next_command, "code": status}
        if isinstance(error, Refused):
            body["reason"] = error.reason
        print(json.dumps(body, ensure_ascii=False))
    print(error.diagnostics(), file=sys.stderr)
    return status
