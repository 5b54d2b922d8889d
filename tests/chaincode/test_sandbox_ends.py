"""A sandbox that ends leaves nothing in force, and while it runs it relaxes one thing: purposes."""

import pytest

from node.sdk import sandboxes as calls
from node.sdk.sender import CALL_GAS
from node.spec import registry, sandboxes, usage
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import (
    AuthorizationStatus,
    DeliveryMode,
    Party,
    Reason,
    Role,
    Zone,
    mask,
    purpose,
)
from tests.chaincode import sandboxed as s
from tests.chaincode import world as w

ONE, TWO = s.OFFICERS


@pytest.fixture
def world():
    return s.market()


@pytest.fixture
def bare():
    """A market with officers, and nothing tried."""
    world = w.market()
    s.officers(world)
    return world


# Ending ----


def test_after_its_end_nothing_is_granted_or_leased(world):
    identity = s.grant(world, valid_until=s.END)
    world.time = s.END - 100
    w.open_lease(world, identity, expires_at=s.END)
    opening_ = w.opening(identity, world, expires_at=s.END + 1)
    gateway = w.account("a.gateway")
    assert world.refused("b.gateway", "leases", "open", opening_, gateway) == (
        "authorizations: lease ends after the authorization"
    )
    world.time = s.END
    late = w.opening(identity, world, expires_at=s.END + 100)
    assert world.refused("b.gateway", "leases", "open", late, gateway) == "authorizations: expired"
    assert s.request(world, valid_until=s.END + w.DAY, nonce=3) == "sandboxes: not open"
    for call in (("admit", s.SANDBOX, w.C), ("close", s.SANDBOX, s.CASE)):
        assert s.refused(world, ONE, *call) == "not open"


def test_closing_early_revokes_what_is_in_force_in_that_very_block(world):
    """A use made before it settles, as after any revocation (R11)."""
    active, asked = s.grant(world), s.terms(nonce=1)
    w.request(world, asked)
    suspended = s.grant(world, nonce=2)
    call = ("authorizations", "suspend", suspended, Reason.PROVIDER_WITHDREW, ZERO_HASH)
    world.send("a.approver", *call)
    over = s.grant(world, nonce=3, valid_until=world.time + 100)
    lease = w.open_lease(world, active)
    receipt = w.receipt(world, lease, 1, lease)
    world.time += 200
    sent = world.carry_out(ONE, calls.close_sandbox(s.SANDBOX, s.CASE))
    assert w.events(sent) == [
        *("SandboxClosed", "AcknowledgementDue", "AuthorizationRevoked", "ObligationOpened"),
        *("AuthorizationRevoked", "ObligationOpened"),
    ]
    found = s.state(world)
    assert (found.until, found.closed_in) == (s.END, world.number)
    for identity in (active, suspended):
        state = world.authorization(identity)
        assert state.status == AuthorizationStatus.REVOKED
        assert (state.reason, state.ended) == (Reason.REGULATOR_ORDER, world.number)
    assert world.authorization(over).ended is None
    assert registry.status_at(world.authorization(over), world.time) == AuthorizationStatus.EXPIRED
    opening_ = w.opening(active, world)
    gateway = w.account("a.gateway")
    assert world.refused("b.gateway", "leases", "open", opening_, gateway) == (
        "authorizations: not active"
    )
    assert s.request(world, nonce=4) == "sandboxes: not open"
    assert s.refused(world, ONE, "close", s.SANDBOX, s.CASE) == "not open"
    both = w.both(w.hashed(receipt))
    world.send("a.gateway", "leases", "settle", active, 1, w.plain(receipt), *both)
    digest = usage.close_digest(lease, 1, w.hashed(receipt), w.CHAIN_ID)
    closing = ("leases", "close", active, 1, 1, w.hashed(receipt), *w.both(digest))
    assert "EndAcknowledged" in w.events(world.send("a.gateway", *closing))


def test_a_case_is_named_to_close(world):
    assert s.refused(world, ONE, "close", s.SANDBOX, ZERO_HASH) == "no case"


def test_expelling_revokes_that_members_alone(world):
    s.admit(world, s.SANDBOX, w.C)
    ours = s.grant(world)
    theirs = s.terms(consumer=w.C)
    world.send("c.approver", *w.requesting(theirs))
    world.send("a.approver", *w.approving(theirs))
    sent = world.carry_out(TWO, calls.expel_from_sandbox(s.SANDBOX, w.B, s.CASE))
    assert w.events(sent) == [
        *("SandboxMemberExpelled", "AuthorizationRevoked", "ObligationOpened"),
    ]
    assert world.authorization(ours).status == AuthorizationStatus.REVOKED
    left = world.authorization(w.identifier(theirs))
    assert left.status == AuthorizationStatus.ACTIVE
    world.carry_out(TWO, calls.expel_from_sandbox(s.SANDBOX, w.A, s.CASE))
    left = world.authorization(w.identifier(theirs))
    assert left.status == AuthorizationStatus.REVOKED


