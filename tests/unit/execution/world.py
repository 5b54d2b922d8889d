"""The world that engine tests play in: small contracts, one for each thing an engine can do."""

from node.execution.memory_state import MemoryState
from node.spec.types import Address, Hash32

from .kit import SENDERS, assemble

COUNTER = Address(b"\x11" * 20)
REVERTER = Address(b"\x12" * 20)
EMPTY_TARGET = Address(b"\x13" * 20)
LOGGER = Address(b"\x14" * 20)
BURNER = Address(b"\x15" * 20)
FACTORY = Address(b"\x16" * 20)
CALLER = Address(b"\x17" * 20)
TRANSIENT = Address(b"\x18" * 20)
SUICIDE_FACTORY = Address(b"\x19" * 20)
READER = Address(b"\x1a" * 20)
# Slot 0 += 1; slot calldata[0:32] = calldata[32:64].
COUNTER_CODE = assemble(
    *("PUSH0", "SLOAD", 1, "ADD", "PUSH0", "SSTORE"),
    *(32, "CALLDATALOAD", "PUSH0", "CALLDATALOAD", "SSTORE", "STOP"),
)
REVERTER_CODE = assemble(1, 1, "SSTORE", 0xBEEF, "PUSH0", "MSTORE", 32, "PUSH0", "REVERT")
LOGGER_CODE = assemble(
    *("CALLVALUE", "PUSH0", "MSTORE", "CALLER", 7, 32, "PUSH0", "LOG2"),
    *(32, "PUSH0", "LOG0", 32, "PUSH0", "RETURN"),
)
BURNER_CODE = assemble("JUMPDEST", "PUSH0", "JUMP")
SUICIDE_CODE = assemble("CALLER", "SELFDESTRUCT")
# Creates (CREATE2, salt 5) what calldata holds, and calls it.
FACTORY_CODE = assemble(
    *("CALLDATASIZE", "PUSH0", "PUSH0", "CALLDATACOPY"),
    *(5, "CALLDATASIZE", "PUSH0", "CALLVALUE", "CREATE2", "DUP1", "PUSH0", "SSTORE"),
    *("PUSH0", "PUSH0", "PUSH0", "PUSH0", "PUSH0"),
    *("PUSH0", "SLOAD", "GAS", "CALL", 1, "SSTORE", "STOP"),
)
# Calls the address in calldata with the rest as data, stores success, returns its data.
CALLER_CODE = assemble(
    *(32, "CALLDATASIZE", "SUB", 32, "PUSH0", "CALLDATACOPY"),
    *("PUSH0", "PUSH0", 32, "CALLDATASIZE", "SUB", "PUSH0", "CALLVALUE"),
    *("PUSH0", "CALLDATALOAD", "GAS", "CALL", "PUSH0", "SSTORE"),
    *("RETURNDATASIZE", "PUSH0", "PUSH0", "RETURNDATACOPY", "RETURNDATASIZE", "PUSH0", "RETURN"),
)
TRANSIENT_CODE = assemble(
    *(9, 3, "TSTORE", 3, "TLOAD", "PUSH0", "SSTORE", 4, "TLOAD", 1, "SSTORE", "STOP")
)
READER_CODE = assemble(
    *("PREVRANDAO", "PUSH0", "SSTORE", "COINBASE", 1, "SSTORE", "TIMESTAMP", 2, "SSTORE"),
    *("CHAINID", 3, "SSTORE", "BASEFEE", 4, "SSTORE", "BLOBBASEFEE", 5, "SSTORE"),
    *("NUMBER", 6, "SSTORE", 1, "NUMBER", "SUB", "BLOCKHASH", 7, "SSTORE"),
    *("NUMBER", "BLOCKHASH", 8, "SSTORE", "ORIGIN", 9, "SSTORE", "SELFBALANCE", 10, "SSTORE"),
    *(COUNTER, "EXTCODEHASH", 11, "SSTORE", COUNTER, "EXTCODESIZE", 12, "SSTORE", "STOP"),
)


def new_world() -> MemoryState:
    """Return the contracts, and six senders with funds."""
    state = MemoryState(block_hashes={9: Hash32(b"\x99" * 32)})
    for sender in SENDERS[:6]:
        state.put(sender, balance=10**18)
    state.put(COUNTER, nonce=1, code=COUNTER_CODE, slots={0: 4, 77: 1})
    state.put(REVERTER, nonce=1, code=REVERTER_CODE)
    state.put(LOGGER, nonce=1, code=LOGGER_CODE)
    state.put(BURNER, nonce=1, code=BURNER_CODE)
    state.put(FACTORY, nonce=1, balance=50, code=FACTORY_CODE)
    state.put(CALLER, nonce=1, code=CALLER_CODE)
    state.put(TRANSIENT, nonce=1, code=TRANSIENT_CODE)
    state.put(READER, nonce=1, code=READER_CODE)
    return state


def word(value: int | bytes) -> bytes:
    """Return a stack word."""
    return value.to_bytes(32, "big") if isinstance(value, int) else value.rjust(32, b"\0")
