"""What a permission stands on may end or change beneath it, and none may do alone what takes two.

Each of these sequences once worked: a record of export that other terms had made, a request older
than the caution that concerns it, approvers of two regulators who made up one.
"""

from dataclasses import replace

import pytest

from node.sdk import acceptances
from node.sdk.governance import set_mandate, set_parameter, suspend_member
from node.spec import delegations
from node.spec.crypto import keccak256
from node.spec.terms import words
from node.spec.types import ZERO_ADDRESS, ZERO_HASH
from node.spec.vocabulary import (
    AuthorizationStatus,
    FreezeGround,
    MemberKind,
    OwnerRight,
    Parameter,
    Reason,
    Role,
    Zone,
    mask,
)
from tests.chaincode import offices, test_delegations, test_exports
from tests.chaincode import world as w
from tests.chaincode.test_onward import CHILD, PARENT, asking, shared
from tests.chaincode.test_versions import halt

CASE = keccak256(b"case")
APPROVER = mask(Role.SENDER, Role.APPROVER)
OFFICER = mask(Role.SENDER, Role.OFFICER)
AGENT = test_delegations.AGENT


@pytest.fixture
def world():
    return w.market()


def admit(world, name, roles):
    member = name.partition(".")[0]
    world.send(f"{member}.governor", "members", "admitAccount", w.account(name), roles)


def amend(world, before, after, *signers):
    signed = [w.signature(name, w.identifier(after)) for name in signers]
    call = ("grants", "requestUpon", words(after), [words(before)], signed)
    world.send("b.approver", *call)


def status(world, identity):
    return world.view("authorizations", "statusOf", identity)


def test_amended_terms_export_nothing_on_the_record_of_those_before(world):
    """Else no sensitive person would ever be counted (R20)."""
    plain = test_exports.abroad()
    identity = test_exports.granted(world, plain)
    world.send("a.gateway", *test_exports.recording(plain, test_exports.PEOPLE[:1]))
    opening = test_exports.opening(world, identity)
    world.send("b.gateway", *opening)
    sensitive = replace(plain, amends=identity, fields=test_exports.SENSITIVE, nonce=1)
    amend(world, plain, sensitive, "a.approver", "regulator.approver")
    refused = world.refused("b.gateway", *opening)
    assert refused == "authorizations: no export on record for the year"
    world.send("a.gateway", *test_exports.recording(sensitive, test_exports.PEOPLE[:1]))
    assert test_exports.counts(world) == (1, 1, 0, 0)
    world.send("b.gateway", *opening)


def test_the_one_subject_of_amended_terms_is_recorded_anew(world):
    terms = test_exports.abroad(**w.PERSON)
    identity = test_exports.granted(world, terms)
    world.send("a.gateway", *test_exports.recording(terms, test_exports.PEOPLE[:1]))
    after = replace(terms, amends=identity, nonce=1)
    amend(world, terms, after, "a.approver", "regulator.approver", "subject")
    world.send("a.gateway", *test_exports.recording(after, test_exports.PEOPLE[:1]))
    assert test_exports.counts(world) == (1, 0, 0, 0)


def test_what_is_shared_to_the_last_use_is_not_deleted_while_it_is_used(world):
    w.request(world, PARENT)
    world.send("a.approver", *w.approving(PARENT))
    identity = w.identifier(PARENT)
    shared(world, replace(CHILD, maximum_uses=PARENT.maximum_uses))
    assert status(world, identity) == AuthorizationStatus.EXHAUSTED
    delete = ("obligations", "openDeletion", identity)
    assert world.refused("x", *delete) == "obligations: the authorization has not ended"
    world.time = PARENT.valid_until
    world.send("x", *delete)


def test_approvers_of_two_regulators_do_not_make_up_one():
    world = w.construct(*offices.kinds(c=MemberKind.REGULATOR))
    offices.publish(world, on_application=False)
    world.send("exchange.approver", "templates", "propose", w.TEMPLATE, w.CLAUSES)
    world.send("regulator.approver", "templates", "adopt", w.TEMPLATE)
    for regulator in ("c", "regulator"):
        admit(world, f"{regulator}.second", APPROVER)
        world.send(f"{regulator}.governor", "members", "setApprovals", 2)
    agreed = w.terms(**w.ABROAD)
    identity = w.request(world, agreed)
    one, other = (w.signature(name, identity) for name in ("c.approver", "c.second"))
    mixed = w.approving(agreed, one)
    assert world.refused("regulator.approver", *mixed) == "grants: approvers of two regulators"
    assert world.refused("a.approver", *mixed) == "grants: too few approvers"
    world.send("a.approver", *w.approving(agreed, one, other))
    assert status(world, identity) == AuthorizationStatus.ACTIVE


