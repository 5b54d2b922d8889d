"""Performs what the consensus machine asks for: sign, record, send, in this order and no other.

The machine is pure and holds no key. `Performer` holds the signer, and for each `Sign` it signs the
draft, has it written to the sign-state and stands still until that is synced, hands it to the host
to be sent, and feeds it back to the machine as received. So nothing leaves that a restart could
forget (N13).

It knows no clock and waits for nothing itself: the asyncio driver and the simulator give it events,
each with its time, and a `Host` that does the rest, the waiting for the disk among it. Effects are
performed strictly in order; what our own messages lead to comes after what was asked before. Events
that come while a record is being synced, or while effects are performed, wait their turn.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, assert_never

from node.consensus.encoding import (
    decode_certificate,
    decode_message,
    encode_certificate,
    encode_message,
    signing_hash,
)
from node.consensus.events import (
    AnnounceHead,
    BuildBlock,
    CheckBlock,
    CommitBlock,
    Effect,
    Event,
    HeadChanged,
    MessageReceived,
    ReportPeer,
    Restored,
    Send,
    Sign,
    StartTimer,
)
from node.consensus.machine import Machine
from node.consensus.messages import (
    Certificate,
    Commit,
    CommitDraft,
    CommitPayload,
    Draft,
    Message,
    P,
    Prepare,
    PrepareDraft,
    Proposal,
    ProposalDraft,
    Recover,
    RoundChange,
    RoundChangeDraft,
    Signed,
)
from node.spec.block import Block
from node.spec.types import Address, Hash32
from node.storage.sign_state import SignedRecord

HostEffect = AnnounceHead | StartTimer | BuildBlock | CheckBlock | CommitBlock | ReportPeer


class Signer(Protocol):
    """Holder of the node key."""

    @property
    def address(self) -> Address:
        """Return the key's address."""
        ...

    def sign(self, digest: Hash32) -> bytes:
        """Return the 65-byte signature r ‖ s ‖ v over a digest."""
        ...


class SignState(Protocol):
    """The durable memory of what this key has signed (N13), `node.storage.sign_state`."""

    def record(self, entry: SignedRecord, certificate: bytes = b"") -> None:
        """Keep a signed message, and where given the prepared block with its PREPAREs, synced.

        Returns only when a power cut can no longer undo it. What belongs to lower heights may be
        forgotten. The same value again is no error.

        Raises:
            EquivocationRefused: another value stands for this height, round and kind, or the entry
                is lower than the last in the order height, round, then ROUND_CHANGE < PROPOSAL <
                PREPARE < COMMIT.
        """
        ...

    def records(self, height: int) -> tuple[SignedRecord, ...]:
        """Return what was signed at a height, in the order signed."""
        ...

    def certificate(self, height: int) -> bytes:
        """Return the last certificate recorded at a height, empty if none was."""
        ...

    def last_height(self) -> int | None:
        """Return the highest height signed at, None if nothing was ever signed."""
        ...


class Host(Protocol):
    """The world around the machine. Answers come later, as events; no method waits."""

    def durably(self, write: Callable[[], None], then: Callable[[], None]) -> None:
        """Run a write that may wait for the disk; after it has returned, and only then, `then`.

        Where the write raises, `then` is never called and the node must stop.
        """
        ...

    def send(self, code: int, data: bytes, to: Address | None, exclude: frozenset[Address]) -> None:
        """Send a frame to one validator, or to all connected validators but those excluded."""
        ...

    def announce_head(self, to: Address | None) -> None:
        """Tell one peer, or every peer, our head's number and hash."""
        ...

    def start_timer(self, effect: StartTimer) -> None:
        """Answer TimerFired after the delay; a timer of the same kind started before may go."""
        ...

    def build_block(self, effect: BuildBlock) -> None:
        """Answer BlockBuilt with a block upon the head; earlier work may be abandoned."""
        ...

    def check_block(self, effect: CheckBlock) -> None:
        """Answer BlockChecked; earlier work may be abandoned."""
        ...

    def commit_block(self, block: Block) -> None:
        """Verify and store a sealed block, announce it, and answer HeadChanged."""
        ...

    def report_peer(self, effect: ReportPeer) -> None:
        """Count a fault against a validator, and keep the evidence in the log."""
        ...


def sign_draft(draft: Draft, signer: Signer) -> Message:
    """Return the draft as a signed message; a COMMIT's seal is signed first."""
    match draft:
        case ProposalDraft():
            return Proposal(_sign(draft.payload, signer), draft.round_changes, draft.prepares)
        case PrepareDraft():
            return Prepare(_sign(draft.payload, signer))
        case CommitDraft():
            digest = draft.certificate.digest
            seal = signer.sign(digest)
            payload = CommitPayload(draft.height, draft.round, digest, seal)
            return Commit(_sign(payload, signer), signer.address)
        case RoundChangeDraft():
            signed = _sign(draft.payload, signer)
            prepared = draft.certificate
            if prepared is None:
                return RoundChange(signed, legacy=draft.legacy)
            return RoundChange(signed, prepared.block, prepared.prepares, draft.legacy)


def _sign(payload: P, signer: Signer) -> Signed[P]:
    return Signed(payload, signer.sign(signing_hash(payload)), signer.address)


