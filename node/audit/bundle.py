"""An evidence bundle: one canonical file (N17).

It is the RLP of the structures below, then the SHA-256 of all bytes before. There is one encoding
of each bundle: `decode_bundle` refuses a file that it would not write itself. It holds no value
that verification does not bind: whatever follows from a proof is taken from the proof and never
stated beside it (transactions and receipts stand only inside their inclusion proofs).
"""

import hashlib
from dataclasses import astuple, dataclass, fields
from typing import Any, Final

from node.errors import DecodeError
from node.spec.codec import (
    Encodable,
    Item,
    decode,
    encode,
    to_address,
    to_bytes,
    to_hash,
    to_int,
    to_list,
)
from node.spec.consents import Consent, SignedConsent
from node.spec.crypto import SIGNATURE_LENGTH
from node.spec.fees import CONTENT_BYTES_MAX
from node.spec.finality import FinalHeader
from node.spec.header import Header as BlockHeader
from node.spec.header import decode_header, encode_header
from node.spec.pricing import PLAN_BYTES_MAX
from node.spec.state_proof import SlotProof, StorageProof
from node.spec.statements import SALT_BYTES
from node.spec.types import Address, Hash32
from node.spec.usage import Receipt, SignedReceipt

MAGIC: Final = b"dataccord-evidence-3"
DIGEST_LENGTH: Final = 32
FILE_BYTES_MAX: Final = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Inclusion:
    """A transaction and its receipt, each inside its proof under the block's roots."""

    index: int
    transaction: tuple[bytes, ...]
    receipt: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """A final block with the transactions of it that matter here."""

    final: FinalHeader
    inclusions: tuple[Inclusion, ...]


@dataclass(frozen=True, slots=True)
class SetChange:
    """A final header whose state holds the next validator set (N15)."""

    final: FinalHeader
    validators: StorageProof


@dataclass(frozen=True, slots=True)
class StateRecord:
    """Slots of one contract in the state after the last block."""

    address: Address
    proof: StorageProof


@dataclass(frozen=True, slots=True)
class PastRecord:
    """Slots of one contract in the state after an earlier block of the bundle."""

    number: int
    address: Address
    proof: StorageProof


@dataclass(frozen=True, slots=True)
class FeeOpening:
    """What opens the commitment of an anchored fee statement (R18)."""

    statement: Hash32
    salt: bytes
    content: bytes
    """The document of `node.spec.fees`."""


