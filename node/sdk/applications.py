"""Applications for public data, as calls: applying, reviewing, supplementing, deciding.

Each builds the call of one contract function; `node.sdk.sender` signs and sends it.
"""

from node.sdk.abi import encode_call
from node.sdk.contracts import Call
from node.spec.applications import APPLICATIONS
from node.spec.types import Address, Hash32
from node.spec.vocabulary import RefusalReason


def _call(function: str, *values: object) -> Call:
    data = encode_call("applications", function, *values)
    return Call(APPLICATIONS, data, f"applications.{function}")


def apply_for_data(product: Hash32, version: int, purpose: int, document: Hash32) -> Call:
    """Apply for a product version that is open on application, for one purpose, as an approver."""
    return _call("apply", product, version, purpose, document)


def assign_reviewer(application: int, reviewer: Address) -> Call:
    """Name the reviewer of record, as the provider, or another in that one's place."""
    return _call("assign", application, "0x" + reviewer.hex())


def ask_supplement(application: int, wanted: Hash32) -> Call:
    """Ask, once, for all that is lacking, as the reviewer; the time to decide stands still."""
    return _call("askSupplement", application, wanted)


def file_supplement(application: int, document: Hash32) -> Call:
    """File what was lacking, as the applicant; the time to decide goes on."""
    return _call("fileSupplement", application, document)


def extend_application(application: int, grounds: Hash32) -> Call:
    """Extend the time to decide once, as the provider, on grounds given by their hash."""
    return _call("extend", application, grounds)


def approve_application(application: int, until: int, conditions: Hash32) -> Call:
    """Approve up to a date (Unix seconds, the first outside), as the reviewer."""
    return _call("approve", application, until, conditions)


def refuse_application(application: int, reason: RefusalReason, text: Hash32) -> Call:
    """Refuse for a reason of the vocabulary, as the reviewer."""
    return _call("refuse", application, int(reason), text)


def withdraw_application(application: int) -> Call:
    """Withdraw an application that is open, as the applicant."""
    return _call("withdraw", application)


def lapse_application(application: int) -> Call:
    """Put on record, as anyone, that a supplement did not come in time."""
    return _call("lapse", application)


def mark_application_overdue(application: int) -> Call:
    """Put on record, as anyone, that an application was not decided in time."""
    return _call("markOverdue", application)
