"""No lease may stand on terms that some required party did not sign, or that a rule refuses."""

from dataclasses import replace

import pytest
from eth_account.messages import encode_typed_data
from eth_utils import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from node.sdk.governance import remove_validator, suspend_member
from node.spec import registry
from node.spec.crypto import CURVE_ORDER, keccak256
from node.spec.terms import TERMS_TYPE, revocation_digest, to_json, words
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import (
    AuthorizationStatus,
    DeliveryMode,
    Party,
    RatePeriod,
    Reason,
    mask,
    purpose,
)
from tests.chaincode import world as w

LEVEL4, LEVEL5, C3 = 0b001000, 0b010000, 0b100000
GUARDED = mask(DeliveryMode.QUERY, DeliveryMode.MODEL, DeliveryMode.PSI, DeliveryMode.MPC)


@pytest.fixture
def world():
    return w.market()


def status(world, authorization):
    """The status as the contract and as its storage tell it, which must agree."""
    state = world.authorization(authorization)
    told = world.view("authorizations", "statusOf", authorization)
    assert told == registry.status_at(state, world.time)
    return told


def domain_types():
    members = TERMS_TYPE.removeprefix("Terms(").removesuffix(")").split(",")
    return {"Terms": [dict(zip(("type", "name"), m.split(" "), strict=True)) for m in members]}


TERMS = st.builds(
    w.terms,
    product=st.binary(min_size=32, max_size=32),
    subject=st.binary(min_size=20, max_size=20),
    fields=st.integers(0, 2**256 - 1),
    modes=st.integers(0, 255),
    purpose=st.integers(0, 2**16 - 1),
    maximum_uses=st.integers(0, 2**32 - 1),
    valid_until=st.integers(0, 2**64 - 1),
    nonce=st.integers(0, 2**256 - 1),
)


@settings(max_examples=25, deadline=None)
@given(agreed=TERMS)
def test_one_digest_for_contract_python_and_wallets(agreed):
    domain = {
        "name": "Dataccord",
        "version": "1",
        "chainId": w.CHAIN_ID,
        "verifyingContract": registry.GRANTS,
    }
    message = encode_typed_data(
        domain, domain_types(), {**to_json(agreed), "fields": agreed.fields, "nonce": agreed.nonce}
    )
    wallet = keccak(b"\x19" + message.version + message.header + message.body)
    assert w.identifier(agreed) == wallet
    assert w.genesis().view("grants", "authorizationId", words(agreed)) == wallet


LIMITS = (
    *("fields", "purpose", "modes", "subject_mode", "valid_from", "answer_within"),
    *("settle_within", "unsigned_maximum", "exchange", "maximum_uses", "rate_period", "rate_limit"),
    *("acknowledge_within", "retention_days"),
)


def test_state_keeps_what_was_agreed(world):
    agreed = w.terms(exchange=w.EXCHANGE)
    authorization = w.request(world, agreed)
    state = world.authorization(authorization)
    for name in ("provider", "consumer", "valid_until", "destination"):
        assert getattr(state, name) == getattr(agreed, name), name
    assert (state.counted, state.leases, state.open, state.unaccounted) == (0, 0, 0, 0)
    assert (state.version, state.window, state.window_used, state.reason) == (1, 0, 0, 0)
    assert state.required == mask(Party.PROVIDER, Party.CONSUMER, Party.EXCHANGE)
    assert state.approved == mask(Party.CONSUMER)
    assert not any(getattr(state, name) for name in LIMITS), "written when it is active"
    world.send("exchange.approver", *w.approving(agreed))
    world.send("a.approver", *w.approving(agreed))
    state = world.authorization(authorization)
    for name in LIMITS:
        assert getattr(state, name) == getattr(agreed, name), name
    standing, limits, fields = world.view("authorizations", "record", authorization)
    assert world.view("authorizations", "standingOf", authorization) == standing
    assert (limits & 0xFF, limits >> 214, fields) == (agreed.purpose, agreed.fields, 0)
    assert world.view("authorizations", "fieldsOf", authorization) == agreed.fields
    assert world.authorization(ZERO_HASH) is None


