"""A disk that keeps what was synced, and forgets the rest when its owner crashes."""

from collections.abc import Iterable


class Disk:
    """Keys and values; `write` is atomic, and durable once synced."""

    def __init__(self) -> None:
        self._durable: dict[bytes, bytes] = {}
        self._waiting: dict[bytes, bytes | None] = {}

    def get(self, key: bytes) -> bytes | None:
        """Return what is written under a key, synced or not."""
        if key in self._waiting:
            return self._waiting[key]
        return self._durable.get(key)

    def write(self, items: Iterable[tuple[bytes, bytes | None]], *, sync: bool) -> None:
        """Write values, None to delete; syncing makes all earlier writes durable as well."""
        self._waiting.update(items)
        if sync:
            for key, value in self._waiting.items():
                if value is None:
                    self._durable.pop(key, None)
                else:
                    self._durable[key] = value
            self._waiting.clear()

    def crash(self) -> None:
        """Lose what was not synced."""
        self._waiting.clear()

    def keys(self, prefix: bytes) -> list[bytes]:
        """Return the keys under a prefix, ascending."""
        everything = (self._durable.keys() | self._waiting.keys()) - {
            key for key, value in self._waiting.items() if value is None
        }
        return sorted(key for key in everything if key.startswith(prefix))
