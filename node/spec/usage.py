"""Usage: requests, receipts, batches and closes, as both sides sign them, and trails of receipts.

These are the Python twins of the EIP-712 structures of `chaincode/usage.vy`. A receipt's hash is
its digest; each receipt names the one before it, and the first names its lease, so that the
receipts of a lease form one chain without gap (R9). `verify_trail` checks such a chain with its
signatures. What a lease fixed is `LeaseFacts`, told by the event that opened it; whether a lease
stood open at a block is told by state proofs (`node.spec.registry`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Final

from chaincode import ADDRESSES
from node.errors import DecodeError, ProofError, SignatureError
from node.spec.consents import SignedConsent
from node.spec.crypto import keccak256, recover
from node.spec.interruptions import Interruption, covering
from node.spec.terms import CONTRACT_VERSION, NAME
from node.spec.typed_data import Domain, struct_hash, typed_digest
from node.spec.types import ZERO_HASH, Address, Hash32
from node.spec.vocabulary import CorrectionCause, DeliveryMode, ReceiptKind

REQUEST_TYPE: Final = "Request(bytes32 lease,uint64 number,bytes32 requestHash,bytes32 previous)"
RECEIPT_TYPE: Final = (
    "Receipt(bytes32 lease,uint64 number,bytes32 previous,bytes32 requestHash,uint8 kind,"
    "uint64 stateBlock,uint64 usedAt,uint32 recordCount,uint64 dataSince,bytes32 consent,"
    "bytes32 inputCommitment,bytes32 outputCommitment)"
)
BATCH_TYPE: Final = (
    "Batch(uint32 provider,uint32 consumer,bytes32 root,bytes32 ranges,uint64 count,"
    "uint64 highestStateBlock)"
)
CORRECTION_TYPE: Final = "Correction(bytes32 receipt,bytes32 replacement,uint8 cause)"
CLOSE_TYPE: Final = "Close(bytes32 lease,uint64 number,bytes32 last)"

RANGES_MAX: Final = 256
"""Most ranges one batch may settle."""


@dataclass(frozen=True, slots=True)
class Request:
    """A consumer's request for use `number` of a lease (R9)."""

    lease: Hash32
    number: int
    request_hash: Hash32
    previous: Hash32


@dataclass(frozen=True, slots=True)
class Receipt:
    """The record of one use, signed by provider and consumer (R10)."""

    lease: Hash32
    number: int
    previous: Hash32
    request_hash: Hash32
    kind: int
    state_block: int
    """The final block whose state the provider checked just before release."""
    used_at: int
    """Unix seconds."""
    record_count: int
    data_since: int
    """Unix seconds: no data from before went into the result; 0 where the terms set no limit."""
    consent: Hash32
    """Hash of the subject's consent to this use in subject mode `perUse`; else zero (R2)."""
    input_commitment: Hash32
    output_commitment: Hash32


@dataclass(frozen=True, slots=True)
class UseRange:
    """The uses `first` to `last` of one lease within a batch; empty when it only closes.

    `last_receipt` is the hash of the receipt of use `last`; on chain it is kept only where the
    lease goes on, for the next receipt to follow.
    """

    authorization: Hash32
    lease: int
    """The lease's number within its authorization."""
    first: int
    last: int
    last_receipt: Hash32
    closes: bool


@dataclass(frozen=True, slots=True)
class Correction:
    """What both sides say of a receipt that is not what it should be; the receipt itself stays."""

    receipt: Hash32
    replacement: Hash32
    """Hash of the receipt that both hold in its place, zero where the use is void."""
    cause: int


@dataclass(frozen=True, slots=True)
class Batch:
    """The anchored header over receipts of many leases of one pair (R13)."""

    provider: int
    consumer: int
    root: Hash32
    ranges: Hash32
    count: int
    highest_state_block: int


@dataclass(frozen=True, slots=True)
class LeaseFacts:
    """What a lease fixed, as its `LeaseOpened` event and block tell."""

    lease: Hash32
    uses: int
    mode: int
    opened_at: int
    """The block that opened it."""
    expires_at: int
    """Unix seconds."""
    provider_key: Address
    consumer_key: Address
    is_per_use: bool = False
    """Whether each use needs a consent of its own (R2)."""
    ended: int | None = None
    """The block that ended the authorization, None while nothing has."""
    interruptions: tuple[Interruption, ...] = ()
    """Suspensions and freezes of the authorization, in their order."""


@dataclass(frozen=True, slots=True)
class SignedReceipt:
    """A receipt with its signatures; the consumer's is None while it is outstanding."""

    receipt: Receipt
    provider_signature: bytes
    consumer_signature: bytes | None
    consent: SignedConsent | None = None
    """What the receipt's `consent` is the hash of, in subject mode `perUse`."""


