"""The driver joins machines, ledger and peers; whatever a peer says, it must neither stop nor lie.

The ledger, pool, machine and sign-state are real; the network is a fake that keeps what is sent.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from node.app import LocalSigner
from node.chain.genesis import NodeGrant
from node.chain.head import NewHead
from node.chain.ledger import Ledger
from node.consensus.encoding import encode_message
from node.consensus.machine import Machine
from node.consensus.messages import Kind, PreparePayload
from node.consensus.timing import Settings
from node.errors import EquivocationRefused, InvalidTransaction
from node.p2p.wire import (
    Blocks,
    Consensus,
    Frame,
    GetBlocks,
    Hello,
    Status,
    Transactions,
)
from node.runtime import driver as module
from node.runtime import serving
from node.runtime.driver import Driver
from node.runtime.pool import PoolDoor
from node.spec.block import encode_block
from node.spec.seal import hash_for_block
from node.spec.transaction import Transaction, decode_transaction
from node.spec.types import Address, Hash32
from node.storage.kv import MemoryKeyValue
from node.storage.sign_state import SignState
from node.telemetry import Metrics
from tests.unit.chain.kit import NODE_KEYS, VALIDATORS, grow, ledger, transfer
from tests.unit.consensus import kit as messages


class FakeSession:
    """A peer after hello."""

    def __init__(self, node: Address) -> None:
        self.node = node
        self.height = 0
        self.marks: list[str] = []
        self.closed: list[str] = []
        self.name = "0x" + node.hex()

    def mark(self, reason: str) -> None:
        self.marks.append(reason)

    def close(self, reason: str) -> None:
        self.closed.append(reason)


class FakeNetwork:
    """Keeps what is sent; peers join by hand."""

    def __init__(self) -> None:
        self.sessions: dict[Address, FakeSession] = {}
        self.sent: list[tuple[Address | None, Frame]] = []
        self.registry_changes = 0

    def broadcast(self, frame: Frame, *, skip: Iterable[Address] = ()) -> None:
        del skip
        self.sent.append((None, frame))

    def send(self, node: Address, frame: Frame) -> bool:
        self.sent.append((node, frame))
        return node in self.sessions

    def registry_changed(self) -> None:
        self.registry_changes += 1

    def frames(self, kind: type[Any]) -> list[Any]:
        return [frame for _, frame in self.sent if isinstance(frame, kind)]


class Node:
    """A driver with its fake network and what it told of."""

    def __init__(self, chain: Ledger, who: Address, sign_state: Any = None) -> None:
        self.chain = chain
        self.metrics = Metrics()
        self.network = FakeNetwork()
        self.heads: list[NewHead] = []
        state = sign_state or SignState(MemoryKeyValue())
        self.driver = Driver(
            chain,
            PoolDoor(chain),
            Machine(Settings(who)),
            LocalSigner(NODE_KEYS[who]),
            state,
            self.metrics,
        )
        self.driver.on_head = self.heads.append

    def peer(self, node: Address) -> Any:
        session = FakeSession(node)
        self.network.sessions[node] = session
        self.driver.joined(session)  # type: ignore[arg-type]
        return session

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running(node: Node) -> AsyncIterator[Node]:
    task = asyncio.create_task(node.driver.run(node.network))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    try:
        yield node
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def forged() -> Transaction:
    """Return a transaction whose signature recovers to nobody."""
    sent = transfer()
    return decode_transaction(sent.raw.replace(sent.r.to_bytes(32, "big"), b"\xff" * 32))


def alone() -> Ledger:
    """Return the ledger of a consortium with one validator."""
    return ledger(nodes=[NodeGrant(1, VALIDATORS[0], True)])


async def test_a_lone_validator_takes_a_transaction_into_a_block() -> None:
    async with running(Node(alone(), VALIDATORS[0])) as node:
        told: list[Hash32] = []
        node.driver.on_pending = told.append
        sent = transfer()
        assert await node.driver.submit([sent.raw]) == [sent.hash]
        assert told == [sent.hash]
        await node.until(lambda: any(head.block.transactions for head in node.heads))
        (again,) = await node.driver.submit([sent.raw])
        assert isinstance(again, InvalidTransaction)
        assert again.what == "nonce too low"
        await node.until(lambda: node.network.frames(Transactions))
        assert node.network.frames(Transactions) == [Transactions((sent.raw,))]
        assert node.network.frames(Status)[-1].height == node.chain.head.number
        assert b"ethereum_blockchain_height 0.0" not in node.metrics.text()


async def test_a_refused_transaction_is_told_to_nobody() -> None:
    async with running(Node(ledger(), VALIDATORS[0])) as node:
        (refused,) = await node.driver.submit([transfer(key=b"\x11" * 32).raw])
        assert isinstance(refused, InvalidTransaction)
        await asyncio.sleep(2 * module.GOSSIP_SECONDS)
        assert node.network.frames(Transactions) == []


async def test_a_new_peer_hears_head_and_pool() -> None:
    async with running(Node(ledger(), VALIDATORS[0])) as node:
        sent = transfer()
        await node.driver.submit([sent.raw])
        node.peer(VALIDATORS[1])
        mine = [frame for to, frame in node.network.sent if to == VALIDATORS[1]]
        assert Status(0, node.chain.view.hash) in mine
        assert Transactions((sent.raw,)) in mine
        assert b"ethereum_peer_count 1.0" in node.metrics.text()
        session = node.network.sessions.pop(VALIDATORS[1])
        node.driver.left(session)  # type: ignore[arg-type]
        assert b"ethereum_peer_count 0.0" in node.metrics.text()


def prepare(height: int) -> bytes:
    key = messages.TestKey(NODE_KEYS[VALIDATORS[1]])
    digest = Hash32(b"\x77" * 32)
    return encode_message(messages.Prepare(messages.signed(key, PreparePayload(height, 0, digest))))


@pytest.mark.parametrize(
    "frame",
    [
        Consensus(0x55, b"\xc0"),
        Consensus(Kind.PREPARE, b"\xc0"),
        Consensus(Kind.PROPOSAL, b"\x80" * 40),
        Transactions((b"\x02\xc0",)),
        Blocks(1, (b"\xc0",)),
        Hello(Hash32(bytes(32)), bytes(32), 1, 1, bytes(65)),
    ],
)
async def test_rubbish_is_a_mark_and_nothing_else(frame: Frame) -> None:
    async with running(Node(ledger(), VALIDATORS[0])) as node:
        recorded: list[tuple[int, bytes]] = []
        node.driver.on_message = lambda *message: recorded.append(message)
        session = node.peer(VALIDATORS[1])
        await node.driver.deliver(session, frame)
        await node.until(lambda: session.marks)
        assert len(session.marks) == 1
        assert recorded == []
        assert b"dataccord_peer_faults_total 1.0" in node.metrics.text()
        assert not node.driver.failed.done()


async def test_a_message_is_kept_for_the_record_and_no_mark() -> None:
    async with running(Node(ledger(), VALIDATORS[0])) as node:
        recorded: list[tuple[int, bytes]] = []
        node.driver.on_message = lambda *message: recorded.append(message)
        session = node.peer(VALIDATORS[1])
        await node.driver.deliver(session, Consensus(Kind.PREPARE, prepare(1)))
        assert recorded == [(Kind.PREPARE, prepare(1))]
        assert session.marks == []


async def test_a_peers_transactions_enter_the_pool_and_bad_ones_do_not() -> None:
    async with running(Node(ledger(), VALIDATORS[0])) as node:
        session = node.peer(VALIDATORS[1])
        good, stranger = transfer(), transfer(key=b"\x11" * 32)
        await node.driver.deliver(session, Transactions((stranger.raw, good.raw, good.raw)))
        await node.until(lambda: node.driver.pool.raws())
        assert node.driver.pool.raws() == [good.raw]
        assert session.marks == [], "pools may differ for a moment"


@pytest.mark.parametrize("bad", [b"\x03\xc0", forged().raw])
async def test_what_no_honest_pool_holds_is_the_peers_fault(bad: bytes) -> None:
    async with running(Node(ledger(), VALIDATORS[0])) as node:
        session = node.peer(VALIDATORS[1])
        good = transfer()
        await node.driver.deliver(session, Transactions((bad, good.raw)))
        await node.until(lambda: node.driver.pool.raws() and session.marks)
        assert len(session.marks) == 1
        assert node.driver.pool.raws() == [good.raw], "the rest of the frame is taken"


async def test_blocks_are_served_in_order_and_within_bounds() -> None:
    chain = ledger()
    blocks = [grow(chain) for _ in range(5)]
    async with running(Node(chain, VALIDATORS[0])) as node:
        session = node.peer(VALIDATORS[1])
        cases = ((2, 3, [2, 3, 4]), (4, 64, [4, 5]), (6, 1, []), (9, 9, []))
        for asked, (first, count, numbers) in enumerate(cases, start=1):
            await node.driver.deliver(session, GetBlocks(7, first, count))
            await node.until(lambda asked=asked: len(node.network.frames(Blocks)) == asked)
            wanted = tuple(encode_block(blocks[number - 1]) for number in numbers)
            assert node.network.frames(Blocks)[-1] == Blocks(7, wanted)


async def test_an_answer_with_blocks_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = ledger()
    blocks = [grow(chain) for _ in range(3)]
    monkeypatch.setattr(serving, "ANSWER_BYTES_MAX", len(encode_block(blocks[0])) * 3 // 2)
    async with running(Node(chain, VALIDATORS[0])) as node:
        session = node.peer(VALIDATORS[1])
        await node.driver.deliver(session, GetBlocks(7, 1, 3))
        await node.until(lambda: node.network.frames(Blocks))
        assert len(node.network.frames(Blocks)[-1].blocks) == 1


async def test_a_node_that_is_behind_catches_up_from_a_peer() -> None:
    ahead = ledger()
    blocks = [grow(ahead, *([transfer()] if number == 1 else [])) for number in range(3)]
    async with running(Node(ledger(), VALIDATORS[0])) as node:
        session = node.peer(VALIDATORS[1])
        await node.driver.deliver(session, Status(3, hash_for_block(blocks[-1].header)))
        assert node.driver.best_known() == 0, "one peer's claim counts for nothing"
        await node.driver.deliver(
            node.peer(VALIDATORS[2]), Status(3, hash_for_block(blocks[-1].header))
        )
        assert node.driver.best_known() == 3
        await node.until(lambda: node.network.frames(GetBlocks))
        asked = node.network.frames(GetBlocks)[0]
        assert asked.first == 1
        encoded = tuple(encode_block(block) for block in blocks)
        await node.driver.deliver(session, Blocks(asked.request_id, encoded))
        await node.until(lambda: node.chain.head.number == 3)
        assert node.chain.view.hash == ahead.view.hash
        assert [head.block.header.number for head in node.heads] == [1, 2, 3]


async def test_a_peer_with_false_blocks_is_dropped() -> None:
    ahead = ledger()
    block = grow(ahead)
    false = messages.replace(block, header=messages.replace(block.header, gas_used=1))
    async with running(Node(ledger(), VALIDATORS[0])) as node:
        session = node.peer(VALIDATORS[1])
        await node.driver.deliver(session, Status(1, hash_for_block(block.header)))
        await node.until(lambda: node.network.frames(GetBlocks))
        asked = node.network.frames(GetBlocks)[0]
        await node.driver.deliver(session, Blocks(asked.request_id, (encode_block(false),)))
        await node.until(lambda: session.closed)
        assert node.chain.head.number == 0
        assert not node.driver.failed.done()


class RefusingSignState:
    """A sign-state that holds another value already."""

    def record(self, *_: object) -> None:
        raise EquivocationRefused("another value was signed")

    def records(self, _height: int) -> tuple[()]:
        return ()

    def certificate(self, _height: int) -> bytes:
        return b""

    def last_height(self) -> int | None:
        return None


async def test_a_sign_state_that_refuses_stops_the_node() -> None:
    node = Node(alone(), VALIDATORS[0], RefusingSignState())
    task = asyncio.create_task(node.driver.run(node.network))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    await node.driver.submit([transfer().raw])
    with pytest.raises(EquivocationRefused):
        async with asyncio.timeout(15):
            await task
    assert node.network.frames(Consensus) == [], "nothing left"


def test_the_fakes_have_the_shape_of_what_they_stand_for() -> None:
    for name in ("broadcast", "send", "registry_changed"):
        assert hasattr(module.Network, name)
    for name in ("mark", "close", "name"):
        assert hasattr(module.Session, name)
