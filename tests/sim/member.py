"""A member of the simulated consortium: the host around the real machines.

It does what the asyncio driver does in production, with the world's clock: frames in are decoded
and turned into events, effects out become frames, timers and work that takes a little while. A
crash forgets everything but the disk; a pause keeps everything and lets time pass by.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from node.consensus.events import (
    BlockBuilt,
    BlockChecked,
    BuildBlock,
    CheckBlock,
    HeadChanged,
    MessageReceived,
    PeerConnected,
    PeerDisconnected,
    PoolChanged,
    ReportPeer,
    Restored,
    StartTimer,
    TimerFired,
)
from node.consensus.intake import Intake
from node.consensus.machine import Machine
from node.consensus.messages import Recover
from node.consensus.timing import Settings
from node.errors import DataccordError, DecodeError, InvalidBlock, SealError, SignatureError
from node.execution.choice import Engines
from node.runtime.performer import Performer
from node.spec.block import Block, decode_block, encode_block
from node.spec.types import Address
from node.storage.kv import MemoryKeyValue
from node.storage.sign_state import Signed, SignState
from node.sync import (
    BlocksReceived,
    DropPeer,
    HeadAdvanced,
    ImportBlocks,
    ImportDone,
    PeerGone,
    PeerHead,
    RequestBlocks,
    Sync,
    Tick,
)
from node.sync import Effect as SyncEffect
from node.sync import Event as SyncEvent
from tests.sim.chain import Chain, new_store
from tests.sim.keys import Key
from tests.sim.network import Frame, Network
from tests.sim.world import World

TICK_MS = 250
RECONNECT_MS = 5_000
BLOCKS_SERVED_MAX = 16
WORK_MS_MAX = 30
RECORD_MS_MAX = 10


class Witness(Protocol):
    """Who is told what an honest member does."""

    def upon_commit(self, member: int, block: Block) -> None:
        """A member has stored a block."""
        ...

    def upon_sent(self, member: int, code: int, data: bytes) -> None:
        """A member sends a consensus message, its own or another's."""
        ...

    def upon_step(self, member: "Member") -> None:
        """A member has dealt with a frame or timer."""
        ...


@dataclass(frozen=True, slots=True)
class Setting:
    """What all members of a story share."""

    world: World
    network: Network
    addresses: tuple[Address, ...]
    recover: Recover
    intake: Intake
    """One decoder for all: decoding is pure, and what it remembers changes nothing but time."""
    engines: tuple[Engines, ...]
    """What members run on, in turn."""
    witness: Witness


