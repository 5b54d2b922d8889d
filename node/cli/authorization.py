"""`dataccord authorization`: terms asked for, shown, approved on paper's path, and carried in.

Beyond single contract methods: an approval file goes from office to office, each signs it without a
network, and anyone submits it. What a signer is shown is rendered from the structure signed.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from node.cli.calls import add_key, add_node, add_signing, key_of, send_call
from node.cli.output import add_command, emit
from node.cli.values import parser_of, read_json
from node.errors import ConfigError, NotReady, UsageError
from node.render import consent_record, directory, dpv, odrl, text
from node.sdk import approval_file, contracts
from node.sdk.abi import decode_result, encode_call
from node.sdk.approval_file import ApprovalFile
from node.sdk.client import Client
from node.spec.crypto import address_of, sign
from node.spec.registry import AUTHORIZATIONS
from node.spec.terms import Terms, authorization_id, from_json, revocation_digest
from node.spec.types import ZERO_ADDRESS, Hash32
from node.spec.vocabulary import AuthorizationStatus, Reason, label

FORMATS = ("text", "odrl", "dpv", "consent-record")
LANGUAGES = ("both", "zh", "en")


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verbs beyond single methods."""
    _add_request(verbs)
    _add_sign(verbs)
    _add_submit(verbs)
    _add_show(verbs)
    _add_render(verbs)


