"""py-evm's Prague, adapted: state over our journal, and the places where it must not be as it is.

What is changed, and why:

* state is a `StateJournal` over a `PreState` instead of py-evm's tries, and nothing is hashed;
* `lock_changes`, snapshots and transient storage go through that journal alone;
* validation, `repr` and hashing for debug logs leave the transaction's path (a third of its time);
* jump destinations are found once per code, in one pass. py-evm looks backwards and recurses, and
  24 kB of PUSH bytes in front of a JUMPDEST take it past Python's recursion limit;
* "origin" means depth 0. py-evm compares sender and origin, which an account with delegated code
  (EIP-7702) breaks: its inner creations would forget what the transaction had created;
* jumps, calls and expensive precompiles ask whether the work is still wanted (N5). Any program
  that runs long must pass one of them;
* KECCAK256 uses the fast keccak of `node.spec.crypto` (0.4 us a hash, where py-evm takes 5);
* SELFDESTRUCT comes without the deprecation warning;
* the trusted setup of precompile 0x0a is read once, not for each call (2.5 s).
"""

import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from eth.constants import CREATE_CONTRACT_ADDRESS
from eth.exceptions import InvalidJumpDestination
from eth.precompiles import point_evaluation
from eth.vm import mnemonics, opcode_values
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.byzantium.opcodes import ensure_no_static
from eth.vm.forks.cancun.logic import selfdestruct_eip6780
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.prague.state import PragueState, PragueTransactionExecutor
from eth.vm.forks.spurious_dragon import state as spurious_dragon
from eth.vm.forks.spurious_dragon._utils import THREE
from eth.vm.forks.tangerine_whistle.constants import GAS_SELFDESTRUCT_EIP150
from eth.vm.message import Message as EvmMessage
from eth.vm.opcode import as_opcode

from node.errors import SignatureError
from node.execution.engine import BlockEnvironment, Cancel, ExecutionAbandoned, PreState, never
from node.execution.journal import StateJournal
from node.spec.crypto import keccak256
from node.spec.transaction import AccessList, Authorization, created_address
from node.spec.transaction_rules import DELEGATION_PREFIX, is_delegation
from node.spec.types import UINT64_MAX, ZERO_ADDRESS, Address

RECURSION_LIMIT: Final = 12 * 1024
"""Python frames. 1,024 nested CREATE2 frames, the EVM's deepest, take 8,206 of them."""

# py-evm's curve library raises the limit to 100,000 for the whole process: then hostile nesting in
# any recursive C code, such as the JSON parser, overruns the stack instead of raising an error.
sys.setrecursionlimit(RECURSION_LIMIT)

BLOCK_HASH_WINDOW: Final = 256
"""How many blocks back BLOCKHASH answers."""

AUTHORIZATION_REFUND: Final = 25_000 - 12_500
"""EIP-7702: given back where the authority's account existed already."""

HEAVY_PRECOMPILES: Final = frozenset(
    Address(number.to_bytes(20, "big")) for number in range(0x06, 0x12)
)
"""Curve arithmetic in pure Python: a pairing of 113,000 gas takes 0.4 s (N5)."""

point_evaluation.load_trusted_setup = lru_cache(maxsize=1)(point_evaluation.load_trusted_setup)

_JUMPDEST: Final = 0x5B
_PUSH1: Final = 0x60
_PUSH32: Final = 0x7F
_JUMP_GAS: Final = 8
_JUMPI_GAS: Final = 10
_KECCAK_GAS: Final = 30
_KECCAK_WORD_GAS: Final = 6
_JUMPDEST_CACHE: Final = 1_024  # codes of at most 48 kB


@lru_cache(maxsize=_JUMPDEST_CACHE)
def jump_destinations(code: bytes) -> bytes:
    """Return 1 for each byte of code that is a JUMPDEST instruction and not data of a PUSH."""
    valid, position, end = bytearray(len(code)), 0, len(code)
    while position < end:
        opcode = code[position]
        if opcode == _JUMPDEST:
            valid[position] = 1
        position += opcode - _PUSH1 + 2 if _PUSH1 <= opcode <= _PUSH32 else 1
    return bytes(valid)


