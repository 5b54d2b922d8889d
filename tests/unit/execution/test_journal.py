"""What a failed frame wrote must be gone exactly: undo is tested against copies of the state."""

import copy
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from node.execution.journal import StateJournal
from node.execution.memory_state import MemoryState
from node.spec.crypto import keccak256
from node.spec.types import AccountChange, Address

ADDRESSES = tuple(Address(bytes([n]) * 20) for n in range(1, 5))
addresses = st.sampled_from(ADDRESSES)
slots = st.integers(0, 2)
values = st.integers(0, 2)


def start() -> MemoryState:
    world = MemoryState()
    world.put(ADDRESSES[0], nonce=1, balance=5, slots={0: 1, 1: 2})
    world.put(ADDRESSES[1], balance=1, code=b"\x01")
    return world


class Undo(RuleBasedStateMachine):
    """A journal beside a model that is copied at each mark."""

    def __init__(self) -> None:
        super().__init__()
        self.world = start()
        self.journal = StateJournal(self.world)
        self.model: dict[str, Any] = {"accounts": {}, "slots": {}, "transient": {}, "warm": set()}
        for address, account in self.world.accounts.items():
            code = self.world.codes[account.code_hash]
            self.model["accounts"][address] = (account.nonce, account.balance, code)
            for slot, value in self.world.slots[address].items():
                self.model["slots"][address, slot] = value
        self.marks: list[tuple[int, dict[str, Any]]] = []

    def held(self, address: Address) -> tuple[int, int, bytes]:
        return self.model["accounts"].get(address, (0, 0, b""))

    @rule(address=addresses, balance=values)
    def set_balance(self, address: Address, balance: int) -> None:
        nonce, _, code = self.held(address)
        self.journal.set_balance(address, balance)
        self.model["accounts"][address] = (nonce, balance, code)

    @rule(address=addresses)
    def increment_nonce(self, address: Address) -> None:
        nonce, balance, code = self.held(address)
        self.journal.increment_nonce(address)
        self.model["accounts"][address] = (nonce + 1, balance, code)

    @rule(address=addresses, code=st.sampled_from([b"\x01", b"\x02\x03"]))
    def set_code(self, address: Address, code: bytes) -> None:
        nonce, balance, _ = self.held(address)
        self.journal.set_code(address, code)
        self.model["accounts"][address] = (nonce, balance, code)

    @rule(address=addresses)
    def delete(self, address: Address) -> None:
        self.journal.delete_account(address)
        self.model["accounts"].pop(address, None)
        self.model["slots"] = {k: v for k, v in self.model["slots"].items() if k[0] != address}

    @rule(address=addresses, slot=slots, value=values)
    def set_slot(self, address: Address, slot: int, value: int) -> None:
        self.journal.touch_account(address)
        self.model["accounts"].setdefault(address, (0, 0, b""))
        self.journal.set_storage(address, slot, value)
        self.model["slots"][address, slot] = value

    @rule(address=addresses, slot=slots, value=st.binary(min_size=1, max_size=2))
    def set_transient(self, address: Address, slot: int, value: bytes) -> None:
        self.journal.set_transient_storage(address, slot, value)
        self.model["transient"][address, slot] = value

    @rule(address=addresses, slot=slots)
    def warm_up(self, address: Address, slot: int) -> None:
        self.journal.mark_storage_warm(address, slot)
        self.model["warm"].add((address, slot))

    @rule()
    def mark(self) -> None:
        self.marks.append((self.journal.record(), copy.deepcopy(self.model)))

    @precondition(lambda self: self.marks)
    @rule()
    def undo(self) -> None:
        mark, self.model = self.marks.pop()
        self.journal.discard(mark)

    @precondition(lambda self: self.marks)
    @rule()
    def keep(self) -> None:
        self.journal.commit(self.marks.pop()[0])

    @rule()
    def next_transaction(self) -> None:
        self.journal.lock_changes()
        self.marks.clear()
        self.model["transient"], self.model["warm"] = {}, set()

    @invariant()
    def reads_agree(self) -> None:
        for address in ADDRESSES:
            nonce, balance, code = self.held(address)
            assert self.journal.get_nonce(address) == nonce
            assert self.journal.get_balance(address) == balance
            assert self.journal.get_code(address) == code
            assert self.journal.account_exists(address) == (address in self.model["accounts"])
            for slot in range(3):
                key = (address, slot)
                assert self.journal.get_storage(address, slot) == self.model["slots"].get(key, 0)
                transient = self.model["transient"].get(key, b"")
                assert self.journal.get_transient_storage(address, slot) == transient
                assert self.journal.is_storage_warm(address, slot) == (key in self.model["warm"])

    @invariant()
    def the_diff_leads_there(self) -> None:
        after = start()
        diff = self.journal.diff()
        after.apply(diff)
        for address in ADDRESSES:
            nonce, balance, code = self.held(address)
            account = after.accounts.get(address)
            if (nonce, balance, code) == (0, 0, b""):
                assert account is None
                continue
            assert account is not None
            assert (account.nonce, account.balance) == (nonce, balance)
            assert account.code_hash == keccak256(code)
            for slot in range(3):
                assert after.storage(address, slot) == self.model["slots"].get((address, slot), 0)
        assert all(change != _same(start(), a) for a, change in diff.accounts.items())


def _same(world: MemoryState, address: Address) -> object:
    """Return the change that would change nothing."""
    account = world.account(address)
    if account is None:
        return None
    return AccountChange(account.nonce, account.balance, account.code_hash)


TestUndo = Undo.TestCase


def test_original_values_are_those_at_the_transactions_start() -> None:
    journal = StateJournal(start())
    journal.set_storage(ADDRESSES[0], 0, 7)
    journal.set_storage(ADDRESSES[0], 0, 8)
    assert journal.get_storage(ADDRESSES[0], 0, from_journal=False) == 1
    journal.lock_changes()
    assert journal.get_storage(ADDRESSES[0], 0, from_journal=False) == 8
