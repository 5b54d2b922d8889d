"""An agent approves for a subject only within its power, and what stands on it falls with it."""

from dataclasses import replace

import pytest

from node.sdk import delegations as sdk
from node.spec import delegations as d
from node.spec.crypto import keccak256
from node.spec.terms import revocation_digest, words
from node.spec.types import ZERO_ADDRESS, ZERO_HASH
from node.spec.vocabulary import (
    AuthorizationStatus,
    DelegationKind,
    Party,
    Reason,
    mask,
    purpose,
)
from tests.chaincode import world as w
from tests.chaincode.test_authorizations import malleable

AGENT = d.Delegation(
    kind=DelegationKind.AGENT,
    principal=w.account("subject"),
    agent=w.account("agent"),
    purposes=1 << purpose("CreditChecking"),
    until=w.GENESIS_TIME + 20 * w.DAY,
    evidence=ZERO_HASH,
    nonce=1,
)
GUARDIAN = replace(AGENT, kind=DelegationKind.GUARDIAN, evidence=keccak256(b"court"))


@pytest.fixture
def world():
    return w.market()


def identity(delegation):
    return d.delegation_id(delegation, w.CHAIN_ID)


def carrying(delegation, signer="subject"):
    signed = w.signature(signer, identity(delegation))
    return ("delegations", "delegate", w.plain(delegation), signed)


def agreed(given=AGENT, **changes):
    values = {"agent": given.agent, "delegation": identity(given), **changes}
    return w.personal_terms(**values)


def granted(world, delegation=AGENT):
    terms = agreed(delegation)
    w.request(world, terms)
    signed = w.signature("agent", w.identifier(terms))
    world.send("a.approver", *w.approving(terms, signed))
    return w.identifier(terms)


def opening(world, authorization):
    wanted = w.opening(authorization, world, mode=0)
    return ("leases", "open", wanted, w.account("a.gateway"))


def test_an_agent_approves_in_the_subjects_place(world):
    assert w.events(world.send("c.gateway", *carrying(AGENT))) == ["Delegated"]
    authorization = granted(world)
    state = world.authorization(authorization)
    assert state.status == AuthorizationStatus.ACTIVE
    assert state.is_delegated
    assert state.required == mask(Party.PROVIDER, Party.CONSUMER, Party.AGENT)
    world.send("b.gateway", *opening(world, authorization))


def test_the_subjects_own_signature_is_not_the_agents(world):
    world.send("c.gateway", *carrying(AGENT))
    w.request(world, agreed())
    signed = w.signature("subject", w.identifier(agreed()))
    refused = world.refused("c.gateway", *w.approving(agreed(), signed))
    assert refused == "authorizations: not an awaited party"


@pytest.mark.parametrize("ender", ["subject", "agent"])
def test_what_was_granted_dies_with_the_delegation(world, ender):
    world.send("c.gateway", *carrying(AGENT))
    authorization = granted(world)
    digest = d.end_digest(identity(AGENT), w.CHAIN_ID)
    end = ("delegations", "endSigned", identity(AGENT))
    assert world.refused("c.gateway", *end, w.signature("x", digest)) == (
        "delegations: not a party"
    )
    assert world.refused("c.gateway", *end, digest) == "delegations: malformed signature"
    refused = world.refused("c.gateway", *end, malleable(w.signature(ender, digest)))
    assert refused == "delegations: malformed signature"
    told = world.send("c.gateway", *end, w.signature(ender, digest))
    assert w.events(told) == ["DelegationEnded"]
    refused = world.refused("b.gateway", *opening(world, authorization))
    assert refused == "authorizations: the delegation has ended"
    assert world.refused("c.gateway", *end, w.signature(ender, digest)) == (
        "delegations: not in force"
    )
    late = agreed(nonce=2)
    assert world.refused("b.approver", *w.requesting(late)) == "delegations: not in force"


def test_a_delegation_ends_by_itself(world):
    world.send("c.gateway", *carrying(AGENT))
    authorization = granted(world)
    read = world.reader("delegations")
    assert d.stands(read, identity(AGENT), world.time)
    assert world.view("delegations", "isLive", identity(AGENT))
    world.time = AGENT.until - 1
    assert world.refused("b.gateway", *opening(world, authorization)) == (
        "authorizations: the delegation has ended"
    )
    assert not d.stands(read, identity(AGENT), world.time)
    assert not world.view("delegations", "isLive", identity(AGENT))


