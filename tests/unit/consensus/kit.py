"""What consensus tests are made of: four validators, blocks upon one parent, signed messages.

Messages are built with the public test keys of the byte vectors and real signatures, so that every
message here could have come over the wire.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from node.consensus.encoding import signing_hash
from node.consensus.events import (
    BlockBuilt,
    BlockChecked,
    Effect,
    Event,
    HeadChanged,
    MessageReceived,
    PeerConnected,
    PoolChanged,
    Sign,
    StartTimer,
    TimerFired,
    TimerKind,
)
from node.consensus.machine import Machine
from node.consensus.messages import (
    Certificate,
    Commit,
    CommitPayload,
    Kind,
    Message,
    P,
    Prepare,
    PreparedMetadata,
    PreparePayload,
    Proposal,
    RoundChange,
    RoundChangePayload,
    Signed,
    SignedPrepare,
    proposal_payload,
)
from node.consensus.rules import Context, context_of, replace_round_in_block
from node.consensus.timing import Settings
from node.runtime.performer import sign_draft
from node.spec import crypto
from node.spec.block import Block, transactions_root
from node.spec.header import Header, decode_header
from node.spec.seal import ExtraData, encode_extra_data, hash_for_block, hash_for_commit_seal
from node.spec.types import Address, Hash32

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "qbft.json").read_text(encoding="utf-8")
)
MESSAGES: list[dict[str, str]] = VECTORS["messages_derived"]["messages"]


class TestKey:
    """A validator's key; `sign` is what a performer asks of it."""

    __test__ = False

    def __init__(self, private_key: bytes) -> None:
        self._private_key = private_key
        self.address = crypto.address_of(private_key)

    def sign(self, digest: Hash32) -> bytes:
        return crypto.sign(self._private_key, digest)


KEYS = [
    TestKey(bytes.fromhex(entry["private_key"][2:]))
    for entry in VECTORS["messages_derived"]["validators"]
]
STRANGER = TestKey(b"\x07" * 32)
VALIDATORS = tuple(key.address for key in KEYS)
T0 = 1_800_000_000
"""The parent's timestamp, in seconds."""


def _parent() -> Header:
    """Return the head all tests stand on: proposed by the last validator, so the first is next."""
    sealed = VECTORS["messages_derived"]["sealed_header_round0"]["rlp"]
    template = decode_header(bytes.fromhex(sealed[2:]))
    extra = encode_extra_data(ExtraData())
    return replace(template, number=7, coinbase=VALIDATORS[3], timestamp=T0, extra_data=extra)


PARENT = _parent()
HEIGHT = PARENT.number + 1
CONTEXT: Context = context_of(PARENT, VALIDATORS)


def block(round_number: int = 0, coinbase: Address = VALIDATORS[0], **changes: Any) -> Block:
    """Return a block upon the parent; `transactions` and header fields may be given."""
    transactions = changes.pop("transactions", (b"\x02tx",))
    header = replace(
        PARENT,
        parent_hash=hash_for_block(PARENT),
        transactions_root=transactions_root(transactions),
        number=HEIGHT,
        coinbase=coinbase,
        timestamp=T0 + 1,
        extra_data=encode_extra_data(ExtraData(round=round_number)),
    )
    return Block(replace(header, **changes), transactions)


def signed(who: int | TestKey, payload: P) -> Signed[P]:
    key = KEYS[who] if isinstance(who, int) else who
    return Signed(payload, key.sign(signing_hash(payload)), key.address)


def prepare(
    who: int | TestKey, digest: Hash32, round_number: int = 0, height: int = HEIGHT
) -> Prepare:
    return Prepare(signed(who, PreparePayload(height, round_number, digest)))


def commit(
    who: int | TestKey, digest: Hash32, round_number: int = 0, height: int = HEIGHT
) -> Commit:
    key = KEYS[who] if isinstance(who, int) else who
    payload = CommitPayload(height, round_number, digest, key.sign(digest))
    return Commit(signed(who, payload), key.address)


