"""Where Vyper places what a contract keeps: the slots of mappings, and how a slot is read."""

from collections.abc import Callable

from node.spec.crypto import keccak256

ReadSlot = Callable[[int], int]
"""Returns the word at a slot of one contract's storage, 0 where nothing was written."""


def mapping_slot(base: int, key: int | bytes) -> int:
    """Return the slot of a mapping's value; bytes keys are addresses or 32-byte hashes."""
    word = key.to_bytes(32, "big") if isinstance(key, int) else key.rjust(32, b"\0")
    return int.from_bytes(keccak256(base.to_bytes(32, "big") + word), "big")
