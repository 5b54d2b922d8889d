"""What a message (a call outside any block) must be for an engine to run it: one rule for both."""

from node.errors import InvalidTransaction
from node.execution.engine import Message
from node.spec.transaction import AccessList
from node.spec.transaction_rules import (
    ACCESS_LIST_ADDRESS_GAS,
    ACCESS_LIST_SLOT_GAS,
    CALLDATA_TOKEN_GAS,
    CREATION_GAS,
    FLOOR_TOKEN_GAS,
    INITCODE_LENGTH_MAX,
    INITCODE_WORD_GAS,
    TRANSACTION_GAS,
    data_tokens,
)
from node.spec.types import Address

_PRECOMPILES = frozenset(Address(number.to_bytes(20, "big")) for number in range(1, 18))


def initcode_gas(to: Address | None, data: bytes) -> int:
    """Return what a creation pays for the length of its code (EIP-3860)."""
    return 0 if to is not None else INITCODE_WORD_GAS * ((len(data) + 31) // 32)


def message_gas(message: Message) -> int:
    """Return the call's gas before it runs: that of the transaction it stands for."""
    gas = TRANSACTION_GAS + CALLDATA_TOKEN_GAS * data_tokens(message.data)
    if message.to is None:
        gas += CREATION_GAS + initcode_gas(None, message.data)
    for _, slots in message.access_list:
        gas += ACCESS_LIST_ADDRESS_GAS + ACCESS_LIST_SLOT_GAS * len(slots)
    return gas


def needed_gas(message: Message) -> int:
    """Return the least gas that a transaction like this message could be given."""
    floor = TRANSACTION_GAS + FLOOR_TOKEN_GAS * data_tokens(message.data)
    return max(message_gas(message), floor)


def check_message(message: Message, balance: int) -> None:
    """Raise `InvalidTransaction` where no transaction with this gas, code or value could run."""
    if message.to is None and len(message.data) > INITCODE_LENGTH_MAX:
        raise InvalidTransaction("max initcode size exceeded")
    needed = message_gas(message)
    if message.gas < needed:
        raise InvalidTransaction("intrinsic gas too low", why=f"have {message.gas}, want {needed}")
    floor = TRANSACTION_GAS + FLOOR_TOKEN_GAS * data_tokens(message.data)
    if message.gas < floor:
        raise InvalidTransaction(
            "insufficient gas for floor data gas cost", why=f"have {message.gas}, want {floor}"
        )
    if message.value > balance:
        raise InvalidTransaction("insufficient funds for transfer")


def beyond_warm(touched: AccessList, message: Message, coinbase: Address) -> AccessList:
    """Return what was touched without bare addresses that are warm in any case (EIP-2929)."""
    warm = {message.sender, message.to, coinbase, *_PRECOMPILES}
    return tuple((place, slots) for place, slots in touched if slots or place not in warm)
