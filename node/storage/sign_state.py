"""What this validator's key has signed, durable before anything leaves (N13).

For each message the store keeps height, round, kind, the digest its signature covers, and its exact
bytes; beside them the last prepared block with its certificate. It refuses a second value for one
height, round and kind, and anything lower than the last in the order height, round, then
ROUND_CHANGE < PROPOSAL < PREPARE < COMMIT. A restarted validator sends the same bytes again and
goes on in the highest round it signed in; it never asks its memory, only this.

It is a store of its own, apart from the chain's: a chain restored from a backup must not bring back
an older memory of what was signed.
"""

import threading
from dataclasses import dataclass
from typing import Final, Protocol

from node.errors import EquivocationRefused, StoreError
from node.spec.codec import decode, encode, to_bytes, to_hash, to_int, to_list
from node.spec.types import Hash32
from node.storage.kv import KeyValue, Reader, prefix_end

_RECORD: Final = b"r"
_CERTIFICATE: Final = b"c"
_SCHEMA: Final = b"schema"
SCHEMA_VERSION: Final = 1

KIND_ORDER: Final = {0x15: 0, 0x12: 1, 0x13: 2, 0x14: 3}
"""Place of each message code within a round: ROUND_CHANGE, PROPOSAL, PREPARE, COMMIT."""


class Signed(Protocol):
    """A signed message as it comes to be recorded."""

    @property
    def height(self) -> int:
        """The block number it is for."""
        ...

    @property
    def round(self) -> int:
        """The round it is for."""
        ...

    @property
    def kind(self) -> int:
        """The message's code."""
        ...

    @property
    def digest(self) -> Hash32:
        """What the signature covers."""
        ...

    @property
    def message(self) -> bytes:
        """The exact bytes that are sent."""
        ...


@dataclass(frozen=True, slots=True)
class SignedRecord:
    """One message of ours, as it is kept."""

    height: int
    round: int
    kind: int
    digest: Hash32
    message: bytes


Position = tuple[int, int, int]
"""(height, round, place of the kind within the round)."""


class SignState:
    """The sign-state over any `KeyValue`."""

    def __init__(self, kv: KeyValue) -> None:
        """Take up what the store holds.

        Raises:
            StoreError: it was written by a newer version, or is damaged.
        """
        self._kv = kv
        self._guard = threading.Lock()
        _check_schema(kv)
        self._held = {_position(record): record for record in self._read()}

    def record(self, entry: Signed, certificate: bytes = b"") -> None:
        """Keep a signed message, and where given the prepared certificate; return once synced.

        What belongs to lower heights is forgotten. The same value again is no error.

        Raises:
            EquivocationRefused: another value stands in this place, or a later one was signed.
            StoreError: it could not be written; nothing may be sent.
        """
        kept = SignedRecord(entry.height, entry.round, entry.kind, entry.digest, entry.message)
        with self._guard:
            if not self._admit(kept):
                return
            position = _position(kept)
            batch: dict[bytes, bytes | None] = {
                key: None
                for prefix in (_RECORD, _CERTIFICATE)
                for key, _ in self._kv.scan(prefix, prefix + kept.height.to_bytes(8, "big"))
            }
            batch[_key(position)] = encode([kept.kind, kept.digest, kept.message])
            if certificate:
                batch[_CERTIFICATE + kept.height.to_bytes(8, "big")] = certificate
            self._kv.write(batch, sync=True)
            self._held = {p: r for p, r in self._held.items() if p[0] >= kept.height}
            self._held[position] = kept

    def _admit(self, entry: SignedRecord) -> bool:
        """Return False where the same value is held already; raise where it may not be signed."""
        position = _position(entry)
        held = self._held.get(position)
        if held is not None:
            if held.digest == entry.digest:
                return False
            raise _refusal(entry, "another value was signed for this height, round and kind")
        if self._held and position < max(self._held):
            raise _refusal(entry, f"{max(self._held)} (height, round, place) was signed already")
        return True

    def records(self, height: int) -> tuple[SignedRecord, ...]:
        """Return what was signed at a height, in the order signed."""
        with self._guard:
            return tuple(
                record for position, record in sorted(self._held.items()) if position[0] == height
            )

    def certificate(self, height: int) -> bytes:
        """Return the last certificate recorded at a height, empty if none was."""
        return self._kv.get(_CERTIFICATE + height.to_bytes(8, "big")) or b""

    def last_height(self) -> int | None:
        """Return the highest height signed at, None for a key that this store knows nothing of."""
        with self._guard:
            return max(self._held)[0] if self._held else None

    def _read(self) -> tuple[SignedRecord, ...]:
        return tuple(
            _decoded(key, value) for key, value in self._kv.scan(_RECORD, prefix_end(_RECORD))
        )


def is_sign_state(kv: Reader) -> bool:
    """Whether a store is a sign-state, not a chain's."""
    return kv.get(_SCHEMA) is not None


def _check_schema(kv: KeyValue) -> None:
    held = kv.get(_SCHEMA)
    if held is None:
        kv.write({_SCHEMA: SCHEMA_VERSION.to_bytes(4, "big")}, sync=True)
    elif int.from_bytes(held, "big") > SCHEMA_VERSION:
        raise StoreError(
            "sign-state: written by a newer version of dataccord",
            why=f"its schema is {int.from_bytes(held, 'big')}, this one knows {SCHEMA_VERSION}",
            next_command="install the newer version again",
        )


def _position(entry: SignedRecord) -> Position:
    place = KIND_ORDER.get(entry.kind)
    if place is None:
        raise StoreError(f"sign-state: unknown message code {entry.kind:#x}")
    return entry.height, entry.round, place


def _key(position: Position) -> bytes:
    height, round_number, place = position
    return _RECORD + height.to_bytes(8, "big") + round_number.to_bytes(4, "big") + bytes([place])


def _decoded(key: bytes, value: bytes) -> SignedRecord:
    kind, digest, message = to_list(decode(value), "sign-state record", 3)
    height, round_number = int.from_bytes(key[1:9], "big"), int.from_bytes(key[9:13], "big")
    return SignedRecord(
        height,
        round_number,
        to_int(kind, "sign-state kind", 8),
        to_hash(digest, "sign-state digest"),
        to_bytes(message, "sign-state message"),
    )


def _refusal(entry: SignedRecord, why: str) -> EquivocationRefused:
    return EquivocationRefused(
        f"refused to sign code {entry.kind:#x} at height {entry.height} round {entry.round}",
        why=why,
        next_command="stop any other process that uses this node key",
    )
