"""The pool meets strangers first: its limits must hold in any order, and its order must be fair."""

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from node.errors import InvalidTransaction
from node.mempool import (
    EQUAL_PRICE_REPLACEMENT_MS,
    EXPIRE_EVERY_MS,
    HEAVY_GAS_MAX,
    QUEUED_LIFETIME_MS,
    Added,
    Pool,
    PoolRules,
    Standing,
)
from node.spec.crypto import address_of, keccak256
from node.spec.registry import MEMBERS
from node.spec.transaction import Transaction, decode_transaction, sign_dynamic_fee
from node.spec.transaction_rules import TransactionRules
from node.spec.types import Account, Address, Hash32

CHAIN_ID = 31337
KEYS = [keccak256(b"pool %d" % n) for n in range(5)]
A, B, C, D, E = SENDERS = [address_of(key) for key in KEYS]
KEY_OF = dict(zip(SENDERS, KEYS, strict=True))
TARGET = Address(b"\x99" * 20)
RULES = PoolRules(TransactionRules(CHAIN_ID), 200_000_000)


class World:
    """The head's state, as far as the pool asks."""

    def __init__(self) -> None:
        members = dict(zip(SENDERS, (1, 1, 2, 2, 3), strict=True))
        self.standing = {
            sender: Standing(Account(0, 10**18), member=members[sender]) for sender in SENDERS
        }

    def look_up(self, sender: Address) -> Standing:
        return self.standing[sender]

    def set(self, sender: Address, **changes: object) -> None:
        held = self.standing[sender]
        account = {k: v for k, v in changes.items() if k in ("nonce", "balance")}
        rest = {k: v for k, v in changes.items() if k not in account}
        changed = replace(held.account, **account)  # type: ignore[arg-type]
        self.standing[sender] = replace(held, account=changed, **rest)  # type: ignore[arg-type]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def pool(world: World) -> Pool:
    return Pool(RULES, world.look_up)


def transaction(
    sender: Address,
    nonce: int,
    *,
    fee: int = 0,
    tip: int | None = None,
    to: Address = TARGET,
    gas: int = 50_000,
    value: int = 0,
    data: bytes = b"",
    chain_id: int = CHAIN_ID,
) -> Transaction:
    raw = sign_dynamic_fee(
        KEY_OF[sender],
        chain_id=chain_id,
        nonce=nonce,
        gas=gas,
        to=to,
        data=data,
        value=value,
        max_fee=fee,
        max_priority_fee=fee if tip is None else tip,
    )
    return decode_transaction(raw)


def add(pool: Pool, sender: Address, nonce: int, now_ms: int = 0, **fields: object) -> Added:
    return pool.add(transaction(sender, nonce, **fields), sender, now_ms)  # type: ignore[arg-type]


def refused(pool: Pool, item: Transaction, sender: Address, now_ms: int = 0) -> str:
    with pytest.raises(InvalidTransaction) as caught:
        pool.add(item, sender, now_ms)
    return caught.value.what


def order(pool: Pool, count_max: int = 100) -> list[tuple[Address, int]]:
    by_hash = {entry.transaction.hash: entry.sender for part in pool.content() for entry in part}
    return [(by_hash[item.hash], item.nonce) for item in pool.candidates(count_max)]


def test_executable_and_queued(pool: Pool) -> None:
    assert not pool.has_executable
    assert not add(pool, A, 1).executable
    assert not pool.has_executable
    assert pool.next_nonce(A) == 0
    assert add(pool, A, 0).executable
    assert pool.has_executable
    assert pool.next_nonce(A) == 2
    add(pool, A, 5)
    executable, queued = pool.content()
    assert [entry.transaction.nonce for entry in executable] == [0, 1]
    assert [entry.transaction.nonce for entry in queued] == [5]
    assert pool.next_nonce(B) is None


