"""A sandbox with two officers, bank A's product tried in it, and both banks admitted."""

from functools import cache
from typing import Any

from node.sdk import sandboxes as calls
from node.sdk.governance import set_mandate
from node.sdk.sandboxes import SandboxPlan
from node.spec import sandboxes
from node.spec.crypto import keccak256
from node.spec.types import Hash32
from node.spec.vocabulary import MemberKind, Role, Zone, mask, purpose
from tests.chaincode import world as w

CASE = keccak256(b"case 3, salted")
END = w.GENESIS_TIME + 200 * w.DAY
FRAUD = purpose("FraudManagement")
SANDBOX = 1
VERSION = 2
"""Of the product, the one that is tried; version 1 is in no sandbox."""
OFFICERS = ("regulator.one", "regulator.two")


def plan(**changes: Any) -> SandboxPlan:
    """What both officers say, with changes."""
    values: dict[str, Any] = {
        "zone": Zone.FINANCE,
        "purposes": 0,
        "authorizations_maximum": 3,
        "uses_maximum": 200,
        "uses_each": 120,
        "until": END,
        "case_hash": CASE,
    }
    return SandboxPlan(**{**values, **changes})


def officers(world: w.World) -> None:
    """Two officers of the regulator, whose mandate is the zone of finance; and a third without."""
    for name in OFFICERS:
        roles = mask(Role.SENDER, Role.OFFICER)
        world.send("regulator.governor", "members", "admitAccount", w.account(name), roles)
    w.govern(world, set_mandate(w.REGULATOR, mask(Zone.FINANCE), mask(MemberKind.BANK)))


def open_one(world: w.World, **changes: Any) -> int:
    """Open a sandbox by both officers; its number."""
    for name in OFFICERS:
        world.carry_out(name, calls.open_sandbox(plan(**changes)))
    number: int = world.view("sandboxes", "sandboxCount")
    return number


def admit(world: w.World, number: int, *members: int) -> None:
    for member in members:
        world.carry_out(OFFICERS[0], calls.admit_to_sandbox(number, member))


def publish(world: w.World, sandbox: int, **changes: Any) -> int:
    """The next version of the product, tried in a sandbox; its number."""
    offered = w.offering(**{"sandbox": sandbox, **changes})
    world.send("a.approver", "catalog", "publish", w.SALT, offered, *w.schema())
    number: int = world.view("catalog", "latestVersion", w.product())
    world.send("exchange.approver", "catalog", "approve", w.product(), number)
    return number


@cache
def _market() -> w.World:
    world = w.market()
    officers(world)
    number = open_one(world)
    admit(world, number, w.A, w.B)
    assert (number, publish(world, number)) == (SANDBOX, VERSION)
    return world


def market() -> w.World:
    """A sandbox of three authorizations and 200 uses, 120 each, with A and B in it."""
    return _market().copy()


def terms(**changes: Any) -> Any:
    """Terms on the version that is tried."""
    return w.terms(**{"product_version": VERSION, "maximum_uses": 50, **changes})


def grant(world: w.World, **changes: Any) -> Hash32:
    """An active authorization in the sandbox."""
    agreed = terms(**changes)
    w.request(world, agreed)
    world.send("a.approver", *w.approving(agreed))
    return w.identifier(agreed)


def state(world: w.World, number: int = SANDBOX) -> sandboxes.Sandbox:
    """What state keeps, which the reader and the contract must tell alike."""
    found = sandboxes.sandbox(world.reader("sandboxes"), number)
    assert found is not None
    assert world.view("sandboxes", "sandbox", number) == w.plain(found)
    assert world.view("sandboxes", "isOpen", number) is found.is_open(world.time)
    return found


def refused(world: w.World, sender: str, method: str, *values: Any) -> str:
    """Try what Sandboxes must refuse; the words of its reason."""
    return world.refused(sender, "sandboxes", method, *values).removeprefix("sandboxes: ")


def request(world: w.World, **changes: Any) -> str:
    """Bank B asks; why it is refused, nothing when it is not."""
    return world.attempt("b.approver", *w.requesting(terms(**changes)))
