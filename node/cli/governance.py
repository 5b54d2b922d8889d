"""`dataccord governance`: a verb for each kind of proposal; proposals shown and enacted by number.

The verbs that propose are made from the parts of each kind's content. Who votes sees those parts as
decoded from the content that the ledger's hash is of, and enacting needs the number alone.
"""

import argparse
import asyncio
import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from node.cli.calls import add_node, add_signing, lines_of, send_call
from node.cli.output import add_command, emit
from node.cli.values import TEXT, option_of, parser_of, shown
from node.errors import NotReady, UsageError
from node.sdk import governance
from node.sdk.abi import decode_result, encode_call
from node.sdk.client import Client
from node.spec.proposals import (
    ACCOUNT,
    GOVERNANCE,
    HASH,
    NUMBER,
    PARTS,
    Proposal,
    decode_proposal,
    encode_proposal,
)
from node.spec.types import ZERO_ADDRESS, Hash32
from node.spec.vocabulary import ProposalKind, label

_TABLES: Final[Mapping[tuple[ProposalKind, str], str]] = {
    (ProposalKind.ADMIT_MEMBER, "identifier"): TEXT,
    (ProposalKind.ADMIT_MEMBER, "kind"): "member_kind",
    (ProposalKind.ADMIT_MEMBER, "jurisdiction"): "jurisdiction",
    (ProposalKind.SUSPEND_MEMBER, "reason"): "reason",
    (ProposalKind.ROLE_THRESHOLD, "role"): "role",
    (ProposalKind.SHARE, "kind"): "proposal_kind",
    (ProposalKind.PARAMETER, "parameter"): "parameter",
    (ProposalKind.CONTRACT_VERSION, "status"): "version_status",
    (ProposalKind.TEMPLATE, "status"): "product_status",
}
"""Tables of the vocabulary that parts of proposals are of."""

_TYPES: Final = {NUMBER: "uint256", HASH: "bytes32", ACCOUNT: "bytes20"}
_WORDS: Final = {"uint256": "1", "bytes32": "0x…", "bytes20": "0x…", "string": "TEXT"}


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verbs beyond single methods."""
    for kind in PARTS:
        _add_proposal(verbs, kind)
    show = add_command(
        verbs,
        "show",
        _show,
        "show what a proposal asks, from its content, and where it stands",
        example="dataccord governance show --number 1",
    )
    enact = add_command(
        verbs,
        "enact",
        _enact,
        "enact a carried proposal whose time lock is over",
        example="dataccord governance enact --number 1 --key governor.key",
    )
    for parser in (show, enact):
        parser.add_argument("--number", type=int, required=True, help="the proposal's number")
        add_node(parser)
    add_signing(enact)


def verb_of(kind: ProposalKind) -> str:
    """Return the verb that proposes something of a kind."""
    return "propose-" + kind.name.lower().replace("_", "-")


def _add_proposal(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", kind: ProposalKind
) -> None:
    types = {name: _TYPES.get(part, "string") for name, part in PARTS[kind].items()}
    words = [f"{option_of(name)} {_WORDS[types[name]]}" for name in types]
    example = f"dataccord governance {verb_of(kind)} {' '.join(words)} --key governor.key"
    text = label("proposal_kind", kind)
    handler = partial(_propose, kind)
    parser = add_command(verbs, verb_of(kind), handler, f"propose: {text}", example=example)
    for name, written in types.items():
        table = _TABLES.get((kind, name), "")
        parser.add_argument(
            option_of(name),
            dest=f"part_{name}",
            type=parser_of({"type": written}, table),
            required=True,
            metavar=written.upper(),
            help=f"name or index of the table {table}" if table not in ("", TEXT) else name,
        )
    add_node(parser)
    add_signing(parser)


def _propose(kind: ProposalKind, arguments: argparse.Namespace) -> int:
    values = [getattr(arguments, f"part_{name}") for name in PARTS[kind]]
    try:
        proposal = encode_proposal(kind, *values)
    except ValueError as error:
        raise UsageError(f"{verb_of(kind)}: a value does not fit", why=str(error)) from error
    return send_call(governance.propose(proposal), arguments)


def _show(arguments: argparse.Namespace) -> int:
    proposal, status = asyncio.run(_find(arguments))
    parts = {name: _readable(value) for name, value in decode_proposal(proposal).items()}
    value: dict[str, Any] = {
        "number": arguments.number,
        "kind": label("proposal_kind", proposal.kind),
        "status": label("proposal_status", status),
        "asks": parts,
        "content": "0x" + proposal.content.hex(),
    }
    emit(arguments, value, "\n".join(lines_of(value)))
    return 0


def _readable(value: int | bytes | str) -> Any:
    """Return a part as a person reads it: an identifier is letters, everything else its value."""
    if isinstance(value, bytes) and re.fullmatch(rb"[0-9A-Z]{18,20}\0*", value):
        return value.rstrip(b"\0").decode("ascii")
    return shown(value)


def _enact(arguments: argparse.Namespace) -> int:
    proposal, _ = asyncio.run(_find(arguments))
    return send_call(governance.enact(arguments.number, proposal), arguments)


async def _find(arguments: argparse.Namespace) -> tuple[Proposal, int]:
    """Return what a proposal asks, held to the hash in state, and where it stands."""
    async with Client(arguments.rpc) as client:
        record = await _read(client, "proposal", arguments.number)
        if not record[0]:
            raise NotReady(
                f"there is no proposal {arguments.number}",
                next_command="dataccord governance count",
            )
        found = await governance.find_proposal(client, arguments.number, Hash32(record[-1]))
        return found, await _read(client, "statusOf", arguments.number)


async def _read(client: Client, method: str, number: int) -> Any:
    data = encode_call("governance", method, number)
    answer = await client.view(GOVERNANCE, data, sender=ZERO_ADDRESS)
    return decode_result("governance", method, answer)
