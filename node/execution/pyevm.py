"""The reference engine: py-evm's Prague over our journal, pure Python, always there (N3).

It fills `node.execution.engine.Engine` through the shared loop of `node.execution.transition`, and
can do one thing more: `construct` runs a contract's constructor for a genesis and places what it
returns at a fixed address. About two thousand small transactions a second; a native engine of the
same protocol gives the same bytes faster.
"""

from collections.abc import Sequence
from typing import Any, Final

from eth.exceptions import Revert, VMError
from eth.vm.message import Message as EvmMessage

from node.errors import (
    ConfigError,
    DataccordError,
    DecodeError,
    EngineFault,
    SignatureError,
)
from node.execution.engine import (
    BlockEnvironment,
    Budget,
    Cancel,
    Execution,
    Message,
    Outcome,
    PreState,
    Recovered,
    Status,
    never,
)
from node.execution.estimate import estimate
from node.execution.journal import StateJournal
from node.execution.messages import beyond_warm, check_message, initcode_gas, message_gas
from node.execution.pyevm_rules import EvmTransaction, LedgerExecutor, LedgerState
from node.execution.transition import fill, run_all
from node.spec.receipt import Log
from node.spec.transaction import AccessList, Transaction, decode_transaction, recover_sender
from node.spec.transaction_rules import intrinsic_gas
from node.spec.types import ZERO_ADDRESS, Account, Address, BlockDiff, Hash32

HEAVY_GAS_MAX: Final = 2_000_000
"""Gas a built transaction may spend in precompiles 0x06 to 0x11 on this engine (N5)."""

CONSTRUCTOR_GAS: Final = 2**40
"""For a genesis constructor, which pays nobody."""


