"""Nothing may leave that a restart could forget: the order sign, record, send is tested here."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from node.consensus.encoding import decode_message, encode_certificate, encode_message
from node.consensus.events import (
    BlockBuilt,
    BlockChecked,
    BuildBlock,
    CheckBlock,
    HeadChanged,
    MessageReceived,
    PeerConnected,
    PoolChanged,
    ReportPeer,
    Restored,
    StartTimer,
    TimerFired,
    TimerKind,
)
from node.consensus.machine import Machine
from node.consensus.messages import (
    CommitDraft,
    Kind,
    PrepareDraft,
    PreparePayload,
    ProposalDraft,
    proposal_payload,
)
from node.consensus.rules import create_round_change
from node.consensus.timing import Settings
from node.errors import EquivocationRefused, StoreError
from node.runtime.performer import Performer, first_height_to_sign, restored, sign_draft
from node.spec.block import Block
from node.spec.crypto import recover
from node.spec.types import Address
from node.storage.sign_state import SignedRecord
from tests.unit.consensus.kit import (
    CONTEXT,
    HEIGHT,
    KEYS,
    PARENT,
    T0,
    VALIDATORS,
    block,
    certificate,
    commit,
    prepare,
    proposal,
    round_change,
)

NOW_MS = T0 * 1000 + 100
BLOCK = block()
PREPARED = certificate(BLOCK)
FIRST = proposal(0, BLOCK)


class Journal:
    """A host and sign-state that write down everything that is done, in order."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.entries: list[SignedRecord] = []
        self.certificates: list[bytes] = []
        self.timers: dict[TimerKind, StartTimer] = {}
        self.fault: Exception | None = None
        self.last: int | None = HEIGHT - 1

    def record(self, entry: SignedRecord, certificate: bytes = b"") -> None:
        if self.fault is not None:
            raise self.fault
        self.done.append(("record", Kind(entry.kind)))
        self.entries.append(entry)
        self.certificates += [certificate] if certificate else []

    def records(self, height: int) -> tuple[SignedRecord, ...]:
        return tuple(entry for entry in self.entries if entry.height == height)

    def certificate(self, height: int) -> bytes:
        del height
        return self.certificates[-1] if self.certificates else b""

    def last_height(self) -> int | None:
        return max((entry.height for entry in self.entries), default=self.last)

    def durably(self, write: Callable[[], None], then: Callable[[], None]) -> None:
        write()
        then()

    def send(self, code: int, data: bytes, to: Address | None, exclude: frozenset[Address]) -> None:
        self.done.append(("send", Kind(code), data, to, exclude))

    def announce_head(self, to: Address | None) -> None:
        self.done.append(("head", to))

    def start_timer(self, effect: StartTimer) -> None:
        self.timers[effect.timer.kind] = effect
        self.done.append(("timer", effect.timer.kind))

    def build_block(self, effect: BuildBlock) -> None:
        self.done.append(("build", effect.timestamp))

    def check_block(self, effect: CheckBlock) -> None:
        self.done.append(("check", effect.digest))

    def commit_block(self, block: Block) -> None:
        self.done.append(("commit", block.header.number))

    def report_peer(self, effect: ReportPeer) -> None:
        self.done.append(("report", effect.validator))

    def take(self) -> list[tuple[Any, ...]]:
        taken, self.done = self.done, []
        return taken


def started(who: int = 1) -> tuple[Performer, Journal]:
    journal = Journal()
    machine = Machine(Settings(VALIDATORS[who]))
    performer = Performer(machine, KEYS[who], journal, journal, recover)
    for index in (0, 2, 3):
        performer.handle(PeerConnected(NOW_MS, VALIDATORS[index]))
    performer.handle(PoolChanged(NOW_MS, True))
    performer.handle(HeadChanged(NOW_MS, PARENT, VALIDATORS))
    journal.take()
    return performer, journal


def accept(performer: Performer) -> None:
    performer.handle(MessageReceived(NOW_MS, FIRST, VALIDATORS[0]))
    performer.handle(BlockChecked(NOW_MS, FIRST.digest, True))


def test_a_vote_is_signed_recorded_and_only_then_sent() -> None:
    performer, journal = started()
    accept(performer)
    names = [entry[:2] for entry in journal.take()]
    assert ("record", Kind.PREPARE) in names
    assert names.index(("record", Kind.PREPARE)) < names.index(("send", Kind.PREPARE))