def _add_request(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    request = add_command(
        verbs,
        "request",
        _request,
        "ask for an authorization, or write its terms into an approval file",
        example="dataccord authorization request --terms terms.json --chain-id 31337 "
        "--out share.approval",
    )
    request.add_argument("--terms", type=Path, required=True, help="JSON file of the terms")
    request.add_argument("--out", type=Path, help="write an approval file here, send nothing")
    request.add_argument("--chain-id", type=int, help="the chain; needed with --out")
    add_node(request)
    add_signing(request)


def _add_sign(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    sign_parser = add_command(
        verbs,
        "sign",
        _sign,
        "show an approval file's terms, and add this key's approval to it; needs no network",
        example="dataccord authorization sign --file share.approval --chain-id 31337 "
        "--key approver.key --yes",
    )
    sign_parser.add_argument("--file", type=Path, required=True, help="the approval file")
    sign_parser.add_argument("--chain-id", type=int, required=True, help="the chain it must be of")
    sign_parser.add_argument("--terms", type=Path, help="refuse the file if its terms differ")
    sign_parser.add_argument("--yes", action="store_true", help="approve what is shown")
    add_key(sign_parser)
    revocation = add_command(
        verbs,
        "sign-revocation",
        _sign_revocation,
        "sign a revocation that anyone may carry in; needs no network",
        example="dataccord authorization sign-revocation --authorization 0x… "
        "--reason subject_withdrew --chain-id 31337 --key subject.key",
    )
    revocation.add_argument("--authorization", type=_id, required=True, help="0x and 64 hex digits")
    revocation.add_argument(
        "--reason",
        type=parser_of({"type": "uint256"}, "reason"),
        required=True,
        help="name or index of the table reason",
    )
    revocation.add_argument("--chain-id", type=int, required=True, help="the chain it is of")
    add_key(revocation)


def _add_submit(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    submit = add_command(
        verbs,
        "submit",
        _submit,
        "carry an approval file in: request it where that is not done, else approve",
        example="dataccord authorization submit --file share.approval --key approver.key",
    )
    submit.add_argument("--file", type=Path, required=True, help="the approval file")
    add_node(submit)
    add_signing(submit)


def _add_show(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    show = add_command(
        verbs,
        "show",
        _show,
        "show where an authorization stands, and its terms as text",
        example="dataccord authorization show --authorization 0x… --lang zh",
    )
    show.add_argument("--authorization", type=_id, required=True, help="0x and 64 hex digits")
    show.add_argument("--lang", choices=LANGUAGES, default="both", help="default both")
    add_node(show)


def _add_render(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    render = add_command(
        verbs,
        "render",
        _render,
        "render terms as text, ODRL 2.2, a DPV record or an ISO/IEC TS 27560 consent record",
        example="dataccord authorization render --terms terms.json --chain-id 31337 --format odrl",
    )
    render.add_argument("--terms", type=Path, required=True, help="JSON file of the terms")
    render.add_argument("--chain-id", type=int, required=True, help="the chain they are signed for")
    render.add_argument("--format", choices=FORMATS, default="text", help="default text")
    render.add_argument("--lang", choices=LANGUAGES, default="both", help="of text; default both")
    render.add_argument("--directory", type=Path, help="JSON file of names that are not signed")
    render.add_argument("--events", type=Path, help="JSON file of a consent record's events")


def _id(given: str) -> Hash32:
    return Hash32(parser_of({"type": "bytes32"}, "")(given))


def _request(arguments: argparse.Namespace) -> int:
    terms = from_json(read_json(arguments.terms))
    if arguments.out is None:
        return send_call(asyncio.run(_request_of(arguments, terms)), arguments)
    if arguments.chain_id is None:
        raise UsageError(
            "--out needs --chain-id", why="a digest is of one chain", next_command="add --chain-id"
        )
    file = ApprovalFile(arguments.chain_id, terms)
    _write(arguments.out, file)
    digest = "0x" + file.digest.hex()
    value = {"file": str(arguments.out), "authorization": digest}
    command = f"dataccord authorization sign --file {arguments.out} --chain-id {file.chain_id}"
    emit(arguments, value, f"wrote {arguments.out}: {digest}\nnext: {command} --key FILE")
    return 0


def _write(path: Path, file: ApprovalFile) -> None:
    try:
        path.write_text(approval_file.encode(file), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written", why=str(error.strerror)) from error


def _sign(arguments: argparse.Namespace) -> int:
    file = approval_file.read(arguments.file, arguments.chain_id)
    if arguments.terms is not None:
        approval_file.require_terms(file, from_json(read_json(arguments.terms)))
    print(text.bilingual(file.terms, file.chain_id), file=sys.stderr)
    if not arguments.yes:
        raise UsageError(
            "nothing is signed",
            why="the terms above are approved with --yes",
            next_command=f"dataccord authorization sign --file {arguments.file} "
            f"--chain-id {file.chain_id} --key FILE --yes",
        )
    key = key_of(arguments)
    signed = approval_file.approve(file, key)
    _write(arguments.file, signed)
    value = {
        "authorization": "0x" + file.digest.hex(),
        "account": "0x" + address_of(key).hex(),
        "approvals": len(signed.approvals),
    }
    done = f"approved by {value['account']}: {value['approvals']} approvals in {arguments.file}"
    command = f"dataccord authorization submit --file {arguments.file} --key FILE"
    emit(arguments, value, f"{done}\nnext: {command}")
    return 0


def _sign_revocation(arguments: argparse.Namespace) -> int:
    key, reason = key_of(arguments), Reason(arguments.reason)
    digest = revocation_digest(arguments.authorization, reason, arguments.chain_id)
    value = {
        "authorization": "0x" + arguments.authorization.hex(),
        "reason": reason.name.lower(),
        "account": "0x" + address_of(key).hex(),
        "signature": "0x" + sign(key, digest).hex(),
    }
    command = "dataccord authorization carry-revocation --help"
    emit(arguments, value, f"{value['signature']}\nnext: {command}")
    return 0


def _submit(arguments: argparse.Namespace) -> int:
    return send_call(asyncio.run(_submission(arguments)), arguments)


async def _submission(arguments: argparse.Namespace) -> contracts.Call:
    """Return the call that carries a file in: it approves terms that are asked for, else asks."""
    async with Client(arguments.rpc) as client:
        chain_id = await client.chain_id()
        file = approval_file.read(arguments.file, chain_id)
        if await _status(client, file.digest):
            return contracts.approve_authorization(file.terms, file.signatures)
        return await _asking(client, chain_id, file.terms, file.signatures)


async def _asking(
    client: Client, chain_id: int, terms: Terms, approvals: Sequence[bytes] = ()
) -> contracts.Call:
    """Return the call that asks for terms, with those that they amend or share onward shown."""
    before = parent = None
    if any(terms.amends):
        before = await contracts.find_terms(client, terms.amends, chain_id)
    if any(terms.parent):
        digest = await _terms_in_force(client, terms.parent)
        parent = await contracts.find_terms(client, digest, chain_id)
    if before is None and parent is None:
        return contracts.request_authorization(terms, approvals)
    return contracts.request_upon(terms, before=before, parent=parent, approvals=approvals)


async def _terms_in_force(client: Client, authorization: Hash32) -> Hash32:
    """Return the digest of the terms in force, which an amendment may have changed."""
    data = encode_call("authorizations", "termsOf", authorization)
    answer = await client.view(AUTHORIZATIONS, data, sender=ZERO_ADDRESS)
    return Hash32(decode_result("authorizations", "termsOf", answer))


async def _request_of(arguments: argparse.Namespace, terms: Terms) -> contracts.Call:
    async with Client(arguments.rpc) as client:
        return await _asking(client, await client.chain_id(), terms)


async def _status(client: Client, authorization: Hash32) -> int:
    data = encode_call("authorizations", "statusOf", authorization)
    answer = await client.view(AUTHORIZATIONS, data, sender=ZERO_ADDRESS)
    return int(decode_result("authorizations", "statusOf", answer))


def _show(arguments: argparse.Namespace) -> int:
    chain_id, terms, status = asyncio.run(_look_up(arguments))
    state = AuthorizationStatus(status)
    shown = _text(terms, chain_id, arguments.lang, directory.NO_DIRECTORY)
    value = {
        "authorization": "0x" + arguments.authorization.hex(),
        "status": state.name.lower(),
        "terms": "0x" + authorization_id(terms, chain_id).hex(),
        "text": shown,
    }
    names = (
        f"{label('authorization_status', status, 'zh')} / {label('authorization_status', status)}"
    )
    emit(arguments, value, f"{names}\n\n{shown}")
    return 0


async def _look_up(arguments: argparse.Namespace) -> tuple[int, Terms, int]:
    async with Client(arguments.rpc) as client:
        chain_id = await client.chain_id()
        status = await _status(client, arguments.authorization)
        if not status:
            raise NotReady(
                "no such authorization",
                why="nobody has requested terms of that digest",
                next_command="dataccord authorization submit --help",
            )
        digest = await _terms_in_force(client, arguments.authorization)
        shown = digest if any(digest) else arguments.authorization
        return chain_id, await contracts.find_terms(client, shown, chain_id), status


def _text(terms: Terms, chain_id: int, language: str, names: directory.Directory) -> str:
    if language == "both":
        return text.bilingual(terms, chain_id, names)
    return text.text_of(terms, chain_id, language, names)


def _render(arguments: argparse.Namespace) -> int:
    terms, chain_id = from_json(read_json(arguments.terms)), arguments.chain_id
    names = directory.NO_DIRECTORY
    if arguments.directory is not None:
        names = directory.from_json(read_json(arguments.directory))
    value: dict[str, Any]
    if arguments.format == "text":
        shown = _text(terms, chain_id, arguments.lang, names)
        value = {"authorization": "0x" + authorization_id(terms, chain_id).hex(), "text": shown}
        emit(arguments, value, shown)
        return 0
    if arguments.format == "odrl":
        value = odrl.agreement(terms, chain_id, names)
    elif arguments.format == "dpv":
        value = dpv.record(terms, chain_id, "", names)
    else:
        value = consent_record.record(terms, chain_id, _events(arguments), names)
    arguments.json = True
    emit(arguments, value, "")
    return 0


def _events(arguments: argparse.Namespace) -> list[consent_record.Event]:
    if arguments.events is None:
        raise UsageError(
            "a consent record needs --events",
            why="its states, each with time, member, kind and state, are mandatory",
        )
    try:
        return [consent_record.Event(**entry) for entry in read_json(arguments.events)]
    except TypeError as error:
        raise UsageError(f"{arguments.events}: not a list of events", why=str(error)) from error
