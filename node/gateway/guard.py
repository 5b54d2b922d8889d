"""Whether a request may be served, decided from proved state before a byte of data is read.

The argument is numbered; each step refuses with a stable reason. Contracts asked most of it when
the lease was opened, but a lease outlives a revocation, so all of it is asked again at the newest
final head (R11), and once more just before release.
"""

from dataclasses import dataclass
from typing import Final

from node.errors import Refused, SignatureError
from node.sdk.query import Query
from node.sdk.view import LedgerView
from node.spec.consents import SignedConsent, refuse_use, verify_consent
from node.spec.exports import needs_record, year_of
from node.spec.registry import AuthorizationState, LeaseState, status_at
from node.spec.terms import Terms, Wanted, has_subject, needs_consents, refuse_request
from node.spec.types import ZERO_HASH, Address, Hash32
from node.spec.usage import Request, verify_request
from node.spec.vocabulary import AuthorizationStatus, LeaseStatus, purpose, purpose_covers

HEAD_AGE_SECONDS_MAX: Final = 20
"""Twice the empty-block period: a halted ledger stops service (R16)."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What permits one use: the lease, its authorization, and the terms behind both."""

    lease: LeaseState
    authorization: AuthorizationState
    terms: Terms
    authorization_id: Hash32
    parents: tuple[AuthorizationState, ...] = ()
    """The authorizations it shares onward, as state has them: it dies with any."""
    delegations: tuple[Hash32, ...] = ()
    """Those that the terms of its parents stand on: it dies with any of these too."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the provider's journal has got with a lease."""

    number: int
    """The last number given; 0 before the first."""
    last: Hash32
    """Hash of that receipt; the lease's id before the first."""
    unsigned: int
    """Receipts without the consumer's signature."""


@dataclass(frozen=True, slots=True)
class Exported:
    """Whose data leave in a use: the reference that a consent names; whether it is sensitive."""

    reference: Hash32 = ZERO_HASH
    is_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What the provider knows beside the ledger when it judges a consent."""

    chain_id: int
    now: float
    names: tuple[str, ...]
    """The product's fields in the order of every mask."""
    vouched_key: Address | None
    """The key that the provider vouches for as the subject's (R3)."""
    was_used: bool
    """Whether some other use was made on the consent."""

    def names_mask(self, query: Query) -> int:
        """Return the mask of the fields that a query's answer depends on."""
        return sum(1 << self.names.index(name) for name in query.used_fields)


def refuse(reason: str, why: str = "") -> Refused:
    """Return the refusal with a gateway's reason."""
    return Refused(f"gateway: {reason}", why=why)


def check_fresh(view: LedgerView, now: float) -> None:
    """(1) The newest final head is young: state older than that may have been revoked."""
    age = now - view.head.timestamp
    if age > HEAD_AGE_SECONDS_MAX:
        raise refuse("ledger head is stale", f"block {view.head.number} is {age:.0f} s old")


def check_request(
    request: Request, signature: bytes, query: Query, lease: LeaseState, chain_id: int
) -> None:
    """(2) The lease's consumer key signed this request, and it is for this very query (R9)."""
    if request.request_hash != query.hash:
        raise refuse("request is for another query")
    try:
        verify_request(request, chain_id, signature, lease.consumer_key)
    except SignatureError as error:
        raise refuse("request is not signed by the lease's consumer", error.what) from error


def check_number(request: Request, lease: LeaseState, progress: Progress) -> None:
    """(3) Numbers run without gap, within what the lease reserved, chained by hash (R9)."""
    if request.number > lease.uses:
        raise refuse("uses exhausted", f"the lease reserved {lease.uses}")
    if request.number != progress.number + 1:
        raise refuse("number skipped", f"use {progress.number + 1} is next, not {request.number}")
    if request.previous != progress.last:
        raise refuse("does not follow the last receipt", f"it is 0x{progress.last.hex()}")


def check_state(grant: Grant, now: float, head_timestamp: int) -> None:
    """(4) Lease and authorization stand at the newest final head (R11)."""
    status = status_at(grant.authorization, head_timestamp)
    if grant.authorization.ended is not None:
        raise refuse("authorization has ended", f"{status.name.lower()}, {_ended(grant)}")
    if status not in (AuthorizationStatus.ACTIVE, AuthorizationStatus.EXHAUSTED):
        raise refuse("authorization is not active", status.name.lower())
    for parent in grant.parents:
        above = status_at(parent, head_timestamp)
        if above not in (AuthorizationStatus.ACTIVE, AuthorizationStatus.EXHAUSTED):
            raise refuse("parent is not active", above.name.lower())
    if grant.lease.status != LeaseStatus.OPEN:
        raise refuse("lease is not open", LeaseStatus(grant.lease.status).name.lower())
    if max(now, head_timestamp) >= grant.lease.expires_at:
        raise refuse("lease has expired")


def _ended(grant: Grant) -> str:
    return f"in block {grant.authorization.ended}"


def check_purpose(query: Query, grant: Grant) -> None:
    """(5) The purpose is the lease's, or one it covers (R6)."""
    try:
        wanted = purpose(query.purpose)
    except KeyError:
        raise refuse("unknown purpose", query.purpose) from None
    if not purpose_covers(grant.lease.purpose, wanted):
        raise refuse("purpose not granted", query.purpose)


