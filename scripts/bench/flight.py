"""What was sent and not yet seen in a block, and how long each took.

Only transactions under way are held by hash, so a million of them take the memory of a few seconds'
worth. Times are of the monotonic clock, in seconds.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(slots=True)
class Flight:
    """One load under way."""

    waiting: dict[str, float] = field(default_factory=dict)
    """When each transaction that no block holds yet was sent, or was due to be, by its hash."""
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    blocks: list[tuple[int, int, float]] = field(default_factory=list)
    """Number, how many of this load's transactions it holds, when seen, of each block."""
    head_times: list[float] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    """How many transactions were refused for good, by message."""
    retried: int = 0
    """Refusals that asked to come again, and did."""
    first_sent: float = 0.0
    last_seen: float = 0.0

    def depart(self, hashes: Iterable[str], at: float) -> None:
        """Note transactions as sent."""
        if not self.first_sent:
            self.first_sent = at
        self.waiting.update(dict.fromkeys(hashes, at))

    def refuse(self, transaction_hash: str, message: str) -> None:
        """Note a transaction that will never be in a block."""
        if self.waiting.pop(transaction_hash, None) is not None:
            self.refused[message] = self.refused.get(message, 0) + 1

    def arrive(self, number: int, hashes: Iterable[str], at: float) -> None:
        """Note a block: those of its transactions that were waiting have arrived."""
        before = len(self.latencies)
        for transaction_hash in hashes:
            sent = self.waiting.pop(transaction_hash, None)
            if sent is not None:
                self.latencies.append(at - sent)
        count = len(self.latencies) - before
        self.blocks.append((number, count, at))
        if count:
            self.last_seen = at

    @property
    def seconds(self) -> float:
        """From the first one sent to the last one seen."""
        return self.last_seen - self.first_sent

    @property
    def sustained(self) -> float | None:
        """Transactions a second in the blocks between the first and the last that hold any.

        Unlike the whole load's rate, it does not depend on where between two blocks the load began
        and ended. None of fewer than three blocks.
        """
        full = [(count, at) for _, count, at in self.blocks if count]
        if len(full) < 3:
            return None
        return sum(count for count, _ in full[1:-1]) / (full[-2][1] - full[0][1])

    @property
    def gaps(self) -> list[float]:
        """Times between new heads that reached a subscriber while the load was under way."""
        times = [at for at in self.head_times if self.first_sent <= at <= self.last_seen]
        return [later - earlier for earlier, later in pairwise(times)]
