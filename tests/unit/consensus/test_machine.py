"""The machine must do what the formal specification does, event by event, and nothing more.

Four validators; the one under test is the second unless a test says otherwise. The first proposes
in round 0, the second in round 1, and so on.
"""

from dataclasses import replace
from typing import Any

import pytest

from node.consensus.events import (
    AnnounceHead,
    BlockBuilt,
    BlockChecked,
    BuildBlock,
    CheckBlock,
    CommitBlock,
    Fault,
    HeadChanged,
    MessageReceived,
    PeerConnected,
    PeerDisconnected,
    PoolChanged,
    ReportPeer,
    Restored,
    Send,
    Timer,
    TimerFired,
    TimerKind,
)
from node.consensus.machine import Machine
from node.consensus.messages import Kind, Message, Proposal, RoundChange
from node.consensus.rules import replace_round_in_block
from node.consensus.timing import Settings
from node.spec.seal import decode_extra_data, verify_seals
from node.spec.types import Hash32
from tests.unit.consensus.kit import (
    HEIGHT,
    PARENT,
    STRANGER,
    T0,
    VALIDATORS,
    Bench,
    block,
    certificate,
    commit,
    kinds,
    of_type,
    prepare,
    proposal,
    round_change,
    signed_kinds,
)

BLOCK = block()
DIGEST = certificate(BLOCK).digest
OTHER_BLOCK = block(transactions=(b"\x02other",), gas_used=1)
FIRST = proposal(0, BLOCK)