def test_the_largest_limits_fit_their_places(world):
    """A part that overflowed its place would grant what nobody agreed to."""
    agreed = w.terms(
        purpose=51,
        modes=0b111111,
        fields=0b11,
        maximum_uses=2**32 - 1,
        valid_until=world.time + 3_650 * w.DAY,
        unsigned_maximum=64,
        answer_within=7 * w.DAY,
        settle_within=7 * w.DAY,
        acknowledge_within=7 * w.DAY,
        retention_days=3_660,
        look_back_days=36_600,
        exchange=w.EXCHANGE,
        rate_period=RatePeriod.YEAR,
        rate_limit=2**32 - 1,
        **{**w.ABROAD, "destination": 840, "mechanism_until": 2**64 - 1},
        **w.PERSON,
    )
    halves = [w.signature(f"{name}.approver", w.identifier(agreed)) for name in w.ALL_BUT_B]
    halves.append(w.signature("subject", w.identifier(agreed)))
    world.send("b.approver", *w.requesting(agreed, *halves))
    state = world.authorization(w.identifier(agreed))
    assert state.status == AuthorizationStatus.ACTIVE
    for name in (*LIMITS, "provider", "consumer", "valid_until", "destination"):
        assert getattr(state, name) == getattr(agreed, name), name


def test_only_the_consumers_approver_requests(world):
    call = w.requesting(w.terms())
    assert world.refused("b.gateway", *call) == "grants: not the consumer"
    assert world.refused("a.approver", *call) == "grants: not the consumer"
    world.send("b.approver", *call)
    assert world.refused("b.approver", *call) == "authorizations: requested already"


def test_an_unapproved_product_is_not_granted(world):
    names, fields = w.schema()
    arguments = (w.SALT, w.offering(modes=GUARDED), names, fields)
    world.send("a.approver", "catalog", "publish", *arguments)
    refused = world.refused("b.approver", *w.requesting(w.terms(product_version=2)))
    assert refused == "grants: product is not approved"
    w.request(world, w.terms())
    world.send("a.approver", "catalog", "retire", w.product(), 1, 1)
    assert world.refused("a.approver", *w.approving(w.terms())) == "grants: product is not approved"


def test_active_only_once_every_required_party_approved(world):
    agreed = w.personal_terms(exchange=w.EXCHANGE, modes=mask(DeliveryMode.RAW))
    authorization = w.request(world, agreed)
    approve = w.approving(agreed)
    assert status(world, authorization) == AuthorizationStatus.REQUESTED
    for sender in ("a.approver", "exchange.approver", "regulator.approver"):
        outcome = world.send(sender, *approve)
        assert w.events(outcome) == ["AuthorizationApproved"]
        assert status(world, authorization) == AuthorizationStatus.PARTIALLY_APPROVED
        assert world.refused(sender, *approve) == "authorizations: not an awaited party"
    signed = w.signature("subject", authorization)
    carry = w.approving(agreed, signed)
    assert w.events(world.send("c.gateway", *carry)) == [
        "AuthorizationApproved",
        "AuthorizationActivated",
    ]
    assert status(world, authorization) == AuthorizationStatus.ACTIVE
    assert world.refused("c.gateway", *carry) == "authorizations: not awaiting approval"


def test_strangers_do_not_approve(world):
    w.request(world, w.personal_terms())
    approve = w.approving(w.personal_terms())
    for sender in ("c.approver", "a.gateway", "regulator.approver", "exchange.approver", "x"):
        assert world.refused(sender, *approve) == "authorizations: not an awaited party"
    assert world.refused("a.approver", *w.approving(w.terms(nonce=9))) == (
        "authorizations: not awaiting approval"
    )


def malleable(signature: bytes) -> bytes:
    s = CURVE_ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes([1 - signature[64]])


