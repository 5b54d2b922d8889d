"""The writes of a block over its pre-state, undoable to any mark.

Reads fall through to the `PreState` once and are kept for the block; writes go to plain maps, each
preceded by a note of what stood there, so that a failed call frame is undone by popping notes. At
the end `diff` compares with the pre-state and names only what truly changed.

Method names are those that py-evm calls on its account database (N3). Transient storage
(EIP-1153) and the warm sets (EIP-2929) live here too, because they are undone with the frame; they
and the slots' "original" values (EIP-2200) last one transaction.
"""

from typing import Any, Final, NamedTuple

from node.execution.engine import PreState
from node.spec.crypto import keccak256
from node.spec.types import (
    EMPTY_CODE_HASH,
    EMPTY_ROOT,
    AccountChange,
    Address,
    BlockDiff,
    Hash32,
)

_ABSENT: Final = object()


class Basics(NamedTuple):
    """An account without its storage."""

    nonce: int
    balance: int
    code_hash: Hash32

    @property
    def is_empty(self) -> bool:
        """Whether EIP-161 calls the account empty."""
        return not self.nonce and not self.balance and self.code_hash == EMPTY_CODE_HASH


_EMPTY: Final = Basics(0, 0, EMPTY_CODE_HASH)


class StateJournal:
    """Accounts, slots and code as they stand within a block."""

    def __init__(self, pre: PreState) -> None:
        self._pre = pre
        self._pre_accounts: dict[Address, Basics | None] = {}
        self._pre_slots: dict[tuple[Address, int], int] = {}
        self._accounts: dict[Address, Basics | None] = {}
        self._slots: dict[Address, dict[int, int]] = {}
        self._cleared: dict[Address, bool] = {}
        self._codes: dict[Hash32, bytes] = {EMPTY_CODE_HASH: b""}
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []
        self.lock_changes()

    # Marks ---------------------------------------------------------------------------------------

    def record(self) -> int:
        """Return a mark to come back to."""
        return len(self._undo)

    def discard(self, mark: int) -> None:
        """Undo every write since `mark`."""
        while len(self._undo) > mark:
            mapping, key, before = self._undo.pop()
            if before is _ABSENT:
                del mapping[key]
            else:
                mapping[key] = before

    def commit(self, mark: int) -> None:
        """Keep the writes since `mark`; they can still be undone to an earlier one."""

    def lock_changes(self) -> None:
        """Begin a transaction: nothing before it can be undone, warm and transient sets empty."""
        self._undo.clear()
        self._warm: dict[Any, bool] = {}
        self._transient: dict[tuple[Address, int], bytes] = {}
        self._original: dict[tuple[Address, int], int] = {}

    def _put(self, mapping: dict[Any, Any], key: Any, value: Any) -> None:
        self._undo.append((mapping, key, mapping.get(key, _ABSENT)))
        mapping[key] = value

    # Accounts ------------------------------------------------------------------------------------

    def basics(self, address: Address) -> Basics | None:
        """Return the account as it stands, None where there is none."""
        try:
            return self._accounts[address]
        except KeyError:
            return self._basics_before(address)

    def _basics_before(self, address: Address) -> Basics | None:
        try:
            return self._pre_accounts[address]
        except KeyError:
            account, before = self._pre.account(address), None
            if account is not None:
                before = Basics(account.nonce, account.balance, account.code_hash)
            self._pre_accounts[address] = before
            return before

    def _set_basics(self, address: Address, basics: Basics | None) -> None:
        self._put(self._accounts, address, basics)

    def get_balance(self, address: Address) -> int:
        """Return the balance in wei."""
        return (self.basics(address) or _EMPTY).balance

    def set_balance(self, address: Address, balance: int) -> None:
        """Set the balance; the account exists afterwards, if only as an empty one."""
        if not 0 <= balance < 1 << 256:
            raise ValueError(f"balance out of range: {balance}")
        self._set_basics(address, (self.basics(address) or _EMPTY)._replace(balance=balance))

    def get_nonce(self, address: Address) -> int:
        """Return the nonce."""
        return (self.basics(address) or _EMPTY).nonce

    def set_nonce(self, address: Address, nonce: int) -> None:
        """Set the nonce."""
        self._set_basics(address, (self.basics(address) or _EMPTY)._replace(nonce=nonce))

    def increment_nonce(self, address: Address) -> None:
        """Add one to the nonce."""
        self.set_nonce(address, self.get_nonce(address) + 1)

    def touch_account(self, address: Address) -> None:
        """Make the account exist, if only as an empty one."""
        self._set_basics(address, self.basics(address) or _EMPTY)

    def delete_account(self, address: Address) -> None:
        """Remove the account with its storage."""
        self.delete_storage(address)
        self._set_basics(address, None)

    def account_exists(self, address: Address) -> bool:
        """Whether the account stands in the state, empty or not."""
        return self.basics(address) is not None

    def account_is_empty(self, address: Address) -> bool:
        """Whether EIP-161 calls the account empty; an absent one is."""
        return (self.basics(address) or _EMPTY).is_empty

    def account_has_code_or_nonce(self, address: Address) -> bool:
        """Whether a contract may not be created here (EIP-684)."""
        basics = self.basics(address) or _EMPTY
        return basics.nonce != 0 or basics.code_hash != EMPTY_CODE_HASH

    # Code ----------------------------------------------------------------------------------------

    def get_code_hash(self, address: Address) -> Hash32:
        """Return the hash of the account's code."""
        return (self.basics(address) or _EMPTY).code_hash

    def get_code(self, address: Address) -> bytes:
        """Return the account's code."""
        return self.code((self.basics(address) or _EMPTY).code_hash)

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash, whether of this block or before."""
        try:
            return self._codes[code_hash]
        except KeyError:
            return self._codes.setdefault(code_hash, self._pre.code(code_hash))

    def set_code(self, address: Address, code: bytes) -> None:
        """Give the account this code."""
        code_hash = keccak256(code)
        self._codes[code_hash] = code
        self._set_basics(address, (self.basics(address) or _EMPTY)._replace(code_hash=code_hash))

    def delete_code(self, address: Address) -> None:
        """Take the account's code away (an EIP-7702 delegation to zero)."""
        basics = self.basics(address) or _EMPTY
        self._set_basics(address, basics._replace(code_hash=EMPTY_CODE_HASH))

    # Storage -------------------------------------------------------------------------------------

    def get_storage(self, address: Address, slot: int, from_journal: bool = True) -> int:
        """Return a slot's value, now or (not `from_journal`) when the transaction began."""
        if not from_journal and (address, slot) in self._original:
            return self._original[address, slot]
        written = self._slots.get(address)
        if written is not None and slot in written:
            return written[slot]
        if self._cleared.get(address):
            return 0
        return self._slot_before(address, slot)

    def _slot_before(self, address: Address, slot: int) -> int:
        key = (address, slot)
        try:
            return self._pre_slots[key]
        except KeyError:
            return self._pre_slots.setdefault(key, self._pre.storage(address, slot))

    def set_storage(self, address: Address, slot: int, value: int) -> None:
        """Write a slot."""
        key = (address, slot)
        if key not in self._original:
            self._original[key] = self.get_storage(address, slot)
        written = self._slots.get(address)
        if written is None:
            written = {}
            self._put(self._slots, address, written)
        self._put(written, slot, value)

    def delete_storage(self, address: Address) -> None:
        """Forget every slot of the account."""
        if address in self._slots:
            self._put(self._slots, address, {})
        self._put(self._cleared, address, True)

    def get_transient_storage(self, address: Address, slot: int) -> bytes:
        """Return a transient slot (EIP-1153); empty is zero to py-evm's stack."""
        return self._transient.get((address, slot), b"")

    def set_transient_storage(self, address: Address, slot: int, value: bytes) -> None:
        """Write a transient slot."""
        self._put(self._transient, (address, slot), value)

    # Warmth --------------------------------------------------------------------------------------

    def is_address_warm(self, address: Address) -> bool:
        """Whether the transaction has touched the address (EIP-2929)."""
        return address in self._warm

    def mark_address_warm(self, address: Address) -> None:
        """Note that the transaction touched the address."""
        if address not in self._warm:
            self._put(self._warm, address, True)

    def is_storage_warm(self, address: Address, slot: int) -> bool:
        """Whether the transaction has touched the slot (EIP-2929)."""
        return (address, slot) in self._warm

    def mark_storage_warm(self, address: Address, slot: int) -> None:
        """Note that the transaction touched the slot."""
        if (address, slot) not in self._warm:
            self._put(self._warm, (address, slot), True)

    def warm(self) -> tuple[tuple[Address, tuple[int, ...]], ...]:
        """Return what the transaction touched, as an access list (EIP-2930)."""
        slots: dict[Address, list[int]] = {}
        for key in self._warm:
            if isinstance(key, tuple):
                slots.setdefault(key[0], []).append(key[1])
            else:
                slots.setdefault(key, [])
        return tuple((address, tuple(sorted(found))) for address, found in sorted(slots.items()))

    # The result ----------------------------------------------------------------------------------

    def diff(self) -> BlockDiff:
        """Return what differs from the pre-state: all that the block writes."""
        accounts: dict[Address, AccountChange | None] = {}
        for address in sorted(self._accounts.keys() | self._slots.keys()):
            now, before = self.basics(address), self._basics_before(address)
            if now is None or now.is_empty:
                if before is not None:
                    accounts[address] = None
                continue
            change = self._change(address, now)
            if now != before or change.storage or change.storage_cleared:
                accounts[address] = change
        used = {change.code_hash for change in accounts.values() if change is not None}
        codes = {key: self._codes[key] for key in sorted(used & self._new_codes(accounts))}
        return BlockDiff(accounts, codes)

    def _change(self, address: Address, now: Basics) -> AccountChange:
        written = self._slots.get(address, {})
        if self._had_storage(address) and self._cleared.get(address):
            slots = {slot: value for slot, value in sorted(written.items()) if value}
            return AccountChange(*now, slots, True)
        slots = {
            slot: value
            for slot, value in sorted(written.items())
            if value != (0 if self._cleared.get(address) else self._slot_before(address, slot))
        }
        return AccountChange(*now, slots)

    def _had_storage(self, address: Address) -> bool:
        account = self._pre.account(address) if self._cleared.get(address) else None
        return account is not None and account.storage_root != EMPTY_ROOT

    def _new_codes(self, accounts: dict[Address, AccountChange | None]) -> set[Hash32]:
        """Return the hashes of codes that an account did not have before."""
        return {
            change.code_hash
            for address, change in accounts.items()
            if change is not None
            and change.code_hash != EMPTY_CODE_HASH
            and change.code_hash != (self._basics_before(address) or _EMPTY).code_hash
        }
