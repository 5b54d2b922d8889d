"""Disputes over receipts, as calls: opening, answering, ruling, appealing.

Each builds the call of one contract function; `node.sdk.sender` signs and sends it.
"""

from node.sdk.abi import encode_call
from node.sdk.contracts import Call
from node.spec.disputes import DISPUTES
from node.spec.types import Hash32
from node.spec.vocabulary import Ruling


def _call(function: str, *values: object) -> Call:
    return Call(DISPUTES, encode_call("disputes", function, *values), f"disputes.{function}")


def open_dispute(
    authorization: Hash32, lease: int, receipts: range, arbiter: int, evidence: Hash32
) -> Call:
    """Dispute receipts of a lease by their numbers, as a side, before the arbiter it names."""
    span = (receipts.start, receipts.stop - 1)
    return _call("open", authorization, lease, *span, arbiter, evidence)


def answer_dispute(number: int, evidence: Hash32) -> Call:
    """Answer a dispute, as the other side."""
    return _call("answer", number, evidence)


def rule_dispute(number: int, ruling: Ruling, grounds: Hash32) -> Call:
    """Rule, as the arbiter named."""
    return _call("rule", number, int(ruling), grounds)


def appeal_dispute(number: int, arbiter: int, evidence: Hash32) -> Call:
    """Appeal a ruling in time, once, to a regulator that has not ruled."""
    return _call("appeal", number, arbiter, evidence)


def end_dispute(number: int) -> Call:
    """End a dispute that nobody ruled on, or whose ruling nobody appealed, in time; anyone may."""
    return _call("end", number)


def withdraw_dispute(number: int) -> Call:
    """Take a dispute back before anyone ruled."""
    return _call("withdraw", number)
