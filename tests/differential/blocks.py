"""A world of random programs, and blocks of random transactions in it.

Every transaction is made for one kind of thing that a ledger does; kinds have weights, so that each
is at least a hundredth of a run. Some candidates can not stand in a block: those are refused alike.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from node.execution.engine import BlockEnvironment
from node.execution.memory_state import MemoryState
from node.execution.system import (
    BEACON_ROOTS_ADDRESS,
    BEACON_ROOTS_CODE,
    HISTORY_ADDRESS,
    HISTORY_CODE,
)
from node.spec.crypto import address_of, keccak256
from node.spec.transaction import Transaction
from node.spec.types import ZERO_ADDRESS, Address, Hash32
from tests.differential.inputs import HEAVY, LIGHT, precompile_input
from tests.differential.programs import WORDS, Writer, child, push
from tests.unit.execution.kit import CHAIN_ID, authorization, transaction

GAS_LIMIT = 30_000_000
PROGRAMS = 24
PLAIN, DELEGATING = 14, 6

KEYS = tuple(keccak256(b"differential %d" % number) for number in range(PLAIN + DELEGATING))
ACCOUNTS = tuple(address_of(key) for key in KEYS)
PROGRAM_ADDRESSES = tuple(Address(bytes([0xAA, n]) * 10) for n in range(PROGRAMS))
FACTORY = Address(b"\xfa" * 20)
REVERTER = Address(b"\xfb" * 20)
CLEARER = Address(b"\xfc" * 20)
NOBODY = Address(b"\xdd" * 20)
PRECOMPILES = tuple(Address(n.to_bytes(20, "big")) for n in range(1, 18))

# Creates (CREATE2, salt 0) what calldata holds, calls it, and keeps its address.
FACTORY_CODE = bytes.fromhex("365f5f375f365f34f5805f555f5f5f5f5f5f545af1600155 00".replace(" ", ""))
REVERTER_CODE = bytes.fromhex("600160015536 5f5f37365ffd".replace(" ", ""))
# Slot calldata[0:32] = calldata[32:64], and the same for the next pair.
CLEARER_CODE = bytes.fromhex("6020355f3555606035604035555a606355 00".replace(" ", ""))


@dataclass(slots=True)
class World:
    """A state that grows block by block."""

    chance: Random
    state: MemoryState = field(default_factory=MemoryState)
    number: int = 0


def new_world(seed: str) -> World:
    """Return the world of a seed."""
    world = World(Random(seed))
    state, chance = world.state, world.chance
    for account in ACCOUNTS:
        state.put(account, balance=10**21)
    targets = (*PROGRAM_ADDRESSES, FACTORY, NOBODY, *ACCOUNTS[-DELEGATING:], *PRECOMPILES[:6])
    for address in PROGRAM_ADDRESSES:
        code = Writer(chance, targets).program(chance.randrange(3, 16))
        slots = {chance.randrange(6): chance.choice(WORDS) for _ in range(3)}
        state.put(address, nonce=1, balance=chance.choice((0, 50)), code=code, slots=slots)
    state.put(FACTORY, nonce=1, code=FACTORY_CODE)
    state.put(REVERTER, nonce=1, code=REVERTER_CODE)
    state.put(CLEARER, nonce=1, code=CLEARER_CODE, slots={n: n + 1 for n in range(12)})
    state.put(HISTORY_ADDRESS, nonce=1, code=HISTORY_CODE)
    state.put(BEACON_ROOTS_ADDRESS, nonce=1, code=BEACON_ROOTS_CODE)
    return world


def environment(world: World) -> BlockEnvironment:
    """Return the next block's environment."""
    chance = world.chance
    world.number += 1
    parent = keccak256(b"block %d" % (world.number - 1))
    world.state.block_hashes[world.number - 1] = parent
    coinbase = chance.choice((NOBODY, Address(b"\xc0" * 20), ACCOUNTS[0], PROGRAM_ADDRESSES[0]))
    return BlockEnvironment(
        number=world.number,
        timestamp=1_700_000_000 + 3 * world.number,
        coinbase=coinbase,
        gas_limit=GAS_LIMIT,
        prev_randao=Hash32(chance.randbytes(32)),
        chain_id=CHAIN_ID,
        parent_hash=parent,
        base_fee=chance.choice((0, 0, 0, 7)),
    )