def certificate(of: Block, round_number: int = 0, who: tuple[int, ...] = (0, 1, 2)) -> Certificate:
    """Return the proof that a block was prepared in a round."""
    prepared = replace_round_in_block(of, round_number)
    digest = hash_for_commit_seal(prepared.header)
    votes = tuple(prepare(index, digest, round_number).signed for index in who)
    return Certificate(round_number, digest, prepared, votes)


def round_change(
    who: int | TestKey,
    round_number: int,
    prepared: Certificate | None = None,
    height: int = HEIGHT,
) -> RoundChange:
    claim = None if prepared is None else PreparedMetadata(prepared.round, prepared.digest)
    payload = signed(who, RoundChangePayload(height, round_number, claim))
    if prepared is None:
        return RoundChange(payload)
    return RoundChange(payload, prepared.block, prepared.prepares)


def proposal(
    who: int | TestKey,
    of: Block,
    round_number: int = 0,
    round_changes: tuple[RoundChange, ...] = (),
    prepares: tuple[SignedPrepare, ...] = (),
    height: int = HEIGHT,
) -> Proposal:
    payload = signed(who, proposal_payload(height, round_number, of))
    return Proposal(payload, tuple(change.signed for change in round_changes), prepares)


class Bench:
    """A machine under test: feeds it, signs what it asks to be signed, feeds that back.

    It answers nothing by itself but signatures; `effects` is what the last step asked for.
    """

    def __init__(self, who: int = 1, **settings: Any) -> None:
        self.who = who
        self.machine = Machine(Settings(VALIDATORS[who], **settings))
        self.now_ms = T0 * 1000 + 100
        self.timers: dict[TimerKind, StartTimer] = {}
        self.said: list[Message] = []

    def give(self, event: Event) -> list[Effect]:
        """Give an event and return all that follows, our own messages fed back."""
        waiting = list(self.machine.handle(event))
        followed: list[Effect] = []
        while waiting:
            effect = waiting.pop(0)
            followed.append(effect)
            if isinstance(effect, StartTimer):
                self.timers[effect.timer.kind] = effect
            if isinstance(effect, Sign):
                message = sign_draft(effect.draft, KEYS[self.who])
                self.said.append(message)
                waiting += self.machine.handle(MessageReceived(self.now_ms, message, None))
        return followed

    def begin(self, executable: bool = True, **head: Any) -> list[Effect]:
        """Connect the others, fill the pool, give the head."""
        followed = []
        for index, address in enumerate(VALIDATORS):
            if index != self.who:
                followed += self.give(PeerConnected(self.now_ms, address))
        followed += self.give(PoolChanged(self.now_ms, executable))
        return followed + self.give(HeadChanged(self.now_ms, PARENT, VALIDATORS, **head))

    def hear(self, *messages: Message) -> list[Effect]:
        """Receive messages from their authors."""
        followed: list[Effect] = []
        for message in messages:
            followed += self.give(MessageReceived(self.now_ms, message, message.author))
        return followed

    def fire(self, kind: TimerKind) -> list[Effect]:
        """Let the last timer of a kind fire, at its time."""
        started = self.timers.pop(kind)
        self.now_ms += started.delay_ms
        return self.give(TimerFired(self.now_ms, started.timer))

    def check(self, of: Proposal, valid: bool = True) -> list[Effect]:
        """Answer that a proposal's block is valid."""
        return self.give(BlockChecked(self.now_ms, of.digest, valid))

    def built(self, of: Block, round_number: int = 0) -> list[Effect]:
        """Answer a request for a block."""
        return self.give(BlockBuilt(self.now_ms, HEIGHT, round_number, of))

    def accept(self, of: Proposal) -> list[Effect]:
        """Receive a proposal and find its block valid."""
        return [*self.hear(of), *self.check(of)]


def kinds(effects: list[Effect]) -> list[str]:
    """Return the names of effects, with the kind of what is signed."""
    named = []
    for effect in effects:
        name = type(effect).__name__
        named.append(f"{name} {effect.draft.kind.name}" if isinstance(effect, Sign) else name)
    return named


def of_type(effects: list[Effect], kind: type[Any]) -> list[Any]:
    return [effect for effect in effects if isinstance(effect, kind)]


def signed_kinds(effects: list[Effect]) -> list[Kind]:
    return [effect.draft.kind for effect in of_type(effects, Sign)]
