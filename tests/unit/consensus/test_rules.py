"""Each rule of QBFT, held and broken: a forged justification must fail one predicate at least."""

from dataclasses import replace
from typing import Any

import pytest

from node.consensus.messages import PreparedMetadata, RoundChangePayload
from node.consensus.rules import (
    create_round_change,
    future_round,
    highest_prepared,
    is_block_for,
    is_quorum_of_prepares,
    is_valid_proposal,
    is_valid_round_change_message,
    replace_round_in_block,
    valid_round_change,
    valid_signed_prepare_for_height_round_and_digest,
    validate_commit,
)
from node.spec.seal import f, hash_for_block, hash_for_commit_seal, quorum, with_seals
from node.spec.types import Address, Hash32
from tests.unit.consensus.kit import (
    CONTEXT,
    HEIGHT,
    STRANGER,
    VALIDATORS,
    VECTORS,
    block,
    certificate,
    commit,
    prepare,
    proposal,
    round_change,
    signed,
)

RULES = VECTORS["rules"]
OTHER = Hash32(b"\x05" * 32)
BLOCK = block()
PREPARED = certificate(BLOCK)
DIGEST = PREPARED.digest


@pytest.mark.parametrize(("count", "needed"), RULES["quorum_ceil_2n_3"].items())
def test_quorum_is_besus(count: str, needed: int) -> None:
    assert quorum(int(count)) == needed


@pytest.mark.parametrize(("count", "needed"), RULES["early_round_change_f_plus_1"].items())
def test_a_later_round_is_followed_at_f_plus_1(count: str, needed: int) -> None:
    validator_count = int(count)
    assert f(validator_count) + 1 == needed
    assert future_round([3] * needed, 2, validator_count) == 3
    assert future_round([3] * (needed - 1), 2, validator_count) is None
    assert future_round([2] * needed, 2, validator_count) is None


def test_liars_alone_do_not_decide_how_far_to_jump() -> None:
    assert future_round([2**31 - 1, 7, 5], 4, 4) == 7
    assert future_round([2**31 - 1, 5], 4, 4) == 5
    assert future_round([2**31 - 1, 4], 4, 4) is None


def test_the_first_proposer_follows_the_last() -> None:
    order = [CONTEXT.proposer(number) for number in range(5)]
    assert order == [*VALIDATORS, VALIDATORS[0]]


def test_the_round_in_a_block_changes_its_digest_but_not_its_hash() -> None:
    moved = replace_round_in_block(BLOCK, 3)
    assert hash_for_block(moved.header) == hash_for_block(BLOCK.header)
    assert hash_for_commit_seal(moved.header) != hash_for_commit_seal(BLOCK.header)
    assert replace_round_in_block(moved, 0) == BLOCK


@pytest.mark.parametrize(
    ("candidate", "round_number", "holds"),
    [
        (BLOCK, 0, True),
        (block(2), 2, True),
        (block(2), 1, False),
        (block(number=HEIGHT + 1), 0, False),
        (block(parent_hash=OTHER), 0, False),
        (block(coinbase=STRANGER.address), 0, False),
        (replace(BLOCK, header=with_seals(BLOCK.header, [b"s" * 65])), 0, False),
    ],
)
def test_is_block_for(candidate: Any, round_number: int, holds: bool) -> None:
    assert is_block_for(candidate, CONTEXT, round_number) is holds


@pytest.mark.parametrize(
    ("vote", "holds"),
    [
        (prepare(0, DIGEST), True),
        (prepare(0, DIGEST, height=HEIGHT + 1), False),
        (prepare(0, DIGEST, 1), False),
        (prepare(0, OTHER), False),
        (prepare(STRANGER, DIGEST), False),
    ],
)
def test_valid_signed_prepare(vote: Any, holds: bool) -> None:
    here = (HEIGHT, 0, DIGEST, VALIDATORS)
    assert valid_signed_prepare_for_height_round_and_digest(vote.signed, *here) is holds


