"""One height of QBFT: from its first round to a block with a quorum of seals.

Theory of operation. A height goes through rounds 0, 1, 2 ... In each a known validator proposes a
block; who finds it valid sends PREPARE; who sees a quorum of PREPARE is *prepared*, keeps the block
with these PREPAREs as its certificate, and sends COMMIT with a seal; a quorum of COMMIT makes the
block final. When a round times out, a validator sends ROUND_CHANGE for the next, with its
certificate; a quorum of them lets that round's proposer propose, and binds it to the prepared
block of the highest round. Any two quorums share an honest validator, so once a block could be
final in some round no later round can propose another.

The `upon_*` methods are the transitions of the formal specification (`node.dfy`, "L1"). Two things
go beyond it: a COMMIT is sent once a round, whatever was restored from disk, and nothing
is signed twice or out of order within a round (N13), which `_sign` alone sees to.

Round 0 waits for its block period and for something to do (N7): `_begin_when_due`. The machine owns
everything that outlives a height.
"""

from collections.abc import Callable

from node.consensus.events import (
    AnnounceHead,
    BuildBlock,
    CheckBlock,
    CommitBlock,
    Effect,
    Fault,
    ReportPeer,
    Restored,
    Send,
    Sign,
    TimerKind,
)
from node.consensus.messages import (
    SIGN_ORDER,
    Certificate,
    Commit,
    CommitDraft,
    Draft,
    Kind,
    Message,
    Prepare,
    PrepareDraft,
    PreparePayload,
    Proposal,
    ProposalDraft,
    RoundChange,
    proposal_payload,
)
from node.consensus.rules import (
    Context,
    create_round_change,
    future_round,
    highest_prepared,
    is_valid_proposal,
    replace_round_in_block,
    validate_commit,
)
from node.consensus.timing import (
    Settings,
    block_delay_ms,
    block_timestamp,
    empty_delay_ms,
    hold_delay_ms,
    repeat_ms,
    round_timeout_ms,
)
from node.consensus.votes import Vote, Votes
from node.spec.block import Block
from node.spec.seal import ROUND_MAX, with_seals
from node.spec.types import Address, Hash32

StartTimerAfter = Callable[[TimerKind, int], None]


