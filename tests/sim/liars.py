"""Members that break the rules, each in its own way.

A liar runs the honest machines and falsifies what leaves it: it has one key, its own, and whatever
it has heard. What it signs, it signs outside any sign-state. `LIARS` names every kind.
"""

from collections.abc import Callable
from dataclasses import replace

from node.consensus.encoding import encode_message, signing_hash
from node.consensus.messages import (
    Commit,
    CommitPayload,
    Message,
    P,
    Prepare,
    PreparedMetadata,
    PreparePayload,
    Proposal,
    RoundChange,
    RoundChangePayload,
    Signed,
    proposal_payload,
)
from node.spec.block import Block, decode_block, encode_block
from node.spec.crypto import keccak256
from node.spec.seal import (
    decode_extra_data,
    encode_extra_data,
    hash_for_block,
    hash_for_commit_seal,
    with_round,
    with_seals,
)
from node.spec.types import Hash32
from tests.sim.keys import Key
from tests.sim.member import Member, Setting
from tests.sim.network import Frame

VANITY = b"a second block of the same place"
LOUD_UNTIL_HEIGHT = 60
"""Floods end here, so that a story does."""


class Liar(Member):
    """A member that falsifies some of what it sends; this one falsifies nothing."""

    honest = False

    def __init__(self, index: int, key: Key, setting: Setting) -> None:
        super().__init__(index, key, setting)
        self.heard: dict[tuple[int, int], list[Signed[PreparePayload]]] = {}

    def transmit(self, target: int, frame: Frame) -> None:
        """Falsify a frame for a target, or send it as it is."""
        for sent in self.falsify(target, frame):
            super().transmit(target, sent)

    def falsify(self, target: int, frame: Frame) -> list[Frame]:
        """Return what is sent instead."""
        if frame[0] != "qbft":
            return [frame]
        message = self.setting.intake.decode(frame[1], frame[2])
        if message.author != self.key.address:
            return [frame]
        return [_frame(lie) for lie in self.lie(target, message)]

    def lie(self, target: int, message: Message) -> list[Message]:
        """Return the messages of our own that are sent instead of an honest one."""
        del target
        return [message]

    def signed(self, payload: P) -> Signed[P]:
        """Sign anything."""
        return Signed(payload, self.key.sign(signing_hash(payload)), self.key.address)


def _frame(message: Message) -> Frame:
    return ("qbft", int(message.kind), encode_message(message))


def other_block(block: Block) -> Block:
    """Return another valid block of the same place: only its vanity differs."""
    extra = replace(decode_extra_data(block.header.extra_data), vanity=VANITY)
    return replace(block, header=replace(block.header, extra_data=encode_extra_data(extra)))


class Silent(Liar):
    """Listens and says nothing."""

    def falsify(self, target: int, frame: Frame) -> list[Frame]:
        """Send nothing."""
        del target, frame
        return []


class Whisperer(Liar):
    """Sends each consensus message to some members only, ever others."""

    def falsify(self, target: int, frame: Frame) -> list[Frame]:
        """Leave out whom the frame's digest points at."""
        spoken = frame[0] != "qbft" or (keccak256(frame[2])[0] >> (target % 8)) & 1
        return [frame] if spoken else []


class Equivocator(Liar):
    """Proposes one block to half of the members and another to the rest, and votes for both."""

    def __init__(self, index: int, key: Key, setting: Setting) -> None:
        super().__init__(index, key, setting)
        self._twins: dict[Hash32, Hash32] = {}

    def lie(self, target: int, message: Message) -> list[Message]:
        """Give odd members the other value."""
        if target % 2 == 0:
            return [message]
        match message:
            case Proposal():
                return [self._other_proposal(message)]
            case Prepare():
                digest = self._twins.get(message.digest, keccak256(message.digest))
                payload = replace(message.signed.payload, digest=digest)
                return [Prepare(self.signed(payload))]
            case Commit():
                digest = self._twins.get(message.digest, keccak256(message.digest))
                seal = self.key.sign(digest)
                sealed = CommitPayload(message.height, message.round, digest, seal)
                return [Commit(self.signed(sealed), self.key.address)]
        return [message]

    def _other_proposal(self, message: Proposal) -> Proposal:
        block = other_block(message.block)
        if len(self._twins) < 1000:
            self._twins[message.digest] = hash_for_commit_seal(block.header)
        payload = proposal_payload(message.height, message.round, block)
        return replace(message, signed=self.signed(payload))


class Mumbler(Liar):
    """Votes for digests that nobody proposed, and seals with seals that are not its own."""

    def lie(self, target: int, message: Message) -> list[Message]:
        """Send a wrong digest, a wrong seal, or both votes."""
        del target
        match message:
            case Prepare():
                wrong = replace(message.signed.payload, digest=keccak256(message.digest))
                return [Prepare(self.signed(wrong)), message]
            case Commit():
                seal = self.key.sign(keccak256(message.digest))
                wrong_seal = replace(message.signed.payload, seal=seal)
                return [Commit(self.signed(wrong_seal), None)]
        return [message]