def restored(sign_state: SignState, height: int, recover: Recover) -> Restored | None:
    """Return where a restarted validator goes on at a height, None if it signed nothing there."""
    records = sign_state.records(height)
    if not records:
        return None
    messages = tuple(decode_message(entry.kind, entry.message, recover) for entry in records)
    encoded = sign_state.certificate(height)
    certificate: Certificate | None = decode_certificate(encoded, recover) if encoded else None
    return Restored(max(entry.round for entry in records), messages, certificate)


def first_height_to_sign(last_signed: int | None, head: int) -> int:
    """Return the first height at which a node that starts at `head` may sign (N13, N14).

    A sign-state that knows the head's height, or the one before, is up to date: the next. One that
    knows less may be an old copy, or that of a wiped node: the next is observed first. One that
    knows more stands beside an older chain: nothing is signed below what it knows.
    """
    if last_signed is None:
        return 1 if head == 0 else head + 2
    return head + 2 if last_signed < head - 1 else max(head + 1, last_signed)


class Performer:
    """Runs a machine: events in, effects performed.

    It also sees to it that the machine begins every height knowing what the sign-state holds for
    it, and takes no part where the sign-state may have forgotten something. A HeadChanged that
    brings `restored` itself is the operator's word for that (`recover --rejoin-at`, N14).
    """

    def __init__(
        self,
        machine: Machine,
        signer: Signer,
        sign_state: SignState,
        host: Host,
        recover: Recover,
    ) -> None:
        self.machine = machine
        self._signer = signer
        self._sign_state = sign_state
        self._host = host
        self._recover = recover
        self._sign_from: int | None = None
        self._told_head = 0
        self._inbox: deque[Event] = deque()
        self._effects: deque[Effect] = deque()
        self._now_ms = 0
        self._is_recording = False
        self._busy = False

    @property
    def is_observing(self) -> bool:
        """Whether the height being decided is one at which nothing may be signed (N13, N14)."""
        return self._sign_from is not None and self.machine.height < self._sign_from

    def learn_head(self, number: int) -> None:
        """Be told, before the first HeadChanged, the head that a quorum has (N14)."""
        self._told_head = number

    def handle(self, event: Event) -> None:
        """Give the machine an event and perform all that follows, up to the next record.

        Raises:
            EquivocationRefused: the sign-state holds another value; the node must stop.
            StoreError: the sign-state could not be written; nothing was sent, the node must stop.
                Both only where the host writes at once; else they come out of its own write.
        """
        self._inbox.append(event)
        self._go_on()

    def _go_on(self) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            while not self._is_recording and (self._effects or self._inbox):
                self._step()
        finally:
            self._busy = False

    def _step(self) -> None:
        """Perform the next effect; where none is left, let the machine handle the next event."""
        if not self._effects:
            self._tell_machine(self._inbox.popleft())
            return
        effect = self._effects.popleft()
        match effect:
            case Sign():
                self._sign(effect.draft)
            case Send():
                self._send(effect)
            case _:
                self._ask_host(effect)

    def _tell_machine(self, event: Event) -> None:
        if isinstance(event, HeadChanged):
            event = self._informed(event)
        self._now_ms = event.now_ms
        self._effects.extend(self.machine.handle(event))

    def _informed(self, event: HeadChanged) -> HeadChanged:
        """Return the event with what the sign-state says of the height it begins."""
        height = event.head.number + 1
        if self._sign_from is None:
            last = self._sign_state.last_height()
            known = max(event.head.number, self._told_head if last is None else 0)
            self._sign_from = first_height_to_sign(last, known)
        if event.restored is not None:
            self._sign_from = min(self._sign_from, height)
            return event
        held = restored(self._sign_state, height, self._recover)
        return replace(event, may_sign=event.may_sign and height >= self._sign_from, restored=held)

    def _sign(self, draft: Draft) -> None:
        message = sign_draft(draft, self._signer)
        data = encode_message(message)
        digest = signing_hash(message.signed.payload)
        record = SignedRecord(message.height, message.round, message.kind, digest, data)
        certificate = draft.certificate if isinstance(draft, CommitDraft) else None
        encoded = b"" if certificate is None else encode_certificate(certificate)
        self._is_recording = True
        self._host.durably(
            lambda: self._sign_state.record(record, encoded),
            lambda: self._recorded(message, data),
        )

    def _recorded(self, message: Message, data: bytes) -> None:
        self._is_recording = False
        self._host.send(message.kind, data, None, frozenset((self._signer.address,)))
        self._tell_machine(MessageReceived(self._now_ms, message, None))
        self._go_on()

    def _ask_host(self, effect: HostEffect) -> None:
        host = self._host
        match effect:
            case AnnounceHead():
                host.announce_head(effect.to)
            case StartTimer():
                host.start_timer(effect)
            case BuildBlock():
                host.build_block(effect)
            case CheckBlock():
                host.check_block(effect)
            case CommitBlock():
                host.commit_block(effect.block)
            case ReportPeer():
                host.report_peer(effect)
            case _:
                assert_never(effect)

    def _send(self, effect: Send) -> None:
        for message in effect.messages:
            exclude = {self._signer.address, message.author}
            if effect.via is not None:
                exclude.add(effect.via)
            self._host.send(message.kind, encode_message(message), effect.to, frozenset(exclude))
