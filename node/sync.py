"""Catching up: which blocks to ask of whom, as a pure machine.

Peers tell their heads; where one is ahead, ranges of sealed blocks are asked for, a few at a time
from different peers, and handed to import in order. Import verifies every block (links, seals,
execution); this machine believes nothing but its result. A head told is a claim: it is only ever a
reason to ask, and a peer that cannot show what it claims, answers beside the question or sends a
block that fails is dropped, and its range asked of another.

A validator that hears of one block more than it has is most likely about to finalise it itself, so
it waits `patience_ms` before it asks; an observer asks at once.

Bounds: one request a peer, `RANGES_MAX` ranges (twice that where short answers left gaps),
`RANGE_BLOCKS_MAX` blocks a range. The driver limits peers and bytes. Time enters by events only;
`Tick` is to come about four times a second.
"""

from dataclasses import dataclass, field
from typing import Final, assert_never

from node.spec.block import Block
from node.spec.types import Address

RANGE_BLOCKS_MAX: Final = 64
"""Blocks asked for at once; who answers may send fewer, as many as fit a frame."""

RANGES_MAX: Final = 4
"""Ranges asked for or waiting for import at one time."""

REQUEST_TIMEOUT_MS: Final = 5_000
"""An answer later than this is not waited for."""

STRIKES_MAX: Final = 3
"""Timeouts in a row after which a peer is dropped."""


@dataclass(frozen=True, slots=True)
class HeadAdvanced:
    """Our head is now `number`, by consensus or by import."""

    now_ms: int
    number: int


@dataclass(frozen=True, slots=True)
class PeerHead:
    """A peer says that its head is `number`."""

    now_ms: int
    peer: Address
    number: int


@dataclass(frozen=True, slots=True)
class PeerGone:
    """A peer has disconnected."""

    now_ms: int
    peer: Address


@dataclass(frozen=True, slots=True)
class BlocksReceived:
    """A peer's answer to the request of this id: sealed blocks, not verified."""

    now_ms: int
    peer: Address
    request: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class ImportDone:
    """The last ImportBlocks is over; `valid` is False if one of the blocks broke a rule."""

    now_ms: int
    valid: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""

    now_ms: int


Event = HeadAdvanced | PeerHead | PeerGone | BlocksReceived | ImportDone | Tick


