"""What makes a message valid: pure predicates, named as in QBFT's formal specification.

Each cites `node_auxiliary_functions.dfy` of the specification ("L1"), or the Besu rule where that
is stricter. They judge what was signed; whether the block inside is valid upon the head is asked of
the ledger. Nothing here reads a clock or recovers a signature.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from node.consensus.messages import (
    Certificate,
    Commit,
    PreparedMetadata,
    Proposal,
    RoundChange,
    RoundChangeDraft,
    RoundChangePayload,
    SignedPrepare,
    SignedRoundChange,
)
from node.spec.block import Block, transactions_root
from node.spec.header import Header
from node.spec.seal import (
    decode_extra_data,
    f,
    hash_for_block,
    hash_for_commit_seal,
    proposer,
    quorum,
    with_round,
)
from node.spec.types import Address, Hash32


@dataclass(frozen=True, slots=True)
class Context:
    """A height, and what it stands on: the parent, and who validates."""

    height: int
    parent: Header
    parent_hash: Hash32
    validators: tuple[Address, ...]

    @property
    def quorum(self) -> int:
        """Return how many validators must agree."""
        return quorum(len(self.validators))

    def proposer(self, round_number: int) -> Address:
        """Return who proposes in a round. L1 proposer."""
        return proposer(self.validators, self.parent.coinbase, round_number)


def context_of(head: Header, validators: Iterable[Address]) -> Context:
    """Return the context of the height after `head`."""
    return Context(head.number + 1, head, hash_for_block(head), tuple(sorted(validators)))


def replace_round_in_block(block: Block, round_number: int) -> Block:
    """Return the block carrying another round and no seals. L1 replaceRoundInBlock."""
    return replace(block, header=with_round(block.header, round_number))


def is_block_for(block: Block, context: Context, round_number: int) -> bool:
    """Whether the block stands on the head, in this round, unsealed, by a validator.

    L1 isProposalJustification (`header.height`, `header.roundNumber`); Besu rules 1 and 8.
    """
    header = block.header
    extra = decode_extra_data(header.extra_data)
    return (
        header.number == context.height
        and header.parent_hash == context.parent_hash
        and header.coinbase in context.validators
        and extra.round == round_number
        and not extra.seals
    )


def valid_signed_prepare_for_height_round_and_digest(
    signed: SignedPrepare,
    height: int,
    round_number: int,
    digest: Hash32,
    validators: Collection[Address],
) -> bool:
    """Whether a PREPARE votes for this digest here. L1, of the same name."""
    payload = signed.payload
    return (
        payload.height == height
        and payload.round == round_number
        and payload.digest == digest
        and signed.author in validators
    )


def is_quorum_of_prepares(
    prepares: Sequence[SignedPrepare], context: Context, round_number: int, digest: Hash32
) -> bool:
    """Whether distinct validators, a quorum of them, prepared the digest in the round.

    L1 isProposalJustification, its clause on `prepares`; that authors are distinct is Besu's.
    """
    authors = {signed.author for signed in prepares}
    return (
        len(authors) == len(prepares)
        and len(authors) >= context.quorum
        and all(
            valid_signed_prepare_for_height_round_and_digest(
                signed, context.height, round_number, digest, context.validators
            )
            for signed in prepares
        )
    )


def valid_round_change(signed: SignedRoundChange, context: Context, round_number: int) -> bool:
    """Whether a signed round change is for this round. L1 validRoundChange."""
    payload = signed.payload
    return (
        payload.height == context.height
        and payload.round == round_number
        and round_number > 0
        and (payload.prepared is None or payload.prepared.round < round_number)
        and signed.author in context.validators
    )


@lru_cache(maxsize=4)
def is_whole(block: Block) -> bool:
    """Whether the transactions are those of the header.

    No digest covers them but through the header. A proposal's are checked with its block; those in
    a ROUND_CHANGE are proposed again by whoever believes it, so they are checked here. After a
    failed round all validators send the same block: the last few answers are remembered.
    """
    return transactions_root(block.transactions) == block.header.transactions_root


def is_valid_round_change_message(message: RoundChange, context: Context) -> bool:
    """Whether a ROUND_CHANGE proves what it claims to have prepared.

    Besu: the block is there exactly when the claim is, whole, with the claimed digest in the
    claimed round, and a quorum of PREPARE for it.
    """
    payload = message.signed.payload
    if not valid_round_change(message.signed, context, payload.round):
        return False
    if payload.prepared is None or message.block is None:
        return payload.prepared is None and message.block is None and not message.prepares
    prepared = payload.prepared
    return (
        is_block_for(message.block, context, prepared.round)
        and hash_for_commit_seal(message.block.header) == prepared.digest
        and is_quorum_of_prepares(message.prepares, context, prepared.round, prepared.digest)
        and is_whole(message.block)
    )


def highest_prepared(round_changes: Iterable[SignedRoundChange]) -> PreparedMetadata | None:
    """Return the claim of the highest prepared round, None if nothing was. L1 isHighestPrepared."""
    claims = [part.payload.prepared for part in round_changes if part.payload.prepared]
    return max(claims, key=lambda claim: claim.round, default=None)


def is_proposal_justification(message: Proposal, context: Context) -> bool:
    """Whether the round changes and prepares allow this block. L1 isProposalJustification."""
    round_number = message.round
    if not is_block_for(message.block, context, round_number):
        return False
    if round_number == 0:
        empty = not message.round_changes and not message.prepares
        return empty and message.block.header.coinbase == message.author
    if not _is_quorum_of_round_changes(message.round_changes, context, round_number):
        return False
    prepared = highest_prepared(message.round_changes)
    if prepared is None:
        return not message.prepares and message.block.header.coinbase == message.author
    before = replace_round_in_block(message.block, prepared.round)
    return hash_for_commit_seal(before.header) == prepared.digest and is_quorum_of_prepares(
        message.prepares, context, prepared.round, prepared.digest
    )


def _is_quorum_of_round_changes(
    round_changes: Sequence[SignedRoundChange], context: Context, round_number: int
) -> bool:
    """Whether the authors are a distinct quorum that claims no round prepared twice (Besu)."""
    authors = {signed.author for signed in round_changes}
    claims = {part.payload.prepared for part in round_changes if part.payload.prepared}
    return (
        len(authors) == len(round_changes)
        and len(authors) >= context.quorum
        and all(valid_round_change(signed, context, round_number) for signed in round_changes)
        and len({claim.round for claim in claims}) == len(claims)
    )


def is_valid_proposal(message: Proposal, context: Context) -> bool:
    """Whether a proposal may be accepted if its block is valid. L1 isValidProposal.

    Its last clause, which round the node itself is in, is the machine's.
    """
    return (
        message.height == context.height
        and message.author == context.proposer(message.round)
        and is_proposal_justification(message, context)
    )


def validate_commit(message: Commit, context: Context, round_number: int, digest: Hash32) -> bool:
    """Whether a COMMIT seals this digest here by its author's own seal. L1 validateCommit."""
    return (
        message.height == context.height
        and message.round == round_number
        and message.digest == digest
        and message.author in context.validators
        and message.sealer == message.author
    )


def create_round_change(
    context: Context, round_number: int, certificate: Certificate | None, legacy: bool = False
) -> RoundChangeDraft:
    """Return the ROUND_CHANGE to a round, with what was prepared. L1 createRoundChange."""
    prepared = None
    if certificate is not None:
        prepared = PreparedMetadata(certificate.round, certificate.digest)
    payload = RoundChangePayload(context.height, round_number, prepared)
    return RoundChangeDraft(payload, certificate, legacy)


def future_round(rounds: Iterable[int], current: int, validator_count: int) -> int | None:
    """Return the round that f + 1 validators have reached or passed, None if fewer are ahead.

    L1 UponRoundChange, second case: the least round of a set of f + 1 future round changes. Of the
    sets to choose from, the one of the highest rounds is taken: one honest validator at least is in
    that round or a later one, and it is reached in one step instead of several.
    """
    ahead = sorted((number for number in rounds if number > current), reverse=True)
    needed = f(validator_count) + 1
    return ahead[needed - 1] if len(ahead) >= needed else None
