"""The consumer's side of a use: ask, check every claim of the answer, countersign, keep.

A result counts only with a receipt that fits it: the provider's key signed it, it follows the last
one, and its output commitment opens to the very result. The journal has the request before it
leaves and the receipt before the countersignature does.
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from node.errors import DecodeError, NotReady, ProofError, Refused, RemoteError, SignatureError
from node.sdk import wire
from node.sdk.journal import Journal, Use
from node.sdk.query import Query, parse_query
from node.sdk.settlement import BuiltBatch, RangeRequest, build_batch
from node.sdk.transport import HttpTransport
from node.spec.consents import SignedConsent, consent_hash
from node.spec.crypto import SIGNATURE_LENGTH, keccak256, recover, sign
from node.spec.types import ZERO_HASH, Address, Hash32
from node.spec.usage import (
    Receipt,
    Request,
    batch_id,
    close_digest,
    lease_id,
    receipt_hash,
    request_digest,
)


@dataclass(frozen=True, slots=True)
class LeaseHandle:
    """A lease as its consumer addresses it."""

    authorization: Hash32
    number: int
    provider_key: Address

    @property
    def id(self) -> Hash32:
        """The lease's id."""
        return lease_id(self.authorization, self.number)


def gateway_tls(authority_der: bytes) -> ssl.SSLContext:
    """Return a context that trusts a provider's own certificate authority, as the ledger has it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    pem = x509.load_der_x509_certificate(authority_der).public_bytes(Encoding.PEM)
    context.load_verify_locations(cadata=pem.decode("ascii"))
    return context


class Consumer:
    """A consumer's gateway account at one provider's gateway."""

    def __init__(
        self, url: str, tls: ssl.SSLContext, key: bytes, journal: Path, chain_id: int
    ) -> None:
        self._url = url
        self._tls = tls
        self._key = key
        self._chain_id = chain_id
        self.journal = Journal(journal)

    def close(self) -> None:
        """Release the journal."""
        self.journal.close()

    def next_request(self, lease: LeaseHandle, query: Query) -> Request:
        """Return the request for a lease's next use, or the unanswered one made before."""
        last = self.journal.last(lease.id)
        if last is None:
            return Request(lease.id, 1, query.hash, lease.id)
        if last.receipt is None:
            return last.request
        previous = receipt_hash(last.receipt, self._chain_id)
        return Request(lease.id, last.request.number + 1, query.hash, previous)

    async def ask(
        self, lease: LeaseHandle, query: Query, consent: SignedConsent | None = None
    ) -> Use:
        """Make one use: request, checked answer, countersignature. Returns the kept use."""
        use = await self.request(lease, query, consent=consent)
        return await self.countersign(lease, use)

    async def request(
        self,
        lease: LeaseHandle,
        query: Query,
        request: Request | None = None,
        consent: SignedConsent | None = None,
    ) -> Use:
        """Send a request and return the checked, kept, not yet countersigned use.

        Raises:
            Refused: the gateway gave no number away, and says why.
            NotReady, RemoteError: it may have: the request stands, and is sent again first.
        """
        if request is None:
            await self._finish_standing(lease, query)
            request = self.next_request(lease, query)
        signature = sign(self._key, request_digest(request, self._chain_id))
        body = {
            "authorization": wire.to_hex(lease.authorization),
            "lease": lease.number,
            "request": wire.to_json(request),
            "signature": wire.to_hex(signature),
            "query": query.text,
            "consent": wire.consent_json(consent),
        }
        kept = self.journal.get(lease.id, request.number)
        if kept is None or kept.receipt is None:
            self.journal.complete(Use(request, query.text, signature, consent=consent))
        try:
            answer = await self.post("/use", body)
        except Refused:
            # A refusal gives no number away; only silence leaves the request standing.
            self.journal.withdraw(lease.id, request.number)
            raise
        use = replace(
            self._checked(lease, request, query, signature, answer, consent), consent=consent
        )
        if kept is None or kept.receipt is None:
            self.journal.complete(use)
        elif kept.receipt != use.receipt:
            raise ProofError(f"receipt: another one for use {request.number} is kept already")
        return use

    async def _finish_standing(self, lease: LeaseHandle, query: Query) -> None:
        """Send an unanswered request again before another takes its number (R9)."""
        last = self.journal.last(lease.id)
        if last is None or last.receipt is not None or last.query == query.text:
            return
        try:
            use = await self.request(lease, parse_query(last.query), last.request, last.consent)
        except Refused:
            return
        await self.countersign(lease, use)

    async def countersign(self, lease: LeaseHandle, use: Use) -> Use:
        """Countersign a receipt: keep our half, then hand it over."""
        assert use.receipt is not None, "only a receipt can be countersigned"
        signature = sign(self._key, receipt_hash(use.receipt, self._chain_id))
        self.journal.countersign(lease.id, use.request.number, signature)
        await self.post(
            "/countersign",
            {
                "authorization": wire.to_hex(lease.authorization),
                "lease": lease.number,
                "use": use.request.number,
                "signature": wire.to_hex(signature),
            },
        )
        return replace(use, consumer_signature=signature)

    async def batch(
        self, provider: int, consumer: int, wishes: Sequence[RangeRequest]
    ) -> tuple[BuiltBatch, bytes, bytes]:
        """Return a batch that both sides built alike, with both signatures."""
        built = build_batch(self.journal, provider, consumer, wishes, self._chain_id)
        digest = batch_id(built.batch, self._chain_id)
        ours = sign(self._key, digest)
        ranges = [wire.to_json(wish) for wish in wishes]
        body = {"ranges": ranges, "signature": wire.to_hex(ours)}
        answer = await self.post("/sign-batch", body)
        if wire.hash_of(answer, "root") != built.batch.root:
            raise ProofError("batch: the provider's journal leads to another root")
        return built, wire.data(answer, "signature", SIGNATURE_LENGTH), ours

    async def closing(self, lease: LeaseHandle) -> tuple[int, Hash32, bytes, bytes]:
        """Return (uses, last receipt's hash, provider's and own signature) to close a lease."""
        use = self.journal.last(lease.id)
        used, last = 0, lease.id
        if use is not None and use.receipt is not None:
            used, last = use.request.number, receipt_hash(use.receipt, self._chain_id)
        digest = close_digest(lease.id, used, last, self._chain_id)
        ours = sign(self._key, digest)
        body = {
            "authorization": wire.to_hex(lease.authorization),
            "lease": lease.number,
            "signature": wire.to_hex(ours),
        }
        theirs = wire.data(await self.post("/sign-close", body), "signature", SIGNATURE_LENGTH)
        if recover(digest, theirs) != lease.provider_key:
            raise SignatureError("close: not signed by the lease's provider")
        return used, last, theirs, ours

    def _checked(
        self,
        lease: LeaseHandle,
        request: Request,
        query: Query,
        signature: bytes,
        answer: dict[str, Any],
        consent: SignedConsent | None,
    ) -> Use:
        """Return the use an answer makes, every part of it checked against the request."""
        receipt = wire.from_json(Receipt, answer.get("receipt"))
        half = wire.data(answer, "signature", SIGNATURE_LENGTH)
        salt, result = wire.data(answer, "salt", 32), wire.text(answer, "result")
        asked = (request.lease, request.number, request.previous, request.request_hash)
        got = (receipt.lease, receipt.number, receipt.previous, receipt.request_hash)
        if asked != got:
            raise ProofError("receipt: is not of this request")
        due = ZERO_HASH if consent is None else consent_hash(consent.consent, self._chain_id)
        if receipt.consent != due:
            raise ProofError("receipt: carries another consent than was given")
        if recover(receipt_hash(receipt, self._chain_id), half) != lease.provider_key:
            raise SignatureError("receipt: not signed by the lease's provider")
        if receipt.output_commitment != keccak256(salt + keccak256(result.encode())):
            raise ProofError("receipt: its output commitment does not open to the result")
        return Use(request, query.text, signature, receipt, salt, result, half)

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return a gateway's answer.

        Raises:
            Refused: the gateway refused, with its reason.
            NotReady: it cannot serve now; the very same body may be sent again.
        """
        async with HttpTransport(self._url + path, timeout_s=30.0, tls=self._tls) as transport:
            answer = await transport.post(body)
        if not isinstance(answer, dict):
            raise RemoteError(f"{path}: the answer is no object")
        if answer.get("retry") is True:
            raise NotReady(str(answer.get("error"))[:300])
        if "error" in answer:
            raise Refused(str(answer["error"])[:300], why=str(answer.get("why", ""))[:300])
        try:
            return dict(wire.mapping(answer, path))
        except DecodeError as error:
            raise RemoteError(error.what) from error
