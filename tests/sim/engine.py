"""A small deterministic engine, and the transactions that all stories send.

`ToyEngine` is an `Engine` on the product's own transition loop and journal, with a toy in place of
the EVM: running a transaction raises its sender's nonce and writes one slot of its target, both
told by the transaction alone. What validity, receipts, roots and diffs are, stays the product's.

The transactions are real and signed, each by an account of its own, so that they run in any order
and on either engine: every third creates a contract whose constructor writes a slot, the others
call an address that holds no code.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from node.execution.choice import Engines
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
from node.execution.journal import StateJournal
from node.execution.state_trie import PythonStateTrie
from node.execution.transition import fill, run_all
from node.spec.crypto import address_of, keccak256
from node.spec.transaction import (
    AccessList,
    Transaction,
    created_address,
    decode_transaction,
    sign_dynamic_fee,
)
from node.spec.types import EMPTY_CODE_HASH, Account, Address, BlockDiff, Hash32
from tests import engines

GAS = 100_000
CONSTRUCTOR = bytes.fromhex("600160005500")
"""PUSH1 1, PUSH1 0, SSTORE, STOP: writes a slot and leaves a contract without code."""
CHAIN_ID: Final = 2_026
TRANSACTIONS_MAX: Final = 128
"""How many transactions there are, and so how many accounts may send."""


@lru_cache(maxsize=1)
def _traffic() -> dict[bytes, Address]:
    """Return all transactions with their senders, in the order in which they are sent."""
    made: dict[bytes, Address] = {}
    for number in range(TRANSACTIONS_MAX):
        key = keccak256(b"dataccord simulation account %d" % number)
        to = None if number % 3 == 0 else Address(keccak256(b"target %d" % number)[:20])
        data = CONSTRUCTOR if to is None else b""
        raw = sign_dynamic_fee(key, chain_id=CHAIN_ID, nonce=0, gas=GAS, to=to, data=data)
        made[raw] = address_of(key)
    return made


def transactions() -> tuple[bytes, ...]:
    """Return the transactions of every story."""
    return tuple(_traffic())


def senders() -> tuple[Address, ...]:
    """Return the accounts that send them."""
    return tuple(_traffic().values())


class ToySession:
    """One block in the making, without an EVM."""

    def __init__(self, pre: PreState) -> None:
        self._journal = StateJournal(pre)

    def account(self, address: Address) -> Account:
        """Return the account as it stands, an empty one where there is none."""
        basics = self._journal.basics(address)
        if basics is None:
            return Account()
        return Account(basics.nonce, basics.balance, code_hash=basics.code_hash)

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash."""
        return b"" if code_hash == EMPTY_CODE_HASH else self._journal.code(code_hash)

    def set_storage(self, address: Address, slot: int, value: int) -> None:
        """Write a slot outside any transaction."""
        self._journal.set_storage(address, slot, value)

    def run(self, transaction: Transaction, sender: Address, cancel: Cancel) -> Outcome:
        """Raise the sender's nonce and write a slot of the target."""
        del cancel
        self._journal.set_nonce(sender, transaction.nonce + 1)
        target = transaction.to or created_address(sender, transaction.nonce)
        self._journal.set_nonce(target, self.account(target).nonce + 1)
        self._journal.set_storage(target, transaction.hash[0], 1 + transaction.hash[1])
        self._journal.lock_changes()
        return Outcome(Status.SUCCESS, 21_000 + transaction.hash[2])

    def diff(self) -> BlockDiff:
        """Return all that was written."""
        return self._journal.diff()


class ToyEngine:
    """An `Engine` that is quick."""

    name = "toy"
    heavy_gas_max: int | None = None

    def recover(self, raws: Sequence[bytes]) -> Sequence[Recovered]:
        """Return the senders, known from when the transactions were made."""
        known = _traffic()
        return [(decode_transaction(raw), known.get(raw)) for raw in raws]

    def estimate(
        self, env: BlockEnvironment, message: Message, pre: PreState, *, cancel: Cancel = never
    ) -> int | Outcome:
        """Return what a call of nothing uses."""
        return self.call(env, message, pre, cancel=cancel).gas_used

    def committed(self, parent_root: Hash32, root: Hash32, diff: BlockDiff) -> None:
        """Nothing: a toy keeps nothing."""

    def execute(
        self,
        env: BlockEnvironment,
        transactions: Sequence[Transaction],
        senders: Sequence[Address],
        pre: PreState,
        *,
        cancel: Cancel = never,
    ) -> Execution:
        """Run a whole block."""
        return run_all(env, transactions, senders, ToySession(pre), cancel)

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
        """Run as many candidates as fit."""
        return fill(env, candidates, senders, ToySession(pre), budget, cancel)

    def call(
        self, env: BlockEnvironment, message: Message, pre: PreState, *, cancel: Cancel = never
    ) -> Outcome:
        """Answer that a call succeeds and returns nothing."""
        del env, message, pre, cancel
        return Outcome(Status.SUCCESS, 0)

    def trace(
        self, env: BlockEnvironment, message: Message, pre: PreState, *, cancel: Cancel = never
    ) -> tuple[Outcome, AccessList]:
        """Answer that a call succeeds and touches nothing."""
        return self.call(env, message, pre, cancel=cancel), ()


def toy_engines() -> tuple[Engines, ...]:
    """Return the quick engine with the reference trie."""
    return (Engines(ToyEngine(), PythonStateTrie(), "engine: toy"),)


def real_engines() -> tuple[Engines, ...]:
    """Return the real engines there are: members take them in turn, so all must agree."""
    return tuple(engines.load(name) for name in engines.NAMES)