def test_what_is_invalid_is_refused_in_geths_words(pool: Pool, world: World) -> None:
    world.set(A, nonce=5, balance=100)
    known = transaction(A, 5)
    pool.add(known, A, 0)
    heavy = Address(b"\0" * 19 + b"\x08")
    for item, text in (
        (known, "already known"),
        (transaction(A, 4), "nonce too low"),
        (transaction(A, 5 + 4_096), "nonce too high"),
        (transaction(A, 6, value=101), "insufficient funds for gas * price + value"),
        (transaction(A, 6, gas=20_999), "intrinsic gas too low"),
        (transaction(A, 6, gas=30_000_001), "transaction gas limit too high"),
        (transaction(A, 6, gas=200_000_001), "exceeds block gas limit"),
        (transaction(A, 6, to=heavy, gas=HEAVY_GAS_MAX + 1), "transaction gas limit too high"),
        (transaction(A, 6, chain_id=1), "invalid chain id for signer"),
        (transaction(A, 6, fee=1, tip=2), "max priority fee per gas higher than max fee per gas"),
    ):
        assert refused(pool, item, A) == text
    assert len(pool) == 1
    pool.add(transaction(A, 6, to=heavy, gas=HEAVY_GAS_MAX), A, 0)


def test_a_native_engine_lifts_the_limit_on_precompiles(world: World) -> None:
    pool = Pool(replace(RULES, heavy_gas_max=None), world.look_up)
    add(pool, A, 0, to=Address(b"\0" * 19 + b"\x08"), gas=HEAVY_GAS_MAX + 1)


def test_permission_and_code_are_asked(pool: Pool, world: World) -> None:
    world.set(A, may_send=False)
    text = "sender is not permitted to send transactions"
    assert refused(pool, transaction(A, 0), A) == text
    world.set(B, code=b"\x60\x00")
    assert refused(pool, transaction(B, 0), B) == "sender not an eoa"
    world.set(B, code=b"\xef\x01\x00" + A)
    add(pool, B, 0)


def test_replacement_by_price(pool: Pool) -> None:
    first = add(pool, A, 0, fee=100)
    underpriced = "replacement transaction underpriced"
    assert refused(pool, transaction(A, 0, fee=109), A) == underpriced
    assert refused(pool, transaction(A, 0, fee=200, tip=100), A) == underpriced
    second = add(pool, A, 0, fee=110)
    assert second.replaced == first.entry.transaction.hash
    assert pool.get(first.entry.transaction.hash) is None
    assert len(pool) == 1


def test_replacement_at_an_equal_price_once_every_five_seconds(pool: Pool) -> None:
    add(pool, A, 0, value=1)
    early = transaction(A, 0, value=2)
    wait = EQUAL_PRICE_REPLACEMENT_MS
    assert refused(pool, early, A, wait - 1) == "replacement transaction underpriced"
    assert add(pool, A, 0, wait, value=2).replaced is not None
    again = transaction(A, 0, value=3)
    assert refused(pool, again, A, 2 * wait - 1) == "replacement transaction underpriced"
    assert add(pool, A, 0, 2 * wait, value=3).replaced is not None


def test_a_lower_price_never_replaces(pool: Pool) -> None:
    add(pool, A, 0, fee=100)
    lower = transaction(A, 0, fee=99)
    assert refused(pool, lower, A, 10**9) == "replacement transaction underpriced"


def test_at_one_price_senders_take_turns_by_arrival(pool: Pool) -> None:
    for sender, nonce in ((A, 0), (A, 1), (A, 2), (B, 0), (C, 0), (B, 1)):
        add(pool, sender, nonce)
    assert order(pool) == [(A, 0), (B, 0), (C, 0), (A, 1), (B, 1), (A, 2)]
    assert order(pool, 4) == [(A, 0), (B, 0), (C, 0), (A, 1)]