def check_fields(query: Query, grant: Grant, names: tuple[str, ...]) -> None:
    """(6) Every field the answer depends on is in the lease's mask, else in its terms' (R23)."""
    granted = grant.lease.fields or grant.terms.fields
    for name in sorted(query.used_fields):
        if name not in names:
            raise refuse("unknown field", name)
        if not granted >> names.index(name) & 1:
            raise refuse("field not granted", name)


def check_terms(query: Query, grant: Grant, now: float) -> None:
    """(7) Mode, validity and the rest of the terms, in the contract's words (R2, R4)."""
    if query.mode != grant.lease.mode:
        raise refuse("mode not granted", f"{query.kind} is not what the lease fixed")
    wanted = Wanted(
        grant.lease.purpose,
        grant.lease.fields or grant.terms.fields,
        query.mode,
        grant.terms.destination,
        int(now),
    )
    reason = refuse_request(grant.terms, wanted)
    if reason is not None:
        raise Refused(reason)
    if query.kind == "record" and not (has_subject(grant.terms) or needs_consents(grant.terms)):
        raise refuse("no subject", "records are delivered of one consenting person only")


def check_exposure(grant: Grant, progress: Progress) -> None:
    """(8) Beyond the agreed exposure, no countersignature means no next answer (R10)."""
    if progress.unsigned >= grant.terms.unsigned_maximum:
        raise refuse(
            "countersignature outstanding", f"{progress.unsigned} receipts await the consumer"
        )


async def check_consent(
    view: LedgerView, grant: Grant, consent: SignedConsent | None, query: Query, at: Asked
) -> Hash32:
    """(11) Where each use needs it, its subject consented to this very use, and still does (R2).

    Returns the consent's hash, which the receipt carries; zero where none is needed.
    """
    if not needs_consents(grant.terms):
        if consent is not None:
            raise refuse("consent to a single use is not due")
        return ZERO_HASH
    if consent is None:
        raise refuse("no consent to the use")
    try:
        hashed = verify_consent(consent, at.chain_id)
    except SignatureError as error:
        raise refuse("consent is not signed by its subject", error.what) from error
    _check_fits(grant, consent, query, at)
    if await view.is_consent_revoked(grant.authorization_id, hashed):
        raise refuse("consent was revoked")
    return hashed


def _check_fits(grant: Grant, consent: SignedConsent, query: Query, at: Asked) -> None:
    wanted = (grant.lease.purpose, at.names_mask(query))
    flaw = refuse_use(consent.consent, grant.authorization_id, *wanted, int(at.now))
    if flaw is not None:
        raise refuse(flaw)
    if at.vouched_key != consent.consent.subject:
        raise refuse("consent's key is not vouched for", "the provider knows another, or none")
    if at.was_used:
        raise refuse("consent was used before", "one consent permits one use")


async def check_export(view: LedgerView, grant: Grant, needed: Exported, at: float) -> None:
    """(13) A person's data leave only once that person is counted among the year's (R20)."""
    if not needs_record(grant.terms):
        return
    year = year_of(int(at))
    terms = await view.terms_digest(grant.authorization_id, grant.lease.version)
    if not await view.is_export_recorded(terms, year):
        raise refuse("no export on record for the year", str(year))
    if needs_consents(grant.terms):
        counted = any(needed.reference) and await view.is_person_exported(
            grant.lease.provider, year, needed.reference, is_sensitive=needed.is_sensitive
        )
        if not counted:
            raise refuse("person is not counted among the year's exports", str(year))


async def check_delegation(view: LedgerView, grant: Grant) -> None:
    """(12) The delegation that an agent approved on still stands, for what it shares onward too."""
    for delegation in (grant.terms.delegation, *grant.delegations):
        if any(delegation) and not await view.has_delegation(delegation, view.head.timestamp):
            raise refuse("delegation has ended")


async def check_keys(view: LedgerView, grant: Grant, own_key: Address) -> None:
    """(9) Both keys of the lease are gateways of their members now, and one is ours (R7)."""
    if grant.lease.provider_key != own_key:
        raise refuse("lease names another provider key", f"0x{grant.lease.provider_key.hex()}")
    if not await view.is_gateway_of(own_key, grant.lease.provider):
        raise refuse("provider's key is not admitted")
    if not await view.is_gateway_of(grant.lease.consumer_key, grant.lease.consumer):
        raise refuse("consumer's key is not admitted")


async def check_thawed(view: LedgerView, grant: Grant) -> None:
    """(10) No regulator's freeze lies over authorization, parents, members or zone (R22)."""
    at = view.head.timestamp
    if any(at < state.frozen_until for state in (grant.authorization, *grant.parents)):
        raise refuse("authorization is frozen")
    for member in (grant.lease.provider, grant.lease.consumer):
        if await view.is_frozen(member, at):
            raise refuse("member is frozen", f"member {member}")
    if await view.is_zone_frozen(grant.authorization.zone, grant.lease.purpose, at):
        raise refuse("zone is frozen for this purpose")
