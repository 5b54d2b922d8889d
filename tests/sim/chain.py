"""Each member's ledger: the node's own, over the node's own store, on either engine.

The genesis is as small as a chain can be: EIP-2935's contract, and of Members no more than the
storage that the ledger reads (validators, one active member, the accounts that may send). Its store
is made once for each set of validators, and every member begins with a copy.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from node.chain.genesis_file import NO_REQUESTS_HASH, Genesis, GenesisAccount, state_root_of
from node.chain.ledger import Ledger
from node.errors import InvalidBlock
from node.execution.choice import Engines
from node.execution.system import HISTORY_ADDRESS, HISTORY_CODE
from node.spec import registry
from node.spec.block import EMPTY_OMMERS_HASH, Block
from node.spec.crypto import keccak256
from node.spec.header import Header
from node.spec.seal import MIX_HASH, ExtraData, encode_extra_data
from node.spec.transaction import decode_transaction
from node.spec.types import EMPTY_ROOT, ZERO_ADDRESS, ZERO_HASH, Address
from node.spec.vocabulary import Role
from node.storage.chain_store import ChainStore
from node.storage.kv import KeyValue, MemoryKeyValue
from tests.sim.engine import CHAIN_ID, senders, toy_engines
from tests.sim.world import START_MS

BLOCK_TRANSACTIONS_MAX: Final = 8


class Chain:
    """A ledger as a member uses it."""

    def __init__(self, kv: KeyValue, addresses: tuple[Address, ...], engines: Engines) -> None:
        genesis = genesis_of(addresses)
        # The clock stands still: a proposer's budget must not depend on the real one.
        store, engine, trie = ChainStore(kv), engines.engine, engines.trie
        self._ledger = Ledger(store, genesis, engine, trie, clock=lambda: 0.0)

    @property
    def head(self) -> Header:
        """Return the last block's header, sealed."""
        return self._ledger.head

    @property
    def validators(self) -> tuple[Address, ...]:
        """Return who validates the next block."""
        return self._ledger.validators

    def build(self, timestamp: int, coinbase: Address, pool: Sequence[bytes]) -> Block:
        """Return a block of the first transactions in the pool that run."""
        fresh = [raw for raw in pool if not self.is_known(raw)][:BLOCK_TRANSACTIONS_MAX]
        candidates = [decode_transaction(raw) for raw in fresh]
        return self._ledger.build(timestamp, coinbase, candidates).block

    def check(self, block: Block) -> bool:
        """Whether a proposed block is valid upon the head."""
        try:
            self._ledger.check(block)
        except InvalidBlock:
            return False
        return True

    def commit(self, block: Block) -> None:
        """Take a block that consensus has sealed."""
        self._ledger.commit(block)

    def import_block(self, block: Block) -> bool:
        """Take a sealed block from a peer; False where the chain has it already."""
        return self._ledger.import_block(block) is not None

    def block_at(self, number: int) -> Block | None:
        """Return a stored block, sealed."""
        return self._ledger.store.blocks.block(number)

    def is_known(self, raw: bytes) -> bool:
        """Whether a transaction is in the chain."""
        return self._ledger.store.blocks.place_of(keccak256(raw)) is not None


def _members(addresses: tuple[Address, ...]) -> dict[int, int]:
    """Return the storage of Members: validators, member 1, and its accounts."""
    storage = {registry.VALIDATORS: len(addresses)}
    for position, address in enumerate(sorted(addresses)):
        storage[registry.slot_of_validator(position)] = int.from_bytes(address, "big")
    storage[registry.slot_of_member_standing(1)] = 1 << 8
    for sender in senders():
        storage[registry.slot_of_permission(sender)] = 1 << 32 | 1 << Role.SENDER
    return storage


@lru_cache(maxsize=8)
def genesis_of(addresses: tuple[Address, ...]) -> Genesis:
    """Return block 0 of a chain with these validators."""
    accounts = {
        HISTORY_ADDRESS: GenesisAccount(nonce=1, code=HISTORY_CODE),
        registry.MEMBERS: GenesisAccount(nonce=1, storage=_members(addresses)),
    }
    header = Header(
        parent_hash=ZERO_HASH,
        ommers_hash=EMPTY_OMMERS_HASH,
        coinbase=ZERO_ADDRESS,
        state_root=state_root_of(accounts),
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
        requests_hash=NO_REQUESTS_HASH,
    )
    qbft = {"validatorcontractaddress": "0x" + registry.MEMBERS.hex(), "blockperiodseconds": 1}
    return Genesis(header, accounts, {"chainid": CHAIN_ID, "zerobasefee": True, "qbft": qbft})


@lru_cache(maxsize=8)
def _first_entries(addresses: tuple[Address, ...]) -> dict[bytes, bytes]:
    kv = MemoryKeyValue()
    Chain(kv, addresses, toy_engines()[0])
    return dict(kv.scan(b"", b"\xff" * 64))


def new_store(addresses: tuple[Address, ...]) -> MemoryKeyValue:
    """Return a member's disk on its first day: a chain that holds its genesis."""
    return MemoryKeyValue(_first_entries(addresses))