class TestRoundZero:
    """From the block timer to a sealed block."""

    def test_proposer_builds_when_the_block_period_is_over(self) -> None:
        bench = Bench(0)
        assert of_type(bench.begin(), BuildBlock) == []
        followed = bench.fire(TimerKind.BLOCK)
        assert bench.now_ms == (T0 + 1) * 1000
        assert of_type(followed, BuildBlock) == [BuildBlock(HEIGHT, 0, T0 + 1)]
        followed = bench.built(BLOCK)
        assert signed_kinds(followed) == [Kind.PROPOSAL]
        assert of_type(followed, CheckBlock) == [CheckBlock(BLOCK, DIGEST)]
        followed = bench.check(FIRST)
        assert signed_kinds(followed) == [Kind.PREPARE]

    def test_others_wait_for_the_proposal(self) -> None:
        bench = Bench()
        bench.begin()
        followed = bench.fire(TimerKind.BLOCK)
        assert kinds(followed) == ["StartTimer", "StartTimer"]
        assert kinds(bench.hear(FIRST)) == ["CheckBlock"]
        assert signed_kinds(bench.check(FIRST)) == [Kind.PREPARE]

    def test_commit_is_signed_once_prepared_and_not_before(self) -> None:
        bench = Bench()
        bench.begin()
        bench.accept(FIRST)
        assert signed_kinds(bench.hear(prepare(0, DIGEST))) == []
        assert signed_kinds(bench.hear(prepare(2, DIGEST))) == [Kind.COMMIT]
        assert signed_kinds(bench.hear(prepare(3, DIGEST))) == []
        assert [message.kind for message in bench.said] == [Kind.PREPARE, Kind.COMMIT]

    def test_a_quorum_of_commits_seals_the_block_once(self) -> None:
        bench = Bench()
        bench.begin()
        bench.accept(FIRST)
        bench.hear(prepare(0, DIGEST), prepare(2, DIGEST), commit(3, DIGEST))
        (sealed,) = of_type(bench.hear(commit(0, DIGEST)), CommitBlock)
        signers = verify_seals(sealed.block.header, VALIDATORS)
        assert signers == (VALIDATORS[0], VALIDATORS[1], VALIDATORS[3])
        assert replace_round_in_block(sealed.block, 0) == BLOCK
        assert bench.hear(commit(2, DIGEST)) == []

    def test_votes_that_came_before_the_proposal_count(self) -> None:
        bench = Bench()
        bench.begin()
        bench.hear(*(prepare(who, DIGEST) for who in (0, 2, 3)))
        bench.hear(*(commit(who, DIGEST) for who in (0, 2, 3)))
        followed = bench.accept(FIRST)
        assert signed_kinds(followed) == [Kind.PREPARE, Kind.COMMIT]
        assert len(of_type(followed, CommitBlock)) == 1

    def test_votes_for_another_digest_do_not_count(self) -> None:
        bench = Bench()
        bench.begin()
        bench.accept(FIRST)
        wrong = Hash32(b"\x09" * 32)
        followed = bench.hear(*(prepare(who, wrong) for who in (0, 2, 3)))
        followed += bench.hear(*(commit(who, wrong) for who in (0, 2, 3)))
        assert followed == []

    def test_an_invalid_block_is_not_prepared_and_its_round_is_lost(self) -> None:
        bench = Bench()
        bench.begin()
        bench.hear(FIRST)
        followed = bench.check(FIRST, valid=False)
        assert followed == [ReportPeer(VALIDATORS[0], Fault.INVALID_BLOCK, (FIRST,))]
        assert bench.hear(FIRST, proposal(0, OTHER_BLOCK)) == []

    def test_a_second_proposal_is_an_equivocation(self) -> None:
        bench = Bench()
        bench.begin()
        second = proposal(0, OTHER_BLOCK)
        bench.hear(FIRST)
        fault = ReportPeer(VALIDATORS[0], Fault.EQUIVOCATION, (FIRST, second))
        assert bench.hear(second) == [fault]
        bench.check(FIRST)
        assert bench.hear(second) == []
        assert bench.hear(FIRST) == []

    def test_a_proposal_by_anybody_else_is_reported(self) -> None:
        bench = Bench()
        bench.begin()
        usurped = proposal(2, block(coinbase=VALIDATORS[2]))
        assert of_type(bench.hear(usurped), ReportPeer) == [
            ReportPeer(VALIDATORS[2], Fault.INVALID_PROPOSAL, (usurped,))
        ]

    def test_an_answer_about_another_block_is_ignored(self) -> None:
        bench = Bench()
        bench.begin()
        bench.hear(FIRST)
        assert bench.check(proposal(0, OTHER_BLOCK)) == []
        assert signed_kinds(bench.check(FIRST)) == [Kind.PREPARE]
        assert signed_kinds(bench.check(FIRST)) == []

    def test_a_proposal_of_the_future_is_held_and_not_reported(self) -> None:
        bench = Bench()
        bench.begin()
        early = proposal(0, block(timestamp=T0 + 4))
        assert kinds(bench.hear(early)) == ["StartTimer"]
        followed = bench.fire(TimerKind.HOLD)
        assert bench.now_ms == (T0 + 3) * 1000
        assert kinds(followed) == ["CheckBlock"]

    def test_a_held_proposal_is_let_go_with_its_round(self) -> None:
        bench = Bench()
        bench.begin()
        bench.fire(TimerKind.BLOCK)
        bench.hear(proposal(0, block(timestamp=T0 + 60)))
        bench.fire(TimerKind.ROUND)
        assert bench.machine.round == 1
        assert bench.fire(TimerKind.HOLD) == []

    @pytest.mark.parametrize(
        ("vote", "fault"),
        [
            (prepare(0, Hash32(b"\x09" * 32)), Fault.EQUIVOCATION),
            (replace(commit(0, DIGEST), sealer=VALIDATORS[2]), Fault.INVALID_SEAL),
            (replace(round_change(0, 1), block=BLOCK), Fault.INVALID_ROUND_CHANGE),
        ],
    )
    def test_faulty_votes_are_reported_once(self, vote: Message, fault: Fault) -> None:
        bench = Bench()
        bench.begin()
        bench.hear(prepare(0, DIGEST))
        (report,) = of_type(bench.hear(vote), ReportPeer)
        assert (report.validator, report.fault, report.evidence[-1]) == (VALIDATORS[0], fault, vote)
        assert bench.hear(vote) == []

    def test_strangers_and_echoes_are_ignored(self) -> None:
        bench = Bench()
        bench.begin()
        bench.accept(FIRST)
        assert bench.hear(prepare(STRANGER, DIGEST), *bench.said) == []
        assert bench.machine.buffered_count == 1


