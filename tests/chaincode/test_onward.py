"""What is shared onward lies within its parent in every dimension, and dies with it."""

from dataclasses import replace

import pytest

from node.spec.onward import refuse_child
from node.spec.terms import words
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import AuthorizationStatus, OwnerRight, Reason, mask, purpose
from node.spec.vocabulary import DeliveryMode as Mode
from tests.chaincode import world as w

PARENT = w.terms(
    recipients=1 << w.C,
    right=OwnerRight.OPERATING,
    rate_period=2,
    rate_limit=50,
    look_back_days=90,
    answer_within=w.FLOOR,
)
CHILD = replace(
    PARENT,
    provider=w.B,
    consumer=w.C,
    parent=w.identifier(PARENT),
    recipients=0,
    right=OwnerRight.PROCESSING,
    maximum_uses=40,
    rate_limit=20,
    purpose=purpose("CreditScoreEvaluation"),
    fields=0b1,
    modes=mask(Mode.QUERY),
    nonce=7,
)


def shared_with_c(parent):
    """Terms by which B shares five uses of a parent onward to C."""
    return replace(
        parent,
        provider=w.B,
        consumer=w.C,
        parent=w.identifier(parent),
        recipients=0,
        maximum_uses=5,
        right=OwnerRight.PROCESSING,
    )


@pytest.fixture
def world():
    world = w.market()
    w.request(world, PARENT)
    world.send("a.approver", *w.approving(PARENT))
    return world


def asking(child, parent=PARENT):
    return ("grants", "requestUpon", words(child), [words(parent)], ())


def shared(world, child=CHILD):
    world.send("c.approver", *asking(child))
    world.send("b.approver", *w.approving(child))
    return w.identifier(child)


def opening(world, child, **changes):
    wanted = {"uses": 5, "purpose": CHILD.purpose, "expires_at": world.time + 60, **changes}
    return w.opening(child, world, **wanted), w.account("b.gateway")


def test_a_child_takes_its_uses_out_of_the_parent(world):
    identity = shared(world)
    assert world.authorization(identity).status == AuthorizationStatus.ACTIVE
    assert world.authorization(identity).is_onward
    assert world.authorization(w.identifier(PARENT)).counted == 40
    world.send("c.gateway", "leases", "open", *opening(world, identity))
    too_many = replace(CHILD, maximum_uses=61, nonce=8)
    world.send("c.approver", *asking(too_many))
    refused = world.refused("b.approver", *w.approving(too_many))
    assert refused == "authorizations: parent's uses exhausted"


BEYOND = [
    ({"provider": w.A}, "not the parent's consumer"),
    ({"consumer": w.EXCHANGE}, "not a recipient"),
    ({"product_version": 2}, "not the parent's product"),
    ({"legal_basis": 3}, "not the parent's subject"),
    ({"subject_reference": b"\x01" * 32}, "not the parent's subject"),
    ({"fields": 0b1001}, "field beyond the parent"),
    ({"modes": mask(Mode.MODEL)}, "mode beyond the parent"),
    ({"purpose": purpose("FraudManagement")}, "purpose beyond the parent"),
    ({"destination": 344}, "destination beyond the parent"),
    ({"recipients": 1 << w.EXCHANGE}, "recipient beyond the parent"),
    ({"minimum_group": 4}, "smaller group than the parent"),
    ({"valid_from": PARENT.valid_from - 1}, "validity beyond the parent"),
    ({"valid_until": PARENT.valid_until + 1}, "validity beyond the parent"),
    ({"maximum_uses": 101}, "uses beyond the parent"),
    ({"template": b"\x01" * 32}, "not the parent's template"),
    ({"right": OwnerRight.HOLDING}, "right beyond the parent"),
    ({"look_back_days": 0}, "look-back beyond the parent"),
    ({"look_back_days": 91}, "look-back beyond the parent"),
    ({"retention_days": 31}, "retention beyond the parent"),
    ({"rate_period": 0, "rate_limit": 0}, "rate beyond the parent"),
    ({"rate_period": 1}, "rate beyond the parent"),
    ({"rate_limit": 51}, "rate beyond the parent"),
]


