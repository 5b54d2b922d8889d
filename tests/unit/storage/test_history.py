"""A pruned store answers as a full one does for the blocks it keeps, and says so for the rest."""

import random
from collections.abc import Iterator

import pytest

from node.errors import ConfigError, StoreError
from node.spec.block import Block
from node.spec.crypto import keccak256
from node.spec.seal import hash_for_block
from node.spec.types import (
    EMPTY_CODE_HASH,
    EMPTY_ROOT,
    ZERO_HASH,
    AccountChange,
    Address,
    BlockDiff,
    Hash32,
)
from node.storage import history as module
from node.storage.chain_store import ChainStore
from node.storage.check import check_blocks, check_state
from node.storage.keys import ACCOUNT_NODE, NODE, OLD_NODE, OLD_NODES_OF, SLOT_NODE
from node.storage.kv import MemoryKeyValue, prefix_end
from tests import engines

from .test_chain_store import header

KEPT = 64
ACCOUNTS = [Address(keccak256(b"account %d" % n)[:20]) for n in range(6)]


@pytest.fixture(params=engines.NAMES, autouse=True, scope="module")
def engine_name(request: pytest.FixtureRequest) -> str:
    engines.choose(request.param)
    return str(request.param)


class Chain:
    """A chain of empty blocks over one store, whose states change by diffs."""

    def __init__(self, history_blocks: int) -> None:
        self.kv = MemoryKeyValue()
        self.store = ChainStore(self.kv, history_blocks)
        self.roots: list[Hash32] = []
        self.add(BlockDiff({ACCOUNTS[0]: AccountChange(1, 5, EMPTY_CODE_HASH, {1: 1})}))

    def add(self, diff: BlockDiff) -> None:
        root = self.roots[-1] if self.roots else EMPTY_ROOT
        update = engines.trie().update(root, diff, self.store.nodes.nodes)
        number = len(self.roots)
        parent = ZERO_HASH if self.store.is_empty else self.store.head().hash
        block = Block(header(number, parent, update.root))
        block_hash = hash_for_block(block.header)
        if number == 0:
            self.store.begin(block, block_hash, 7, diff, update)
        else:
            self.store.commit(block, block_hash, (), (), (), diff, update)
        self.roots.append(update.root)

    def reopen(self, history_blocks: int | None = None) -> None:
        self.store = ChainStore(self.kv, history_blocks)

    def count(self, prefix: bytes) -> int:
        return sum(1 for _ in self.kv.scan(prefix, prefix_end(prefix)))


def diffs(chance: random.Random, count: int) -> Iterator[BlockDiff]:
    """Yield changes that write, clear and drop: accounts come, go and come back."""
    for _ in range(count):
        accounts: dict[Address, AccountChange | None] = {}
        for address in chance.sample(ACCOUNTS, chance.randrange(4)):
            slots = {chance.randrange(12): chance.choice((0, 1, 2, 7)) for _ in range(5)}
            how = chance.randrange(10)
            written = {slot: value for slot, value in slots.items() if value or how}
            change = AccountChange(1, chance.randrange(9), EMPTY_CODE_HASH, written, how == 0)
            accounts[address] = None if how == 1 else change
        yield BlockDiff(accounts)


def same_state(one: ChainStore, other: ChainStore, root: Hash32) -> None:
    left, right = one.state_at(root), other.state_at(root)
    for address in ACCOUNTS:
        assert left.account(address) == right.account(address)
        assert left.prove_account(address) == right.prove_account(address)
        for slot in range(12):
            assert left.storage(address, slot) == right.storage(address, slot)
            assert left.prove_storage(address, slot) == right.prove_storage(address, slot)


@pytest.mark.parametrize("seed", range(3))
def test_kept_states_are_those_of_a_full_store(seed: int) -> None:
    chance = random.Random(seed)
    full, pruned = Chain(0), Chain(KEPT)
    for number, diff in enumerate(diffs(chance, 3 * KEPT)):
        full.add(diff)
        pruned.add(diff)
        if number % 50 == 49:
            pruned.reopen(KEPT)
    assert pruned.roots == full.roots
    for root in full.roots[-KEPT - 1 :: 8]:
        same_state(full.store, ChainStore(pruned.kv), root)
    assert list(check_blocks(pruned.store.blocks))
    assert list(check_state(pruned.store, pruned.kv))