class Forger(Liar):
    """Claims to have prepared a block of its own, with a certificate it cannot have.

    Its round changes claim the highest round that is possible; where it proposes it does so at
    once for the next rounds, on the strength of round changes it does not have.
    """

    def lie(self, target: int, message: Message) -> list[Message]:
        """Forge certificates and justifications."""
        match message:
            case RoundChange():
                return [self._forged_round_change(message, target)]
            case Proposal(prepares=()) if message.round > 0:
                return [self._forged_proposal(message)]
        return [message]

    def _block(self, round_number: int) -> Block:
        built = self.chain.build(self.now_ms // 1000, self.key.address, self.pool)
        return replace(built, header=with_round(other_block(built).header, round_number))

    def _prepares(
        self, height: int, round_number: int, digest: Hash32, target: int
    ) -> tuple[Signed[PreparePayload], ...]:
        """Return three kinds of forged PREPAREs: one vote many times, too few votes, or none."""
        own = self.signed(PreparePayload(height, round_number, digest))
        return ((own,) * 5, (own,), ())[target % 3]

    def _forged_round_change(self, message: RoundChange, target: int) -> RoundChange:
        prepared_round = message.round - 1
        block = self._block(prepared_round)
        digest = hash_for_commit_seal(block.header)
        claim = PreparedMetadata(prepared_round, digest)
        payload = RoundChangePayload(message.height, message.round, claim)
        prepares = self._prepares(message.height, prepared_round, digest, target)
        return RoundChange(self.signed(payload), block, prepares)

    def _forged_proposal(self, message: Proposal) -> Proposal:
        block = self._block(message.round)
        before = with_round(block.header, message.round - 1)
        digest = hash_for_commit_seal(before)
        claim = PreparedMetadata(message.round - 1, digest)
        own = self.signed(RoundChangePayload(message.height, message.round, claim))
        others = tuple(p for p in message.round_changes if p.author != self.key.address)
        payload = proposal_payload(message.height, message.round, block)
        prepares = self._prepares(message.height, message.round - 1, digest, self.height)
        return Proposal(self.signed(payload), (own, *others), prepares)


class Hollower(Liar):
    """Sends true certificates around a block whose transactions it has taken out."""

    def lie(self, target: int, message: Message) -> list[Message]:
        """Empty the prepared block: its header, and so its digest, stays true."""
        del target
        if isinstance(message, RoundChange) and message.block is not None:
            return [replace(message, block=replace(message.block, transactions=()))]
        return [message]


class Flooder(Liar):
    """Beside each message sends many for rounds and heights far ahead."""

    def lie(self, target: int, message: Message) -> list[Message]:
        """Flood."""
        if self.height > LOUD_UNTIL_HEIGHT:
            return [message]
        chance = self.world.chance
        flood: list[Message] = []
        for _ in range(3):
            height = message.height + chance.randint(0, 4)
            round_number = message.round + chance.choice([1, 2, 5, 11, 500, 2**31 - 2])
            round_number = min(round_number, 2**31 - 1)
            digest = keccak256(bytes([target]))
            flood += [
                RoundChange(self.signed(RoundChangePayload(height, round_number))),
                Prepare(self.signed(PreparePayload(height, round_number, digest))),
                self._commit(height, round_number, digest),
            ]
        return [*flood, message]

    def _commit(self, height: int, round_number: int, digest: Hash32) -> Commit:
        payload = CommitPayload(height, round_number, digest, self.key.sign(digest))
        return Commit(self.signed(payload), self.key.address)


class Cheat(Liar):
    """Serves false blocks to whoever catches up, and claims a head it does not have."""

    def falsify(self, target: int, frame: Frame) -> list[Frame]:
        """Falsify heads and blocks; vote honestly."""
        match frame:
            case ("head", number):
                return [("head", number + self.world.chance.choice([0, 3, 1_000, 10**12]))]
            case ("ask", _, first, _):
                return [frame, ("head", first + 100)]
            case ("blocks", request, blocks):
                lie = self.world.chance.choice(_FALSE_BLOCKS)
                return [("blocks", request, lie(self, blocks))]
        return super().falsify(target, frame)


def _unsealed(liar: Liar, blocks: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Blocks of the liar's own making, sealed by itself alone."""
    made: list[bytes] = []
    parent: Hash32 | None = None
    for data in blocks:
        block = other_block(decode_block(data))
        header = block.header
        if parent is not None:
            header = replace(header, parent_hash=parent)
        digest = hash_for_commit_seal(header)
        header = with_seals(header, [liar.key.sign(digest)])
        parent = hash_for_block(header)
        made.append(encode_block(replace(block, header=header)))
    return tuple(made)


def _resealed(liar: Liar, blocks: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Other blocks under the true seals of the right ones."""
    del liar
    made = []
    for data in blocks:
        block = decode_block(data)
        other = other_block(block)
        seals = decode_extra_data(block.header.extra_data).seals
        made.append(encode_block(replace(other, header=with_seals(other.header, seals))))
    return tuple(made)


def _stuttered(liar: Liar, blocks: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The first block again and again."""
    del liar
    return blocks[:1] * max(2, len(blocks))


def _reversed(liar: Liar, blocks: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The right blocks in the wrong order."""
    del liar
    return blocks[::-1]


def _nothing(liar: Liar, blocks: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """No blocks at all."""
    del liar, blocks
    return ()


def _garbled(liar: Liar, blocks: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Bytes that are no blocks."""
    del liar
    return tuple(data[:-1] for data in blocks)


def _truthful(liar: Liar, blocks: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The right blocks, for once."""
    del liar
    return blocks


_FALSE_BLOCKS: tuple[Callable[[Liar, tuple[bytes, ...]], tuple[bytes, ...]], ...] = (
    *(_unsealed, _unsealed, _resealed, _stuttered, _reversed, _nothing, _garbled, _truthful),
)

LIARS: tuple[type[Liar], ...] = (
    *(Silent, Whisperer, Equivocator, Mumbler, Forger, Hollower, Flooder, Cheat),
)
