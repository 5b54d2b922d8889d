"""A block is there whole or not at all, every index finds it, and old states stay readable.

The blocks here are made up: their transactions never ran, which storage does not ask about.
"""

from dataclasses import replace

import pytest

from node.errors import ProofError, StoreError
from node.execution.state_trie import PythonStateTrie
from node.spec.account import decode_account
from node.spec.block import EMPTY_OMMERS_HASH, Block
from node.spec.codec import decode, to_int
from node.spec.crypto import keccak256
from node.spec.header import Header
from node.spec.receipt import Log, Receipt, encode_receipt, log_index
from node.spec.seal import ExtraData, encode_extra_data, hash_for_block
from node.spec.transaction import decode_transaction, sign_dynamic_fee
from node.spec.trie import verify
from node.spec.types import (
    EMPTY_CODE_HASH,
    EMPTY_ROOT,
    ZERO_ADDRESS,
    ZERO_HASH,
    AccountChange,
    Address,
    BlockDiff,
    Hash32,
    StateUpdate,
)
from node.storage.chain_store import SCHEMA_VERSION, ChainStore
from node.storage.keys import HEADER, node_key, number_key
from node.storage.kv import MemoryKeyValue
from node.storage.logs import LogFilter

CHAIN_ID = 7
A, B, C = (Address(bytes([n]) * 20) for n in (1, 2, 3))
CODE = b"\x60\x01"
X, Y, Z = (keccak256(name) for name in (b"x", b"y", b"z"))


def header(number: int, parent: Hash32, state_root: Hash32) -> Header:
    return Header(
        parent,
        EMPTY_OMMERS_HASH,
        ZERO_ADDRESS,
        state_root,
        EMPTY_ROOT,
        EMPTY_ROOT,
        bytes(256),
        1,
        number,
        30_000_000,
        0,
        number,
        encode_extra_data(ExtraData()),
        ZERO_HASH,
        bytes(8),
        0,
    )


class Chain:
    """A store with a growing chain."""

    def __init__(self, kv: MemoryKeyValue | None = None) -> None:
        self.kv = MemoryKeyValue() if kv is None else kv
        self.store = ChainStore(self.kv)
        self.root = EMPTY_ROOT
        self.roots: list[Hash32] = []
        diff = BlockDiff(
            {A: AccountChange(0, 100, keccak256(CODE), {1: 5, 2: 6})}, {keccak256(CODE): CODE}
        )
        update = PythonStateTrie().update(EMPTY_ROOT, diff, self.store.nodes.nodes)
        self.root = update.root
        self.roots.append(self.root)
        genesis = Block(header(0, ZERO_HASH, self.root))
        self.genesis_hash = hash_for_block(genesis.header)
        self.store.begin(genesis, self.genesis_hash, CHAIN_ID, diff, update)

    def add(self, diff: BlockDiff, *logs: tuple[Log, ...]) -> Block:
        """Append a block with one transaction for each tuple of logs."""
        update = PythonStateTrie().update(self.root, diff, self.store.nodes.nodes)
        head = self.store.head()
        raws = [
            sign_dynamic_fee(
                keccak256(b"k"), chain_id=7, nonce=head.number * 10 + n, gas=21_000, to=B
            )
            for n in range(len(logs))
        ]
        block = Block(header(head.number + 1, head.hash, update.root), tuple(raws))
        receipts = [Receipt(2, True, 21_000 * (n + 1), item) for n, item in enumerate(logs)]
        hashes = [decode_transaction(raw).hash for raw in raws]
        self.store.commit(
            block,
            hash_for_block(block.header),
            hashes,
            [encode_receipt(receipt) for receipt in receipts],
            log_index(receipts),
            diff,
            update,
        )
        self.root = update.root
        self.roots.append(self.root)
        return block


def change(balance: int, **slots: int) -> AccountChange:
    return AccountChange(1, balance, EMPTY_CODE_HASH, {int(k[1:]): v for k, v in slots.items()})


