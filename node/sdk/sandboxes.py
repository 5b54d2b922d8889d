"""Sandboxes, as calls: opening by two officers, admitting, expelling, closing early.

Each builds the call of one contract function; `node.sdk.sender` signs and sends it.
"""

from dataclasses import astuple, dataclass

from node.sdk.abi import encode_call
from node.sdk.contracts import Call
from node.spec.sandboxes import SANDBOXES
from node.spec.types import Hash32


@dataclass(frozen=True, slots=True)
class SandboxPlan:
    """What two officers must say alike to open a sandbox."""

    zone: int
    purposes: int
    """Bit i: purpose i is allowed beside those of the zone; 0 relaxes nothing."""
    authorizations_maximum: int
    uses_maximum: int
    uses_each: int
    until: int
    """Unix seconds, the first outside."""
    case_hash: Hash32


def _call(function: str, *values: object) -> Call:
    return Call(SANDBOXES, encode_call("sandboxes", function, *values), f"sandboxes.{function}")


def open_sandbox(plan: SandboxPlan) -> Call:
    """Propose a sandbox, as an officer, or open it as the second who says the same in 72 hours."""
    return _call("open", *astuple(plan))


def admit_to_sandbox(sandbox: int, member: int) -> Call:
    """Admit a member, as an officer."""
    return _call("admit", sandbox, member)


def expel_from_sandbox(sandbox: int, member: int, case_hash: Hash32) -> Call:
    """Expel a member, as an officer: what it provides or consumes in the sandbox is revoked."""
    return _call("expel", sandbox, member, case_hash)


def close_sandbox(sandbox: int, case_hash: Hash32) -> Call:
    """Close before the end, as an officer: all that is in force in it is revoked."""
    return _call("close", sandbox, case_hash)
