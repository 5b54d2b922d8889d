"""Where each use needs its own consent, none counts without one, and one can be taken back."""

from dataclasses import replace

import pytest

from node.errors import SignatureError
from node.sdk import delegations
from node.spec import consents as c
from node.spec import usage
from node.spec.crypto import keccak256
from node.spec.types import ZERO_ADDRESS, ZERO_HASH
from node.spec.vocabulary import DeliveryMode, LegalBasis, Party, SubjectMode, mask, purpose
from tests.chaincode import world as w
from tests.chaincode.test_authorizations import malleable

PER_USE = w.terms(
    subject_mode=SubjectMode.PER_USE,
    legal_basis=LegalBasis.CONSENT,
    minimum_group=0,
    notice=keccak256(b"notice"),
    modes=mask(DeliveryMode.FIELDS),
)
IDENTITY = w.identifier(PER_USE)
CONSENT = c.Consent(
    authorization=IDENTITY,
    subject=w.account("subject"),
    subject_reference=keccak256(b"salted"),
    purpose=purpose("CreditChecking"),
    fields=0b111,
    valid_until=w.GENESIS_TIME + w.DAY,
    export_reference=ZERO_HASH,
    nonce=1,
)
HASH = c.consent_hash(CONSENT, w.CHAIN_ID)


@pytest.fixture
def world():
    world = w.market()
    w.request(world, PER_USE)
    world.send("a.approver", *w.approving(PER_USE))
    return world


def test_no_single_subject_is_a_party(world):
    state = world.authorization(IDENTITY)
    assert state.required == mask(Party.PROVIDER, Party.CONSUMER)
    lease = w.open_lease(world, IDENTITY, mode=DeliveryMode.FIELDS)
    assert world.lease(lease).is_per_use


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"subject": w.account("subject")}, "subject in another mode"),
        ({"subject_reference": keccak256(b"x")}, "subject in another mode"),
        ({"agent": w.account("agent")}, "subject in another mode"),
        ({"delegation": keccak256(b"x")}, "subject in another mode"),
        ({"notice": ZERO_HASH}, "no notice to the subject"),
        ({"legal_basis": LegalBasis.CONTRACT}, "each use needs consent"),
        ({"minimum_group": 5}, "minimum group of one subject"),
        ({"subject_mode": 3}, "unknown subject mode"),
    ],
)
def test_terms_that_ask_for_consents_wrongly(world, changes, reason):
    terms = replace(PER_USE, nonce=9, **changes)
    assert world.refused("b.approver", *w.requesting(terms)) == f"grants: {reason}"


def test_a_receipt_without_a_consent_does_not_settle(world):
    lease = w.open_lease(world, IDENTITY, mode=DeliveryMode.FIELDS)
    bare = w.receipt(world, lease, 1, lease, record_count=1)
    settle = ("leases", "settle", IDENTITY, 1)
    refused = world.refused("a.gateway", *settle, w.plain(bare), *w.both(w.hashed(bare)))
    assert refused == "usage: no consent to the use"
    given = replace(bare, consent=HASH)
    world.send("a.gateway", *settle, w.plain(given), *w.both(w.hashed(given)))


def test_a_consent_elsewhere_contradicts_its_lease(world):
    other = w.grant(world)
    lease = w.open_lease(world, other)
    given = w.receipt(world, lease, 1, lease, consent=HASH)
    settle = ("leases", "settle", other, 1, w.plain(given), *w.both(w.hashed(given)))
    assert world.refused("a.gateway", *settle) == "usage: consent to a single use is not due"


def test_a_batch_that_hides_a_use_without_consent_is_challenged(world):
    lease = w.open_lease(world, IDENTITY, mode=DeliveryMode.FIELDS)
    bare = w.receipt(world, lease, 1, lease, record_count=1)
    ranges = [usage.UseRange(IDENTITY, 1, 1, 1, w.hashed(bare), True)]
    batch = w.batch_of(ranges, [bare])
    w.anchor(world, batch, ranges)
    lists = w.plain(usage.pack_ranges(ranges))
    call = ("challenges", "challenge", w.plain(batch), *lists, w.plain(bare), 0, ())
    assert w.events(world.send("c.gateway", *call)) == ["ReceiptVoided"]


