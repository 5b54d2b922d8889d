"""A peer may be slow, silent or wrong; each must cost the node a bounded queue and nothing more."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from node.p2p import session as module
from node.p2p.session import FRAMES_PER_PARDON, MARKS_MAX, QUEUE_FRAMES_MAX, Deliver, Session
from node.p2p.wire import Frame, Goodbye, Status, decode_frame, encode_frame
from node.spec.types import Address, Hash32

STATUS = Status(1, Hash32(bytes(32)))
GOOD = encode_frame(STATUS)
BAD = b"\x63\xc0"


class FakeSocket:
    """A websocket in memory. `stuck` holds back what is sent, as a peer does that reads nothing."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.incoming: asyncio.Queue[Any] = asyncio.Queue()
        self.stuck = False
        self.is_closed = asyncio.Event()

    async def send_bytes(self, data: bytes) -> None:
        if self.stuck:
            await self.is_closed.wait()
            raise ConnectionResetError
        self.sent.append(data)

    async def close(self) -> None:
        self.is_closed.set()
        self.incoming.put_nowait(None)

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        message = await self.incoming.get()
        if message is None:
            raise StopAsyncIteration
        return message

    def receive(self, data: bytes) -> None:
        self.incoming.put_nowait(aiohttp.WSMessage(aiohttp.WSMsgType.BINARY, data, None))


def pair() -> tuple[Session, FakeSocket]:
    socket = FakeSocket()
    return Session(socket, Address(bytes(20)), 1, dialed=False), socket  # type: ignore[arg-type]


def into(heard: list[Frame]) -> Deliver:
    """Return a `deliver` that only keeps."""

    async def deliver(_session: Session, frame: Frame) -> None:
        heard.append(frame)

    return deliver


async def test_frames_go_in_and_out_in_order() -> None:
    session, socket = pair()
    heard: list[Frame] = []
    running = asyncio.create_task(session.run(into(heard)))
    assert session.send(GOOD)
    assert session.send(encode_frame(Status(2, Hash32(bytes(32)))))
    socket.receive(GOOD)
    await socket.close()
    await running
    assert heard == [STATUS]
    assert session.closing == "connection ended"
    assert not session.send(GOOD)


async def test_a_queue_that_is_full_ends_the_session() -> None:
    session, _ = pair()
    for _ in range(QUEUE_FRAMES_MAX):
        assert session.send(GOOD)
    assert not session.send(GOOD)
    assert session.closing.startswith("too slow")


async def test_too_many_bytes_end_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUEUE_BYTES_MAX", 3 * len(GOOD))
    session, _ = pair()
    assert all(session.send(GOOD) for _ in range(3))
    assert not session.send(GOOD)
    assert session.closing.startswith("too slow")


async def test_a_closed_session_says_goodbye_to_a_silent_peer() -> None:
    session, socket = pair()
    running = asyncio.create_task(session.run(into([])))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    session.send(GOOD)
    session.close("no longer registered")
    session.close("a second reason")
    async with asyncio.timeout(5):
        await running
    assert decode_frame(socket.sent[-1]) == Goodbye("no longer registered")
    assert session.closing == "no longer registered"
    assert socket.is_closed.is_set()


async def test_a_peer_that_takes_nothing_cannot_hold_its_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "GOODBYE_SECONDS_MAX", 0.01)
    session, socket = pair()
    socket.stuck = True
    running = asyncio.create_task(session.run(into([])))
    session.send(GOOD)
    await asyncio.sleep(0)
    session.close("enough")
    async with asyncio.timeout(5):
        await running
    assert socket.is_closed.is_set()


async def test_the_tenth_mark_cuts_the_peer_off() -> None:
    session, socket = pair()
    heard: list[Frame] = []
    for _ in range(MARKS_MAX - 1):
        socket.receive(BAD)
    socket.receive(GOOD)
    running = asyncio.create_task(session.run(into(heard)))
    while not heard:
        await asyncio.sleep(0)
    assert not session.closing, "nine are borne"
    socket.receive(BAD)
    async with asyncio.timeout(5):
        await running
    assert session.closing.startswith("too many faults")


async def test_good_frames_earn_a_pardon() -> None:
    session, socket = pair()
    for _ in range(MARKS_MAX - 1):
        socket.receive(BAD)
    for _ in range(FRAMES_PER_PARDON):
        socket.receive(GOOD)
    socket.receive(BAD)
    await socket.close()
    await session.run(into([]))
    assert session.closing == "connection ended"


@pytest.mark.parametrize("kind", [aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.CLOSE])
async def test_anything_but_a_binary_message_ends_it(kind: aiohttp.WSMsgType) -> None:
    session, socket = pair()
    socket.incoming.put_nowait(aiohttp.WSMessage(kind, "", None))
    async with asyncio.timeout(5):
        await session.run(into([]))


async def test_a_goodbye_ends_it_and_is_not_delivered() -> None:
    session, socket = pair()
    heard: list[Frame] = []
    socket.receive(encode_frame(Goodbye("moving")))
    await session.run(into(heard))
    assert heard == []


async def test_a_fault_of_our_own_is_not_swallowed() -> None:
    session, socket = pair()
    socket.receive(GOOD)

    async def fail(*_: object) -> None:
        raise LookupError("ours")

    with pytest.raises(LookupError, match="ours"):
        await session.run(fail)
    assert socket.is_closed.is_set()


async def test_while_a_frame_takes_its_time_the_next_waits_in_the_connection() -> None:
    session, socket = pair()
    heard: list[Frame] = []
    go_on = asyncio.Event()

    async def slowly(_session: Session, frame: Frame) -> None:
        heard.append(frame)
        await go_on.wait()

    running = asyncio.create_task(session.run(slowly))
    for _ in range(3):
        socket.receive(GOOD)
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(heard) == 1
    go_on.set()
    socket.incoming.put_nowait(None)
    await running
    assert len(heard) == 3