class TestEmptyBlocks:
    """N7: when a height begins that has nothing to do."""

    def test_the_round_waits_for_a_transaction(self) -> None:
        bench = Bench(0)
        bench.begin(executable=False)
        assert bench.fire(TimerKind.BLOCK) == []
        bench.now_ms += 3_300
        followed = bench.give(PoolChanged(bench.now_ms, True))
        assert of_type(followed, BuildBlock) == [BuildBlock(HEIGHT, 0, T0 + 4)]
        assert bench.give(PoolChanged(bench.now_ms, True)) == []

    def test_and_for_the_empty_period_at_longest(self) -> None:
        bench = Bench(0)
        bench.begin(executable=False)
        bench.fire(TimerKind.BLOCK)
        bench.now_ms = (T0 + 10) * 1000
        followed = bench.give(TimerFired(bench.now_ms, bench.timers[TimerKind.EMPTY].timer))
        assert kinds(followed) == ["StartTimer", "StartTimer", "BuildBlock"]
        assert signed_kinds(bench.built(block(transactions=()))) == [Kind.PROPOSAL]

    def test_nothing_begins_before_the_block_period(self) -> None:
        bench = Bench(0)
        bench.begin(executable=False)
        assert bench.give(PoolChanged(bench.now_ms, True)) == []
        assert of_type(bench.fire(TimerKind.BLOCK), BuildBlock)

    def test_a_block_that_came_out_empty_is_let_go(self) -> None:
        bench = Bench(0)
        bench.begin()
        bench.fire(TimerKind.BLOCK)
        assert bench.built(block(transactions=())) == []
        assert bench.give(TimerFired(bench.now_ms, bench.timers[TimerKind.ROUND].timer)) == []
        assert bench.give(TimerFired(bench.now_ms, bench.timers[TimerKind.REPEAT].timer)) == []
        followed = bench.give(PoolChanged(bench.now_ms, True))
        assert of_type(followed, BuildBlock)
        assert signed_kinds(bench.built(BLOCK)) == [Kind.PROPOSAL]

    def test_a_period_of_zero_means_every_block_period(self) -> None:
        bench = Bench(0, empty_block_period_s=0)
        bench.begin(executable=False)
        assert of_type(bench.fire(TimerKind.BLOCK), BuildBlock)
        assert signed_kinds(bench.built(block(transactions=()))) == [Kind.PROPOSAL]

    def test_a_proposal_starts_the_clock_of_a_round_that_was_waiting(self) -> None:
        bench = Bench()
        bench.begin(executable=False)
        bench.fire(TimerKind.BLOCK)
        bench.accept(FIRST)
        assert signed_kinds(bench.fire(TimerKind.ROUND)) == [Kind.ROUND_CHANGE]

    def test_a_late_beginning_does_not_restart_a_clock_that_runs(self) -> None:
        bench = Bench(2)
        bench.begin(executable=False)
        bench.fire(TimerKind.BLOCK)
        bench.accept(FIRST)
        assert bench.give(PoolChanged(bench.now_ms, True)) == []


