"""State roots bind every account and slot: they must equal another implementation's, at any step.

The oracle is the `trie` package (py-evm's), fed the whole state each time; ours is fed the diffs.
"""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from node.errors import StoreError
from node.execution.memory_state import MemoryState
from node.execution.state_trie import PythonStateTrie
from node.spec.codec import encode, int_to_bytes
from node.spec.crypto import keccak256
from node.spec.types import (
    EMPTY_CODE_HASH,
    EMPTY_ROOT,
    AccountChange,
    Address,
    BlockDiff,
    Hash32,
    NodeReference,
    StateNode,
)
from tests import engines
from tests.engines import trie

ADDRESSES = tuple(Address(bytes([n]) * 20) for n in range(1, 6))


@pytest.fixture(params=engines.NAMES, autouse=True, scope="module")
def engine_name(request: pytest.FixtureRequest) -> str:
    engines.choose(request.param)
    return str(request.param)


Changes = dict[Address, AccountChange | None]

changes = st.dictionaries(
    st.sampled_from(ADDRESSES),
    st.none()
    | st.builds(
        AccountChange,
        nonce=st.integers(1, 3),
        balance=st.integers(0, 2**70),
        code_hash=st.just(EMPTY_CODE_HASH),
        storage=st.dictionaries(st.integers(0, 5), st.sampled_from([0, 1, 2**255]), max_size=4),
        storage_cleared=st.booleans(),
    ),
    max_size=4,
)


def whole_root(world: MemoryState) -> bytes:
    accounts = HexaryTrie({})
    for address, account in world.accounts.items():
        slots = HexaryTrie({})
        for slot, value in world.slots[address].items():
            slots[keccak256(slot.to_bytes(32, "big"))] = encode(int_to_bytes(value))
        fields = [account.nonce, account.balance, slots.root_hash, account.code_hash]
        accounts[keccak256(address)] = encode(fields)
    return bytes(accounts.root_hash)


@settings(max_examples=60, deadline=None)
@given(st.lists(changes, min_size=1, max_size=6))
def test_roots_follow_any_series_of_diffs(series: list[Changes]) -> None:
    world, root, nodes = MemoryState(), EMPTY_ROOT, dict[Hash32, bytes]()

    def get_nodes(places: Sequence[NodeReference]) -> list[bytes]:
        return [nodes[node_hash] for _, _, node_hash in places]

    for accounts in series:
        diff = BlockDiff(accounts)
        update = trie().update(root, diff, get_nodes)
        root = update.root
        nodes.update({node_hash: data for _, _, node_hash, data in update.made})
        assert all(keccak256(data) == node_hash for _, _, node_hash, data in update.made)
        world.apply(diff)
        assert root == whole_root(world)
        assert set(update.leaves) == {a for a, change in accounts.items() if change is not None}


def test_tries_of_both_engines_make_and_drop_the_same() -> None:
    chance, root, nodes = Random(3), EMPTY_ROOT, dict[Hash32, bytes]()

    def get_nodes(places: Sequence[NodeReference]) -> list[bytes]:
        return [nodes[node_hash] for _, _, node_hash in places]

    for _ in range(60):
        diff = random_diff(chance)
        update = trie().update(root, diff, get_nodes)
        expected = PythonStateTrie().update(root, diff, get_nodes)
        assert update.root == expected.root
        assert sorted(update.made, key=place) == sorted(expected.made, key=place)
        assert list(update.obsolete) == list(expected.obsolete)
        assert update.leaves == expected.leaves
        assert not {item[:3] for item in update.made} & set(update.obsolete)
        nodes.update({node_hash: data for _, _, node_hash, data in update.made})
        root = update.root


def place(node: StateNode) -> tuple[bytes, bytes]:
    return node[0] or b"", node[1]


def random_diff(chance: Random) -> BlockDiff:
    accounts: Changes = {}
    for _ in range(chance.randrange(1, 30)):
        address = Address(keccak256(bytes([chance.randrange(60)]))[:20])
        slots = {chance.randrange(40): chance.choice([0, 1, 2**200]) for _ in range(9)}
        cleared = chance.random() < 0.1
        change = AccountChange(1, chance.randrange(99), EMPTY_CODE_HASH, slots, cleared)
        accounts[address] = None if chance.random() < 0.3 else change
    return BlockDiff(accounts)


def test_a_missing_node_is_an_error_not_an_empty_account() -> None:
    def absent(keys: object) -> list[bytes]:
        raise StoreError("no such node")

    with pytest.raises(StoreError):
        trie().update(Hash32(b"\1" * 32), BlockDiff({ADDRESSES[0]: None}), absent)
