"""Reaffirmed consent: what is signed, and when it is overdue; the twin of `affirmations.vy`."""

from typing import Final

from chaincode import ADDRESSES
from node.spec.slots import ReadSlot, mapping_slot
from node.spec.terms import CONTRACT_VERSION, NAME
from node.spec.typed_data import Domain, struct_hash, typed_digest
from node.spec.types import Address, Hash32

AFFIRMATIONS: Final = Address(ADDRESSES["affirmations"])
AFFIRMED: Final = 0

AFFIRMATION_TYPE: Final = "Affirmation(bytes32 terms,uint64 since)"


def affirmation_digest(terms: Hash32, since: int, chain_id: int) -> Hash32:
    """Return the digest by which a subject, or the agent in its place, reaffirms consent, once.

    `terms` is the digest of the terms in force, `since` the last reaffirmation (Unix seconds), 0
    for none: so a signature counts for one reaffirmation alone.
    """
    structure = struct_hash(AFFIRMATION_TYPE, (terms, since))
    return typed_digest(Domain(NAME, CONTRACT_VERSION, chain_id, AFFIRMATIONS), structure)


def affirmed_at(read: ReadSlot, authorization: Hash32) -> int:
    """Return the last reaffirmation (Unix seconds), 0 for none. `read` is of Affirmations."""
    return read(mapping_slot(AFFIRMED, authorization))


def due(affirmed: int, valid_from: int, within: int) -> int:
    """Return the first second at which consent is overdue; `within` is the voted parameter."""
    return max(affirmed, valid_from) + within