class TestGate:
    """N7: no round is timed before f + 1 others are connected, or 10 s have passed."""

    def start(self, *connected: int) -> Bench:
        bench = Bench()
        for index in connected:
            bench.give(PeerConnected(bench.now_ms, VALIDATORS[index]))
        bench.give(PoolChanged(bench.now_ms, True))
        bench.give(HeadChanged(bench.now_ms, PARENT, VALIDATORS))
        return bench

    def test_one_other_is_not_enough(self) -> None:
        bench = self.start(0)
        assert TimerKind.ROUND not in bench.timers
        bench.fire(TimerKind.BLOCK)
        assert TimerKind.ROUND not in bench.timers
        bench.give(PeerConnected(bench.now_ms, STRANGER.address))
        assert TimerKind.ROUND not in bench.timers
        bench.give(PeerConnected(bench.now_ms, VALIDATORS[3]))
        assert TimerKind.ROUND in bench.timers

    def test_who_left_does_not_count(self) -> None:
        bench = self.start(0)
        bench.give(PeerDisconnected(bench.now_ms, VALIDATORS[0]))
        bench.fire(TimerKind.BLOCK)
        bench.give(PeerConnected(bench.now_ms, VALIDATORS[3]))
        assert TimerKind.ROUND not in bench.timers

    def test_ten_seconds_are_enough(self) -> None:
        bench = self.start()
        bench.fire(TimerKind.BLOCK)
        gate = bench.timers[TimerKind.GATE]
        assert gate.delay_ms == 10_000
        bench.fire(TimerKind.GATE)
        assert TimerKind.ROUND in bench.timers

    def test_the_gate_may_open_before_the_round_begins(self) -> None:
        bench = self.start()
        assert bench.fire(TimerKind.GATE) == []
        assert TimerKind.ROUND not in bench.timers

    def test_a_validator_alone_waits_for_nobody(self) -> None:
        bench = Bench(0)
        bench.give(PoolChanged(bench.now_ms, True))
        bench.give(HeadChanged(bench.now_ms, PARENT, VALIDATORS[:1]))
        bench.fire(TimerKind.BLOCK)
        followed = [*bench.built(BLOCK), *bench.check(FIRST)]
        assert signed_kinds(followed) == [Kind.PROPOSAL, Kind.PREPARE, Kind.COMMIT]
        assert len(of_type(followed, CommitBlock)) == 1