def leases_domain(chain_id: int) -> Domain:
    """Return the EIP-712 domain under which everything of a use is signed."""
    return Domain(NAME, CONTRACT_VERSION, chain_id, Address(ADDRESSES["leases"]))


def lease_id(authorization: Hash32, number: int) -> Hash32:
    """Return the id of an authorization's lease, where its hash chain starts.

    It is the sum of both modulo 2^256. Numbers stay below 2^24, so two leases with one id need two
    terms whose hashes agree in 232 bits.
    """
    total = int.from_bytes(authorization, "big") + number
    return Hash32((total % (1 << 256)).to_bytes(32, "big"))


def request_digest(request: Request, chain_id: int) -> Hash32:
    """Return the digest the consumer signs to ask for a use."""
    return _digest(REQUEST_TYPE, request, chain_id)


def receipt_hash(receipt: Receipt, chain_id: int) -> Hash32:
    """Return the digest both sides sign: the receipt's hash, and its leaf in a batch."""
    return _digest(RECEIPT_TYPE, receipt, chain_id)


def batch_id(batch: Batch, chain_id: int) -> Hash32:
    """Return the digest both sides sign to anchor a batch, which is its id."""
    return _digest(BATCH_TYPE, batch, chain_id)


def close_digest(lease: Hash32, number: int, last: Hash32, chain_id: int) -> Hash32:
    """Return the digest both sides sign to close a lease after use `number` (R12a)."""
    structure = struct_hash(CLOSE_TYPE, (lease, number, last))
    return typed_digest(leases_domain(chain_id), structure)


def correction_digest(correction: Correction, chain_id: int) -> Hash32:
    """Return the digest both sides sign to correct a receipt by a record beside it."""
    return _digest(CORRECTION_TYPE, correction, chain_id)


def correction_of(
    receipt: Receipt, replacement: Receipt | None, cause: CorrectionCause, chain_id: int
) -> Correction:
    """Return the correction by which another receipt of the same use replaces one, or none does.

    Raises:
        ProofError: the replacement is of another use, or the very same receipt.
    """
    hashed = receipt_hash(receipt, chain_id)
    if replacement is None:
        return Correction(hashed, ZERO_HASH, int(cause))
    same = (receipt.lease, receipt.number, receipt.previous, receipt.request_hash)
    other = replacement.lease, replacement.number, replacement.previous, replacement.request_hash
    if same != other:
        raise ProofError("usage: a replacement is of the same use, and follows the same receipt")
    if replacement == receipt:
        raise ProofError("usage: a receipt does not replace itself")
    return Correction(hashed, receipt_hash(replacement, chain_id), int(cause))


def _digest(
    type_string: str, value: Request | Receipt | Batch | Correction, chain_id: int
) -> Hash32:
    return typed_digest(leases_domain(chain_id), struct_hash(type_string, astuple(value)))


@dataclass(frozen=True, slots=True)
class Ranges:
    """The ranges of a batch as the contract takes them: three lists of words.

    A word of `words` holds, from bit 0 on: number of the lease (32 bits), uses settled before (32),
    last use (32), whether it closes (16), place of its authorization in `authorizations`. `lasts`
    holds the last receipt's hash of each range that does not close.
    """

    authorizations: tuple[Hash32, ...]
    words: tuple[int, ...]
    lasts: tuple[Hash32, ...]


def pack_ranges(ranges: Sequence[UseRange]) -> Ranges:
    """Return the lists for ranges; those of one authorization must stand together."""
    authorizations: list[Hash32] = []
    words: list[int] = []
    for entry in ranges:
        if not authorizations or authorizations[-1] != entry.authorization:
            authorizations.append(entry.authorization)
        place = len(authorizations) - 1
        uses = entry.first - 1 << 32 | entry.last << 64
        words.append(entry.lease | uses | entry.closes << 96 | place << 112)
    lasts = tuple(entry.last_receipt for entry in ranges if not entry.closes)
    return Ranges(tuple(authorizations), tuple(words), lasts)


def unpack_ranges(packed: Ranges) -> tuple[UseRange, ...]:
    """Return the ranges that three lists hold; a range that closes names no last receipt.

    Raises:
        DecodeError: a word has bits beyond its parts, or the lists do not fit each other.
    """
    following = iter(packed.lasts)
    found = []
    for word in packed.words:
        closes, place = word >> 96 & 1, word >> 112
        if place >= len(packed.authorizations):
            raise DecodeError("usage: a malformed word of ranges")
        last_receipt = ZERO_HASH if closes else next(following, None)
        if last_receipt is None:
            raise DecodeError("usage: a range lacks its last receipt")
        lease, before, last = (word >> shift & 0xFFFFFFFF for shift in (0, 32, 64))
        authorization = packed.authorizations[place]
        found.append(UseRange(authorization, lease, before + 1, last, last_receipt, closes == 1))
    if next(following, None) is not None:
        raise DecodeError("usage: more last receipts than ranges that go on")
    return tuple(found)