def test_every_index_finds_the_block() -> None:
    chain = Chain()
    block = chain.add(BlockDiff({B: change(5)}), (Log(A, (X,), b"1"),), ())
    blocks, block_hash = chain.store.blocks, hash_for_block(block.header)
    assert chain.store.head().number == 1
    assert blocks.block(1) == block
    assert blocks.number_of(block_hash) == 1
    assert blocks.hash_of(1) == block_hash
    transaction, place = blocks.transaction(keccak256(block.transactions[1])) or (None, None)
    assert transaction == decode_transaction(block.transactions[1])
    assert place is not None
    assert (place.number, place.index) == (1, 1)
    receipts = blocks.receipts(1)
    assert receipts is not None
    assert [receipt.cumulative_gas for receipt in receipts] == [21_000, 42_000]


def test_what_is_not_there_is_none() -> None:
    blocks = Chain().store.blocks
    assert blocks.block(1) is None
    assert blocks.header(1) is None
    assert blocks.receipts(1) is None
    assert blocks.hash_of(1) is None
    assert blocks.number_of(ZERO_HASH) is None
    assert blocks.transaction(ZERO_HASH) is None


def test_logs_by_emitter_and_topic() -> None:
    chain = Chain()
    chain.add(BlockDiff(), (Log(A, (X, Y), b"1"), Log(B, (X,), b"2")), (Log(A, (), b"3"),))
    chain.add(BlockDiff())
    chain.add(BlockDiff(), (Log(B, (Y, X), b"4"),))

    def found(
        wanted: LogFilter, first: int = 0, last: int = 3
    ) -> list[tuple[bytes, int, int, int]]:
        return [
            (item.log.data, item.number, item.transaction_index, item.log_index)
            for item in chain.store.blocks.logs(wanted, first, last)
        ]

    everything = [(b"1", 1, 0, 0), (b"2", 1, 0, 1), (b"3", 1, 1, 2), (b"4", 3, 0, 0)]
    assert found(LogFilter()) == everything
    assert found(LogFilter((A,))) == [everything[0], everything[2]]
    assert found(LogFilter((), ((X,),))) == everything[:2]
    assert found(LogFilter((), ((), (X,)))) == [everything[3]]
    assert found(LogFilter((A, B), ((X, Y), (Y,)))) == [everything[0]]
    assert found(LogFilter((C,))) == []
    assert found(LogFilter((B,)), 2, 3) == [everything[3]]
    assert found(LogFilter((B,)), 0, 2) == [everything[1]]
    # Topics that agree in the bytes the index keeps are told apart by the log itself.
    assert found(LogFilter((), ((Hash32(bytes(12) + X[12:]),),))) == []


def test_old_states_stay_and_the_flat_state_follows_the_head() -> None:
    chain = Chain()
    before = chain.store.head_state()
    chain.add(
        BlockDiff(
            {A: replace(change(1, s1=0, s3=9), code_hash=keccak256(CODE)), B: change(2, s1=1)}
        )
    )
    chain.add(BlockDiff({A: AccountChange(2, 2, EMPTY_CODE_HASH, {7: 7}, True), B: None}))
    expected = [
        ((0, 100), {1: 5, 2: 6, 3: 0}, None),
        ((1, 1), {1: 0, 2: 6, 3: 9}, {1: 1}),
        ((2, 2), {1: 0, 2: 0, 3: 0, 7: 7}, None),
    ]
    views = [chain.store.state_at(root) for root in chain.roots]
    for view, (basics, slots, of_b) in [
        *zip(views, expected, strict=True),
        (before, expected[0]),
        (chain.store.head_state(), expected[2]),
    ]:
        account = view.account(A)
        assert account is not None
        assert (account.nonce, account.balance) == basics
        assert {slot: view.storage(A, slot) for slot in slots} == slots
        assert (view.account(B) is None) == (of_b is None)
        assert view.storage(B, 1) == (of_b or {}).get(1, 0)
    head = chain.store.head_state()
    assert head.account(A) == views[-1].account(A)
    assert head.code(keccak256(CODE)) == CODE
    assert head.block_hash(0) == chain.genesis_hash
    with pytest.raises(StoreError):
        head.block_hash(99)
    with pytest.raises(StoreError):
        head.code(X)


