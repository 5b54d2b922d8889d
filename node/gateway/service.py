"""One use from request to answer: guard, read, check again, record, release."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import structlog

from node.errors import DataccordError, NotReady, Refused
from node.gateway import guard
from node.gateway.guard import Grant, refuse
from node.gateway.meter import Basis, Meter
from node.gateway.sources import Answer, Source
from node.sdk.contracts import find_terms
from node.sdk.journal import Use
from node.sdk.product import Manifest
from node.sdk.query import Query
from node.sdk.settlement import BuiltBatch, RangeRequest
from node.sdk.view import LedgerView
from node.spec.calendar import first_day
from node.spec.consents import SignedConsent
from node.spec.header import Header
from node.spec.onward import DEPTH_MAX
from node.spec.registry import AuthorizationState, LeaseState
from node.spec.terms import Terms, data_since
from node.spec.types import ZERO_HASH, Hash32
from node.spec.usage import Request, lease_id

LOCKS_MAX: Final = 10_000
log = structlog.get_logger()


class Service:
    """A provider's gateway without its door."""

    def __init__(
        self,
        view: LedgerView,
        meter: Meter,
        products: dict[Hash32, tuple[Manifest, Source]],
        chain_id: int,
    ) -> None:
        self._view = view
        self._meter = meter
        self._products = products
        self._chain_id = chain_id
        self._terms: OrderedDict[Hash32, Terms] = OrderedDict()
        self._locks: OrderedDict[Hash32, asyncio.Lock] = OrderedDict()
        self._head_lock = asyncio.Lock()

    async def use(
        self,
        authorization: Hash32,
        number: int,
        request: Request,
        signature: bytes,
        query: Query,
        consent: SignedConsent | None = None,
    ) -> Use:
        """Serve a request of lease `number` of an authorization, or refuse it with a reason."""
        if request.lease != lease_id(authorization, number):
            raise refuse("request names another lease")
        async with self._lock(request.lease):
            head, grant = await self._current_grant(authorization, request.lease)
            manifest, source = self._product(grant)
            before = self._meter.recorded(request)
            guard.check_request(request, signature, query, grant.lease, self._chain_id)
            await self._check_standing(grant, time.time(), self._view.head.timestamp)
            if before is not None:
                return before
            self._check(request, query, grant, manifest)
            basis = await self._basis(request, query, grant, consent)
            self._meter.begin(request, query, signature, consent)
            asked = _Asked(request, query, signature, basis)
            return await self._serve(asked, grant, source, head)

    async def _check_standing(self, grant: Grant, now: float, head_timestamp: int) -> None:
        """Ask all that may have changed since the lease was opened (R11)."""
        guard.check_state(grant, now, head_timestamp)
        await guard.check_keys(self._view, grant, self._meter.address)
        await guard.check_thawed(self._view, grant)
        await guard.check_delegation(self._view, grant)

    async def _basis(
        self, request: Request, query: Query, grant: Grant, consent: SignedConsent | None
    ) -> Basis:
        """Return when the use is made, from when its data may be, and the consent to it."""
        # Not before the block that it stands on: a freeze that is over by itself ends at a second.
        now = max(int(time.time()), self._view.head.timestamp)
        now = min(now, grant.lease.expires_at - 1)
        since = data_since(grant.terms, now)
        manifest, source = self._product(grant)
        key, used = None, False
        if consent is not None:
            key = source.subject_key(consent.consent.subject_reference)
            used = self._meter.has_used(request, consent)
        asked = guard.Asked(self._chain_id, now, manifest.names, key, used)
        hashed = await guard.check_consent(self._view, grant, consent, query, asked)
        reference = ZERO_HASH if consent is None else consent.consent.export_reference
        sensitive = bool(grant.terms.fields & manifest.sensitive_mask())
        needed = guard.Exported(reference, sensitive)
        await guard.check_export(self._view, grant, needed, max(now, self._view.head.timestamp))
        return Basis(now, first_day(since)[1] if since else 0, hashed, consent)

    def _check(self, request: Request, query: Query, grant: Grant, manifest: Manifest) -> None:
        now, progress = time.time(), self._meter.progress(request.lease)
        guard.check_number(request, grant.lease, progress)
        guard.check_purpose(query, grant)
        guard.check_fields(query, grant, manifest.names)
        guard.check_terms(query, grant, now)
        guard.check_exposure(grant, progress)

    async def _serve(self, asked: "_Asked", grant: Grant, source: Source, permitted: Header) -> Use:
        """Compute, check the state once more at the newest final block, then record and release.

        What is no longer permitted then becomes a void receipt, dated by the block that `permitted`
        it, so that it keeps its number and can still settle.
        """
        request, basis = asked.request, asked.basis
        log.info("data_read", lease="0x" + request.lease.hex(), number=request.number)
        answer, failure = await asyncio.to_thread(_compute, source, asked, grant)
        try:
            head, again = await self._current_grant(grant.authorization_id, request.lease)
        except Refused as error:
            raise NotReady(
                "gateway: cannot release now",
                why=error.what,
                next_command="send the very same request again: its number is kept",
            ) from error
        try:
            await self._check_standing(again, time.time(), head.timestamp)
            if any(basis.consent_hash) and await self._view.is_consent_revoked(
                grant.authorization_id, basis.consent_hash
            ):
                raise refuse("consent was revoked")
        except Refused as error:
            answer, failure, head = None, error, permitted
        use = self._meter.complete(
            request,
            asked.query,
            asked.signature,
            answer,
            data=source.fingerprint(),
            state_block=head.number,
            basis=basis,
        )
        log.info(
            "use_recorded",
            lease="0x" + request.lease.hex(),
            number=request.number,
            void=answer is None,
            why=failure.what if failure else "",
        )
        return use

    async def countersign(
        self, authorization: Hash32, number: int, use: int, signature: bytes
    ) -> None:
        """Keep the consumer's half of a receipt."""
        identifier = lease_id(authorization, number)
        async with self._lock(identifier):
            self._meter.countersign(await self._lease(identifier), use, signature)

    async def sign_batch(
        self, wishes: list[RangeRequest], signature: bytes
    ) -> tuple[BuiltBatch, bytes]:
        """Return the batch of these ranges as our journal has it, and our signature."""
        await self._advance()
        leases = [await self._lease(lease_id(wish.authorization, wish.lease)) for wish in wishes]
        pairs = {(lease.provider_key, lease.consumer_key) for lease in leases}
        if len(pairs) != 1 or leases[0].provider_key != self._meter.address:
            raise refuse("batch of more than one pair, or of another gateway")
        for lease, wish in zip(leases, wishes, strict=True):
            if wish.last > lease.uses:
                raise refuse("batch of more uses than the lease reserved")
        return self._meter.sign_batch(leases[0], wishes, signature)

    async def sign_close(
        self, authorization: Hash32, number: int, signature: bytes
    ) -> tuple[int, Hash32, bytes]:
        """Return our half of a close of a lease whose uses are all settled."""
        await self._advance()
        lease = await self._lease(lease_id(authorization, number))
        return self._meter.sign_close(lease, signature)

    async def _advance(self) -> None:
        async with self._head_lock:
            try:
                await self._view.advance()
            except DataccordError as error:
                raise refuse("ledger cannot be verified", error.what) from error
        guard.check_fresh(self._view, time.time())

    async def _lease(self, identifier: Hash32) -> LeaseState:
        lease = await self._view.lease(identifier)
        if lease is None:
            raise refuse("no lease", f"0x{identifier.hex()} was never opened")
        return lease

    async def _current_grant(self, authorization: Hash32, lease: Hash32) -> tuple[Header, Grant]:
        """Return a grant and the newest final header that all of it was read under."""
        while True:
            await self._advance()
            head = self._view.head
            grant = await self._grant(authorization, lease)
            if self._view.head is head:
                return head, grant

    async def _grant(self, authorization: Hash32, lease: Hash32) -> Grant:
        found = await self._lease(lease)
        state = await self._view.authorization(authorization)
        if state is None:
            raise refuse("no authorization", f"0x{authorization.hex()} does not exist")
        terms = await self._terms_of(authorization, found.version)
        parents, delegations = await self._parents(terms)
        return Grant(found, state, terms, authorization, parents, delegations)

    async def _parents(
        self, terms: Terms
    ) -> tuple[tuple[AuthorizationState, ...], tuple[Hash32, ...]]:
        """Return what the terms share onward, as state has it, and the delegations of that."""
        found: list[AuthorizationState] = []
        delegations: list[Hash32] = []
        while any(terms.parent) and len(found) < DEPTH_MAX:
            state = await self._view.authorization(terms.parent)
            if state is None:
                raise refuse("no authorization", f"0x{terms.parent.hex()} does not exist")
            found.append(state)
            terms = await self._terms_of(terms.parent, state.version)
            delegations.append(terms.delegation)
        return tuple(found), tuple(delegations)

    async def _terms_of(self, authorization: Hash32, version: int) -> Terms:
        """Return a version of an authorization's terms: a lease is served under its own (R23)."""
        digest = await self._view.terms_digest(authorization, version)
        terms = self._terms.get(digest)
        if terms is None:
            terms = await find_terms(self._view.client, digest, self._chain_id)
            self._terms[digest] = terms
            if len(self._terms) > LOCKS_MAX:
                self._terms.popitem(last=False)
        return terms

    def _product(self, grant: Grant) -> tuple[Manifest, Source]:
        product = self._products.get(grant.terms.product)
        if product is None:
            raise refuse("product is not served here")
        return product

    def _lock(self, lease: Hash32) -> asyncio.Lock:
        lock = self._locks.setdefault(lease, asyncio.Lock())
        self._locks.move_to_end(lease)
        for old in [key for key, other in self._locks.items() if not other.locked()]:
            if len(self._locks) <= LOCKS_MAX or old == lease:
                break
            del self._locks[old]
        return lock


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that passed all checks, with what it stands on."""

    request: Request
    query: Query
    signature: bytes
    basis: Basis


def _compute(source: Source, asked: _Asked, grant: Grant) -> tuple[Answer | None, Refused | None]:
    """Return the source's answer, or why there is none: that use is void."""
    query, basis = asked.query, asked.basis
    since = first_day(basis.data_since)[0] if basis.data_since else None
    reference = grant.terms.subject_reference
    if basis.consent is not None:
        reference = basis.consent.consent.subject_reference
    try:
        if query.kind == "record":
            return source.record(query, reference, since), None
        return source.aggregate(query, grant.terms.minimum_group, since), None
    except Refused as error:
        return None, error
