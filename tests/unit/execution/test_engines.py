"""Every engine must give py-evm's own bytes where it replaces py-evm's parts, and own its faults.

Each scenario runs on the engine and through unmodified py-evm (`oracle`): state root, receipts
root, gas, status and output have to agree. It runs on each engine there is.
"""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.errors import DecodeError, EngineFault, InvalidTransaction, StoreError
from node.execution.engine import (
    Budget,
    Execution,
    ExecutionAbandoned,
    Message,
    Status,
)
from node.execution.memory_state import MemoryState, OverriddenState, Override
from node.execution.system import (
    BEACON_ROOTS_ADDRESS,
    BEACON_ROOTS_CODE,
    HISTORY_ADDRESS,
    HISTORY_CODE,
    system_writes,
)
from node.spec.crypto import keccak256
from node.spec.transaction import Transaction, created_address
from node.spec.types import EMPTY_ROOT, AccountChange, Address, BlockDiff, Hash32
from tests import engines
from tests.engines import engine, trie

from . import oracle
from .kit import (
    COINBASE,
    KEYS,
    PARENT_HASH,
    SENDERS,
    assemble,
    authorization,
    environment,
    initcode,
    transaction,
)
from .world import (
    BURNER,
    CALLER,
    COUNTER,
    COUNTER_CODE,
    EMPTY_TARGET,
    FACTORY,
    LOGGER,
    READER,
    REVERTER,
    SUICIDE_CODE,
    TRANSIENT,
    new_world,
    word,
)


@pytest.fixture(params=engines.NAMES, autouse=True, scope="module")
def engine_name(request: pytest.FixtureRequest) -> str:
    engines.choose(request.param)
    return str(request.param)


@pytest.fixture
def world() -> MemoryState:
    return new_world()


def senders_of(transactions: list[Transaction]) -> list[Address]:
    """Return the senders as the engine recovers them."""
    found = []
    for item in engine().recover([item.raw for item in transactions]):
        assert not isinstance(item, DecodeError)
        assert item[1] is not None
        found.append(item[1])
    return found


def root_of(world: MemoryState) -> Hash32:
    nodes: dict[Hash32, bytes] = {}
    diff = BlockDiff(
        {
            address: AccountChange(
                account.nonce, account.balance, account.code_hash, world.slots.get(address, {})
            )
            for address, account in world.accounts.items()
        }
    )
    return trie().update(EMPTY_ROOT, diff, lambda keys: [nodes[key] for _, _, key in keys]).root


def agree(world: MemoryState, transactions: list[Transaction], number: int = 10) -> Execution:
    """Run on both, compare everything, return ours and leave the new state in `world`."""
    env = environment(number)
    expected = oracle.run(env, transactions, world, system_writes(env, world))
    senders = senders_of(transactions)
    ours = engine().execute(env, transactions, senders, world)
    world.apply(ours.diff)
    assert [item.gas_used for item in ours.outcomes] == expected.gas_used
    assert [item.succeeded for item in ours.outcomes] == expected.statuses
    assert [item.return_data for item in ours.outcomes] == expected.outputs
    assert ours.receipts_root == expected.receipts_root
    assert root_of(world) == expected.state_root
    assert ours.gas_used == sum(expected.gas_used)
    return ours


def test_transfers_of_every_type_pay_the_proposer(world: MemoryState) -> None:
    ours = agree(
        world,
        [
            transaction(KEYS[0], 0, EMPTY_TARGET, kind=0, value=5, fee=3),
            transaction(KEYS[1], 0, EMPTY_TARGET, kind=1, value=6, access_list=[(COUNTER, [0, 1])]),
            transaction(KEYS[2], 0, EMPTY_TARGET, kind=2, value=7, fee=9, tip=2),
            transaction(KEYS[0], 1, SENDERS[7], kind=2, data=b"\0" * 300 + b"\1" * 300),
        ],
    )
    assert world.accounts[EMPTY_TARGET].balance == 18
    assert world.accounts[COINBASE].balance == 21_000 * 3 + 21_000 * 2
    assert [receipt.type for receipt in ours.receipts] == [0, 1, 2, 2]
    # EIP-7623: 300 zero and 300 other bytes are 1,500 tokens of 10 gas.
    assert ours.outcomes[3].gas_used == 21_000 + 15_000