def test_a_higher_price_comes_first_but_never_before_its_nonce(pool: Pool) -> None:
    add(pool, A, 0)
    add(pool, A, 1, fee=9)
    add(pool, B, 0, fee=5)
    add(pool, C, 0, fee=7, tip=6)
    assert order(pool) == [(C, 0), (B, 0), (A, 0), (A, 1)]


def test_a_block_moves_the_pool(pool: Pool, world: World) -> None:
    kept = [add(pool, A, nonce).entry.transaction.hash for nonce in range(4)]
    add(pool, B, 0)
    world.set(A, nonce=2)
    pool.head_changed([A, TARGET])
    assert [pool.get(item) is None for item in kept] == [True, True, False, False]
    assert order(pool) == [(A, 2), (B, 0), (A, 3)]
    world.set(A, nonce=4)
    world.set(B, nonce=1)
    pool.head_changed([A, B])
    assert len(pool) == 0
    assert not pool.has_executable
    assert pool.next_nonce(A) is None


def test_a_block_may_close_a_gap_or_take_the_money(pool: Pool, world: World) -> None:
    add(pool, A, 3)
    add(pool, B, 0, value=50)
    add(pool, B, 1)
    world.set(A, nonce=3)
    world.set(B, balance=49)
    pool.head_changed([A, B])
    assert order(pool) == [(A, 3)]
    assert [entry.transaction.nonce for entry in pool.content()[1]] == [1]


def test_a_revocation_reaches_waiting_transactions(pool: Pool, world: World) -> None:
    add(pool, A, 0)
    add(pool, B, 0)
    world.set(A, may_send=False)
    pool.head_changed([C])
    assert len(pool) == 2
    pool.head_changed([MEMBERS])
    assert order(pool) == [(B, 0)]


def test_dropping_leaves_the_successors_queued(pool: Pool) -> None:
    hashes = [add(pool, A, nonce).entry.transaction.hash for nonce in range(3)]
    assert pool.drop(hashes[1])
    assert not pool.drop(hashes[1])
    assert order(pool) == [(A, 0)]
    assert [entry.transaction.nonce for entry in pool.content()[1]] == [2]


def test_what_is_queued_too_long_expires(pool: Pool) -> None:
    add(pool, A, 0)
    old = add(pool, A, 2).entry.transaction.hash
    add(pool, A, 3, now_ms=EXPIRE_EVERY_MS + 1)
    assert pool.expire(QUEUED_LIFETIME_MS - 1) == ()
    assert pool.expire(QUEUED_LIFETIME_MS) == (), "looked a moment ago"
    assert pool.expire(QUEUED_LIFETIME_MS + EXPIRE_EVERY_MS) == (old,)
    assert len(pool) == 2


def test_a_sender_has_a_limit(world: World) -> None:
    pool = Pool(replace(RULES, sender_max=3), world.look_up)
    for nonce in range(3):
        add(pool, A, nonce)
    assert refused(pool, transaction(A, 3), A) == "nonce too high"
    world.set(A, nonce=1)
    assert refused(pool, transaction(A, 3), A) == "txpool: too many transactions of this account"
    add(pool, A, 2, EQUAL_PRICE_REPLACEMENT_MS, value=1)


def test_a_full_pool_takes_from_the_largest_member(world: World) -> None:
    pool = Pool(replace(RULES, pool_max=4), world.look_up)
    for sender, nonce in ((A, 0), (A, 1), (B, 0), (C, 0)):  # member 1 has three, member 2 one
        add(pool, sender, nonce)
    last_of_b = add(pool, E, 0).evicted  # member 3
    assert last_of_b == (transaction(B, 0).hash,)
    # Now two, one, one: nobody is smaller by more than the place it would take.
    assert refused(pool, transaction(D, 0), D) == "txpool is full"
    assert refused(pool, transaction(B, 0), B) == "txpool is full"
    assert add(pool, D, 0, fee=1).evicted == (transaction(A, 1).hash,)
    assert len(pool) == 4
    assert refused(pool, transaction(A, 1, fee=0), A) == "txpool is full"