class Member:
    """One node, honest."""

    honest = True

    def __init__(self, index: int, key: Key, setting: Setting) -> None:
        self.index = index
        self.key = key
        self.setting = setting
        self.world = setting.world
        self.chain_disk = new_store(setting.addresses)
        self.sign_disk = MemoryKeyValue()
        self.pool: list[bytes] = []
        self.running = False
        self.paused_until_ms = 0
        self.records_until_crash: int | None = None
        self.frames_until_crash: int | None = None
        self.rejoin_at: int | None = None
        self.crashes = 0
        self._life = 0
        self._banned: set[int] = set()

    # Life

    def start(self) -> None:
        """Come up from the disk alone."""
        if not self.running:
            self.running = True
            self._life += 1
            self._surviving(self._start)

    def _start(self) -> None:
        self._banned = set()
        sign_state = _CrashingSignState(self)
        engines = self.setting.engines[self.index % len(self.setting.engines)]
        self.chain = Chain(self.chain_disk, self.setting.addresses, engines)
        self.machine = Machine(Settings(self.key.address))
        self.performer = Performer(
            self.machine, self.key, sign_state, _HostOf(self), self.setting.recover
        )
        self.sync = Sync(self.height)
        rejoining = None if self.rejoin_at is None else Restored(self.rejoin_at)
        self.rejoin_at = None
        self._give(PoolChanged(self.now_ms, self._is_executable()))
        self._give(self._head_changed(rejoining))
        self.world.after(TICK_MS, self._tick, self._life)

    @property
    def is_observing(self) -> bool:
        """Whether we may not sign at the next height."""
        return self.running and self.performer.is_observing

    def _head_changed(self, rejoining: Restored | None = None) -> HeadChanged:
        head, validators = self.chain.head, self.chain.validators
        return HeadChanged(self.now_ms, head, validators, restored=rejoining)

    def crash(self) -> None:
        """Lose everything that is not on the disk."""
        if not self.running:
            return
        self.running = False
        self.crashes += 1
        self._life += 1
        kept = self.world.chance.randint(0, 1)
        self.chain_disk = self.chain_disk.crash(kept)
        self.sign_disk = self.sign_disk.crash(kept)

    def pause(self, duration_ms: int) -> None:
        """Do nothing for a while; what arrives waits."""
        self.paused_until_ms = self.now_ms + duration_ms

    @property
    def now_ms(self) -> int:
        """Return the world's time; a member has no other."""
        return self.world.now_ms

    @property
    def height(self) -> int:
        """Return the head's number."""
        return self.chain.head.number

    def _later(self, delay_ms: int, action: Callable[..., None], *arguments: Any) -> None:
        self.world.after(delay_ms, self._in_this_life, self._life, action, arguments)

    def _in_this_life(
        self, life: int, action: Callable[..., None], arguments: tuple[Any, ...]
    ) -> None:
        if life != self._life:
            return
        if self.now_ms < self.paused_until_ms:
            wait = self.paused_until_ms - self.now_ms
            self.world.after(wait, self._in_this_life, life, action, arguments)
            return
        self._surviving(action, *arguments)
        if self.running:
            self.setting.witness.upon_step(self)

    def _surviving(self, action: Callable[..., None], *arguments: Any) -> None:
        try:
            action(*arguments)
        except PowerCut:
            self.crash()
            self.world.after(self.world.chance.randint(50, 3_000), self.start)

    def _tick(self, life: int) -> None:
        if life == self._life:
            self._in_this_life(life, self._give_sync, (Tick(self.now_ms),))
            self.world.after(TICK_MS, self._tick, life)

    # What reaches us

    def upon_peer(self, peer: int, connected: bool) -> None:
        """A connection has come or gone."""
        if not self.running:
            return
        address = self.setting.addresses[peer]
        if connected:
            self._banned.discard(peer)
            self._later(0, self._give, PeerConnected(self.now_ms, address))
        else:
            self._later(0, self._give, PeerDisconnected(self.now_ms, address))
            self._later(0, self._give_sync, PeerGone(self.now_ms, address))

    def upon_frame(self, source: int, frame: Frame) -> None:
        """A frame has arrived."""
        if self.running and source not in self._banned:
            self._later(0, self._read, source, frame)

    def _read(self, source: int, frame: Frame) -> None:
        match frame:
            case ("qbft", code, data):
                self._read_message(source, code, data)
            case ("head", number):
                self._give_sync(PeerHead(self.now_ms, self._address(source), number))
            case ("ask", request, first, count):
                self._serve(source, request, first, count)
            case ("blocks", request, blocks):
                self._read_blocks(source, request, blocks)

    def _read_message(self, source: int, code: int, data: bytes) -> None:
        try:
            message = self.setting.intake.decode(code, data)
        except (DecodeError, SignatureError):
            return
        if message.height > self.machine.height:
            claim = PeerHead(self.now_ms, self._address(source), message.height - 1)
            self._give_sync(claim)
        self._give(MessageReceived(self.now_ms, message, self._address(source)))

    def _read_blocks(self, source: int, request: int, blocks: tuple[bytes, ...]) -> None:
        peer = self._address(source)
        try:
            decoded = tuple(decode_block(data) for data in blocks)
        except DecodeError:
            decoded = ()
        self._give_sync(BlocksReceived(self.now_ms, peer, request, decoded))

    def _serve(self, source: int, request: int, first: int, count: int) -> None:
        last = min(first + min(count, BLOCKS_SERVED_MAX) - 1, self.height)
        found = [self.chain.block_at(number) for number in range(first, last + 1)]
        blocks = tuple(encode_block(block) for block in found if block is not None)
        self.transmit(source, ("blocks", request, blocks))

    def add_transaction(self, raw: bytes) -> None:
        """Take a transaction into the pool; a pool outlives no crash of the member it is in."""
        if not self.running:
            return
        self.pool.append(raw)
        self._later(0, self._give, PoolChanged(self.now_ms, self._is_executable()))

    def _is_executable(self) -> bool:
        self.pool = [raw for raw in self.pool if not self.chain.is_known(raw)]
        return bool(self.pool)

    # Machines

    def _address(self, index: int) -> Address:
        return self.setting.addresses[index]

    def _give(self, event: Any) -> None:
        self.performer.handle(event)

    def _give_sync(self, event: SyncEvent) -> None:
        for effect in self.sync.handle(event):
            self._perform_sync(effect)

    def _perform_sync(self, effect: SyncEffect) -> None:
        match effect:
            case RequestBlocks(peer, request, first, count):
                self.transmit(self.setting.addresses.index(peer), ("ask", request, first, count))
            case ImportBlocks(blocks):
                self._later(self._work_ms(), self._import, blocks)
            case DropPeer(peer, _):
                index = self.setting.addresses.index(peer)
                self._banned.add(index)
                self._later(0, self._give, PeerDisconnected(self.now_ms, peer))
                self._later(RECONNECT_MS, self.upon_peer, index, True)

    def _import(self, blocks: tuple[Block, ...]) -> None:
        valid = True
        for block in blocks:
            try:
                is_new = self.chain.import_block(block)
            except (InvalidBlock, SealError):
                valid = False
                break
            if is_new:
                self._committed(block)
        self._give_sync(ImportDone(self.now_ms, valid))

    def commit_block(self, block: Block) -> None:
        """Store a block that consensus has sealed."""
        if block.header.number == self.height + 1:
            self.chain.commit(block)
            self._committed(block)

    def _committed(self, block: Block) -> None:
        self.setting.witness.upon_commit(self.index, block)
        self.announce_head(None)
        self._give(PoolChanged(self.now_ms, self._is_executable()))
        self._give(self._head_changed())
        self._later(0, self._give_sync, HeadAdvanced(self.now_ms, self.height))

    def _work_ms(self) -> int:
        return self.world.chance.randint(1, WORK_MS_MAX)

    # What we do

    def durably(self, write: Callable[[], None], then: Callable[[], None]) -> None:
        """Write now, and go on a little later: a crash in between finds it on the disk."""
        write()
        self._later(self.world.chance.randint(0, RECORD_MS_MAX), then)

    def transmit(self, target: int, frame: Frame) -> None:
        """Put a frame on the network; liars have their say here."""
        self.setting.network.send(self.index, target, frame)

    def send_message(
        self, code: int, data: bytes, to: Address | None, exclude: frozenset[Address]
    ) -> None:
        """Send a consensus message to one member or to all."""
        self.setting.witness.upon_sent(self.index, code, data)
        for target, address in enumerate(self.setting.addresses):
            if target != self.index and address not in exclude and to in (None, address):
                self._count_down_to_crash()
                self.transmit(target, ("qbft", code, data))

    def _count_down_to_crash(self) -> None:
        """Let the power fail between two frames, when the story says so."""
        if self.frames_until_crash is not None:
            self.frames_until_crash -= 1
            if self.frames_until_crash <= 0:
                self.frames_until_crash = None
                raise PowerCut("power cut while sending")

    def announce_head(self, to: Address | None) -> None:
        """Tell our head."""
        for target, address in enumerate(self.setting.addresses):
            if target != self.index and to in (None, address):
                self.transmit(target, ("head", self.height))

    def start_timer(self, effect: StartTimer) -> None:
        """Let a timer fire later."""
        self._later(effect.delay_ms, self._fire, effect)

    def _fire(self, effect: StartTimer) -> None:
        self._give(TimerFired(self.now_ms, effect.timer))

    def build_block(self, effect: BuildBlock) -> None:
        """Build from the pool, a little later."""
        self._later(self._work_ms(), self._build, effect)

    def _build(self, effect: BuildBlock) -> None:
        if effect.height == self.height + 1:
            block = self.chain.build(effect.timestamp, self.key.address, self.pool)
            self._give(BlockBuilt(self.now_ms, effect.height, effect.round, block))

    def check_block(self, effect: CheckBlock) -> None:
        """Check by execution, a little later."""
        self._later(self._work_ms(), self._check, effect)

    def _check(self, effect: CheckBlock) -> None:
        if effect.block.header.number == self.height + 1:
            valid = self.chain.check(effect.block)
            self._give(BlockChecked(self.now_ms, effect.digest, valid))

    def report_peer(self, effect: ReportPeer) -> None:
        """Note a fault."""
        self.world.note(f"{self.index} reports {effect.fault.value}", effect.validator)


class PowerCut(DataccordError):
    """The story takes a member's power away in the middle of an action."""


class _CrashingSignState(SignState):
    """A sign-state at which the power may fail: just before a record is synced, or just after."""

    def __init__(self, member: Member) -> None:
        super().__init__(member.sign_disk)
        self._member = member

    def record(self, entry: Signed, certificate: bytes = b"") -> None:
        """Record, unless this is the moment of the crash."""
        member = self._member
        if member.records_until_crash is None:
            super().record(entry, certificate)
            return
        member.records_until_crash -= 1
        if member.records_until_crash > 0 or member.world.chance.random() < 0.5:
            super().record(entry, certificate)
        if member.records_until_crash <= 0:
            member.records_until_crash = None
            raise PowerCut("power cut while signing")


class _HostOf:
    """A member as its performer sees it."""

    def __init__(self, member: Member) -> None:
        self.durably = member.durably
        self.send = member.send_message
        self.announce_head = member.announce_head
        self.start_timer = member.start_timer
        self.build_block = member.build_block
        self.check_block = member.check_block
        self.commit_block = member.commit_block
        self.report_peer = member.report_peer
