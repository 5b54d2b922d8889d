"""`dataccord sealed`: the three roles of a sealed authorization, and the proof that opens it (R19).

Beyond single contract methods: a sealed file goes between two banks and the regulator, each signs
it without a network, the regulator carries it in, and later opens it against proved state.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from node.cli.calls import add_key, add_node, add_signing, key_of, send_call
from node.cli.output import add_command, emit
from node.cli.values import parser_of, read_json
from node.errors import ConfigError, UsageError
from node.render import text
from node.sdk import sealed, sealed_file
from node.sdk.client import Client
from node.sdk.light import LightClient
from node.sdk.sealed_file import PARTS, SealedFile
from node.spec.crypto import address_of
from node.spec.disclosure import (
    Disclosure,
    Opened,
    slots_of_disclosure,
    slots_of_vouchers,
    verify_disclosure,
)
from node.spec.registry import MEMBERS
from node.spec.sealed import SEALED
from node.spec.state_proof import SLOTS_MAX, reader
from node.spec.terms import from_json
from node.spec.types import Address, Hash32
from node.spec.vocabulary import label

_SECRET_BYTES_MAX = 4_096


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verbs beyond single methods."""
    _add_key(verbs)
    _add_draft(verbs)
    _add_sign(verbs)
    _add_carry(verbs)
    _add_verify(verbs)


