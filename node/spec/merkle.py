"""Merkle trees over usage receipts: roots of batches and proofs of their leaves.

The tree has the shape of RFC 9162 (Certificate Transparency) with keccak256 in place of SHA-256: a
leaf is keccak256(0x00 ‖ hash), an inner node keccak256(0x01 ‖ left ‖ right), and a list of n splits
at the largest power of two below n. The prefixes keep a node from passing for a leaf. The Leases
contract checks the same proofs in a challenge. Whether leaves stand in any order is not the tree's
concern: absence is never proved by neighbours (R14).
"""

from collections.abc import Sequence
from typing import Final

from node.errors import ProofError
from node.spec.crypto import keccak256
from node.spec.types import ZERO_HASH, Hash32

PROOF_LENGTH_MAX: Final = 40
"""Longest proof the contract takes: trees of up to 2^40 leaves."""

EMPTY_TREE: Final = ZERO_HASH
"""The root of no leaves: what a batch that only closes leases carries."""


def leaf_hash(receipt: bytes) -> Hash32:
    """Return the leaf for a receipt's hash."""
    return keccak256(b"\x00" + receipt)


def node_hash(left: bytes, right: bytes) -> Hash32:
    """Return the inner node over two nodes."""
    return keccak256(b"\x01" + left + right)


def root(receipts: Sequence[bytes]) -> Hash32:
    """Return the root over receipt hashes in their order (RFC 9162, 2.1.1)."""
    if not receipts:
        return EMPTY_TREE
    level = [leaf_hash(receipt) for receipt in receipts]
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def prove(receipts: Sequence[bytes], index: int) -> tuple[Hash32, ...]:
    """Return the siblings of leaf `index` from the leaf upward (RFC 9162, 2.1.3.1).

    Raises:
        IndexError: there is no such leaf.
    """
    if not 0 <= index < len(receipts):
        raise IndexError(f"merkle: no leaf {index} among {len(receipts)}")
    level = [leaf_hash(receipt) for receipt in receipts]
    proof: list[Hash32] = []
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            proof.append(level[sibling])
        level = _parents(level)
        index //= 2
    return tuple(proof)


def _parents(level: Sequence[Hash32]) -> list[Hash32]:
    """Return the next level; an odd last node rises as it is, which gives RFC 9162's shape."""
    parents = [node_hash(*level[i : i + 2]) for i in range(0, len(level) - 1, 2)]
    if len(level) % 2:
        parents.append(level[-1])
    return parents


def verify(
    expected_root: bytes, receipt: bytes, index: int, count: int, proof: Sequence[bytes]
) -> None:
    """Check that a receipt's hash is leaf `index` among `count` (RFC 9162, 2.1.3.2).

    Raises:
        ProofError: it is not, or the proof is not of just the right length.
    """
    # (1) The leaf exists and the proof is no longer than any tree of ours needs.
    if not 0 <= index < count:
        raise ProofError(f"merkle: no leaf {index} among {count}")
    if len(proof) > PROOF_LENGTH_MAX or any(len(sibling) != 32 for sibling in proof):
        raise ProofError("merkle: a malformed proof")
    # (2) Hash upward, consuming exactly the proof.
    position, last, node = index, count - 1, leaf_hash(receipt)
    for sibling in proof:
        if last == 0:
            raise ProofError("merkle: the proof is longer than the tree is high")
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        position, last = position >> 1, last >> 1
    # (3) Arrive at the root, at its height.
    if last != 0 or node != expected_root:
        raise ProofError("merkle: the proof does not lead to the root")