@pytest.mark.parametrize("how", ["freeze", "suspend"])
def test_a_compromised_key_is_seconded_by_a_member_that_is_away(how):
    """R11: what a freeze and a suspension stop is never settling."""
    # Bank B without a validator, which would have to leave first.
    founders, accounts, nodes = w.members_arguments()
    nodes = [entry for entry in nodes if entry[0] != w.B]
    world = w.construct(founders, accounts, nodes)
    offices.publish(world, on_application=False)
    world.send("exchange.approver", "templates", "propose", w.TEMPLATE, w.CLAUSES)
    world.send("regulator.approver", "templates", "adopt", w.TEMPLATE)
    admit(world, "regulator.officer", OFFICER)
    mandate = set_mandate(w.REGULATOR, mask(Zone.FINANCE), mask(MemberKind.BANK))
    w.govern(world, mandate, ("a", "c"))
    identity = w.grant(world)
    lease = w.open_lease(world, identity)
    receipt = w.receipt(world, lease, 1, lease)
    admit(world, "b.new", mask(Role.SENDER, Role.GATEWAY))
    old = w.account("b.gateway")
    world.send("b.governor", "members", "revokeAccount", old, Reason.KEY_COMPROMISED)
    if how == "freeze":
        order = ("freezeMember", w.B, FreezeGround.FRAUD, CASE, world.time + 3_000)
        world.send("regulator.officer", "supervision", *order)
    else:
        w.govern(world, suspend_member(w.B, Reason.REGULATOR_ORDER), ("a", "c"))
    provider, consumer = w.both(w.hashed(receipt))
    alone = ("leases", "settle", identity, 1, w.plain(receipt), provider)
    assert world.refused("x", *alone, consumer) == "usage: consumer's key is compromised"
    world.send("x", *alone, consumer + w.signature("b.new", w.hashed(receipt)))


def test_nobody_is_late_to_acknowledge_for_a_halt(world):
    """R23: a halt costs nobody time."""
    identity = w.grant(world)
    w.open_lease(world, identity)
    revoke = ("revoke", identity, Reason.PROVIDER_WITHDREW, ZERO_HASH)
    world.send("a.approver", "authorizations", *revoke)
    due = world.view("authorizations", "acknowledgementOf", identity)
    begun = halt(world, 2 * w.FLOOR)
    mark = ("authorizations", "markOverdue", identity)
    later = due + 2 * w.FLOOR
    for time in (due, begun + 2 * w.FLOOR, later - 2):
        world.time = time
        refused = world.refused("x", *mark)
        assert refused == "authorizations: acknowledgement is not overdue"
    world.send("x", *mark)


@pytest.mark.parametrize(
    ("ahead", "at", "is_late"),
    [
        (-1, w.FLOOR - 1, True),
        (0, w.FLOOR - 1, False),
        (w.FLOOR - 1, w.FLOOR, False),
        (w.FLOOR, w.FLOOR, True),
    ],
)
def test_a_halt_moves_what_is_to_be_acknowledged_in_it_alone(world, ahead, at, is_late):
    """It lasts an hour. Both are seconds from its beginning: when it is due, and when one looks."""
    authorization = w.grant(world)
    w.open_lease(world, authorization)

    def halted(pause):
        tried = world.copy()
        end = (authorization, Reason.PROVIDER_WITHDREW, ZERO_HASH)
        tried.send("a.approver", "authorizations", "revoke", *end)
        due = tried.view("authorizations", "acknowledgementOf", authorization)
        tried.time += pause
        return tried, due - halt(tried)

    found = halted(halted(0)[1] - ahead)
    assert found[1] == ahead
    found[0].time += at - 1
    said = found[0].attempt("x", "authorizations", "markOverdue", authorization)
    assert said == ("" if is_late else "authorizations: acknowledgement is not overdue")


