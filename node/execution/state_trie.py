"""The reference `StateTrie`: state roots by `node.spec.trie`, in pure Python.

State is one trie from keccak256(address) to the account's RLP, and for each account one from
keccak256(slot as 32 bytes) to the value's RLP (yellow paper, section 4.1). Nothing is stored here:
new nodes go back to the caller for its one batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from node.execution.engine import GetNodes
from node.spec.account import decode_account, encode_account
from node.spec.codec import encode, int_to_bytes
from node.spec.crypto import keccak256
from node.spec.trie import PlacedGetter, change, get_placed
from node.spec.types import (
    EMPTY_ROOT,
    Account,
    AccountChange,
    Address,
    BlockDiff,
    Hash32,
    NodeReference,
    StateNode,
    StateUpdate,
)


class PythonStateTrie:
    """`StateTrie` on `node.spec.trie`."""

    def update(self, root: Hash32, diff: BlockDiff, get_nodes: GetNodes) -> StateUpdate:
        """Return the root after `diff`, and the nodes it makes and does without."""
        work = _Work(root, get_nodes)
        items: dict[bytes, bytes] = {keccak256(address): b"" for address in diff.accounts}
        for address, account_change in diff.accounts.items():
            if account_change is not None:
                key = keccak256(address)
                items[key] = work.leaves[address] = work.leaf(key, account_change)
        new_root = work.change(None, root, items)
        return StateUpdate(new_root, work.made, sorted(work.obsolete, key=_order), work.leaves)


@dataclass(slots=True)
class _Work:
    """One update under way."""

    root: Hash32
    get_nodes: GetNodes
    made: list[StateNode] = field(default_factory=list)
    obsolete: list[NodeReference] = field(default_factory=list)
    leaves: dict[Address, bytes] = field(default_factory=dict)

    def leaf(self, key: Hash32, account_change: AccountChange) -> bytes:
        """Return an account's new leaf, its storage changed first."""
        before = EMPTY_ROOT
        if not account_change.storage_cleared:
            held = get_placed(self.root, key, self._getter(None))
            before = EMPTY_ROOT if held is None else decode_account(held).storage_root
        storage_root = self.change(key, before, storage_items(account_change.storage))
        return encode_account(
            Account(
                account_change.nonce,
                account_change.balance,
                storage_root,
                account_change.code_hash,
            )
        )

    def change(self, owner: Hash32 | None, root: Hash32, items: Mapping[bytes, bytes]) -> Hash32:
        """Change one of the tries and return its new root."""
        new_root, made, obsolete = change(root, items, self._getter(owner))
        self.made += [(owner, path, *node) for path, node in made.items()]
        self.obsolete += [(owner, path, node_hash) for path, node_hash in obsolete.items()]
        return new_root

    def _getter(self, owner: Hash32 | None) -> PlacedGetter:
        return lambda path, node_hash: self.get_nodes(((owner, path, node_hash),))[0]


def _order(place: NodeReference) -> tuple[bytes, bytes]:
    return place[0] or b"", place[1]


def storage_items(slots: Mapping[int, int]) -> dict[bytes, bytes]:
    """Return the trie's items for slots; value 0 removes."""
    return {
        keccak256(slot.to_bytes(32, "big")): encode(int_to_bytes(value)) if value else b""
        for slot, value in slots.items()
    }