@dataclass(slots=True)
class Draft:
    """What a kind says of its transaction; the rest is common."""

    to: bytes | None
    data: bytes = b""
    value: int = 0
    gas: int = 200_000
    type: int | None = None
    authorizations: list[list[object]] = field(default_factory=list)
    access_list: list[tuple[bytes, list[int]]] = field(default_factory=list)
    signer: int | None = None
    nonce_off: int = 0
    chain_id: int = CHAIN_ID


Kind = Callable[[Random, MemoryState], Draft]


def _words(chance: Random) -> bytes:
    words = (chance.choice((*WORDS, *range(6))) for _ in range(chance.randrange(4)))
    return b"".join(word.to_bytes(32, "big") for word in words)


def transfer(chance: Random, state: MemoryState) -> Draft:
    to = chance.choice((*ACCOUNTS, NOBODY, Address(chance.randbytes(20)), PRECOMPILES[3]))
    return Draft(to, value=chance.choice((0, 1, 10**18)), gas=chance.choice((21_000, 90_000)))


def program(chance: Random, state: MemoryState) -> Draft:
    to = chance.choice(PROGRAM_ADDRESSES)
    return Draft(to, _words(chance), chance.choice((0, 0, 3)), chance.choice((200_000, 800_000)))


def out_of_gas(chance: Random, state: MemoryState) -> Draft:
    return Draft(
        chance.choice(PROGRAM_ADDRESSES), _words(chance), gas=22_500 + chance.randrange(9_000)
    )


def creation(chance: Random, state: MemoryState) -> Draft:
    if chance.random() < 0.5:
        return Draft(None, child(chance), chance.choice((0, 1)))
    code = Writer(chance, PROGRAM_ADDRESSES).program(4)
    return Draft(None, code, chance.choice((0, 1)), 300_000)


def create2(chance: Random, state: MemoryState) -> Draft:
    return Draft(FACTORY, child(chance), chance.choice((0, 1)), 300_000)


def destroyed(chance: Random, state: MemoryState) -> Draft:
    """Create, write, and destroy in one transaction, at an address that comes again."""
    slot = push(chance.randrange(3))
    store = push(chance.randrange(1, 9)) + slot + b"\x55"
    runtime = store + chance.choice((b"\x33\xff", b"\x30\xff", b"\x73" + bytes(NOBODY) + b"\xff"))
    size = len(runtime).to_bytes(2, "big")
    code = store + push(size) + push((len(store) + 13).to_bytes(2, "big")) + b"\x5f\x39"
    return Draft(FACTORY, code + push(size) + b"\x5f\xf3" + runtime, chance.choice((0, 5)), 300_000)


def revert(chance: Random, state: MemoryState) -> Draft:
    return Draft(REVERTER, chance.randbytes(chance.randrange(80)), chance.choice((0, 0, 9)))


def clear(chance: Random, state: MemoryState) -> Draft:
    """Clear slots, write them again, or both within a block."""
    pairs = [(chance.randrange(14), chance.choice((0, 0, 1, 2**255))) for _ in range(2)]
    data = b"".join(word.to_bytes(32, "big") for pair in pairs for word in pair)
    return Draft(CLEARER, data)


def system(chance: Random, state: MemoryState) -> Draft:
    to = chance.choice((HISTORY_ADDRESS, BEACON_ROOTS_ADDRESS))
    number = max(0, max(state.block_hashes) - chance.randrange(4))
    argument = number if to == HISTORY_ADDRESS else 1_700_000_000 + 3 * number
    return Draft(to, argument.to_bytes(32, "big"), gas=100_000)


def light_precompile(chance: Random, state: MemoryState) -> Draft:
    number = chance.choice(LIGHT)
    return Draft(PRECOMPILES[number - 1], precompile_input(number, chance), gas=400_000)


def heavy_precompile(chance: Random, state: MemoryState) -> Draft:
    number = chance.choice(HEAVY)
    return Draft(PRECOMPILES[number - 1], precompile_input(number, chance), gas=400_000)


