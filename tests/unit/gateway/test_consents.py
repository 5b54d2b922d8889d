"""Where each use needs its own consent, the gateway reads nothing without one that still stands."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node.errors import Refused
from node.gateway import service as module
from node.sdk import wire
from node.spec.consents import Consent, SignedConsent, consent_hash
from node.spec.crypto import address_of, keccak256, sign
from node.spec.exports import year_of
from node.spec.types import ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from node.spec.usage import receipt_hash
from node.spec.vocabulary import LegalBasis, ReceiptKind, SubjectMode, purpose

from .kit import (
    CHAIN_ID,
    NARROWER,
    NOW,
    OTHER_KEY,
    PURPOSE,
    RECORD,
    SUBJECT,
    TERMS,
    Gateway,
    asked,
    grant,
    signed,
)

SUBJECT_KEY = keccak256(b"subject")
PER_USE = replace(
    TERMS,
    subject_mode=SubjectMode.PER_USE,
    subject=ZERO_ADDRESS,
    subject_reference=ZERO_HASH,
    legal_basis=LegalBasis.CONSENT,
    unsigned_maximum=8,
)
GRANT = grant(PER_USE)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.time, "time", lambda: float(NOW))


def vouched(folder: Path, key: bytes = SUBJECT_KEY) -> None:
    entry = {"row": 2, "key": "0x" + address_of(key).hex()}
    text = json.dumps({"0x" + SUBJECT.hex(): entry})
    (folder / "subjects.json").write_text(text, encoding="utf-8")


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    gateway = Gateway(tmp_path, GRANT)
    vouched(tmp_path)
    return gateway


def consent(key: bytes = SUBJECT_KEY, **changes: Any) -> SignedConsent:
    value = Consent(
        authorization=GRANT.authorization_id,
        subject=address_of(SUBJECT_KEY),
        subject_reference=SUBJECT,
        purpose=purpose(PURPOSE),
        fields=PER_USE.fields,
        valid_until=NOW + 100,
        export_reference=ZERO_HASH,
        nonce=1,
    )
    value = replace(value, **changes)
    return SignedConsent(value, sign(key, consent_hash(value, CHAIN_ID)))


def request(number: int = 1, previous: Hash32 | None = None) -> Any:
    lease = GRANT.lease.lease
    return replace(asked(number=number), lease=lease, previous=previous or lease)


async def use(gateway: Gateway, given: SignedConsent | None, wanted: Any = None) -> Any:
    wanted = wanted or request()
    halves = (wanted, signed(wanted), RECORD, given)
    return await gateway.service.use(GRANT.authorization_id, 1, *halves)


async def test_a_use_carries_the_hash_of_its_consent(gateway: Gateway) -> None:
    given = consent()
    made = await use(gateway, given)
    assert made.receipt.kind == ReceiptKind.DELIVERED
    assert made.receipt.consent == consent_hash(given.consent, CHAIN_ID)
    assert json.loads(made.result) == {"age": "1", "job": "A"}
    assert gateway.journal.last(GRANT.lease.lease) == made
    assert made.consent == given
    assert await use(gateway, given) == made, "the same request gets the same answer"


async def test_one_consent_permits_one_use(gateway: Gateway) -> None:
    made = await use(gateway, consent())
    again = request(2, receipt_hash(made.receipt, CHAIN_ID))
    with pytest.raises(Refused, match="consent was used before"):
        await use(gateway, consent(), again)
    assert (await use(gateway, consent(nonce=2), again)).receipt.number == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "no consent to the use"),
        (consent(OTHER_KEY), "not signed by its subject"),
        (replace(consent(), signature=bytes(65)), "not signed by its subject"),
        (consent(subject=ZERO_ADDRESS), "not signed by its subject"),
        (consent(authorization=SUBJECT), "for another authorization"),
        (consent(purpose=purpose(NARROWER)), "for another purpose"),
        (consent(fields=PER_USE.fields & -PER_USE.fields), "does not cover a field"),
        (consent(valid_until=NOW), "has expired"),
        (consent(subject_reference=Hash32(b"\x07" * 32)), "unknown subject"),
        (consent(OTHER_KEY, subject=address_of(OTHER_KEY)), "key is not vouched for"),
    ],
)
async def test_nothing_is_read_without_a_fitting_consent(
    gateway: Gateway, given: SignedConsent | None, words: str
) -> None:
    with pytest.raises(Refused, match=words):
        await use(gateway, given)
    assert gateway.journal.uses(GRANT.lease.lease) == ()


async def test_a_key_that_nobody_vouches_for_consents_to_nothing(
    gateway: Gateway, tmp_path: Path
) -> None:
    text = json.dumps({"0x" + SUBJECT.hex(): 2})
    (tmp_path / "subjects.json").write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match="key is not vouched for"):
        await use(gateway, consent())


async def test_a_revoked_consent_serves_nothing_and_voids_what_it_overtakes(
    gateway: Gateway,
) -> None:
    given = consent()
    hashed = consent_hash(given.consent, CHAIN_ID)
    gateway.view.moves = [None, lambda view: view.revoked.add(hashed)]
    made = await use(gateway, given)
    assert made.receipt.kind == ReceiptKind.VOID
    assert made.result == ""
    again = request(2, receipt_hash(made.receipt, CHAIN_ID))
    late = consent(nonce=2)
    gateway.view.revoked.add(consent_hash(late.consent, CHAIN_ID))
    with pytest.raises(Refused, match="consent was revoked"):
        await use(gateway, late, again)


async def test_a_consent_where_none_is_due_is_refused(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    wanted = asked()
    halves = (wanted, signed(wanted), RECORD, consent())
    with pytest.raises(Refused, match="consent to a single use is not due"):
        await gateway.service.use(gateway.grant.authorization_id, 1, *halves)


async def test_what_an_agent_approved_is_served_while_the_delegation_stands(
    tmp_path: Path,
) -> None:
    delegation = Hash32(b"\x0d" * 32)
    terms = replace(TERMS, agent=Address(b"\x0a" * 20), delegation=delegation)
    gateway = Gateway(tmp_path, grant(terms))
    wanted = replace(asked(), lease=gateway.grant.lease.lease, previous=gateway.grant.lease.lease)
    halves = (wanted, signed(wanted), RECORD)
    with pytest.raises(Refused, match="delegation has ended"):
        await gateway.service.use(gateway.grant.authorization_id, 1, *halves)
    gateway.view.delegations.add(delegation)
    made = await gateway.service.use(gateway.grant.authorization_id, 1, *halves)
    assert made.receipt.kind == ReceiptKind.DELIVERED


def test_a_consent_travels_whole() -> None:
    given = consent(fields=2**256 - 1, nonce=2**255)
    assert wire.consent({"consent": wire.consent_json(given)}) == given
    assert wire.consent({"consent": wire.consent_json(None)}) is None
    assert wire.consent({}) is None


async def test_a_look_back_needs_dates(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, grant(replace(TERMS, look_back_days=30)))
    wanted = replace(asked(), lease=gateway.grant.lease.lease, previous=gateway.grant.lease.lease)
    made = await gateway.service.use(
        gateway.grant.authorization_id, 1, wanted, signed(wanted), RECORD
    )
    assert made.receipt.kind == ReceiptKind.VOID, "the product names no date field"
    assert NOW - 30 * 86_400 <= made.receipt.data_since < NOW - 29 * 86_400
    assert (made.receipt.data_since + 8 * 3_600) % 86_400 == 0


async def test_a_person_leaves_only_once_counted_among_the_years(tmp_path: Path) -> None:
    terms = replace(PER_USE, destination=344)
    gateway = Gateway(tmp_path, grant(terms))
    vouched(tmp_path)
    identity, lease = gateway.grant.authorization_id, gateway.grant.lease.lease
    reference, year = Hash32(b"\x0e" * 32), year_of(NOW)
    wanted = replace(asked(), lease=lease, previous=lease)

    async def attempt(given: SignedConsent) -> Any:
        halves = (wanted, signed(wanted), RECORD, given)
        return await gateway.service.use(identity, 1, *halves)

    given = consent(authorization=identity, export_reference=reference)
    with pytest.raises(Refused, match="no export on record"):
        await attempt(given)
    gateway.view.exports |= {(identity, year), (1, year, reference, True)}
    for other in (ZERO_HASH, reference):
        with pytest.raises(Refused, match="not counted among"):
            await attempt(consent(authorization=identity, export_reference=other, nonce=3))
    gateway.view.exports.add((1, year, reference, False))
    assert (await attempt(given)).receipt.kind == ReceiptKind.DELIVERED
