"""No byte of data may be read without each numbered permission; each is taken away once."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from node.errors import Refused
from node.gateway import guard
from node.gateway.guard import HEAD_AGE_SECONDS_MAX, Progress
from node.sdk.query import Measure, aggregate_query, record_query
from node.spec.crypto import address_of
from node.spec.types import Hash32
from node.spec.vocabulary import AuthorizationStatus, DeliveryMode, LeaseStatus

from .kit import (
    CHAIN_ID,
    CONSUMER_KEY,
    COUNTS,
    MANIFEST,
    NARROWER,
    NOW,
    OTHER_KEY,
    PROVIDER_KEY,
    PURPOSE,
    RECORD,
    TERMS,
    FakeView,
    asked,
    grant,
    signed,
    standing,
)


def view_of_age(seconds: int) -> Any:
    return SimpleNamespace(head=SimpleNamespace(timestamp=NOW - seconds, number=7))


def test_1_a_stale_head_serves_nothing() -> None:
    guard.check_fresh(view_of_age(HEAD_AGE_SECONDS_MAX), NOW)
    with pytest.raises(Refused, match="head is stale"):
        guard.check_fresh(view_of_age(HEAD_AGE_SECONDS_MAX + 1), NOW)


def test_2_the_consumer_signed_this_request_for_this_query() -> None:
    lease, request = grant().lease, asked()
    guard.check_request(request, signed(request), RECORD, lease, CHAIN_ID)
    with pytest.raises(Refused, match="for another query"):
        guard.check_request(request, signed(request), COUNTS, lease, CHAIN_ID)
    for signature in (signed(request, OTHER_KEY), bytes(65), signed(asked(number=2))):
        with pytest.raises(Refused, match="not signed by the lease's consumer"):
            guard.check_request(request, signature, RECORD, lease, CHAIN_ID)
    with pytest.raises(Refused, match="not signed by the lease's consumer"):
        guard.check_request(request, signed(request), RECORD, lease, CHAIN_ID + 1)


def test_3_numbers_run_without_gap_chained_by_hash() -> None:
    lease, last = grant(uses=3).lease, Hash32(b"\x0a" * 32)
    guard.check_number(asked(number=3, previous=last), lease, Progress(2, last, 0))
    for number, previous, words in (
        (4, last, "uses exhausted"),
        (2, last, "number skipped"),
        (1, last, "number skipped"),
        (3, lease.lease, "does not follow"),
    ):
        with pytest.raises(Refused, match=words):
            guard.check_number(asked(number=number, previous=previous), lease, Progress(2, last, 0))


def test_4_lease_and_authorization_stand() -> None:
    guard.check_state(grant(), NOW, NOW)
    exhausted = replace(grant(), authorization=standing(counted=10, open=0))
    guard.check_state(exhausted, NOW, NOW)
    for state, words in (
        (standing(ended=6, status=AuthorizationStatus.REVOKED), "has ended"),
        (standing(ended=6, status=AuthorizationStatus.TERMINATED), "has ended"),
        (standing(status=AuthorizationStatus.REQUESTED), "not active"),
        (standing(status=AuthorizationStatus.REJECTED), "not active"),
        (standing(valid_until=NOW), "not active"),
    ):
        with pytest.raises(Refused, match=words):
            guard.check_state(replace(grant(), authorization=state), NOW, NOW)
    for status in (LeaseStatus.CLOSING, LeaseStatus.CLOSED, LeaseStatus.LAPSED):
        with pytest.raises(Refused, match="lease is not open"):
            guard.check_state(grant(status=status), NOW, NOW)


def test_4_a_lease_ends_by_either_clock() -> None:
    end = grant().lease.expires_at
    guard.check_state(grant(), end - 1, end - 1)
    for now, head in ((end, end - 10), (end - 10, end)):
        with pytest.raises(Refused, match="lease has expired"):
            guard.check_state(grant(), now, head)


def test_5_the_purpose_is_the_leases_or_one_it_covers() -> None:
    for name in (PURPOSE, NARROWER):
        guard.check_purpose(record_query(name, ["job"]), grant())
    with pytest.raises(Refused, match="purpose not granted"):
        guard.check_purpose(record_query("FraudManagement", ["job"]), grant())
    with pytest.raises(Refused, match="unknown purpose"):
        guard.check_purpose(record_query("Anything", ["job"]), grant())


def test_5_a_narrow_lease_does_not_serve_its_parent() -> None:
    from node.spec.vocabulary import purpose

    with pytest.raises(Refused, match="purpose not granted"):
        guard.check_purpose(record_query(PURPOSE, ["job"]), grant(purpose=purpose(NARROWER)))


def test_6_every_field_that_matters_is_granted() -> None:
    guard.check_fields(RECORD, grant(), MANIFEST.names)
    with pytest.raises(Refused, match="field not granted"):
        guard.check_fields(record_query(PURPOSE, ["secret"]), grant(), MANIFEST.names)
    with pytest.raises(Refused, match="unknown field"):
        guard.check_fields(record_query(PURPOSE, ["nothing"]), grant(), MANIFEST.names)
    hidden = aggregate_query(PURPOSE, ["job"], [Measure("share", "secret", "1")])
    with pytest.raises(Refused, match="field not granted"):
        guard.check_fields(hidden, grant(), MANIFEST.names)
    narrow = grant(fields=MANIFEST.mask_of("job"))
    with pytest.raises(Refused, match="field not granted"):
        guard.check_fields(RECORD, narrow, MANIFEST.names)


@pytest.mark.parametrize("amended", [0, MANIFEST.mask_of("job", "secret")])
def test_6_a_lease_is_served_under_its_own_terms_when_others_took_their_place(amended: int) -> None:
    """R23: neither fewer fields nor more, whatever the version now in force grants."""
    held = grant()
    later = replace(held, authorization=replace(held.authorization, fields=amended))
    guard.check_fields(RECORD, later, MANIFEST.names)
    guard.check_terms(RECORD, later, NOW)
    with pytest.raises(Refused, match="field not granted"):
        guard.check_fields(record_query(PURPOSE, ["secret"]), later, MANIFEST.names)


def test_7_mode_and_the_rest_of_the_terms() -> None:
    guard.check_terms(RECORD, grant(), NOW)
    guard.check_terms(COUNTS, grant(mode=DeliveryMode.QUERY), NOW)
    with pytest.raises(Refused, match="mode not granted"):
        guard.check_terms(COUNTS, grant(), NOW)
    with pytest.raises(Refused, match="mode not granted"):
        guard.check_terms(RECORD, grant(replace(TERMS, modes=1 << DeliveryMode.QUERY)), NOW)
    for now, words in ((TERMS.valid_from - 1, "not yet valid"), (TERMS.valid_until, "expired")):
        with pytest.raises(Refused, match=words):
            guard.check_terms(RECORD, grant(), now)


def test_7_a_record_needs_one_consenting_subject() -> None:
    nobody = grant(replace(TERMS, subject_mode=0))
    with pytest.raises(Refused, match="no subject"):
        guard.check_terms(RECORD, nobody, NOW)


def test_8_no_countersignature_no_next_answer() -> None:
    word = Hash32(bytes(32))
    two = grant(replace(TERMS, unsigned_maximum=2))
    guard.check_exposure(two, Progress(3, word, 1))
    with pytest.raises(Refused, match="countersignature outstanding"):
        guard.check_exposure(two, Progress(3, word, 2))


@pytest.mark.parametrize(
    "changes", [{"status": AuthorizationStatus.SUSPENDED}, {"ended": 6}, {"valid_until": NOW}]
)
def test_4_what_is_shared_onward_dies_with_any_parent(changes: dict[str, Any]) -> None:
    shared = replace(grant(), parents=(standing(), standing()))
    guard.check_state(shared, NOW, NOW)
    if "ended" in changes:
        changes = {**changes, "status": AuthorizationStatus.REVOKED}
    for place in (0, 1):
        parents = [standing(), standing()]
        parents[place] = standing(**changes)
        with pytest.raises(Refused, match="parent is not active"):
            guard.check_state(replace(shared, parents=tuple(parents)), NOW, NOW)


def test_4_what_is_suspended_is_not_served() -> None:
    suspended = standing(status=AuthorizationStatus.SUSPENDED)
    with pytest.raises(Refused, match="not active"):
        guard.check_state(replace(grant(), authorization=suspended), NOW, NOW)


async def test_9_both_keys_are_gateways_now() -> None:
    view, own = FakeView(grant()), address_of(PROVIDER_KEY)
    await guard.check_keys(view, grant(), own)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="another provider key"):
        await guard.check_keys(view, grant(), address_of(OTHER_KEY))  # type: ignore[arg-type]
    for key, member, words in (
        (PROVIDER_KEY, TERMS.provider, "provider's key is not admitted"),
        (CONSUMER_KEY, TERMS.consumer, "consumer's key is not admitted"),
    ):
        view = FakeView(grant())
        view.gateways.discard((address_of(key), member))
        with pytest.raises(Refused, match=words):
            await guard.check_keys(view, grant(), own)  # type: ignore[arg-type]


def test_a_refusal_has_a_stable_reason() -> None:
    assert guard.refuse("no lease", "why").reason == "gateway: no lease"


async def test_10_no_freeze_lies_over_it() -> None:
    base = grant()
    await guard.check_thawed(FakeView(base), base)
    frozen = standing(frozen_until=NOW + 1)
    for changed in (
        replace(base, authorization=frozen),
        replace(base, parents=(frozen,)),
    ):
        with pytest.raises(Refused, match="authorization is frozen"):
            await guard.check_thawed(FakeView(changed), changed)
    over = replace(base, authorization=standing(frozen_until=NOW))
    await guard.check_thawed(FakeView(over), over)
    for member in (TERMS.provider, TERMS.consumer):
        with pytest.raises(Refused, match="member is frozen"):
            await guard.check_thawed(FakeView(base, frozen={member: NOW + 1}), base)
    zone = {(base.authorization.zone, base.lease.purpose): NOW + 1}
    with pytest.raises(Refused, match="zone is frozen"):
        await guard.check_thawed(FakeView(base, frozen=zone), base)


async def test_12_what_is_shared_onward_dies_with_a_delegation_above_it() -> None:
    own, above = Hash32(b"\x0c" * 32), Hash32(b"\x0d" * 32)
    terms = replace(TERMS, delegation=own)
    shared = replace(grant(terms), delegations=(Hash32(bytes(32)), above))
    for known in ({own}, {above}):
        view = FakeView(shared, delegations=known)
        with pytest.raises(Refused, match="delegation has ended"):
            await guard.check_delegation(view, shared)
    await guard.check_delegation(FakeView(shared, delegations={own, above}), shared)