class TestRoundChange:
    """When a round fails."""

    def bench(self, who: int = 1) -> Bench:
        bench = Bench(who)
        bench.begin()
        bench.fire(TimerKind.BLOCK)
        return bench

    def test_timeout_asks_for_the_next_round(self) -> None:
        bench = self.bench()
        followed = bench.fire(TimerKind.ROUND)
        assert signed_kinds(followed) == [Kind.ROUND_CHANGE]
        assert bench.machine.round == 1
        assert bench.timers[TimerKind.ROUND].delay_ms == 8_000
        (message,) = bench.said
        assert message == round_change(1, 1)

    def test_timeout_carries_the_lock(self) -> None:
        bench = self.bench()
        bench.accept(FIRST)
        bench.hear(prepare(0, DIGEST), prepare(2, DIGEST))
        bench.fire(TimerKind.ROUND)
        prepared = certificate(BLOCK)
        assert bench.said[-1] == round_change(1, 1, prepared)
        bench.fire(TimerKind.ROUND)
        assert bench.said[-1] == round_change(1, 2, prepared)

    def test_a_stale_timer_is_ignored(self) -> None:
        bench = self.bench()
        stale = bench.timers[TimerKind.ROUND].timer
        bench.fire(TimerKind.ROUND)
        assert bench.give(TimerFired(bench.now_ms, stale)) == []
        assert bench.give(TimerFired(bench.now_ms, Timer(TimerKind.HOLD, 1))) == []

    def test_the_proposer_of_a_later_round_needs_a_quorum(self) -> None:
        bench = self.bench()
        bench.fire(TimerKind.ROUND)
        assert of_type(bench.hear(round_change(0, 1)), BuildBlock) == []
        followed = bench.hear(round_change(2, 1))
        assert of_type(followed, BuildBlock) == [BuildBlock(HEIGHT, 1, T0 + 5)]
        assert of_type(bench.hear(round_change(3, 1)), BuildBlock) == []
        mine = block(0, VALIDATORS[1], transactions=())
        followed = bench.built(mine, 1)
        assert signed_kinds(followed) == [Kind.PROPOSAL]
        made = bench.said[-1]
        assert isinstance(made, Proposal)
        assert decode_extra_data(made.block.header.extra_data).round == 1
        assert [change.author for change in made.round_changes] == list(VALIDATORS[:3])

    def test_a_prepared_block_is_proposed_again(self) -> None:
        bench = self.bench()
        bench.fire(TimerKind.ROUND)
        prepared = certificate(BLOCK)
        followed = bench.hear(round_change(0, 1, prepared), round_change(2, 1))
        assert of_type(followed, BuildBlock) == []
        made = bench.said[-1]
        assert isinstance(made, Proposal)
        assert made.block == replace_round_in_block(BLOCK, 1)
        assert made.prepares == prepared.prepares
        assert signed_kinds(bench.check(made)) == [Kind.PREPARE]

    def test_a_block_built_for_a_round_that_is_over_is_not_proposed(self) -> None:
        bench = self.bench(0)
        bench.fire(TimerKind.ROUND)
        assert signed_kinds(bench.built(BLOCK)) == []
        late = BlockBuilt(bench.now_ms, HEIGHT + 1, 1, BLOCK)
        assert bench.give(late) == []

    def test_f_plus_1_ahead_are_followed(self) -> None:
        bench = self.bench(3)
        assert signed_kinds(bench.hear(round_change(0, 4))) == []
        followed = bench.hear(round_change(2, 6))
        assert signed_kinds(followed) == [Kind.ROUND_CHANGE]
        assert bench.machine.round == 4

    def test_a_valid_proposal_of_a_later_round_is_taken_at_once(self) -> None:
        bench = self.bench(3)
        changes = tuple(round_change(who, 42) for who in (0, 1, 2))
        later = proposal(2, block(42, VALIDATORS[2]), 42, changes)
        assert kinds(bench.hear(later)) == ["Send", "CheckBlock"]
        assert bench.machine.round == 0
        followed = bench.check(later)
        assert signed_kinds(followed) == [Kind.PREPARE]
        assert bench.machine.round == 42
        assert bench.timers[TimerKind.ROUND].delay_ms == 60_000

    def test_an_unjustified_proposal_of_a_later_round_is_reported(self) -> None:
        bench = self.bench(3)
        changes = tuple(round_change(who, 2) for who in (0, 1))
        forged = proposal(2, block(2, VALIDATORS[2]), 2, changes)
        assert kinds(bench.hear(forged)) == ["ReportPeer"]
        assert bench.machine.round == 0

    def test_a_later_proposal_supersedes_one_that_is_being_checked(self) -> None:
        bench = self.bench(3)
        bench.hear(FIRST)
        changes = tuple(round_change(who, 1) for who in (0, 1, 2))
        later = proposal(1, block(1, VALIDATORS[1]), 1, changes)
        assert CheckBlock(later.block, later.digest) in bench.hear(later)
        assert bench.check(FIRST) == []
        assert bench.hear(FIRST) == []
        assert signed_kinds(bench.check(later)) == [Kind.PREPARE]

    def test_no_block_is_built_while_a_later_proposal_is_being_checked(self) -> None:
        bench = self.bench()
        bench.fire(TimerKind.ROUND)
        changes = tuple(round_change(who, 2) for who in (0, 2, 3))
        bench.hear(proposal(2, block(2, VALIDATORS[2]), 2, changes))
        followed = bench.hear(round_change(0, 1), round_change(2, 1))
        assert of_type(followed, BuildBlock) == []

    def test_messages_of_rounds_that_are_over_are_dropped(self) -> None:
        bench = self.bench()
        bench.fire(TimerKind.ROUND)
        assert bench.hear(FIRST, prepare(0, DIGEST), commit(0, DIGEST)) == []
        bench.fire(TimerKind.ROUND)
        assert bench.hear(round_change(0, 1)) == []
        assert bench.machine.buffered_count == 1

    def test_round_changes_are_passed_on_but_not_back(self) -> None:
        bench = self.bench()
        message = round_change(0, 1)
        assert of_type(bench.hear(message), Send) == [Send((message,), via=VALIDATORS[0])]
        assert of_type(bench.hear(message), Send) == []

    def test_round_zero_is_not_passed_on(self) -> None:
        bench = self.bench()
        followed = [*bench.hear(FIRST, prepare(0, DIGEST)), *bench.check(FIRST)]
        assert of_type(followed, Send) == []

    def test_after_the_block_is_final_no_round_changes(self) -> None:
        bench = self.bench()
        bench.accept(FIRST)
        bench.hear(*(commit(who, DIGEST) for who in (0, 2, 3)))
        stale = bench.timers[TimerKind.ROUND].timer
        assert bench.give(TimerFired(bench.now_ms, stale)) == []
        assert bench.hear(round_change(0, 3), round_change(2, 3)) == []
        assert bench.check(FIRST) == []
        assert bench.machine.round == 0

    def test_the_last_round_has_no_next(self) -> None:
        bench = self.bench(3)
        last = 2**31 - 1
        bench.hear(round_change(0, last), round_change(2, last))
        assert bench.machine.round == last
        assert bench.fire(TimerKind.ROUND) == []

    def test_legacy_encoding_is_a_switch(self) -> None:
        bench = Bench(0, legacy_encoding=True)
        bench.begin()
        bench.fire(TimerKind.BLOCK)
        bench.built(BLOCK)
        bench.fire(TimerKind.ROUND)
        made, asked = bench.said
        assert isinstance(made, Proposal)
        assert isinstance(asked, RoundChange)
        assert made.signed.payload.legacy
        assert asked.legacy


