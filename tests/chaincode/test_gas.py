"""A block holds 200 million gas: what a grant, a lease and a use cost decides the volume."""

from node.spec import usage
from node.spec.terms import words
from tests.chaincode import world as w

LEASES = 50


def test_a_grant():
    world = w.market()
    requested = world.send("b.approver", "authorizations", "request", words(w.terms()))
    approved = world.send("a.approver", "authorizations", "approve", w.identifier(w.terms()))
    assert requested.gas_used < 160_000
    assert approved.gas_used < 55_000


def test_leases_and_receipts_alone():
    world = w.market()
    authorization = w.grant(world)
    w.open_lease(world, authorization, 1)
    opening = w.opening(authorization, world)
    opened = world.send("b.gateway", "leases", "open", opening, w.account("a.gateway"))
    assert opened.gas_used < 90_000
    lease = usage.lease_id(authorization, 2)
    costs = []
    for receipt in w.chain(world, lease, 2):
        call = ("leases", "settle", authorization, 2, w.plain(receipt), *w.both(w.hashed(receipt)))
        costs.append(world.send("a.gateway", *call).gas_used)
    assert costs[0] < 92_000
    assert costs[1] < 75_000


def test_many_at_once_cost_less_each():
    world = w.market()
    grants = [w.grant(world, nonce=nonce) for nonce in range(LEASES)]
    openings = [w.opening(grant, world, uses=100) for grant in grants]
    opened = world.send("b.gateway", "leases", "openMany", openings, w.account("a.gateway"))
    assert opened.gas_used / LEASES < 47_000
    receipts = [
        receipt for grant in grants for receipt in w.chain(world, usage.lease_id(grant, 1), 20)
    ]
    last = receipts[19::20]
    ranges = [
        usage.UseRange(grant, 1, 1, 20, w.hashed(receipt), True)
        for grant, receipt in zip(grants, last, strict=True)
    ]
    settled = w.anchor(world, w.batch_of(ranges, receipts), ranges)
    assert settled.gas_used / LEASES < 52_000
    assert settled.gas_used / len(receipts) < 2_600