@pytest.mark.parametrize(
    ("votes", "holds"),
    [
        ([0, 1, 2], True),
        ([0, 1, 2, 3], True),
        ([0, 1], False),
        ([0, 1, 1], False),
        ([0, 1, 2, 2], False),
        ([0, 1, 2, STRANGER], False),
        ([], False),
    ],
)
def test_is_quorum_of_prepares(votes: list[Any], holds: bool) -> None:
    prepares = [prepare(who, DIGEST).signed for who in votes]
    assert is_quorum_of_prepares(prepares, CONTEXT, 0, DIGEST) is holds


@pytest.mark.parametrize(
    ("message", "round_number", "holds"),
    [
        (round_change(0, 1), 1, True),
        (round_change(0, 1, PREPARED), 1, True),
        (round_change(0, 2), 1, False),
        (round_change(0, 0), 0, False),
        (round_change(0, 1, height=HEIGHT + 1), 1, False),
        (round_change(STRANGER, 1), 1, False),
        (round_change(0, 1, certificate(BLOCK, 1)), 1, False),
    ],
)
def test_valid_round_change(message: Any, round_number: int, holds: bool) -> None:
    assert valid_round_change(message.signed, CONTEXT, round_number) is holds


CLAIM = round_change(0, 3, PREPARED)


@pytest.mark.parametrize(
    ("message", "holds"),
    [
        (round_change(0, 3), True),
        (CLAIM, True),
        (round_change(0, 3, certificate(BLOCK, 2)), True),
        (round_change(STRANGER, 3), False),
        (replace(CLAIM, block=None), False),
        (replace(CLAIM, block=block(gas_used=1)), False),
        (replace(CLAIM, block=block(1)), False),
        (replace(CLAIM, prepares=()), False),
        (replace(CLAIM, block=replace(BLOCK, transactions=())), False),
        (replace(CLAIM, prepares=PREPARED.prepares[:2]), False),
        (replace(CLAIM, prepares=certificate(BLOCK, 1).prepares), False),
        (replace(round_change(0, 3), block=BLOCK), False),
        (replace(round_change(0, 3), prepares=PREPARED.prepares), False),
    ],
)
def test_a_round_change_proves_what_it_claims(message: Any, holds: bool) -> None:
    assert is_valid_round_change_message(message, CONTEXT) is holds


def test_highest_prepared() -> None:
    changes = [round_change(0, 5), round_change(1, 5, certificate(BLOCK, 3)), CLAIM]
    found = highest_prepared(change.signed for change in changes)
    assert found == PreparedMetadata(3, certificate(BLOCK, 3).digest)
    assert highest_prepared([round_change(0, 5).signed]) is None


FRESH = tuple(round_change(who, 1) for who in (0, 1, 2))
LOCKED = (round_change(0, 1, PREPARED), *FRESH[1:])
OTHER_PREPARED = certificate(block(transactions=(b"\x02other",), gas_used=1))
LATER = tuple(round_change(who, 2) for who in (0, 1))
CLASH = (round_change(0, 2, PREPARED), round_change(1, 2, OTHER_PREPARED), round_change(2, 2))
HIGHER = (round_change(0, 2, PREPARED), round_change(1, 2, certificate(BLOCK, 1)), *LATER[:0])


