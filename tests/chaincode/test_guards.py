"""Some asserts guard what no honest call can reach: full counters, and contracts that go wrong.

They are the last line where another contract errs, so each must hold. A counter is set in storage
as if the years had filled it, and a contract is spoken for by its address.
"""

import re
from dataclasses import replace

import pytest

from chaincode import ADDRESSES, load
from chaincode.build import ROOT
from node.errors import ConfigError
from node.execution.engine import Message
from node.sdk.abi import encode_call
from node.sdk.governance import admit_member
from node.spec import registry, usage
from node.spec.crypto import keccak256
from node.spec.slots import mapping_slot
from node.spec.terms import words
from node.spec.types import ZERO_ADDRESS, ZERO_HASH, Address
from node.spec.vocabulary import DeliveryMode, MemberKind, Role, mask
from tests.chaincode import world as w
from tests.chaincode.test_closing import NONE, shown


@pytest.fixture
def world():
    return w.market()


def constant(contract, name):
    """A constant of a source, as it is written there."""
    text = (ROOT / f"{contract}.vy").read_text("utf-8")
    found = re.search(rf"^{name}: constant\(uint256\) = (.+)$", text, re.MULTILINE)
    return eval(found[1], {})  # a number, or a power of two less one


def patch(world, contract, slot, keep, value):
    """Set some bits of a slot, as if calls had."""
    slots = world.state.slots[Address(ADDRESSES[contract])]
    slots[slot] = slots.get(slot, 0) & ~keep | value


def refused_from(world, contract, called, method, *values):
    """The reason with which a call by a contract's own address is refused; nothing if it is not."""
    message = Message(
        Address(ADDRESSES[contract]),
        Address(ADDRESSES[called]),
        encode_call(called, method, *values),
    )
    outcome = world.engine.call(world.environment(), message, world.state)
    return "" if outcome.succeeded else w.reason(outcome)


def standing(authorization):
    return registry.slots_of_authorization(authorization)[0]


def lease_slot(lease):
    return mapping_slot(registry.LEASE_RECORDS, lease)


# Counters that are full ----


def test_leases_of_an_authorization_have_a_last_number(world):
    authorization = w.grant(world)
    last, place = constant("authorizations", "LEASES_MAX"), constant("authorizations", "LEASES_AT")
    patch(world, "authorizations", standing(authorization), last << place, last - 1 << place)
    call = ("leases", "open", w.opening(authorization, world), w.account("a.gateway"))
    assert world.refused("b.gateway", *call) == "authorizations: too many leases"
    patch(world, "authorizations", standing(authorization), last << place, last - 2 << place)
    world.send("b.gateway", *call)


def test_terms_of_an_authorization_have_a_last_version(world):
    first = w.terms()
    authorization = w.grant(world)
    last = constant("authorizations", "VERSIONS_MAX")
    place = constant("authorizations", "VERSION_AT")
    more = replace(first, amends=authorization, maximum_uses=first.maximum_uses + 1)
    signed = [w.signature("a.approver", w.identifier(more))]
    call = ("grants", "requestUpon", words(more), [words(first)], signed)
    patch(world, "authorizations", standing(authorization), last << place, last << place)
    versions = mapping_slot(load("authorizations").layout["versions"], authorization)
    number = int.from_bytes(authorization, "big")
    patch(world, "authorizations", mapping_slot(versions, last), 2**256 - 1, number)
    assert world.refused("b.approver", *call) == "authorizations: too many versions"
    patch(world, "authorizations", mapping_slot(versions, last - 1), 2**256 - 1, number)
    patch(world, "authorizations", standing(authorization), last << place, last - 1 << place)
    world.send("b.approver", *call)


def test_sharing_onward_has_an_end(world):
    """A chain of parents is never so long; here one authorization is its own parent."""
    authorization = w.grant(world)
    parents = load("authorizations").layout["parents"]
    number = int.from_bytes(authorization, "big")
    patch(world, "authorizations", mapping_slot(parents, authorization), 2**256 - 1, number)
    w.request(world, w.terms(nonce=1))
    flags = constant("authorizations", "FLAGS_AT")
    limits = registry.slots_of_authorization(authorization)[1]
    for bit in range(flags, flags + 18):
        patched = world.copy()
        patch(patched, "authorizations", limits, 0, 1 << bit)
        call = ("leases", "open", w.opening(authorization, patched), w.account("a.gateway"))
        if patched.attempt("b.gateway", *call) == "authorizations: shared onward too often":
            return
    raise AssertionError("no flag leads to the parents")


