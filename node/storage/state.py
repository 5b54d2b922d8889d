"""State at the roots that a store has: accounts, slots and code, and proofs of them.

How long a root stays readable is `node.storage.history`'s matter. Beside the tries the head's
accounts and slots stand flat, one key each, because execution reads little else (a flat read costs
a few microseconds, a walk some sixty). `TrieState` reads under any root, `FlatState` the head
alone, through a snapshot that later commits do not reach; both are `PreState`s for the engines
(`node.execution.engine`).
"""

from collections.abc import Callable, Mapping
from typing import Final

from lru import LRU

from node.errors import StoreError
from node.spec.account import decode_account
from node.spec.codec import decode, int_to_bytes, to_int
from node.spec.crypto import keccak256
from node.spec.trie import PlacedGetter, get_placed, prove_placed
from node.spec.types import (
    EMPTY_CODE_HASH,
    EMPTY_ROOT,
    Account,
    Address,
    BlockDiff,
    Hash32,
    StateUpdate,
)
from node.storage.history import NodeStore
from node.storage.keys import ACCOUNT, CODE, SLOT, slot_key
from node.storage.kv import Reader, Snapshot, prefix_end

CODE_CACHE_MAX: Final = 1_024
"""Contracts' codes kept in memory: at most about 25 MB."""

BlockHash = Callable[[int], Hash32 | None]


class CodeStore:
    """Code by hash, with a bounded cache; safe for any thread."""

    def __init__(self, kv: Reader, cache_max: int = CODE_CACHE_MAX) -> None:
        self._kv = kv
        self._cache: LRU[Hash32, bytes] = LRU(cache_max)

    def code(self, code_hash: Hash32) -> bytes:
        """Return code; raise StoreError where it is not there."""
        if code_hash == EMPTY_CODE_HASH:
            return b""
        held: bytes | None = self._cache.get(code_hash)
        if held is None:
            held = self._kv.get(CODE + code_hash)
            if held is None:
                raise _unknown(f"code 0x{code_hash.hex()}")
            self._cache[code_hash] = held
        return held


class TrieState:
    """The state under one root, read through the trie."""

    def __init__(
        self, root: Hash32, nodes: NodeStore, codes: CodeStore, block_hash: BlockHash
    ) -> None:
        self.root = root
        self._nodes = nodes
        self._codes = codes
        self._block_hash = block_hash
        self._roots: dict[Address, Hash32] = {}

    def account(self, address: Address) -> Account | None:
        """Return the account, None where there is none."""
        held = get_placed(self.root, keccak256(address), self._getter(None))
        return None if held is None else decode_account(held)

    def storage(self, address: Address, slot: int) -> int:
        """Return the slot's value, 0 where it was never set."""
        root = self._storage_root(address)
        if root == EMPTY_ROOT:
            return 0
        getter = self._getter(keccak256(address))
        held = get_placed(root, keccak256(slot.to_bytes(32, "big")), getter)
        return 0 if held is None else to_int(decode(held), "storage value", 256)

    def _storage_root(self, address: Address) -> Hash32:
        root = self._roots.get(address)
        if root is None:
            account = self.account(address)
            root = EMPTY_ROOT if account is None else account.storage_root
            self._roots[address] = root
        return root

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash."""
        return self._codes.code(code_hash)

    def block_hash(self, number: int) -> Hash32:
        """Return the hash of an earlier block."""
        return known_hash(self._block_hash, number)

    def prove_account(self, address: Address) -> tuple[bytes, ...]:
        """Return the nodes that prove the account or its absence."""
        return prove_placed(self.root, keccak256(address), self._getter(None))

    def prove_storage(self, address: Address, slot: int) -> tuple[bytes, ...]:
        """Return the nodes that prove the slot's value under the account's storage root."""
        root = self._storage_root(address)
        getter = self._getter(keccak256(address))
        return prove_placed(root, keccak256(slot.to_bytes(32, "big")), getter)

    def _getter(self, owner: Hash32 | None) -> PlacedGetter:
        return lambda path, node_hash: self._nodes.node((owner, path, node_hash))


class FlatState:
    """The head's state, one key an account and a slot."""

    def __init__(
        self, root: Hash32, view: Snapshot, codes: CodeStore, block_hash: BlockHash
    ) -> None:
        self.root = root
        self._view = view
        self._codes = codes
        self._block_hash = block_hash

    def account(self, address: Address) -> Account | None:
        """Return the account, None where there is none."""
        held = self.account_bytes(address)
        return None if held is None else decode_account(held)

    def account_bytes(self, address: bytes) -> bytes | None:
        """Return the account's RLP, None where there is none."""
        return self._view.get(ACCOUNT + address)

    def slot_bytes(self, address: bytes, slot: bytes) -> bytes:
        """Return the value at a slot of 32 bytes, without leading zeros."""
        return self._view.get(SLOT + address + slot) or b""

    def storage(self, address: Address, slot: int) -> int:
        """Return the slot's value, 0 where it was never set."""
        return int.from_bytes(self._view.get(slot_key(address, slot)) or b"", "big")

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash."""
        return self._codes.code(code_hash)

    def block_hash(self, number: int) -> Hash32:
        """Return the hash of an earlier block."""
        return known_hash(self._block_hash, number)

    def release(self) -> None:
        """Let go of the snapshot."""
        self._view.release()


def known_hash(block_hash: BlockHash, number: int) -> Hash32:
    """Return a block's hash; raise StoreError where the store does not know it."""
    found = block_hash(number)
    if found is None:
        raise _unknown(f"hash of block {number}")
    return found


def _unknown(what: str) -> StoreError:
    return StoreError(f"store: no {what}", next_command="dataccord store check")


def state_entries(
    diff: BlockDiff, update: StateUpdate, number: int, kv: Reader, nodes: NodeStore
) -> dict[bytes, bytes | None]:
    """Return what a diff and what it made of the tries change in the store at a block.

    `kv` is read only where an account's older slots must go with it.
    """
    entries: dict[bytes, bytes | None] = {CODE + key: code for key, code in diff.codes.items()}
    for address, change in diff.accounts.items():
        if change is None or change.storage_cleared:
            prefix = SLOT + address
            entries.update((key, None) for key, _ in kv.scan(prefix, prefix_end(prefix)))
            entries.update(nodes.dropped(keccak256(address), number))
    entries.update(nodes.entries(update, number))
    for address, change in diff.accounts.items():
        if change is None:
            entries[ACCOUNT + address] = None
            continue
        entries[ACCOUNT + address] = update.leaves[address]
        entries.update(_slot_entries(address, change.storage))
    return entries


def _slot_entries(address: Address, slots: Mapping[int, int]) -> dict[bytes, bytes | None]:
    return {slot_key(address, s): int_to_bytes(value) or None for s, value in slots.items()}
