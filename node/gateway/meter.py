"""Numbers, signs and keeps the provider's half of every use.

The journal row is written before the data is read and completed before the answer leaves, so a
crash can neither give one number twice nor release what was not recorded (R9, R10).
"""

import secrets
from dataclasses import dataclass

from node.errors import Refused, SignatureError
from node.gateway.guard import Progress, refuse
from node.gateway.sources import Answer
from node.sdk.journal import Journal, Use
from node.sdk.query import Query
from node.sdk.settlement import BuiltBatch, RangeRequest, build_batch
from node.spec.consents import SignedConsent
from node.spec.crypto import address_of, keccak256, recover, sign
from node.spec.registry import LeaseState
from node.spec.types import ZERO_HASH, Address, Hash32
from node.spec.usage import Receipt, Request, batch_id, close_digest, receipt_hash
from node.spec.vocabulary import ReceiptKind


@dataclass(frozen=True, slots=True)
class Basis:
    """When a use was made, how far back its data reaches, and the subject's consent to it."""

    used_at: int
    data_since: int = 0
    consent_hash: Hash32 = ZERO_HASH
    consent: SignedConsent | None = None


class Meter:
    """A provider's key and journal."""

    def __init__(self, journal: Journal, key: bytes, chain_id: int) -> None:
        self.address: Address = address_of(key)
        self._journal = journal
        self._key = key
        self._chain_id = chain_id

    def progress(self, lease: Hash32) -> Progress:
        """Return how far the journal has got with a lease."""
        last = self._journal.last(lease)
        if last is None:
            return Progress(0, lease, 0)
        if last.receipt is None:
            # A crash came between number and answer: the same request may still complete it.
            return Progress(last.request.number - 1, last.request.previous, 0)
        return Progress(
            last.request.number,
            receipt_hash(last.receipt, self._chain_id),
            self._journal.unsigned(lease),
        )

    def recorded(self, request: Request) -> Use | None:
        """Return the use that this very request got before, None where its number is free.

        Raises:
            Refused: the number went to another request.
        """
        use = self._journal.get(request.lease, request.number)
        if use is not None and use.request != request:
            raise refuse("number given before", f"use {request.number} was another request")
        return use if use is not None and use.receipt is not None else None

    def has_used(self, request: Request, consent: SignedConsent) -> bool:
        """Whether another request than this was served on a consent."""
        own = self._journal.get(request.lease, request.number)
        return self._journal.has_used(consent) and (own is None or own.consent != consent)

    def begin(
        self, request: Request, query: Query, signature: bytes, consent: SignedConsent | None
    ) -> None:
        """Give the request its number, durably, before any data is read."""
        if self._journal.get(request.lease, request.number) is None:
            self._journal.add(Use(request, query.text, signature, consent=consent))

    def complete(
        self,
        request: Request,
        query: Query,
        signature: bytes,
        answer: Answer | None,
        *,
        data: Hash32,
        state_block: int,
        basis: Basis,
    ) -> Use:
        """Sign and keep the receipt; without an answer the use is void and keeps its number."""
        salt = secrets.token_bytes(32)
        text = "" if answer is None else answer.text
        receipt = Receipt(
            request.lease,
            request.number,
            request.previous,
            request.request_hash,
            int(ReceiptKind.VOID if answer is None else ReceiptKind.DELIVERED),
            state_block,
            basis.used_at,
            0 if answer is None else answer.record_count,
            basis.data_since,
            basis.consent_hash,
            commitment(salt, query.text.encode() + data),
            commitment(salt, text.encode()),
        )
        half = sign(self._key, receipt_hash(receipt, self._chain_id))
        use = Use(request, query.text, signature, receipt, salt, text, half, consent=basis.consent)
        self._journal.complete(use)
        return use

    def countersign(self, lease: LeaseState, number: int, signature: bytes) -> None:
        """Keep the consumer's signature over a receipt, after checking it."""
        use = self._journal.get(lease.lease, number)
        if use is None or use.receipt is None:
            raise refuse("no such receipt", f"use {number} has none")
        digest = receipt_hash(use.receipt, self._chain_id)
        _check_consumer(digest, signature, lease, "countersignature")
        self._journal.countersign(lease.lease, number, signature)

    def sign_batch(
        self, lease: LeaseState, wishes: list[RangeRequest], signature: bytes
    ) -> tuple[BuiltBatch, bytes]:
        """Return the batch over our own receipts for these ranges, and our signature over it.

        Raises:
            Refused: the pair's consumer did not sign this very batch.
        """
        built = build_batch(self._journal, lease.provider, lease.consumer, wishes, self._chain_id)
        digest = batch_id(built.batch, self._chain_id)
        _check_consumer(digest, signature, lease, "batch")
        return built, sign(self._key, digest)

    def sign_close(self, lease: LeaseState, signature: bytes) -> tuple[int, Hash32, bytes]:
        """Return (number, last receipt's hash, our signature) to close a settled lease (R12a).

        Raises:
            Refused: uses are not settled, or the consumer did not sign this very close.
        """
        progress = self.progress(lease.lease)
        if progress.number != lease.settled + lease.claimed:
            raise Refused(
                "gateway: not all uses are settled",
                why=f"{progress.number} uses, {lease.settled} settled",
            )
        digest = close_digest(lease.lease, progress.number, progress.last, self._chain_id)
        _check_consumer(digest, signature, lease, "close")
        return progress.number, progress.last, sign(self._key, digest)


def _check_consumer(digest: Hash32, signature: bytes, lease: LeaseState, what: str) -> None:
    """Refuse unless the lease's consumer key signed `digest`."""
    try:
        signer = recover(digest, signature)
    except SignatureError as error:
        raise refuse(f"{what} is malformed", error.what) from error
    if signer != lease.consumer_key:
        raise refuse(f"{what} is not the consumer's", f"signed by 0x{signer.hex()}")


def commitment(salt: bytes, content: bytes) -> Hash32:
    """Return the salted hash that a receipt holds of an input or output."""
    return keccak256(salt + keccak256(content))
