"""Each member's ledger: the node's own storage, tries and execution loop, over either engine.

`Chain` is all that a member asks of a ledger. `StoredChain` keeps it as plainly as can be: a block
is checked by header rules and full execution, remembered by its hash, and committed with its state
in the store's one synced batch once its seals are verified.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, Protocol

from node.errors import DecodeError, InvalidBlock, InvalidTransaction
from node.execution.engine import BlockEnvironment, Budget, Engine, Execution, NewStateNodes
from node.execution.state_trie import PythonStateTrie
from node.execution.system import HISTORY_ADDRESS, HISTORY_CODE, HISTORY_CODE_HASH
from node.spec.block import EMPTY_OMMERS_HASH, Block
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
from node.spec.transaction import Transaction, decode_transaction
from node.spec.types import (
    EMPTY_ROOT,
    ZERO_ADDRESS,
    ZERO_HASH,
    AccountChange,
    Address,
    BlockDiff,
    Hash32,
)
from node.storage.chain_store import ChainStore
from node.storage.kv import KeyValue
from tests.sim.world import START_MS

CHAIN_ID: Final = 2_026
BLOCK_TRANSACTIONS_MAX: Final = 8
BLOCK_PERIOD_S: Final = 1
NO_REQUESTS: Final = Hash32(
    bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
)
UNHURRIED: Final = Budget(seconds=1.0, clock=lambda: 0.0)
"""A proposer's budget on a clock that stands still: chance must not come from the real one."""


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


@dataclass(frozen=True, slots=True)
class _Result:
    """What executing a block came to."""

    execution: Execution
    state_root: Hash32
    nodes: NewStateNodes


def _genesis_diff() -> BlockDiff:
    history = AccountChange(nonce=1, balance=0, code_hash=HISTORY_CODE_HASH)
    return BlockDiff({HISTORY_ADDRESS: history}, {HISTORY_CODE_HASH: HISTORY_CODE})


@lru_cache(maxsize=1)
def _genesis() -> tuple[Header, NewStateNodes]:
    root, nodes = PythonStateTrie().update(EMPTY_ROOT, _genesis_diff(), lambda hashes: ())
    header = Header(
        parent_hash=ZERO_HASH,
        ommers_hash=EMPTY_OMMERS_HASH,
        coinbase=ZERO_ADDRESS,
        state_root=root,
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
        requests_hash=NO_REQUESTS,
    )
    return header, nodes


def genesis_header() -> Header:
    """Return block 0 of every simulated chain; its state holds EIP-2935's contract."""
    return _genesis()[0]