class Height:
    """The state of one height, for a validator that may sign in it."""

    def __init__(
        self,
        settings: Settings,
        context: Context,
        emit: Callable[[Effect], None],
        start_timer: StartTimerAfter,
        stop_timer: Callable[[TimerKind], None],
    ) -> None:
        self.settings = settings
        self.context = context
        self.now_ms = 0
        self.round = 0
        self.votes = Votes(context)
        self.certificate: Certificate | None = None
        """The last prepared block: L1 lastPreparedBlock and lastPreparedRound."""
        self.gate_open = False
        self.executable = False
        self._emit = emit
        self._start_timer = start_timer
        self._stop_timer = stop_timer
        self._accepted: tuple[Hash32, Block] | None = None
        """L1 proposalAcceptedForCurrentRound."""
        self._pending: Proposal | None = None
        """A justified proposal whose block is held or being checked; it may be of a later round."""
        self._refused_round = -1
        """The highest round whose proposer sent an invalid block: it gets no second attempt."""
        self._justification: tuple[RoundChange, ...] = ()
        """The round changes under which a block was asked for."""
        self._signed: set[tuple[int, Kind]] = set()
        self._own: dict[Kind, Message] = {}
        self._reported: set[tuple[Address, Kind, Fault]] = set()
        self._block_due = False
        self._empty_due = False
        self._begun = False
        self._final = False

    # Beginning

    def start(self, restored: Restored | None) -> None:
        """Begin the height, where the sign-state left it if it holds anything."""
        parent = self.context.parent.timestamp
        self._start_timer(TimerKind.BLOCK, block_delay_ms(self.settings, parent, self.now_ms))
        self._start_timer(TimerKind.EMPTY, empty_delay_ms(self.settings, parent, self.now_ms))
        if restored is not None and (restored.round or restored.messages):
            self._resume(restored)

    def _resume(self, restored: Restored) -> None:
        """Go on in the highest round signed: send those bytes again, sign none twice (N13)."""
        self._begun = True
        self.round = restored.round
        self.certificate = restored.certificate
        for message in restored.messages:
            self._signed.add((message.round, message.kind))
        certificate = restored.certificate
        if certificate is not None and certificate.round == self.round:
            self._accepted = (certificate.digest, certificate.block)
        self._start_round_timers()
        latest = [message for message in restored.messages if message.round == self.round]
        if latest:
            self._emit(Send(tuple(latest)))
        elif self.round > 0:
            self._sign(create_round_change(self.context, self.round, self.certificate))
        for message in latest:
            self.receive(message, None)

    def open_gate(self) -> None:
        """Let rounds be timed: enough validators are connected, or long enough was waited (N7)."""
        self.gate_open = True
        if self._begun or self.round > 0 or self._accepted is not None:
            self._start_round_timers()

    def upon_pool_changed(self, executable: bool) -> None:
        """Remember whether the pool holds something to do."""
        self.executable = executable
        self._begin_when_due()

    def upon_block_period(self) -> None:
        """The block period has passed. L1 UponBlockTimeout."""
        self._block_due = True
        if self.settings.empty_block_period_s == 0:
            self._empty_due = True
        self._begin_when_due()

    def upon_empty_period(self) -> None:
        """An empty block may be made (N7)."""
        self._empty_due = True
        self._begin_when_due()

    def _begin_when_due(self) -> None:
        """Begin round 0 once the period has passed and there is something to do (N7)."""
        due = self._block_due and (self.executable or self._empty_due)
        if not due or self._begun or self.round > 0 or self._final:
            return
        self._begun = True
        if self._accepted is None:
            self._start_round_timers()
        if self.context.proposer(0) == self.settings.address:
            self._build(())

    def _start_round_timers(self) -> None:
        if self._final:
            return
        self._start_timer(TimerKind.REPEAT, repeat_ms(self.settings, self.round))
        if self.gate_open:
            self._start_timer(TimerKind.ROUND, round_timeout_ms(self.settings, self.round))

    # Receiving

    def receive(self, message: Message, sender: Address | None) -> None:
        """Take a message of this height by a validator; `sender` is None for our own."""
        if self._final or message.round < self.round:
            return
        if sender is None and message.round == self.round:
            self._own[message.kind] = message
        if isinstance(message, Proposal):
            self.upon_proposal(message, sender)
        elif self._keep(message, sender):
            self._count(message)

    def _keep(self, message: Vote, sender: Address | None) -> bool:
        """Store a vote and pass it on. False if it is known, invalid or too far ahead."""
        fault = self.votes.fault_of(message)
        if fault is not None:
            known = self.votes.known(message)
            self._report(fault, *(() if known is None else (known,)), message)
            return False
        if not self.votes.add(message, self.round):
            return False
        self._pass_on(message, sender)
        return True

    def _count(self, message: Vote) -> None:
        match message:
            case Prepare():
                self.upon_prepare()
            case Commit():
                self.upon_commit()
            case RoundChange():
                self.upon_round_change()

    def _pass_on(self, message: Message, sender: Address | None) -> None:
        """Pass another's message on, once, after round 0.

        Round 0 goes over direct links. When it fails, a link may be what failed: from then on every
        validator tells the others what it hears, as Besu does always.
        """
        if sender is not None and message.round > 0:
            self._emit(Send((message,), via=sender))

    def _report(self, fault: Fault, *evidence: Message) -> None:
        message = evidence[-1]
        mark = (message.author, message.kind, fault)
        if mark not in self._reported:
            self._reported.add(mark)
            self._emit(ReportPeer(message.author, fault, evidence))

    # Proposals

    def upon_proposal(self, message: Proposal, sender: Address | None) -> None:
        """Take a proposal of this round or, justified, of a later one. L1 UponProposal."""
        if self._is_superseded(message) or message.round <= self._refused_round:
            return
        if not is_valid_proposal(message, self.context):
            self._report(Fault.INVALID_PROPOSAL, message)
            return
        self._pending = message
        self._pass_on(message, sender)
        delay_ms = hold_delay_ms(message.block.header.timestamp, self.now_ms)
        if delay_ms:
            self._start_timer(TimerKind.HOLD, delay_ms)
        else:
            self._check_pending()

    def _is_superseded(self, message: Proposal) -> bool:
        """Whether a proposal came first: accepted in its round, or pending in this or a later."""
        known: Hash32 | None = None
        if message.round == self.round and self._accepted is not None:
            known = self._accepted[0]
        elif self._pending is not None and self._pending.round >= message.round:
            if self._pending.round > message.round:
                return True
            known = self._pending.digest
        first = self._pending
        if known not in (None, message.digest) and first is not None and first.digest == known:
            self._report(Fault.EQUIVOCATION, first, message)
        return known is not None

    def upon_hold_over(self) -> None:
        """The pending proposal's timestamp has come."""
        self._check_pending()

    def _check_pending(self) -> None:
        if self._pending is not None:
            self._stop_timer(TimerKind.HOLD)
            self._emit(CheckBlock(self._pending.block, self._pending.digest))

    def upon_block_checked(self, digest: Hash32, valid: bool) -> None:
        """The ledger has judged a block. Second half of L1 UponProposal."""
        message = self._pending
        if message is None or message.digest != digest or self._final:
            return
        if not valid:
            self._pending = None
            self._refused_round = message.round
            self._report(Fault.INVALID_BLOCK, message)
            return
        if message.round > self.round:
            self._move_to_round(message.round)
        self._accept(message)

    def _accept(self, message: Proposal) -> None:
        if self.round == 0 and not self._begun:
            # A proposal shows that its proposer had something to do: time the round from here.
            self._start_round_timers()
        self._accepted = (message.digest, message.block)
        payload = PreparePayload(self.context.height, self.round, message.digest)
        self._sign(PrepareDraft(payload))
        self.upon_prepare()
        self.upon_commit()

    # Votes

    def upon_prepare(self) -> None:
        """Commit to the accepted block once a quorum has prepared it. L1 UponPrepare."""
        if self._accepted is None or self._final or (self.round, Kind.COMMIT) in self._signed:
            return
        digest, block = self._accepted
        votes = self.votes.prepares(self.round, digest)
        if len(votes) < self.context.quorum:
            return
        prepares = tuple(vote.signed for vote in votes)
        self.certificate = Certificate(self.round, digest, block, prepares)
        self._sign(CommitDraft(self.context.height, self.round, self.certificate))

    def upon_commit(self) -> None:
        """Seal the accepted block once a quorum has committed to it. L1 UponCommit."""
        if self._accepted is None or self._final:
            return
        digest, block = self._accepted
        votes = [
            vote
            for vote in self.votes.commits(self.round, digest)
            if validate_commit(vote, self.context, self.round, digest)
        ]
        if len(votes) < self.context.quorum:
            return
        self._final = True
        self._stop_timer(TimerKind.ROUND)
        seals = [vote.signed.payload.seal for vote in votes]
        self._emit(CommitBlock(Block(with_seals(block.header, seals), block.transactions)))

    # Rounds

    def upon_round_timeout(self) -> None:
        """The round has lasted its time: ask for the next. L1 UponRoundTimeout."""
        if not self._final and self.round < ROUND_MAX:
            self._change_round(self.round + 1)

    def upon_round_change(self) -> None:
        """Follow f + 1 validators ahead; propose where a quorum is here. L1 UponRoundChange."""
        rounds = [message.round for message in self.votes.round_changes.values()]
        ahead = future_round(rounds, self.round, len(self.context.validators))
        if ahead is not None:
            self._change_round(ahead)
        self._propose_when_justified()

    def _change_round(self, round_number: int) -> None:
        self._move_to_round(round_number)
        legacy = self.settings.legacy_encoding
        self._sign(create_round_change(self.context, round_number, self.certificate, legacy))

    def _move_to_round(self, round_number: int) -> None:
        self.round = round_number
        self._accepted = None
        if self._pending is not None and self._pending.round < round_number:
            self._pending = None
            self._stop_timer(TimerKind.HOLD)
        self._justification = ()
        self._own.clear()
        self._signed = {mark for mark in self._signed if mark[0] >= round_number}
        self.votes.forget_below(round_number)
        self._start_round_timers()

    # Proposing

    def _propose_when_justified(self) -> None:
        """Propose in a later round, once, upon a quorum of round changes to it.

        L1 isReceivedProposalJustification: the prepared block of the highest round where any was
        prepared, otherwise a new one.
        """
        if not self._may_propose() or self._justification:
            return
        round_changes = self.votes.round_changes_to(self.round)
        if len(round_changes) < self.context.quorum:
            return
        prepared = highest_prepared(message.signed for message in round_changes)
        if prepared is None:
            self._build(tuple(round_changes))
            return
        best = next(m for m in round_changes if m.signed.payload.prepared == prepared)
        if best.block is not None:
            block = replace_round_in_block(best.block, self.round)
            self._propose(block, tuple(round_changes), best)

    def _may_propose(self) -> bool:
        return (
            self.context.proposer(self.round) == self.settings.address
            and (self.round, Kind.PROPOSAL) not in self._signed
            and self._accepted is None
            and (self._pending is None or self._pending.round <= self.round)
            and not self._final
        )

    def _build(self, justification: tuple[RoundChange, ...]) -> None:
        """Ask for a block to propose in this round, unless one was signed before a restart."""
        if not self._may_propose():
            return
        self._justification = justification
        parent = self.context.parent.timestamp
        timestamp = block_timestamp(self.settings, parent, self.round, self.now_ms)
        self._emit(BuildBlock(self.context.height, self.round, timestamp))

    def upon_block_built(self, round_number: int, block: Block) -> None:
        """Propose the block asked for, if its round still lasts; let go of an early empty one."""
        if round_number != self.round or not self._may_propose():
            return
        if round_number == 0 and not block.transactions and not self._empty_due:
            # The pool knew of something executable, and the block found nothing: wait again (N7).
            self._begun = False
            self.executable = False
            self._stop_timer(TimerKind.ROUND)
            self._stop_timer(TimerKind.REPEAT)
            return
        self._propose(replace_round_in_block(block, round_number), self._justification, None)

    def _propose(
        self, block: Block, round_changes: tuple[RoundChange, ...], best: RoundChange | None
    ) -> None:
        legacy = self.settings.legacy_encoding
        payload = proposal_payload(self.context.height, self.round, block, legacy)
        signed = tuple(message.signed for message in round_changes)
        self._sign(ProposalDraft(payload, signed, () if best is None else best.prepares))

    # Sending

    def _sign(self, draft: Draft) -> None:
        """Ask for a signature, at most one of each kind in a round, never backwards (N13)."""
        later = SIGN_ORDER[SIGN_ORDER.index(draft.kind) :]
        if any((self.round, kind) in self._signed for kind in later):
            return
        self._signed.add((self.round, draft.kind))
        self._emit(Sign(draft))

    def repeat(self) -> None:
        """Send the head and the round's messages again, while the round lasts (N12)."""
        self._emit(AnnounceHead())
        if self._own:
            self._emit(Send(tuple(self._own.values())))
        self._start_timer(TimerKind.REPEAT, repeat_ms(self.settings, self.round))

    def greet(self, peer: Address) -> None:
        """Send the round's messages to a validator that has just connected (N12)."""
        if self._own and peer in self.context.validators:
            self._emit(Send(tuple(self._own.values()), to=peer))