def test_a_member_resumes_with_as_many_approvers_as_it_demands(world):
    for name in ("a.second", "a.third"):
        admit(world, name, APPROVER)
    identity = w.grant(world)
    world.send("a.governor", "members", "setApprovals", 2)
    suspend = ("authorizations", "suspend", identity, Reason.FRAUD_SUSPECTED, ZERO_HASH)
    resume = ("authorizations", "resume", identity)
    world.send("a.approver", *suspend)
    for _ in range(2):
        assert w.events(world.send("a.second", *resume)) == ["ResumptionAgreed"]
        assert status(world, identity) == AuthorizationStatus.SUSPENDED
    left = (w.account("a.second"), Reason.CREDENTIAL_EXPIRED)
    world.send("a.governor", "members", "revokeAccount", *left)
    assert w.events(world.send("a.third", *resume)) == ["ResumptionAgreed"]
    assert w.events(world.send("a.approver", *resume)) == ["AuthorizationResumed"]
    world.send("a.third", *suspend)
    assert w.events(world.send("a.third", *resume)) == ["ResumptionAgreed"]
    assert status(world, identity) == AuthorizationStatus.SUSPENDED


CAUTIONS = [
    ((1 << 56), "grants: more parties are required by now"),
    (w.C, "grants: not the named approver"),
    ((99 << 16), "templates: uses above the cautious list's cap"),
]


@pytest.mark.parametrize(("word", "reason"), CAUTIONS)
def test_what_was_requested_before_a_caution_is_not_granted_past_it(world, word, reason):
    """R23: the cautious list is asked at the grant."""
    admit(world, "regulator.second", APPROVER)
    agreed = w.terms()
    w.request(world, agreed)
    caution = ("templates", "caution", Zone.FINANCE, 0, (1 << agreed.purpose, word))
    world.send("regulator.approver", *caution)
    world.send("regulator.second", *caution)
    assert world.refused("a.approver", *w.approving(agreed)) == reason


def test_a_caution_that_names_a_party_adds_none_to_what_was_requested(world):
    admit(world, "regulator.second", APPROVER)
    agreed = w.terms()
    identity = w.request(world, agreed)
    caution = ("templates", "caution", Zone.FINANCE, 0, (1 << agreed.purpose, w.A))
    world.send("regulator.approver", *caution)
    world.send("regulator.second", *caution)
    world.send("a.approver", *w.approving(agreed))
    assert status(world, identity) == AuthorizationStatus.ACTIVE


def delegated(world):
    """Terms that an agent approved, which B may share onward to C."""
    world.send("c.gateway", *test_delegations.carrying(AGENT))
    terms = test_delegations.agreed(recipients=1 << w.C, right=OwnerRight.OPERATING)
    w.request(world, terms)
    world.send("a.approver", *w.approving(terms, w.signature("agent", w.identifier(terms))))
    return terms


def test_what_is_shared_onward_dies_with_the_delegation_above_it(world):
    above = delegated(world)
    below = replace(
        above,
        provider=w.B,
        consumer=w.C,
        parent=w.identifier(above),
        recipients=0,
        right=OwnerRight.PROCESSING,
        maximum_uses=5,
        agent=ZERO_ADDRESS,
        delegation=ZERO_HASH,
    )
    world.send("c.approver", *asking(below, above))
    signed = w.signature("subject", w.identifier(below))
    world.send("b.approver", *w.approving(below, signed))
    wanted = w.opening(w.identifier(below), world, mode=0, uses=1)
    opening = ("leases", "open", wanted, w.account("b.gateway"))
    world.send("c.gateway", *opening)
    world.send("subject", "delegations", "end", delegations.delegation_id(AGENT, w.CHAIN_ID))
    assert world.refused("c.gateway", *opening) == "authorizations: the delegation has ended"


def test_an_agent_whose_delegation_ended_reaffirms_nothing(world):
    terms = delegated(world)
    world.send("subject", "delegations", "end", delegations.delegation_id(AGENT, w.CHAIN_ID))
    reaffirm = ("affirmations", "reaffirm", words(terms), world.time, b"")
    assert world.refused("agent", *reaffirm) == "affirmations: the delegation has ended"


