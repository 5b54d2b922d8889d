"""The period of acceptance, accepting data, objecting and answering an objection, as calls (R5).

Each builds the call of one contract function; `node.sdk.sender` signs and sends it.
"""

from node.sdk.abi import encode_call
from node.sdk.contracts import Call
from node.spec.acceptances import ACCEPTANCES
from node.spec.terms import Terms, words
from node.spec.types import Hash32


def _call(function: str, *values: object) -> Call:
    data = encode_call("acceptances", function, *values)
    return Call(ACCEPTANCES, data, f"acceptances.{function}")


def begin_acceptance(terms: Terms) -> Call:
    """Begin the period of acceptance now, as the consumer, before the first lease."""
    return _call("begin", words(terms))


def accept_data(terms: Terms) -> Call:
    """Accept, as the consumer, at once or after an objection was answered."""
    return _call("accept", words(terms))


def object_to_data(terms: Terms, evidence: Hash32) -> Call:
    """Object within the period of acceptance, as the consumer; `evidence` is a hash."""
    return _call("object", words(terms), evidence)


def answer_objection(terms: Terms, evidence: Hash32) -> Call:
    """Answer an objection, as the provider: what was mended, or why not, by its hash."""
    return _call("answer", words(terms), evidence)
