"""The one loop over a block's transactions, which checking and building share.

`run_all` takes a block as it is: the first transaction that may not stand where it stands makes the
block invalid. `fill` chooses from candidates: what can not run is named and left out, and it stops
when gas or time are used up (N5). Both judge by the rules of `node.spec.transaction_rules` on the
account as it stands at that point, run the transaction through the engine's `Session`, and gather
receipts and roots in one `_Progress`, so a block that was built is a block that checks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from node.errors import InvalidTransaction
from node.execution.engine import (
    BlockEnvironment,
    Budget,
    Cancel,
    Execution,
    ExecutionAbandoned,
    Outcome,
)
from node.execution.system import system_writes
from node.spec.block import transactions_root
from node.spec.receipt import Receipt, encode_receipt, log_index, merge_blooms
from node.spec.transaction import Transaction
from node.spec.transaction_rules import TransactionRules, check_against_account, check_transaction
from node.spec.trie import root_of_list
from node.spec.types import Account, Address, BlockDiff, Hash32


class Session(Protocol):
    """An engine in the middle of one block."""

    def account(self, address: Address) -> Account:
        """Return the account as it stands, an empty one where there is none."""
        ...

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash."""
        ...

    def set_storage(self, address: Address, slot: int, value: int) -> None:
        """Write a slot outside any transaction."""
        ...

    def run(self, transaction: Transaction, sender: Address, cancel: Cancel) -> Outcome:
        """Run one valid transaction; leave no trace of it when abandoned."""
        ...

    def diff(self) -> BlockDiff:
        """Return all that was written."""
        ...


@dataclass(slots=True)
class _Progress:
    """What has run so far."""

    env: BlockEnvironment
    gas_used: int = 0
    transactions: list[Transaction] = field(default_factory=list)
    senders: list[Address] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    refused: dict[Hash32, InvalidTransaction] = field(default_factory=dict)

    def add(self, transaction: Transaction, sender: Address, outcome: Outcome) -> None:
        self.gas_used += outcome.gas_used
        self.transactions.append(transaction)
        self.senders.append(sender)
        self.outcomes.append(outcome)
        self.receipts.append(
            Receipt(transaction.type, outcome.succeeded, self.gas_used, outcome.logs)
        )

    def finish(self, diff: BlockDiff) -> Execution:
        envelopes = tuple(encode_receipt(receipt) for receipt in self.receipts)
        return Execution(
            transactions=tuple(self.transactions),
            senders=tuple(self.senders),
            outcomes=tuple(self.outcomes),
            receipts=tuple(self.receipts),
            receipt_envelopes=envelopes,
            log_index=log_index(self.receipts),
            diff=diff,
            gas_used=self.gas_used,
            bloom=merge_blooms(receipt.bloom for receipt in self.receipts if receipt.logs),
            transactions_root=transactions_root([item.raw for item in self.transactions]),
            receipts_root=root_of_list(envelopes),
            refused=self.refused,
        )


def run_all(
    env: BlockEnvironment,
    transactions: Sequence[Transaction],
    senders: Sequence[Address],
    session: Session,
    cancel: Cancel,
) -> Execution:
    """Run a block's transactions as they stand.

    Raises:
        InvalidTransaction: the first that may not stand there.
        ExecutionAbandoned: `cancel` answered True.
    """
    progress = _begin(env, session)
    for transaction, sender in zip(transactions, senders, strict=True):
        _continue(cancel)
        _judge(transaction, sender, progress, session)
        progress.add(transaction, sender, session.run(transaction, sender, cancel))
    return progress.finish(session.diff())


def fill(
    env: BlockEnvironment,
    candidates: Sequence[Transaction],
    senders: Sequence[Address],
    session: Session,
    budget: Budget,
    cancel: Cancel,
) -> Execution:
    """Run the candidates that fit, in order, until the block is full or the time is up.

    A sender whose transaction was left out has its later ones left out as well, silently: their
    nonces do not fit any more, which is no fault of theirs. A transaction that alone takes longer
    than the whole budget is refused by name, so that it can leave the pool.
    """
    progress, passed_over = _begin(env, session), set[Address]()
    begun = budget.clock()
    for transaction, sender in zip(candidates, senders, strict=True):
        _continue(cancel)
        if budget.clock() - begun >= budget.seconds:
            break
        if sender in passed_over:
            continue
        if not _fits(transaction, progress) or not _attempt(
            transaction, sender, progress, session, budget, cancel
        ):
            passed_over.add(sender)
    return progress.finish(session.diff())


def _begin(env: BlockEnvironment, session: Session) -> _Progress:
    for address, slot, value in system_writes(env, session):
        session.set_storage(address, slot, value)
    return _Progress(env)


def _continue(cancel: Cancel) -> None:
    if cancel():
        raise ExecutionAbandoned("execution: abandoned between transactions")


def _fits(transaction: Transaction, progress: _Progress) -> bool:
    """Whether the gas is left now, or never will be: the judge then says so."""
    limit = progress.env.gas_limit
    return transaction.gas <= limit - progress.gas_used or transaction.gas > limit


def _attempt(
    transaction: Transaction,
    sender: Address,
    progress: _Progress,
    session: Session,
    budget: Budget,
    cancel: Cancel,
) -> bool:
    begun = budget.clock()

    def overdue() -> bool:
        return cancel() or budget.clock() - begun > budget.seconds

    try:
        _judge(transaction, sender, progress, session)
        progress.add(transaction, sender, session.run(transaction, sender, overdue))
    except InvalidTransaction as error:
        progress.refused[transaction.hash] = error
        return False
    except ExecutionAbandoned as error:
        _continue(cancel)
        progress.refused[transaction.hash] = InvalidTransaction(
            "transaction exceeds the execution budget", why=error.what
        )
        return False
    return True


def _judge(
    transaction: Transaction, sender: Address, progress: _Progress, session: Session
) -> None:
    """Raise `InvalidTransaction` unless the transaction may come next."""
    env = progress.env
    check_transaction(transaction, TransactionRules(env.chain_id, env.base_fee))
    account = session.account(sender)
    check_against_account(transaction, account, session.code(account.code_hash))
    if transaction.gas > env.gas_limit - progress.gas_used:
        raise InvalidTransaction(
            "exceeds block gas limit",
            why=f"have {env.gas_limit - progress.gas_used}, want {transaction.gas}",
        )
