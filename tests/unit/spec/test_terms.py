"""Terms cross trust edges as JSON and signatures: both have one meaning, and bad ones fail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import DecodeError, SignatureError
from node.spec import terms as t
from node.spec.crypto import address_of, keccak256, sign
from node.spec.types import ZERO_ADDRESS, ZERO_HASH
from node.spec.vocabulary import HOME, DeliveryMode, OwnerRight, Reason, mask, purpose

CHAIN = 20_260
KEY = keccak256(b"key")
AGREED = t.Terms(
    provider=1,
    consumer=2,
    exchange=0,
    exchange_share=0,
    operator=0,
    approver=0,
    product=keccak256(b"product"),
    product_version=1,
    right=OwnerRight.PROCESSING,
    subject_mode=0,
    subject=ZERO_ADDRESS,
    subject_reference=ZERO_HASH,
    agent=ZERO_ADDRESS,
    delegation=ZERO_HASH,
    notice=ZERO_HASH,
    legal_basis=2,
    purpose=purpose("CreditChecking"),
    fields=0b111,
    modes=mask(DeliveryMode.QUERY),
    destination=HOME,
    mechanism=0,
    mechanism_reference=ZERO_HASH,
    mechanism_until=0,
    recipients=0,
    parent=ZERO_HASH,
    amends=ZERO_HASH,
    minimum_group=5,
    maximum_uses=10,
    rate_period=0,
    rate_limit=0,
    look_back_days=0,
    retention_days=30,
    valid_from=1_000,
    valid_until=2_000,
    unsigned_maximum=1,
    answer_within=3_600,
    settle_within=3_600,
    acknowledge_within=3_600,
    price_class=0,
    price_plan=ZERO_HASH,
    template=keccak256(b"template"),
    nonce=7,
)


def test_json_round_trip_under_the_signed_names():
    document = t.to_json(AGREED)
    assert list(document)[:3] == ["provider", "consumer", "exchange"]
    assert document["fields"] == "0x7"
    assert t.from_json(document) == AGREED


@pytest.mark.parametrize(
    "change",
    [
        {"provider": -1},
        {"provider": 2**32},
        {"provider": "7"},
        {"provider": True},
        {"provider": 1.0},
        {"provider": None},
        {"fields": "0xzz"},
        {"fields": hex(2**256)},
        {"subject": "0x00"},
        {"subject": "00" * 21},
        {"product": "0x" + "zz" * 32},
        {"product": 5},
        {"extra": 1},
    ],
)
def test_json_that_is_not_terms(change):
    with pytest.raises(DecodeError, match="terms: "):
        t.from_json({**t.to_json(AGREED), **change})


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_json_of_anything_else_is_one_error(document):
    with pytest.raises(DecodeError):
        t.from_json(document)


def test_a_signature_is_for_terms_chain_and_signer():
    digest = t.authorization_id(AGREED, CHAIN)
    signature = sign(KEY, digest)
    t.verify_approval(AGREED, CHAIN, signature, address_of(KEY))
    with pytest.raises(SignatureError):
        t.verify_approval(AGREED, CHAIN + 1, signature, address_of(KEY))
    with pytest.raises(SignatureError):
        t.verify_approval(AGREED, CHAIN, signature, ZERO_ADDRESS)
    assert t.revocation_digest(digest, Reason.DECLINED, CHAIN) != t.revocation_digest(
        digest, Reason.SUBJECT_WITHDREW, CHAIN
    )


SCORE = purpose("CreditScoreEvaluation")
GOOD = (SCORE, 0b11, DeliveryMode.QUERY, HOME, 1_999)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (GOOD, None),
        ((SCORE, 0b11, DeliveryMode.QUERY, HOME, 999), "not yet valid"),
        ((SCORE, 0b11, DeliveryMode.QUERY, HOME, 2_000), "expired"),
        ((purpose("FraudManagement"), 1, DeliveryMode.QUERY, HOME, 1_000), "purpose not granted"),
        ((SCORE, 0b1000, DeliveryMode.QUERY, HOME, 1_000), "field not granted"),
        ((SCORE, 0, DeliveryMode.QUERY, HOME, 1_000), "field not granted"),
        ((SCORE, 1, DeliveryMode.RAW, HOME, 1_000), "mode not granted"),
        ((SCORE, 1, DeliveryMode.QUERY, 344, 1_000), "destination not granted"),
    ],
)
def test_what_the_terms_allow(wanted, reason):
    told = t.refuse_request(AGREED, t.Wanted(*wanted))
    assert told == (reason and f"authorizations: {reason}")


def test_a_subject_is_there_in_mode_one_only():
    assert not t.has_subject(AGREED)
    assert (AGREED.subject, AGREED.subject_reference) == t.NO_SUBJECT