class TestRepetition:
    """N12: heads and stored messages, on connection and while the round lasts."""

    def test_own_messages_are_repeated_with_the_head(self) -> None:
        bench = Bench()
        bench.begin()
        bench.accept(FIRST)
        followed = bench.fire(TimerKind.REPEAT)
        assert followed[:2] == [AnnounceHead(), Send(tuple(bench.said))]
        assert bench.timers[TimerKind.REPEAT].delay_ms == 1_000

    def test_only_those_of_the_latest_round(self) -> None:
        bench = Bench()
        bench.begin()
        bench.accept(FIRST)
        bench.fire(TimerKind.ROUND)
        followed = bench.fire(TimerKind.REPEAT)
        assert of_type(followed, Send) == [Send((round_change(1, 1),))]
        assert bench.timers[TimerKind.REPEAT].delay_ms == 2_000

    def test_who_said_nothing_repeats_the_head_alone(self) -> None:
        bench = Bench()
        bench.begin()
        bench.fire(TimerKind.BLOCK)
        assert kinds(bench.fire(TimerKind.REPEAT)) == ["AnnounceHead", "StartTimer"]

    def test_a_validator_that_connects_is_told(self) -> None:
        bench = Bench()
        bench.begin()
        bench.accept(FIRST)
        peer = VALIDATORS[2]
        followed = bench.give(PeerConnected(bench.now_ms, peer))
        assert followed == [AnnounceHead(peer), Send(tuple(bench.said), to=peer)]
        stranger = STRANGER.address
        assert bench.give(PeerConnected(bench.now_ms, stranger)) == [AnnounceHead(stranger)]

    def test_who_asks_for_a_round_of_a_height_that_is_over_is_told_the_head(self) -> None:
        bench = Bench()
        bench.begin()
        behind = round_change(0, 1, height=HEIGHT - 1)
        assert bench.hear(behind) == [AnnounceHead(VALIDATORS[0])]
        assert bench.hear(prepare(0, DIGEST, height=HEIGHT - 1)) == []


NEXT = replace(PARENT, number=HEIGHT, coinbase=VALIDATORS[0], timestamp=T0 + 1)


