"""The chain's store: opening it, and putting one block into it whole.

Everything a block leaves (state nodes, code, flat accounts and slots, header, body, receipts,
indices, the head) moves in one synced batch, so after a power cut a block is there or is not. A
store names its schema, chain id and genesis: a newer schema is refused, and so is another chain's
folder, each by name. On opening, the newest blocks are checked for gaps.
"""

from collections.abc import Sequence
from typing import Final

from node.errors import ConfigError, StoreError
from node.spec.block import Block
from node.spec.types import BlockDiff, Hash32, StateUpdate
from node.storage.blocks import Blocks, Head, block_entries, check_links
from node.storage.history import HISTORY_BLOCKS_MIN, FullHistory, NodeStore, PrunedHistory
from node.storage.keys import CHAIN_ID, GENESIS, HISTORY, SCHEMA
from node.storage.kv import KeyValue
from node.storage.state import CodeStore, FlatState, TrieState, state_entries

SCHEMA_VERSION: Final = 3
LINKS_CHECKED: Final = 1_024
"""Blocks below the head whose links are checked on opening; `store check` looks at all."""


class ChainStore:
    """One chain's blocks and states over a `KeyValue`."""

    def __init__(self, kv: KeyValue, history_blocks: int | None = None) -> None:
        """Take up a store; `history_blocks`: 0 for all states, else how many, None for what it has.

        Raises:
            ConfigError: it was begun with the other form of history.
            StoreError: written by a newer version, or blocks are missing.
        """
        self._kv = kv
        _check_schema(kv)
        self.blocks = Blocks(kv)
        self.nodes = _history(kv, history_blocks)
        self.codes = CodeStore(kv)
        check_links(self.blocks, LINKS_CHECKED)

    @property
    def is_empty(self) -> bool:
        """Whether not even a genesis was stored yet."""
        return self.blocks.head() is None

    def head(self) -> Head:
        """Return the newest block."""
        head = self.blocks.head()
        if head is None:
            raise StoreError("store: empty", next_command="dataccord node run --config FILE")
        return head

    def check_chain(self, chain_id: int, genesis_hash: Hash32) -> None:
        """Raise `StoreError` where the folder holds another chain."""
        held_id, held_hash = self._kv.get(CHAIN_ID), self._kv.get(GENESIS)
        if held_id is None or held_hash is None:
            raise StoreError("store: it has blocks but names no genesis")
        if int.from_bytes(held_id, "big") != chain_id or held_hash != genesis_hash:
            raise StoreError(
                "store: the folder belongs to another chain",
                why=f"it holds chain {int.from_bytes(held_id, 'big')} with genesis "
                f"0x{held_hash.hex()}, the genesis file is chain {chain_id} with "
                f"0x{genesis_hash.hex()}",
                next_command="give this chain a data_dir of its own",
            )

    def begin(
        self,
        genesis: Block,
        genesis_hash: Hash32,
        chain_id: int,
        diff: BlockDiff,
        update: StateUpdate,
    ) -> None:
        """Store block 0 and the chain's name."""
        batch: dict[bytes, bytes | None] = {
            **state_entries(diff, update, 0, self._kv, self.nodes),
            **block_entries(genesis, genesis_hash, (), (), ()),
            CHAIN_ID: chain_id.to_bytes(8, "big"),
            GENESIS: bytes(genesis_hash),
        }
        self._kv.write(batch, sync=True)

    def commit(
        self,
        block: Block,
        block_hash: Hash32,
        transaction_hashes: Sequence[Hash32],
        receipts: Sequence[bytes],
        log_index: Sequence[tuple[int, bytes]],
        diff: BlockDiff,
        update: StateUpdate,
    ) -> None:
        """Make a final block the head, in one synced batch.

        `receipts` are envelopes, `log_index` is what finds the block by its logs.

        Raises:
            StoreError: it does not follow the head, or could not be written.
        """
        head = self.head()
        if (block.header.number, block.header.parent_hash) != (head.number + 1, head.hash):
            raise StoreError(
                f"store: block {block.header.number} does not follow the head {head.number}"
            )
        batch: dict[bytes, bytes | None] = {
            **state_entries(diff, update, block.header.number, self._kv, self.nodes),
            **block_entries(block, block_hash, transaction_hashes, receipts, log_index),
        }
        self._kv.write(batch, sync=True)

    def state_at(self, root: Hash32) -> TrieState:
        """Return the state under a root; reading it raises StoreError where it is unknown."""
        return TrieState(root, self.nodes, self.codes, self.blocks.hash_of)

    def head_state(self) -> FlatState:
        """Return the head's state, for any thread; release it when the head has moved on."""
        view = self._kv.snapshot()
        return FlatState(_head_root(Blocks(view)), view, self.codes, self.blocks.hash_of)

    def close(self) -> None:
        """Release the store."""
        self._kv.close()


def _head_root(blocks: Blocks) -> Hash32:
    head = blocks.head()
    header = None if head is None else blocks.header(head.number)
    if header is None:
        raise StoreError("store: the head's header is missing")
    return header.state_root


def _history(kv: KeyValue, blocks: int | None) -> NodeStore:
    """Return the nodes in the form the store was begun in, a new one in that asked for."""
    if blocks is not None and 0 < blocks < HISTORY_BLOCKS_MIN:
        raise ConfigError(
            f"history_blocks: {blocks} is too few",
            why=f"proofs are asked for after their block; {HISTORY_BLOCKS_MIN} at least, or 0",
        )
    held = kv.get(HISTORY)
    if held is None:
        held = (blocks or 0).to_bytes(8, "big")
        kv.write({HISTORY: held}, sync=True)
    begun = int.from_bytes(held, "big")
    if blocks is not None and (blocks == 0) != (begun == 0):
        wanted = "all states" if blocks == 0 else f"the newest {blocks} blocks' states"
        raise ConfigError(
            f"store: begun with history_blocks = {begun}, not to be opened with {blocks}",
            why=f"the folder's state nodes are not kept in the form that keeps {wanted}",
            next_command="give the node a new data_dir and let it sync, or change history_blocks",
        )
    if begun == 0:
        return FullHistory(kv)
    return PrunedHistory(kv, begun if blocks is None else blocks)


def _check_schema(kv: KeyValue) -> None:
    held = kv.get(SCHEMA)
    if held is None:
        kv.write({SCHEMA: SCHEMA_VERSION.to_bytes(4, "big")}, sync=True)
        return
    version = int.from_bytes(held, "big")
    if version > SCHEMA_VERSION:
        raise StoreError(
            "store: written by a newer version of dataccord",
            why=f"its schema is {version}, this one knows {SCHEMA_VERSION}",
            next_command="install the newer version again",
        )
    if version < SCHEMA_VERSION:
        raise StoreError(
            "store: written by an older version of dataccord",
            why=f"its schema is {version}, this one knows {SCHEMA_VERSION}",
            next_command="give the node a new data_dir and let it sync; keep its sign-state",
        )
