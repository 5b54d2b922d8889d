"""The way of raw transactions into the pool: in batches, decoded and recovered off the event loop.

Clients and peers hand in raw bytes; each batch that waits goes to one worker thread together, where
a native engine uses every core, and comes back to the loop to be judged by the pool in the order it
came. What is not admitted is answered with its error, one by one. Whoever hands in more than there
is room for waits, and with it its connection: nothing piles up here.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Final

from node.chain.transaction_cache import Resolved
from node.errors import DataccordError, DecodeError, SignatureError
from node.runtime.pool import PoolDoor
from node.spec.types import Hash32

BATCH_MAX: Final = 1_000
"""Transactions that go to the worker together, and are judged before others have their turn."""

WAITING_MAX: Final = 8_000
"""Transactions that wait for the worker before those who bring more have to wait themselves."""

Admitted = Hash32 | DataccordError
"""A transaction's hash, or why it was not admitted."""

Resolve = Callable[[Sequence[bytes]], Sequence[Resolved | DecodeError]]
_Parcel = tuple[Sequence[bytes], "asyncio.Future[list[Admitted]]"]


class Admission:
    """The queue in front of one pool; used on the event loop only."""

    def __init__(self, resolve: Resolve, pool: PoolDoor, worker: Executor) -> None:
        self._resolve = resolve
        self._pool = pool
        self._worker = worker
        self._parcels: deque[_Parcel] = deque()
        self._waiting = 0
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._drain: asyncio.Task[None] | None = None

    async def room(self) -> None:
        """Wait until there is room for more."""
        await self._has_room.wait()

    async def admit(self, raws: Sequence[bytes]) -> list[Admitted]:
        """Return what became of each transaction, in the order given."""
        await self.room()
        answer: asyncio.Future[list[Admitted]] = asyncio.get_running_loop().create_future()
        self._parcels.append((raws, answer))
        self._count(len(raws))
        if self._drain is None:
            self._drain = asyncio.create_task(self._run())
        return await answer

    def _count(self, change: int) -> None:
        self._waiting += change
        if self._waiting < WAITING_MAX:
            self._has_room.set()
        else:
            self._has_room.clear()

    async def _run(self) -> None:
        parcels: list[_Parcel] = []
        try:
            while self._parcels:
                parcels = self._take()
                await self._admit_all(parcels)
        except BaseException as error:
            for _, answer in [*parcels, *self._parcels]:
                if not answer.done():
                    answer.set_exception(error)
            raise
        finally:
            self._drain = None

    def _take(self) -> list[_Parcel]:
        taken, count = [self._parcels.popleft()], 0
        while self._parcels and count + len(taken[-1][0]) < BATCH_MAX:
            count += len(taken[-1][0])
            taken.append(self._parcels.popleft())
        return taken

    async def _admit_all(self, parcels: list[_Parcel]) -> None:
        raws = [raw for part, _ in parcels for raw in part]
        loop = asyncio.get_running_loop()
        resolved = iter(await loop.run_in_executor(self._worker, self._resolve, raws))
        for part, answer in parcels:
            admitted = [self._admit(next(resolved)) for _ in part]
            if not answer.done():
                answer.set_result(admitted)
        self._count(-len(raws))

    def _admit(self, item: Resolved | DecodeError) -> Admitted:
        if isinstance(item, DecodeError):
            return item
        transaction, sender = item
        if sender is None:
            return SignatureError("invalid sender")
        try:
            self._pool.add(transaction, sender)
        except DataccordError as error:
            return error
        return transaction.hash
