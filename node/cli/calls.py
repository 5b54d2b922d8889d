"""Commands that call one contract method each, built from their line in `commands` and the ABI.

What moves is signed with a key from a file or from standard input, never from the argument list,
sent through an outbox beside the key file, and awaited; its events are the answer. What only reads
is asked of the node named. A refusal is the contract's own, as its exception class.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import eth_abi.exceptions

import chaincode
from node.cli.commands import NOUNS, TABLE, Command
from node.cli.output import add_command, emit
from node.cli.values import HINTS, describe, is_file, option_of, parser_of, placeholder, shown
from node.config import parse_private_key, read_private_key
from node.errors import UsageError
from node.sdk.abi import decode_event, decode_result, encode_call
from node.sdk.client import Client, TransactionReceipt
from node.sdk.contracts import Call
from node.sdk.outbox import Outbox
from node.sdk.sender import FINAL_SECONDS, Sender
from node.spec.crypto import address_of
from node.spec.receipt import Log
from node.spec.types import ZERO_ADDRESS, Address

RPC: Final = "http://127.0.0.1:8545"
RPC_VARIABLE: Final = "DATACCORD_RPC"
KEY_VARIABLE: Final = "DATACCORD_KEY"
"""Names of the environment variables that hold a node's address and a key file's path."""

STDIN: Final = "-"
_MANY: Final = "bytes[]"
"""The ABI's type of signatures carried along: as many options as there are."""

_CONTRACT_OF: Final = {address: name for name, address in chaincode.ADDRESSES.items()}


def add_noun(
    parsers: "argparse._SubParsersAction[argparse.ArgumentParser]", noun: str
) -> "argparse._SubParsersAction[argparse.ArgumentParser]":
    """Add a noun with all its commands of the table; return its verbs for more."""
    parser = parsers.add_parser(noun, help=NOUNS[noun])
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for command in TABLE[noun]:
        _add(verbs, noun, command)
    return verbs


def _add(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", noun: str, command: Command
) -> None:
    entry = function_of(command.contract, command.method)
    moves = entry["stateMutability"] == "nonpayable"
    parts = [(part, hint_of(command, part)) for part in entry["inputs"]]
    words = [f"{option_of(part['name'])} {placeholder(part, hint)}" for part, hint in parts]
    signed = ["--key account.key"] if moves else []
    example = " ".join([f"dataccord {noun} {command.verb}", *words, *signed])
    handler = partial(_send if moves else _view, command)
    parser = add_command(verbs, command.verb, handler, command.text, example=example)
    for part, hint in parts:
        _add_option(parser, part, hint)
    add_node(parser)
    if moves:
        add_signing(parser)


def _add_option(parser: argparse.ArgumentParser, part: Mapping[str, Any], hint: str) -> None:
    option, place = option_of(part["name"]), f"call_{part['name']}"
    if part["type"] == _MANY:
        text = f"{describe(part, hint)}; may be repeated"
        parse = parser_of({**part, "type": "bytes"}, "")
        parser.add_argument(option, dest=place, type=parse, action="append", default=[], help=text)
        return
    parser.add_argument(
        option,
        dest=place,
        type=parser_of(part, hint),
        required=True,
        metavar="FILE" if is_file(part["type"]) else part["type"].upper(),
        help=describe(part, hint),
    )


def function_of(contract: str, method: str) -> Mapping[str, Any]:
    """Return the ABI entry of a method."""
    for entry in chaincode.load(contract).abi:
        if entry["type"] == "function" and entry["name"] == method:
            return entry
    raise LookupError(f"{contract} has no function {method}")


def hint_of(command: Command, part: Mapping[str, Any]) -> str:
    """Return the table of the vocabulary that a parameter is of, empty for none."""
    name = part["name"]
    return command.hints.get(name, HINTS.get(name, "") if "[" not in part["type"] else "")


def add_node(parser: argparse.ArgumentParser) -> None:
    """Add the option that names a node."""
    parser.add_argument(
        "--rpc",
        default=os.environ.get(RPC_VARIABLE, RPC),
        help=f"a node's JSON-RPC address; default ${RPC_VARIABLE}, else {RPC}",
    )


def add_signing(parser: argparse.ArgumentParser) -> None:
    """Add the options of what is signed and sent."""
    add_key(parser)
    parser.add_argument(
        "--outbox",
        type=Path,
        help="file of what was signed and is not final yet; default KEY.outbox",
    )
    parser.add_argument(
        "--once", default="", metavar="NAME", help="a name of this wish: it is sent once only"
    )
    parser.add_argument(
        "--timeout", type=float, default=FINAL_SECONDS, help="seconds to wait for a block"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="ask whether it would be refused, send nothing"
    )


def add_key(parser: argparse.ArgumentParser) -> None:
    """Add the option that names a key."""
    parser.add_argument(
        "--key",
        default=os.environ.get(KEY_VARIABLE),
        metavar="FILE",
        help=f"file with the account's private key, - for standard input; default ${KEY_VARIABLE}",
    )


def key_of(arguments: argparse.Namespace) -> bytes:
    """Return the private key that a command names.

    Raises:
        UsageError: it names none.
        ConfigError: what it names is no key, or others can read it.
    """
    if arguments.key is None:
        raise UsageError(
            "no key is named",
            why="a key comes from a file or from standard input",
            next_command="add --key FILE, or --key - and the key on standard input",
        )
    if arguments.key == STDIN:
        return parse_private_key(sys.stdin.readline(), "standard input")
    return read_private_key(Path(arguments.key))


