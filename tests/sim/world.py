"""The simulated world's clock and chance.

Everything that will happen stands in one heap, ordered by time and then by when it was planned. One
seeded generator is the only source of chance, so a seed is a whole history: the same calls in the
same order, whatever the hash seed or the machine. `trace` sums that history up.
"""

import hashlib
import heapq
import random
from collections.abc import Callable
from typing import Any

START_MS = 1_700_000_000_000
"""The simulated Unix time at which every story begins."""


class World:
    """Time that jumps from event to event."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.now_ms = START_MS
        self.events = 0
        self._planned: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._sequence = 0
        self._trace = hashlib.blake2b(digest_size=16)

    def after(self, delay_ms: int, action: Callable[..., None], *arguments: Any) -> None:
        """Plan an action."""
        self._sequence += 1
        moment = self.now_ms + max(0, delay_ms)
        heapq.heappush(self._planned, (moment, self._sequence, action, arguments))

    def run(self, until: Callable[[], bool], limit_ms: int) -> bool:
        """Let time pass until `until` holds, for `limit_ms` at most; whether it came to hold."""
        end = self.now_ms + limit_ms
        while not until():
            if not self._planned or self._planned[0][0] > end:
                self.now_ms = end
                return until()
            moment, _, action, arguments = heapq.heappop(self._planned)
            self.now_ms = max(self.now_ms, moment)
            self.events += 1
            action(*arguments)
        return True

    def note(self, what: str, data: bytes = b"") -> None:
        """Add to the trace."""
        self._trace.update(f"{self.now_ms} {what}\n".encode())
        self._trace.update(data)

    @property
    def trace(self) -> str:
        """Return the digest of all that happened so far."""
        return self._trace.hexdigest()