def test_the_largest_sandbox_is_closed_in_one_transaction(bare):
    """Of persons, because their ends open most duties; the SDK gives any call that much gas."""
    count = sandboxes.AUTHORIZATIONS_MAX
    caps = {"authorizations_maximum": count, "uses_maximum": 10 * count, "uses_each": 10}
    number = s.open_one(bare, **caps)
    s.admit(bare, number, w.A, w.B)
    assert s.publish(bare, number) == s.VERSION
    for nonce in range(count):
        agreed = w.personal_terms(product_version=s.VERSION, nonce=nonce, maximum_uses=10)
        identity = w.identifier(agreed)
        signed = [w.signature(name, identity) for name in ("a.approver", "subject")]
        bare.send("b.approver", *w.requesting(agreed, *signed))
        w.open_lease(bare, identity, uses=1, mode=DeliveryMode.FIELDS)
    sent = bare.carry_out(ONE, calls.close_sandbox(number, s.CASE))
    assert w.events(sent).count("AuthorizationRevoked") == count
    assert sent.gas_used < CALL_GAS


def test_no_account_moves_what_answers_to_contracts(world):
    trial = (s.SANDBOX, ZERO_HASH, w.A, w.B, s.END, 1)
    assert s.refused(world, ONE, "take", trial) == "only grants"
    identity = s.grant(world)
    for sender in (ONE, "regulator.approver", "a.approver"):
        call = ("authorizations", "endInSandbox", identity, s.CASE)
        assert world.refused(sender, *call) == "authorizations: only sandboxes"


# What it relaxes ----


def zoned(world, purposes):
    """Bank C operates the zone of finance and names its purposes."""
    world.send("regulator.approver", "catalog", "assignZone", Zone.FINANCE, w.C)
    values = (Zone.FINANCE, False, 0, 0, purposes)
    world.send("c.approver", "catalog", "ruleZone", *values)


def test_its_purposes_are_allowed_beside_those_of_the_zone(bare):
    number = s.open_one(bare, purposes=1 << s.FRAUD)
    s.admit(bare, number, w.A, w.B)
    s.publish(bare, number)
    checking = purpose("CreditChecking")
    zoned(bare, 1 << checking)
    assert s.request(bare, purpose=checking) == ""
    assert s.request(bare, purpose=s.FRAUD, nonce=1) == ""
    outside = "grants: purpose not allowed in the zone"
    assert s.request(bare, purpose=purpose("DebtManagement"), nonce=2) == outside
    assert s.request(bare, purpose=s.FRAUD, product_version=1, nonce=2) == outside
    assert bare.view("sandboxes", "purposesOf", number) == 1 << s.FRAUD


def test_a_sandbox_without_purposes_relaxes_nothing(world):
    zoned(world, 1 << purpose("CreditChecking"))
    assert s.request(world, purpose=s.FRAUD) == "grants: purpose not allowed in the zone"


def lists(world, *call):
    roles = mask(Role.SENDER, Role.APPROVER)
    second = w.account("regulator.second")
    world.send("regulator.governor", "members", "admitAccount", second, roles)
    for sender in ("regulator.approver", "regulator.second"):
        world.send(sender, "templates", *call)


def test_it_relaxes_neither_lists_nor_levels(bare):
    """R4 and the negative list hold for a purpose that the sandbox itself allows."""
    number = s.open_one(bare, purposes=1 << s.FRAUD)
    s.admit(bare, number, w.A, w.B)
    s.publish(bare, number)
    wanted = {"purpose": s.FRAUD}
    assert s.request(bare, **wanted, fields=0b100000) == "grants: C3 field"
    level4 = {"fields": 0b1000, "modes": mask(DeliveryMode.QUERY, DeliveryMode.RAW)}
    assert s.request(bare, **wanted, **level4) != ""
    agreed = s.terms(**wanted, fields=0b1000)
    w.request(bare, agreed)
    required = bare.authorization(w.identifier(agreed)).required
    assert required >> Party.REGULATOR & 1
    lists(bare, "refuse", 0, 0, 1 << s.FRAUD)
    assert s.request(bare, **wanted, nonce=1) == "templates: on the negative list"


def test_products_in_no_sandbox_are_as_before(world):
    agreed = w.terms(maximum_uses=10_000)
    w.request(world, agreed)
    sent = world.send("a.approver", *w.approving(agreed))
    assert w.events(sent) == ["AuthorizationApproved", "AuthorizationActivated"]
    assert s.state(world).uses == 0
    world.carry_out(ONE, calls.close_sandbox(s.SANDBOX, s.CASE))
    assert world.authorization(w.identifier(agreed)).status == AuthorizationStatus.ACTIVE


def test_the_trial_of_terms_is_judged_without_granting(world):
    trial = {
        "sandbox": s.SANDBOX,
        "authorization": ZERO_HASH,
        "provider": w.A,
        "consumer": w.B,
        "until": s.END,
        "uses": 120,
    }
    assert world.view("sandboxes", "check", tuple(trial.values()))
    with pytest.raises(w.Refusal, match="sandboxes: not admitted"):
        world.view("sandboxes", "check", tuple({**trial, "consumer": w.C}.values()))
    assert world.view("sandboxes", "checkProduct", s.SANDBOX, Zone.FINANCE, w.A)
