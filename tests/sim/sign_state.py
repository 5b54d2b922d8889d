"""A sign-state upon the simulated disk, with the refusals that N13 asks for."""

from node.consensus.messages import SIGN_ORDER, Kind
from node.errors import EquivocationRefused
from node.runtime.performer import SignedRecord
from node.spec.codec import Encodable, decode, encode, to_bytes, to_hash, to_int, to_list
from tests.sim.disk import Disk


class DiskSignState:
    """What a key has signed, one disk entry each."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def record(self, entry: SignedRecord, certificate: bytes = b"") -> None:
        """Refuse a second value or a step back; otherwise write, synced."""
        key = _key(entry)
        last = max(self._disk.keys(b"sign"), default=b"")
        if key <= last:
            raise EquivocationRefused(f"height {entry.height} round {entry.round}: {entry.kind}")
        fields: list[Encodable] = [
            entry.height,
            entry.round,
            entry.kind,
            entry.digest,
            entry.message,
        ]
        items: list[tuple[bytes, bytes | None]] = [(key, encode(fields))]
        if certificate:
            items.append((b"certificate", encode([entry.height, certificate])))
        floor = b"sign" + entry.height.to_bytes(8, "big")
        items += [(old, None) for old in self._disk.keys(b"sign") if old < floor]
        self._disk.write(items, sync=True)

    def records(self, height: int) -> tuple[SignedRecord, ...]:
        """Return what was signed at a height, in order."""
        prefix = b"sign" + height.to_bytes(8, "big")
        return tuple(_record(self._disk.get(key) or b"") for key in self._disk.keys(prefix))

    def certificate(self, height: int) -> bytes:
        """Return the last certificate of a height."""
        stored = self._disk.get(b"certificate")
        if stored is None:
            return b""
        number, certificate = to_list(decode(stored), "certificate", 2)
        return to_bytes(certificate, "certificate") if to_int(number, "height") == height else b""


def _key(entry: SignedRecord) -> bytes:
    step = SIGN_ORDER.index(Kind(entry.kind))
    place = entry.height.to_bytes(8, "big") + entry.round.to_bytes(4, "big")
    return b"sign" + place + bytes([step])


def _record(data: bytes) -> SignedRecord:
    items = to_list(decode(data), "record", 5)
    return SignedRecord(
        to_int(items[0], "height"),
        to_int(items[1], "round"),
        to_int(items[2], "kind"),
        to_hash(items[3], "digest"),
        to_bytes(items[4], "message"),
    )