def test_what_is_recorded_is_byte_for_byte_what_is_sent() -> None:
    performer, journal = started()
    accept(performer)
    (sent,) = [entry for entry in journal.take() if entry[0] == "send"]
    assert sent[2] == journal.entries[0].message == encode_message(prepare(1, FIRST.digest))
    assert sent[3:] == (None, frozenset((VALIDATORS[1],)))


def test_our_own_vote_counts() -> None:
    performer, journal = started()
    accept(performer)
    for who in (0, 2):
        vote = prepare(who, FIRST.digest)
        performer.handle(MessageReceived(NOW_MS, vote, VALIDATORS[who]))
    assert [entry.kind for entry in journal.entries] == [Kind.PREPARE, Kind.COMMIT]
    assert journal.certificates == [encode_certificate(PREPARED)]


@pytest.mark.parametrize("fault", [StoreError("disk full"), EquivocationRefused("two values")])
def test_nothing_is_sent_that_could_not_be_recorded(fault: Exception) -> None:
    performer, journal = started()
    journal.fault = fault
    with pytest.raises(type(fault)):
        accept(performer)
    assert [entry for entry in journal.done if entry[0] == "send"] == []


def test_a_full_height_is_performed_in_order() -> None:
    performer, journal = started(0)
    performer.handle(TimerFired(NOW_MS + 900, journal.timers[TimerKind.BLOCK].timer))
    performer.handle(BlockBuilt(NOW_MS + 900, HEIGHT, 0, BLOCK))
    performer.handle(BlockChecked(NOW_MS + 900, FIRST.digest, True))
    for who in (1, 2):
        performer.handle(MessageReceived(NOW_MS, prepare(who, FIRST.digest), VALIDATORS[who]))
        performer.handle(MessageReceived(NOW_MS, commit(who, FIRST.digest), VALIDATORS[who]))
    steps = [entry[0] for entry in journal.take() if entry[0] != "timer"]
    signing = ["record", "send"]
    assert steps == ["build", *signing, "check", *signing, *signing, "commit"]


def test_all_other_effects_reach_the_host() -> None:
    performer, journal = started()
    performer.handle(PeerConnected(NOW_MS, VALIDATORS[0]))
    lie = MessageReceived(NOW_MS, proposal(2, block(coinbase=VALIDATORS[2])), VALIDATORS[2])
    performer.handle(lie)
    assert journal.take() == [("head", VALIDATORS[0]), ("report", VALIDATORS[2])]


def test_anothers_message_is_passed_on_to_neither_author_nor_bringer() -> None:
    performer, journal = started()
    message = round_change(0, 1)
    performer.handle(MessageReceived(NOW_MS, message, VALIDATORS[2]))
    exclude = frozenset(VALIDATORS[:3])
    assert journal.take() == [("send", Kind.ROUND_CHANGE, encode_message(message), None, exclude)]


def test_repeated_messages_go_to_who_connected() -> None:
    performer, journal = started()
    accept(performer)
    journal.take()
    performer.handle(PeerConnected(NOW_MS, VALIDATORS[0]))
    head, sent = journal.take()
    assert head == ("head", VALIDATORS[0])
    assert sent[:2] == ("send", Kind.PREPARE)
    assert sent[3] == VALIDATORS[0]


def test_a_host_that_answers_at_once_does_not_jump_the_queue() -> None:
    class Eager(Journal):
        def check_block(self, effect: CheckBlock) -> None:
            super().check_block(effect)
            performer.handle(BlockChecked(NOW_MS, effect.digest, True))
            self.done.append(("check over",))

    journal = Eager()
    performer = Performer(Machine(Settings(VALIDATORS[1])), KEYS[1], journal, journal, recover)
    performer.handle(HeadChanged(NOW_MS, PARENT, VALIDATORS))
    journal.take()
    performer.handle(MessageReceived(NOW_MS, FIRST, VALIDATORS[0]))
    steps = [entry[0] for entry in journal.take() if entry[0] != "timer"]
    assert steps == ["check", "check over", "record", "send"]


def test_nothing_is_sent_or_heard_while_a_record_waits_for_the_disk() -> None:
    class Slow(Journal):
        def durably(self, write: Callable[[], None], then: Callable[[], None]) -> None:
            self.write, self.then = write, then

    journal = Slow()
    performer = Performer(Machine(Settings(VALIDATORS[1])), KEYS[1], journal, journal, recover)
    performer.handle(HeadChanged(NOW_MS, PARENT, VALIDATORS))
    accept(performer)
    for who in (0, 2):
        performer.handle(MessageReceived(NOW_MS, prepare(who, FIRST.digest), VALIDATORS[who]))
    assert not [entry for entry in journal.take() if entry[0] in ("record", "send")]
    journal.write()
    assert [entry[:2] for entry in journal.take()] == [("record", Kind.PREPARE)]
    journal.then()
    assert [entry[:2] for entry in journal.take()] == [("send", Kind.PREPARE)]
    journal.write()
    assert [entry[:2] for entry in journal.take()] == [("record", Kind.COMMIT)]