def outbox_of(arguments: argparse.Namespace) -> Outbox:
    """Return the outbox of a command: the one it names, else the one beside its key file."""
    if arguments.outbox is not None:
        return Outbox(arguments.outbox)
    return Outbox(None if arguments.key == STDIN else Path(f"{arguments.key}.outbox"))


def values_of(command: Command, arguments: argparse.Namespace) -> list[Any]:
    """Return the values of a command's parameters in the ABI's order."""
    entry = function_of(command.contract, command.method)
    return [getattr(arguments, f"call_{part['name']}") for part in entry["inputs"]]


def call_of(command: Command, arguments: argparse.Namespace) -> Call:
    """Return the call that a command makes.

    Raises:
        UsageError: a value does not fit its type.
    """
    name = f"{command.contract}.{command.method}"
    try:
        data = encode_call(command.contract, command.method, *values_of(command, arguments))
    except (eth_abi.exceptions.EncodingError, OverflowError, TypeError) as error:
        raise UsageError(f"{name}: a value does not fit", why=str(error)) from error
    return Call(Address(chaincode.ADDRESSES[command.contract]), data, name)


def _view(command: Command, arguments: argparse.Namespace) -> int:
    call = call_of(command, arguments)
    data = asyncio.run(_ask(arguments.rpc, call))
    result = decode_result(command.contract, command.method, data)
    outputs = function_of(command.contract, command.method)["outputs"]
    if len(outputs) == 1:
        value = shown((result,), outputs)
        value = {"result": next(iter(value.values()))}
    else:
        value = {"result": shown(result, outputs)}
    emit(arguments, value, "\n".join(lines_of(value["result"])))
    return 0


async def _ask(rpc: str, call: Call) -> bytes:
    async with Client(rpc) as client:
        return await client.view(call.to, call.data, sender=ZERO_ADDRESS)


def lines_of(value: Any, indent: str = "") -> list[str]:
    """Return a JSON value as lines for people."""
    if isinstance(value, dict):
        found = []
        for name, inner in value.items():
            nested = isinstance(inner, dict) or (isinstance(inner, list) and inner)
            found += (
                [f"{indent}{name}:", *lines_of(inner, indent + "  ")]
                if nested
                else [f"{indent}{name}: {lines_of(inner)[0]}"]
            )
        return found
    if isinstance(value, list):
        return [line for inner in value for line in lines_of(inner, indent)] or [indent + "none"]
    if isinstance(value, bool):
        return [indent + ("yes" if value else "no")]
    return [f"{indent}{value}"]


def _send(command: Command, arguments: argparse.Namespace) -> int:
    return send_call(call_of(command, arguments), arguments)


def send_call(call: Call, arguments: argparse.Namespace) -> int:
    """Sign and send a call as the common options say, wait until it is final, and show it."""
    key = key_of(arguments)
    if arguments.dry_run:
        asyncio.run(_try(arguments.rpc, call, key))
        emit(arguments, {"call": call.name, "refused": False}, f"{call.name}: would be accepted")
        return 0
    sent = asyncio.run(_carry_out(call, key, arguments))
    emit(arguments, to_json(call, sent), to_text(call, sent))
    return 0


async def _try(rpc: str, call: Call, key: bytes) -> None:
    async with Client(rpc) as client:
        await client.view(call.to, call.data, sender=address_of(key))


@dataclass(frozen=True, slots=True)
class Sent:
    """A final transaction and the account that sent it."""

    account: Address
    receipt: TransactionReceipt


async def _carry_out(call: Call, key: bytes, arguments: argparse.Namespace) -> Sent:
    outbox = outbox_of(arguments)
    try:
        async with Client(arguments.rpc) as client:
            sender = Sender(client, key, await client.chain_id(), outbox)
            receipt = await sender.send(call, once=arguments.once, timeout_s=arguments.timeout)
            return Sent(sender.address, receipt)
    finally:
        outbox.close()


def to_json(call: Call, sent: Sent) -> dict[str, Any]:
    """Return a final transaction as JSON, its events decoded."""
    receipt = sent.receipt
    return {
        "call": call.name,
        "account": "0x" + sent.account.hex(),
        "transaction": "0x" + receipt.hash.hex(),
        "block": receipt.block_number,
        "gas_used": receipt.gas_used,
        "events": [event_of(log) for log in receipt.logs],
    }


def to_text(call: Call, sent: Sent) -> str:
    """Return a final transaction as lines for people."""
    receipt = sent.receipt
    lines = [f"{call.name}: in block {receipt.block_number}, final"]
    lines.append(f"transaction 0x{receipt.hash.hex()}")
    for log in receipt.logs:
        event = event_of(log)
        lines += [f"{event['contract']}.{event['event']}", *lines_of(event["values"], "  ")]
    return "\n".join(lines)


def event_of(log: Log) -> dict[str, Any]:
    """Return an event as JSON, undecoded where no contract of ours wrote it."""
    contract = _CONTRACT_OF.get(log.address, "")
    event = decode_event(contract, log) if contract else None
    if event is None:
        topics = ["0x" + topic.hex() for topic in log.topics]
        values: dict[str, Any] = {"topics": topics, "data": "0x" + log.data.hex()}
        return {"contract": "0x" + log.address.hex(), "event": "", "values": values}
    entry = next(
        entry
        for entry in chaincode.load(contract).abi
        if entry["type"] == "event" and entry["name"] == event.name
    )
    named = {part["name"]: part for part in entry["inputs"]}
    values = {
        name: shown(value, named[name].get("components", ()))
        for name, value in event.values.items()
    }
    return {"contract": contract, "event": event.name, "values": values}
