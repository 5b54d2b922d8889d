"""One connected peer: a bounded queue out, checked frames in, and marks for broken rules."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import aiohttp
import structlog
from aiohttp import web

from node.errors import DecodeError
from node.p2p.wire import Frame, Goodbye, decode_frame, encode_frame
from node.spec.types import Address

QUEUE_FRAMES_MAX: Final = 4_096
QUEUE_BYTES_MAX: Final = 64 * 1024 * 1024
MARKS_MAX: Final = 10
"""Broken rules until a peer is cut off; one is forgiven with every thousandth good frame."""

FRAMES_PER_PARDON: Final = 1_000
GOODBYE_SECONDS_MAX: Final = 1.0
CLOSE_SECONDS_MAX: Final = 2.0

Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse
log = structlog.get_logger()


class Session:
    """A peer after hello. `send` never waits: a peer that cannot keep up is cut off."""

    def __init__(self, socket: Socket, node: Address, member: int, dialed: bool) -> None:
        self.node = node
        self.member = member
        self.dialed = dialed
        self.height: int | None = None
        """The head it told of, None before it did."""
        self._socket = socket
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(QUEUE_FRAMES_MAX)
        self._queued_bytes = 0
        self._marks = 0
        self._frames = 0
        self.closing = ""
        self._ending = asyncio.Event()

    @property
    def name(self) -> str:
        """The node's address as text, for logs."""
        return f"0x{self.node.hex()}"

    def send(self, data: bytes) -> bool:
        """Queue one encoded frame; return whether there was room."""
        if self.closing:
            return False
        if self._queued_bytes + len(data) > QUEUE_BYTES_MAX or self._queue.full():
            self.close("too slow: its queue is full")
            return False
        self._queue.put_nowait(data)
        self._queued_bytes += len(data)
        return True

    def mark(self, reason: str) -> None:
        """Count one broken rule against the peer, and cut it off at the tenth."""
        self._marks += 1
        log.warning("peer_fault", peer=self.name, reason=reason, marks=self._marks)
        if self._marks >= MARKS_MAX:
            self.close(f"too many faults, last: {reason}")

    def close(self, reason: str) -> None:
        """Stop the session; `run` returns soon after."""
        if self.closing:
            return
        self.closing = reason
        while not self._queue.empty():
            self._queue.get_nowait()
        goodbye = encode_frame(Goodbye(reason))
        self._queued_bytes = len(goodbye)
        self._queue.put_nowait(goodbye)
        self._ending.set()

    async def run(self, deliver: "Deliver") -> None:
        """Serve the connection until it ends; `deliver` takes one frame after another."""
        parts = (self._read(deliver), self._write(), self._end_in_time())
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self.closing = self.closing or "connection ended"
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await close_socket(self._socket)

    async def _write(self) -> None:
        while True:
            data = await self._queue.get()
            self._queued_bytes -= len(data)
            await self._socket.send_bytes(data)
            if self.closing:
                return

    async def _end_in_time(self) -> None:
        """Return soon after `close`: a peer that takes nothing cannot hold its connection."""
        await self._ending.wait()
        await asyncio.sleep(GOODBYE_SECONDS_MAX)

    async def _read(self, deliver: "Deliver") -> None:
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.BINARY:
                return
            if self.closing:
                return
            self._pardon()
            try:
                frame = decode_frame(message.data)
            except DecodeError as error:
                self.mark(error.what)
                continue
            if isinstance(frame, Goodbye):
                log.info("peer_goodbye", peer=self.name, reason=frame.reason)
                return
            await deliver(self, frame)
            # What is read already comes without waiting: let the rest of the node have its turn.
            await asyncio.sleep(0)

    def _pardon(self) -> None:
        self._frames += 1
        if self._frames % FRAMES_PER_PARDON == 0 and self._marks:
            self._marks -= 1


Deliver = Callable[[Session, Frame], Awaitable[None]]
"""Takes a peer's frame; while it takes its time, the peer's next frames wait in the connection."""


async def close_socket(socket: Socket) -> None:
    """Close a socket, waiting a bounded time for the peer's part in it."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await socket.close()
    except (TimeoutError, ConnectionError):
        return