@pytest.mark.parametrize(
    "draft",
    [
        ProposalDraft(proposal_payload(HEIGHT, 0, BLOCK)),
        PrepareDraft(PreparePayload(HEIGHT, 0, FIRST.digest)),
        CommitDraft(HEIGHT, 0, PREPARED),
        create_round_change(CONTEXT, 1, None),
        create_round_change(CONTEXT, 1, PREPARED),
        create_round_change(CONTEXT, 1, PREPARED, legacy=True),
    ],
)
def test_a_signed_draft_is_what_others_read(draft: Any) -> None:
    message = sign_draft(draft, KEYS[2])
    assert message.author == VALIDATORS[2]
    assert decode_message(draft.kind, encode_message(message), recover) == message


def test_a_restart_finds_all_it_signed() -> None:
    performer, journal = started()
    accept(performer)
    for who in (0, 2):
        vote = prepare(who, FIRST.digest)
        performer.handle(MessageReceived(NOW_MS, vote, VALIDATORS[who]))
    performer.handle(TimerFired(NOW_MS, journal.timers[TimerKind.BLOCK].timer))
    found = restored(journal, HEIGHT, recover)
    assert found is not None
    assert found.round == 0
    assert [message.kind for message in found.messages] == [Kind.PREPARE, Kind.COMMIT]
    assert found.certificate == PREPARED
    assert restored(journal, HEIGHT + 1, recover) is None


def test_a_restart_before_any_certificate_finds_none() -> None:
    performer, journal = started()
    accept(performer)
    found = restored(journal, HEIGHT, recover)
    assert found is not None
    assert found.certificate is None


@pytest.mark.parametrize(
    ("last_signed", "head", "first"),
    [
        (None, 0, 1),
        (None, 7, 9),
        (7, 7, 8),
        (8, 7, 8),
        (6, 7, 8),
        (5, 7, 9),
        (20, 7, 20),
    ],
)
def test_who_may_have_forgotten_observes_first(
    last_signed: int | None, head: int, first: int
) -> None:
    assert first_height_to_sign(last_signed, head) == first


def restarted(journal: Journal, **head: Any) -> Performer:
    machine = Machine(Settings(VALIDATORS[1]))
    performer = Performer(machine, KEYS[1], journal, journal, recover)
    performer.handle(HeadChanged(NOW_MS, PARENT, VALIDATORS, **head))
    journal.take()
    return performer


def test_a_stale_sign_state_observes_one_height_and_then_signs() -> None:
    journal = Journal()
    journal.last = HEIGHT - 3
    performer = restarted(journal)
    assert performer.is_observing
    accept(performer)
    assert journal.take() == []
    following = replace(PARENT, number=HEIGHT, coinbase=VALIDATORS[0], timestamp=T0 + 1)
    performer.handle(HeadChanged(NOW_MS, following, VALIDATORS))
    assert not performer.is_observing
    performer.handle(TimerFired(NOW_MS, journal.timers[TimerKind.GATE].timer))
    performer.handle(PoolChanged(NOW_MS, True))
    performer.handle(TimerFired(NOW_MS, journal.timers[TimerKind.BLOCK].timer))
    assert ("build", T0 + 2) in journal.take()


def test_an_operators_word_ends_the_observing() -> None:
    journal = Journal()
    journal.last = HEIGHT - 3
    performer = restarted(journal, restored=Restored(5))
    assert not performer.is_observing
    assert [(entry.kind, entry.round) for entry in journal.entries] == [(Kind.ROUND_CHANGE, 5)]


def test_a_restarted_validator_is_told_what_it_signed() -> None:
    performer, journal = started()
    accept(performer)
    before = journal.take()
    journal.timers.clear()
    performer = Performer(Machine(Settings(VALIDATORS[1])), KEYS[1], journal, journal, recover)
    performer.handle(HeadChanged(NOW_MS, PARENT, VALIDATORS))
    sent = [entry for entry in before if entry[0] == "send"]
    again = [entry for entry in journal.take() if entry[0] == "send"]
    assert again == sent
    accept(performer)
    assert len(journal.entries) == 1
