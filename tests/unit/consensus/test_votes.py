"""What a stranger can make a validator remember must be bounded (N11), and the rest kept."""

from dataclasses import replace

import pytest

from node.consensus import votes as module
from node.consensus.encoding import encode_message
from node.consensus.events import Fault
from node.consensus.intake import REMEMBERED_FRAME_LENGTH_MAX, REMEMBERED_LENGTH_MAX, Intake
from node.consensus.messages import Kind, Prepare
from node.consensus.votes import ROUNDS_AHEAD_MAX, Ahead, Votes
from node.errors import DecodeError
from node.spec.crypto import recover
from node.spec.types import Address, Hash32
from tests.unit.consensus.kit import (
    CONTEXT,
    HEIGHT,
    block,
    certificate,
    commit,
    prepare,
    proposal,
    round_change,
)

DIGEST = certificate(block()).digest
OTHER = Hash32(b"\x05" * 32)


def test_an_authors_first_vote_counts_and_a_second_is_an_equivocation() -> None:
    votes = Votes(CONTEXT)
    assert votes.add(prepare(0, DIGEST), 0)
    assert not votes.add(prepare(0, DIGEST), 0)
    assert not votes.add(prepare(0, OTHER), 0)
    assert votes.fault_of(prepare(0, DIGEST)) is None
    assert votes.fault_of(prepare(0, OTHER)) is Fault.EQUIVOCATION
    assert [vote.author for vote in votes.prepares(0, DIGEST)] == [prepare(0, DIGEST).author]
    assert votes.prepares(0, OTHER) == []


def test_votes_come_back_by_author_whatever_the_order_of_arrival() -> None:
    votes = Votes(CONTEXT)
    for who in (2, 0, 1):
        assert votes.add(commit(who, DIGEST), 0)
    assert votes.commits(0, DIGEST) == [commit(who, DIGEST) for who in (0, 1, 2)]


@pytest.mark.parametrize(
    ("round_number", "kept"),
    [(3, False), (4, True), (4 + ROUNDS_AHEAD_MAX, True), (5 + ROUNDS_AHEAD_MAX, False)],
)
def test_votes_are_kept_for_rounds_in_reach(round_number: int, kept: bool) -> None:
    votes = Votes(CONTEXT)
    assert votes.add(prepare(0, DIGEST, round_number), 4) is kept
    assert votes.add(commit(0, DIGEST, round_number), 4) is kept
    assert len(votes) == 2 * kept


def test_of_round_changes_the_highest_is_kept_however_far() -> None:
    votes = Votes(CONTEXT)
    assert votes.add(round_change(0, 5), 0)
    assert not votes.add(round_change(0, 4), 0)
    assert votes.add(round_change(0, 2**31 - 1), 0)
    assert votes.add(round_change(1, 5), 0)
    assert len(votes) == 2
    assert votes.round_changes_to(5) == [round_change(1, 5)]


def test_faults_of_votes() -> None:
    votes = Votes(CONTEXT)
    claim = round_change(0, 1, certificate(block()))
    assert votes.fault_of(claim) is None
    assert votes.fault_of(replace(claim, prepares=())) is Fault.INVALID_ROUND_CHANGE
    votes.add(claim, 0)
    assert votes.fault_of(round_change(0, 1)) is Fault.EQUIVOCATION
    assert votes.fault_of(replace(commit(0, DIGEST), sealer=None)) is Fault.INVALID_SEAL
    assert votes.fault_of(commit(0, DIGEST)) is None


def test_rounds_that_are_over_are_forgotten() -> None:
    votes = Votes(CONTEXT)
    for round_number in (0, 1, 2):
        votes.add(prepare(0, DIGEST, round_number), 0)
        votes.add(commit(0, DIGEST, round_number), 0)
    votes.forget_below(2)
    assert len(votes) == 2
    assert votes.prepares(2, DIGEST)
    assert votes.prepares(1, DIGEST) == []


def test_a_liar_fills_its_own_places_only() -> None:
    votes, ahead = Votes(CONTEXT), Ahead()
    for round_number in range(200):
        for message in (prepare(0, DIGEST, round_number), round_change(0, round_number + 1)):
            votes.add(message, 0)
            ahead.add(message)
    assert len(votes) == ROUNDS_AHEAD_MAX + 2
    assert len(ahead) == ROUNDS_AHEAD_MAX + 2


def test_what_came_early_is_given_back_in_order_and_once() -> None:
    ahead = Ahead()
    early = [prepare(0, DIGEST, height=HEIGHT + 1), proposal(1, block(), height=HEIGHT + 1)]
    for message in [*early, prepare(2, DIGEST)]:
        ahead.add(message)
    assert ahead.take(HEIGHT + 1) == tuple(early)
    assert ahead.take(HEIGHT + 1) == ()
    assert len(ahead) == 0


def test_bytes_kept_for_the_next_height_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AHEAD_BYTES_MAX", 6_000)
    ahead = Ahead()
    large = proposal(0, block(transactions=(b"\x02" * 3_000,)))
    ahead.add(large)
    ahead.add(proposal(1, block(transactions=(b"\x02" * 3_000,))))
    assert len(ahead) == 1
    ahead.add(large)
    ahead.add(round_change(2, 1))
    assert len(ahead) == 2


def test_intake_recovers_a_repeated_frame_once() -> None:
    recovered = []

    def counting(digest: bytes, signature: bytes) -> Address:
        recovered.append(digest)
        return recover(digest, signature)

    intake = Intake(counting)
    data = encode_message(prepare(0, DIGEST))
    first = intake.decode(Kind.PREPARE, data)
    assert intake.decode(Kind.PREPARE, data) is first
    assert len(recovered) == 1
    with pytest.raises(DecodeError):
        intake.decode(Kind.COMMIT, data)
    assert len(intake) == 1


def test_intake_forgets_the_oldest_and_keeps_nothing_large() -> None:
    intake = Intake(lambda digest, signature: CONTEXT.validators[0])
    frames = [
        encode_message(replace(prepare(0, DIGEST), signed=replace(SIGNED, signature=mark)))
        for mark in (number.to_bytes(65, "big") for number in range(REMEMBERED_LENGTH_MAX + 1))
    ]
    first = intake.decode(Kind.PREPARE, frames[0])
    for data in frames[1:]:
        intake.decode(Kind.PREPARE, data)
    assert len(intake) == REMEMBERED_LENGTH_MAX
    assert intake.decode(Kind.PREPARE, frames[0]) is not first
    large = encode_message(proposal(0, block(transactions=(b"\2" * REMEMBERED_FRAME_LENGTH_MAX,))))
    count = len(intake)
    assert intake.decode(Kind.PROPOSAL, large) is not intake.decode(Kind.PROPOSAL, large)
    assert len(intake) == count


SIGNED = Prepare(prepare(0, DIGEST).signed).signed
