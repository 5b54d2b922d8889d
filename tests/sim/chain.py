"""Each member's ledger in most stories: real blocks, seals and tries over a toy execution.

A toy transaction is any bytes; executing it writes them under their hash into the state trie, so a
block's state root tells exactly which transactions ran. Blocks, headers, extra data, seals and
tries are the product's. `Chain` is what a member needs of a ledger, so that the real one, with a
real engine, stands in its place in the other stories.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from node.errors import InvalidBlock
from node.spec.block import EMPTY_OMMERS_HASH, Block, decode_block, encode_block, transactions_root
from node.spec.codec import encode
from node.spec.crypto import keccak256
from node.spec.header import Header
from node.spec.seal import (
    MIX_HASH,
    ExtraData,
    decode_extra_data,
    encode_extra_data,
    hash_for_block,
    verify_seals,
)
from node.spec.trie import update
from node.spec.types import EMPTY_ROOT, ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from node.storage.kv import KeyValue
from tests.sim.world import START_MS

BLOCK_TRANSACTIONS_MAX = 8
BLOCK_PERIOD_S = 1


class Chain(Protocol):
    """What a member asks of its ledger."""

    @property
    def head(self) -> Header:
        """Return the last block's header, sealed."""
        ...

    def validators(self) -> tuple[Address, ...]:
        """Return who validates the next block."""
        ...

    def build(self, timestamp: int, coinbase: Address, pool: Sequence[bytes]) -> Block:
        """Return a block upon the head."""
        ...

    def check(self, block: Block) -> bool:
        """Whether a proposed block is valid upon the head."""
        ...

    def commit(self, block: Block) -> None:
        """Verify a sealed block entirely and store it; raises what is wrong with it."""
        ...

    def block_at(self, number: int) -> Block | None:
        """Return a stored block, sealed."""
        ...

    def is_known(self, raw: bytes) -> bool:
        """Whether a transaction is in the chain."""
        ...


def genesis_header() -> Header:
    """Return block 0 of every toy chain."""
    return Header(
        parent_hash=ZERO_HASH,
        ommers_hash=EMPTY_OMMERS_HASH,
        coinbase=ZERO_ADDRESS,
        state_root=EMPTY_ROOT,
        transactions_root=EMPTY_ROOT,
        receipts_root=EMPTY_ROOT,
        logs_bloom=bytes(256),
        difficulty=1,
        number=0,
        gas_limit=200_000_000,
        gas_used=0,
        timestamp=START_MS // 1000,
        extra_data=encode_extra_data(ExtraData(bytes(32))),
        mix_hash=MIX_HASH,
        nonce=bytes(8),
        base_fee=0,
        withdrawals_root=EMPTY_ROOT,
        blob_gas_used=0,
        excess_blob_gas=0,
        parent_beacon_block_root=ZERO_HASH,
        requests_hash=Hash32(bytes.fromhex(_NO_REQUESTS)),
    )


_NO_REQUESTS = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class ToyChain:
    """A chain upon a disk."""

    def __init__(self, disk: KeyValue, validators: Iterable[Address]) -> None:
        self._disk = disk
        self._validators = tuple(validators)
        self._executed: dict[Hash32, tuple[Hash32, dict[Hash32, bytes]]] = {}
        stored = disk.get(b"head")
        self.head = genesis_header()
        if stored is not None:
            block = self.block_at(int.from_bytes(stored, "big"))
            assert block is not None
            self.head = block.header

    def validators(self) -> tuple[Address, ...]:
        """Return the one validator set."""
        return self._validators

    def build(self, timestamp: int, coinbase: Address, pool: Sequence[bytes]) -> Block:
        """Return a block of the first transactions in the pool."""
        chosen = tuple(raw for raw in pool if not self.is_known(raw))[:BLOCK_TRANSACTIONS_MAX]
        header = replace(
            self.head,
            parent_hash=hash_for_block(self.head),
            coinbase=coinbase,
            transactions_root=transactions_root(chosen),
            number=self.head.number + 1,
            gas_used=len(chosen),
            timestamp=timestamp,
            extra_data=encode_extra_data(ExtraData()),
        )
        block = Block(replace(header, state_root=self._execute(chosen)[0]), chosen)
        return block

    def _execute(self, transactions: Sequence[bytes]) -> tuple[Hash32, dict[Hash32, bytes]]:
        items = {bytes(keccak256(raw)): encode(raw) for raw in transactions}
        root, made = update(self.head.state_root, items, self._node)
        return root, dict(made.values())

    def _node(self, node_hash: Hash32) -> bytes:
        found = self._disk.get(b"node" + node_hash)
        assert found is not None, "a trie node is missing from a synced store"
        return found

    def check(self, block: Block) -> bool:
        """Whether header and state root hold; the execution is remembered by block hash."""
        try:
            self._check(block)
        except InvalidBlock:
            return False
        return True

    def _check(self, block: Block) -> dict[Hash32, bytes]:
        header, parent = block.header, self.head
        block_hash = hash_for_block(header)
        if block_hash not in self._executed:
            self._executed[block_hash] = self._execute(block.transactions)
        root, nodes = self._executed[block_hash]
        extra = decode_extra_data(header.extra_data)
        rules = {
            "parent": header.parent_hash == hash_for_block(parent),
            "number": header.number == parent.number + 1,
            "timestamp": header.timestamp >= parent.timestamp + BLOCK_PERIOD_S,
            "proposer": header.coinbase in self._validators,
            "validators": not extra.validators and extra.vote is None,
            "transactions": header.transactions_root == transactions_root(block.transactions),
            "gas": header.gas_used == len(block.transactions),
            "state root": header.state_root == root,
            "repetition": not any(map(self.is_known, block.transactions)),
        }
        broken = [name for name, holds in rules.items() if not holds]
        if broken:
            raise InvalidBlock(f"block {header.number}: {', '.join(broken)}")
        return nodes

    def commit(self, block: Block) -> None:
        """Check everything, seals included, and store in one synced batch."""
        nodes = self._check(block)
        verify_seals(block.header, self._validators)
        number = block.header.number.to_bytes(8, "big")
        batch: dict[bytes, bytes | None] = {b"node" + key: node for key, node in nodes.items()}
        batch |= {b"tx" + keccak256(raw): number for raw in block.transactions}
        batch |= {b"block" + number: encode_block(block), b"head": number}
        self._disk.write(batch, sync=True)
        self._executed.clear()
        self.head = block.header

    def block_at(self, number: int) -> Block | None:
        """Return a stored block."""
        stored = self._disk.get(b"block" + number.to_bytes(8, "big"))
        return None if stored is None else decode_block(stored)

    def is_known(self, raw: bytes) -> bool:
        """Whether a transaction is in the chain."""
        return self._disk.get(b"tx" + keccak256(raw)) is not None
