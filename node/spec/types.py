"""The ledger's plain values: addresses, hashes, accounts and the diff that a block makes.

Everything here is data without behaviour. `PreState` (what execution reads) lives beside its first
user in `node.execution.engine`; a `BlockDiff` is what execution writes, and the only form in which
state changes travel between floors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, NewType

Address = NewType("Address", bytes)
"""20 bytes: the last 20 of keccak256 of a public key, or a contract's address."""

Hash32 = NewType("Hash32", bytes)
"""32 bytes: a keccak256 (or, where named, SHA-256) digest."""

ADDRESS_LENGTH: Final = 20
HASH_LENGTH: Final = 32
WORD_MAX: Final = 2**256 - 1
UINT64_MAX: Final = 2**64 - 1

ZERO_ADDRESS: Final = Address(bytes(20))
ZERO_HASH: Final = Hash32(bytes(32))

EMPTY_ROOT: Final = Hash32(
    bytes.fromhex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421")
)
"""Root of the empty Merkle Patricia trie: keccak256 of the RLP of an empty string."""

EMPTY_CODE_HASH: Final = Hash32(
    bytes.fromhex("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")
)
"""keccak256 of no bytes: the code hash of an account without code."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the state trie holds it (yellow paper, section 4.1)."""

    nonce: int = 0
    balance: int = 0
    storage_root: Hash32 = EMPTY_ROOT
    code_hash: Hash32 = EMPTY_CODE_HASH

    @property
    def is_empty(self) -> bool:
        """Whether EIP-161 calls the account empty: no nonce, no balance, no code."""
        return self.nonce == 0 and self.balance == 0 and self.code_hash == EMPTY_CODE_HASH


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What a block leaves of one account: its new values, and the slots that changed.

    `storage` maps a slot to its new value, 0 meaning "cleared". `storage_cleared` says that all
    older slots are gone first: the account was destroyed and created again within the block.
    """

    nonce: int
    balance: int
    code_hash: Hash32
    storage: Mapping[int, int] = field(default_factory=dict)
    storage_cleared: bool = False


@dataclass(frozen=True, slots=True)
class BlockDiff:
    """All that a block writes. An account that maps to None is deleted."""

    accounts: Mapping[Address, AccountChange | None] = field(default_factory=dict)
    codes: Mapping[Hash32, bytes] = field(default_factory=dict)


NodeReference = tuple[Hash32 | None, bytes, Hash32]
"""A state node's place: account hash (None in the trie of accounts), path in nibbles, node hash."""

StateNode = tuple[Hash32 | None, bytes, Hash32, bytes]
"""A state node's place with its bytes."""


class StateUpdate(NamedTuple):
    """What a diff makes of the state's tries."""

    root: Hash32
    made: Sequence[StateNode]
    """Nodes that the older root did not have at their path."""
    obsolete: Sequence[NodeReference]
    """Nodes that were read under the older root and stand at their path no more. Those of storage
    that goes as a whole are not read, and not named."""
    leaves: Mapping[Address, bytes]
    """The new RLP of each account that changed and was not deleted."""