@pytest.mark.parametrize(
    "spoil",
    [
        malleable,
        lambda s: s[:64],
        lambda s: b"",
        lambda s: s[:64] + b"\x02",
        lambda s: s[:64] + b"\x1d",
        lambda s: bytes(64) + b"\x00",
    ],
)
def test_a_signature_has_one_form(world, spoil):
    authorization = w.request(world, w.personal_terms())
    signature = w.signature("subject", authorization)
    refused = world.refused("c.gateway", *w.approving(w.personal_terms(), spoil(signature)))
    assert refused == "grants: malformed signature"
    wallet = signature[:64] + bytes([signature[64] + 27])
    world.send("c.gateway", *w.approving(w.personal_terms(), wallet))


def test_a_signature_for_other_terms_approves_nothing(world):
    w.request(world, w.personal_terms())
    other = w.signature("subject", w.identifier(w.personal_terms(nonce=1)))
    refused = world.refused("c.gateway", *w.approving(w.personal_terms(), other))
    assert refused == "grants: signature of no party"


def test_an_expired_request_is_not_approved(world):
    authorization = w.request(world, w.terms())
    world.time += 30 * w.DAY
    assert world.refused("a.approver", *w.approving(w.terms())) == "authorizations: expired"
    assert status(world, authorization) == AuthorizationStatus.EXPIRED


def test_a_party_declines(world):
    authorization = w.request(world, w.terms())
    reject = ("refusals", "decline", words(w.terms()))
    assert world.refused("c.approver", *reject, Reason.DECLINED) == "authorizations: not a party"
    assert world.refused("a.approver", *reject, Reason.CONSUMER_TERMINATED) == (
        "authorizations: not a reason of this party"
    )
    assert world.refused("a.approver", *reject, 0) == "authorizations: not a reason of this party"
    outcome = world.send("a.approver", *reject, Reason.DECLINED)
    assert w.events(outcome) == ["AuthorizationRejected"]
    assert status(world, authorization) == AuthorizationStatus.REJECTED
    assert world.refused("a.approver", *w.approving(w.terms())) == (
        "authorizations: not awaiting approval"
    )


@pytest.mark.parametrize(
    ("sender", "reason", "ended", "event"),
    [
        (
            "a.approver",
            Reason.PROVIDER_WITHDREW,
            AuthorizationStatus.REVOKED,
            "AuthorizationRevoked",
        ),
        (
            "b.approver",
            Reason.CONSUMER_TERMINATED,
            AuthorizationStatus.TERMINATED,
            "AuthorizationTerminated",
        ),
    ],
)
def test_a_party_ends_it_and_the_block_is_kept(world, sender, reason, ended, event):
    authorization = w.grant(world)
    revoke = ("authorizations", "revoke", authorization)
    wrong = Reason.REGULATOR_ORDER
    assert world.refused(sender, *revoke, wrong, ZERO_HASH) == (
        "authorizations: not a reason of this party"
    )
    assert world.refused("c.approver", *revoke, reason, ZERO_HASH) == "authorizations: not a party"
    assert w.events(world.send(sender, *revoke, reason, ZERO_HASH)) == [event, "ObligationOpened"]
    assert status(world, authorization) == ended
    state = world.authorization(authorization)
    assert (state.ended, state.reason) == (world.number, reason)
    assert world.view("authorizations", "deadlines", authorization, 1)[2] == world.number
    assert world.refused(sender, *revoke, reason, ZERO_HASH) == "authorizations: not active"


def test_a_regulator_revokes_only_what_it_approved(world):
    plain = w.grant(world)
    order = (Reason.REGULATOR_ORDER, ZERO_HASH)
    refused = world.refused("regulator.approver", "authorizations", "revoke", plain, *order)
    assert refused == "authorizations: not a party"
    level4 = w.grant(world, fields=LEVEL4)
    world.send("regulator.approver", *w.approving(w.terms(fields=LEVEL4)))
    world.send("regulator.approver", "authorizations", "revoke", level4, *order)
    assert status(world, level4) == AuthorizationStatus.REVOKED


def personal(world):
    authorization = w.request(world, w.personal_terms())
    signed = w.signature("subject", authorization)
    world.send("a.approver", *w.approving(w.personal_terms(), signed))
    return authorization


