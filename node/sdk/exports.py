"""Exports of persons' data, as calls: recorded before they are served, declared if made elsewhere.

Each builds the call of one contract function; `node.sdk.sender` signs and sends it.
"""

from collections.abc import Sequence

from node.sdk.abi import encode_call
from node.sdk.contracts import Call
from node.spec.registry import EXPORTS
from node.spec.terms import Terms, words
from node.spec.types import Hash32


def record_export(terms: Terms, references: Sequence[Hash32]) -> Call:
    """Record the persons whose data may leave under terms in force, as their provider (R20)."""
    data = encode_call("exports", "record", words(terms), list(references))
    return Call(EXPORTS, data, "exports.record")


def declare_exports_elsewhere(year: int, ordinary: int, sensitive: int) -> Call:
    """Declare the persons of a year whose data were exported elsewhere, as an approver."""
    data = encode_call("exports", "declareElsewhere", year, ordinary, sensitive)
    return Call(EXPORTS, data, "exports.declareElsewhere")