def test_keys_and_members_have_a_last_number(world):
    layout = load("members").layout
    full = world.copy()
    patch(full, "members", layout["key_count"], 2**256 - 1, constant("members", "KEYS_MAX"))
    roles = mask(Role.SENDER)
    admit = ("members", "admitAccount", w.account("newcomer"), roles)
    assert full.refused("a.governor", *admit) == "members: too many keys"
    world.send("a.governor", *admit)
    last = constant("members", "MEMBERS_MAX")
    told = {}
    for count in (last - 1, last):
        tried = world.copy()
        patch(tried, "members", layout["member_count"], 2**256 - 1, count)
        told[count] = admitting(tried)
    assert told == {last - 1: "", last: "members: too many members"}


def admitting(world):
    """The reason with which a member is not admitted; nothing where it is."""
    proposal = admit_member(
        "529900W18LQJJN6SJ336", MemberKind.BANK, w.account("newcomer.governor"), "Newcomer"
    )
    values = (int(proposal.kind), proposal.content)
    return refused_from(world, "governance", "members", "enactProposal", *values)


# What a genesis may not say ----


@pytest.mark.parametrize("floor", [0, 7 * 86_400 + 1])
def test_a_genesis_has_a_floor_of_deadlines(floor):
    with pytest.raises(ConfigError) as caught:
        w.construct(*w.members_arguments(), grants=(floor,))
    assert "grants: deadline floor" in caught.value.diagnostics()


def test_a_founder_has_a_name():
    founders, accounts, nodes = w.members_arguments()
    nameless = [(*founders[0][:2], "", *founders[0][3:]), *founders[1:]]
    with pytest.raises(ConfigError) as caught:
        w.construct(nameless, accounts, nodes)
    assert "members: no name" in caught.value.diagnostics()


def test_a_node_has_an_address(world):
    refused = world.refused("a.governor", "members", "admitNode", ZERO_ADDRESS)
    assert refused == "members: no node"


# Contracts that go wrong ----


def test_leases_cannot_release_more_than_they_reserved(world):
    authorization = w.grant(world)
    w.open_lease(world, authorization)
    release = ("leases", "authorizations", "release", authorization)
    assert refused_from(world, *release, 2, 0) == "authorizations: fewer leases are open"
    assert refused_from(world, *release, 1, 11) == "authorizations: fewer uses are counted"


def test_closings_cannot_turn_a_leases_counts_back(world):
    authorization = w.grant(world)
    lease = w.open_lease(world, authorization)
    receipts = w.chain(world, lease, 2)
    world.send("a.gateway", *shown("closeAlone", authorization, receipts[1]))
    advance = ("closings", "leases", "advance", lease)
    for settled, claimed in ((1, 0), (0, 5)):
        refused = refused_from(world, *advance, settled, claimed, ZERO_HASH, world.time)
        assert refused == "leases: counts run backwards"


def test_a_lease_without_keys_settles_nothing(world):
    authorization = w.grant(world)
    lease = w.open_lease(world, authorization)
    receipt = w.chain(world, lease, 1)[0]
    call = shown("settle", authorization, receipt)
    keys = (2**48 - 1) << 168
    patch(world, "leases", lease_slot(lease), keys, 0)
    assert world.refused("a.gateway", *call) == "usage: unknown lease"


def test_a_close_alone_shows_a_receipt_that_follows(world):
    authorization = w.grant(world)
    lease = w.open_lease(world, authorization, mode=DeliveryMode.QUERY)
    stray = w.receipt(world, lease, 1, keccak256(b"another chain"))
    refused = world.refused("a.gateway", *shown("closeAlone", authorization, stray))
    assert refused == "closings: does not follow the last receipt"
    world.send("b.gateway", *shown("closeAlone", authorization, NONE))
    assert usage.lease_id(authorization, 1) == lease
