"""`dataccord audit`: gather evidence, verify it offline, show a proved trail."""

import argparse
import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from node.audit.bundle import FILE_BYTES_MAX
from node.audit.export import describe, export, write_file
from node.audit.report import to_json, to_text
from node.audit.result import Report
from node.audit.texts import LANGUAGES
from node.audit.timeline import timeline_lines, timeline_of
from node.audit.verify import verify
from node.cli.output import add_command, emit
from node.errors import ConfigError, DecodeError, NotReady, Refused, UsageError
from node.sdk.client import Client
from node.sdk.journal import Journal
from node.sdk.light import LightClient
from node.spec.types import HASH_LENGTH, Hash32

_GENESIS_HELP = "the genesis hash to trust, 0x and 64 digits"


def add(parsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the noun and its verbs."""
    audit = parsers.add_parser("audit", help="prove a trail offline, from one file")
    verbs = audit.add_subparsers(required=True, metavar="VERB")
    _add_export(verbs)
    verify_parser = add_command(
        verbs,
        "verify",
        _verify,
        "verify an evidence file; exit code 0 proved, 4 genesis not compared, 5 failed",
        example="dataccord audit verify trail.evidence --genesis-hash 0x… --lang zh",
    )
    trail_parser = add_command(
        verbs,
        "trail",
        _trail,
        "show a proved trail as a timeline; exit codes as of `audit verify`",
        example="dataccord audit trail trail.evidence --genesis-hash 0x… --authorization 0x…",
    )
    trail_parser.add_argument("--authorization", type=_hash, help="only this one, by its id")
    verify_parser.add_argument(
        "--complete",
        action="store_true",
        help="exit code 4 where the file lacks what some check needs; default is to say so only",
    )
    for parser in (verify_parser, trail_parser):
        parser.add_argument("file", type=Path, help="the evidence file")
        parser.add_argument("--genesis-hash", type=_hash, help=_GENESIS_HELP)
        parser.add_argument(
            "--not-before",
            type=_moment,
            metavar="TIME",
            help="refuse to call a file proved whose last block is older (UTC, 2026-01-31T12:00)",
        )
        parser.add_argument("--lang", choices=LANGUAGES, default="en", help="default en")


def _add_export(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = add_command(
        verbs,
        "export",
        _export,
        "gather evidence from a node and the parties' journals, verify it, write it",
        example="dataccord audit export --rpc http://127.0.0.1:8545 --genesis-hash 0x… "
        "--journal consumer.db --journal provider.db --out trail.evidence",
    )
    parser.add_argument("--rpc", required=True, help="a node's JSON-RPC address")
    parser.add_argument("--genesis-hash", type=_hash, required=True, help=_GENESIS_HELP)
    parser.add_argument(
        "--journal",
        type=Path,
        action="append",
        default=[],
        help="a party's journal of uses; may be given more than once",
    )
    parser.add_argument(
        "--authorization",
        type=_hash,
        action="append",
        default=[],
        help="an authorization's id; default: all of which a journal holds uses",
    )
    parser.add_argument("--out", type=Path, required=True, help="the file to write")


def _hash(text: str) -> Hash32:
    """Return a 32-byte hash from a command line."""
    try:
        data = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        data = b""
    if len(data) != HASH_LENGTH:
        raise argparse.ArgumentTypeError(f"{text!r} is not 0x and 64 hexadecimal digits")
    return Hash32(data)


def _moment(text: str) -> int:
    """Return Unix seconds from an ISO 8601 time of a command line, UTC where it names no zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO 8601 time") from error
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def _export(arguments: argparse.Namespace) -> int:
    for path in arguments.journal:
        if not path.is_file():
            raise ConfigError(f"{path}: there is no such journal")
    if not arguments.journal and not arguments.authorization:
        raise UsageError(
            "nothing says what to export",
            why="without a journal, authorizations are named",
            next_command="dataccord audit export --help",
        )
    journals = [Journal(path) for path in arguments.journal]
    try:
        data, report = asyncio.run(_gather(arguments, journals))
    finally:
        for journal in journals:
            journal.close()
    write_file(arguments.out, data)
    value = {"file": str(arguments.out), "bytes": len(data), **describe(report)}
    ids = "\n".join(f"  {authorization}" for authorization in value["authorizations"])
    notes = [f"finding: {finding}\n" for finding in value["findings"]]
    notes += [f"not provable from it: {check}\n" for check in value["not_provable"]]
    text = (
        f"wrote {value['file']}: {value['bytes']} bytes, {value['receipts']} receipts of\n{ids}\n"
        f"{''.join(notes)}"
        f"next: dataccord audit verify {value['file']} --genesis-hash 0x{_known(report)}"
    )
    emit(arguments, value, text)
    return 0


def _known(report: Report) -> str:
    return "" if report.genesis_hash is None else report.genesis_hash.hex()


async def _gather(arguments: argparse.Namespace, journals: list[Journal]) -> tuple[bytes, Report]:
    async with Client(arguments.rpc) as client:
        light = LightClient(client, arguments.genesis_hash)
        return await export(light, journals, arguments.authorization)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise DecodeError(f"{path}: more than {FILE_BYTES_MAX} bytes")
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read", why=str(error)) from error


def _verify(arguments: argparse.Namespace) -> int:
    report = verify(_read(arguments.file), arguments.genesis_hash, arguments.not_before)
    emit(arguments, to_json(report, arguments.lang), to_text(report, arguments.lang))
    if arguments.complete and report.unshown:
        return report.exit_code or NotReady.code
    return report.exit_code


def _trail(arguments: argparse.Namespace) -> int:
    report = verify(_read(arguments.file), arguments.genesis_hash, arguments.not_before)
    if report.failures:
        emit(arguments, to_json(report, arguments.lang), to_text(report, arguments.lang))
        return report.exit_code
    wanted = arguments.authorization
    cases = [case for case in report.cases if wanted in (None, case.identifier)]
    if not cases:
        raise Refused("no such authorization", why=f"{arguments.file} does not speak of it")
    trails: list[dict[str, Any]] = [
        {"authorization": "0x" + case.identifier.hex(), "events": timeline_of(case, arguments.lang)}
        for case in cases
    ]
    lines = [to_text(report, arguments.lang).splitlines()[1]]
    for trail in trails:
        lines += ["", trail["authorization"], *timeline_lines(trail["events"])]
    value = {
        "conclusion": lines[0],
        "genesis_compared": report.compared,
        "trails": trails,
    }
    emit(arguments, value, "\n".join(lines))
    return report.exit_code
