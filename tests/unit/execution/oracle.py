"""py-evm as its makers run it: own state database, own transactions, own receipts.

The engine under test replaces py-evm's account database, its transaction classes and a few opcodes;
this oracle replaces nothing, so equal roots show that the replacements change nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eth.constants import BLANK_ROOT_HASH
from eth.db.atomic import AtomicDB
from eth.db.trie import make_trie_root_and_nodes
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.prague.state import PragueState
from eth.vm.forks.prague.transactions import PragueTransactionBuilder

from node.execution.engine import BlockEnvironment
from node.execution.memory_state import MemoryState
from node.spec.transaction import Transaction


@dataclass(frozen=True)
class OracleResult:
    """What a block left, by py-evm's own reckoning."""

    state_root: bytes
    receipts_root: bytes
    gas_used: Sequence[int]
    statuses: Sequence[bool]
    outputs: Sequence[bytes]


def run(
    env: BlockEnvironment,
    transactions: Sequence[Transaction],
    world: MemoryState,
    system: Sequence[tuple[bytes, int, int]] = (),
) -> OracleResult:
    """Run transactions on py-evm alone, over a copy of `world`."""
    state = PragueState(AtomicDB(), _context(env, world.block_hashes), BLANK_ROOT_HASH)
    _load(state, world)
    for address, slot, value in system:
        state.set_storage(address, slot, value)
    receipts, gas_used, statuses, outputs, total = [], [], [], [], 0
    for item in transactions:
        state.lock_changes()
        transaction = PragueTransactionBuilder.decode(item.raw)
        computation = state.apply_transaction(transaction)
        used = _gas_used(state, transaction, computation)
        total += used
        status = b"\x01" if computation.is_success else b""
        receipts.append(transaction.make_receipt(status, total, computation.get_log_entries()))
        gas_used.append(used)
        statuses.append(computation.is_success)
        outputs.append(bytes(computation.output))
    root, _ = make_trie_root_and_nodes(receipts)
    return OracleResult(state.make_state_root(), root, gas_used, statuses, outputs)


def _gas_used(state: PragueState, transaction: object, computation: object) -> int:
    spent = transaction.gas - computation.get_gas_remaining()
    refund = state.transaction_executor_class.calculate_gas_refund(computation, spent)
    return spent - refund + computation.data_floor_gas


def _load(state: PragueState, world: MemoryState) -> None:
    for address, account in world.accounts.items():
        state.set_nonce(address, account.nonce)
        state.set_balance(address, account.balance)
        if code := world.codes[account.code_hash]:
            state.set_code(address, code)
        for slot, value in world.slots.get(address, {}).items():
            state.set_storage(address, slot, value)
    state.make_state_root()
    state.persist()


def _context(env: BlockEnvironment, hashes: Mapping[int, bytes]) -> ExecutionContext:
    previous = [hashes.get(number, bytes(32)) for number in range(env.number - 1, -1, -1)][:256]
    return ExecutionContext(
        coinbase=env.coinbase,
        timestamp=env.timestamp,
        block_number=env.number,
        difficulty=0,
        mix_hash=env.prev_randao,
        gas_limit=env.gas_limit,
        prev_hashes=previous,
        chain_id=env.chain_id,
        base_fee_per_gas=env.base_fee,
        excess_blob_gas=0,
    )
