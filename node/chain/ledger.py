"""The ledger: the head, and the one way a block becomes the next.

`build` makes a block upon the head, `check` judges a proposed one, `commit` takes one that carries
a quorum of seals, whether from consensus or from a peer. Validators and who may send are read in
the parent's state (N9, N15). What `build` or `check` executed is kept by block hash while its
parent is the head, so no block runs twice; nothing of it touches the store before `commit`, which
moves everything in one synced batch and then tells the listeners.

`build` and `check` may run in worker threads while others commit: each works on the head it met,
through a snapshot. A block upon a head that has moved on is refused as such. `commit` is for one
thread at a time and holds a lock of its own.
"""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from node.chain.genesis_file import NO_REQUESTS_HASH, Genesis
from node.chain.head import Built, HeadView, Listener, NewHead, Overlay
from node.chain.header_rules import DIFFICULTY, check_header
from node.chain.parameters import ChainParameters
from node.chain.transaction_cache import TransactionCache
from node.errors import DecodeError, EngineFault, InvalidBlock, InvalidTransaction, StoreError
from node.execution.engine import (
    BlockEnvironment,
    Budget,
    Cancel,
    Engine,
    Execution,
    StateTrie,
    never,
)
from node.spec import registry
from node.spec.block import EMPTY_OMMERS_HASH, Block
from node.spec.header import Header
from node.spec.seal import MIX_HASH, ExtraData, encode_extra_data, hash_for_block, verify_seals
from node.spec.transaction import Transaction
from node.spec.types import EMPTY_ROOT, ZERO_HASH, Address, Hash32
from node.storage.chain_store import ChainStore
from node.storage.state import TrieState

BUILD_SECONDS: Final = 0.4
"""How long a proposer fills its block (N5)."""

OVERLAYS_MAX: Final = 8
"""Executed blocks kept for one height: one for each round that is likely to be met."""

RECENT_BLOCKS: Final = 4
"""Newest blocks whose transactions stay decoded."""


