"""An end is acknowledged by closing all leases in time; whoever does not is put on record."""

import pytest

from node.spec import usage
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import Reason
from tests.chaincode import world as w

WITHIN = 2 * w.FLOOR


@pytest.fixture
def world():
    return w.market()


def ended(world, leases=2):
    authorization = w.grant(world, acknowledge_within=WITHIN)
    for number in range(1, leases + 1):
        w.open_lease(world, authorization, number)
    revoke = ("revoke", authorization, Reason.PROVIDER_WITHDREW, ZERO_HASH)
    outcome = world.send("a.approver", "authorizations", *revoke)
    return authorization, w.events(outcome)


def close(world, authorization, number):
    lease = usage.lease_id(authorization, number)
    digest = usage.close_digest(lease, 0, lease, w.CHAIN_ID)
    call = ("leases", "close", authorization, number, 0, lease, *w.both(digest))
    return w.events(world.send("a.gateway", *call))


def due(world, authorization):
    return world.view("authorizations", "acknowledgementOf", authorization)


def test_closing_all_leases_acknowledges_an_end(world):
    authorization, events = ended(world)
    assert events == ["AcknowledgementDue", "AuthorizationRevoked", "ObligationOpened"]
    assert due(world, authorization) == world.time + WITHIN
    assert close(world, authorization, 1) == ["LeaseClosed"]
    assert close(world, authorization, 2) == ["EndAcknowledged", "LeaseClosed"]
    assert due(world, authorization) == 0


def test_without_leases_nothing_is_due(world):
    authorization, events = ended(world, leases=0)
    assert events == ["AuthorizationRevoked", "ObligationOpened"]
    refused = world.refused("c.gateway", "authorizations", "markOverdue", authorization)
    assert refused == "authorizations: no acknowledgement is due"


def test_anyone_marks_what_is_overdue_once(world):
    authorization, _ = ended(world)
    mark = ("authorizations", "markOverdue", authorization)
    world.time = due(world, authorization) - 2
    assert world.refused("c.gateway", *mark) == ("authorizations: acknowledgement is not overdue")
    assert w.events(world.send("c.gateway", *mark)) == ["AcknowledgementOverdue"]
    assert due(world, authorization) >> 40 == 1
    assert world.refused("c.gateway", *mark) == "authorizations: overdue already"
    close(world, authorization, 1)
    assert close(world, authorization, 2) == ["EndAcknowledged", "LeaseClosed"]


def test_a_lapsed_lease_is_acknowledged_by_both_statements(world):
    authorization, _ = ended(world, leases=1)
    world.time += 2 * w.DAY
    world.send("c.gateway", "leases", "lapse", authorization, 1)
    assert due(world, authorization)
    world.send("a.gateway", "closings", "stateUses", authorization, 1, 0)
    told = world.send("b.gateway", "closings", "stateUses", authorization, 1, 0)
    assert "EndAcknowledged" in w.events(told)
    assert due(world, authorization) == 0


def test_a_batch_acknowledges_too(world):
    authorization, _ = ended(world, leases=1)
    ranges = [usage.UseRange(authorization, 1, 1, 0, ZERO_HASH, True)]
    outcome = w.anchor(world, w.batch_of(ranges, []), ranges)
    assert "EndAcknowledged" in w.events(outcome)
