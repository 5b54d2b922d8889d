"""A state in plain maps: what a genesis is composed in, and what contract tests run on.

It answers as a `PreState` and takes a `BlockDiff`, and it is a value to copy, not a store: no tries
and no roots. `overlay` lays replacements over another state for one call (`eth_call`'s third
parameter).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from node.errors import StoreError
from node.execution.engine import PreState
from node.spec.crypto import keccak256
from node.spec.types import (
    EMPTY_CODE_HASH,
    EMPTY_ROOT,
    ZERO_HASH,
    Account,
    AccountChange,
    Address,
    BlockDiff,
    Hash32,
)

UNKNOWN_ROOT = Hash32(b"\xff" * 32)
"""Stands for "has storage" where no trie knows the root."""


@dataclass(slots=True)
class MemoryState:
    """Accounts, slots and codes by address and hash."""

    accounts: dict[Address, Account] = field(default_factory=dict)
    slots: dict[Address, dict[int, int]] = field(default_factory=dict)
    codes: dict[Hash32, bytes] = field(default_factory=lambda: {EMPTY_CODE_HASH: b""})
    block_hashes: dict[int, Hash32] = field(default_factory=dict)

    def account(self, address: Address) -> Account | None:
        """Return the account, None where there is none."""
        return self.accounts.get(address)

    def storage(self, address: Address, slot: int) -> int:
        """Return the slot's value, 0 where it was never set."""
        return self.slots.get(address, {}).get(slot, 0)

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash."""
        try:
            return self.codes[code_hash]
        except KeyError:
            raise StoreError(f"no code with hash 0x{code_hash.hex()}") from None

    def block_hash(self, number: int) -> Hash32:
        """Return the hash of an earlier block, zero where none was given."""
        return self.block_hashes.get(number, ZERO_HASH)

    def put(
        self,
        address: Address,
        *,
        nonce: int = 0,
        balance: int = 0,
        code: bytes = b"",
        slots: Mapping[int, int] | None = None,
    ) -> None:
        """Place a whole account, replacing what stood there."""
        kept = {slot: value for slot, value in (slots or {}).items() if value}
        root = UNKNOWN_ROOT if kept else EMPTY_ROOT
        code_hash = keccak256(code)
        self.codes[code_hash] = code
        self.accounts[address] = Account(nonce, balance, root, code_hash)
        self.slots[address] = kept

    def apply(self, diff: BlockDiff) -> None:
        """Make the changes of a block."""
        self.codes.update(diff.codes)
        for address, change in diff.accounts.items():
            if change is None:
                self.accounts.pop(address, None)
                self.slots.pop(address, None)
                continue
            older = {} if change.storage_cleared else self.slots.get(address, {})
            slots = {k: v for k, v in {**older, **change.storage}.items() if v}
            root = UNKNOWN_ROOT if slots else EMPTY_ROOT
            self.accounts[address] = Account(change.nonce, change.balance, root, change.code_hash)
            self.slots[address] = slots

    def whole_diff(self) -> BlockDiff:
        """Return the diff that makes this state of an empty one."""
        changes = {
            address: AccountChange(
                account.nonce, account.balance, account.code_hash, self.slots.get(address, {})
            )
            for address, account in self.accounts.items()
        }
        return BlockDiff(changes, self.codes)

    def copy(self) -> "MemoryState":
        """Return an independent copy."""
        slots = {address: dict(held) for address, held in self.slots.items()}
        return MemoryState(dict(self.accounts), slots, dict(self.codes), dict(self.block_hashes))


@dataclass(frozen=True, slots=True)
class Override:
    """Replacements for one account; None leaves what is there."""

    nonce: int | None = None
    balance: int | None = None
    code: bytes | None = None
    state: Mapping[int, int] | None = None
    """All of the account's storage."""
    state_diff: Mapping[int, int] | None = None
    """Some of its slots."""


class OverriddenState:
    """Another state with some accounts replaced."""

    def __init__(self, base: PreState, overrides: Mapping[Address, Override]) -> None:
        self.base = base
        self.overrides = overrides
        self._codes = {
            keccak256(item.code): item.code for item in overrides.values() if item.code is not None
        }

    def account(self, address: Address) -> Account | None:
        """Return the account with its replacements."""
        held, change = self.base.account(address), self.overrides.get(address)
        if change is None:
            return held
        held = held or Account()
        return Account(
            held.nonce if change.nonce is None else change.nonce,
            held.balance if change.balance is None else change.balance,
            held.storage_root,
            held.code_hash if change.code is None else keccak256(change.code),
        )

    def storage(self, address: Address, slot: int) -> int:
        """Return the slot's value with its replacements."""
        change = self.overrides.get(address)
        if change is not None and change.state_diff is not None and slot in change.state_diff:
            return change.state_diff[slot]
        if change is not None and change.state is not None:
            return change.state.get(slot, 0)
        return self.base.storage(address, slot)

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash."""
        found = self._codes.get(code_hash)
        return self.base.code(code_hash) if found is None else found

    def block_hash(self, number: int) -> Hash32:
        """Return the hash of an earlier block."""
        return self.base.block_hash(number)