class Ledger:
    """The chain as it grows."""

    def __init__(
        self,
        store: ChainStore,
        genesis: Genesis,
        engine: Engine,
        trie: StateTrie,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open the chain of `genesis` in `store`, beginning it where the store is empty.

        Raises:
            ConfigError: this node can not run such a chain.
            StoreError: the store holds another chain, or is damaged.
        """
        self.parameters: ChainParameters = genesis.parameters()
        self.store = store
        self.engine = engine
        self.transactions = TransactionCache(engine)
        self.on_fault: Callable[[Block], None] = lambda _block: None
        """Told of a block that the engine failed on, so that it can be kept for replay; one that
        was being built holds all its candidates."""
        self._trie = trie
        self._clock = clock
        self._listeners: list[Listener] = []
        self._overlays: OrderedDict[Hash32, Overlay] = OrderedDict()
        self._recent: deque[tuple[bytes, ...]] = deque()
        self._guard = threading.RLock()
        if store.is_empty:
            self._begin(genesis)
        store.check_chain(self.parameters.chain_id, genesis.hash)
        self.view = self._view_of_head()

    def _begin(self, genesis: Genesis) -> None:
        update = self._trie.update(EMPTY_ROOT, genesis.diff, self.store.nodes.nodes)
        if update.root != genesis.header.state_root:
            raise StoreError("ledger: the genesis' accounts do not give its state root")
        chain_id = self.parameters.chain_id
        self.store.begin(genesis.block, genesis.hash, chain_id, genesis.diff, update)

    def _view_of_head(self) -> HeadView:
        head = self.store.head()
        header = self.store.blocks.header(head.number)
        if header is None:
            raise StoreError(f"store: header {head.number} is missing")
        state = self.store.head_state()
        found = registry.validators(lambda slot: state.storage(registry.MEMBERS, slot))
        return HeadView(header, head.hash, state, found)

    # Reading -------------------------------------------------------------------------------------

    @property
    def head(self) -> Header:
        """The head's header with its seals."""
        return self.view.header

    @property
    def validators(self) -> tuple[Address, ...]:
        """Who validates the next block, ascending."""
        return self.view.validators

    def state_of(self, header: Header) -> TrieState:
        """Return the state after a block of this chain."""
        return self.store.state_at(header.state_root)

    def environment_of(self, header: Header) -> BlockEnvironment:
        """Return what opcodes know in a block with this header."""
        return BlockEnvironment(
            number=header.number,
            timestamp=header.timestamp,
            coinbase=self.parameters.fees_to(header.coinbase),
            gas_limit=header.gas_limit,
            prev_randao=header.mix_hash,
            chain_id=self.parameters.chain_id,
            parent_hash=header.parent_hash,
            base_fee=self.parameters.base_fee,
            parent_beacon_block_root=ZERO_HASH,
        )

    def listen(self, listener: Listener) -> None:
        """Have `listener` called with every new head, in the thread that commits."""
        self._listeners.append(listener)

    # Building ------------------------------------------------------------------------------------

    def build(
        self,
        timestamp: int,
        coinbase: Address,
        candidates: Sequence[Transaction],
        *,
        seconds: float = BUILD_SECONDS,
        cancel: Cancel = never,
    ) -> Built:
        """Return a block upon the head, in round 0 and without seals.

        Raises:
            ExecutionAbandoned: `cancel` answered True.
            EngineFault: the engine failed.
        """
        view = self.view
        draft = self._draft(view, timestamp, coinbase)
        permitted, senders, refused = self._permitted(view, candidates)
        with self._keeping(Block(draft, tuple(item.raw for item in permitted))):
            execution = self.engine.build(
                self.environment_of(draft),
                permitted,
                senders,
                view.state,
                budget=Budget(seconds, self._clock),
                cancel=cancel,
            )
            overlay = self._overlay(view, execution)
        block = Block(
            _with_results(draft, overlay), tuple(item.raw for item in execution.transactions)
        )
        self._keep(view, hash_for_block(block.header), overlay)
        return Built(block, {**refused, **execution.refused})

    def _draft(self, view: HeadView, timestamp: int, coinbase: Address) -> Header:
        parent = view.header
        return Header(
            parent_hash=view.hash,
            ommers_hash=EMPTY_OMMERS_HASH,
            coinbase=coinbase,
            state_root=parent.state_root,
            transactions_root=EMPTY_ROOT,
            receipts_root=EMPTY_ROOT,
            logs_bloom=bytes(256),
            difficulty=DIFFICULTY,
            number=parent.number + 1,
            gas_limit=parent.gas_limit,
            gas_used=0,
            timestamp=max(timestamp, parent.timestamp + self.parameters.block_period),
            extra_data=encode_extra_data(ExtraData()),
            mix_hash=MIX_HASH,
            nonce=bytes(8),
            base_fee=self.parameters.base_fee,
            withdrawals_root=EMPTY_ROOT,
            blob_gas_used=0,
            excess_blob_gas=0,
            parent_beacon_block_root=ZERO_HASH,
            requests_hash=NO_REQUESTS_HASH,
        )

    def _permitted(
        self, view: HeadView, candidates: Sequence[Transaction]
    ) -> tuple[list[Transaction], list[Address], dict[Hash32, InvalidTransaction]]:
        """Return the candidates whose senders may send, those senders, and the others refused."""
        resolved = self.transactions.resolve([item.raw for item in candidates])
        known = {sender for _, sender in resolved if sender is not None}
        allowed = {sender for sender in known if view.may_send(sender)}
        permitted, senders, refused = [], [], {}
        for transaction, sender in resolved:
            if sender is not None and sender in allowed:
                permitted.append(transaction)
                senders.append(sender)
            else:
                refused[transaction.hash] = InvalidTransaction(_reason(sender))
        return permitted, senders, refused

    # Checking ------------------------------------------------------------------------------------

    def check(self, block: Block, *, cancel: Cancel = never) -> Execution:
        """Judge a proposed block upon the head, seals and clock excepted, and keep its execution.

        Raises:
            InvalidBlock: it breaks a rule.
            ExecutionAbandoned: `cancel` answered True.
            EngineFault: the engine failed; the block may still be valid.
        """
        return self._judge(self.view, block, _hash_of(block), cancel).execution

    def _judge(self, view: HeadView, block: Block, block_hash: Hash32, cancel: Cancel) -> Overlay:
        """Return the block's overlay, executing it unless that was done."""
        held = self._overlays.get(block_hash)
        if held is not None:
            if tuple(item.raw for item in held.execution.transactions) != block.transactions:
                raise InvalidBlock(f"block {block.header.number}: another body than its header's")
            return held
        check_header(block.header, view.header, view.validators, self.parameters)
        with self._keeping(block):
            execution = self._execute(view, block, cancel)
            if execution.transactions_root != block.header.transactions_root:
                raise InvalidBlock(f"block {block.header.number}: another body than its header's")
            overlay = self._overlay(view, execution)
        expected = _with_results(block.header, overlay)
        if expected != block.header:
            raise _difference(block.header, expected)
        self._keep(view, block_hash, overlay)
        return overlay

    def _execute(self, view: HeadView, block: Block, cancel: Cancel) -> Execution:
        number = block.header.number
        try:
            resolved = self.transactions.resolve(block.transactions)
        except DecodeError as error:
            raise InvalidBlock(f"block {number}: {error.what}", why=error.why) from error
        senders = self._senders(view, number, [sender for _, sender in resolved])
        transactions = [transaction for transaction, _ in resolved]
        env = self.environment_of(block.header)
        try:
            return self.engine.execute(env, transactions, senders, view.state, cancel=cancel)
        except InvalidTransaction as error:
            raise InvalidBlock(f"block {number}: {error.what}", why=error.why) from error

    @contextmanager
    def _keeping(self, block: Block) -> Iterator[None]:
        """Hand the block on where the engine fails on it."""
        try:
            yield
        except EngineFault:
            self.on_fault(block)
            raise

    def _senders(
        self, view: HeadView, number: int, recovered: Sequence[Address | None]
    ) -> list[Address]:
        """Return the senders; raise `InvalidBlock` where one is nobody or may not send (N9)."""
        for sender in set(recovered):
            if sender is None or not view.may_send(sender):
                raise InvalidBlock(f"block {number}: {_reason(sender)}")
        return [sender for sender in recovered if sender is not None]

    def _overlay(self, view: HeadView, execution: Execution) -> Overlay:
        root = view.header.state_root
        return Overlay(execution, self._trie.update(root, execution.diff, self.store.nodes.nodes))

    def _keep(self, view: HeadView, block_hash: Hash32, overlay: Overlay) -> None:
        with self._guard:
            if view is self.view:
                self._overlays[block_hash] = overlay
                while len(self._overlays) > OVERLAYS_MAX:
                    self._overlays.popitem(last=False)

    # Committing ----------------------------------------------------------------------------------

    def commit(self, block: Block) -> NewHead:
        """Take a sealed block as the next head: all rules but the clock, then one synced batch.

        Raises:
            InvalidBlock: it breaks a rule, or does not follow the head.
            SealError: its seals are not a quorum of the parent's validators.
            StoreError: it could not be written; the head is as before.
        """
        with self._guard:
            view, block_hash = self.view, _hash_of(block)
            if block.header.parent_hash != view.hash:
                raise InvalidBlock(
                    f"block {block.header.number} does not follow the head {view.header.number}"
                )
            verify_seals(block.header, view.validators)
            overlay = self._judge(view, block, block_hash, never)
            execution = overlay.execution
            hashes = [item.hash for item in execution.transactions]
            self.store.commit(
                block,
                block_hash,
                hashes,
                execution.receipt_envelopes,
                execution.log_index,
                execution.diff,
                overlay.update,
            )
            self.engine.committed(view.header.state_root, overlay.update.root, execution.diff)
            self._overlays.clear()
            self._forget_old_senders(block)
            self.view = self._view_of_head()
            new_head = NewHead(block, block_hash, execution)
            for listener in self._listeners:
                listener(new_head)
            return new_head

    def _forget_old_senders(self, block: Block) -> None:
        """Keep the senders of a few blocks only, which clients are about to ask for."""
        self._recent.append(block.transactions)
        if len(self._recent) > RECENT_BLOCKS:
            self.transactions.forget(self._recent.popleft())

    def import_block(self, block: Block) -> NewHead | None:
        """Take a sealed block from a peer; None where the chain has it already.

        Raises:
            InvalidBlock, SealError, StoreError: as `commit`, and for another block at a height
                that is final.
        """
        if block.header.number <= self.head.number:
            held = self.store.blocks.hash_of(block.header.number)
            if held != _hash_of(block):
                raise InvalidBlock(f"block {block.header.number}: another one is final there")
            return None
        return self.commit(block)


def _hash_of(block: Block) -> Hash32:
    try:
        return hash_for_block(block.header)
    except DecodeError as error:
        raise InvalidBlock(f"block {block.header.number}: {error.what}", why=error.why) from error


def _with_results(header: Header, overlay: Overlay) -> Header:
    """Return the header with what execution says in it."""
    execution = overlay.execution
    return replace(
        header,
        state_root=overlay.update.root,
        transactions_root=execution.transactions_root,
        receipts_root=execution.receipts_root,
        logs_bloom=execution.bloom,
        gas_used=execution.gas_used,
    )


def _difference(header: Header, expected: Header) -> InvalidBlock:
    names = ("gas_used", "receipts_root", "logs_bloom", "state_root")
    wrong = [name for name in names if getattr(header, name) != getattr(expected, name)]
    text = ", ".join(name.replace("_", " ") for name in wrong)
    return InvalidBlock(f"block {header.number}: execution gives another {text}")


def _reason(sender: Address | None) -> str:
    if sender is None:
        return "invalid sender"
    return f"sender 0x{sender.hex()} is not permitted to send transactions"