def test_a_delegation_ended_before_the_last_approval_activates_nothing(world):
    world.send("c.gateway", *carrying(AGENT))
    w.request(world, agreed())
    digest = d.end_digest(identity(AGENT), w.CHAIN_ID)
    signed = w.signature("subject", digest)
    world.send("c.gateway", "delegations", "endSigned", identity(AGENT), signed)
    signed = w.signature("agent", w.identifier(agreed()))
    refused = world.refused("a.approver", *w.approving(agreed(), signed))
    assert refused == "delegations: not in force"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"agent": w.account("x")}, "delegations: of others"),
        ({"subject": w.account("x")}, "delegations: of others"),
        ({"purpose": purpose("FraudManagement")}, "delegations: purpose beyond its power"),
        ({"delegation": keccak256(b"x")}, "delegations: not in force"),
        ({"delegation": ZERO_HASH}, "delegations: not in force"),
        ({"agent": ZERO_ADDRESS}, "grants: delegation without an agent"),
        ({"agent": w.account("a.gateway")}, "grants: subject is an account of a party"),
        ({"agent": w.account("b.gateway")}, "grants: subject is an account of a party"),
    ],
)
def test_an_agent_acts_within_its_power_only(world, changes, reason):
    world.send("c.gateway", *carrying(AGENT))
    assert world.refused("b.approver", *w.requesting(agreed(**changes))) == reason


def test_a_guardian_is_vouched_for_by_the_provider_alone(world):
    vouch = ("delegations", "vouch", w.plain(GUARDIAN))
    assert world.refused("a.gateway", *vouch) == "delegations: not an approver"
    bare = replace(GUARDIAN, evidence=ZERO_HASH)
    assert world.refused("a.approver", "delegations", "vouch", w.plain(bare)) == (
        "delegations: no evidence"
    )
    world.send("c.approver", *vouch)
    refused = world.refused("b.approver", *w.requesting(agreed(GUARDIAN)))
    assert refused == "delegations: vouched by another member"
    own = replace(GUARDIAN, nonce=2)
    world.send("a.approver", "delegations", "vouch", w.plain(own))
    authorization = granted(world, own)
    assert world.refused("c.approver", "delegations", "end", identity(own)) == (
        "delegations: not a party"
    )
    world.send("a.approver", "delegations", "end", identity(own))
    assert world.refused("b.gateway", *opening(world, authorization)) == (
        "authorizations: the delegation has ended"
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"purposes": 0}, "no purposes"),
        ({"agent": ZERO_ADDRESS}, "no agent"),
        ({"agent": AGENT.principal}, "no agent"),
        ({"until": w.GENESIS_TIME}, "end out of range"),
        ({"until": 2**64 - 1}, "end out of range"),
        ({"kind": DelegationKind.GUARDIAN}, "not an agent's"),
        ({"kind": 3}, "not an agent's"),
    ],
)
def test_a_delegation_that_cannot_be(world, changes, reason):
    refused = world.refused("c.gateway", *carrying(replace(AGENT, **changes)))
    assert refused == f"delegations: {reason}"


def test_only_the_principal_names_an_agent_and_once(world):
    refused = world.refused("c.gateway", *carrying(AGENT, signer="agent"))
    assert refused == "delegations: not signed by the principal"
    world.send("c.gateway", *carrying(AGENT))
    assert world.refused("c.gateway", *carrying(AGENT)) == "delegations: known already"
    nobody = replace(GUARDIAN, principal=ZERO_ADDRESS)
    assert world.refused("a.approver", "delegations", "vouch", w.plain(nobody)) == (
        "delegations: no principal"
    )
    wrong = ("delegations", "vouch", w.plain(AGENT))
    assert world.refused("a.approver", *wrong) == "delegations: not a guardian's"
    assert world.view("delegations", "delegationId", w.plain(AGENT)) == identity(AGENT)
    assert world.view("delegations", "record", identity(AGENT))[0] == AGENT.until | 1 << 40


def test_subject_and_agent_both_may_end_what_was_granted(world):
    world.send("c.gateway", *carrying(AGENT))
    for nonce, account in enumerate(("subject", "agent")):
        terms = agreed(nonce=nonce)
        w.request(world, terms)
        signed = w.signature("agent", w.identifier(terms))
        world.send("a.approver", *w.approving(terms, signed))
        from_both = revocation_digest(w.identifier(terms), Reason.SUBJECT_WITHDREW, w.CHAIN_ID)
        carry = ("refusals", "revokeSigned", words(terms), Reason.SUBJECT_WITHDREW)
        world.send("c.gateway", *carry, w.signature(account, from_both))
        state = world.authorization(w.identifier(terms))
        assert state.status == AuthorizationStatus.REVOKED


def test_the_calls_of_the_sdk_do_the_same(world):
    signed = w.signature("subject", identity(AGENT))
    world.carry_out("c.gateway", sdk.carry_delegation(AGENT, signed))
    world.carry_out("agent", sdk.end_delegation(identity(AGENT)))
    world.carry_out("a.approver", sdk.vouch_for_guardian(GUARDIAN))
    ending = w.signature("agent", d.end_digest(identity(GUARDIAN), w.CHAIN_ID))
    world.carry_out("c.gateway", sdk.carry_end_of_delegation(identity(GUARDIAN), ending))
    for each in (AGENT, GUARDIAN):
        assert world.view("delegations", "record", identity(each))[0] >> 64 == 1
