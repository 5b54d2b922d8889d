"""Random messages, and random replacements in the state that they run on."""

from random import Random

from node.execution.engine import Message
from node.execution.memory_state import Override
from node.spec.types import Address
from tests.differential.blocks import ACCOUNTS, FACTORY, NOBODY, PRECOMPILES, PROGRAM_ADDRESSES
from tests.differential.inputs import LIGHT, precompile_input
from tests.differential.programs import WORDS, Writer, child


def call(chance: Random) -> Message:
    """Return a message; some could be no transaction."""
    sender = chance.choice((*ACCOUNTS, NOBODY, PROGRAM_ADDRESSES[0]))
    gas = chance.choice((20_000, 60_000, 500_000, 900_000))
    value = chance.choice((0, 0, 0, 1, 10**30))
    match chance.randrange(5):
        case 0:
            return Message(sender, None, child(chance), value, gas)
        case 1:
            number = chance.choice(LIGHT)
            data = precompile_input(number, chance)
            return Message(sender, PRECOMPILES[number - 1], data, 0, gas)
        case 2:
            return Message(sender, FACTORY, child(chance), 0, gas)
    listed = ((chance.choice(PROGRAM_ADDRESSES), (0, 1, 5)),) if chance.random() < 0.3 else ()
    data = b"".join(chance.choice(WORDS).to_bytes(32, "big") for _ in range(2))
    return Message(sender, chance.choice(PROGRAM_ADDRESSES), data, value, gas, listed)


def replacements(chance: Random) -> dict[Address, Override]:
    """Return none, or some accounts with some of their parts replaced."""
    found = {}
    for _ in range(chance.choice((0, 0, 1, 4))):
        slots = {chance.randrange(6): chance.choice(WORDS) for _ in range(3)}
        whole = chance.random() < 0.3
        found[chance.choice((*PROGRAM_ADDRESSES, *ACCOUNTS, NOBODY))] = Override(
            nonce=chance.choice((None, 7)),
            balance=chance.choice((None, 10**31)),
            code=chance.choice((None, None, b"", Writer(chance, PROGRAM_ADDRESSES).program(4))),
            state=slots if whole else None,
            state_diff=None if whole else slots,
        )
    return found
