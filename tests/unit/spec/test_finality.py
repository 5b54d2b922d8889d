"""A stranger must be able to tell a final block from a forged one by a genesis hash alone."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from node.errors import IntegrityError, ProofError, SealError
from node.spec import registry, seal, trie
from node.spec.account import encode_account
from node.spec.codec import encode
from node.spec.crypto import address_of, keccak256, sign
from node.spec.finality import (
    FinalHeader,
    bare,
    check_parent,
    genesis_sets,
    proved_set,
    verify_final,
)
from node.spec.header import decode_header
from node.spec.state_proof import (
    SlotProof,
    StorageProof,
    reader,
    verify_account,
    verify_storage,
)
from node.spec.types import EMPTY_ROOT, Account

VECTORS = json.loads(Path("tests/vectors/qbft.json").read_text())
BASE = decode_header(
    bytes.fromhex(
        next(v["header_rlp"] for v in VECTORS["headers"] if v["name"] == "besu_26.4.0_block113")[2:]
    )
)
KEYS = [bytes([n]) * 32 for n in range(1, 9)]


class State:
    """A state trie that holds the Members contract with some slots, and one other account."""

    def __init__(self, slots: dict[int, int]) -> None:
        self.nodes: dict[bytes, bytes] = {}
        storage = self._trie(
            {keccak256(slot.to_bytes(32, "big")): encode(value) for slot, value in slots.items()}
        )
        self.storage_root = storage
        self.root = self._trie(
            {
                keccak256(registry.MEMBERS): encode_account(Account(1, 0, storage)),
                keccak256(b"\x07" * 20): encode_account(Account(2, 5)),
            }
        )

    def _trie(self, items):
        root, made = trie.update(EMPTY_ROOT, items, self.nodes.__getitem__)
        self.nodes.update(dict(made.values()))
        return root

    def proof(self, *slots: int) -> StorageProof:
        return StorageProof(
            trie.prove(self.root, keccak256(registry.MEMBERS), self.nodes.__getitem__),
            tuple(
                SlotProof(
                    slot,
                    trie.prove(
                        self.storage_root,
                        keccak256(slot.to_bytes(32, "big")),
                        self.nodes.__getitem__,
                    ),
                )
                for slot in sorted(slots)
            ),
        )


def state_with(keys, version: int) -> State:
    """Return a state whose validator set is these keys'."""
    addresses = sorted(address_of(key) for key in keys)
    slots = {0: len(addresses), registry.VALIDATOR_SET_VERSION: version}
    slots |= {1 + i: int.from_bytes(address, "big") for i, address in enumerate(addresses)}
    return State(slots)


def set_proof(state: State, count: int) -> StorageProof:
    return state.proof(0, *range(1, count + 1), registry.VALIDATOR_SET_VERSION)


def header(number, parent, state, keys=(), round_number=0):
    """Return a header upon `parent`, sealed by `keys`."""
    made = replace(
        BASE,
        number=number,
        parent_hash=b"\0" * 32 if parent is None else seal.hash_for_block(parent),
        state_root=state.root,
    )
    made = seal.with_round(made, round_number)
    digest = seal.hash_for_commit_seal(made)
    return seal.with_seals(made, [sign(key, digest) for key in keys])


FIRST = state_with(KEYS[:4], 4)
SECOND = state_with(KEYS[1:5], 6)
GENESIS = header(0, None, FIRST)
ONE = header(1, GENESIS, FIRST, KEYS[:3])
TWO = header(2, ONE, SECOND, KEYS[:3], round_number=1)
THREE = header(3, TWO, SECOND, KEYS[1:4])


def claim(block, parent, state) -> FinalHeader:
    return FinalHeader(block, bare(parent), state.proof(registry.VALIDATOR_SET_VERSION))


def test_the_induction_from_genesis_over_a_changed_set():
    sets = dict(genesis_sets(GENESIS, seal.hash_for_block(GENESIS), set_proof(FIRST, 4)))
    assert list(sets) == [4]
    assert verify_final(claim(ONE, GENESIS, FIRST), sets) == seal.hash_for_block(ONE)
    with pytest.raises(ProofError, match="validator set 6 is not proved"):
        verify_final(claim(THREE, TWO, SECOND), sets)
    assert verify_final(claim(TWO, ONE, FIRST), sets) == seal.hash_for_block(TWO)
    sets.update(proved_set(TWO, set_proof(SECOND, 4)))
    assert verify_final(claim(THREE, TWO, SECOND), sets) == seal.hash_for_block(THREE)