@pytest.mark.parametrize(
    ("message", "holds"),
    [
        # Round 0 needs no justification, and allows none.
        (proposal(0, BLOCK), True),
        (proposal(1, block(coinbase=VALIDATORS[1])), False),
        (proposal(0, block(coinbase=VALIDATORS[1])), False),
        (proposal(0, BLOCK, 0, FRESH), False),
        (proposal(0, BLOCK, 0, (), PREPARED.prepares), False),
        (proposal(0, BLOCK, height=HEIGHT + 1), False),
        (proposal(0, block(number=HEIGHT + 1)), False),
        # Round 1, nothing prepared: the proposer's own new block.
        (proposal(1, block(1, VALIDATORS[1]), 1, FRESH), True),
        (proposal(1, block(1, VALIDATORS[0]), 1, FRESH), False),
        (proposal(1, block(0, VALIDATORS[1]), 1, FRESH), False),
        (proposal(0, block(1, VALIDATORS[0]), 1, FRESH), False),
        (proposal(1, block(1, VALIDATORS[1]), 1, FRESH[:2]), False),
        (proposal(1, block(1, VALIDATORS[1]), 1, (*FRESH[:2], FRESH[1])), False),
        (proposal(1, block(1, VALIDATORS[1]), 1, (*FRESH[:2], round_change(STRANGER, 1))), False),
        (proposal(1, block(1, VALIDATORS[1]), 1, (*FRESH[:2], round_change(2, 2))), False),
        (proposal(1, block(1, VALIDATORS[1]), 1, FRESH, PREPARED.prepares), False),
        # Round 1, a block prepared in round 0: that block, whoever built it, and its prepares.
        (proposal(1, block(1), 1, LOCKED, PREPARED.prepares), True),
        (proposal(1, block(1, VALIDATORS[1]), 1, LOCKED, PREPARED.prepares), False),
        (proposal(1, block(1), 1, LOCKED), False),
        (proposal(1, block(1), 1, LOCKED, PREPARED.prepares[:2]), False),
        (proposal(1, block(1), 1, LOCKED, PREPARED.prepares[:2] * 2), False),
        (proposal(1, block(1), 1, LOCKED, OTHER_PREPARED.prepares), False),
        (proposal(1, block(1), 1, LOCKED, certificate(BLOCK, 1).prepares), False),
        # Two claims of one round that differ are a lie; the highest round wins.
        (proposal(2, block(2), 2, CLASH, PREPARED.prepares), False),
        (
            proposal(2, block(2), 2, (*HIGHER, round_change(2, 2)), certificate(BLOCK, 1).prepares),
            True,
        ),
        (proposal(2, block(2), 2, (*HIGHER, round_change(2, 2)), PREPARED.prepares), False),
    ],
)
def test_is_valid_proposal(message: Any, holds: bool) -> None:
    assert is_valid_proposal(message, CONTEXT) is holds


@pytest.mark.parametrize(
    ("vote", "holds"),
    [
        (commit(0, DIGEST), True),
        (commit(0, DIGEST, 1), False),
        (commit(0, DIGEST, height=HEIGHT + 1), False),
        (commit(0, OTHER), False),
        (commit(STRANGER, DIGEST), False),
        (replace(commit(0, DIGEST), sealer=VALIDATORS[1]), False),
        (replace(commit(0, DIGEST), sealer=None), False),
    ],
)
def test_validate_commit(vote: Any, holds: bool) -> None:
    assert validate_commit(vote, CONTEXT, 0, DIGEST) is holds


def test_create_round_change_carries_what_was_prepared() -> None:
    draft = create_round_change(CONTEXT, 2, PREPARED)
    assert draft.payload == RoundChangePayload(HEIGHT, 2, PreparedMetadata(0, DIGEST))
    assert draft.certificate == PREPARED
    assert create_round_change(CONTEXT, 2, None).payload.prepared is None


@pytest.mark.parametrize("entry", RULES["proposer"], ids=lambda e: str(e["prev_proposer"]))
def test_proposer_is_besus(entry: dict[str, Any]) -> None:
    def address(name: str) -> Address:
        return Address(name[:1].encode() * 20)

    validators = tuple(address(name) for name in entry["validators"])
    parent = replace(CONTEXT.parent, coinbase=address(entry["prev_proposer"]))
    context = replace(CONTEXT, parent=parent, validators=validators)
    assert context.proposer(entry["round"]) == address(entry["next"])


def test_a_signature_binds_height_and_round() -> None:
    one = signed(0, RoundChangePayload(HEIGHT, 1))
    two = signed(0, RoundChangePayload(HEIGHT, 2))
    assert one.signature != two.signature
