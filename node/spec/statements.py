"""Statements of a period: totals of uses, and commitments to fees that no chain shows (R15, R18).

The Python twin of `chaincode/statements.vy`. A use statement's root is over (authorization, count)
of all that are not nil, by ascending authorization; a fee statement's commitment is over a salt and
the content that both sides hold.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Final

from chaincode import ADDRESSES
from node.spec import merkle
from node.spec.crypto import keccak256
from node.spec.slots import mapping_slot
from node.spec.terms import CONTRACT_VERSION, NAME
from node.spec.typed_data import Domain, struct_hash, typed_digest
from node.spec.types import ZERO_HASH, Address, Hash32

STATEMENTS_OF_PERIODS: Final = Address(ADDRESSES["statements"])
FEES: Final = 1
"""Position of `fees`: of a pair and period the commitment."""
PAYMENTS: Final = 2
"""Position of `payments`: of a statement the kind of payment, 0 while it is not paid."""
SALT_BYTES: Final = 32

FEE_TYPE: Final = (
    "FeeStatement(uint32 provider,uint32 consumer,uint32 exchange,uint64 since,uint64 until,"
    "bytes32 commitment)"
)


@dataclass(frozen=True, slots=True)
class FeeStatement:
    """A period's fees of a pair; times are Unix seconds, the first inside and the last outside."""

    provider: int
    consumer: int
    exchange: int
    """0 in direct trade."""
    since: int
    until: int
    commitment: Hash32


def slot_of_fees(statement: FeeStatement) -> int:
    """Return where Statements holds the commitment of a statement's pair and period."""
    words = (statement.provider, statement.consumer, statement.since, statement.until)
    key = keccak256(b"".join(word.to_bytes(32, "big") for word in words))
    return mapping_slot(FEES, key)


def slot_of_payment(statement: Hash32) -> int:
    """Return where Statements holds how a statement was paid, by its id."""
    return mapping_slot(PAYMENTS, statement)


def statement_id(statement: FeeStatement, chain_id: int) -> Hash32:
    """Return the digest that both sides sign, and in platform trade the exchange."""
    domain = Domain(NAME, CONTRACT_VERSION, chain_id, STATEMENTS_OF_PERIODS)
    return typed_digest(domain, struct_hash(FEE_TYPE, astuple(statement)))


def fee_commitment(salt: bytes, content: bytes) -> Hash32:
    """Return what a fee statement holds of its content: nothing without the salt (R18)."""
    return keccak256(salt + keccak256(content))


def uses_root(counts: Mapping[Hash32, int]) -> Hash32:
    """Return the root over each authorization's count; zero when all are nil."""
    entries = [
        keccak256(authorization + count.to_bytes(32, "big"))
        for authorization, count in sorted(counts.items())
        if count
    ]
    return merkle.root(entries) if entries else ZERO_HASH
