"""What every command shares: options, output as text or JSON, and errors to exit codes."""

import argparse
import json
import sys
from collections.abc import Callable
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


def run_handler(arguments: argparse.Namespace) -> int:
    """Run the command; whatever goes wrong becomes lines for a human and an exit code."""
    try:
        handler: Handler = arguments.handler
        return handler(arguments)
    except DataccordError as error:
        return _fail(arguments, error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    except Exception as error:
        text = f"unexpected {type(error).__name__}: {error}"
        why = "this is a fault in dataccord itself; nothing was confirmed"
        return _fail(arguments, DataccordError(text, why=why), code=5)


def _fail(arguments: argparse.Namespace, error: DataccordError, code: int | None = None) -> int:
    status = error.code if code is None else code
    if getattr(arguments, "json", False):
        body = {"error": error.what, "why": error.why, "next": error.next_command, "code": status}
        if isinstance(error, Refused):
            body["reason"] = error.reason
        print(json.dumps(body, ensure_ascii=False))
    print(error.diagnostics(), file=sys.stderr)
    return status