def listed(chance: Random, state: MemoryState) -> Draft:
    """Name addresses and slots beforehand (EIP-2930), some of them twice."""
    places = [chance.choice((*PROGRAM_ADDRESSES, NOBODY, *ACCOUNTS)) for _ in range(3)]
    made = program(chance, state)
    made.access_list = [(place, [chance.randrange(6) for _ in range(3)]) for place in places]
    made.type = chance.choice((1, 2))
    return made


def delegation(chance: Random, state: MemoryState) -> Draft:
    """Set, change and clear delegations (EIP-7702), rightly and wrongly."""
    made = program(chance, state)
    made.type, made.gas = 4, 500_000
    made.to = chance.choice((*ACCOUNTS[-DELEGATING:], *PROGRAM_ADDRESSES[:4]))
    for _ in range(chance.randrange(1, 4)):
        index = chance.randrange(PLAIN, PLAIN + DELEGATING)
        targets = (*PROGRAM_ADDRESSES, ZERO_ADDRESS, ACCOUNTS[index], ACCOUNTS[-1], PRECOMPILES[1])
        held = state.account(ACCOUNTS[index])
        nonce = (0 if held is None else held.nonce) + chance.choice((0, 0, 0, 1))
        chain_id = chance.choice((CHAIN_ID, CHAIN_ID, 0, 1))
        made.authorizations.append(
            authorization(KEYS[index], chance.choice(targets), nonce, chain_id)
        )
    return made


def delegated(chance: Random, state: MemoryState) -> Draft:
    """Call an account that may have delegated, or send from it."""
    made = program(chance, state)
    made.to = chance.choice(ACCOUNTS[-DELEGATING:])
    if chance.random() < 0.3:
        made.signer = chance.randrange(PLAIN, PLAIN + DELEGATING)
    return made


def invalid(chance: Random, state: MemoryState) -> Draft:
    """What may not stand in a block."""
    made = transfer(chance, state)
    match chance.randrange(7):
        case 0:
            made.nonce_off = chance.choice((-1, 1, 5))
        case 1:
            made.chain_id = 1
        case 2:
            made.gas = 20_999
        case 3:
            made.value = 10**22
        case 4:
            made.gas = GAS_LIMIT + 1
        case 5:
            made.to, made.data, made.gas = None, bytes(49_153), 2_000_000
        case _:
            made.data, made.gas = b"\1" * 1_000, 37_500
    return made


KINDS: dict[Kind, int] = {
    transfer: 10,
    program: 26,
    out_of_gas: 5,
    creation: 6,
    create2: 5,
    destroyed: 7,
    revert: 4,
    clear: 7,
    system: 3,
    light_precompile: 6,
    heavy_precompile: 2,
    listed: 6,
    delegation: 7,
    delegated: 5,
    invalid: 3,
}


def candidates(world: World, base_fee: int, count: int) -> list[tuple[str, Transaction]]:
    """Return candidates for the next block with their kinds."""
    chance, nonces, made = world.chance, dict[int, int](), []
    kinds, weights = list(KINDS), list(KINDS.values())
    for _ in range(count):
        kind = chance.choices(kinds, weights)[0]
        draft = kind(chance, world.state)
        signer = chance.randrange(PLAIN) if draft.signer is None else draft.signer
        held = world.state.account(ACCOUNTS[signer])
        nonce = nonces.get(signer, 0 if held is None else held.nonce)
        made.append((kind.__name__, _signed(draft, signer, nonce, base_fee, chance)))
        if kind is not invalid:
            nonces[signer] = nonce + 1
    return made


def _signed(draft: Draft, signer: int, nonce: int, base_fee: int, chance: Random) -> Transaction:
    kind = chance.choice((0, 1, 2, 2)) if draft.type is None else draft.type
    fee = base_fee + chance.choice((0, 0, 3))
    return transaction(
        KEYS[signer],
        max(0, nonce + draft.nonce_off),
        draft.to,
        kind=kind,
        data=draft.data,
        value=draft.value,
        gas=draft.gas,
        fee=fee,
        tip=chance.choice((0, fee)),
        chain_id=draft.chain_id,
        access_list=draft.access_list if kind else (),
        authorizations=draft.authorizations,
    )