def test_zero_fee_leaves_no_empty_accounts(world: MemoryState) -> None:
    ours = agree(world, [transaction(KEYS[0], 0, EMPTY_TARGET)])
    assert set(ours.diff.accounts) == {SENDERS[0]}


def test_storage_revert_halt_and_logs(world: MemoryState) -> None:
    ours = agree(
        world,
        [
            transaction(KEYS[0], 0, COUNTER, data=word(5) + word(6)),
            transaction(KEYS[0], 1, COUNTER, data=word(77) + word(0)),
            transaction(KEYS[1], 0, REVERTER),
            transaction(KEYS[2], 0, BURNER, gas=60_000),
            transaction(KEYS[3], 0, LOGGER, value=3),
            transaction(KEYS[3], 1, TRANSIENT),
            transaction(KEYS[3], 2, READER),
        ],
    )
    assert world.slots[COUNTER] == {0: 6, 5: 6}
    assert [item.status for item in ours.outcomes[2:4]] == [Status.REVERT, Status.HALT]
    assert ours.outcomes[2].return_data == word(0xBEEF)
    assert ours.outcomes[3].gas_used == 60_000
    assert [len(log.topics) for log in ours.outcomes[4].logs] == [2, 0]
    assert ours.bloom != bytes(256)
    assert world.slots[READER][7] == int.from_bytes(b"\x99" * 32, "big")


def test_creations_succeed_collide_and_fail(world: MemoryState) -> None:
    runtime = assemble(1, 1, "SSTORE", "STOP")
    ours = agree(
        world,
        [
            transaction(KEYS[0], 0, None, data=initcode(runtime, 8, 8, "SSTORE"), value=4),
            transaction(KEYS[0], 1, None, data=assemble("PUSH0", "PUSH0", "REVERT")),
            transaction(KEYS[0], 2, None, data=initcode(b"\xef\x00")),
            transaction(KEYS[0], 3, None, data=b""),
            transaction(KEYS[1], 0, FACTORY, data=initcode(runtime), value=2),
            transaction(KEYS[1], 1, FACTORY, data=initcode(runtime), value=2),
            transaction(KEYS[2], 0, None, data=initcode(b"\0" * 24_577), gas=8_000_000),
        ],
    )
    assert ours.outcomes[0].created == created_address(SENDERS[0], 0)
    assert world.slots[created_address(SENDERS[0], 0)] == {8: 8}
    # The sixth collides with what the fifth created, which costs it all its gas but a 64th.
    succeeded = [item.succeeded for item in ours.outcomes]
    assert succeeded == [True, False, False, True, True, False, False]
    assert set(ours.diff.codes) == {keccak256(runtime)}


def test_selfdestruct_deletes_only_what_its_transaction_created(world: MemoryState) -> None:
    world.put(EMPTY_TARGET, nonce=1, balance=9, code=SUICIDE_CODE, slots={1: 1})
    create = initcode(SUICIDE_CODE, 3, 3, "SSTORE")
    ours = agree(
        world,
        [
            transaction(KEYS[0], 0, EMPTY_TARGET),
            transaction(KEYS[1], 0, FACTORY, data=create, value=10),
            transaction(KEYS[1], 1, FACTORY, data=create),
        ],
    )
    assert world.accounts[EMPTY_TARGET].balance == 0
    assert all(item.succeeded for item in ours.outcomes)
    made = Address(world.slots[FACTORY][0].to_bytes(20, "big"))
    assert world.account(made) is None
    assert made not in ours.diff.accounts


