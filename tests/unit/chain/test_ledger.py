"""The ledger is where a wrong block must stop: each rule is broken once, in an else valid block.

The chain is the real one: composed genesis, the Members contract, py-evm, tries and store.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from node.app import keep_for_replay
from node.chain.head import NewHead
from node.chain.ledger import Ledger
from node.errors import (
    ConfigError,
    EngineFault,
    InvalidBlock,
    SealError,
    StoreError,
)
from node.execution.engine import BlockEnvironment, Cancel, Execution, ExecutionAbandoned, PreState
from node.execution.pyevm import PyEvmEngine
from node.execution.system import HISTORY_ADDRESS
from node.sdk.abi import encode_call
from node.sdk.contracts import Call
from node.sdk.governance import enact, propose, remove_validator
from node.spec.block import Block, decode_block, transactions_root
from node.spec.crypto import keccak256
from node.spec.registry import MEMBERS
from node.spec.seal import ExtraData, Vote, encode_extra_data, hash_for_block
from node.spec.transaction import Transaction
from node.spec.types import EMPTY_ROOT, ZERO_HASH, Address
from node.storage.kv import MemoryKeyValue
from node.storage.leveldb import LevelDB

from .kit import (
    GENESIS_TIME,
    GOVERNOR,
    GOVERNOR_KEY,
    SENDER,
    STRANGER,
    STRANGER_KEY,
    VALIDATORS,
    call,
    genesis,
    grow,
    ledger,
    sealed,
    transfer,
    with_header,
)


class CountingEngine(PyEvmEngine):
    """Counts whole-block executions."""

    runs = 0

    def execute(
        self,
        env: BlockEnvironment,
        transactions: Sequence[Transaction],
        senders: Sequence[Address],
        pre: PreState,
        *,
        cancel: Cancel = lambda: False,
    ) -> Execution:
        self.runs += 1
        return super().execute(env, transactions, senders, pre, cancel=cancel)


def test_a_new_chain_begins_at_its_genesis() -> None:
    chain = ledger()
    assert chain.head == genesis().header
    assert chain.validators == VALIDATORS
    assert chain.view.may_send(SENDER)
    assert not chain.view.may_send(STRANGER)


def test_blocks_grow_and_every_reader_follows() -> None:
    chain = ledger()
    heads: list[NewHead] = []
    chain.listen(heads.append)
    first = grow(chain, transfer(value=5), transfer(nonce=1, value=6))
    second = grow(chain, transfer(nonce=2, value=7))
    assert chain.head == second.header
    assert [head.block for head in heads] == [first, second]
    assert heads[0].execution.gas_used == 42_000
    account = chain.view.state.account(GOVERNOR)
    assert account is not None
    assert account.balance == 10**20 + 18
    older = chain.state_of(first.header).account(GOVERNOR)
    assert older is not None
    assert older.balance == 10**20 + 11
    assert chain.store.blocks.block(1) == first
    history = chain.view.state.storage(HISTORY_ADDRESS, 1)
    assert history.to_bytes(32, "big") == hash_for_block(first.header)


def test_another_node_accepts_what_one_built() -> None:
    ours, engine = ledger(), CountingEngine()
    theirs = ledger(engine=engine)
    block = ours.build(GENESIS_TIME + 5, VALIDATORS[1], [transfer()]).block
    theirs.check(block)
    theirs.check(block)
    theirs.commit(sealed(block, round_number=2))
    assert engine.runs == 1
    ours.commit(sealed(block))
    assert hash_for_block(ours.head) == hash_for_block(theirs.head)
    assert ours.view.state.account(SENDER) == theirs.view.state.account(SENDER)


def test_own_blocks_do_not_run_twice() -> None:
    engine = CountingEngine()
    grow(ledger(engine=engine), transfer())
    assert engine.runs == 0


def test_a_build_names_what_can_not_run_and_leaves_out_strangers() -> None:
    chain = ledger()
    stranger = transfer(STRANGER_KEY)
    stale = transfer(nonce=9)
    built = chain.build(GENESIS_TIME + 1, VALIDATORS[0], [stranger, stale, transfer(GOVERNOR_KEY)])
    assert built.block.transactions == (transfer(GOVERNOR_KEY).raw,)
    assert "not permitted" in built.refused[stranger.hash].what
    assert built.refused[stale.hash].what == "nonce too high"


def test_the_timestamp_is_never_before_the_period() -> None:
    chain = ledger()
    assert chain.build(1, VALIDATORS[0], []).block.header.timestamp == GENESIS_TIME + 1
    late = chain.build(GENESIS_TIME + 99, VALIDATORS[0], []).block
    assert late.header.timestamp == GENESIS_TIME + 99


def rebuilt(chain: Ledger, block: Block, *transactions: Transaction) -> Block:
    """Return the block with another body, its transactions root fitted."""
    raws = tuple(item.raw for item in transactions)
    return with_header(Block(block.header, raws), transactions_root=transactions_root(raws))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"number": 2}, "number does not follow"),
        ({"parent_hash": ZERO_HASH}, "another parent"),
        ({"timestamp": GENESIS_TIME}, "too soon"),
        ({"gas_limit": 20_999}, "more gas used"),
        ({"gas_limit": 200_000_000 + 195_312}, "too far"),
        ({"mix_hash": ZERO_HASH}, "wrong mix hash"),
        ({"difficulty": 2}, "wrong difficulty"),
        ({"ommers_hash": ZERO_HASH}, "wrong ommers hash"),
        ({"base_fee": 7}, "wrong base fee"),
        ({"withdrawals_root": ZERO_HASH}, "wrong withdrawals root"),
        ({"blob_gas_used": 1}, "wrong blob gas"),
        ({"parent_beacon_block_root": keccak256(b"")}, "wrong beacon root"),
        ({"requests_hash": ZERO_HASH}, "wrong requests hash"),
        ({"coinbase": SENDER}, "coinbase is no validator"),
        (
            {"extra_data": encode_extra_data(ExtraData(validators=VALIDATORS))},
            "names validators beside",
        ),
        (
            {"extra_data": encode_extra_data(ExtraData(vote=Vote(SENDER, True)))},
            "carries a vote",
        ),
        ({"extra_data": b"\xc0"}, "extra data"),
        ({"transactions_root": EMPTY_ROOT}, "another body"),
        ({"gas_used": 1}, "another gas used"),
        ({"receipts_root": EMPTY_ROOT}, "another receipts root"),
        ({"logs_bloom": b"\xff" * 256}, "another logs bloom"),
        ({"state_root": EMPTY_ROOT}, "another state root"),
    ],
)
def test_each_rule_refuses_a_block(changes: dict[str, object], text: str) -> None:
    builder, chain = ledger(), ledger()
    block = builder.build(GENESIS_TIME + 1, VALIDATORS[0], [transfer()]).block
    with pytest.raises(InvalidBlock, match=text):
        chain.check(with_header(block, **changes))
    chain.check(block)


def test_the_gas_limit_may_move_a_little() -> None:
    builder, chain = ledger(), ledger()
    block = builder.build(GENESIS_TIME + 1, VALIDATORS[0], [transfer()]).block
    chain.check(with_header(block, gas_limit=200_000_000 + 195_311))


def test_senders_are_permitted_in_the_parents_state() -> None:
    builder, chain = ledger(), ledger()
    block = builder.build(GENESIS_TIME + 1, VALIDATORS[0], [transfer()]).block
    with pytest.raises(InvalidBlock, match="not permitted to send"):
        chain.check(rebuilt(chain, block, transfer(STRANGER_KEY)))


def test_bodies_that_are_no_transactions_or_invalid_ones_are_refused() -> None:
    builder, chain = ledger(), ledger()
    block = builder.build(GENESIS_TIME + 1, VALIDATORS[0], [transfer()]).block
    raws = (b"\x02\xc0",)
    nonsense = with_header(Block(block.header, raws), transactions_root=transactions_root(raws))
    with pytest.raises(InvalidBlock, match="transaction of type 2"):
        chain.check(nonsense)
    with pytest.raises(InvalidBlock, match="nonce too high"):
        chain.check(rebuilt(chain, block, transfer(nonce=1)))


def test_a_known_header_with_another_body_is_refused() -> None:
    chain = ledger()
    block = chain.build(GENESIS_TIME + 1, VALIDATORS[0], [transfer()]).block
    with pytest.raises(InvalidBlock, match="another body"):
        chain.check(Block(block.header, ()))


@pytest.mark.parametrize(
    "signers", [VALIDATORS[:2], (*VALIDATORS[:2], VALIDATORS[0]), ()], ids=["few", "twice", "none"]
)
def test_seals_below_a_quorum_are_refused(signers: tuple[Address, ...]) -> None:
    chain = ledger()
    block = chain.build(GENESIS_TIME + 1, VALIDATORS[0], []).block
    with pytest.raises(SealError):
        chain.commit(sealed(block, signers))
    assert chain.head.number == 0


def test_a_sealed_block_is_still_judged() -> None:
    builder, chain = ledger(), ledger()
    block = builder.build(GENESIS_TIME + 1, VALIDATORS[0], [transfer()]).block
    with pytest.raises(InvalidBlock, match="state root"):
        chain.commit(sealed(with_header(block, state_root=EMPTY_ROOT)))
    assert chain.head.number == 0


def _governed(nonce: int, asked: Call) -> Transaction:
    return call(GOVERNOR_KEY, nonce, asked.to, asked.data)


def test_validators_follow_the_contract_from_the_next_block_on() -> None:
    chain = ledger(development=True)
    leaving = VALIDATORS[3]
    asked = remove_validator(leaving, lowers_tolerance=True)
    grow(chain, _governed(0, propose(asked)))
    grow(chain)
    assert chain.validators == VALIDATORS
    block = grow(chain, _governed(1, enact(1, asked)))
    receipts = chain.store.blocks.receipts(3)
    assert receipts is not None
    assert receipts[0].succeeded
    assert chain.validators == VALIDATORS[:3]
    assert hash_for_block(chain.head) == hash_for_block(block.header)
    # The leaver's seal no longer counts, nor may it propose.
    empty = chain.build(GENESIS_TIME + 9, VALIDATORS[0], []).block
    with pytest.raises(SealError):
        chain.commit(sealed(empty, (*VALIDATORS[:2], leaving)))
    with pytest.raises(InvalidBlock, match="coinbase is no validator"):
        chain.check(with_header(empty, coinbase=leaving))
    chain.commit(sealed(empty, VALIDATORS[:2]))


def test_a_revoked_account_sends_until_its_block_and_not_after() -> None:
    chain = ledger()
    revoke = encode_call("members", "revokeAccount", SENDER, 1)
    block = grow(chain, call(GOVERNOR_KEY, 0, MEMBERS, revoke), transfer())
    receipts = chain.store.blocks.receipts(1)
    assert receipts is not None
    assert [receipt.succeeded for receipt in receipts] == [True, True]
    assert not chain.view.may_send(SENDER)
    late = transfer(nonce=1)
    built = chain.build(GENESIS_TIME + 9, VALIDATORS[0], [late])
    assert "not permitted" in built.refused[late.hash].what
    with pytest.raises(InvalidBlock, match="not permitted"):
        chain.check(rebuilt(chain, built.block, late))
    assert len(block.transactions) == 2


def test_import_skips_what_is_there_and_refuses_another_final_block() -> None:
    source, chain = ledger(), ledger()
    blocks = [grow(source, transfer(nonce=n)) for n in range(3)]
    for block in blocks:
        assert chain.import_block(block) is not None
    assert chain.import_block(blocks[1]) is None
    assert chain.head == blocks[2].header
    rival = ledger()
    other = grow(rival, transfer(value=9))
    with pytest.raises(InvalidBlock, match="another one is final"):
        chain.import_block(other)


def test_import_refuses_a_gap() -> None:
    source, chain = ledger(), ledger()
    blocks = [grow(source) for _ in range(2)]
    with pytest.raises(InvalidBlock, match="does not follow the head"):
        chain.import_block(blocks[1])


def test_a_check_can_be_abandoned_and_leaves_nothing() -> None:
    builder, chain = ledger(), ledger()
    block = builder.build(GENESIS_TIME + 1, VALIDATORS[0], [transfer()]).block
    with pytest.raises(ExecutionAbandoned):
        chain.check(block, cancel=lambda: True)
    with pytest.raises(ExecutionAbandoned):
        chain.build(GENESIS_TIME + 1, VALIDATORS[0], [transfer()], cancel=lambda: True)
    chain.check(block)


def test_work_on_an_older_head_is_not_kept() -> None:
    chain, other = ledger(), ledger()
    old = chain.view
    stale = other.build(GENESIS_TIME + 3, VALIDATORS[1], [transfer(value=3)]).block
    grow(chain, transfer())
    overlay = chain._judge(old, stale, hash_for_block(stale.header), lambda: False)
    assert overlay.update.root == stale.header.state_root
    with pytest.raises(InvalidBlock, match="does not follow"):
        chain.commit(sealed(stale))


class FailingDisk(MemoryKeyValue):
    """A disk that fills up."""

    full = False

    def write(self, batch: object, *, sync: bool) -> None:
        if self.full:
            raise StoreError("no space left")
        super().write(batch, sync=sync)  # type: ignore[arg-type]


def test_a_failed_write_leaves_the_head_and_can_be_repeated() -> None:
    disk = FailingDisk()
    chain = ledger(disk)
    heads: list[NewHead] = []
    chain.listen(heads.append)
    block = sealed(chain.build(GENESIS_TIME + 1, VALIDATORS[0], [transfer()]).block)
    disk.full = True
    with pytest.raises(StoreError):
        chain.commit(block)
    assert (chain.head.number, heads) == (0, [])
    disk.full = False
    chain.commit(block)
    assert chain.head == block.header


def test_a_restart_finds_the_head_after_any_cut() -> None:
    disk = MemoryKeyValue()
    chain = ledger(disk)
    blocks = [grow(chain, transfer(nonce=n)) for n in range(3)]
    again = ledger(disk.crash())
    assert again.head == blocks[-1].header
    assert again.view.state.account(SENDER) == chain.view.state.account(SENDER)
    grow(again, transfer(nonce=3))


def test_another_chains_store_is_refused() -> None:
    disk = MemoryKeyValue()
    ledger(disk)
    with pytest.raises(StoreError, match="another chain"):
        ledger(disk, timestamp=GENESIS_TIME + 1)


def test_a_chain_on_disk(tmp_path: Path) -> None:
    store = LevelDB(tmp_path)
    chain = ledger(store)
    block = grow(chain, transfer())
    chain.store.close()
    store = LevelDB(tmp_path)
    again = ledger(store)
    assert again.head == block.header
    grow(again, transfer(nonce=1))
    again.store.close()


def test_fees_go_to_the_beneficiary_a_genesis_names() -> None:
    chain = ledger()
    chain.parameters = replace(chain.parameters, beneficiary=STRANGER)
    assert chain.environment_of(chain.head).coinbase == STRANGER
    with pytest.raises(ConfigError):
        replace(genesis(), config={}).parameters()


def test_an_engine_fault_is_not_a_verdict() -> None:
    class Broken(PyEvmEngine):
        def execute(self, *args: object, **kwargs: object) -> Execution:
            raise EngineFault("out of memory")

    block = ledger().build(GENESIS_TIME + 1, VALIDATORS[0], [transfer()]).block
    chain, kept = ledger(engine=Broken()), list[Block]()
    chain.on_fault = kept.append
    with pytest.raises(EngineFault):
        chain.check(block)
    assert kept == [block], "it is handed on for replay"


def test_a_block_that_the_engine_failed_on_is_kept(tmp_path: Path) -> None:
    block = ledger().build(GENESIS_TIME + 1, VALIDATORS[0], [transfer()]).block
    keep_for_replay(block, tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.name == f"fault-1-0x{hash_for_block(block.header).hex()}.block"
    assert decode_block(file.read_bytes()) == block
    keep_for_replay(block, tmp_path / "missing")
    assert list(tmp_path.iterdir()) == [file]
