"""The state root binds everything; py-trie, which others wrote, must agree on every batch."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from node.errors import DecodeError, ProofError
from node.spec import trie
from node.spec.codec import encode
from node.spec.crypto import keccak256
from node.spec.trie_node import expand, node_from_item
from node.spec.types import EMPTY_ROOT

SHORT_KEYS = st.binary(min_size=1, max_size=3)
HASHED_KEYS = st.integers(0, 300).map(lambda n: keccak256(n.to_bytes(2, "big")))
VALUES = st.one_of(st.just(b""), st.binary(min_size=1, max_size=50))
BATCHES = st.one_of(
    st.lists(st.dictionaries(SHORT_KEYS, VALUES, max_size=15), max_size=8),
    st.lists(st.dictionaries(HASHED_KEYS, VALUES, max_size=15), max_size=8),
)


def apply_all(batches):
    """Return (root, nodes, model) after all batches, each checked against py-trie's root."""
    nodes, model, root, oracle = {}, {}, EMPTY_ROOT, HexaryTrie({})
    for batch in batches:
        root, made = trie.update(root, batch, nodes.__getitem__)
        for node_hash, data in made.values():
            assert keccak256(data) == node_hash
            nodes[node_hash] = data
        for key, value in batch.items():
            if value:
                oracle[key] = model[key] = value
            elif key in model:
                del oracle[key], model[key]
        assert root == oracle.root_hash
    return root, nodes, model


@settings(max_examples=150, deadline=None)
@given(BATCHES)
def test_batches_agree_with_py_trie_and_prove(batches):
    root, nodes, model = apply_all(batches)
    for key in [*model, b"\x00", keccak256(b"absent")]:
        assert trie.get(root, key, nodes.__getitem__) == model.get(key)
        proof = trie.prove(root, key, nodes.__getitem__)
        assert trie.verify(root, key, proof) == model.get(key)


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=300))
@settings(max_examples=30, deadline=None)
def test_list_roots_agree_with_py_trie(values):
    oracle = HexaryTrie({})
    for index, value in enumerate(values):
        oracle[encode(index)] = value
    assert trie.root_of_list(values) == oracle.root_hash
    assert trie.list_update(values)[0] == oracle.root_hash


def test_paths_of_new_nodes_lead_to_them():
    items = {keccak256(bytes([n])): b"v" * 40 for n in range(50)}
    _, made = trie.update(EMPTY_ROOT, items, {}.__getitem__)
    by_hash = {node_hash: path for path, (node_hash, _) in made.items()}
    for key in items:
        proof = trie.prove(made[b""][0], key, dict(made.values()).__getitem__)
        paths = [by_hash[keccak256(node)] for node in proof]
        nibbles = key.hex()
        assert all(nibbles.startswith("".join(f"{n:x}" for n in path)) for path in paths)


@pytest.fixture
def proved():
    root, nodes, model = apply_all([{keccak256(bytes([n])): b"v" * 40 for n in range(60)}])
    key = next(iter(model))
    return root, key, trie.prove(root, key, nodes.__getitem__)


def test_a_proof_is_exactly_the_nodes_it_needs(proved):
    root, key, proof = proved
    assert trie.verify(root, key, proof) == b"v" * 40
    for bad in [proof[:-1], proof[1:], (*proof, proof[0]), proof[::-1], (proof[0],) * 70, ()]:
        with pytest.raises(ProofError):
            trie.verify(root, key, bad)
    with pytest.raises(ProofError):
        trie.verify(EMPTY_ROOT, key, proof)
    assert trie.verify(EMPTY_ROOT, key, ()) is None


def test_every_flipped_byte_breaks_a_proof(proved):
    root, key, proof = proved
    for index, node in enumerate(proof):
        for offset in range(len(node)):
            flipped = bytearray(node)
            flipped[offset] ^= 1
            with pytest.raises(ProofError):
                trie.verify(root, key, (*proof[:index], bytes(flipped), *proof[index + 1 :]))


def test_a_malformed_node_under_its_own_hash_is_a_proof_error():
    node = encode([b"\x20", b""])
    with pytest.raises(ProofError, match="empty value"):
        trie.verify(keccak256(node), b"k", (node,))


@pytest.mark.parametrize(
    ("item", "complaint"),
    [
        ([b""] * 3, "3 items"),
        (b"", "expected a list"),
        ([b"", b"x"], "malformed path prefix"),
        ([b"\x40", b"x"], "malformed path prefix"),
        ([b"\x01", b"x"], "malformed path prefix"),
        ([b"\x20", b""], "empty value"),
        ([b"\x00", b"x" * 32], "empty path"),
        ([b"\x11", b""], "empty path or child"),
        ([b"\x11", b"short"], "a reference is"),
        ([b"x"] + [b""] * 16, "a reference is"),
        ([b"\x20", []], "expected a string"),
    ],
)
def test_malformed_nodes_are_named(item, complaint):
    with pytest.raises(DecodeError, match=complaint):
        node_from_item(item)


def test_paths_expand_as_they_were_compacted():
    assert expand(b"\x20") == (b"", True)
    assert expand(b"\x3a") == (b"\x0a", True)
    assert expand(b"\x00\x12") == (b"\x01\x02", False)


def test_list_nodes_are_closed():
    root, made = trie.list_update([b"value" * 10])
    assert set(made.values()) == {(root, made[b""][1])}
    with pytest.raises(ProofError, match="outside the list"):
        trie._no_nodes(root)
