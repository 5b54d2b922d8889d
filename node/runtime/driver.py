"""The production host of the consensus and sync machines.

All machines live on the event loop; blocks are built and checked in one worker thread, committed
and imported in another, and what we sign is synced in a third, so that nothing heavy delays a vote.
Frames come in through `deliver` and become events; what machines ask for goes out as frames, timers
and work whose result is an event again. A failure that makes going on unsafe (a sign-state that
refuses, a store that fails, an engine that faults) ends the node by `failed`.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import structlog

from node.chain.head import NewHead
from node.chain.ledger import Ledger
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
    StartTimer,
    TimerFired,
    TimerKind,
)
from node.consensus.events import Event as ConsensusEvent
from node.consensus.intake import Intake
from node.consensus.machine import Machine
from node.errors import DecodeError, InvalidBlock, SealError, SignatureError
from node.execution.engine import ExecutionAbandoned
from node.p2p.network import Network
from node.p2p.session import Session
from node.p2p.wire import (
    Blocks,
    Consensus,
    Frame,
    GetBlocks,
    Status,
    Transactions,
    transaction_frames,
)
from node.runtime.admission import Admission, Admitted
from node.runtime.performer import Performer, Signer, SignState
from node.runtime.pool import PoolDoor
from node.runtime.serving import encoded_blocks
from node.spec import registry
from node.spec.block import Block, decode_block
from node.spec.crypto import recover
from node.spec.seal import f, quorum
from node.spec.types import Address, Hash32
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
from node.telemetry import Metrics

TICK_SECONDS: Final = 0.25
GOSSIP_SECONDS: Final = 0.02
"""How long admitted transactions are gathered before they are announced."""

log = structlog.get_logger()


class Driver:
    """One node's life between network, ledger and machines."""

    def __init__(
        self,
        ledger: Ledger,
        pool: PoolDoor,
        machine: Machine,
        signer: Signer,
        sign_state: SignState,
        metrics: Metrics,
    ) -> None:
        self.ledger = ledger
        self.pool = pool
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.on_head: Callable[[NewHead], None] = lambda _head: None
        self.on_pending: Callable[[Hash32], None] = lambda _hash: None
        self.on_message: Callable[[int, bytes], None] = lambda _code, _payload: None
        self._machine = machine
        self._metrics = metrics
        self._network: Network | None = None
        self._performer = Performer(machine, signer, sign_state, self, recover)
        self._sync = Sync(ledger.head.number)
        self._intake = Intake(recover)
        self._timers: dict[TimerKind, asyncio.TimerHandle] = {}
        self._work = ThreadPoolExecutor(1, "execute")
        self._commits = ThreadPoolExecutor(1, "commit")
        self._recovers = ThreadPoolExecutor(1, "recover")
        self._records = ThreadPoolExecutor(1, "record")
        self.admission = Admission(ledger.transactions.resolve_each, pool, self._recovers)
        self._generation = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._outbox: list[bytes] = []
        self._rounds_seen = 0
        self._started = False
        self._remembers_nothing = sign_state.last_height() is None
        self._serving: set[Address] = set()
        self._stopped = False

    # Life ----------------------------------------------------------------------------------------

    async def run(self, network: Network) -> None:
        """Drive until cancelled, or until something makes going on unsafe."""
        self._network = network
        self._show_head()
        self._start_when_informed()
        try:
            while not self.failed.done():
                await asyncio.wait({self.failed}, timeout=TICK_SECONDS)
                self._give_sync(Tick(_now_ms()))
                self._start_when_informed()
                self._show_round()
            self.failed.result()
        finally:
            self._stopped = True
            self._generation += 1
            for handle in self._timers.values():
                handle.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._work.shutdown()
            self._commits.shutdown()
            self._recovers.shutdown()
            self._records.shutdown()

    def _start_when_informed(self) -> None:
        """Let consensus begin; a key that remembers no vote first hears where a quorum is (N14).

        Otherwise a validator whose folder was lost would take height 1 for new and vote again at
        heights it has voted at before.
        """
        if self._started:
            return
        if self._remembers_nothing and not self._is_informed():
            return
        self._performer.learn_head(self.best_known())
        self._started = True
        self._give(PoolChanged(_now_ms(), self.pool.executable))
        self._give(self._head_changed())

    def _is_informed(self) -> bool:
        """Whether, with ourselves, a quorum of validators has told its head."""
        validators = self.ledger.validators
        others = [address for address in validators if address != self._machine.settings.address]
        return len(self._told_heads(others)) + 1 >= quorum(len(validators))

    def _told_heads(self, nodes: Iterable[Address]) -> list[int]:
        """Return the heads that some peers told of, highest first."""
        sessions = {} if self._network is None else self._network.sessions
        told = (sessions[node].height for node in nodes if node in sessions)
        return sorted((height for height in told if height is not None), reverse=True)

    @property
    def network(self) -> Network:
        """The peers; there only while running."""
        assert self._network is not None, "the driver runs before anything is delivered"
        return self._network

    def _fail(self, error: BaseException) -> None:
        log.error("node_stops", error=str(error))
        if not self.failed.done() and not self._stopped:
            self.failed.set_exception(error)

    def _give(self, event: ConsensusEvent) -> None:
        if self.failed.done() or self._stopped:
            return
        try:
            self._performer.handle(event)
        except Exception as error:
            self._fail(error)

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine whose failure is the node's."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    # What reaches us -----------------------------------------------------------------------------

    def joined(self, session: Session) -> None:
        """A peer has said hello: tell it our head and what waits in the pool."""
        now = _now_ms()
        self.announce_head(session.node)
        for frame in transaction_frames(self.pool.raws()):
            self.network.send(session.node, frame)
        self._give(PeerConnected(now, session.node))
        self._metrics.peer_count.set(len(self.network.sessions))

    def left(self, session: Session) -> None:
        """A peer is gone."""
        now = _now_ms()
        self._give(PeerDisconnected(now, session.node))
        self._give_sync(PeerGone(now, session.node))
        self._metrics.peer_count.set(len(self.network.sessions))

    async def deliver(self, session: Session, frame: Frame) -> None:
        """Turn a peer's frame into what it means; a peer whose frames find no room waits."""
        match frame:
            case Consensus(code, payload):
                self._read_message(session, code, payload)
            case Status(height, _):
                session.height = height
                self._give_sync(PeerHead(_now_ms(), session.node, height))
            case Transactions(raws):
                await self.admission.room()
                self._start(self._read_transactions(session, raws))
            case GetBlocks(request, first, count):
                self._serve(session, request, first, count)
            case Blocks(request, encoded):
                self._read_blocks(session, request, encoded)
            case _:
                self._mark(session, "a second hello")

    def _mark(self, session: Session, reason: str) -> None:
        self._metrics.peer_faults.inc()
        session.mark(reason)

    def _read_message(self, session: Session, code: int, payload: bytes) -> None:
        try:
            message = self._intake.decode(code, payload)
        except (DecodeError, SignatureError) as error:
            self._mark(session, error.what)
            return
        self.on_message(code, payload)
        now = _now_ms()
        if message.height > self._machine.height:
            self._give_sync(PeerHead(now, session.node, message.height - 1))
        self._give(MessageReceived(now, message, session.node))

    async def _read_transactions(self, session: Session, raws: tuple[bytes, ...]) -> None:
        """Admit what a peer sends; what is no transaction, or nobody's, is a fault of the peer's.

        Other refusals are not: pools differ for a moment after each block.
        """
        results = await self.admission.admit(raws)
        faults = [item for item in results if isinstance(item, DecodeError | SignatureError)]
        if faults:
            self._mark(session, faults[0].what)
        self._tell_admitted(results)

    def _tell_admitted(self, results: Iterable[Admitted]) -> None:
        admitted = [item for item in results if isinstance(item, bytes)]
        for transaction_hash in admitted:
            self.on_pending(transaction_hash)
        if admitted:
            self._give(PoolChanged(_now_ms(), self.pool.executable))

    def _read_blocks(self, session: Session, request: int, encoded: tuple[bytes, ...]) -> None:
        try:
            blocks = tuple(decode_block(data) for data in encoded)
        except DecodeError as error:
            self._mark(session, error.what)
            blocks = ()
        self._give_sync(BlocksReceived(_now_ms(), session.node, request, blocks))

    def _serve(self, session: Session, request: int, first: int, count: int) -> None:
        """Answer a range off the loop; a peer waits for one answer before it asks again."""
        if session.node in self._serving:
            self._mark(session, "asked for blocks again before the answer")
            return
        self._serving.add(session.node)
        self._start(self._answer(session, request, first, count))

    async def _answer(self, session: Session, request: int, first: int, count: int) -> None:
        try:
            store, head = self.ledger.store, self.ledger.head.number
            found = await asyncio.to_thread(encoded_blocks, store.blocks, first, count, head)
            self.network.send(session.node, Blocks(request, found))
        finally:
            self._serving.discard(session.node)

    # Transactions --------------------------------------------------------------------------------

    async def submit(self, raws: Sequence[bytes]) -> list[Admitted]:
        """Admit a client's transactions and announce them soon; return what became of each."""
        results = await self.admission.admit(raws)
        if not self._outbox:
            asyncio.get_running_loop().call_later(GOSSIP_SECONDS, self._flush)
        pairs = zip(raws, results, strict=True)
        self._outbox += [raw for raw, result in pairs if isinstance(result, bytes)]
        self._tell_admitted(results)
        return results

    def _flush(self) -> None:
        waiting, self._outbox = self._outbox, []
        for frame in transaction_frames(waiting):
            self.network.broadcast(frame)

    # Catching up ---------------------------------------------------------------------------------

    def _give_sync(self, event: SyncEvent) -> None:
        if self._stopped:
            return
        for effect in self._sync.handle(event):
            self._perform_sync(effect)

    def _perform_sync(self, effect: SyncEffect) -> None:
        match effect:
            case RequestBlocks(peer, request, first, count):
                self.network.send(peer, GetBlocks(request, first, count))
            case ImportBlocks(blocks):
                self._start(self._import(blocks))
            case DropPeer(peer, reason):
                session = self.network.sessions.get(peer)
                if session is not None:
                    session.close(reason)

    async def _import(self, blocks: tuple[Block, ...]) -> None:
        valid = True
        for block in blocks:
            try:
                await self._commit(block)
            except (InvalidBlock, SealError, DecodeError) as error:
                log.warning("import_refused", number=block.header.number, why=error.what)
                valid = False
                break
        self._give_sync(ImportDone(_now_ms(), valid))

    async def _commit(self, block: Block) -> None:
        loop = asyncio.get_running_loop()
        head = await loop.run_in_executor(self._commits, self.ledger.import_block, block)
        if head is not None:
            self._committed(head)

    def _committed(self, head: NewHead) -> None:
        self._generation += 1
        self.pool.head_changed(head)
        if registry.MEMBERS in head.execution.diff.accounts:
            self.network.registry_changed()
        self._show_head()
        self.announce_head(None)
        now = _now_ms()
        if self._started:
            self._give(PoolChanged(now, self.pool.executable))
            self._give(self._head_changed())
        self._give_sync(HeadAdvanced(now, head.block.header.number))
        self.on_head(head)

    def _head_changed(self) -> HeadChanged:
        return HeadChanged(_now_ms(), self.ledger.head, self.ledger.validators)

    # Host of the performer -----------------------------------------------------------------------

    def durably(self, write: Callable[[], None], then: Callable[[], None]) -> None:
        """Wait for the disk in a thread, so that nobody else does; a failure is the node's."""
        self._start(self._write(write, then))

    async def _write(self, write: Callable[[], None], then: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._records, write)
        if not self._stopped and not self.failed.done():
            then()

    def send(self, code: int, data: bytes, to: Address | None, exclude: frozenset[Address]) -> None:
        """Send a QBFT message to one validator, or to all connected ones but those excluded."""
        if to is not None:
            self.network.send(to, Consensus(code, data))
            return
        validators = frozenset(self.ledger.validators)
        strangers = [node for node in self.network.sessions if node not in validators]
        self.network.broadcast(Consensus(code, data), skip=exclude.union(strangers))

    def announce_head(self, to: Address | None) -> None:
        """Tell one peer, or every peer, our head."""
        head = self.ledger.view
        frame = Status(head.header.number, head.hash)
        if to is None:
            self.network.broadcast(frame)
        else:
            self.network.send(to, frame)

    def start_timer(self, effect: StartTimer) -> None:
        """Fire a timer after its delay; an earlier one of its kind is forgotten."""
        kind = effect.timer.kind
        if kind in self._timers:
            self._timers[kind].cancel()
        self._timers[kind] = asyncio.get_running_loop().call_later(
            effect.delay_ms / 1000, lambda: self._give(TimerFired(_now_ms(), effect.timer))
        )

    def build_block(self, effect: BuildBlock) -> None:
        """Build upon the head in the worker; earlier work is abandoned."""
        self._generation += 1
        self._start(self._build(effect, self._generation))

    async def _build(self, effect: BuildBlock, generation: int) -> None:
        candidates = self.pool.candidates()
        try:
            built = await asyncio.get_running_loop().run_in_executor(
                self._work,
                lambda: self.ledger.build(
                    effect.timestamp,
                    self._machine.settings.address,
                    candidates,
                    cancel=lambda: self._generation != generation,
                ),
            )
        except ExecutionAbandoned:
            return
        self.pool.drop(built.refused)
        if effect.height == built.block.header.number:
            self._give(BlockBuilt(_now_ms(), effect.height, effect.round, built.block))

    def check_block(self, effect: CheckBlock) -> None:
        """Check by execution in the worker; earlier work is abandoned."""
        self._generation += 1
        self._start(self._check(effect, self._generation))

    async def _check(self, effect: CheckBlock, generation: int) -> None:
        valid = True
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._work,
                lambda: self.ledger.check(
                    effect.block, cancel=lambda: self._generation != generation
                ),
            )
        except ExecutionAbandoned:
            return
        except InvalidBlock as error:
            log.warning("proposal_invalid", number=effect.block.header.number, why=error.what)
            valid = False
        self._give(BlockChecked(_now_ms(), effect.digest, valid))

    def commit_block(self, block: Block) -> None:
        """Store a block that consensus has sealed."""
        self._start(self._commit_sealed(block))

    async def _commit_sealed(self, block: Block) -> None:
        if block.header.number > self.ledger.head.number:
            await self._commit(block)

    def report_peer(self, effect: ReportPeer) -> None:
        """Count a validator's fault and keep its evidence in the log."""
        self._metrics.peer_faults.inc()
        log.warning(
            "validator_fault",
            validator="0x" + effect.validator.hex(),
            fault=effect.fault.value,
            heights=[message.height for message in effect.evidence],
        )

    # Telling -------------------------------------------------------------------------------------

    def _show_head(self) -> None:
        header = self.ledger.head
        self._metrics.height.set(header.number)
        self._metrics.head_timestamp.set(header.timestamp)
        self._metrics.head_gas_used.set(header.gas_used)
        self._metrics.best_known.set(max(header.number, self.best_known()))
        self._metrics.in_sync.set(int(self.best_known() <= header.number + 1))
        self._metrics.pool_size.set(len(self.pool))

    def _show_round(self) -> None:
        current = self._machine.round
        self._metrics.round.set(current)
        if current > self._rounds_seen:
            self._metrics.round_changes.inc(current - self._rounds_seen)
            connected = [f"0x{node.hex()}" for node in self.network.sessions]
            log.warning(
                "round_change", height=self._machine.height, round=current, connected=connected
            )
        self._rounds_seen = current

    def best_known(self) -> int:
        """Return the highest head that f + 1 validators reach: one of them at least is honest."""
        validators = self.ledger.validators
        told = self._told_heads(validators)
        place = min(f(len(validators)), len(validators) - 1)
        return told[place] if place < len(told) else 0


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
