"""The nodes of a Merkle Patricia trie and their encoding (yellow paper, appendix D).

Four kinds: nothing, a leaf, an extension, and a branch of sixteen. A child is a *reference*: the
empty string for nothing, the 32-byte hash of the child's RLP, or, where that RLP is shorter than 32
bytes, the child's own item in place. Paths are bytes of one nibble each.
"""

from dataclasses import dataclass
from typing import Final

from node.errors import DecodeError
from node.spec.codec import Encodable, Item, to_bytes, to_list

Nibbles = bytes
Reference = Item
"""b"" for no child, a 32-byte hash, or the item of a node encoded in under 32 bytes."""

_HEX_TO_NIBBLE: Final = bytes.maketrans(b"0123456789abcdef", bytes(range(16)))
_EMPTY: Final = b""


@dataclass(frozen=True, slots=True)
class Leaf:
    """The rest of a key, and its value."""

    path: Nibbles
    value: bytes


@dataclass(slots=True)
class Extension:
    """A shared stretch of path above one branch."""

    path: Nibbles
    child: "Reference | Node"


@dataclass(slots=True)
class Branch:
    """Sixteen ways on, and the value of a key that ends here."""

    children: "list[Reference | Node]"
    value: bytes


Node = Leaf | Extension | Branch


def to_nibbles(key: bytes) -> Nibbles:
    """Return the key's nibbles, high one first."""
    return key.hex().encode("ascii").translate(_HEX_TO_NIBBLE)


def from_nibbles(path: Nibbles) -> bytes:
    """Return the key that an even number of nibbles stands for."""
    return bytes(high << 4 | low for high, low in zip(path[::2], path[1::2], strict=True))


def compact(path: Nibbles, *, is_leaf: bool) -> bytes:
    """Return the hex-prefix encoding of a path."""
    flag = 2 if is_leaf else 0
    padded = bytes([flag + 1]) + path if len(path) % 2 else bytes([flag, 0]) + path
    high, low = padded[::2], padded[1::2]
    return bytes(a << 4 | b for a, b in zip(high, low, strict=True))


def expand(data: bytes) -> tuple[Nibbles, bool]:
    """Return the path that hex-prefix `data` stands for, and whether a leaf's."""
    if not data or data[0] >= 0x40 or (not data[0] & 0x10 and data[0] & 0x0F):
        raise DecodeError("trie node: malformed path prefix")
    nibbles = to_nibbles(data)
    return nibbles[1 if data[0] & 0x10 else 2 :], bool(data[0] & 0x20)


def node_from_item(item: Item) -> Node:
    """Return the node that a decoded RLP item holds, its structure checked."""
    items = to_list(item, "trie node", length_max=17)
    if len(items) == 2:
        return _short_node(to_bytes(items[0], "trie node path"), items[1])
    if len(items) != 17:
        raise DecodeError(f"trie node: {len(items)} items, 2 or 17 needed")
    children = [_checked_reference(child) for child in items[:16]]
    return Branch([*children], to_bytes(items[16], "trie branch value"))


def _short_node(data: bytes, rest: Item) -> Node:
    path, is_leaf = expand(data)
    if is_leaf:
        value = to_bytes(rest, "trie leaf value")
        if not value:
            raise DecodeError("trie leaf: empty value")
        return Leaf(path, value)
    if not path or rest == _EMPTY:
        raise DecodeError("trie extension: empty path or child")
    return Extension(path, _checked_reference(rest))


def _checked_reference(item: Item) -> Reference:
    if isinstance(item, bytes) and len(item) not in (0, 32):
        raise DecodeError("trie node: a reference is empty, a hash or a short node")
    return item


def short_item(path: Nibbles, child: Encodable, *, is_leaf: bool) -> list[Encodable]:
    """Return the two-item form of a leaf or an extension."""
    return [compact(path, is_leaf=is_leaf), child]


def common_prefix_length(a: Nibbles, b: Nibbles) -> int:
    """Return how many leading nibbles two paths share."""
    for index, (left, right) in enumerate(zip(a, b, strict=False)):
        if left != right:
            return index
    return min(len(a), len(b))