def test_a_state_that_was_dropped_is_refused_by_name() -> None:
    chain = Chain(KEPT)
    for number in range(1, KEPT + 3):
        chain.add(BlockDiff({ACCOUNTS[1]: AccountChange(number, 0, EMPTY_CODE_HASH, {1: number})}))
    chain.reopen()
    with pytest.raises(StoreError, match="no state node") as caught:
        chain.store.state_at(chain.roots[1]).account(ACCOUNTS[1])
    assert "newest 64 blocks" in caught.value.why
    kept = chain.store.state_at(chain.roots[3]).account(ACCOUNTS[1])
    assert kept is not None
    assert kept.nonce == 3


def test_a_pruned_store_grows_with_its_state_alone() -> None:
    full, pruned = Chain(0), Chain(KEPT)
    sizes = []
    for number in range(1, 4 * KEPT):
        diff = BlockDiff({ACCOUNTS[2]: AccountChange(number, 0, EMPTY_CODE_HASH, {1: number})})
        full.add(diff)
        pruned.add(diff)
        sizes.append(sum(pruned.count(p) for p in (ACCOUNT_NODE, SLOT_NODE, OLD_NODE)))
    assert sizes[-1] == sizes[2 * KEPT], "as many old nodes come as go"
    assert pruned.count(OLD_NODES_OF) == KEPT
    assert full.count(NODE) > 3 * sizes[-1]
    assert pruned.count(NODE) == 0


def test_a_node_that_went_twice_stays_until_the_later_time() -> None:
    """The same bytes may stand at several places and times; each is put aside under its block."""
    chain = Chain(KEPT)
    one, two = (AccountChange(1, 0, EMPTY_CODE_HASH, {1: value}) for value in (1, 2))
    for change in (one, two, one, two):
        chain.add(BlockDiff({ACCOUNTS[3]: change}))
    first, again = chain.roots[1], chain.roots[3]
    assert first == again
    for number in range(KEPT - 1):
        chain.add(BlockDiff({ACCOUNTS[4]: AccountChange(number + 1, 0, EMPTY_CODE_HASH)}))
    chain.reopen()
    assert chain.store.state_at(again).storage(ACCOUNTS[3], 1) == 1


def test_a_shorter_history_is_reached_in_bounded_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = Chain(2 * KEPT)
    change = iter(range(1, 1_000))

    def grow(count: int) -> None:
        for _ in range(count):
            nonce = next(change)
            chain.add(BlockDiff({ACCOUNTS[0]: AccountChange(nonce, 0, EMPTY_CODE_HASH)}))

    grow(2 * KEPT)
    assert chain.count(OLD_NODES_OF) == 2 * KEPT
    monkeypatch.setattr(module, "PRUNED_AT_ONCE_MAX", 8)
    chain.reopen(KEPT)
    grow(1)
    assert chain.count(OLD_NODES_OF) == 2 * KEPT + 1 - 9
    grow(20)
    assert chain.count(OLD_NODES_OF) == KEPT


@pytest.mark.parametrize(("begun", "asked"), [(0, KEPT), (KEPT, 0)])
def test_a_store_keeps_the_form_it_was_begun_in(begun: int, asked: int) -> None:
    chain = Chain(begun)
    with pytest.raises(ConfigError, match="history_blocks"):
        chain.reopen(asked)
    chain.reopen()
    chain.reopen(begun)
    same_state(chain.store, chain.store, chain.roots[0])


@pytest.mark.parametrize("blocks", [1, KEPT - 1])
def test_too_short_a_history_is_refused(blocks: int) -> None:
    with pytest.raises(ConfigError, match="too few"):
        ChainStore(MemoryKeyValue(), blocks)