@dataclass(frozen=True, slots=True)
class Trail:
    """A lease's anchored receipts in order."""

    lease: Hash32
    receipts: tuple[SignedReceipt, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything a verification needs but the trusted genesis hash."""

    chain_id: int
    genesis: BlockHeader
    genesis_validators: StorageProof
    changes: tuple[SetChange, ...]
    blocks: tuple[BlockRecord, ...]
    """Ascending; the last is the one whose state is proved."""
    state: tuple[StateRecord, ...]
    trails: tuple[Trail, ...]
    past: tuple[PastRecord, ...] = ()
    """By ascending block and contract."""
    openings: tuple[FeeOpening, ...] = ()
    """By ascending statement."""
    plans: tuple[bytes, ...] = ()
    """Documents of price plans, by ascending hash."""


def encode_bundle(bundle: Bundle) -> bytes:
    """Return the file of a bundle."""
    body = encode(
        [
            MAGIC,
            bundle.chain_id,
            encode_header(bundle.genesis),
            _storage_items(bundle.genesis_validators),
            [[_final_items(c.final), _storage_items(c.validators)] for c in bundle.changes],
            [_block_items(record) for record in bundle.blocks],
            [[record.address, _storage_items(record.proof)] for record in bundle.state],
            [_trail_items(trail) for trail in bundle.trails],
            [[past.number, past.address, _storage_items(past.proof)] for past in bundle.past],
            [[fees.statement, fees.salt, fees.content] for fees in bundle.openings],
            list(bundle.plans),
        ]
    )
    return body + hashlib.sha256(body).digest()


def _storage_items(proof: StorageProof) -> Encodable:
    return [proof.account, [[part.slot, part.nodes] for part in proof.slots]]


def _final_items(final: FinalHeader) -> Encodable:
    version = _storage_items(final.version)
    return [encode_header(final.header), encode_header(final.parent), version]


def _block_items(record: BlockRecord) -> Encodable:
    inclusions: list[Encodable] = [
        [part.index, part.transaction, part.receipt] for part in record.inclusions
    ]
    return [_final_items(record.final), inclusions]


def _trail_items(trail: Trail) -> Encodable:
    return [trail.lease, [_use_items(use) for use in trail.receipts]]


def _use_items(use: SignedReceipt) -> Encodable:
    given = use.consent
    consent = () if given is None else (*astuple(given.consent), given.signature)
    signatures = (use.provider_signature, use.consumer_signature or b"")
    return [*astuple(use.receipt), *signatures, consent]


def decode_bundle(data: bytes) -> Bundle:
    """Return the bundle in a file.

    Raises:
        DecodeError: the digest does not fit, or the bytes are not the one form of a bundle.
    """
    if len(data) > FILE_BYTES_MAX:
        raise DecodeError(f"bundle: more than {FILE_BYTES_MAX} bytes")
    body, digest = data[:-DIGEST_LENGTH], data[-DIGEST_LENGTH:]
    if hashlib.sha256(body).digest() != digest:
        raise DecodeError("bundle: its SHA-256 does not fit", why="bytes were changed or are cut")
    items = to_list(decode(body), "bundle", 11)
    if items[0] != MAGIC:
        raise DecodeError("bundle: not an evidence bundle of this version")
    bundle = Bundle(
        to_int(items[1], "bundle chain id"),
        decode_header(to_bytes(items[2], "bundle genesis")),
        _storage(items[3]),
        tuple(_change(item) for item in to_list(items[4], "bundle validator sets")),
        tuple(_block(item) for item in to_list(items[5], "bundle blocks")),
        tuple(_state(item) for item in to_list(items[6], "bundle state")),
        tuple(_trail(item) for item in to_list(items[7], "bundle trails")),
        tuple(_past(item) for item in to_list(items[8], "bundle past state")),
        tuple(_opening(item) for item in to_list(items[9], "bundle openings")),
        tuple(
            to_bytes(item, "price plan", length_max=PLAN_BYTES_MAX)
            for item in to_list(items[10], "bundle price plans")
        ),
    )
    if encode_bundle(bundle) != data:
        raise DecodeError("bundle: not its canonical encoding")
    return bundle


def _nodes(item: Item) -> tuple[bytes, ...]:
    return tuple(to_bytes(node, "proof node") for node in to_list(item, "proof", length_max=65))


def _storage(item: Item) -> StorageProof:
    account, slots = to_list(item, "storage proof", 2)
    return StorageProof(
        _nodes(account), tuple(_slot(part) for part in to_list(slots, "storage proof slots"))
    )


def _slot(item: Item) -> SlotProof:
    slot, nodes = to_list(item, "slot proof", 2)
    return SlotProof(to_int(slot, "slot", 256), _nodes(nodes))


def _final(item: Item) -> FinalHeader:
    header, parent, version = to_list(item, "final header", 3)
    return FinalHeader(
        decode_header(to_bytes(header, "header")),
        decode_header(to_bytes(parent, "parent")),
        _storage(version),
    )


def _change(item: Item) -> SetChange:
    final, validators = to_list(item, "validator set", 2)
    return SetChange(_final(final), _storage(validators))


def _block(item: Item) -> BlockRecord:
    final, inclusions = to_list(item, "block record", 2)
    return BlockRecord(
        _final(final), tuple(_inclusion(part) for part in to_list(inclusions, "inclusions"))
    )


def _inclusion(item: Item) -> Inclusion:
    index, transaction, receipt = to_list(item, "inclusion", 3)
    return Inclusion(to_int(index, "transaction index", 32), _nodes(transaction), _nodes(receipt))


def _state(item: Item) -> StateRecord:
    address, proof = to_list(item, "state record", 2)
    return StateRecord(to_address(address, "state record address"), _storage(proof))


def _past(item: Item) -> PastRecord:
    number, address, proof = to_list(item, "past state", 3)
    return PastRecord(
        to_int(number, "past block", 64), to_address(address, "past contract"), _storage(proof)
    )


def _opening(item: Item) -> FeeOpening:
    statement, salt, content = to_list(item, "opening", 3)
    return FeeOpening(
        to_hash(statement, "opened statement"),
        to_bytes(salt, "opening salt", SALT_BYTES),
        to_bytes(content, "opening content", length_max=CONTENT_BYTES_MAX),
    )


def _trail(item: Item) -> Trail:
    lease, receipts = to_list(item, "trail", 2)
    return Trail(
        to_hash(lease, "trail lease"), tuple(_use(part) for part in to_list(receipts, "receipts"))
    )


_RECEIPT_FIELDS: Final = tuple((field.name, field.type) for field in fields(Receipt))


def _use(item: Item) -> SignedReceipt:
    parts = to_list(item, "receipt", len(_RECEIPT_FIELDS) + 3)
    values: dict[str, Any] = {
        name: to_int(part, f"receipt {name}")
        if kind in (int, "int")
        else to_hash(part, f"receipt {name}")
        for (name, kind), part in zip(_RECEIPT_FIELDS, parts, strict=False)
    }
    provider = to_bytes(parts[-3], "provider signature", SIGNATURE_LENGTH)
    consumer = to_bytes(parts[-2], "consumer signature")
    if len(consumer) not in (0, SIGNATURE_LENGTH):
        raise DecodeError("receipt: a consumer signature has 65 bytes or none")
    return SignedReceipt(Receipt(**values), provider, consumer or None, _consent(parts[-1]))


def _consent(item: Item) -> SignedConsent | None:
    if not to_list(item, "consent"):
        return None
    authorization, subject, reference, purpose, fields_, until, export, nonce, signature = to_list(
        item, "consent", 9
    )
    consent = Consent(
        to_hash(authorization, "consent authorization"),
        to_address(subject, "consent subject"),
        to_hash(reference, "consent reference"),
        to_int(purpose, "consent purpose", 16),
        to_int(fields_, "consent fields", 256),
        to_int(until, "consent validity", 64),
        to_hash(export, "consent export reference"),
        to_int(nonce, "consent nonce", 256),
    )
    return SignedConsent(consent, to_bytes(signature, "consent signature", SIGNATURE_LENGTH))