def ranges_hash(packed: Ranges) -> Hash32:
    """Return keccak256 of the three lists' ABI encoding, which a batch's `ranges` holds."""
    lists = (packed.authorizations, packed.words, packed.lasts)
    heads, tails = b"", b""
    for entries in lists:
        heads += (96 + len(tails)).to_bytes(32, "big")
        tails += len(entries).to_bytes(32, "big") + b"".join(map(_range_word, entries))
    return keccak256(heads + tails)


def _range_word(entry: int | bytes) -> bytes:
    return entry.to_bytes(32, "big") if isinstance(entry, int) else entry


def contradiction(receipt: Receipt, facts: LeaseFacts) -> str | None:
    """Return how a receipt contradicts what its lease fixed, in the contract's words, or None."""
    void = receipt.kind == ReceiptKind.VOID
    one_record = facts.mode == DeliveryMode.FIELDS
    checks = (
        (receipt.lease == facts.lease, "receipt of another lease"),
        (receipt.number <= facts.uses, "more uses than the lease reserved"),
        (receipt.kind in tuple(ReceiptKind), "unknown kind of receipt"),
        (receipt.state_block >= facts.opened_at, "state block before the lease opened"),
        (_is_uninterrupted(receipt, facts), "used while suspended or frozen"),
        (_before(receipt.state_block, facts.ended), "state block after the authorization ended"),
        (receipt.used_at < facts.expires_at, "used after the lease expired"),
        (receipt.data_since <= receipt.used_at, "data from after the use"),
        (facts.is_per_use or not any(receipt.consent), "consent to a single use is not due"),
        (not facts.is_per_use or any(receipt.consent), "no consent to the use"),
        (not void or receipt.record_count == 0, "a void use delivered records"),
        (not one_record or receipt.record_count <= 1, "more than one record in a use of fields"),
    )
    return next((f"usage: {flaw}" for holds, flaw in checks if not holds), None)


def _is_uninterrupted(receipt: Receipt, facts: LeaseFacts) -> bool:
    return covering(facts.interruptions, receipt.state_block, receipt.used_at) is None


def _before(block: int, ended: int | None) -> bool:
    return ended is None or block < ended


def verify_trail(
    facts: LeaseFacts,
    receipts: Iterable[SignedReceipt],
    chain_id: int,
    *,
    unsigned_maximum: int = 0,
) -> tuple[int, Hash32]:
    """Check all receipts of a lease, in order, and return their number and the last one's hash.

    At most `unsigned_maximum` receipts at the end may lack the consumer's signature: those are
    claims, and proved only with the consumer's signed request.

    Raises:
        ProofError: a gap, a broken chain, or a receipt that contradicts the lease.
        SignatureError: a signature that is not by the lease's key.
    """
    number, last, unsigned = 0, facts.lease, 0
    for signed in receipts:
        number += 1
        receipt = signed.receipt
        where = f"receipt {number} of lease 0x{facts.lease.hex()}"
        # (1) Numbered without gap, each naming the one before (R9).
        if receipt.number != number or receipt.previous != last:
            raise ProofError(f"usage: {where} does not follow the one before it")
        # (2) Within what the lease fixed (R10, R11).
        flaw = contradiction(receipt, facts)
        if flaw is not None:
            raise ProofError(f"usage: {where} contradicts its lease", why=flaw)
        # (3) Signed by the lease's two keys (R17); only a tail may await the second.
        last = receipt_hash(receipt, chain_id)
        _verify_key(last, signed.provider_signature, facts.provider_key, where)
        if signed.consumer_signature is None:
            unsigned += 1
        elif unsigned:
            raise ProofError(f"usage: {where} is countersigned after one that is not")
        else:
            _verify_key(last, signed.consumer_signature, facts.consumer_key, where)
        if unsigned > unsigned_maximum:
            raise SignatureError(f"usage: {where} lacks the consumer's signature")
    return number, last


def _verify_key(digest: Hash32, signature: bytes, key: Address, where: str) -> None:
    if recover(digest, signature) != key:
        raise SignatureError(f"usage: {where} is not signed by 0x{key.hex()}")


def verify_request(request: Request, chain_id: int, signature: bytes, key: Address) -> None:
    """Check that the consumer's key signed a request.

    Raises:
        SignatureError: it did not.
    """
    where = f"request {request.number} of lease 0x{request.lease.hex()}"
    _verify_key(request_digest(request, chain_id), signature, key, where)
