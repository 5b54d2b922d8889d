"""Frames between nodes: kinds, limits and their one encoding. Sans I/O.

A frame is one byte of kind and the RLP of its fields; a websocket message carries exactly one. QBFT
payloads keep Besu's bytes and travel as they are behind their code. Anything malformed is a
`DecodeError`, which the session turns into a mark against the peer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from node.errors import DecodeError
from node.spec.codec import (
    Encodable,
    Item,
    decode,
    encode,
    to_bytes,
    to_hash,
    to_int,
    to_list,
)
from node.spec.crypto import SIGNATURE_LENGTH, keccak256
from node.spec.types import Hash32

PROTOCOL_VERSION: Final = 1
FRAME_LENGTH_MAX: Final = 10 * 1024 * 1024
"""Bytes of a frame; the socket refuses more before it buffers them."""

TRANSACTIONS_MAX: Final = 1_000
"""Raw transactions in one frame."""

TRANSACTION_BYTES_MAX: Final = 4 * 1024 * 1024
"""Bytes of raw transactions in one frame that this node sends."""

BLOCKS_MAX: Final = 64
"""Blocks asked for, or given, in one frame."""

_HELLO_DOMAIN: Final = b"\x19\x00dataccord-hello"


@dataclass(frozen=True, slots=True)
class Hello:
    """The first frame each way: binds chain, TLS certificate and node key (N20).

    `not_after` is the certificate's end in Unix seconds. The signer is recovered, not named.
    """

    genesis_hash: Hash32
    certificate_hash: bytes
    not_after: int
    version: int
    signature: bytes = b""

    def digest(self) -> Hash32:
        """Return what the node key signs; the prefix keeps it apart from all other uses."""
        fields: list[Encodable] = [
            *(self.genesis_hash, self.certificate_hash),
            *(self.not_after, self.version),
        ]
        return keccak256(_HELLO_DOMAIN + encode(fields))


@dataclass(frozen=True, slots=True)
class Status:
    """The sender's head."""

    height: int
    block_hash: Hash32


@dataclass(frozen=True, slots=True)
class Consensus:
    """A QBFT message: its code (0x12 to 0x15) and its bytes."""

    code: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Transactions:
    """Raw transactions the sender's pool admitted."""

    raws: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class GetBlocks:
    """A request for sealed blocks `first` to `first + count - 1`."""

    request_id: int
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Blocks:
    """The answer: encoded sealed blocks in order, fewer than asked where the sender has fewer."""

    request_id: int
    blocks: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Why the sender is about to close; a text for the other side's log."""

    reason: str


Frame = Hello | Status | Consensus | Transactions | GetBlocks | Blocks | Goodbye

_KINDS: Final = {
    **{Hello: 0, Status: 1, Consensus: 2, Transactions: 3},
    **{GetBlocks: 4, Blocks: 5, Goodbye: 6},
}


def encode_frame(frame: Frame) -> bytes:
    """Return the frame's bytes."""
    return bytes([_KINDS[type(frame)]]) + encode(_fields(frame))


def _fields(frame: Frame) -> list[Encodable]:
    match frame:
        case Hello(genesis, certificate, not_after, version, signature):
            return [genesis, certificate, not_after, version, signature]
        case Status(height, block_hash):
            return [height, block_hash]
        case Consensus(code, payload):
            return [code, payload]
        case Transactions(raws):
            return [*raws]
        case GetBlocks(request_id, first, count):
            return [request_id, first, count]
        case Blocks(request_id, blocks):
            return [request_id, blocks]
        case Goodbye(reason):
            return [reason.encode("utf-8")[:256]]


def transaction_frames(raws: Sequence[bytes]) -> Iterator[Transactions]:
    """Yield raw transactions in frames that a peer takes, by number and by bytes."""
    part: list[bytes] = []
    size = 0
    for raw in raws:
        size += len(raw)
        if part and (size > TRANSACTION_BYTES_MAX or len(part) == TRANSACTIONS_MAX):
            yield Transactions(tuple(part))
            part, size = [], len(raw)
        part.append(raw)
    if part:
        yield Transactions(tuple(part))


def decode_frame(data: bytes) -> Frame:
    """Return the frame that `data` is the canonical encoding of."""
    if len(data) < 2 or len(data) > FRAME_LENGTH_MAX:
        raise DecodeError(f"frame: {len(data)} bytes")
    items = to_list(decode(data[1:], depth_max=2), "frame", length_max=TRANSACTIONS_MAX)
    match data[0]:
        case 0:
            return _hello(items)
        case 1:
            height, block_hash = to_list(items, "status", 2)
            return Status(to_int(height, "status height"), to_hash(block_hash, "status hash"))
        case 2:
            code, payload = to_list(items, "consensus", 2)
            return Consensus(to_int(code, "consensus code", 8), to_bytes(payload, "consensus"))
        case 3:
            return Transactions(tuple(to_bytes(raw, "transaction") for raw in items))
        case 4 | 5:
            return _range(data[0], items)
        case 6:
            (reason,) = to_list(items, "goodbye", 1)
            return Goodbye(to_bytes(reason, "goodbye", length_max=256).decode("utf-8", "replace"))
        case kind:
            raise DecodeError(f"frame: unknown kind {kind}")


def _hello(items: list[Item]) -> Hello:
    genesis, certificate, not_after, version, signature = to_list(items, "hello", 5)
    return Hello(
        to_hash(genesis, "hello genesis"),
        to_hash(certificate, "hello certificate"),
        to_int(not_after, "hello not after"),
        to_int(version, "hello version", 16),
        to_bytes(signature, "hello signature", SIGNATURE_LENGTH),
    )


def _range(kind: int, items: list[Item]) -> GetBlocks | Blocks:
    if kind == 5:
        request, blocks = to_list(items, "blocks", 2)
        found = to_list(blocks, "blocks", length_max=BLOCKS_MAX)
        return Blocks(
            to_int(request, "request id"), tuple(to_bytes(block, "block") for block in found)
        )
    request, first, count = to_list(items, "get blocks", 3)
    wanted = to_int(count, "get blocks count", 16)
    if not 0 < wanted <= BLOCKS_MAX:
        raise DecodeError(f"get blocks: {wanted} blocks, 1 to {BLOCKS_MAX} allowed")
    return GetBlocks(to_int(request, "request id"), to_int(first, "get blocks first"), wanted)
