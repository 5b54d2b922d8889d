"""QBFT messages as bytes, exactly as Besu writes them.

    S(p)          [p, signature]
    PROPOSAL      [S([height, round, block, bal]), [[S(round change)...], [S(prepare)...]]]
    PREPARE       S([height, round, digest])
    COMMIT        S([height, round, digest, seal])
    ROUND_CHANGE  [S([height, round, prepared]), block or [], bal, [S(prepare)...]]

`prepared` is [] or [round, digest]. `bal`, a block access list (EIP-7928), is the empty string: no
block has one under Prague rules. Besu before 26.1 wrote neither `bal`; both shapes are read, told
apart by their length, and a message keeps the one it came in because a proposal's signature covers
it. Every signature is over keccak256(RLP([code, payload])), a seal over the digest itself.

`encode_message(decode_message(kind, data)) == data` for every message accepted here. Lists are
bounded by the largest validator set, before any signature is recovered.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from node.consensus.messages import (
    Certificate,
    Commit,
    CommitPayload,
    Kind,
    Message,
    P,
    Payload,
    Prepare,
    PreparedMetadata,
    PreparePayload,
    Proposal,
    ProposalPayload,
    Recover,
    RoundChange,
    RoundChangePayload,
    Signed,
    SignedPrepare,
    proposal_payload,
)
from node.errors import DecodeError, SignatureError
from node.spec.block import Block, block_from_item, encode_block
from node.spec.codec import Item, decode, encode, join_list, to_bytes, to_hash, to_int, to_list
from node.spec.crypto import SIGNATURE_LENGTH, keccak256
from node.spec.seal import VALIDATORS_MAX, decode_extra_data, hash_for_commit_seal
from node.spec.types import Address, Hash32

MESSAGE_LENGTH_MAX: Final = 9 * 1024 * 1024
"""Bytes of one message: the largest block (8 MiB), and a justification beside it."""

ROUND_BITS: Final = 31
"""Rounds are bounded by 2^31 - 1 alone (N11)."""

_NO_ACCESS_LIST: Final = b"\x80"
_EMPTY_LIST: Final = b"\xc0"

T = TypeVar("T")


def encode_payload(payload: Payload) -> bytes:
    """Return the RLP of what is signed, without its code."""
    match payload:
        case ProposalPayload():
            parts = [encode(payload.height), encode(payload.round), encode_block(payload.block)]
            return join_list(parts if payload.legacy else [*parts, _NO_ACCESS_LIST])
        case PreparePayload():
            return encode([payload.height, payload.round, payload.digest])
        case CommitPayload():
            return encode([payload.height, payload.round, payload.digest, payload.seal])
        case RoundChangePayload():
            prepared = payload.prepared
            metadata: list[int | bytes] = (
                [] if prepared is None else [prepared.round, prepared.digest]
            )
            return encode([payload.height, payload.round, metadata])


def signing_hash(payload: Payload) -> Hash32:
    """Return the digest that the author signs: keccak256 of RLP([code, payload])."""
    return keccak256(join_list([encode(int(payload.kind)), encode_payload(payload)]))


def encode_signed(signed: Signed[P]) -> bytes:
    """Return `[payload, signature]`."""
    return join_list([encode_payload(signed.payload), encode(signed.signature)])


def encode_message(message: Message) -> bytes:
    """Return the message's bytes, in the shape it was made or decoded in."""
    match message:
        case Proposal():
            changes = join_list([encode_signed(part) for part in message.round_changes])
            justification = join_list([changes, _encode_prepares(message.prepares)])
            return join_list([encode_signed(message.signed), justification])
        case Prepare():
            return encode_signed(message.signed)
        case Commit():
            return encode_signed(message.signed)
        case RoundChange():
            block = _EMPTY_LIST if message.block is None else encode_block(message.block)
            parts = [encode_signed(message.signed), block]
            access_list = [] if message.legacy else [_NO_ACCESS_LIST]
            return join_list([*parts, *access_list, _encode_prepares(message.prepares)])


def _encode_prepares(prepares: tuple[SignedPrepare, ...]) -> bytes:
    return join_list([encode_signed(part) for part in prepares])


def decode_message(code: int, data: bytes, recover: Recover) -> Message:
    """Return the message that `data` encodes, its authors recovered.

    Raises:
        DecodeError: unknown code, not canonical, of no known shape, or beyond a limit.
        SignatureError: a signature recovers to nobody.
    """
    if len(data) > MESSAGE_LENGTH_MAX:
        raise DecodeError(f"message: more than {MESSAGE_LENGTH_MAX} bytes")
    item = decode(data)
    match code:
        case Kind.PROPOSAL:
            return _decode_proposal(item, recover)
        case Kind.PREPARE:
            return Prepare(_signed(item, _prepare_payload, recover))
        case Kind.COMMIT:
            signed = _signed(item, _commit_payload, recover)
            return Commit(signed, _sealer(signed.payload, recover))
        case Kind.ROUND_CHANGE:
            return _decode_round_change(item, recover)
    raise DecodeError(f"message: unknown code 0x{code:x}")


