"""The gas that a message needs, by trial from above: what `eth_estimateGas` answers."""

from collections.abc import Callable
from dataclasses import replace

from node.execution.engine import Message, Outcome
from node.execution.messages import needed_gas


def estimate(message: Message, run: Callable[[Message], Outcome]) -> int | Outcome:
    """Return gas, within a 64th of the least, with which the message succeeds, or how it fails.

    What was used is mostly enough; else a call within kept back its 64th part (EIP-150).
    """
    first = run(message)
    if not first.succeeded:
        return first

    def succeeds(gas: int) -> bool:
        return run(replace(message, gas=gas)).succeeded

    low, high = max(first.gas_used, needed_gas(message)) - 1, message.gas
    for guess in (low + 1, max(low + 1, first.gas_used * 64 // 63 + 2_300)):
        if guess < high and succeeds(guess):
            high = guess
            break
    while high - low > max(1, high // 64):
        middle = (low + high) // 2
        low, high = (low, middle) if succeeds(middle) else (middle, high)
    return high