def test_what_has_expired_is_not_suspended_for_want_of_reaffirmation(world):
    """Else a stranger would keep it from being renewed, to which the subject consents anew."""
    within = 100 * w.FLOOR
    w.govern(world, set_parameter(Parameter.REAFFIRM_WITHIN, within))
    terms = w.personal_terms(valid_from=world.time, valid_until=world.time + within // 2)
    identity = w.request(world, terms)
    world.send("a.approver", *w.approving(terms, w.signature("subject", identity)))
    world.time += within
    suspend = ("affirmations", "suspendUnaffirmed", words(terms))
    assert world.refused("x", *suspend) == "authorizations: expired"
    since = {"valid_from": world.time, "valid_until": world.time + within}
    renewed = replace(terms, amends=identity, **since)
    amend(world, terms, renewed, "a.approver", "subject")
    assert status(world, identity) == AuthorizationStatus.ACTIVE


def test_an_inspection_is_closed_within_a_mandate_alone():
    world = w.construct(*offices.kinds(c=MemberKind.REGULATOR))
    for name in ("regulator.officer", "c.officer"):
        admit(world, name, OFFICER)
    w.govern(world, set_mandate(w.REGULATOR, mask(Zone.FINANCE), mask(MemberKind.BANK)))
    w.govern(world, set_mandate(w.C, mask(Zone.FINANCE), mask(MemberKind.EXCHANGE)))
    until = world.time + w.DAY
    opened = world.send("regulator.officer", "supervision", "openInspection", w.A, CASE, until)
    close = ("supervision", "closeInspection", opened.logs[0].topics[1], CASE)
    assert world.refused("c.officer", *close) == "supervision: outside the mandate"
    world.send("regulator.officer", *close)


def test_a_frozen_exchange_grants_nothing(world):
    """R22: nobody whom the terms name does, not the two sides alone."""
    admit(world, "regulator.officer", OFFICER)
    w.govern(world, set_mandate(w.REGULATOR, mask(Zone.FINANCE), mask(MemberKind.EXCHANGE)))
    agreed = w.terms(exchange=w.EXCHANGE)
    w.request(world, agreed)
    until = world.time + 3_000
    order = ("freezeMember", w.EXCHANGE, FreezeGround.FRAUD, CASE, until)
    world.send("regulator.officer", "supervision", *order)
    for sender in ("exchange.approver", "a.approver"):
        assert world.refused(sender, *w.approving(agreed)) == "grants: a party is frozen"
    again = w.requesting(replace(agreed, nonce=1))
    assert world.refused("b.approver", *again) == "grants: a party is frozen"
    world.send("b.approver", *w.requesting(w.terms(nonce=1)))
    world.time = until - 2
    assert world.refused("a.approver", *w.approving(agreed)) == "grants: a party is frozen"
    world.time = until - 1
    for sender in ("exchange.approver", "a.approver"):
        world.send(sender, *w.approving(agreed))


def test_a_consumer_begins_its_period_of_terms_that_amend_late(world):
    """Else it would have accepted, by silence, data of which it was never served any."""
    terms = w.terms()
    identity = w.grant(world)
    w.open_lease(world, identity)
    world.time += 15 * w.DAY
    after = replace(terms, amends=identity, fields=0b1, nonce=1)
    amend(world, terms, after, "a.approver")
    before = acceptances.begin_acceptance(terms)
    with pytest.raises(w.Refusal, match="acceptances: terms that are not in force"):
        world.carry_out("b.approver", before)
    world.carry_out("b.approver", acceptances.begin_acceptance(after))
    world.carry_out("b.approver", acceptances.object_to_data(after, CASE))
    later = replace(terms, amends=w.identifier(after), nonce=2)
    amend(world, after, later, "a.approver")
    w.open_lease(world, identity, 2)
    with pytest.raises(w.Refusal, match="acceptances: a lease was opened"):
        world.carry_out("b.approver", acceptances.begin_acceptance(later))


def test_a_zone_that_is_assigned_again_begins_anew(world):
    """A template that its operator named before stands in no event since."""
    named, later = keccak256(b"named"), keccak256(b"later")

    def assign(operator):
        world.send("regulator.approver", "catalog", "assignZone", Zone.MEDICAL, operator)

    def publish(template):
        offered = w.offering(zone=Zone.MEDICAL, template=template)
        return ("catalog", "publish", keccak256(b"other"), offered, *w.schema())

    def allow(template):
        world.send("c.approver", "catalog", "allowTemplate", Zone.MEDICAL, template, True)

    assign(w.C)
    allow(named)
    world.send("c.approver", "catalog", "ruleZone", Zone.MEDICAL, True, 0, 0, 0)
    world.send("a.approver", *publish(named))
    assign(w.B)
    assign(w.C)
    allow(later)
    refused = world.refused("a.approver", *publish(named))
    assert refused == "catalog: template not allowed in the zone"
    world.send("a.approver", *publish(later))