class StoredChain:
    """A chain in a store."""

    def __init__(self, kv: KeyValue, validators: Iterable[Address], engine: Engine) -> None:
        self._store = ChainStore(kv)
        self._validators = tuple(validators)
        self._engine = engine
        self._trie = PythonStateTrie()
        self._results: dict[Hash32, _Result] = {}
        header, nodes = _genesis()
        if self._store.is_empty:
            genesis_hash = hash_for_block(header)
            self._store.begin(Block(header), genesis_hash, CHAIN_ID, _genesis_diff(), nodes)
        self._store.check_chain(CHAIN_ID, hash_for_block(header))
        stored = self._store.blocks.header(self._store.head().number)
        self.head = header if stored is None else stored

    def validators(self) -> tuple[Address, ...]:
        """Return the one validator set."""
        return self._validators

    def build(self, timestamp: int, coinbase: Address, pool: Sequence[bytes]) -> Block:
        """Return a block of the first transactions in the pool that run."""
        fresh = [raw for raw in pool if not self.is_known(raw)][:BLOCK_TRANSACTIONS_MAX]
        candidates = [decode_transaction(raw) for raw in fresh]
        env = self._environment(timestamp, coinbase)
        senders = self._senders(candidates)
        state = self._store.head_state()
        execution = self._engine.build(env, candidates, senders, state, budget=UNHURRIED)
        state.release()
        result = self._with_root(execution)
        header = replace(
            self.head,
            parent_hash=env.parent_hash,
            coinbase=coinbase,
            number=env.number,
            timestamp=timestamp,
            extra_data=encode_extra_data(ExtraData()),
            **_roots(result),
        )
        self._results[hash_for_block(header)] = result
        return Block(header, tuple(item.raw for item in execution.transactions))

    def _environment(self, timestamp: int, coinbase: Address) -> BlockEnvironment:
        return BlockEnvironment(
            number=self.head.number + 1,
            timestamp=timestamp,
            coinbase=coinbase,
            gas_limit=self.head.gas_limit,
            prev_randao=MIX_HASH,
            chain_id=CHAIN_ID,
            parent_hash=hash_for_block(self.head),
        )

    def _senders(self, transactions: Sequence[Transaction]) -> list[Address]:
        senders = [sender for sender in self._engine.recover(transactions) if sender is not None]
        if len(senders) != len(transactions):
            raise InvalidBlock("a transaction was signed by nobody")
        return senders

    def _with_root(self, execution: Execution) -> _Result:
        nodes = self._store.nodes.nodes
        root, made = self._trie.update(self.head.state_root, execution.diff, nodes)
        return _Result(execution, root, made)

    def check(self, block: Block) -> bool:
        """Whether header rules and execution hold."""
        try:
            self._check(block)
        except (InvalidBlock, InvalidTransaction, DecodeError):
            return False
        return True

    def _check(self, block: Block) -> _Result:
        """Judge a block by all rules but the seals; executed once, remembered by its hash."""
        header, parent = block.header, self.head
        block_hash = hash_for_block(header)
        extra = decode_extra_data(header.extra_data)
        _require(
            header,
            parent=header.parent_hash == hash_for_block(parent),
            number=header.number == parent.number + 1,
            timestamp=header.timestamp >= parent.timestamp + BLOCK_PERIOD_S,
            proposer=header.coinbase in self._validators,
            validators=not extra.validators and extra.vote is None,
        )
        if block_hash not in self._results:
            self._results[block_hash] = self._execute(block)
        result = self._results[block_hash]
        raws = tuple(item.raw for item in result.execution.transactions)
        agreed = {name: getattr(header, name) == value for name, value in _roots(result).items()}
        _require(header, transactions=raws == block.transactions, **agreed)
        return result

    def _execute(self, block: Block) -> _Result:
        transactions = [decode_transaction(raw) for raw in block.transactions]
        env = self._environment(block.header.timestamp, block.header.coinbase)
        state = self._store.head_state()
        senders = self._senders(transactions)
        execution = self._engine.execute(env, transactions, senders, state)
        state.release()
        return self._with_root(execution)

    def commit(self, block: Block) -> None:
        """Check everything, seals included, and store in one synced batch."""
        result = self._check(block)
        verify_seals(block.header, self._validators)
        execution = result.execution
        hashes = [item.hash for item in execution.transactions]
        place = (block, hash_for_block(block.header), hashes, execution.receipts)
        self._store.commit(*place, execution.diff, result.nodes)
        self._results.clear()
        self.head = block.header

    def block_at(self, number: int) -> Block | None:
        """Return a stored block."""
        return self._store.blocks.block(number)

    def is_known(self, raw: bytes) -> bool:
        """Whether a transaction is in the chain."""
        return self._store.blocks.place_of(keccak256(raw)) is not None


def _roots(result: _Result) -> dict[str, Any]:
    """Return the header fields that execution alone decides."""
    execution = result.execution
    return {
        "state_root": result.state_root,
        "transactions_root": execution.transactions_root,
        "receipts_root": execution.receipts_root,
        "logs_bloom": execution.bloom,
        "gas_used": execution.gas_used,
    }


def _require(header: Header, **rules: bool) -> None:
    broken = [name for name, holds in rules.items() if not holds]
    if broken:
        raise InvalidBlock(f"block {header.number}: {', '.join(broken)}")