def test_data_from_after_a_use_is_no_data_of_it(world):
    other = w.grant(world)
    lease = w.open_lease(world, other)
    late = w.receipt(world, lease, 1, lease, data_since=world.time + 1)
    settle = ("leases", "settle", other, 1, w.plain(late), *w.both(w.hashed(late)))
    assert world.refused("a.gateway", *settle) == "usage: data from after the use"


REVOKE = c.consent_revocation_digest(HASH, w.CHAIN_ID)


def test_a_subject_takes_its_consent_back(world):
    revoke = ("consents", "revokeConsent", w.plain(CONSENT))
    spoilt = (w.signature("x", REVOKE), malleable(w.signature("subject", REVOKE)), b"")
    for signature in (*spoilt, w.signature("subject", HASH)):
        refused = world.refused("c.gateway", *revoke, signature)
        assert refused == "consents: not the subject's revocation"
    nobody = ("consents", "revokeConsent", w.plain(replace(CONSENT, subject=ZERO_ADDRESS)))
    assert world.refused("c.gateway", *nobody, b"") == "consents: not the subject's revocation"
    told = world.send("c.gateway", *revoke, w.signature("subject", REVOKE))
    assert w.events(told) == ["ConsentRevoked"]
    assert world.view("consents", "revokedAt", IDENTITY, HASH) == world.number
    slot = c.slot_of_consent(IDENTITY, HASH)
    assert world.reader("consents")(slot) == world.number
    refused = world.refused("c.gateway", *revoke, w.signature("subject", REVOKE))
    assert refused == "consents: revoked already"


def test_a_subject_with_an_account_needs_no_signature(world):
    world.send("subject", "consents", "revokeConsent", w.plain(CONSENT), b"")
    assert world.view("consents", "revokedAt", IDENTITY, HASH) == world.number


def test_a_provider_takes_a_consent_back_by_evidence(world):
    withdraw = ("consents", "withdrawConsent", IDENTITY)
    evidence = keccak256(b"letter")
    for sender in ("b.approver", "a.gateway", "c.approver"):
        refused = world.refused(sender, *withdraw, HASH, evidence)
        assert refused == "consents: not the provider's approver"
    assert world.refused("a.approver", *withdraw, HASH, ZERO_HASH) == "consents: no evidence"
    assert world.refused("a.approver", *withdraw, ZERO_HASH, evidence) == "consents: no consent"
    unknown = ("consents", "withdrawConsent", keccak256(b"x"), HASH, evidence)
    assert world.refused("a.approver", *unknown) == "consents: not the provider's approver"
    world.send("a.approver", *withdraw, HASH, evidence)
    assert world.view("consents", "revokedAt", IDENTITY, HASH) == world.number


def test_one_hash_for_contract_and_python(world):
    assert world.view("consents", "consentHash", w.plain(CONSENT)) == HASH
    signed = c.SignedConsent(CONSENT, w.signature("subject", HASH))
    assert c.verify_consent(signed, w.CHAIN_ID) == HASH
    with pytest.raises(SignatureError):
        c.verify_consent(replace(signed, signature=w.signature("x", HASH)), w.CHAIN_ID)


@pytest.mark.parametrize(
    ("asked", "flaw"),
    [
        ({"authorization": keccak256(b"x")}, "is for another authorization"),
        ({"purpose": purpose("FraudManagement")}, "is for another purpose"),
        ({"fields": 0b1000}, "does not cover a field"),
        ({"at": CONSENT.valid_until}, "has expired"),
    ],
)
def test_what_a_consent_does_not_permit(asked, flaw):
    use = {
        "authorization": IDENTITY,
        "purpose": purpose("CreditScoreEvaluation"),
        "fields": 0b11,
        "at": CONSENT.valid_until - 1,
    }
    assert c.refuse_use(CONSENT, **use) is None
    assert c.refuse_use(CONSENT, **{**use, **asked}) == f"consent {flaw}"


def test_the_calls_of_the_sdk_do_the_same(world):
    signed = w.signature("subject", REVOKE)
    world.carry_out("c.gateway", delegations.revoke_consent(CONSENT, signed))
    other = c.consent_hash(replace(CONSENT, nonce=2), w.CHAIN_ID)
    evidence = keccak256(b"letter")
    world.carry_out("a.approver", delegations.withdraw_consent(IDENTITY, other, evidence))
    for each in (HASH, other):
        assert world.view("consents", "revokedAt", IDENTITY, each)
