"""The chain store's keys: one byte says what stands there, the rest which one.

Numbers are 8 bytes big-endian, so a scan follows the chain. Codes are keyed by hash and never
change; flat accounts and slots hold the head's state alone. Trie nodes stand by place and hash
where all history is kept, else by place, with those of the newest blocks put aside
(`node.storage.history`).
"""

from typing import Final

from node.spec.types import Address, NodeReference

SCHEMA: Final = b"xschema"
GENESIS: Final = b"xgenesis"
CHAIN_ID: Final = b"xchain"
HEAD: Final = b"xhead"
HISTORY: Final = b"xhistory"

NODE: Final = b"n"
ACCOUNT_NODE: Final = b"A"
SLOT_NODE: Final = b"S"
OLD_NODE: Final = b"o"
OLD_NODES_OF: Final = b"O"
CODE: Final = b"c"
ACCOUNT: Final = b"a"
SLOT: Final = b"s"
HEADER: Final = b"h"
BODY: Final = b"b"
RECEIPTS: Final = b"r"
HASH_OF: Final = b"k"
NUMBER_OF: Final = b"H"
TRANSACTION: Final = b"t"
LOG: Final = b"l"

OWNER_LENGTH: Final = 8
"""Bytes of an account's hash in the keys of its nodes: they keep them together, the node's own hash
at the end tells all nodes apart."""

LOG_VALUE_LENGTH: Final = 20
"""Bytes of an address or topic that a log key keeps; what it finds is checked against the log."""


def number_key(prefix: bytes, number: int) -> bytes:
    """Return the key of what belongs to a block number."""
    return prefix + number.to_bytes(8, "big")


def node_key(place: NodeReference) -> bytes:
    """Return the key of a node among those of all history: near those above and below it."""
    owner, path, node_hash = place
    return NODE + (owner or bytes(OWNER_LENGTH))[:OWNER_LENGTH] + path + node_hash


def slot_key(address: Address, slot: int) -> bytes:
    """Return the key of a flat slot."""
    return SLOT + address + slot.to_bytes(32, "big")


def log_prefix(place: int, value: bytes) -> bytes:
    """Return what log keys begin with: place 0 is the emitter, 1 to 4 a topic's position + 1."""
    return LOG + bytes([place]) + value[-LOG_VALUE_LENGTH:]