def test_proofs_lead_to_the_state_root() -> None:
    chain = Chain()
    view = chain.store.state_at(chain.root)
    proved = verify(chain.root, keccak256(A), view.prove_account(A))
    assert proved is not None
    account = decode_account(proved)
    slot = verify(account.storage_root, keccak256(bytes(31) + b"\2"), view.prove_storage(A, 2))
    assert slot is not None
    assert to_int(decode(slot), "slot") == 6
    assert verify(chain.root, keccak256(B), view.prove_account(B)) is None
    assert view.prove_storage(B, 1) == ()
    with pytest.raises(ProofError):
        verify(X, keccak256(A), view.prove_account(A))


def test_a_cut_before_the_sync_leaves_the_parent() -> None:
    class Unsynced(MemoryKeyValue):
        """A disk that loses what is not synced, and a store that forgets to sync."""

        def write(self, batch: object, *, sync: bool) -> None:
            super().write(batch, sync=sync and self.obedient)  # type: ignore[arg-type]

        obedient = True

    kv = Unsynced()
    chain = Chain(kv)
    chain.add(BlockDiff({B: change(2)}))
    kv.obedient = False
    chain.add(BlockDiff({B: change(3)}))
    assert ChainStore(kv.crash()).head().number == 1
    assert ChainStore(kv.crash(1)).head().number == 2


def test_a_block_survives_any_cut_after_its_commit() -> None:
    chain = Chain()
    block = chain.add(BlockDiff({B: change(2)}), ())
    store = ChainStore(chain.kv.crash())
    assert store.head().number == 1
    assert store.blocks.block(1) == block
    account = store.head_state().account(B)
    assert account is not None
    assert account.balance == 2


def test_only_the_heads_child_is_taken() -> None:
    chain = Chain()
    block = chain.add(BlockDiff())
    diff, nothing = BlockDiff(), StateUpdate(chain.root, (), (), {})
    for wrong in (block, Block(header(3, hash_for_block(block.header), chain.root))):
        with pytest.raises(StoreError, match="does not follow the head"):
            chain.store.commit(wrong, hash_for_block(wrong.header), (), (), (), diff, nothing)


def test_another_chains_folder_is_refused_by_name() -> None:
    chain = Chain()
    chain.store.check_chain(CHAIN_ID, chain.genesis_hash)
    for chain_id, genesis in ((8, chain.genesis_hash), (CHAIN_ID, X)):
        with pytest.raises(StoreError, match="another chain") as caught:
            chain.store.check_chain(chain_id, genesis)
        assert chain.genesis_hash.hex() in caught.value.why


def test_a_newer_schema_is_refused() -> None:
    kv = MemoryKeyValue({b"xschema": (SCHEMA_VERSION + 1).to_bytes(4, "big")})
    with pytest.raises(StoreError, match="newer version"):
        ChainStore(kv)


def test_an_older_schema_is_refused() -> None:
    kv = MemoryKeyValue({b"xschema": (SCHEMA_VERSION - 1).to_bytes(4, "big")})
    with pytest.raises(StoreError, match="older version") as caught:
        ChainStore(kv)
    assert "sync" in caught.value.next_command


@pytest.mark.parametrize("number", [1, 2])
def test_a_gap_below_the_head_is_found_on_opening(number: int) -> None:
    chain = Chain()
    for _ in range(3):
        chain.add(BlockDiff())
    chain.kv.write({number_key(HEADER, number): None}, sync=True)
    with pytest.raises(StoreError, match=f"block {number} is missing"):
        ChainStore(chain.kv)


def test_damaged_and_missing_parts_are_named() -> None:
    chain = Chain()
    chain.add(BlockDiff(), ())
    chain.kv.write({number_key(HEADER, 0): b"\x01"}, sync=True)
    with pytest.raises(StoreError, match="header 0 is damaged"):
        chain.store.blocks.header(0)
    root = chain.root
    chain.kv.write({node_key((None, b"", root)): None}, sync=True)
    with pytest.raises(StoreError, match="no state node"):
        ChainStore(MemoryKeyValue(dict(chain.kv.scan(b"", b"x")))).state_at(root).account(A)