def test_bytes_are_limited(world: World) -> None:
    size = len(transaction(A, 0, data=bytes(5_000), gas=200_000).raw)
    pool = Pool(replace(RULES, bytes_max=2 * size + 8), world.look_up)
    fields: dict[str, object] = {"data": bytes(5_000), "gas": 200_000}
    add(pool, A, 0, **fields)
    add(pool, C, 0, **fields)
    assert refused(pool, transaction(E, 0, data=bytes(5_000), gas=200_000), E) == "txpool is full"
    assert add(pool, E, 0, data=bytes(5_000), gas=200_000, fee=1).evicted


class Life(RuleBasedStateMachine):
    """Any series of additions, blocks and drops, against the pool's promises."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.rules = replace(RULES, pool_max=12, sender_max=6)
        self.pool = Pool(self.rules, self.world.look_up)
        self.now_ms = 0

    @rule(
        sender=st.sampled_from(SENDERS),
        ahead=st.integers(-1, 6),
        fee=st.integers(0, 3),
        value=st.integers(0, 2),
        wait_ms=st.sampled_from([0, 1_000, 6_000]),
    )
    def add(self, sender: Address, ahead: int, fee: int, value: int, wait_ms: int) -> None:
        self.now_ms += wait_ms
        nonce = self.world.standing[sender].account.nonce + ahead
        if nonce < 0:
            return
        item = transaction(sender, nonce, fee=fee, value=value)
        try:
            added = self.pool.add(item, sender, self.now_ms)
        except InvalidTransaction:
            return
        assert self.pool.get(item.hash) == item
        assert all(self.pool.get(gone) is None for gone in added.evicted)
        assert added.executable == (nonce < (self.pool.next_nonce(sender) or 0))

    @rule(count=st.integers(1, 6))
    def include(self, count: int) -> None:
        chosen = self.pool.candidates(count)
        by_hash = {e.transaction.hash: e.sender for e in self.pool.content()[0]}
        for item in chosen:
            sender = by_hash[item.hash]
            assert item.nonce == self.world.standing[sender].account.nonce
            self.world.set(sender, nonce=item.nonce + 1)
        self.pool.head_changed([by_hash[item.hash] for item in chosen])

    @rule(sender=st.sampled_from(SENDERS), may_send=st.booleans())
    def permit(self, sender: Address, may_send: bool) -> None:
        self.world.set(sender, may_send=may_send)
        self.pool.head_changed([MEMBERS])

    @rule(index=st.integers(0, 11))
    def drop(self, index: int) -> None:
        entries = [entry for part in self.pool.content() for entry in part]
        if index < len(entries):
            assert self.pool.drop(entries[index].transaction.hash)

    @invariant()
    def promises_hold(self) -> None:
        executable, queued = self.pool.content()
        assert len(executable) + len(queued) == len(self.pool) <= self.rules.pool_max
        assert self.pool.has_executable == bool(executable)
        seen: dict[Address, list[int]] = {}
        for entry in (*executable, *queued):
            seen.setdefault(entry.sender, []).append(entry.transaction.nonce)
            assert self.world.standing[entry.sender].may_send
        for sender, nonces in seen.items():
            assert len(nonces) == len(set(nonces)) <= self.rules.sender_max
            assert min(nonces) >= self.world.standing[sender].account.nonce
        self.order_holds({entry.transaction.hash: entry.sender for entry in executable})

    def order_holds(self, sender_of: dict[Hash32, Address]) -> None:
        chosen = self.pool.candidates(1_000)
        assert {item.hash for item in chosen} == set(sender_of)
        for sender in set(sender_of.values()):
            nonces = [item.nonce for item in chosen if sender_of[item.hash] == sender]
            first = self.world.standing[sender].account.nonce
            assert nonces == list(range(first, first + len(nonces)))


Life.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestLife = Life.TestCase