class PyEvmSession:
    """One block in the making."""

    def __init__(
        self, env: BlockEnvironment, pre: PreState, heavy_gas_max: int | None = None
    ) -> None:
        self._journal = StateJournal(pre)
        self._state = LedgerState(env, pre, self._journal, heavy_gas_max)
        self._executor = LedgerExecutor(self._state)

    def account(self, address: Address) -> Account:
        """Return the account as it stands, an empty one where there is none."""
        basics = self._journal.basics(address)
        if basics is None:
            return Account()
        return Account(basics.nonce, basics.balance, code_hash=basics.code_hash)

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash."""
        return self._journal.code(code_hash)

    def set_storage(self, address: Address, slot: int, value: int) -> None:
        """Write a slot outside any transaction."""
        self._journal.set_storage(address, slot, value)

    def run(self, transaction: Transaction, sender: Address, cancel: Cancel) -> Outcome:
        """Run one valid transaction; leave no trace of it when abandoned or failed."""
        return self.apply(_evm_transaction(transaction, sender), cancel)

    def apply(self, transaction: EvmTransaction, cancel: Cancel) -> Outcome:
        """Run what py-evm is to see as a transaction."""
        self._journal.lock_changes()
        self._state.cancel, self._state.heavy_gas = cancel, 0
        try:
            computation = self._executor(transaction)
        except DataccordError:
            self._journal.discard(0)
            raise
        except Exception as error:
            self._journal.discard(0)
            raise EngineFault(
                "py-evm failed on a valid transaction", why=f"{type(error).__name__}: {error}"
            ) from error
        return _outcome(transaction, computation)

    def construct(self, address: Address, initcode: bytes, sender: Address, gas: int) -> Outcome:
        """Run a constructor as if `sender` created a contract at just this address."""
        self._journal.lock_changes()
        message = EvmMessage(
            gas=gas, to=b"", sender=sender, value=0, data=b"", code=initcode, create_address=address
        )
        context = self._state.get_transaction_context_class()(gas_price=0, origin=sender)
        computation = self._state.computation_class.apply_create_message(
            self._state, message, context
        )
        return Outcome(
            _status(computation),
            gas - computation.get_gas_remaining(),
            _logs(computation),
            bytes(computation.output),
            _created(computation),
            "" if computation.is_success else _reason(computation.error),
        )

    def warm(self) -> tuple[tuple[Address, tuple[int, ...]], ...]:
        """Return the addresses and slots that the last transaction touched."""
        return self._journal.warm()

    def diff(self) -> BlockDiff:
        """Return all that was written."""
        return self._journal.diff()


class PyEvmEngine:
    """`Engine` on py-evm."""

    name = "py-evm"
    heavy_gas_max: int | None = HEAVY_GAS_MAX

    def recover(self, raws: Sequence[bytes]) -> tuple[Recovered, ...]:
        """Decode raw transactions and recover their senders; see `Engine.recover`."""
        return tuple(_recovered(raw) for raw in raws)

    def committed(self, parent_root: Hash32, root: Hash32, diff: BlockDiff) -> None:
        """Nothing: this engine keeps nothing of the state."""

    def execute(
        self,
        env: BlockEnvironment,
        transactions: Sequence[Transaction],
        senders: Sequence[Address],
        pre: PreState,
        *,
        cancel: Cancel = never,
    ) -> Execution:
        """Run a whole block; see `Engine.execute`."""
        return run_all(env, transactions, senders, PyEvmSession(env, pre), cancel)

    def build(
        self,
        env: BlockEnvironment,
        candidates: Sequence[Transaction],
        senders: Sequence[Address],
        pre: PreState,
        *,
        budget: Budget,
        cancel: Cancel = never,
    ) -> Execution:
        """Run as many candidates as fit; see `Engine.build`."""
        session = PyEvmSession(env, pre, HEAVY_GAS_MAX)
        return fill(env, candidates, senders, session, budget, cancel)

    def call(
        self, env: BlockEnvironment, message: Message, pre: PreState, *, cancel: Cancel = never
    ) -> Outcome:
        """Run one message and forget what it wrote.

        Raises:
            InvalidTransaction: the gas does not cover the call's data, or the sender's balance
                not the value.
        """
        return self.trace(env, message, pre, cancel=cancel)[0]

    def trace(
        self, env: BlockEnvironment, message: Message, pre: PreState, *, cancel: Cancel = never
    ) -> tuple[Outcome, AccessList]:
        """Run one message; return its outcome and the addresses and slots it touched."""
        session = PyEvmSession(env, pre)
        outcome = session.apply(evm_message(message, session), cancel)
        return outcome, beyond_warm(session.warm(), message, env.coinbase)

    def estimate(
        self, env: BlockEnvironment, message: Message, pre: PreState, *, cancel: Cancel = never
    ) -> int | Outcome:
        """Return the gas that a message needs; see `Engine.estimate`."""
        return estimate(message, lambda trial: self.call(env, trial, pre, cancel=cancel))

    def construct(
        self,
        env: BlockEnvironment,
        address: Address,
        initcode: bytes,
        pre: PreState,
        *,
        sender: Address = ZERO_ADDRESS,
    ) -> BlockDiff:
        """Run a constructor for a genesis and return what it leaves at `address` and elsewhere.

        Raises:
            ConfigError: the constructor failed.
        """
        session = PyEvmSession(env, pre)
        outcome = session.construct(address, initcode, sender, CONSTRUCTOR_GAS)
        if not outcome.succeeded:
            raise ConfigError(
                f"genesis: the constructor for 0x{address.hex()} failed",
                why=outcome.reason + (f": {outcome.return_data!r}" if outcome.return_data else ""),
            )
        return session.diff()


def _recovered(raw: bytes) -> Recovered:
    try:
        transaction = decode_transaction(raw)
    except DecodeError as error:
        return error
    try:
        return transaction, recover_sender(transaction)
    except SignatureError:
        return transaction, None


def _evm_transaction(transaction: Transaction, sender: Address) -> EvmTransaction:
    return EvmTransaction(
        sender,
        transaction.to,
        transaction.data,
        transaction.value,
        transaction.gas,
        intrinsic_gas(transaction) - initcode_gas(transaction.to, transaction.data),
        transaction.max_fee,
        transaction.max_priority_fee,
        transaction.access_list,
        transaction.authorizations,
        transaction.type,
    )


def evm_message(message: Message, session: PyEvmSession) -> EvmTransaction:
    """Return the call as py-evm is to see it: a transaction that pays nothing.

    Raises:
        InvalidTransaction: no transaction with this gas or value could run.
    """
    check_message(message, session.account(message.sender).balance)
    return EvmTransaction(
        message.sender,
        message.to,
        message.data,
        message.value,
        message.gas,
        message_gas(message) - initcode_gas(message.to, message.data),
        access_list=message.access_list,
    )


def _outcome(transaction: EvmTransaction, computation: Any) -> Outcome:
    spent = transaction.gas - computation.get_gas_remaining()
    refund = LedgerExecutor.calculate_gas_refund(computation, spent)
    return Outcome(
        status=_status(computation),
        gas_used=spent - refund + computation.data_floor_gas,
        logs=_logs(computation),
        return_data=bytes(computation.output),
        created=_created(computation),
        reason="" if computation.is_success else _reason(computation.error),
    )


def _status(computation: Any) -> Status:
    if computation.is_success:
        return Status.SUCCESS
    return Status.REVERT if isinstance(computation.error, Revert) else Status.HALT


def _created(computation: Any) -> Address | None:
    if computation.is_success and computation.msg.is_create:
        return Address(computation.msg.storage_address)
    return None


def _reason(error: VMError) -> str:
    return "reverted" if isinstance(error, Revert) else f"{type(error).__name__}: {error}"


def _logs(computation: Any) -> tuple[Log, ...]:
    return tuple(
        Log(
            Address(address),
            tuple(Hash32(topic.to_bytes(32, "big")) for topic in topics),
            bytes(data),
        )
        for address, topics, data in computation.get_log_entries()
    )
