"""QBFT's part of a header: extra data, its three hashes, quorums, proposers and commit seals.

Bytes follow Besu 26.1 and later. One header has three hashes (keccak256 of its RLP, where only
extra data is encoded anew):

* `hash_for_commit_seal`: seals emptied, round kept. It is what each commit seal signs, and the
  digest that PREPARE and COMMIT name.
* `hash_for_block`: seals emptied and round set to 0. It is the block's hash everywhere else.
* genesis: extra data untouched.

At round 0 the first two are equal. Seal sets may differ between honest nodes for one block hash.
Names are those of the Dafny specification (`node_auxiliary_functions.dfy`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from node.errors import DecodeError, SealError, SignatureError
from node.spec.codec import Encodable, Item, decode, encode, to_address, to_bytes, to_int, to_list
from node.spec.crypto import SIGNATURE_LENGTH, keccak256, recover
from node.spec.header import Header, encode_header
from node.spec.types import Address, Hash32

MIX_HASH: Final = Hash32(
    bytes.fromhex("63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365")
)
"""The text "ctical byzantine fault tolerance": marks a header as QBFT's, and is PREVRANDAO."""

VALIDATORS_MAX: Final = 100
ROUND_MAX: Final = 2**31 - 1
VANITY: Final = b"dataccord".rjust(32, b"\0")

ADD_VOTE: Final = b"\xff"
DROP_VOTE: Final = b""


@dataclass(frozen=True, slots=True)
class Vote:
    """A header-mode vote on a validator; never present in contract mode."""

    recipient: Address
    adds: bool


@dataclass(frozen=True, slots=True)
class ExtraData:
    """The five items of QBFT extra data."""

    vanity: bytes = VANITY
    validators: tuple[Address, ...] = ()
    vote: Vote | None = None
    round: int = 0
    seals: tuple[bytes, ...] = ()


def encode_extra_data(extra: ExtraData) -> bytes:
    """Return `[vanity, [validators], vote, round, [seals]]`."""
    vote: list[Encodable] = []
    if extra.vote is not None:
        vote = [extra.vote.recipient, ADD_VOTE if extra.vote.adds else DROP_VOTE]
    return encode([extra.vanity, extra.validators, vote, extra.round, extra.seals])


def decode_extra_data(data: bytes) -> ExtraData:
    """Return the extra data that `data` encodes.

    Besu's decoder tolerates items after the fifth; none has ever been written, and canonical bytes
    matter more here, so they are refused.
    """
    items = to_list(decode(data), "extra data", 5)
    validators = to_list(items[1], "extra data validators", length_max=VALIDATORS_MAX)
    seals = to_list(items[4], "extra data seals", length_max=VALIDATORS_MAX)
    return ExtraData(
        to_bytes(items[0], "extra data vanity", length_max=1024),
        tuple(to_address(part, "extra data validator") for part in validators),
        _vote(items[2]),
        to_int(items[3], "extra data round", 31),
        tuple(to_bytes(part, "commit seal", SIGNATURE_LENGTH) for part in seals),
    )


def _vote(item: Item) -> Vote | None:
    parts = to_list(item, "extra data vote", length_max=2)
    if not parts:
        return None
    if len(parts) != 2:
        raise DecodeError("extra data vote: expected an address and a type")
    kind = to_bytes(parts[1], "vote type", length_max=1)
    if kind not in (ADD_VOTE, DROP_VOTE, b"\0"):
        raise DecodeError("extra data vote: unknown type")
    return Vote(to_address(parts[0], "vote recipient"), kind == ADD_VOTE)


def round_of(header: Header) -> int:
    """Return the round in which the header was proposed or sealed."""
    return decode_extra_data(header.extra_data).round


def with_round(header: Header, round_number: int) -> Header:
    """Return the header carrying `round_number` and no seals, as inside messages."""
    extra = replace(decode_extra_data(header.extra_data), round=round_number, seals=())
    return replace(header, extra_data=encode_extra_data(extra))


def with_seals(header: Header, seals: Sequence[bytes]) -> Header:
    """Return the header carrying `seals`, its round kept."""
    extra = replace(decode_extra_data(header.extra_data), seals=tuple(seals))
    return replace(header, extra_data=encode_extra_data(extra))


def hash_for_commit_seal(header: Header) -> Hash32:
    """Return the digest that commit seals sign: seals emptied, round kept."""
    return keccak256(encode_header(with_seals(header, ())))


def hash_for_block(header: Header) -> Hash32:
    """Return the block's hash: seals emptied, round 0; extra data untouched for genesis."""
    if header.number == 0:
        return keccak256(encode_header(header))
    return keccak256(encode_header(with_round(header, 0)))


def f(validator_count: int) -> int:
    """Return how many validators may lie without harm: (n - 1) div 3."""
    return (validator_count - 1) // 3


def quorum(validator_count: int) -> int:
    """Return how many validators must agree: ceil(2n / 3), equal to (2n - 1) div 3 + 1."""
    return (2 * validator_count - 1) // 3 + 1


def proposer(validators: Sequence[Address], previous: Address, round_number: int) -> Address:
    """Return who proposes in `round_number` after a block by `previous`.

    Round robin over the ascending set. Where `previous` has left it (or the parent is genesis,
    whose coinbase is zero), the first address above it begins, else the lowest.
    """
    ordered = sorted(validators)
    if previous in ordered:
        first = ordered.index(Address(previous)) + 1
    else:
        first = next((i for i, address in enumerate(ordered) if address > previous), 0)
    return ordered[(first + round_number) % len(ordered)]


def verify_seals(header: Header, validators: Sequence[Address]) -> tuple[Address, ...]:
    """Return who sealed the header, in seal order.

    Raises:
        SealError: a seal recovers to nobody or a stranger, a signer appears twice, or the signers
            are fewer than a quorum of `validators`.
    """
    digest = hash_for_commit_seal(header)
    members = frozenset(validators)
    signers: list[Address] = []
    for seal in decode_extra_data(header.extra_data).seals:
        try:
            signer = recover(digest, seal)
        except SignatureError as error:
            raise SealError(f"block {header.number}: {error.what}") from error
        if signer not in members:
            raise SealError(f"block {header.number}: sealed by 0x{signer.hex()}, no validator")
        if signer in signers:
            raise SealError(f"block {header.number}: 0x{signer.hex()} sealed twice")
        signers.append(signer)
    if len(signers) < quorum(len(members)):
        raise SealError(
            f"block {header.number}: {len(signers)} seals of {len(members)} validators",
            why=f"a quorum is {quorum(len(members))}",
        )
    return tuple(signers)
