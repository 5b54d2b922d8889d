"""The door to the mempool: raw bytes in, the head's state at hand, the clock given."""

import time
from collections.abc import Iterable
from typing import Final

from node.chain.head import HeadView, NewHead
from node.chain.ledger import Ledger
from node.mempool import Pool, PoolRules, Standing
from node.spec import registry
from node.spec.transaction import Transaction
from node.spec.transaction_rules import TransactionRules
from node.spec.types import EMPTY_CODE_HASH, Account, Address, Hash32

CANDIDATES_MAX: Final = 20_000
"""Transactions offered to one build; more than fit a block's gas and its time."""

STANDINGS_MAX: Final = 16_384
"""Senders whose standing at the head is kept."""


class PoolDoor:
    """A ledger's pool; used on the event loop only."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        rules = PoolRules(
            TransactionRules(ledger.parameters.chain_id, ledger.parameters.base_fee),
            ledger.head.gas_limit,
            heavy_gas_max=ledger.engine.heavy_gas_max,
        )
        self._pool = Pool(rules, self._standing)
        self._standings: dict[Address, Standing] = {}
        self._standings_at = ledger.view

    def __len__(self) -> int:
        return len(self._pool)

    def _standing(self, sender: Address) -> Standing:
        """Return what the head says of a sender, read once a head."""
        view = self._ledger.view
        if view is not self._standings_at or len(self._standings) >= STANDINGS_MAX:
            self._standings, self._standings_at = {}, view
        found = self._standings.get(sender)
        if found is None:
            found = self._standings[sender] = self._read_standing(view, sender)
        return found

    def _read_standing(self, view: HeadView, sender: Address) -> Standing:
        account = view.state.account(sender) or Account()
        has_code = account.code_hash != EMPTY_CODE_HASH
        return Standing(
            account,
            view.state.code(account.code_hash) if has_code else b"",
            view.may_send(sender),
            registry.member_of(view.read_members, sender),
        )

    def add(self, transaction: Transaction, sender: Address) -> None:
        """Admit a transaction whose sender was recovered.

        Raises:
            InvalidTransaction: it is refused, with geth's words.
        """
        self._pool.add(transaction, sender, _now_ms())

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
        return self._pool.sizes()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
