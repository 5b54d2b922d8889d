"""The reference engine's own parts: constructors, bounded precompiles, depth, hostile code."""

import json
import sys
import threading

import pytest

from node.errors import ConfigError
from node.execution.engine import (
    Budget,
    Message,
    Outcome,
    Status,
    never,
)
from node.execution.memory_state import MemoryState
from node.execution.pyevm import HEAVY_GAS_MAX, PyEvmEngine, PyEvmSession, evm_message
from node.execution.pyevm_rules import RECURSION_LIMIT, jump_destinations
from node.execution.system import (
    BEACON_ROOTS_ADDRESS,
    BEACON_ROOTS_CODE,
    HISTORY_ADDRESS,
    HISTORY_CODE,
    system_writes,
)
from node.spec.crypto import keccak256
from node.spec.types import AccountChange, Address, BlockDiff, Hash32

from .kit import (
    KEYS,
    SENDERS,
    assemble,
    environment,
    initcode,
    transaction,
)
from .world import (
    COUNTER,
    COUNTER_CODE,
    EMPTY_TARGET,
    new_world,
)

ENGINE = PyEvmEngine()


@pytest.fixture
def world() -> MemoryState:
    return new_world()


def test_system_writes_equal_running_the_contract(world: MemoryState) -> None:
    system = Address(b"\xff" * 19 + b"\xfe")
    world.put(HISTORY_ADDRESS, nonce=1, code=HISTORY_CODE)
    world.put(BEACON_ROOTS_ADDRESS, nonce=1, code=BEACON_ROOTS_CODE)
    env = environment(8_192, parent_beacon_block_root=Hash32(b"\x0b" * 32))
    written: dict[tuple[Address, int], int] = {}
    for target, data in ((HISTORY_ADDRESS, env.parent_hash), (BEACON_ROOTS_ADDRESS, b"\x0b" * 32)):
        run = _diff_of_call(world, env, Message(system, target, data))
        change = run.accounts[target]
        assert change is not None
        written |= {(target, slot): value for slot, value in change.storage.items()}
    assert written == {(a, slot): value for a, slot, value in system_writes(env, world)}


def _diff_of_call(world: MemoryState, env: object, message: Message) -> BlockDiff:
    session = PyEvmSession(env, world)  # type: ignore[arg-type]
    outcome = session.apply(evm_message(message, session), never)
    assert outcome.succeeded
    return session.diff()


def test_build_bounds_expensive_precompiles(world: MemoryState) -> None:
    pairs = 60  # 45,000 + 34,000 gas a pair, on points at infinity, which are quick to check
    item = transaction(
        KEYS[0], 0, Address(b"\0" * 19 + b"\x08"), data=bytes(192 * pairs), gas=3_000_000
    )
    assert 45_000 + 34_000 * pairs > HEAVY_GAS_MAX
    budget = Budget(60, lambda: 0.0)
    made = ENGINE.build(environment(), [item], [SENDERS[0]], world, budget=budget)
    assert made.transactions == ()
    assert "0x06 to 0x11" in made.refused[item.hash].why
    assert ENGINE.execute(environment(), [item], [SENDERS[0]], world).outcomes[0].succeeded


def test_construct_places_code_and_storage_at_a_fixed_address(world: MemoryState) -> None:
    target = Address(b"\0" * 18 + b"\xda\x01")
    diff = ENGINE.construct(environment(0), target, initcode(COUNTER_CODE, 8, 2, "SSTORE"), world)
    assert diff.accounts == {target: AccountChange(1, 0, keccak256(COUNTER_CODE), {2: 8})}
    assert diff.codes == {keccak256(COUNTER_CODE): COUNTER_CODE}


def test_construct_names_a_failing_constructor(world: MemoryState) -> None:

    with pytest.raises(ConfigError, match="constructor"):
        ENGINE.construct(
            environment(0), COUNTER, assemble("PUSH0", "PUSH0", "REVERT"), MemoryState()
        )


def test_jump_destinations_skip_push_data_and_survive_hostile_code(world: MemoryState) -> None:
    assert jump_destinations(bytes.fromhex("5b605b5b7f5b")) == bytes([1, 0, 0, 1, 0, 0])
    hostile = b"\x60" * 24_000 + b"\x5b"  # every byte may be PUSH1 or its data
    assert jump_destinations(hostile) == bytes(24_000) + b"\1"
    code = assemble((24_000 + 3).to_bytes(2, "big")) + b"\x56" + hostile[3:] + b"\x5b"
    world.put(EMPTY_TARGET, nonce=1, code=code)
    item = transaction(KEYS[0], 0, EMPTY_TARGET)
    assert ENGINE.execute(environment(), [item], [SENDERS[0]], world).outcomes[0].reason


CALL_ITSELF = assemble(
    *("PUSH0", "PUSH0", "PUSH0", "PUSH0", "PUSH0", "ADDRESS", "GAS", "CALL", "STOP")
)
CREATE_ITSELF = assemble(
    *(14, "PUSH0", "PUSH0", "CODECOPY", "PUSH0", 14, "PUSH0", "PUSH0", "CREATE2", "STOP")
)


@pytest.mark.parametrize("code", [CALL_ITSELF, CREATE_ITSELF], ids=["call", "create2"])
def test_a_depth_of_1024_fits_the_recursion_limit(code: bytes) -> None:
    world = MemoryState()
    world.put(COUNTER, nonce=1, code=code)
    found: list[Outcome] = []

    def work() -> None:
        message = Message(SENDERS[0], COUNTER, gas=2**62)
        found.append(ENGINE.call(environment(), message, world))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [outcome.status for outcome in found] == [Status.SUCCESS]


def test_the_recursion_limit_is_ours() -> None:
    """At py-evm's 100,000 this crashed the process."""
    assert sys.getrecursionlimit() == RECURSION_LIMIT
    with pytest.raises(RecursionError):
        json.loads("[" * 100_000)