@dataclass(frozen=True, slots=True)
class RequestBlocks:
    """Ask a peer for `count` blocks from number `first`; BlocksReceived answers."""

    peer: Address
    request: int
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class ImportBlocks:
    """Verify and store blocks in order, skipping those we have; ImportDone answers."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class DropPeer:
    """Disconnect a peer that lied or does not answer."""

    peer: Address
    reason: str


Effect = RequestBlocks | ImportBlocks | DropPeer


@dataclass(slots=True)
class _Peer:
    head: int
    ahead_since_ms: int
    strikes: int = 0
    used: int = 0
    """The id of the last request made of it: who was asked longest ago is asked next."""


@dataclass(slots=True)
class _Range:
    first: int
    count: int
    peer: Address | None = None
    request: int = 0
    deadline_ms: int = 0
    blocks: tuple[Block, ...] = ()
    refused: set[Address] = field(default_factory=set)
    """Peers that failed to answer it."""

    @property
    def last(self) -> int:
        return self.first + self.count - 1

    @property
    def is_open(self) -> bool:
        return self.peer is None and not self.blocks


class Sync:
    """The state of catching up."""

    def __init__(self, head: int, patience_ms: int = 1_000) -> None:
        self.head = head
        self._patience_ms = patience_ms
        self._peers: dict[Address, _Peer] = {}
        self._ranges: list[_Range] = []
        self._importing: _Range | None = None
        self._requests = 0
        self._effects: list[Effect] = []

    @property
    def target(self) -> int:
        """Return the highest head that any peer claims, or our own."""
        return max((peer.head for peer in self._peers.values()), default=self.head)

    @property
    def buffered_count(self) -> int:
        """Return how many blocks wait for import."""
        return sum(len(part.blocks) for part in self._ranges)

    def handle(self, event: Event) -> tuple[Effect, ...]:
        """Return what `event` asks for, to be performed in this order."""
        match event:
            case HeadAdvanced():
                self._upon_head(event.number)
            case PeerHead():
                self._upon_peer_head(event)
            case PeerGone():
                self._forget(event.peer)
            case BlocksReceived():
                self._upon_blocks(event)
            case ImportDone():
                self._upon_import_done(event.valid)
            case Tick():
                self._expire(event.now_ms)
            case _:
                assert_never(event)
        self._plan()
        self._ask(event.now_ms)
        self._import()
        effects, self._effects = tuple(self._effects), []
        return effects

    def _upon_head(self, number: int) -> None:
        """Let go of what is no longer needed."""
        self.head = max(self.head, number)
        self._ranges = [
            part for part in self._ranges if part is self._importing or part.last > self.head
        ]
        for part in self._ranges:
            if part.is_open and part.first <= self.head:
                part.first, part.count = self.head + 1, part.last - self.head

    def _upon_peer_head(self, event: PeerHead) -> None:
        peer = self._peers.get(event.peer)
        if peer is None:
            self._peers[event.peer] = _Peer(event.number, event.now_ms)
            return
        if peer.head <= self.head < event.number:
            peer.ahead_since_ms = event.now_ms
        peer.head = max(peer.head, event.number)

    def _forget(self, peer: Address) -> None:
        self._peers.pop(peer, None)
        for part in self._ranges:
            if part.peer == peer and not part.blocks:
                part.peer = None
            part.refused.discard(peer)

    def _drop(self, peer: Address, reason: str) -> None:
        """Drop a peer, and all that it sent."""
        if peer not in self._peers:
            return
        for part in self._ranges:
            if part.peer == peer and part is not self._importing:
                part.peer, part.blocks = None, ()
        self._forget(peer)
        self._effects.append(DropPeer(peer, reason))

    def _upon_blocks(self, event: BlocksReceived) -> None:
        """Take an answer, or drop who gave a useless one. A late or unasked answer is ignored."""
        part = next((p for p in self._ranges if p.request == event.request and not p.blocks), None)
        if part is None or part.peer != event.peer:
            return
        numbers = [block.header.number for block in event.blocks]
        if not numbers:
            self._drop(event.peer, f"claims a head it does not show: no block {part.first}")
        elif numbers != list(range(part.first, part.first + len(numbers))):
            self._drop(event.peer, f"answers beside the question: not blocks from {part.first}")
        elif len(numbers) > part.count:
            self._drop(event.peer, f"sends {len(numbers)} blocks where {part.count} were asked")
        else:
            self._peers[event.peer].strikes = 0
            # What a short answer leaves open is planned anew as a gap.
            part.blocks, part.count = event.blocks, len(numbers)

    def _upon_import_done(self, valid: bool) -> None:
        """Go on, or drop who sent a block that failed. The range's rest is planned anew."""
        done, self._importing = self._importing, None
        if done is None:
            return
        self._ranges.remove(done)
        if not valid and done.peer is not None:
            self._drop(done.peer, f"sent a block that fails, of {done.first} and after")

    def _expire(self, now_ms: int) -> None:
        """Give up on answers that do not come."""
        for part in self._ranges:
            if part.peer is None or part.blocks or now_ms < part.deadline_ms:
                continue
            late = part.peer
            part.peer = None
            part.refused.add(late)
            peer = self._peers[late]
            peer.strikes += 1
            if peer.strikes >= STRIKES_MAX:
                self._drop(late, "does not answer")

    def _plan(self) -> None:
        """Cover the blocks after the head with ranges, gaps first, as many as are allowed."""
        first, planned = self.head + 1, list[_Range]()
        for part in self._ranges:
            if first < part.first and len(self._ranges) + len(planned) < 2 * RANGES_MAX:
                planned.append(_Range(first, min(RANGE_BLOCKS_MAX, part.first - first)))
            first = max(first, part.last + 1)
        while len(self._ranges) + len(planned) < RANGES_MAX and first <= self.target:
            planned.append(_Range(first, min(RANGE_BLOCKS_MAX, self.target - first + 1)))
            first = planned[-1].last + 1
        self._ranges = sorted([*self._ranges, *planned], key=lambda part: part.first)

    def _ask(self, now_ms: int) -> None:
        """Ask for every open range of a peer that claims its beginning and is free."""
        for part in self._ranges:
            if not part.is_open:
                continue
            peer = self._choose(part, now_ms)
            if peer is None:
                continue
            self._requests += 1
            part.peer, part.request = peer, self._requests
            part.deadline_ms = now_ms + REQUEST_TIMEOUT_MS
            self._peers[peer].used = self._requests
            count = min(part.count, self._peers[peer].head - part.first + 1)
            self._effects.append(RequestBlocks(peer, part.request, part.first, count))

    def _choose(self, part: _Range, now_ms: int) -> Address | None:
        """Return the free peer asked longest ago; one that failed this range only if all did."""
        busy = {other.peer for other in self._ranges if not other.blocks}
        able = [
            (address in part.refused, peer.used, address)
            for address, peer in self._peers.items()
            if address not in busy and peer.head >= part.first and self._is_patient(peer, now_ms)
        ]
        return min(able)[2] if able else None

    def _is_patient(self, peer: _Peer, now_ms: int) -> bool:
        """Whether the peer is far enough ahead, or has been for long enough, to be asked."""
        return peer.head > self.head + 1 or now_ms >= peer.ahead_since_ms + self._patience_ms

    def _import(self) -> None:
        """Hand the next range to import, when it has arrived and none is under way."""
        if self._importing is not None or not self._ranges:
            return
        part = self._ranges[0]
        if part.blocks and part.first <= self.head + 1:
            self._importing = part
            self._effects.append(ImportBlocks(part.blocks))
