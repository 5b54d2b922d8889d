"""The Merkle Patricia trie: read, batch update, prove, verify.

All functions are stateless: a trie is its root hash and a getter from node hash to node bytes, so
every old root stays readable and dropping a change costs nothing. `update` takes a whole batch and
returns the new root with the nodes it made, each with its path, for the caller's one atomic write.
Keys are taken as they come; state and storage tries hash them first (keccak256).

The state of a key after a batch does not depend on the batch's order. Proofs are the hashed nodes
from the root down; `verify` accepts exactly the nodes the walk needs, in that order, and no more.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from node.errors import DecodeError, ProofError
from node.spec.codec import Encodable, Item, decode, encode
from node.spec.crypto import keccak256
from node.spec.trie_node import (
    Branch,
    Extension,
    Leaf,
    Nibbles,
    Node,
    Reference,
    common_prefix_length,
    node_from_item,
    short_item,
    to_nibbles,
)
from node.spec.types import EMPTY_ROOT, Hash32

NodeGetter = Callable[[Hash32], bytes]
"""Returns the node with a hash; raises an error of its own where there is none."""

NewNodes = dict[Nibbles, tuple[Hash32, bytes]]
"""Path from the root (one nibble a byte) to the hash and bytes of a node that was made there."""

PlacedGetter = Callable[[Nibbles, Hash32], bytes]
"""Returns the node at a path with a hash."""

OldNodes = dict[Nibbles, Hash32]
"""Path to the hash of a node that stood there."""

PROOF_NODES_MAX: Final = 65
"""A 32-byte key has 64 nibbles, so no walk passes more nodes."""

_Change = tuple[Nibbles, bytes]


def get(root: Hash32, key: bytes, get_node: NodeGetter) -> bytes | None:
    """Return the value of `key` under `root`, None where there is none."""
    return _walk(root, key, lambda _path, node_hash: get_node(node_hash))


def get_placed(root: Hash32, key: bytes, get_node: PlacedGetter) -> bytes | None:
    """Return the same from a store that is asked for nodes by their path."""
    return _walk(root, key, get_node)


def prove(root: Hash32, key: bytes, get_node: NodeGetter) -> tuple[bytes, ...]:
    """Return the nodes that prove the value of `key`, or that it has none; () for an empty trie."""
    return prove_placed(root, key, lambda _path, node_hash: get_node(node_hash))


def prove_placed(root: Hash32, key: bytes, get_node: PlacedGetter) -> tuple[bytes, ...]:
    """Return the same from a store that is asked for nodes by their path."""
    nodes: list[bytes] = []

    def recording(path: Nibbles, node_hash: Hash32) -> bytes:
        nodes.append(get_node(path, node_hash))
        return nodes[-1]

    _walk(root, key, recording)
    return tuple(nodes)


def verify(root: Hash32, key: bytes, proof: Sequence[bytes]) -> bytes | None:
    """Return the value that `proof` shows for `key` under `root`; None where it shows absence.

    Raises:
        ProofError: a node is missing, does not hash to its reference, is not canonical, or is not
            needed.
    """
    if len(proof) > PROOF_NODES_MAX:
        raise ProofError(f"proof: more than {PROOF_NODES_MAX} nodes")
    taken = 0

    def next_node(_path: Nibbles, node_hash: Hash32) -> bytes:
        nonlocal taken
        if taken == len(proof):
            raise ProofError("proof: a node is missing", why=f"0x{node_hash.hex()}")
        node = proof[taken]
        taken += 1
        if keccak256(node) != node_hash:
            raise ProofError("proof: a node does not hash to its reference", why=f"node {taken}")
        return node

    try:
        value = _walk(root, key, next_node)
    except DecodeError as error:
        raise ProofError(f"proof: {error.what}", why=error.why) from error
    if taken != len(proof):
        raise ProofError("proof: nodes that no step needs")
    return value


def _walk(root: Hash32, key: bytes, get_node: PlacedGetter) -> bytes | None:
    reference: Reference = b"" if root == EMPTY_ROOT else root
    whole = path = to_nibbles(key)
    while reference != b"":
        node = _resolve(reference, whole[: len(whole) - len(path)], get_node)
        match node:
            case Leaf():
                return node.value if node.path == path else None
            case Extension():
                if not path.startswith(node.path):
                    return None
                path = path[len(node.path) :]
                reference = _stored(node.child)
            case Branch():
                if not path:
                    return node.value or None
                reference = _stored(node.children[path[0]])
                path = path[1:]
    return None


def update(
    root: Hash32, items: Mapping[bytes, bytes], get_node: NodeGetter
) -> tuple[Hash32, NewNodes]:
    """Return the root after all of `items` (an empty value deletes), and the nodes made for it."""
    top, made, _ = change(root, items, lambda _path, node_hash: get_node(node_hash))
    return top, made


def change(
    root: Hash32, items: Mapping[bytes, bytes], get_node: PlacedGetter
) -> tuple[Hash32, NewNodes, OldNodes]:
    """Return as `update` does, and the nodes that were read and stand at their path no more.

    What is made leaves out nodes that were read and stayed as they were.
    """
    if not items:
        return root, {}, {}
    read: OldNodes = {}

    def reading(path: Nibbles, node_hash: Hash32) -> bytes:
        read[path] = node_hash
        return get_node(path, node_hash)

    changes = sorted((to_nibbles(key), value) for key, value in items.items())
    top = _apply(b"" if root == EMPTY_ROOT else root, changes, 0, reading)
    made: NewNodes = {}
    if top is None:
        return EMPTY_ROOT, made, read
    if not isinstance(top, Leaf | Extension | Branch):
        return root, made, {}
    new_root = _commit_root(top, made)
    for path in [path for path, node_hash in read.items() if _holds(top, path, node_hash, made)]:
        made.pop(path, None)
        del read[path]
    return new_root, made, read


def _holds(top: Node, path: Nibbles, node_hash: Hash32, made: NewNodes) -> bool:
    """Whether the changed trie has the node with this hash at this path."""
    if path in made:
        return made[path][0] == node_hash
    node: Reference | Node = top
    while isinstance(node, Leaf | Extension | Branch):
        if isinstance(node, Branch) and path:
            below, path = node.children[path[0]], path[1:]
        elif isinstance(node, Extension) and path.startswith(node.path):
            below, path = node.child, path[len(node.path) :]
        else:
            return False
        node = below
    return not path and node == node_hash


def root_of_list(values: Sequence[bytes]) -> Hash32:
    """Return the root of the trie from RLP of index to value, as headers commit to lists."""
    if not values:
        return EMPTY_ROOT
    changes = sorted((to_nibbles(encode(index)), value) for index, value in enumerate(values))
    top = _build(changes, 0)
    assert top is not None, "a list without values was answered above"
    return _commit_root(top, {})


def list_update(values: Sequence[bytes]) -> tuple[Hash32, NewNodes]:
    """Return the root of an indexed list with all its nodes, from which inclusion is proved."""
    return update(EMPTY_ROOT, {encode(i): value for i, value in enumerate(values)}, _no_nodes)


def _no_nodes(node_hash: Hash32) -> bytes:
    raise ProofError("trie: a node outside the list", why=f"0x{node_hash.hex()}")


def _stored(child: "Reference | Node") -> Reference:
    assert isinstance(child, bytes | list), "a node read from storage has stored children"
    return child


def _resolve(child: "Reference | Node", path: Nibbles, get_node: PlacedGetter) -> Node:
    if isinstance(child, Leaf | Extension | Branch):
        return child
    item: Item = decode(get_node(path, Hash32(child))) if isinstance(child, bytes) else child
    return node_from_item(item)


def _apply(
    child: "Reference | Node", changes: list[_Change], depth: int, get_node: PlacedGetter
) -> "Reference | Node | None":
    """Return what stands at `child` after `changes`, all of which pass through it."""
    if child == b"":
        return _build([change for change in changes if change[1]], depth)
    node = _resolve(child, changes[0][0][:depth], get_node)
    match node:
        case Leaf():
            return _apply_to_leaf(node, changes, depth)
        case Extension():
            return _apply_to_extension(node, changes, depth, get_node)
        case Branch():
            return _apply_to_branch(node, changes, depth, get_node)


def _apply_to_leaf(leaf: Leaf, changes: list[_Change], depth: int) -> Node | None:
    whole = changes[0][0][:depth] + leaf.path
    kept = [change for change in changes if change[1]]
    if all(path != whole for path, _ in changes):
        kept = sorted([*kept, (whole, leaf.value)])
    return _build(kept, depth)


def _apply_to_extension(
    node: Extension, changes: list[_Change], depth: int, get_node: PlacedGetter
) -> "Reference | Node | None":
    first, last = changes[0][0][depth:], changes[-1][0][depth:]
    shared = min(common_prefix_length(node.path, first), common_prefix_length(node.path, last))
    if shared == len(node.path):
        child = _apply(node.child, changes, depth + shared, get_node)
        return _prepend(changes[0][0][:depth], node.path, child, get_node)
    rest = node.path[shared + 1 :]
    branch = Branch([b""] * 16, b"")
    branch.children[node.path[shared]] = Extension(rest, node.child) if rest else node.child
    child = _apply_to_branch(branch, changes, depth + shared, get_node)
    return _prepend(changes[0][0][:depth], node.path[:shared], child, get_node)


def _apply_to_branch(
    node: Branch, changes: list[_Change], depth: int, get_node: PlacedGetter
) -> "Reference | Node | None":
    children, value = list(node.children), node.value
    position = 0
    if len(changes[0][0]) == depth:
        value, position = changes[0][1], 1
    while position < len(changes):
        nibble = changes[position][0][depth]
        end = position + 1
        while end < len(changes) and changes[end][0][depth] == nibble:
            end += 1
        made = _apply(children[nibble], changes[position:end], depth + 1, get_node)
        children[nibble] = b"" if made is None else made
        position = end
    return _collapse(changes[0][0][:depth], Branch(children, value), get_node)


def _collapse(place: Nibbles, node: Branch, get_node: PlacedGetter) -> "Reference | Node | None":
    """Return the canonical form of a branch at `place` that may have lost children."""
    used = [nibble for nibble, child in enumerate(node.children) if child != b""]
    if len(used) + bool(node.value) > 1:
        return node
    if node.value:
        return Leaf(b"", node.value)
    if not used:
        return None
    return _prepend(place, bytes(used), node.children[used[0]], get_node)


def _prepend(
    place: Nibbles, path: Nibbles, child: "Reference | Node | None", get_node: PlacedGetter
) -> "Reference | Node | None":
    """Return `child`, reached from `place` by `path`, merged with what it is."""
    if child is None or not path:
        return child
    node = _resolve(child, place + path, get_node)
    match node:
        case Leaf():
            return Leaf(path + node.path, node.value)
        case Extension():
            return Extension(path + node.path, node.child)
        case Branch():
            return Extension(path, child)


def _build(changes: list[_Change], depth: int) -> Node | None:
    """Return the trie of `changes` alone, which are sorted and all set a value."""
    if not changes:
        return None
    first, last = changes[0][0], changes[-1][0]
    if len(changes) == 1:
        return Leaf(first[depth:], changes[0][1])
    shared = common_prefix_length(first[depth:], last[depth:])
    if shared:
        below = _build(changes, depth + shared)
        assert below is not None, "two changes or more remain"
        return Extension(first[depth : depth + shared], below)
    return _build_branch(changes, depth)


def _build_branch(changes: list[_Change], depth: int) -> Branch:
    children: list[Reference | Node] = [b""] * 16
    value, position = b"", 0
    if len(changes[0][0]) == depth:
        value, position = changes[0][1], 1
    while position < len(changes):
        nibble = changes[position][0][depth]
        end = position + 1
        while end < len(changes) and changes[end][0][depth] == nibble:
            end += 1
        made = _build(changes[position:end], depth + 1)
        assert made is not None, "a group has at least one change"
        children[nibble] = made
        position = end
    return Branch(children, value)


def _commit_root(top: Node, made: NewNodes) -> Hash32:
    data = encode(_item(top, b"", made))
    root = keccak256(data)
    made[b""] = (root, data)
    return root


def _item(node: Node, path: Nibbles, made: NewNodes) -> Encodable:
    match node:
        case Leaf():
            return short_item(node.path, node.value, is_leaf=True)
        case Extension():
            child = _reference(node.child, path + node.path, made)
            return short_item(node.path, child, is_leaf=False)
        case Branch():
            children = [
                _reference(child, path + bytes([nibble]), made)
                for nibble, child in enumerate(node.children)
            ]
            return [*children, node.value]


def _reference(child: "Reference | Node", path: Nibbles, made: NewNodes) -> Encodable:
    """Return the reference to `child`, committing it first where it is new."""
    if not isinstance(child, Leaf | Extension | Branch):
        return child
    item = _item(child, path, made)
    data = encode(item)
    if len(data) < 32:
        return item
    node_hash = keccak256(data)
    made[path] = (node_hash, data)
    return node_hash
