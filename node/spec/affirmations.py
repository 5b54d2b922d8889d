"""Reaffirmed consent: what is signed, and when it is overdue; the twin of `affirmations.vy`."""

from typing import Final

from chaincode import ADDRESSES
from node.spec.slots import ReadSlot, mapping_slot
from node.spec.terms import CONTRACT_VERSION, NAME
from node.spec.typed_data import Domain, struct_hash, typed_digest
from node.spec.types import Address, Hash32

AFFIRMATIONS: Final = Address(ADDRESSES["affirmations"])
AFFIRMED: Final = 0

AFFIRMATION_TYPE: Final = "Affirmation(bytes32 terms,uint64 at)"


def affirmation_digest(terms: Hash32, at: int, chain_id: int) -> Hash32:
    """Return the digest by which a subject, or the agent in its place, reaffirms consent, once.

    `terms` is the digest of the terms in force, `at` when it signs (Unix seconds): it is carried in
    within seven days, and before one that is dated later.
    """
    structure = struct_hash(AFFIRMATION_TYPE, (terms, at))
    return typed_digest(Domain(NAME, CONTRACT_VERSION, chain_id, AFFIRMATIONS), structure)


def affirmed_at(read: ReadSlot, authorization: Hash32) -> int:
    """Return what the last reaffirmation is dated (Unix seconds), 0 for none.

    `read` is of Affirmations.
    """
    return read(mapping_slot(AFFIRMED, authorization))


def due(affirmed: int, valid_from: int, within: int) -> int:
    """Return the first second at which consent is overdue; `within` is the voted parameter."""
    return max(affirmed, valid_from) + within
