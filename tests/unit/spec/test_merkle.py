"""A batch's root is anchored once and for all, so its tree must be the one the standard defines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import ProofError
from node.spec import merkle
from node.spec.crypto import keccak256
from node.spec.types import ZERO_HASH

LEAVES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40, unique=True)


def by_definition(leaves):
    """RFC 9162, 2.1.1, word for word."""
    if len(leaves) == 1:
        return keccak256(b"\x00" + leaves[0])
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return keccak256(b"\x01" + by_definition(leaves[:split]) + by_definition(leaves[split:]))


@given(LEAVES)
def test_root_is_by_definition(leaves):
    assert merkle.root(leaves) == by_definition(leaves)


def test_no_leaves_have_the_zero_root():
    assert merkle.root([]) == ZERO_HASH


@given(LEAVES, st.data())
def test_each_leaf_is_proved_at_its_index_alone(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof = merkle.prove(leaves, index)
    merkle.verify(merkle.root(leaves), leaves[index], index, len(leaves), proof)
    other = data.draw(st.integers(0, len(leaves)))
    if other != index:
        with pytest.raises(ProofError):
            merkle.verify(merkle.root(leaves), leaves[index], other, len(leaves), proof)


@given(LEAVES, st.data())
def test_a_changed_proof_proves_nothing(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    root, proof = merkle.root(leaves), list(merkle.prove(leaves, index))
    spoiled = [[*proof, ZERO_HASH], [ZERO_HASH, *proof]]
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        spoiled += [proof[:-1], [*proof[:at], keccak256(proof[at]), *proof[at + 1 :]]]
        spoiled += [[*proof[:at], b"short", *proof[at + 1 :]]]
    for changed in spoiled:
        with pytest.raises(ProofError):
            merkle.verify(root, leaves[index], index, len(leaves), changed)


def test_an_inner_node_is_not_a_leaf():
    leaves = [bytes([i]) * 32 for i in range(4)]
    left = merkle.node_hash(merkle.leaf_hash(leaves[0]), merkle.leaf_hash(leaves[1]))
    right = merkle.node_hash(merkle.leaf_hash(leaves[2]), merkle.leaf_hash(leaves[3]))
    with pytest.raises(ProofError, match="does not lead"):
        merkle.verify(merkle.root(leaves), left, 0, 2, [right])


def test_limits():
    with pytest.raises(IndexError):
        merkle.prove([ZERO_HASH], 1)
    with pytest.raises(ProofError, match="no leaf"):
        merkle.verify(ZERO_HASH, ZERO_HASH, 0, 0, [])
    with pytest.raises(ProofError, match="malformed"):
        merkle.verify(ZERO_HASH, ZERO_HASH, 0, 2**60, [ZERO_HASH] * 41)