def test_set_code_delegates_resets_and_skips(world: MemoryState) -> None:
    wrong_nonce = authorization(KEYS[3], COUNTER, 5)
    other_chain = authorization(KEYS[3], COUNTER, 0, chain_id=1)
    max_nonce = authorization(KEYS[3], COUNTER, 2**64 - 1)
    resets = authorization(KEYS[6], bytes(20), 1)
    delegates = authorization(KEYS[4], COUNTER, 0)
    ours = agree(
        world,
        [
            transaction(
                KEYS[0],
                0,
                SENDERS[1],
                kind=4,
                data=word(3) + word(4),
                authorizations=[
                    authorization(KEYS[1], COUNTER, 0),
                    authorization(KEYS[6], REVERTER, 0),
                    authorization(KEYS[0], LOGGER, 1, chain_id=0),
                    wrong_nonce,
                    other_chain,
                    max_nonce,
                ],
            ),
            transaction(KEYS[2], 0, SENDERS[1], data=word(8) + word(9)),
            transaction(KEYS[1], 1, SENDERS[0], value=1),
            transaction(KEYS[1], 2, SENDERS[6], kind=4, authorizations=[resets]),
            transaction(KEYS[2], 1, REVERTER, kind=4, authorizations=[delegates]),
        ],
    )
    assert world.slots[SENDERS[1]] == {0: 2, 3: 4, 8: 9}
    assert world.codes[world.accounts[SENDERS[0]].code_hash].startswith(b"\xef\x01\x00")
    assert world.codes[world.accounts[SENDERS[6]].code_hash] == b""
    assert world.accounts[SENDERS[3]].nonce == 0
    # A revert keeps the delegations that came before it.
    assert not ours.outcomes[4].succeeded
    assert world.accounts[SENDERS[4]].nonce == 1


def test_delegated_sender_creates_and_destroys(world: MemoryState) -> None:
    """Inner creations of a delegated account are EIP-6780's "created in this transaction"."""
    item = transaction(
        KEYS[0],
        0,
        SENDERS[0],
        kind=4,
        data=initcode(SUICIDE_CODE),
        authorizations=[authorization(KEYS[0], FACTORY, 1)],
    )
    ours = engine().execute(environment(), [item], [SENDERS[0]], world)
    world.apply(ours.diff)
    made = Address(world.slots[SENDERS[0]][0].to_bytes(20, "big"))
    assert world.slots[SENDERS[0]][1] == 1
    assert world.account(made) is None


def test_precompiles_and_nested_calls(world: MemoryState) -> None:
    calls = [word(number) + b"\x07" * 96 for number in (1, 2, 3, 4, 5, 6, 7, 9)]
    calls += [word(REVERTER), word(CALLER) + word(COUNTER) + word(1) + word(2), word(BURNER)]
    agree(
        world,
        [transaction(KEYS[0], nonce, CALLER, data=data) for nonce, data in enumerate(calls)],
    )


def test_system_contracts_write_before_the_first_transaction(world: MemoryState) -> None:
    world.put(HISTORY_ADDRESS, nonce=1, code=HISTORY_CODE)
    world.put(BEACON_ROOTS_ADDRESS, nonce=1, code=BEACON_ROOTS_CODE)
    ours = agree(world, [transaction(KEYS[0], 0, CALLER, data=word(HISTORY_ADDRESS) + word(9))])
    assert ours.outcomes[0].return_data == PARENT_HASH
    env = environment(10)
    assert world.slots[BEACON_ROOTS_ADDRESS] == {env.timestamp % 8191: env.timestamp}


def test_no_system_contract_no_write(world: MemoryState) -> None:
    assert system_writes(environment(), world) == ()
    assert agree(world, []).diff == BlockDiff()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: transaction(KEYS[0], 1, EMPTY_TARGET), "nonce too high"),
        (lambda: transaction(KEYS[0], 0, EMPTY_TARGET, chain_id=1), "invalid chain id for signer"),
        (lambda: transaction(KEYS[0], 0, EMPTY_TARGET, gas=20_999), "intrinsic gas too low"),
        (
            lambda: transaction(KEYS[0], 0, EMPTY_TARGET, data=b"\1" * 1000, gas=40_000),
            "insufficient gas for floor data gas cost",
        ),
        (lambda: transaction(KEYS[0], 0, EMPTY_TARGET, gas=30_000_001), "exceeds block gas limit"),
        (
            lambda: transaction(KEYS[7], 0, EMPTY_TARGET, value=1),
            "insufficient funds for gas * price + value",
        ),
    ],
)
def test_rules_refuse_before_the_engine(world: MemoryState, make: object, text: str) -> None:
    item = make()  # type: ignore[operator]
    with pytest.raises(InvalidTransaction, match=re.escape(text)):
        engine().execute(environment(), [item], senders_of([item]), world)


