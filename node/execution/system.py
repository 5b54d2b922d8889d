"""What Prague writes before a block's first transaction.

Two system contracts keep rings of past values in their storage: EIP-2935 the parent's hash,
EIP-4788 the parent's beacon root (always zero under QBFT). Each is called by the system at the
start of a block, and only where the genesis holds it. Both engines take the writes from here as
data instead of running the call: with the one known code, which `check_system_contracts` demands of
a genesis, the effect is the same.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from node.errors import ConfigError
from node.execution.engine import BlockEnvironment
from node.spec.crypto import keccak256
from node.spec.types import Account, Address, Hash32

HISTORY_ADDRESS: Final = Address(bytes.fromhex("0000f90827f1c53a10cb7a02335b175320002935"))
HISTORY_WINDOW: Final = 8191
"""Blocks whose hashes EIP-2935's ring keeps."""
HISTORY_CODE: Final = bytes.fromhex(
    "3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff"
    "81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500"
)

BEACON_ROOTS_ADDRESS: Final = Address(bytes.fromhex("000f3df6d732807ef1319fb7b8bb8522d0beac02"))
BEACON_ROOTS_WINDOW: Final = 8191
BEACON_ROOTS_CODE: Final = bytes.fromhex(
    "3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f35801560495762001fff"
    "810690815414603c575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f359062001fff0155"
    "00"
)

HISTORY_CODE_HASH: Final = keccak256(HISTORY_CODE)
BEACON_ROOTS_CODE_HASH: Final = keccak256(BEACON_ROOTS_CODE)

SYSTEM_CODES: Final[Mapping[Address, Hash32]] = {
    HISTORY_ADDRESS: HISTORY_CODE_HASH,
    BEACON_ROOTS_ADDRESS: BEACON_ROOTS_CODE_HASH,
}

StorageWrite = tuple[Address, int, int]
"""(contract, slot, new value)."""


class Accounts(Protocol):
    """The one read that system writes need."""

    def account(self, address: Address) -> Account | None:
        """Return the account, None where there is none."""
        ...


def system_writes(env: BlockEnvironment, state: Accounts) -> tuple[StorageWrite, ...]:
    """Return what the system contracts write before the block's first transaction."""
    writes: list[StorageWrite] = []
    if _has_code(HISTORY_ADDRESS, state):
        slot = (env.number - 1) % HISTORY_WINDOW
        writes.append((HISTORY_ADDRESS, slot, int.from_bytes(env.parent_hash, "big")))
    if _has_code(BEACON_ROOTS_ADDRESS, state):
        slot = env.timestamp % BEACON_ROOTS_WINDOW
        root = int.from_bytes(env.parent_beacon_block_root, "big")
        writes.append((BEACON_ROOTS_ADDRESS, slot, env.timestamp))
        writes.append((BEACON_ROOTS_ADDRESS, slot + BEACON_ROOTS_WINDOW, root))
    return tuple(writes)


def _has_code(address: Address, state: Accounts) -> bool:
    account = state.account(address)
    return account is not None and account.code_hash == SYSTEM_CODES[address]


def check_system_contracts(codes: Mapping[Address, bytes]) -> None:
    """Raise `ConfigError` where a genesis puts other code at a system contract's address."""
    for address, code_hash in SYSTEM_CODES.items():
        code = codes.get(address, b"")
        if code and keccak256(code) != code_hash:
            raise ConfigError(
                f"genesis: unknown code at the system address 0x{address.hex()}",
                why="blocks write this contract's storage directly, knowing its code",
            )
