"""Terms change, people consent one by one: a use is proved under just what it stood on."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node.audit.bundle import Trail, decode_bundle, encode_bundle
from node.audit.report import to_json
from node.audit.result import Report
from node.audit.verify import verify
from node.spec import consents, usage
from node.spec.crypto import keccak256
from node.spec.terms import Terms, revocation_digest, words
from node.spec.types import ZERO_HASH, Hash32
from node.spec.vocabulary import (
    AuthorizationStatus,
    DeliveryMode,
    LegalBasis,
    RatePeriod,
    Reason,
    SubjectMode,
    mask,
    purpose,
)
from tests.chaincode import world
from tests.chaincode.world import account, both, hashed, signature
from tests.unit.audit.factory import Chain, agreed

FIRST = agreed(1, rate_period=RatePeriod.DAY, rate_limit=50, look_back_days=30)


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    grown = Chain(tmp_path / "journal.db")
    grown.market()
    return grown


def verified(chain: Chain, data: bytes) -> Report:
    return verify(data, chain.genesis.hash)


def proved(chain: Chain, *wanted: Hash32) -> bytes:
    data = asyncio.run(chain.export(*wanted))
    report = verified(chain, data)
    assert report.exit_code == 0, report.failures
    return data


def failing(chain: Chain, data: bytes) -> set[str]:
    return {result.check for result in verified(chain, data).failures}


def amend(chain: Chain, terms: Terms, before: Terms) -> None:
    asking = ("grants", "requestUpon", words(terms), [words(before)], ())
    chain.send("b.approver", *asking)
    chain.send("a.approver", *world.approving(terms))


def used(chain: Chain, lease: Hash32, count: int, days: int) -> None:
    chain.use(lease, count, data_since=chain.time - days * 86_400)


def test_each_lease_is_proved_under_its_own_version(chain: Chain) -> None:
    authorization = chain.grant(FIRST)
    second = replace(
        FIRST,
        amends=authorization,
        maximum_uses=20,
        rate_period=RatePeriod.NONE,
        rate_limit=0,
        look_back_days=90,
        fields=0b1,
        exchange=world.EXCHANGE,
        exchange_share=250,
    )
    early = chain.open(authorization, 1, uses=4, fields=0b110, expires_at=chain.time + 90)
    used(chain, early, 2, 20)
    asking = ("grants", "requestUpon", words(second), [words(FIRST)], ())
    chain.send("b.approver", *asking)
    chain.send("exchange.approver", *world.approving(second))
    waiting = verified(chain, proved(chain, authorization)).cases[0]
    assert not waiting.amendments, "asked for is not in force"
    chain.send("a.approver", *world.approving(second))
    late = chain.open(authorization, 2, uses=5, fields=0b1)
    used(chain, late, 3, 80)
    chain.anchor(
        chain.range(authorization, 1, 1, 2, True), chain.range(authorization, 2, 1, 3, True)
    )
    third = replace(second, amends=world.identifier(second), valid_until=second.valid_until + 60)
    asking = ("grants", "requestUpon", words(third), [words(second)], ())
    chain.send("b.approver", *asking)
    for name in ("exchange", "a"):
        chain.send(f"{name}.approver", *world.approving(third))
    data = proved(chain, authorization)
    case = verified(chain, data).cases[0]
    assert [version.terms for version in (case, *case.amendments)] == [FIRST, second, third]
    assert [lease.state.version for lease in case.leases] == [1, 2]
    summary = to_json(verified(chain, data))["authorizations"][0]
    assert summary["uses"]["granted"] == 20
    assert {party["role"] for party in summary["parties"]} >= {"provider", "consumer", "exchange"}


def test_data_from_before_the_look_back_is_found_out(chain: Chain) -> None:
    authorization = chain.grant(FIRST)
    lease = chain.open(authorization, 1, expires_at=chain.time + 90)
    used(chain, lease, 1, 31)
    chain.settle(authorization, 1, 1)
    with pytest.raises(Exception, match="reaches further back"):
        asyncio.run(chain.export(authorization))


def test_fields_are_told_by_the_levels_of_the_product_version_in_force(chain: Chain) -> None:
    authorization = chain.grant(FIRST)
    before = to_json(verified(chain, proved(chain, authorization)))["authorizations"][0]["fields"]
    names, fields = world.schema(("CreditHistory", "LoanTerms", "LoanTerms"))
    chain.send("a.approver", "catalog", "publish", world.SALT, world.offering(), names, fields)
    chain.send("exchange.approver", "catalog", "approve", world.product(), 2)
    amend(chain, replace(FIRST, amends=authorization, product_version=2), FIRST)
    after = to_json(verified(chain, proved(chain, authorization)))["authorizations"][0]["fields"]
    assert len(before) > 1
    assert [entry["count"] for entry in after] == [3]


@pytest.mark.parametrize("method", ["revoke", "revokeSigned"])
def test_who_became_a_party_by_an_amendment_may_end_it(chain: Chain, method: str) -> None:
    authorization = chain.grant(FIRST)
    second = replace(FIRST, amends=authorization, exchange=world.EXCHANGE, exchange_share=250)
    chain.send("b.approver", "grants", "requestUpon", words(second), [words(FIRST)], ())
    for name in ("exchange", "a"):
        chain.send(f"{name}.approver", *world.approving(second))
    reason = Reason.FRAUD_SUSPECTED
    if method == "revoke":
        chain.send("exchange.approver", "authorizations", method, authorization, reason, ZERO_HASH)
    else:
        half = signature(
            "exchange.approver", revocation_digest(authorization, reason, world.CHAIN_ID)
        )
        chain.send("c.approver", "refusals", method, words(second), reason, half)
    chain.seal([])
    ended = verified(chain, proved(chain, authorization)).cases[0]
    assert ended.state.status == AuthorizationStatus.REVOKED


def test_a_use_that_is_older_than_its_lease_is_found_out(chain: Chain) -> None:
    """By its own date its data reaches back no further than the terms allow."""
    authorization = chain.grant(FIRST)
    lease = chain.open(authorization, 1, expires_at=chain.time + 90)
    used_at = chain.time - 10 * 86_400
    chain.use(lease, 1, used_at=used_at, data_since=used_at - 29 * 86_400)
    chain.settle(authorization, 1, 1)
    with pytest.raises(Exception, match="used before its lease was opened"):
        asyncio.run(chain.export(authorization))


def test_an_authorization_is_not_shown_without_its_amendments(chain: Chain) -> None:
    authorization = chain.grant(FIRST)
    second = replace(FIRST, amends=authorization, maximum_uses=20)
    amend(chain, second, FIRST)
    bundle = decode_bundle(proved(chain, authorization))
    shown = [record for record in bundle.blocks if record.inclusions]
    for record in shown[-2:]:
        rest = tuple(other for other in bundle.blocks if other is not record)
        if record is bundle.blocks[-1]:
            rest = (*rest, replace(record, inclusions=()))
        assert failing(chain, encode_bundle(replace(bundle, blocks=rest)))


PER_USE = agreed(
    5,
    subject_mode=SubjectMode.PER_USE,
    legal_basis=LegalBasis.CONSENT,
    minimum_group=0,
    notice=keccak256(b"notice"),
    modes=mask(DeliveryMode.FIELDS),
)
IDENTITY = world.identifier(PER_USE)


def consent(chain: Chain, nonce: int, **changes: Any) -> consents.SignedConsent:
    value = consents.Consent(
        authorization=IDENTITY,
        subject=account("subject"),
        subject_reference=keccak256(b"salted %d" % nonce),
        purpose=purpose("CreditChecking"),
        fields=0b111,
        valid_until=chain.time + 1_000,
        export_reference=ZERO_HASH,
        nonce=nonce,
    )
    value = replace(value, **changes)
    digest = consents.consent_hash(value, world.CHAIN_ID)
    return consents.SignedConsent(value, signature("subject", digest))


def per_use(chain: Chain, *given: consents.SignedConsent) -> Hash32:
    chain.grant(PER_USE)
    lease = chain.open(IDENTITY, 1, mode=DeliveryMode.FIELDS)
    last = lease
    for number, each in enumerate(given, 1):
        found = consents.consent_hash(each.consent, world.CHAIN_ID)
        receipt = world.receipt(chain, lease, number, last, record_count=1, consent=found)
        chain.record(receipt, consent=each)
        last = hashed(receipt)
    chain.anchor(chain.range(IDENTITY, 1, 1, len(given), True))
    return lease


def test_every_use_has_the_consent_of_its_subject(chain: Chain) -> None:
    given = (consent(chain, 1), consent(chain, 2))
    lease = per_use(chain, *given)
    later = consents.consent_hash(given[0].consent, world.CHAIN_ID)
    digest = consents.consent_revocation_digest(later, world.CHAIN_ID)
    revoke = (world.plain(given[0].consent), signature("subject", digest))
    chain.send("a.gateway", "consents", "revokeConsent", *revoke)
    bundle = decode_bundle(proved(chain, IDENTITY))
    trail = bundle.trails[0]
    assert trail.lease == lease
    for lie in (
        replace(trail.receipts[0], consent=None),
        replace(trail.receipts[0], consent=given[1]),
        replace(trail.receipts[0], consent=replace(given[0], signature=bytes(65))),
    ):
        trails = (Trail(lease, (lie, trail.receipts[1])),)
        assert failing(chain, encode_bundle(replace(bundle, trails=trails))) == {"consents"}


def test_a_use_after_its_consent_was_taken_back_is_found_out(chain: Chain) -> None:
    given = consent(chain, 1)
    later = consents.consent_hash(given.consent, world.CHAIN_ID)
    digest = consents.consent_revocation_digest(later, world.CHAIN_ID)
    revoke = (world.plain(given.consent), signature("subject", digest))
    chain.send("a.gateway", "consents", "revokeConsent", *revoke)
    per_use(chain, given)
    with pytest.raises(Exception, match="was taken back in block"):
        asyncio.run(chain.export(IDENTITY))


@pytest.mark.parametrize(
    ("changes", "words_"),
    [
        ({"purpose": purpose("FraudManagement")}, "another purpose"),
        ({"valid_until": 5}, "has expired"),
        ({"authorization": Hash32(bytes(32))}, "another authorization"),
    ],
)
def test_a_consent_that_does_not_fit_is_found_out(
    chain: Chain, changes: dict[str, Any], words_: str
) -> None:
    per_use(chain, consent(chain, 1, **changes))
    with pytest.raises(Exception, match=words_):
        asyncio.run(chain.export(IDENTITY))


def test_a_consent_used_twice_is_found_out(chain: Chain) -> None:
    """No honest journal holds it; both sides' keys can sign it all the same."""
    first = consent(chain, 1)
    lease = per_use(chain, first, consent(chain, 2))
    bundle = decode_bundle(proved(chain, IDENTITY))
    found = bundle.trails[0].receipts
    twice = replace(found[1].receipt, consent=found[0].receipt.consent)
    provider, consumer = both(hashed(twice))
    lie = usage.SignedReceipt(twice, provider, consumer, first)
    trails = (Trail(lease, (found[0], lie)),)
    assert "consents" in failing(chain, encode_bundle(replace(bundle, trails=trails)))


