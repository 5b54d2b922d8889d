"""Reaffirming consent, and suspending what nobody reaffirmed, as calls.

Each builds the call of one contract function; `node.sdk.sender` signs and sends it.
"""

from node.sdk.abi import encode_call
from node.sdk.contracts import Call
from node.spec.affirmations import AFFIRMATIONS
from node.spec.terms import Terms, words


def _call(function: str, *values: object) -> Call:
    data = encode_call("affirmations", function, *values)
    return Call(AFFIRMATIONS, data, f"affirmations.{function}")


def reaffirm_consent(terms: Terms, at: int, signature: bytes = b"") -> Call:
    """Carry in a subject's or agent's signature; none where the sender is that itself.

    `at` is what it is dated, Unix seconds: of the last seven days, and later than the one before.
    """
    return _call("reaffirm", words(terms), at, signature)


def suspend_unaffirmed(terms: Terms) -> Call:
    """Suspend, in the subject's name, what it should have reaffirmed by now; anyone may."""
    return _call("suspendUnaffirmed", words(terms))