def _add_key(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    key = add_command(
        verbs,
        "key",
        _key,
        "derive a one-time key from this bank's secret; needs no network",
        example="dataccord sealed key --secret bank.secret --out once.key",
    )
    key.add_argument("--secret", type=Path, required=True, help="file of at least 32 bytes")
    key.add_argument("--nonce", type=_hash, help="derive this one anew; default a fresh one")
    key.add_argument("--out", type=Path, required=True, help="write the key here")


def _add_draft(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    draft = add_command(
        verbs,
        "draft",
        _draft,
        "seal clear terms under a fresh salt into a sealed file; needs no network",
        example="dataccord sealed draft --terms terms.json --provider-key 0x… --consumer-key 0x… "
        "--regulator 4 --chain-id 31337 --out share.sealed",
    )
    draft.add_argument("--terms", type=Path, required=True, help="JSON file of the clear terms")
    draft.add_argument("--provider-key", type=_address, required=True, help="0x and 40 hex digits")
    draft.add_argument("--consumer-key", type=_address, required=True, help="0x and 40 hex digits")
    draft.add_argument("--regulator", type=int, required=True, help="its index as a member")
    draft.add_argument("--chain-id", type=int, required=True, help="the chain it is for")
    draft.add_argument("--out", type=Path, required=True, help="write the sealed file here")


def _add_sign(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    sign = add_command(
        verbs,
        "sign",
        _sign,
        "show a sealed file's clear terms, and add this key's signature; needs no network",
        example="dataccord sealed sign --file share.sealed --chain-id 31337 --as provider-key "
        "--key once.key --yes",
    )
    sign.add_argument("--file", type=Path, required=True, help="the sealed file")
    sign.add_argument("--chain-id", type=int, required=True, help="the chain it must be of")
    sign.add_argument(
        "--as",
        dest="part",
        choices=PARTS,
        required=True,
        help="a one-time key, an approver that vouches for it, or the regulator's approver",
    )
    sign.add_argument("--yes", action="store_true", help="agree to what is shown")
    add_key(sign)


def _add_carry(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    carry = add_command(
        verbs,
        "carry",
        _carry,
        "carry a signed sealed file in, as the regulator",
        example="dataccord sealed carry --file share.sealed --chain-id 31337 --key approver.key",
    )
    carry.add_argument("--file", type=Path, required=True, help="the sealed file")
    carry.add_argument("--chain-id", type=int, required=True, help="the chain it must be of")
    add_node(carry)
    add_signing(carry)


def _add_verify(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verify = add_command(
        verbs,
        "verify",
        _verify,
        "open a sealed file with its receipts against proved state",
        example="dataccord sealed verify --file share.sealed --genesis-hash 0x…",
    )
    verify.add_argument("--file", type=Path, required=True, help="the sealed file with receipts")
    verify.add_argument(
        "--genesis-hash",
        type=_hash,
        required=True,
        help="all that is trusted: 0x and 64 hex digits",
    )
    add_node(verify)


def _hash(given: str) -> Hash32:
    return Hash32(parser_of({"type": "bytes32"}, "")(given))


def _address(given: str) -> Address:
    return Address(bytes.fromhex(parser_of({"type": "address"}, "")(given)[2:]))


def _key(arguments: argparse.Namespace) -> int:
    secret = _secret(arguments.secret)
    key = (
        sealed.fresh_key(secret)
        if arguments.nonce is None
        else sealed.derive_key(secret, arguments.nonce)
    )
    sealed_file.write(arguments.out, f"0x{key.private.hex()}\n")
    value = {
        "file": str(arguments.out),
        "key": "0x" + key.address.hex(),
        "nonce": "0x" + key.nonce.hex(),
    }
    emit(
        arguments, value, f"wrote {arguments.out}: {value['key']}\nkeep its nonce {value['nonce']}"
    )
    return 0


def _secret(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(
                f"{path}: others can read this secret", next_command=f"chmod 600 {path}"
            )
        with path.open("rb") as file:
            return file.read(_SECRET_BYTES_MAX)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read", why=str(error.strerror)) from error


def _draft(arguments: argparse.Namespace) -> int:
    clear, salt = from_json(read_json(arguments.terms)), sealed.fresh_salt()
    keys = (arguments.provider_key, arguments.consumer_key)
    made = sealed.seal(clear, salt, *keys, arguments.regulator, arguments.chain_id)
    file = SealedFile(arguments.chain_id, Disclosure(clear, salt, made, b"", b""))
    sealed_file.write(arguments.out, sealed_file.encode(file))
    digest = "0x" + file.digest.hex()
    command = f"dataccord sealed sign --file {arguments.out} --chain-id {file.chain_id}"
    value = {"file": str(arguments.out), "authorization": digest}
    emit(arguments, value, f"wrote {arguments.out}: {digest}\nnext: {command} --help")
    return 0


def _sign(arguments: argparse.Namespace) -> int:
    file = sealed_file.read(arguments.file, arguments.chain_id)
    print(text.bilingual(file.shown.clear, file.chain_id), file=sys.stderr)
    if not arguments.yes:
        raise UsageError(
            "nothing is signed",
            why="the terms above are agreed to with --yes",
            next_command=f"dataccord sealed sign --file {arguments.file} "
            f"--chain-id {file.chain_id} --as {arguments.part} --key FILE --yes",
        )
    key = key_of(arguments)
    signed = sealed_file.sign_as(file, arguments.part, key)
    sealed_file.write(arguments.file, sealed_file.encode(signed))
    value = {
        "authorization": "0x" + file.digest.hex(),
        "account": "0x" + address_of(key).hex(),
        "as": arguments.part,
    }
    emit(arguments, value, f"signed as {arguments.part} by {value['account']}")
    return 0


def _carry(arguments: argparse.Namespace) -> int:
    file = sealed_file.read(arguments.file, arguments.chain_id)
    return send_call(file.grant, arguments)


def _verify(arguments: argparse.Namespace) -> int:
    opened, height = asyncio.run(_open(arguments))
    value = {
        "authorization": "0x" + opened.authorization.hex(),
        "provider": opened.provider,
        "consumer": opened.consumer,
        "purpose": label("purpose", opened.purpose),
        "leases": opened.leases,
        "uses": opened.uses,
        "lapsed": opened.lapsed,
        "keepUntil": opened.keep_until,
        "height": height,
    }
    emit(arguments, value, "\n".join(lines_of_opened(opened, height)))
    return 0


def lines_of_opened(opened: Opened, height: int) -> list[str]:
    """Return what was proved, in Chinese and in English."""
    purpose_zh, purpose_en = (label("purpose", opened.purpose, name) for name in ("zh", "en"))
    return [
        f"已证明（区块 {height}）：成员{opened.provider}向成员{opened.consumer}提供，"
        f"用途“{purpose_zh}”，租约{opened.leases}个（逾期未结{opened.lapsed}个），使用{opened.uses}次；"
        f"记录保存至 {opened.keep_until}。",
        f"proved at block {height}: member {opened.provider} to member {opened.consumer} for "
        f"{purpose_en}: {opened.leases} leases ({opened.lapsed} lapsed), {opened.uses} uses; "
        f"records are kept until {opened.keep_until}.",
    ]


async def _open(arguments: argparse.Namespace) -> tuple[Opened, int]:
    async with Client(arguments.rpc) as client:
        chain_id = await client.chain_id()
        shown = sealed_file.read(arguments.file, chain_id).shown
        light = LightClient(client, arguments.genesis_hash)
        await light.start()
        head = await light.advance()
        kept = await _read(light, SEALED, slots_of_disclosure(shown, chain_id))
        members = await _read(light, MEMBERS, slots_of_vouchers(shown, chain_id))
        return verify_disclosure(shown, reader(kept), reader(members), chain_id), head.number


async def _read(light: LightClient, contract: Address, slots: tuple[int, ...]) -> dict[int, int]:
    """Return slots proved under one header, as many a proof as a node gives."""
    head, found = light.current, dict[Any, int]()
    for at in range(0, len(slots), SLOTS_MAX):
        found |= await light.read(contract, slots[at : at + SLOTS_MAX], head)
    return found