def test_contract_may_not_send(world: MemoryState) -> None:
    world.put(SENDERS[0], code=COUNTER_CODE)
    with pytest.raises(InvalidTransaction, match="sender not an eoa"):
        engine().execute(environment(), [transaction(KEYS[0], 0, COUNTER)], [SENDERS[0]], world)


def test_block_gas_is_cumulative(world: MemoryState) -> None:
    pair = [transaction(KEYS[0], n, EMPTY_TARGET, gas=20_000_000) for n in (0, 1)]
    env = environment(gas_limit=20_020_999)
    with pytest.raises(InvalidTransaction, match="exceeds block gas limit"):
        engine().execute(env, pair, [SENDERS[0]] * 2, world)
    assert (
        len(
            engine()
            .execute(environment(gas_limit=20_021_000), pair, [SENDERS[0]] * 2, world)
            .outcomes
        )
        == 2
    )


class BrokenState(MemoryState):
    """A store that fails on one slot."""

    failure: Exception = StoreError("disk gone")

    def storage(self, address: Address, slot: int) -> int:
        raise self.failure


@pytest.mark.parametrize(
    ("failure", "seen"), [(StoreError("disk gone"), StoreError), (KeyError("bug"), EngineFault)]
)
def test_faults_are_never_outcomes(
    world: MemoryState, failure: Exception, seen: type[Exception]
) -> None:
    broken = BrokenState(world.accounts, world.slots, world.codes)
    broken.failure = failure
    with pytest.raises(seen):
        engine().execute(environment(), [transaction(KEYS[0], 0, COUNTER)], [SENDERS[0]], broken)


def test_cancel_between_and_within_transactions(world: MemoryState) -> None:
    with pytest.raises(ExecutionAbandoned, match=r"between|before"):
        engine().execute(
            environment(),
            [transaction(KEYS[0], 0, COUNTER)],
            [SENDERS[0]],
            world,
            cancel=lambda: True,
        )
    asked = iter([False])
    with pytest.raises(ExecutionAbandoned, match="within"):
        engine().execute(
            environment(gas_limit=2**40),
            [transaction(KEYS[0], 0, BURNER, gas=2**36)],
            [SENDERS[0]],
            world,
            cancel=lambda: next(asked, True),
        )


