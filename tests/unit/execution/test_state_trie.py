"""State roots bind every account and slot: they must equal another implementation's, at any step.

The oracle is the `trie` package (py-evm's), fed the whole state each time; ours is fed the diffs.
"""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from node.errors import StoreError
from node.execution.memory_state import MemoryState
from node.execution.state_trie import PythonStateTrie
from node.spec.codec import encode, int_to_bytes
from node.spec.crypto import keccak256
from node.spec.types import EMPTY_CODE_HASH, EMPTY_ROOT, AccountChange, Address, BlockDiff, Hash32

ADDRESSES = tuple(Address(bytes([n]) * 20) for n in range(1, 6))

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

    def get_nodes(keys: Sequence[Hash32]) -> list[bytes]:
        return [nodes[key] for key in keys]

    for accounts in series:
        diff = BlockDiff(accounts)
        root, made = PythonStateTrie().update(root, diff, get_nodes)
        nodes.update({node_hash: data for _, _, node_hash, data in made})
        assert all(keccak256(data) == node_hash for _, _, node_hash, data in made)
        world.apply(diff)
        assert root == whole_root(world)


def test_a_missing_node_is_an_error_not_an_empty_account() -> None:
    def absent(keys: object) -> list[bytes]:
        raise StoreError("no such node")

    with pytest.raises(StoreError):
        PythonStateTrie().update(Hash32(b"\1" * 32), BlockDiff({ADDRESSES[0]: None}), absent)
