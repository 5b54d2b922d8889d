"""The reference `StateTrie`: state roots by `node.spec.trie`, in pure Python.

State is one trie from keccak256(address) to the account's RLP, and for each account one from
keccak256(slot as 32 bytes) to the value's RLP (yellow paper, section 4.1). Nothing is stored here:
new nodes go back to the caller for its one batch.
"""

from collections.abc import Mapping

from node.execution.engine import GetNodes, NewStateNodes
from node.spec.account import decode_account, encode_account
from node.spec.codec import encode, int_to_bytes
from node.spec.crypto import keccak256
from node.spec.trie import get, update
from node.spec.types import EMPTY_ROOT, Account, BlockDiff, Hash32

_Node = tuple[Hash32 | None, bytes, Hash32, bytes]


class PythonStateTrie:
    """`StateTrie` on `node.spec.trie`."""

    def update(
        self, root: Hash32, diff: BlockDiff, get_nodes: GetNodes
    ) -> tuple[Hash32, NewStateNodes]:
        """Return the root after `diff`, and every node made for it."""

        def get_node(node_hash: Hash32) -> bytes:
            return get_nodes((node_hash,))[0]

        made: list[_Node] = []
        leaves: dict[bytes, bytes] = {}
        for address, change in diff.accounts.items():
            key = keccak256(address)
            if change is None:
                leaves[key] = b""
                continue
            held = get(root, key, get_node)
            before = EMPTY_ROOT if held is None else decode_account(held).storage_root
            if change.storage_cleared:
                before = EMPTY_ROOT
            storage_root, nodes = update(before, storage_items(change.storage), get_node)
            made += [(key, path, *node) for path, node in nodes.items()]
            leaves[key] = encode_account(
                Account(change.nonce, change.balance, storage_root, change.code_hash)
            )
        new_root, nodes = update(root, leaves, get_node)
        made += [(None, path, *node) for path, node in nodes.items()]
        return new_root, made


def storage_items(slots: Mapping[int, int]) -> dict[bytes, bytes]:
    """Return the trie's items for slots; value 0 removes."""
    return {
        keccak256(slot.to_bytes(32, "big")): encode(int_to_bytes(value)) if value else b""
        for slot, value in slots.items()
    }