ABROAD = replace(
    PER_USE,
    **{**world.ABROAD, "fields": 0b1, "modes": mask(DeliveryMode.FIELDS), "nonce": 6},
)
PERSON = Hash32(keccak256(b"a person, of an exporter and a year"))


def exported(chain: Chain, counted: Hash32, named: Hash32) -> Hash32:
    identity = world.identifier(ABROAD)
    chain.send("b.approver", *world.requesting(ABROAD))
    for name in ("regulator", "a"):
        chain.send(f"{name}.approver", *world.approving(ABROAD))
    chain.send("a.gateway", "exports", "record", words(ABROAD), [counted])
    lease = chain.open(identity, 1, mode=DeliveryMode.FIELDS)
    given = consent(chain, 9, authorization=identity, export_reference=named)
    found = consents.consent_hash(given.consent, world.CHAIN_ID)
    receipt = world.receipt(chain, lease, 1, lease, record_count=1, consent=found)
    chain.record(receipt, consent=given)
    chain.settle(identity, 1, 1)
    return identity


def test_a_person_was_counted_before_the_data_left(chain: Chain) -> None:
    identity = exported(chain, PERSON, PERSON)
    report = verified(chain, proved(chain, identity))
    (result,) = (result for result in report.results if result.check == "exports")
    assert result.details == {"persons": 1}


def test_a_person_who_was_not_counted_is_found_out(chain: Chain) -> None:
    identity = exported(chain, PERSON, Hash32(keccak256(b"somebody else")))
    with pytest.raises(Exception, match="not counted among the year"):
        asyncio.run(chain.export(identity))
