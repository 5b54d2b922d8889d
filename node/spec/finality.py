"""That a block is final, shown to somebody who trusts a genesis hash and nobody else (N15).

In contract mode a header names no validators, so the argument is an induction over validator sets:

1. The genesis header hashes to the trusted hash; a storage proof under its state root shows the
   first set and its version.
2. A header is final when a quorum of the set in force sealed it. The set in force at height n is
   that of the state after n - 1: the header names its parent by hash, and a storage proof under the
   parent's state root shows the set's version.
3. Where a version is not known yet, a final header sealed by a known set proves the new set under
   its own state root.

A parent stands here without seals and in round 0, the one form whose hash children name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from node.errors import ProofError
from node.spec import registry
from node.spec.header import Header
from node.spec.seal import hash_for_block, verify_seals, with_round
from node.spec.state_proof import StorageProof, reader, verify_storage
from node.spec.types import Address, Hash32

ValidatorSets = Mapping[int, tuple[Address, ...]]
"""Validator sets already proved, by version."""


@dataclass(frozen=True, slots=True)
class FinalHeader:
    """A sealed header with what shows which validators had to seal it."""

    header: Header
    parent: Header
    version: StorageProof
    """Of `validator_set_version`, under the parent's state root."""


def genesis_sets(genesis: Header, genesis_hash: Hash32, proof: StorageProof) -> ValidatorSets:
    """Return the first validator set (step 1)."""
    if genesis.number != 0 or hash_for_block(genesis) != genesis_hash:
        raise ProofError(
            "genesis: the header is not that of the trusted chain",
            why=f"it hashes to 0x{hash_for_block(genesis).hex()}, trusted 0x{genesis_hash.hex()}",
        )
    return proved_set(genesis, proof)


def proved_set(header: Header, proof: StorageProof) -> ValidatorSets:
    """Return the set in the state after `header`, by its version; the header must be final."""
    read = reader(verify_storage(header.state_root, registry.MEMBERS, proof))
    return {registry.validator_set_version(read): tuple(registry.validators(read))}


def verify_final(claim: FinalHeader, sets: ValidatorSets) -> Hash32:
    """Return the block hash of a header that is final under known validator sets (step 2).

    Raises:
        ProofError: the parent is another block, the version is not proved, or its set not known.
        SealError: the seals are not a quorum of that set.
    """
    check_parent(claim.header, claim.parent)
    proved = verify_storage(claim.parent.state_root, registry.MEMBERS, claim.version)
    version = registry.validator_set_version(reader(proved))
    if version not in sets:
        raise ProofError(
            f"block {claim.header.number}: validator set {version} is not proved",
            why=f"known sets: {', '.join(map(str, sorted(sets)))}",
        )
    verify_seals(claim.header, sets[version])
    return hash_for_block(claim.header)


def bare(header: Header) -> Header:
    """Return the form of a header that its block hash is taken of; genesis is its own."""
    return header if header.number == 0 else with_round(header, 0)


def check_parent(header: Header, parent: Header) -> None:
    """Raise `ProofError` unless `parent`, in its bare form, is the block before `header`."""
    if parent != bare(parent):
        raise ProofError(f"block {parent.number}: a parent carries no seals and round 0")
    if header.parent_hash != hash_for_block(parent) or header.number != parent.number + 1:
        raise ProofError(f"block {header.number}: the parent given is not its parent")
