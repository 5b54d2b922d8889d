"""Statements of a period, as calls: uses by one side, fees by both, and that they were paid (R15).

Each builds the call of one contract function; `node.sdk.sender` signs and sends it.
"""

from collections.abc import Mapping
from dataclasses import astuple

from node.sdk.abi import encode_call
from node.sdk.contracts import Call
from node.spec.registry import STATEMENTS_OF_PERIODS
from node.spec.statements import FeeStatement, uses_root
from node.spec.types import Hash32
from node.spec.vocabulary import PaymentKind


def _call(function: str, *values: object) -> Call:
    data = encode_call("statements", function, *values)
    return Call(STATEMENTS_OF_PERIODS, data, f"statements.{function}")


def state_uses_of_period(
    provider: int, consumer: int, since: int, until: int, counts: Mapping[Hash32, int]
) -> Call:
    """State one side's uses of a period that is over, by authorization; what is left out is nil."""
    total = sum(counts.values())
    return _call("stateUses", provider, consumer, since, until, total, uses_root(counts))


def state_fees(
    statement: FeeStatement, provider: bytes, consumer: bytes, exchange: bytes = b""
) -> Call:
    """Anchor a fee statement with the signatures of both sides, and of an exchange it names."""
    return _call("stateFees", astuple(statement), provider, consumer, exchange)


def mark_paid(statement: FeeStatement, kind: PaymentKind, reference: Hash32) -> Call:
    """Mark a fee statement paid, as its provider; `reference` is a salted hash."""
    return _call("markPaid", astuple(statement), int(kind), reference)