def _decode_proposal(item: Item, recover: Recover) -> Proposal:
    head, justification = to_list(item, "proposal", 2)
    changes, prepares = to_list(justification, "proposal justification", 2)
    change_items = to_list(changes, "proposal round changes", length_max=VALIDATORS_MAX)
    prepare_items = to_list(prepares, "proposal prepares", length_max=VALIDATORS_MAX)
    return Proposal(
        _signed(head, _proposal_payload, recover),
        tuple(_signed(part, _round_change_payload, recover) for part in change_items),
        tuple(_signed(part, _prepare_payload, recover) for part in prepare_items),
    )


def _decode_round_change(item: Item, recover: Recover) -> RoundChange:
    items = to_list(item, "round change", length_max=4)
    if len(items) < 3:
        raise DecodeError("round change: fewer than three parts")
    legacy = len(items) == 3
    if not legacy:
        _check_no_access_list(items[2])
    block = None if items[1] == [] else _block(items[1])
    prepare_items = to_list(items[-1], "round change prepares", length_max=VALIDATORS_MAX)
    return RoundChange(
        _signed(items[0], _round_change_payload, recover),
        block,
        tuple(_signed(part, _prepare_payload, recover) for part in prepare_items),
        legacy,
    )


def _signed(item: Item, payload_of: Callable[[Item], P], recover: Recover) -> Signed[P]:
    body, mark = to_list(item, "signed payload", 2)
    signature = to_bytes(mark, "signature", SIGNATURE_LENGTH)
    payload = payload_of(body)
    return Signed(payload, signature, recover(signing_hash(payload), signature))


def _sealer(payload: CommitPayload, recover: Recover) -> Address | None:
    """Return whom the seal recovers to; a seal by nobody makes an invalid vote, not bad bytes."""
    try:
        return recover(payload.digest, payload.seal)
    except SignatureError:
        return None


def _height_and_round(items: list[Item]) -> tuple[int, int]:
    return to_int(items[0], "height"), to_int(items[1], "round", ROUND_BITS)


def _proposal_payload(item: Item) -> ProposalPayload:
    items = to_list(item, "proposal payload", length_max=4)
    if len(items) < 3:
        raise DecodeError("proposal payload: fewer than three parts")
    legacy = len(items) == 3
    if not legacy:
        _check_no_access_list(items[3])
    height, round_number = _height_and_round(items)
    return proposal_payload(height, round_number, _block(items[2]), legacy)


def _prepare_payload(item: Item) -> PreparePayload:
    items = to_list(item, "prepare payload", 3)
    return PreparePayload(*_height_and_round(items), to_hash(items[2], "digest"))


def _commit_payload(item: Item) -> CommitPayload:
    items = to_list(item, "commit payload", 4)
    digest = to_hash(items[2], "digest")
    seal = to_bytes(items[3], "commit seal", SIGNATURE_LENGTH)
    return CommitPayload(*_height_and_round(items), digest, seal)


def _round_change_payload(item: Item) -> RoundChangePayload:
    items = to_list(item, "round change payload", 3)
    parts = to_list(items[2], "prepared metadata", length_max=2)
    if len(parts) == 1:
        raise DecodeError("prepared metadata: a round without a digest")
    prepared = None
    if parts:
        prepared_round = to_int(parts[0], "prepared round", ROUND_BITS)
        prepared = PreparedMetadata(prepared_round, to_hash(parts[1], "prepared digest"))
    return RoundChangePayload(*_height_and_round(items), prepared)


def _block(item: Item) -> Block:
    """Return a block whose extra data can be read, so that no rule meets bytes it cannot parse."""
    block = block_from_item(item)
    decode_extra_data(block.header.extra_data)
    return block


def _check_no_access_list(item: Item) -> None:
    if item != b"":
        raise DecodeError("block access list: none exists under Prague rules")


def encode_certificate(certificate: Certificate) -> bytes:
    """Return `[block, [S(prepare)...]]`, the form in which the sign-state keeps it (N13)."""
    block = encode_block(certificate.block)
    return join_list([block, _encode_prepares(certificate.prepares)])


def decode_certificate(data: bytes, recover: Recover) -> Certificate:
    """Return the certificate that `data` encodes; its round and digest are its PREPAREs'."""
    head, prepares = to_list(decode(data), "certificate", 2)
    block = _block(head)
    items = to_list(prepares, "certificate prepares", length_max=VALIDATORS_MAX)
    if not items:
        raise DecodeError("certificate: no prepares")
    signed = tuple(_signed(part, _prepare_payload, recover) for part in items)
    return Certificate(signed[0].payload.round, hash_for_commit_seal(block.header), block, signed)
