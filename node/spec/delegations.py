"""Delegations: who may approve in a data subject's place, as the subject signs it.

The Python twin of the EIP-712 structures of `chaincode/delegations.vy`. An agent is named by the
subject's signature, a guardian by a member that vouches for it.
"""

from dataclasses import astuple, dataclass
from typing import Final

from chaincode import ADDRESSES
from node.spec.slots import ReadSlot, mapping_slot
from node.spec.terms import CONTRACT_VERSION, NAME
from node.spec.typed_data import Domain, struct_hash, typed_digest
from node.spec.types import Address, Hash32

DELEGATION_TYPE: Final = (
    "Delegation(uint8 kind,address principal,address agent,uint256 purposes,uint64 until,"
    "bytes32 evidence,uint256 nonce)"
)
RECORDS: Final = 0
"""Where Delegations keeps them; a test holds it to the layout."""

END_TYPE: Final = "EndOfDelegation(bytes32 delegation)"


@dataclass(frozen=True, slots=True)
class Delegation:
    """A power to approve: `purposes` has a bit for each, `until` is the first second out."""

    kind: int
    principal: Address
    agent: Address
    purposes: int
    until: int
    evidence: Hash32
    nonce: int


def delegation_id(delegation: Delegation, chain_id: int) -> Hash32:
    """Return the digest a principal signs, which is the delegation's id."""
    return typed_digest(_domain(chain_id), struct_hash(DELEGATION_TYPE, astuple(delegation)))


def end_digest(delegation: Hash32, chain_id: int) -> Hash32:
    """Return the digest by which principal, agent or voucher end a delegation."""
    return typed_digest(_domain(chain_id), struct_hash(END_TYPE, (delegation,)))


def slot_of_delegation(delegation: Hash32) -> int:
    """Return the slot of a delegation's end and of whether it was ended before."""
    return mapping_slot(RECORDS, delegation)


def stands(read: ReadSlot, delegation: Hash32, timestamp: int) -> bool:
    """Whether a delegation is in force. `read` is of Delegations."""
    word = read(slot_of_delegation(delegation))
    return timestamp < word & (1 << 40) - 1 and not word >> 64 & 1


def _domain(chain_id: int) -> Domain:
    return Domain(NAME, CONTRACT_VERSION, chain_id, Address(ADDRESSES["delegations"]))
