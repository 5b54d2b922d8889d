"""When a transaction is valid: one judge for the pool, for blocks, and for both engines.

Everything that could make an engine reject a transaction is checked here first, so that after these
rules an engine's exception is an engine's fault and never a verdict. `check_transaction` needs the
transaction alone; `check_against_account` its sender's account. Texts are geth's where it has one,
because client libraries match on them.
"""

from dataclasses import dataclass
from typing import Final

from node.errors import InvalidTransaction
from node.spec.crypto import CURVE_ORDER, is_low_s
from node.spec.transaction import SET_CODE, Transaction
from node.spec.types import UINT64_MAX, Account

TRANSACTION_GAS: Final = 21_000
CREATION_GAS: Final = 32_000
CALLDATA_TOKEN_GAS: Final = 4
FLOOR_TOKEN_GAS: Final = 10  # EIP-7623
TOKENS_PER_NONZERO_BYTE: Final = 4
ACCESS_LIST_ADDRESS_GAS: Final = 2_400  # EIP-2930
ACCESS_LIST_SLOT_GAS: Final = 1_900
INITCODE_WORD_GAS: Final = 2  # EIP-3860
INITCODE_LENGTH_MAX: Final = 49_152
AUTHORIZATION_GAS: Final = 25_000  # EIP-7702
FEE_MAX: Final = 2**128 - 1
"""What an engine counts a price in; dearer transactions would be judged by arithmetic's limits."""
DELEGATION_PREFIX: Final = b"\xef\x01\x00"
DELEGATION_LENGTH: Final = 23


@dataclass(frozen=True, slots=True)
class TransactionRules:
    """What a chain fixes for all its transactions; the base fee is in wei."""

    chain_id: int
    base_fee: int = 0


def intrinsic_gas(transaction: Transaction) -> int:
    """Return the gas a transaction costs before it runs."""
    gas = TRANSACTION_GAS + CALLDATA_TOKEN_GAS * data_tokens(transaction.data)
    if transaction.to is None:
        gas += CREATION_GAS + INITCODE_WORD_GAS * ((len(transaction.data) + 31) // 32)
    for _, slots in transaction.access_list:
        gas += ACCESS_LIST_ADDRESS_GAS + ACCESS_LIST_SLOT_GAS * len(slots)
    return gas + AUTHORIZATION_GAS * len(transaction.authorizations)


def floor_gas(transaction: Transaction) -> int:
    """Return the least gas a transaction is charged for its data (EIP-7623)."""
    return TRANSACTION_GAS + FLOOR_TOKEN_GAS * data_tokens(transaction.data)


def data_tokens(data: bytes) -> int:
    """Return what data weighs: 1 a zero byte, 4 another (EIP-7623)."""
    zeros = data.count(0)
    return zeros + TOKENS_PER_NONZERO_BYTE * (len(data) - zeros)


def check_transaction(transaction: Transaction, rules: TransactionRules) -> None:
    """Raise `InvalidTransaction` unless the transaction could be valid in some state."""
    if transaction.chain_id is None:
        raise InvalidTransaction("only replay-protected (EIP-155) transactions allowed")
    if transaction.chain_id != rules.chain_id:
        raise InvalidTransaction(
            "invalid chain id for signer",
            why=f"have {transaction.chain_id} want {rules.chain_id}",
        )
    _check_signature(transaction.r, transaction.s)
    if transaction.nonce >= UINT64_MAX:
        raise InvalidTransaction("nonce has max value")
    _check_fees(transaction, rules)
    _check_gas(transaction)
    if transaction.type == SET_CODE:
        _check_authorizations(transaction)


def _check_signature(r: int, s: int) -> None:
    if not 0 < r < CURVE_ORDER or not is_low_s(s):
        raise InvalidTransaction("invalid transaction v, r, s values")


def _check_fees(transaction: Transaction, rules: TransactionRules) -> None:
    if transaction.max_fee > FEE_MAX:
        raise InvalidTransaction("max fee per gas higher than 2^128-1")
    if transaction.max_priority_fee > transaction.max_fee:
        raise InvalidTransaction("max priority fee per gas higher than max fee per gas")
    if transaction.max_fee < rules.base_fee:
        raise InvalidTransaction("max fee per gas less than block base fee")


def _check_gas(transaction: Transaction) -> None:
    if transaction.to is None and len(transaction.data) > INITCODE_LENGTH_MAX:
        raise InvalidTransaction("max initcode size exceeded")
    needed = intrinsic_gas(transaction)
    if transaction.gas < needed:
        raise InvalidTransaction(
            "intrinsic gas too low", why=f"have {transaction.gas}, want {needed}"
        )
    floor = floor_gas(transaction)
    if transaction.gas < floor:
        raise InvalidTransaction(
            "insufficient gas for floor data gas cost", why=f"have {transaction.gas}, want {floor}"
        )


def _check_authorizations(transaction: Transaction) -> None:
    if transaction.to is None:
        raise InvalidTransaction("input string too short for common.Address")
    if not transaction.authorizations:
        raise InvalidTransaction("EIP-7702 transaction with empty auth list")
    for authorization in transaction.authorizations:
        # The EIP would skip such an entry; refusing it leaves nothing for two engines to judge.
        if authorization.y_parity > 1:
            raise InvalidTransaction("EIP-7702 authorization with invalid y parity")
        _check_signature(authorization.r, authorization.s)


def check_against_account(transaction: Transaction, account: Account, code: bytes) -> None:
    """Raise `InvalidTransaction` unless the transaction is executable on its sender's account."""
    if transaction.nonce != account.nonce:
        word = "low" if transaction.nonce < account.nonce else "high"
        raise InvalidTransaction(
            f"nonce too {word}", why=f"next nonce {account.nonce}, tx nonce {transaction.nonce}"
        )
    check_funds(transaction, account, code)


def check_funds(transaction: Transaction, account: Account, code: bytes) -> None:
    """Raise `InvalidTransaction` unless the account may send and can pay, at whatever nonce."""
    if code and not is_delegation(code):
        raise InvalidTransaction("sender not an eoa")  # EIP-3607
    needed = cost(transaction)
    if needed > account.balance:
        raise InvalidTransaction(
            "insufficient funds for gas * price + value",
            why=f"have {account.balance} want {needed}",
        )


def cost(transaction: Transaction) -> int:
    """Return the most a transaction can take from its sender, in wei."""
    return transaction.gas * transaction.max_fee + transaction.value


def is_delegation(code: bytes) -> bool:
    """Whether an account's code is an EIP-7702 delegation and not a contract's."""
    return len(code) == DELEGATION_LENGTH and code.startswith(DELEGATION_PREFIX)