@pytest.mark.parametrize(("changes", "reason"), BEYOND)
def test_no_dimension_reaches_beyond_the_parent(world, changes, reason):
    child = replace(CHILD, **changes)
    assert world.refused("c.approver", *asking(child)) == f"lineage: {reason}"
    assert refuse_child(child, PARENT) == f"lineage: {reason}"
    assert refuse_child(CHILD, PARENT) is None


def test_the_parent_is_the_one_that_is_named(world):
    other = replace(PARENT, recipients=2**256 - 1)
    assert world.refused("c.approver", *asking(CHILD, other)) == "lineage: not the parent's terms"
    orphan = replace(CHILD, parent=ZERO_HASH)
    assert world.refused("c.approver", *asking(orphan)) == (
        "grants: not the terms that these stand on"
    )
    never = replace(PARENT, nonce=99)
    child = replace(CHILD, parent=w.identifier(never))
    assert world.refused("c.approver", *asking(child, never)) == "lineage: not the parent's terms"


@pytest.mark.parametrize("ending", ["revoke", "suspend"])
def test_a_child_dies_with_its_parent(world, ending):
    identity, parent = shared(world), w.identifier(PARENT)
    world.send("a.approver", "authorizations", ending, parent, Reason.PROVIDER_WITHDREW, ZERO_HASH)
    refused = world.refused("c.gateway", "leases", "open", *opening(world, identity))
    assert refused == "authorizations: parent is not active"
    late = replace(CHILD, nonce=8)
    assert world.refused("c.approver", *asking(late)) == "lineage: parent is not active"


def test_a_child_requested_before_the_end_is_not_activated_after_it(world):
    world.send("c.approver", *asking(CHILD))
    parent = w.identifier(PARENT)
    revoke = ("authorizations", "revoke", parent, Reason.PROVIDER_WITHDREW, ZERO_HASH)
    world.send("a.approver", *revoke)
    refused = world.refused("b.approver", *w.approving(CHILD))
    assert refused == "authorizations: parent is not active"


def test_a_grandchild_dies_with_the_first(world):
    wide = replace(PARENT, recipients=1 << w.C | 1 << w.A, nonce=50)
    w.request(world, wide)
    world.send("a.approver", *w.approving(wide))
    operating = OwnerRight.OPERATING
    child = replace(CHILD, parent=w.identifier(wide), recipients=1 << w.A, right=operating)
    world.send("c.approver", *asking(child, wide))
    world.send("b.approver", *w.approving(child))
    last = replace(
        child,
        provider=w.C,
        consumer=w.A,
        parent=w.identifier(child),
        recipients=0,
        right=OwnerRight.PROCESSING,
        maximum_uses=10,
        nonce=9,
    )
    world.send("a.approver", *asking(last, child))
    world.send("c.approver", *w.approving(last))
    wanted = opening(world, w.identifier(last))[0]
    world.send("a.gateway", "leases", "open", wanted, w.account("c.gateway"))
    revoke = ("authorizations", "revoke", w.identifier(wide), Reason.PROVIDER_WITHDREW, ZERO_HASH)
    world.send("a.approver", *revoke)
    refused = world.refused("a.gateway", "leases", "open", wanted, w.account("c.gateway"))
    assert refused == "authorizations: parent is not active"


def test_nobody_shares_with_itself(world):
    own = replace(PARENT, recipients=1 << w.B, nonce=60)
    w.request(world, own)
    world.send("a.approver", *w.approving(own))
    child = replace(CHILD, consumer=w.B, parent=w.identifier(own))
    assert world.refused("b.approver", *asking(child, own)) == "grants: provider is the consumer"
