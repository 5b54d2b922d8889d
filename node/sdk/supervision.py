"""What a regulator's officers do on record, as calls: freezes, inspections, access-log roots (R22).

Each builds the call of one contract function; `node.sdk.sender` signs and sends it.
"""

from node.sdk.abi import encode_call
from node.sdk.contracts import Call
from node.spec.registry import SUPERVISION
from node.spec.types import Address, Hash32
from node.spec.vocabulary import FreezeGround


def _call(function: str, *values: object) -> Call:
    data = encode_call("supervision", function, *values)
    return Call(SUPERVISION, data, f"supervision.{function}")


def freeze_authorization(
    authorization: Hash32, ground: FreezeGround, case_hash: Hash32, until: int
) -> Call:
    """Freeze an authorization for at most 72 hours, or extend another officer's freeze.

    Whoever ordered or extended its last freeze leaves the next one to another officer.
    """
    return _call("freezeAuthorization", authorization, int(ground), case_hash, until)


def freeze_member(member: int, ground: FreezeGround, case_hash: Hash32, until: int) -> Call:
    """Freeze a member for at most 72 hours, or extend another officer's freeze; see above."""
    return _call("freezeMember", member, int(ground), case_hash, until)


def freeze_zone(
    zone: int, purposes: int, ground: FreezeGround, case_hash: Hash32, until: int
) -> Call:
    """Freeze purposes in a zone, 0 for every zone; it takes two officers within 72 hours.

    While a freeze runs, another holds all of its purposes and ends no earlier.
    """
    return _call("freezeZone", zone, purposes, int(ground), case_hash, until)


def lift_freeze(kind: str, target: int) -> Call:
    """End a freeze of an "authorization" (by its id), a "member" or a "zone" (by its index)."""
    return _call("lift", kind, target)


def open_inspection(member: int, case_hash: Hash32, until: int) -> Call:
    """Put on record that a member is inspected, until a date."""
    return _call("openInspection", member, case_hash, until)


def close_inspection(inspection: Hash32, findings: Hash32) -> Call:
    """Close an inspection, with the hash of its findings."""
    return _call("closeInspection", inspection, findings)


def anchor_access_log(node: Address, day: int, root: Hash32) -> Call:
    """Anchor the root of a node's access log of a day (R24)."""
    return _call("anchorAccessLog", "0x" + node.hex(), day, root)