def test_another_genesis_is_refused():
    for wrong, trusted in [(GENESIS, b"\x01" * 32), (ONE, seal.hash_for_block(ONE))]:
        with pytest.raises(ProofError, match="not that of the trusted chain"):
            genesis_sets(wrong, trusted, set_proof(FIRST, 4))


def test_a_set_must_be_proved_whole():
    for slots in [(0, 101), (0, 1, 2, 3, 101), (1, 2, 3, 4, 101), (0, 1, 2, 3, 4)]:
        with pytest.raises(IntegrityError):
            proved_set(ONE, FIRST.proof(*slots))


@pytest.mark.parametrize(
    ("block", "parent", "state", "error"),
    [
        (header(1, GENESIS, FIRST, KEYS[:2]), GENESIS, FIRST, SealError),
        (header(1, GENESIS, FIRST, KEYS[4:8]), GENESIS, FIRST, SealError),
        (header(2, GENESIS, FIRST, KEYS[:3]), GENESIS, FIRST, ProofError),
        (ONE, ONE, FIRST, ProofError),
        (TWO, GENESIS, FIRST, ProofError),
        (ONE, GENESIS, SECOND, ProofError),
    ],
)
def test_forged_claims_are_refused(block, parent, state, error):
    sets = genesis_sets(GENESIS, seal.hash_for_block(GENESIS), set_proof(FIRST, 4))
    with pytest.raises(error):
        verify_final(claim(block, parent, state), sets)


def test_a_parent_stands_in_its_bare_form():
    check_parent(THREE, bare(TWO))
    with pytest.raises(ProofError, match="no seals and round 0"):
        check_parent(THREE, TWO)
    assert bare(GENESIS) == GENESIS


def test_slots_ascend_and_each_is_proved_once():
    proof = FIRST.proof(0, 101)
    assert verify_storage(FIRST.root, registry.MEMBERS, proof) == {0: 4, 101: 4}
    for slots in [proof.slots[::-1], (proof.slots[0], proof.slots[0])]:
        with pytest.raises(ProofError, match="strictly ascending"):
            verify_storage(FIRST.root, registry.MEMBERS, StorageProof(proof.account, slots))


def test_absence_reads_as_zero_and_the_unproved_does_not_read():
    values = verify_storage(FIRST.root, registry.MEMBERS, FIRST.proof(77))
    read = reader(values)
    assert read(77) == 0
    with pytest.raises(ProofError, match="slot 0x4e is not proved"):
        read(78)


def test_an_account_that_does_not_exist_proves_no_slot():
    absent = trie.prove(FIRST.root, keccak256(b"\x09" * 20), FIRST.nodes.__getitem__)
    assert verify_account(FIRST.root, b"\x09" * 20, absent) is None
    with pytest.raises(ProofError, match="no account"):
        verify_storage(FIRST.root, b"\x09" * 20, StorageProof(absent, ()))


def test_malformed_leaves_are_proof_errors():
    for leaf in (b"\xc0", b"\x01"):
        root, made = trie.update(EMPTY_ROOT, {keccak256(registry.MEMBERS): leaf}, {}.__getitem__)
        with pytest.raises(ProofError, match="account 0x"):
            verify_account(root, registry.MEMBERS, (made[b""][1],))
    for value in (b"\x80", b"\x82\x00\x01", b"\xc0"):
        key = keccak256((5).to_bytes(32, "big"))
        storage, slot_nodes = trie.update(EMPTY_ROOT, {key: value}, {}.__getitem__)
        leaf = encode_account(Account(1, 0, storage))
        root, made = trie.update(EMPTY_ROOT, {keccak256(registry.MEMBERS): leaf}, {}.__getitem__)
        proof = StorageProof((made[b""][1],), (SlotProof(5, (slot_nodes[b""][1],)),))
        with pytest.raises(ProofError, match="slot 0x5"):
            verify_storage(root, registry.MEMBERS, proof)