class TestHeights:
    """What passes from one height to the next."""

    def test_early_messages_are_judged_when_their_height_begins(self) -> None:
        bench = Bench()
        bench.begin()
        early = [prepare(who, DIGEST, height=HEIGHT + 1) for who in (0, 2)]
        bench.hear(*early, prepare(3, DIGEST, height=HEIGHT + 2))
        assert bench.machine.buffered_count == 2
        bench.give(HeadChanged(bench.now_ms, NEXT, VALIDATORS))
        assert bench.machine.height == HEIGHT + 1
        assert bench.machine.buffered_count == 2

    def test_a_new_head_ends_the_height_and_its_timers(self) -> None:
        bench = Bench()
        bench.begin()
        bench.fire(TimerKind.BLOCK)
        stale = bench.timers[TimerKind.ROUND].timer
        bench.give(HeadChanged(bench.now_ms, NEXT, VALIDATORS))
        assert bench.give(TimerFired(bench.now_ms, stale)) == []
        assert bench.hear(FIRST) == []

    def test_an_old_head_changes_nothing(self) -> None:
        bench = Bench()
        bench.begin()
        assert bench.give(HeadChanged(bench.now_ms, PARENT, VALIDATORS)) == []

    @pytest.mark.parametrize("head", [{"may_sign": False}, {}], ids=["observing", "no validator"])
    def test_who_may_not_vote_says_nothing(self, head: dict[str, Any]) -> None:
        bench = Bench()
        others = (VALIDATORS[0], *VALIDATORS[2:])
        validators = VALIDATORS if head else others
        bench.give(HeadChanged(bench.now_ms, PARENT, validators, **head))
        assert bench.hear(FIRST, prepare(0, DIGEST)) == []
        assert bench.give(PoolChanged(bench.now_ms, True)) == []
        assert bench.give(BlockChecked(bench.now_ms, DIGEST, True)) == []
        assert bench.machine.round == 0
        assert bench.fire(TimerKind.GATE) == []
        peer = VALIDATORS[2]
        assert bench.give(PeerConnected(bench.now_ms, peer)) == [AnnounceHead(peer)]

    def test_without_a_head_nothing_happens(self) -> None:
        machine = Machine(Settings(VALIDATORS[0]))
        assert machine.handle(MessageReceived(T0, FIRST, VALIDATORS[0])) == ()
        assert machine.handle(PeerConnected(T0, VALIDATORS[1])) == (AnnounceHead(VALIDATORS[1]),)
        assert machine.height == 0


