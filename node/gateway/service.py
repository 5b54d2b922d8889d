"""One use from request to answer: guard, read, check again, record, release."""

import asyncio
import time
from collections import OrderedDict
from typing import Final

import structlog

from node.errors import DataccordError, NotReady, Refused
from node.gateway import guard
from node.gateway.guard import Grant, refuse
from node.gateway.meter import Meter
from node.gateway.sources import Answer, Source
from node.sdk.contracts import find_terms
from node.sdk.journal import Use
from node.sdk.product import Manifest
from node.sdk.query import Query
from node.sdk.settlement import BuiltBatch, RangeRequest
from node.sdk.view import LedgerView
from node.spec.header import Header
from node.spec.onward import DEPTH_MAX
from node.spec.registry import AuthorizationState, LeaseState
from node.spec.terms import Terms
from node.spec.types import Hash32
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
        self, authorization: Hash32, number: int, request: Request, signature: bytes, query: Query
    ) -> Use:
        """Serve a request of lease `number` of an authorization, or refuse it with a reason."""
        if request.lease != lease_id(authorization, number):
            raise refuse("request names another lease")
        async with self._lock(request.lease):
            head, grant = await self._current_grant(authorization, request.lease)
            manifest, source = self._product(grant)
            before = self._meter.recorded(request)
            guard.check_request(request, signature, query, grant.lease, self._chain_id)
            guard.check_state(grant, time.time(), self._view.head.timestamp)
            await guard.check_keys(self._view, grant, self._meter.address)
            await guard.check_thawed(self._view, grant)
            if before is not None:
                return before
            self._check(request, query, grant, manifest)
            self._meter.begin(request, query, signature)
            return await self._serve(request, query, signature, grant, source, head)

    def _check(self, request: Request, query: Query, grant: Grant, manifest: Manifest) -> None:
        now, progress = time.time(), self._meter.progress(request.lease)
        guard.check_number(request, grant.lease, progress)
        guard.check_purpose(query, grant)
        guard.check_fields(query, grant, manifest.names)
        guard.check_terms(query, grant, now)
        guard.check_exposure(grant, progress)

    async def _serve(
        self,
        request: Request,
        query: Query,
        signature: bytes,
        grant: Grant,
        source: Source,
        permitted: Header,
    ) -> Use:
        """Compute, check the state once more at the newest final block, then record and release.

        What is no longer permitted then becomes a void receipt, dated by the block that `permitted`
        it, so that it keeps its number and can still settle.
        """
        log.info("data_read", lease="0x" + request.lease.hex(), number=request.number)
        answer, failure = await asyncio.to_thread(_compute, source, query, grant)
        try:
            head, again = await self._current_grant(grant.authorization_id, request.lease)
        except Refused as error:
            raise NotReady(
                "gateway: cannot release now",
                why=error.what,
                next_command="send the very same request again: its number is kept",
            ) from error
        now = time.time()
        try:
            guard.check_state(again, now, head.timestamp)
            await guard.check_keys(self._view, again, self._meter.address)
            await guard.check_thawed(self._view, again)
        except Refused as error:
            answer, failure, head = None, error, permitted
        use = self._meter.complete(
            request,
            query,
            signature,
            answer,
            data=source.fingerprint(),
            state_block=head.number,
            used_at=min(int(now), grant.lease.expires_at - 1),
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
        terms = await self._terms_of(authorization)
        parents = await self._parents(terms)
        return Grant(found, state, terms, authorization, parents)

    async def _parents(self, terms: Terms) -> tuple[AuthorizationState, ...]:
        """Return what the terms share onward, as state has it, the nearest first."""
        found: list[AuthorizationState] = []
        while any(terms.parent) and len(found) < DEPTH_MAX:
            state = await self._view.authorization(terms.parent)
            if state is None:
                raise refuse("no authorization", f"0x{terms.parent.hex()} does not exist")
            found.append(state)
            terms = await self._terms_of(terms.parent)
        return tuple(found)

    async def _terms_of(self, authorization: Hash32) -> Terms:
        terms = self._terms.get(authorization)
        if terms is None:
            terms = await find_terms(self._view.client, authorization, self._chain_id)
            self._terms[authorization] = terms
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


def _compute(source: Source, query: Query, grant: Grant) -> tuple[Answer | None, Refused | None]:
    """Return the source's answer, or why there is none: that use is void."""
    try:
        if query.kind == "record":
            return source.record(query, grant.terms.subject_reference), None
        return source.aggregate(query, grant.terms.minimum_group), None
    except Refused as error:
        return None, error