def test_a_subject_withdraws_by_signature(world):
    authorization = personal(world)
    digest = revocation_digest(authorization, Reason.SUBJECT_WITHDREW, w.CHAIN_ID)
    carry = ("refusals", "revokeSigned", words(w.personal_terms()), Reason.SUBJECT_WITHDREW)
    refused = world.refused("c.gateway", *carry, w.signature("x", digest))
    assert refused == "authorizations: not a party"
    refused = world.refused("c.gateway", *carry, digest)
    assert refused == "refusals: malformed signature"
    world.send("c.gateway", *carry, w.signature("subject", digest))
    assert status(world, authorization) == AuthorizationStatus.REVOKED


def test_a_subject_declines_by_signature(world):
    authorization = w.request(world, w.personal_terms())
    digest = revocation_digest(authorization, Reason.DECLINED, w.CHAIN_ID)
    world.send(
        "a.gateway",
        "refusals",
        "revokeSigned",
        words(w.personal_terms()),
        Reason.DECLINED,
        w.signature("subject", digest),
    )
    assert status(world, authorization) == AuthorizationStatus.REJECTED


def test_a_provider_needs_evidence_that_the_subject_withdrew(world):
    authorization = personal(world)
    revoke = ("authorizations", "revoke", authorization, Reason.SUBJECT_WITHDREW)
    assert world.refused("a.approver", *revoke, ZERO_HASH) == "authorizations: no evidence"
    world.send("a.approver", *revoke, keccak256(b"letter"))
    impersonal = ("authorizations", "revoke", w.grant(world), Reason.SUBJECT_WITHDREW)
    assert world.refused("a.approver", *impersonal, keccak256(b"letter")) == (
        "authorizations: there is no subject"
    )


APPROVAL = (1, 0, 1, ZERO_HASH, ZERO_HASH, ZERO_HASH)


def test_only_the_contract_in_charge_moves_an_authorization(world):
    authorization = w.grant(world)
    reserve = (authorization, 1, purpose("CreditChecking"), 1, 2, world.time + 1)
    for method, arguments, who in (
        ("begin", (authorization, 1, APPROVAL), "grants"),
        ("approve", (authorization, APPROVAL), "grants"),
        ("end", (authorization, 1, 2, ZERO_HASH), "refusals"),
        ("reserve", reserve, "leases"),
        ("release", (authorization, 0, 0), "leases"),
        ("returnToWindow", (authorization, 1, 1, 0), "leases"),
        ("leaseLapsed", (authorization,), "leases"),
        ("lapseStated", (authorization,), "closings"),
    ):
        assert world.refused("a.approver", "authorizations", method, *arguments) == (
            f"authorizations: only {who}"
        )


def test_a_suspended_provider_grants_nothing(world):
    w.govern(world, remove_validator(w.account("a.node"), lowers_tolerance=True))
    w.govern(world, suspend_member(w.A, Reason.BREACH_OF_TERMS), ("b", "c"))
    assert world.refused("b.approver", *w.requesting(w.terms())) == "grants: provider is suspended"


PARTIES = ("a", "b", "exchange", "regulator", "c", "subject")


@settings(max_examples=15, deadline=None)
@given(
    agreed=st.builds(
        lambda base, exchange, raw: replace(
            base,
            exchange=w.EXCHANGE if exchange else 0,
            modes=mask(DeliveryMode.RAW) if raw else base.modes,
        ),
        st.just(w.personal_terms()),
        st.booleans(),
        st.booleans(),
    ),
    order=st.lists(st.sampled_from(PARTIES), max_size=9),
)
def test_invariant_of_approval(agreed, order):
    """Active exactly when approved equals required, whoever tries in whatever order."""
    world = w.market()
    authorization = w.request(world, agreed)
    for name in order:
        sender = name if name == "subject" else f"{name}.approver"
        told = world.attempt(sender, *w.approving(agreed))
        assert told == "" or told.startswith("authorizations: not a")
        state = world.authorization(authorization)
        assert state.approved & ~state.required == 0
        active = state.status == AuthorizationStatus.ACTIVE
        assert active == (state.approved == state.required)