class TestRestart:
    """N13: a restarted validator goes on where it was, and signs nothing twice."""

    def restored(self, *said: Message, prepared: Any = None) -> Restored:
        return Restored(max(message.round for message in said), said, prepared)

    def test_it_sends_what_it_had_signed_and_signs_nothing(self) -> None:
        bench = Bench()
        mine = prepare(1, DIGEST)
        followed = bench.begin(restored=self.restored(mine))
        assert Send((mine,)) in followed
        assert signed_kinds(followed) == []
        assert signed_kinds(bench.accept(FIRST)) == []
        assert signed_kinds(bench.hear(prepare(0, DIGEST), prepare(2, DIGEST))) == [Kind.COMMIT]

    def test_it_does_not_prepare_another_block_of_the_round(self) -> None:
        bench = Bench()
        bench.begin(restored=self.restored(prepare(1, DIGEST)))
        assert signed_kinds(bench.accept(proposal(0, OTHER_BLOCK))) == []

    def test_it_does_not_build_again_what_it_had_proposed(self) -> None:
        bench = Bench(0)
        followed = bench.begin(restored=self.restored(FIRST))
        assert of_type(followed, CheckBlock) == [CheckBlock(BLOCK, DIGEST)]
        assert of_type(bench.fire(TimerKind.BLOCK), BuildBlock) == []
        assert signed_kinds(bench.check(FIRST)) == [Kind.PREPARE]
        assert [message for message in bench.said if message.kind is Kind.PROPOSAL] == []

    def test_it_keeps_its_lock_and_counts_its_commit(self) -> None:
        bench = Bench()
        prepared = certificate(BLOCK)
        said = (prepare(1, DIGEST), commit(1, DIGEST))
        bench.begin(restored=self.restored(*said, prepared=prepared))
        followed = bench.hear(commit(0, DIGEST), commit(2, DIGEST))
        assert len(of_type(followed, CommitBlock)) == 1

    def test_its_lock_outlives_the_round(self) -> None:
        bench = Bench()
        prepared = certificate(BLOCK)
        bench.begin(restored=self.restored(round_change(1, 1, prepared), prepared=prepared))
        assert bench.machine.round == 1
        bench.fire(TimerKind.ROUND)
        assert bench.said == [round_change(1, 2, prepared)]

    def test_it_resumes_in_the_highest_round(self) -> None:
        bench = Bench()
        last = round_change(1, 3)
        followed = bench.begin(restored=self.restored(prepare(1, DIGEST), last))
        assert bench.machine.round == 3
        assert of_type(followed, Send) == [Send((last,))]
        assert bench.timers[TimerKind.ROUND].delay_ms == 32_000

    def test_it_rejoins_at_the_round_it_was_told(self) -> None:
        bench = Bench()
        followed = bench.begin(restored=Restored(5))
        assert signed_kinds(followed) == [Kind.ROUND_CHANGE]
        assert bench.said == [round_change(1, 5)]
        assert bench.machine.round == 5

    def test_with_nothing_signed_it_begins_like_anybody(self) -> None:
        bench = Bench(0)
        bench.begin(restored=Restored(0))
        assert of_type(bench.fire(TimerKind.BLOCK), BuildBlock)

    def test_the_gate_holds_its_timer_too(self) -> None:
        bench = Bench()
        restored = self.restored(round_change(1, 3))
        bench.give(HeadChanged(bench.now_ms, PARENT, VALIDATORS, restored=restored))
        assert TimerKind.ROUND not in bench.timers
        bench.fire(TimerKind.GATE)
        assert bench.timers[TimerKind.ROUND].delay_ms == 32_000


def test_four_machines_back_to_back_finalise_one_block() -> None:
    """No simulation: four machines, and everything said is heard by the others at once."""
    benches = [Bench(who) for who in range(4)]
    for bench in benches:
        bench.begin()
        bench.fire(TimerKind.BLOCK)
    benches[0].built(BLOCK)
    finalised = set()
    for _ in range(4):
        said = [message for bench in benches for message in bench.said]
        for who, bench in enumerate(benches):
            followed = bench.hear(*said) + bench.check(FIRST)
            if of_type(followed, CommitBlock):
                finalised.add(who)
    assert finalised == {0, 1, 2, 3}


def test_a_commit_is_counted_when_prepared_and_not_when_the_proposal_is_accepted() -> None:
    """N10, where Besu counts its own COMMIT at acceptance."""
    bench = Bench()
    bench.begin()
    bench.accept(FIRST)
    assert of_type(bench.hear(commit(0, DIGEST), commit(2, DIGEST)), CommitBlock) == []
    followed = bench.hear(prepare(0, DIGEST), prepare(2, DIGEST))
    assert signed_kinds(followed) == [Kind.COMMIT]
    assert len(of_type(followed, CommitBlock)) == 1


def test_a_gate_that_opens_after_the_block_is_final_starts_no_clock() -> None:
    bench = Bench()
    bench.give(PoolChanged(bench.now_ms, True))
    bench.give(HeadChanged(bench.now_ms, PARENT, VALIDATORS))
    bench.accept(FIRST)
    bench.hear(*(commit(who, DIGEST) for who in (0, 2, 3)))
    bench.fire(TimerKind.GATE)
    assert TimerKind.ROUND not in bench.timers
