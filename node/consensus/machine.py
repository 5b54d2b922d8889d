"""The consensus machine: one event in, effects out.

`Machine` owns what outlives a height: who is connected, whether rounds may be timed yet, what came
early for the next height, and which timers count. It turns each event over to the current `Height`,
and drops what belongs to no height that it may take part in.

It is pure: no clock, no chance, no keys, no IO; the same events give the same effects. What it
asks for is performed in order by `node.runtime.performer`, which alone holds the key.
"""

from typing import assert_never

from node.consensus.events import (
    AnnounceHead,
    BlockBuilt,
    BlockChecked,
    Effect,
    Event,
    HeadChanged,
    MessageReceived,
    PeerConnected,
    PeerDisconnected,
    PoolChanged,
    StartTimer,
    Timer,
    TimerFired,
    TimerKind,
)
from node.consensus.height import Height
from node.consensus.messages import Kind, Message
from node.consensus.rules import context_of
from node.consensus.timing import Settings
from node.consensus.votes import Ahead
from node.spec.seal import f
from node.spec.types import Address


class Machine:
    """A validator's or observer's part in consensus, as a pure machine."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._height: Height | None = None
        self._head_number = -1
        self._validators: tuple[Address, ...] = ()
        self._ahead = Ahead()
        self._connected: set[Address] = set()
        self._gate_open = False
        self._executable = False
        self._now_ms = 0
        self._token = 0
        self._timers: dict[TimerKind, int] = {}
        self._effects: list[Effect] = []

    @property
    def height(self) -> int:
        """Return the height being decided: one above the head."""
        return self._head_number + 1

    @property
    def round(self) -> int:
        """Return the current round; 0 when not taking part."""
        return 0 if self._height is None else self._height.round

    @property
    def buffered_count(self) -> int:
        """Return how many messages are kept, of this height and the next (N11)."""
        return len(self._ahead) + (0 if self._height is None else len(self._height.votes))

    def handle(self, event: Event) -> tuple[Effect, ...]:
        """Return what `event` asks for, to be performed in this order."""
        self._now_ms = event.now_ms
        if self._height is not None:
            self._height.now_ms = event.now_ms
        match event:
            case HeadChanged():
                self._upon_head_changed(event)
            case MessageReceived():
                self._upon_message(event.message, event.sender)
            case TimerFired():
                self._upon_timer(event.timer)
            case PoolChanged() | BlockBuilt() | BlockChecked():
                self._upon_answer(event)
            case PeerConnected():
                self._upon_peer_connected(event.peer)
            case PeerDisconnected():
                self._connected.discard(event.peer)
            case _:
                assert_never(event)
        effects, self._effects = tuple(self._effects), []
        return effects

    def _upon_head_changed(self, event: HeadChanged) -> None:
        """Turn to the next height. L1 UponNewBlock, whoever finalised the block."""
        if event.head.number <= self._head_number:
            return
        started = self._head_number >= 0
        self._head_number = event.head.number
        self._validators = event.validators
        for kind in [kind for kind in self._timers if kind is not TimerKind.GATE]:
            del self._timers[kind]
        self._height = None
        early = self._ahead.take(self.height)
        if not started:
            self._start_timer(TimerKind.GATE, self.settings.gate_ms)
        self._open_gate_when_enough()
        if not event.may_sign or self.settings.address not in event.validators:
            return
        self._height = self._new_height(event)
        self._height.start(event.restored)
        for message in early:
            self._upon_message(message, message.author)

    def _new_height(self, event: HeadChanged) -> Height:
        context = context_of(event.head, event.validators)
        height = Height(self.settings, context, self._emit, self._start_timer, self._stop_timer)
        height.now_ms = self._now_ms
        height.gate_open = self._gate_open
        height.executable = self._executable
        return height

    def _upon_message(self, message: Message, sender: Address | None) -> None:
        """Sort a message by height: drop, keep for the next height, or hand on.

        A ROUND_CHANGE for a height that is over shows that its author has not heard of our head.
        """
        if sender is not None and message.author == self.settings.address:
            return
        if message.author not in self._validators:
            return
        if message.height < self.height:
            if message.kind is Kind.ROUND_CHANGE and sender is not None:
                self._emit(AnnounceHead(sender))
        elif message.height == self.height:
            if self._height is not None:
                self._height.receive(message, sender)
        elif message.height == self.height + 1:
            self._ahead.add(message)

    def _upon_timer(self, timer: Timer) -> None:
        if self._timers.get(timer.kind) != timer.token:
            return
        del self._timers[timer.kind]
        if timer.kind is TimerKind.GATE:
            self._open_gate()
        elif self._height is not None:
            _fire(self._height, timer.kind)

    def _upon_answer(self, event: PoolChanged | BlockBuilt | BlockChecked) -> None:
        if isinstance(event, PoolChanged):
            self._executable = event.executable
        if self._height is None:
            return
        match event:
            case PoolChanged():
                self._height.upon_pool_changed(event.executable)
            case BlockBuilt():
                if event.height == self.height:
                    self._height.upon_block_built(event.round, event.block)
            case BlockChecked():
                self._height.upon_block_checked(event.digest, event.valid)

    def _upon_peer_connected(self, peer: Address) -> None:
        self._connected.add(peer)
        self._emit(AnnounceHead(peer))
        if self._height is not None:
            self._height.greet(peer)
        self._open_gate_when_enough()

    def _open_gate_when_enough(self) -> None:
        """Open the gate at f + 1 other validators connected, or at all there are (N7)."""
        others = set(self._validators) - {self.settings.address}
        if not self._validators or self._gate_open:
            return
        needed = min(f(len(self._validators)) + 1, len(others))
        if len(others & self._connected) >= needed:
            self._open_gate()

    def _open_gate(self) -> None:
        self._gate_open = True
        self._timers.pop(TimerKind.GATE, None)
        if self._height is not None:
            self._height.open_gate()

    def _emit(self, effect: Effect) -> None:
        self._effects.append(effect)

    def _start_timer(self, kind: TimerKind, delay_ms: int) -> None:
        self._token += 1
        self._timers[kind] = self._token
        self._emit(StartTimer(Timer(kind, self._token), delay_ms))

    def _stop_timer(self, kind: TimerKind) -> None:
        self._timers.pop(kind, None)


def _fire(height: Height, kind: TimerKind) -> None:
    match kind:
        case TimerKind.BLOCK:
            height.upon_block_period()
        case TimerKind.EMPTY:
            height.upon_empty_period()
        case TimerKind.ROUND:
            height.upon_round_timeout()
        case TimerKind.HOLD:
            height.upon_hold_over()
        case TimerKind.REPEAT:
            height.repeat()
