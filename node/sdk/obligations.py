"""Duties that follow uses, as calls: deletion, salts, informing, compensating, holds (R21).

Each builds the call of one contract function; `node.sdk.sender` signs and sends it.
"""

from node.sdk.abi import encode_call
from node.sdk.contracts import Call
from node.spec.obligations import OBLIGATIONS
from node.spec.terms import Terms, words
from node.spec.types import Hash32
from node.spec.vocabulary import ObligationKind


def _call(function: str, *values: object) -> Call:
    data = encode_call("obligations", function, *values)
    return Call(OBLIGATIONS, data, f"obligations.{function}")


def open_deletion(authorization: Hash32) -> Call:
    """Open what the end of an authorization obliges to; anyone may."""
    return _call("openDeletion", authorization)


def certify_deletion(authorization: Hash32, leases: int, method: Hash32, scope: Hash32) -> Call:
    """Certify, as the consumer, that what was received under all leases is deleted."""
    return _call("certifyDeletion", authorization, leases, method, scope)


def ask_erasure(terms: Terms, signature: bytes = b"") -> Call:
    """Carry in a subject's or agent's wish to be erased; unsigned where the sender is that itself.

    `terms` are those in force when the authorization ended.
    """
    return _call("askErasure", words(terms), signature)


def impose_obligation(
    kind: ObligationKind, authorization: Hash32, member: int, due: int, evidence: Hash32
) -> Call:
    """Oblige a side to inform or to compensate by a date (Unix seconds), as a regulator."""
    return _call("impose", int(kind), authorization, member, due, evidence)


def fulfil_obligation(obligation: Hash32, evidence: Hash32) -> Call:
    """Show that a duty other than deletion is done, as the member that owes it."""
    return _call("fulfil", obligation, evidence)


def mark_overdue(obligation: Hash32) -> Call:
    """Put on record that an obligation is late; anyone may."""
    return _call("markOverdue", obligation)


def hold_deletion(authorization: Hash32, case_hash: Hash32, until: int) -> Call:
    """Hold deletion up to a date (Unix seconds), as an officer; a past date lifts the hold."""
    return _call("hold", authorization, case_hash, until)
