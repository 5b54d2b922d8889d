"""The door to the mempool: raw bytes in, the head's state at hand, the clock given."""

import time
from collections.abc import Iterable
from typing import Final

from node.chain.head import NewHead
from node.chain.ledger import Ledger
from node.errors import InvalidTransaction
from node.mempool import Pool, PoolRules, Standing
from node.spec import registry
from node.spec.transaction import Transaction
from node.spec.transaction_rules import TransactionRules
from node.spec.types import EMPTY_CODE_HASH, Account, Address, Hash32

CANDIDATES_MAX: Final = 8_000
"""Transactions offered to one build; more than fit a block's gas and its time."""


class PoolDoor:
    """A ledger's pool; used on the event loop only."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        rules = PoolRules(
            TransactionRules(ledger.parameters.chain_id, ledger.parameters.base_fee),
            ledger.head.gas_limit,
        )
        self._pool = Pool(rules, self._standing)

    def __len__(self) -> int:
        return len(self._pool)

    def _standing(self, sender: Address) -> Standing:
        view = self._ledger.view
        account = view.state.account(sender) or Account()
        has_code = account.code_hash != EMPTY_CODE_HASH
        return Standing(
            account,
            view.state.code(account.code_hash) if has_code else b"",
            view.may_send(sender),
            registry.member_of(view.read_members, sender),
        )

    def submit(self, raw: bytes) -> Hash32:
        """Admit a raw transaction and return its hash.

        Raises:
            DecodeError, InvalidTransaction: it is malformed, or refused with geth's words.
        """
        transaction, sender = self._ledger.transactions.resolve([raw])[0]
        if sender is None:
            raise InvalidTransaction("invalid sender")
        self._pool.add(transaction, sender, _now_ms())
        return transaction.hash

    def admit(self, raw: bytes) -> bool:
        """Admit a peer's transaction; return whether it was new."""
        transaction, _ = self._ledger.transactions.resolve([raw])[0]
        if self._pool.get(transaction.hash) is not None:
            return False
        if self._ledger.store.blocks.place_of(transaction.hash) is not None:
            return False
        self.submit(raw)
        return True

    def head_changed(self, head: NewHead) -> None:
        """Drop what a new block took or made unsendable."""
        self._pool.head_changed(head.execution.diff.accounts)
        self._pool.expire(_now_ms())

    def drop(self, refused: Iterable[Hash32]) -> None:
        """Drop what a build found unable to run."""
        for transaction_hash in refused:
            self._pool.drop(transaction_hash)

    @property
    def executable(self) -> bool:
        """Whether a block could hold any transaction (N7)."""
        return self._pool.has_executable

    def candidates(self) -> list[Transaction]:
        """Return transactions in the order a block takes them."""
        return self._pool.candidates(CANDIDATES_MAX)

    def raws(self) -> list[bytes]:
        """Return all executable transactions' bytes."""
        return [transaction.raw for transaction in self._pool.candidates(len(self._pool))]

    def pending(self, transaction_hash: Hash32) -> tuple[Transaction, Address] | None:
        """Return a waiting transaction with its sender."""
        transaction = self._pool.get(transaction_hash)
        if transaction is None:
            return None
        sender = self._ledger.transactions.resolve([transaction.raw])[0][1]
        return None if sender is None else (transaction, sender)

    def next_nonce(self, sender: Address, at_head: int) -> int:
        """Return a sender's next nonce, waiting transactions counted."""
        waiting = self._pool.next_nonce(sender)
        return at_head if waiting is None else max(waiting, at_head)

    def sizes(self) -> tuple[int, int]:
        """Return how many transactions are executable, and how many wait for an earlier one."""
        executable, queued = self._pool.content()
        return len(executable), len(queued)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