class Ticks:
    """A clock that moves by itself at each look."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def build(world: MemoryState, items: list[Transaction], budget: Budget, **env: object) -> Execution:
    senders = senders_of(items)
    return engine().build(environment(**env), items, senders, world, budget=budget)  # type: ignore[arg-type]


def test_build_fills_and_names_what_can_not_run(world: MemoryState) -> None:
    good = [transaction(KEYS[0], n, COUNTER, data=word(n) + word(1)) for n in range(3)]
    stale = transaction(KEYS[1], 4, COUNTER)
    follows = transaction(KEYS[1], 5, COUNTER)
    poor = transaction(KEYS[7], 0, COUNTER, value=1)
    items = [good[0], stale, good[1], follows, poor, good[2]]
    made = build(world, items, Budget(10, Ticks(0.0)))
    assert list(made.transactions) == good
    assert {h: str(e) for h, e in made.refused.items()} == {
        stale.hash: "nonce too high",
        poor.hash: "insufficient funds for gas * price + value",
    }
    again = engine().execute(environment(), made.transactions, made.senders, world)
    assert (again.diff, again.receipts_root, again.transactions_root) == (
        made.diff,
        made.receipts_root,
        made.transactions_root,
    )


def test_build_stops_at_gas_and_time(world: MemoryState) -> None:
    items = [transaction(KEYS[n], 0, EMPTY_TARGET, gas=21_000) for n in range(5)]
    full = build(world, items, Budget(10, Ticks(0.0)), gas_limit=70_000)
    assert len(full.transactions) == 3
    assert full.refused == {}
    late = build(world, items, Budget(1.0, Ticks(0.2)))
    assert 0 < len(late.transactions) < 5


def test_build_refuses_a_transaction_that_outlasts_the_budget(world: MemoryState) -> None:
    endless = transaction(KEYS[0], 0, BURNER, gas=20_000_000)
    other = transaction(KEYS[1], 0, COUNTER)
    made = build(world, [endless, other], Budget(5.0, Ticks(0.01)))
    assert str(made.refused[endless.hash]) == "transaction exceeds the execution budget"
    assert SENDERS[0] not in made.diff.accounts


def test_call_needs_neither_nonce_nor_fee_and_leaves_nothing(world: MemoryState) -> None:
    before = world.copy()
    outcome = engine().call(environment(), Message(SENDERS[7], COUNTER, word(1) + word(2)), world)
    assert outcome.succeeded
    assert world == before
    reverted = engine().call(environment(), Message(SENDERS[7], REVERTER), world)
    assert (reverted.status, reverted.return_data) == (Status.REVERT, word(0xBEEF))


def test_call_refuses_what_no_transaction_could(world: MemoryState) -> None:
    with pytest.raises(InvalidTransaction, match="intrinsic gas too low"):
        engine().call(environment(), Message(SENDERS[0], COUNTER, gas=20_999), world)
    with pytest.raises(InvalidTransaction, match="insufficient funds for transfer"):
        engine().call(environment(), Message(SENDERS[7], COUNTER, value=1), world)


def test_call_on_an_overridden_state(world: MemoryState) -> None:
    overrides = {
        COUNTER: Override(
            state={9: 1},
            code=assemble(
                0,
                "SLOAD",
                77,
                "SLOAD",
                "ADD",
                9,
                "SLOAD",
                "ADD",
                "PUSH0",
                "MSTORE",
                32,
                "PUSH0",
                "RETURN",
            ),
        ),
        SENDERS[7]: Override(balance=5),
    }
    state = OverriddenState(world, overrides)
    outcome = engine().call(environment(), Message(SENDERS[7], COUNTER, value=5), state)
    assert outcome.return_data == word(1)
    partly = OverriddenState(world, {COUNTER: Override(state_diff={0: 40})})
    assert (partly.storage(COUNTER, 0), partly.storage(COUNTER, 77)) == (40, 1)


def test_trace_names_what_was_touched(world: MemoryState) -> None:
    outcome, touched = engine().trace(
        environment(), Message(SENDERS[0], COUNTER, word(5) + word(1)), world
    )
    assert outcome.succeeded
    assert dict(touched)[COUNTER] == (0, 5)


_TARGETS = (COUNTER, REVERTER, LOGGER, FACTORY, CALLER, TRANSIENT, EMPTY_TARGET, None, *SENDERS[:3])


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(_TARGETS),
            st.sampled_from([0, 1, 2]),
            st.integers(0, 3),
            st.lists(st.sampled_from([0, 1, 2, 5, 77]), max_size=3),
            st.sampled_from([60_000, 120_000, 400_000]),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_random_blocks_agree(
    steps: list[tuple[int, Address | None, int, int, list[int], int]], world: MemoryState
) -> None:
    state, nonces = world.copy(), [0] * 3
    items = []
    for who, to, kind, value, words, gas in steps:
        data = b"".join(word(item) for item in words)
        if to is None:
            data = initcode(assemble("STOP"), *words, *(["SSTORE"] if len(words) > 1 else []))
        if to == CALLER:
            data = word(COUNTER) + data
        items.append(
            transaction(
                KEYS[who], nonces[who], to, kind=kind, value=value, data=data, gas=gas, fee=1, tip=1
            )
        )
        nonces[who] += 1
    agree(state, items)