def _jump_to(computation: Any, destination: int) -> None:
    valid = jump_destinations(computation.msg.code)
    if destination >= len(valid) or not valid[destination]:
        raise InvalidJumpDestination("jump to no JUMPDEST")
    computation.state.ask()
    computation.code.program_counter = destination


def _jump(computation: Any) -> None:
    _jump_to(computation, computation.stack_pop1_int())


def _jumpi(computation: Any) -> None:
    destination, condition = computation.stack_pop_ints(2)
    if condition:
        _jump_to(computation, destination)


def _keccak256(computation: Any) -> None:
    start, size = computation.stack_pop_ints(2)
    computation.extend_memory(start, size)
    computation.consume_gas(_KECCAK_WORD_GAS * ((size + 31) // 32), "KECCAK256: words")
    computation.stack_push_bytes(keccak256(computation.memory_read_bytes(start, size)))


def _guarded(precompile: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the precompile with its gas, which it takes before its work, counted apart."""

    def run(computation: Any) -> Any:
        plain = computation.consume_gas

        def consume_gas(amount: int, reason: str) -> None:
            plain(amount, reason)
            computation.state.spend_heavy_gas(amount)

        computation.consume_gas = consume_gas
        return precompile(computation)

    return run


def _as_methods(opcodes: Mapping[int, Any]) -> dict[int, Callable[..., Any]]:
    """Return opcodes as bound methods of themselves.

    Calling an object that defines `__call__` costs a frame of C stack, of which Python 3.12 allows
    few; calling its bound method costs none, so 1,024 nested calls fit.
    """
    return {value: opcode.__call__ for value, opcode in opcodes.items()}


class LedgerComputation(PragueComputation):  # type: ignore[misc]
    """One call frame."""

    opcodes: Final = _as_methods(
        {
            **PragueComputation.opcodes,
            opcode_values.JUMP: as_opcode(_jump, mnemonics.JUMP, _JUMP_GAS),
            opcode_values.JUMPI: as_opcode(_jumpi, mnemonics.JUMPI, _JUMPI_GAS),
            opcode_values.SHA3: as_opcode(_keccak256, mnemonics.SHA3, _KECCAK_GAS),
            opcode_values.SELFDESTRUCT: as_opcode(
                ensure_no_static(selfdestruct_eip6780),
                mnemonics.SELFDESTRUCT,
                GAS_SELFDESTRUCT_EIP150,
            ),
        }
    )
    _precompiles: Final = {
        address: _guarded(precompile) if address in HEAVY_PRECOMPILES else precompile
        for address, precompile in PragueComputation.get_precompiles().items()
    }

    def __init__(self, state: Any, message: Any, transaction_context: Any) -> None:
        super().__init__(state, message, transaction_context)
        self.consume_gas = self._gas_meter.consume_gas  # one call less for each opcode
        state.ask()

    # py-evm walks the tree of frames by recursion through generators, which is recursion of C code
    # too; these four walk it by a list.

    def get_gas_refund(self) -> int:
        """Return what is refunded for this frame and those below it that did not fail."""
        return sum(
            frame.msg.refund + (0 if frame.is_error else frame._gas_meter.gas_refunded)
            for frame in self._frames()
        )

    def get_accounts_for_deletion(self) -> list[bytes]:
        """Return the accounts that SELFDESTRUCT removes, in order of their addresses."""
        kept = (frame for frame in self._frames() if not frame.is_error)
        return sorted({account for frame in kept for account in frame.accounts_to_delete})

    def get_self_destruct_beneficiaries(self) -> list[bytes]:
        """Return who received what SELFDESTRUCT left, in order of their addresses."""
        kept = (frame for frame in self._frames() if not frame.is_error)
        return sorted({account for frame in kept for account in frame.beneficiaries})

    def get_raw_log_entries(self) -> tuple[Any, ...]:
        """Return the logs of frames that did not fail, in the order they were emitted."""
        kept = (frame for frame in self._frames() if not frame.is_error)
        return tuple(sorted(entry for frame in kept for entry in frame._log_entries))

    def _frames(self) -> list[Any]:
        """Return this frame and all below it, but none below one that failed."""
        found: list[Any] = [self]
        for frame in found:
            if not frame.is_error:
                found += frame.children
        return found

    @property
    def is_origin_computation(self) -> bool:
        """Whether this is the transaction's own frame."""
        return bool(self.msg.depth == 0)


class LedgerState(PragueState):  # type: ignore[misc]
    """py-evm's view of the block: our journal, our block hashes, and whether to go on."""

    computation_class: Final = LedgerComputation

    def __init__(
        self, env: BlockEnvironment, pre: PreState, journal: StateJournal, heavy_gas_max: int | None
    ) -> None:
        self._db = None
        self._account_db = journal
        self._pre = pre
        self._heavy_gas_max = heavy_gas_max
        self.cancel: Cancel = never
        self.heavy_gas = 0
        self.execution_context = ExecutionContext(
            coinbase=env.coinbase,
            timestamp=env.timestamp,
            block_number=env.number,
            difficulty=0,
            mix_hash=env.prev_randao,
            gas_limit=env.gas_limit,
            prev_hashes=(),
            chain_id=env.chain_id,
            base_fee_per_gas=env.base_fee,
            excess_blob_gas=0,
        )
        self._asked = itertools.count(1)

    def ask(self) -> None:
        """Raise `ExecutionAbandoned` when the work is no longer wanted; looks every 64th time."""
        if not next(self._asked) & 63 and self.cancel():
            raise ExecutionAbandoned("execution: abandoned within a transaction")

    def spend_heavy_gas(self, amount: int) -> None:
        """Count gas of expensive precompiles, where each call may take long."""
        self.heavy_gas += amount
        if self._heavy_gas_max is not None and self.heavy_gas > self._heavy_gas_max:
            raise ExecutionAbandoned(
                f"more than {self._heavy_gas_max} gas in precompiles 0x06 to 0x11"
            )
        if self.cancel():
            raise ExecutionAbandoned("execution: abandoned before a precompile")

    def snapshot(self) -> Any:
        """Return a mark in the journal."""
        return self._account_db.record()

    def revert(self, snapshot: Any) -> None:
        """Undo all since the mark."""
        self._account_db.discard(snapshot)

    def commit(self, snapshot: Any) -> None:
        """Keep all since the mark."""
        self._account_db.commit(snapshot)

    def get_tip(self, transaction: Any) -> int:
        """Return what the proposer earns per gas: of a call, which pays nothing, nothing."""
        return max(0, int(super().get_tip(transaction)))

    def get_transient_storage(self, address: Address, slot: int) -> bytes:
        """Return a transient slot (EIP-1153)."""
        return bytes(self._account_db.get_transient_storage(address, slot))

    def set_transient_storage(self, address: Address, slot: int, value: bytes) -> None:
        """Write a transient slot."""
        self._account_db.set_transient_storage(address, slot, value)

    def get_ancestor_hash(self, block_number: int) -> bytes:
        """Return what BLOCKHASH answers: empty outside the last 256 blocks."""
        if not 0 < self.block_number - block_number <= BLOCK_HASH_WINDOW or block_number < 0:
            return b""
        return self._pre.block_hash(block_number)

    def process_set_code_authorizations(self, transaction: Any) -> int:
        """Apply EIP-7702 authorizations, skipping invalid ones; return the refund.

        py-evm's own catches every exception as "invalid", a failing store among them.
        """
        return sum(self._authorize(item) for item in transaction.authorization_list)

    def _authorize(self, authorization: Authorization) -> int:
        if authorization.chain_id not in (0, self.execution_context.chain_id):
            return 0
        if authorization.nonce >= UINT64_MAX:
            return 0
        try:
            authority = authorization.authority()
        except SignatureError:
            return 0
        self.mark_address_warm(authority)
        code = self.get_code(authority)
        if (code and not is_delegation(code)) or self.get_nonce(authority) != authorization.nonce:
            return 0
        refund = AUTHORIZATION_REFUND if self.account_exists(authority) else 0
        if authorization.address == ZERO_ADDRESS:
            self.delete_code(authority)
        else:
            self.set_code(authority, DELEGATION_PREFIX + authorization.address)
        self.increment_nonce(authority)
        return refund


class EvmTransaction:
    """The attributes of a transaction that py-evm's executor reads; gas is already checked."""

    __slots__ = (
        "access_list",
        "authorization_list",
        "data",
        "gas",
        "intrinsic_gas",
        "max_fee_per_gas",
        "max_priority_fee_per_gas",
        "sender",
        "to",
        "type_id",
        "value",
    )

    def __init__(
        self,
        sender: Address,
        to: Address | None,
        data: bytes,
        value: int,
        gas: int,
        intrinsic_gas: int,
        max_fee: int = 0,
        max_priority_fee: int = 0,
        access_list: AccessList = (),
        authorizations: tuple[Authorization, ...] = (),
        type_id: int = 0,
    ) -> None:
        self.sender, self.to, self.data, self.value = sender, to or b"", data, value
        self.gas, self.intrinsic_gas = gas, intrinsic_gas
        self.max_fee_per_gas, self.max_priority_fee_per_gas = max_fee, max_priority_fee
        self.access_list, self.authorization_list = access_list, authorizations
        self.type_id = type_id


def _touched_accounts(computation: Any, ancestor_had_error: bool = False) -> Iterator[Address]:
    """Yield the accounts that EIP-161 may have to clear, as py-evm does, but without recursion.

    Of frames that failed only 0x03 counts, for the sake of a historic fault of two clients.
    """
    yield computation.state.coinbase
    waiting = [(computation, ancestor_had_error)]
    for frame, above_failed in waiting:
        failed = frame.is_error or above_failed
        touched = [*frame.get_self_destruct_beneficiaries()]
        if frame.msg.to != CREATE_CONTRACT_ADDRESS:
            touched.append(frame.msg.to)
        yield from (account for account in touched if not failed or account == THREE)
        waiting += [(child, failed) for child in frame.children]


# There is no seam for this one: its caller reads it from its own module.
spurious_dragon.collect_touched_accounts = _touched_accounts


class LedgerExecutor(PragueTransactionExecutor):  # type: ignore[misc]
    """Runs one transaction that the shared rules have judged valid."""

    def validate_transaction(self, transaction: Any) -> None:
        """Nothing: `node.spec.transaction_rules` has judged it."""

    def build_evm_message(self, transaction: Any) -> Any:
        """Buy the gas, count the nonce, apply authorizations; return the outermost message."""
        state = self.vm_state
        fee = transaction.gas * state.get_gas_price(transaction)
        if fee:
            state.delta_balance(transaction.sender, -fee)
        nonce = state.get_nonce(transaction.sender)
        state.set_nonce(transaction.sender, nonce + 1)
        refund = self.calc_message_refund(transaction)
        code, data, created, delegation = transaction.data, b"", None, None
        if transaction.to:
            data = transaction.data
            code, delegation = self.get_code_at_address(transaction.to)
        else:
            created = created_address(transaction.sender, nonce)
        return EvmMessage(
            gas=transaction.gas - transaction.intrinsic_gas,
            to=transaction.to,
            sender=transaction.sender,
            value=transaction.value,
            data=data,
            code=code,
            create_address=created,
            refund=refund,
            is_delegation=delegation is not None,
        )


LedgerState.transaction_executor_class = LedgerExecutor
