"""The consortium with a government office in bank A's place, whose data are open on application."""

from functools import cache
from typing import Any

from node.sdk import applications as calls
from node.sdk.governance import set_holidays
from node.spec import applications
from node.spec.crypto import keccak256
from node.spec.vocabulary import MemberKind, RefusalReason, purpose
from node.spec.working_days import year_table
from tests.chaincode import world as w
from tests.chaincode.members import IDENTIFIERS

DOCUMENT = keccak256(b"the application")
TEXT = keccak256(b"the decision")
CHECKING, SCORE = purpose("CreditChecking"), purpose("CreditScoreEvaluation")
"""A purpose and a child of it."""
YEAR = 365 * w.DAY
YEARS = range(2027, 2032)
"""Those with a table of working days: Monday to Friday."""


def kinds(**changes: MemberKind) -> Any:
    """The founders, with other kinds for some of them by name."""
    founders, accounts, nodes = w.members_arguments()
    named = {IDENTIFIERS[index].ljust(32, b"\0"): name for index, name in w.NAMES.items()}
    changed = [
        (founder[0], changes.get(named[founder[0]], founder[1]), *founder[2:])
        for founder in founders
    ]
    return changed, accounts, nodes


def publish(world: w.World, **changes: Any) -> int:
    """The office's next version, open on application and approved; its number."""
    names, fields = w.schema()
    offered = w.offering(**{"on_application": True, **changes})
    world.send("a.approver", "catalog", "publish", w.SALT, offered, names, fields)
    number: int = world.view("catalog", "latestVersion", w.product())
    world.send("exchange.approver", "catalog", "approve", w.product(), number)
    return number


@cache
def _market(tables: bool) -> w.World:
    world = w.construct(*kinds(a=MemberKind.GOVERNMENT_OFFICE))
    publish(world)
    world.send("exchange.approver", "templates", "propose", w.TEMPLATE, w.CLAUSES)
    world.send("regulator.approver", "templates", "adopt", w.TEMPLATE)
    for year in YEARS if tables else ():
        w.govern(world, set_holidays(year, year_table(year, set())))
    return world


def market(*, tables: bool = True) -> w.World:
    """A consortium with one approved product of an office, version 1, open on application."""
    return _market(tables).copy()


def apply(world, sender="b.approver", *, version=1, wanted=CHECKING, reviewer="a.approver"):
    """An application on record, its reviewer assigned; its number."""
    world.carry_out(sender, calls.apply_for_data(w.product(), version, wanted, DOCUMENT))
    number = world.view("applications", "applicationCount")
    if reviewer:
        world.carry_out("a.approver", calls.assign_reviewer(number, w.account(reviewer)))
    return number


def approve(world, number, until=None):
    until = until or world.time + YEAR
    return world.carry_out("a.approver", calls.approve_application(number, until, TEXT))


def refuse(world, number, reason=RefusalReason.NOT_HELD):
    return world.carry_out("a.approver", calls.refuse_application(number, reason, TEXT))


def state(world, number):
    """What state keeps, which the reader and the contract must tell alike."""
    read = world.reader("applications")
    found = applications.application(read, number)
    told = world.view("applications", "statusOf", number)
    assert (found.status_at(world.time) if found else 0) == told
    if found is not None:
        kept = list(world.view("applications", "application", number))
        kept[8] = bytes.fromhex(kept[8][2:])
        assert tuple(kept) == w.plain(found)
    return found


def refused(world, sender, method, *values):
    return world.refused(sender, "applications", method, *values).removeprefix("applications: ")


def request(world, **changes):
    """Bank B asks for terms; why it is refused, nothing when it is not."""
    return world.attempt("b.approver", *w.requesting(w.terms(**changes)))
