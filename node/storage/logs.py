"""Which blocks hold which logs: an exact index instead of a walk over blooms.

For each block one key per distinct emitter and per distinct topic at its position, each ending in
the block's number. A query names emitters and topics as `eth_getLogs` does: any of the emitters,
and at each position any of the topics, or anything. The index answers with block numbers from the
narrowest condition; the logs themselves are then read from receipts and compared in full.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from node.spec.receipt import Log
from node.spec.types import Address, Hash32
from node.storage.keys import log_prefix
from node.storage.kv import Reader

Condition = tuple[tuple[int, bytes], ...]
"""(place, value) pairs, any of which satisfies it."""


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What logs are wanted; an empty tuple stands for anything."""

    addresses: tuple[Address, ...] = ()
    topics: tuple[tuple[Hash32, ...], ...] = ()

    def matches(self, log: Log) -> bool:
        """Whether the log is wanted."""
        if self.addresses and log.address not in self.addresses:
            return False
        if len(self.topics) > len(log.topics):
            return False
        pairs = zip(self.topics, log.topics, strict=False)
        return all(not wanted or topic in wanted for wanted, topic in pairs)


def log_keys(number: int, log_index: Sequence[tuple[int, bytes]]) -> dict[bytes, bytes]:
    """Return the index entries of a block."""
    end = number.to_bytes(8, "big")
    return {log_prefix(place, value) + end: b"" for place, value in log_index}


def candidate_blocks(kv: Reader, wanted: LogFilter, first: int, last: int) -> Sequence[int] | None:
    """Return the blocks of [first, last] that may hold wanted logs, None if any of them may."""
    conditions = _conditions(wanted)
    if not conditions:
        return None
    narrowest = min(conditions, key=len)
    numbers = {number for item in narrowest for number in _blocks(kv, *item, first, last)}
    for condition in conditions:
        if condition is not narrowest and len(numbers) > 1:
            numbers &= {number for item in condition for number in _blocks(kv, *item, first, last)}
    return sorted(numbers)


def _conditions(wanted: LogFilter) -> list[Condition]:
    topics = [
        tuple((place, topic) for topic in choices)
        for place, choices in enumerate(wanted.topics, start=1)
        if choices
    ]
    emitters = tuple((0, address) for address in wanted.addresses)
    # Topics first: of two equally short conditions the topic names fewer blocks.
    return [*reversed(topics), emitters] if emitters else list(reversed(topics))


def _blocks(kv: Reader, place: int, value: bytes, first: int, last: int) -> Iterator[int]:
    prefix = log_prefix(place, value)
    start, stop = prefix + first.to_bytes(8, "big"), prefix + (last + 1).to_bytes(8, "big")
    for key, _ in kv.scan(start, stop):
        yield int.from_bytes(key[-8:], "big")
