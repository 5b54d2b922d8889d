"""When things are due: pure arithmetic over timestamps, for N1, N6, N7 and N12.

Header timestamps are seconds; everything else here is milliseconds.
"""

from dataclasses import dataclass

from node.consensus.events import FUTURE_TIME_MAX_S
from node.spec.types import Address


@dataclass(frozen=True, slots=True)
class Settings:
    """A validator's address and the chain's times; defaults are those of N1."""

    address: Address
    block_period_s: int = 1
    empty_block_period_s: int = 10
    """How rarely an empty block is made; 0 means every block period, as Besu reads it."""
    request_timeout_ms: int = 4_000
    request_timeout_ms_max: int = 60_000
    gate_ms: int = 10_000
    """How long a start waits for f + 1 validators before rounds are timed."""
    repeat_ms_min: int = 1_000
    legacy_encoding: bool = False
    """Sign and send as Besu before 26.1 does."""


def round_timeout_ms(settings: Settings, round_number: int) -> int:
    """Return how long a round lasts: doubling each time, capped (N1; Dafny `roundTimeout`)."""
    doublings = min(round_number, settings.request_timeout_ms_max.bit_length())
    return min(settings.request_timeout_ms << doublings, settings.request_timeout_ms_max)


def repeat_ms(settings: Settings, round_number: int) -> int:
    """Return the pause between retransmissions in a round (N12)."""
    return max(settings.repeat_ms_min, round_timeout_ms(settings, round_number) // 4)


def block_timestamp(settings: Settings, parent: int, round_number: int, now_ms: int) -> int:
    """Return a new block's timestamp (N6): the clock rounded in round 0, floored later."""
    clock = (now_ms + 500) // 1000 if round_number == 0 else now_ms // 1000
    return max(parent + settings.block_period_s, clock)


def block_delay_ms(settings: Settings, parent: int, now_ms: int) -> int:
    """Return how long until the block period after `parent` has passed."""
    return max(0, (parent + settings.block_period_s) * 1000 - now_ms)


def empty_delay_ms(settings: Settings, parent: int, now_ms: int) -> int:
    """Return how long until an empty block may follow `parent` (N7)."""
    period = max(settings.empty_block_period_s, settings.block_period_s)
    return max(0, (parent + period) * 1000 - now_ms)


def hold_delay_ms(timestamp: int, now_ms: int) -> int:
    """Return how long a proposal of this timestamp lies in the future; 0 if it does not (N6)."""
    if timestamp <= now_ms // 1000 + FUTURE_TIME_MAX_S:
        return 0
    return (timestamp - FUTURE_TIME_MAX_S) * 1000 - now_ms
