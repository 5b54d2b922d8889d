"""Whose turn it is: what keeps many long batches from holding the event loop together.

A batch that has run for a while passes its turn on. However many wait, only one of them runs on in
each pass of the event loop, so votes and timers are never further away than one turn.
"""

import asyncio
import time
from typing import Final

TURN_SECONDS_MAX: Final = 0.01
"""How long a batch may run before others have their turn."""


class Turns:
    """The turns of one node's batches; used on the event loop only."""

    def __init__(self) -> None:
        self._next = asyncio.Lock()

    async def begin(self) -> float:
        """Wait behind those who passed their turn on; return when the turn ends."""
        if self._next.locked():
            await self._wait()
        return time.perf_counter() + TURN_SECONDS_MAX

    async def pass_on(self, ends: float) -> float:
        """Pass the turn on where it is over; return when the present one ends."""
        if time.perf_counter() < ends:
            return ends
        await self._wait()
        return time.perf_counter() + TURN_SECONDS_MAX

    async def _wait(self) -> None:
        async with self._next:
            await asyncio.sleep(0)
