"""The four QBFT messages as values: PROPOSAL, PREPARE, COMMIT and ROUND_CHANGE.

A message is a signed payload, with what justifies it beside it. Its author is recovered from the
signature when the bytes are decoded (`encoding`), and a COMMIT's sealer from its seal, so whoever
holds a message holds its origin, and the machine needs no cryptography. A draft is a message that
is still to be signed; keys are the performer's.

Digests are `hash_for_commit_seal` of a block in its round: the value that PREPARE and COMMIT name.
They are computed once, where a payload or certificate is made. Whether a message is valid at its
height is `rules`; its bytes are `encoding`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Generic, TypeVar

from node.spec.block import Block
from node.spec.seal import hash_for_commit_seal
from node.spec.types import Address, Hash32


class Kind(IntEnum):
    """Message codes on the wire, and the first item of what each signature covers."""

    PROPOSAL = 0x12
    PREPARE = 0x13
    COMMIT = 0x14
    ROUND_CHANGE = 0x15


SIGN_ORDER: Final = (Kind.ROUND_CHANGE, Kind.PROPOSAL, Kind.PREPARE, Kind.COMMIT)
"""The order in which a validator signs within one round, never backwards (N13)."""

Recover = Callable[[bytes, bytes], Address]
"""(digest, signature) to the signer; raises SignatureError. `spec.crypto.recover` in production."""


@dataclass(frozen=True, slots=True)
class ProposalPayload:
    """What a proposer signs: its block, carrying this round and no seals.

    `legacy` says that the payload has three items, as Besu before 26.1 signed it, instead of four.
    """

    height: int
    round: int
    block: Block
    digest: Hash32
    legacy: bool = False

    kind = Kind.PROPOSAL


@dataclass(frozen=True, slots=True)
class PreparePayload:
    """Its author accepted the proposal of `digest` in this round."""

    height: int
    round: int
    digest: Hash32

    kind = Kind.PREPARE


@dataclass(frozen=True, slots=True)
class CommitPayload:
    """Its author saw a quorum of PREPARE for `digest`; `seal` is its commit seal over it."""

    height: int
    round: int
    digest: Hash32
    seal: bytes

    kind = Kind.COMMIT


@dataclass(frozen=True, slots=True)
class PreparedMetadata:
    """The round in which a block was prepared, and its digest in that round."""

    round: int
    digest: Hash32


@dataclass(frozen=True, slots=True)
class RoundChangePayload:
    """Its author left every round below `round`, having prepared what `prepared` names."""

    height: int
    round: int
    prepared: PreparedMetadata | None = None

    kind = Kind.ROUND_CHANGE


Payload = ProposalPayload | PreparePayload | CommitPayload | RoundChangePayload
P = TypeVar("P", ProposalPayload, PreparePayload, CommitPayload, RoundChangePayload)


@dataclass(frozen=True, slots=True)
class Signed(Generic[P]):
    """A payload, its 65-byte signature, and the author recovered from it."""

    payload: P
    signature: bytes
    author: Address


SignedPrepare = Signed[PreparePayload]
SignedRoundChange = Signed[RoundChangePayload]


@dataclass(frozen=True, slots=True)
class _Cast(Generic[P]):
    """What all four messages share."""

    signed: Signed[P]

    @property
    def kind(self) -> Kind:
        return self.signed.payload.kind

    @property
    def height(self) -> int:
        return self.signed.payload.height

    @property
    def round(self) -> int:
        return self.signed.payload.round

    @property
    def author(self) -> Address:
        return self.signed.author


@dataclass(frozen=True, slots=True)
class Proposal(_Cast[ProposalPayload]):
    """A block for a round; after round 0 with a quorum of round changes that allow it."""

    round_changes: tuple[SignedRoundChange, ...] = ()
    prepares: tuple[SignedPrepare, ...] = ()

    @property
    def block(self) -> Block:
        """Return the block proposed."""
        return self.signed.payload.block

    @property
    def digest(self) -> Hash32:
        """Return the digest of the block it is about."""
        return self.signed.payload.digest


@dataclass(frozen=True, slots=True)
class Prepare(_Cast[PreparePayload]):
    """A vote that its author accepted the round's proposal."""

    @property
    def digest(self) -> Hash32:
        """Return the digest of the block it is about."""
        return self.signed.payload.digest


@dataclass(frozen=True, slots=True)
class Commit(_Cast[CommitPayload]):
    """A vote that makes the block final; `sealer` is whom the seal recovers to, None if nobody."""

    sealer: Address | None

    @property
    def digest(self) -> Hash32:
        """Return the digest of the block it is about."""
        return self.signed.payload.digest


@dataclass(frozen=True, slots=True)
class Certificate:
    """Proof that a block was prepared: the block in that round, and a quorum of PREPARE for it."""

    round: int
    digest: Hash32
    block: Block
    prepares: tuple[SignedPrepare, ...]


@dataclass(frozen=True, slots=True)
class RoundChange(_Cast[RoundChangePayload]):
    """A vote to enter a round, with the prepared block and its PREPAREs where there is one."""

    block: Block | None = None
    prepares: tuple[SignedPrepare, ...] = ()
    legacy: bool = False


Message = Proposal | Prepare | Commit | RoundChange


@dataclass(frozen=True, slots=True)
class ProposalDraft:
    """A proposal to be signed."""

    payload: ProposalPayload
    round_changes: tuple[SignedRoundChange, ...] = ()
    prepares: tuple[SignedPrepare, ...] = ()

    kind = Kind.PROPOSAL


@dataclass(frozen=True, slots=True)
class PrepareDraft:
    """A PREPARE to be signed."""

    payload: PreparePayload

    kind = Kind.PREPARE


@dataclass(frozen=True, slots=True)
class CommitDraft:
    """A COMMIT to be signed: its seal first, then the payload that holds the seal.

    `certificate` proves that the block was prepared; it is recorded with the signature (N13).
    """

    height: int
    round: int
    certificate: Certificate

    kind = Kind.COMMIT


@dataclass(frozen=True, slots=True)
class RoundChangeDraft:
    """A ROUND_CHANGE to be signed, carrying the prepared certificate where there is one."""

    payload: RoundChangePayload
    certificate: Certificate | None = None
    legacy: bool = False

    kind = Kind.ROUND_CHANGE


Draft = ProposalDraft | PrepareDraft | CommitDraft | RoundChangeDraft


def proposal_payload(
    height: int, round_number: int, block: Block, legacy: bool = False
) -> ProposalPayload:
    """Return the payload proposing `block`, its digest computed."""
    digest = hash_for_commit_seal(block.header)
    return ProposalPayload(height, round_number, block, digest, legacy)
