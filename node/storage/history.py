"""Where a state's trie nodes stand, and how long: all of history, or the newest blocks only.

`FullHistory` keeps each node under its place and hash for good: every root ever committed stays
readable, and the store grows with every block. `PrunedHistory` keeps the head's nodes under their
place (account hash and path), so that a later one overwrites an earlier, and puts what a block
overwrites aside under hash and number for as many blocks as were asked for: roots as old as that
stay readable and provable, older ones are gone, and the store grows with the state alone.

Both answer by place and hash, and each node's bytes are known by its hash, so what is cached never
goes stale. A folder keeps the form it was begun in.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from lru import LRU

from node.errors import StoreError
from node.spec.crypto import keccak256
from node.spec.types import Hash32, NodeReference, StateUpdate
from node.storage.keys import (
    ACCOUNT_NODE,
    OLD_NODE,
    OLD_NODES_OF,
    SLOT_NODE,
    node_key,
    number_key,
)
from node.storage.kv import Batch, Reader, prefix_end

NODE_CACHE_MAX: Final = 16_384
"""Trie nodes kept in memory: about 8 MB; the native engine has a cache of its own."""

HISTORY_BLOCKS_MIN: Final = 64
"""Fewest blocks whose states a pruned store keeps: a proof is asked for a while after its block."""

PRUNED_AT_ONCE_MAX: Final = 16
"""Blocks whose old nodes one commit removes at most, where a shorter history was asked for."""


class NodeStore(Protocol):
    """Trie nodes of the states that a store still has; safe for any thread."""

    def node(self, place: NodeReference) -> bytes:
        """Return a node; raise StoreError where the store does not have it (any more)."""
        ...

    def nodes(self, places: Sequence[NodeReference]) -> list[bytes]:
        """Return nodes in the order asked for."""
        ...

    def entries(self, update: StateUpdate, number: int) -> dict[bytes, bytes | None]:
        """Return what a block's change of the tries changes in the store."""
        ...

    def dropped(self, owner: Hash32, number: int) -> Batch:
        """Return what changes where an account's storage went as a whole."""
        ...


class FullHistory:
    """Nodes by place and hash, kept for good.

    By hash alone each would lie anywhere. Where one stands beside those above and below it, a walk
    in a large state, and a block's many walks in order, find several in one table.
    """

    def __init__(self, kv: Reader, cache_max: int = NODE_CACHE_MAX) -> None:
        self._kv = kv
        self._cache: LRU[Hash32, bytes] = LRU(cache_max)

    def node(self, place: NodeReference) -> bytes:
        """Return a node; raise StoreError where it is not there."""
        node_hash = place[2]
        held: bytes | None = self._cache.get(node_hash)
        if held is None:
            held = self._kv.get(node_key(place))
            if held is None:
                raise StoreError(
                    f"store: no state node 0x{node_hash.hex()}",
                    next_command="dataccord store check",
                )
            self._cache[node_hash] = held
        return held

    def nodes(self, places: Sequence[NodeReference]) -> list[bytes]:
        """Return nodes in the order asked for; in that of their places they are half as dear."""
        return [self.node(place) for place in places]

    def entries(self, update: StateUpdate, number: int) -> dict[bytes, bytes | None]:
        """Return the new nodes under their places and hashes."""
        del number
        return {node_key(made[:3]): made[3] for made in update.made}

    def dropped(self, owner: Hash32, number: int) -> Batch:
        """Return nothing: what stood under older roots stays."""
        del owner, number
        return {}


class PrunedHistory:
    """The head's nodes by place, and those of the newest blocks before it by hash."""

    def __init__(self, kv: Reader, blocks: int, cache_max: int = NODE_CACHE_MAX) -> None:
        self._kv = kv
        self._blocks = blocks
        self._cache: LRU[Hash32, bytes] = LRU(cache_max)
        self._oldest = _oldest(kv)

    def node(self, place: NodeReference) -> bytes:
        """Return a node; raise StoreError where it is older than what is kept."""
        node_hash = place[2]
        held: bytes | None = self._cache.get(node_hash)
        if held is None:
            held = self._kv.get(_place_key(place))
            if held is None or keccak256(held) != node_hash:
                held = self._old(node_hash)
            self._cache[node_hash] = held
        return held

    def _old(self, node_hash: Hash32) -> bytes:
        prefix = OLD_NODE + node_hash
        for _, data in self._kv.scan(prefix, prefix_end(prefix)):
            return data
        raise StoreError(
            f"store: no state node 0x{node_hash.hex()}",
            why=f"this node keeps the states of its newest {self._blocks} blocks only",
            next_command="ask a node whose configuration says history_blocks = 0",
        )

    def nodes(self, places: Sequence[NodeReference]) -> list[bytes]:
        """Return nodes in the order asked for."""
        return [self.node(place) for place in places]

    def entries(self, update: StateUpdate, number: int) -> dict[bytes, bytes | None]:
        """Return new nodes at their places, overwritten ones put aside, and the oldest removed."""
        entries: dict[bytes, bytes | None] = dict(self._put_aside(update.obsolete, number))
        for place in update.obsolete:
            entries[_place_key(place)] = None
        for owner, path, node_hash, data in update.made:
            entries[_place_key((owner, path, node_hash))] = data
            self._cache[node_hash] = data
        return entries | self._pruned(number)

    def _put_aside(self, places: Sequence[NodeReference], number: int) -> dict[bytes, bytes]:
        if not places:
            return {}
        end = number.to_bytes(8, "big")
        aside = {OLD_NODE + place[2] + end: self.node(place) for place in places}
        aside[number_key(OLD_NODES_OF, number)] = b"".join(place[2] for place in places)
        return aside

    def dropped(self, owner: Hash32, number: int) -> Batch:
        """Return an account's slot nodes put aside, those of a block's other changes included."""
        prefix = SLOT_NODE + owner
        held = list(self._kv.scan(prefix, prefix_end(prefix)))
        end = number.to_bytes(8, "big")
        gone: dict[bytes, bytes | None] = {key: None for key, _ in held}
        gone.update((OLD_NODE + keccak256(data) + end, data) for _, data in held)
        gone[number_key(OLD_NODES_OF, number) + owner] = b"".join(keccak256(d) for _, d in held)
        return gone

    def _pruned(self, number: int) -> dict[bytes, bytes | None]:
        """Return the removal of what only states older than those kept need."""
        start = number_key(OLD_NODES_OF, self._oldest)
        last = min(number - self._blocks, self._oldest + PRUNED_AT_ONCE_MAX)
        if last < self._oldest:
            return {}
        gone: dict[bytes, bytes | None] = {}
        for key, hashes in self._kv.scan(start, number_key(OLD_NODES_OF, last + 1)):
            end, gone[key] = key[1:9], None
            for at in range(0, len(hashes), 32):
                gone[OLD_NODE + hashes[at : at + 32] + end] = None
        self._oldest = last + 1
        return gone


def _place_key(place: NodeReference) -> bytes:
    owner, path, _ = place
    return ACCOUNT_NODE + path if owner is None else SLOT_NODE + owner + path


def _oldest(kv: Reader) -> int:
    """Return the first block whose overwritten nodes are still there, 0 where none is."""
    for key, _ in kv.scan(OLD_NODES_OF, prefix_end(OLD_NODES_OF)):
        return int.from_bytes(key[1:9], "big")
    return 0
