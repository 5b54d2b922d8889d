"""A member reads a proposal's content from any node, so another content must be found out."""

import asyncio

import pytest

from node.errors import ProofError
from node.sdk.governance import find_proposal, set_mandate
from node.spec import proposals
from node.spec.proposals import decode_proposal
from node.spec.types import Hash32
from tests.chaincode import world
from tests.unit.audit.factory import Chain


@pytest.fixture
def chain(tmp_path):
    return Chain(tmp_path / "uses.sqlite")


def test_a_proposals_content_is_found_and_held_to_its_hash(chain):
    asked = set_mandate(world.REGULATOR, 0b10, 0b10)
    chain.govern(asked)
    state = chain.ledger.state_of(chain.ledger.head)
    kept = proposals.proposal_state(lambda slot: state.storage(proposals.GOVERNANCE, slot), 1)
    found = asyncio.run(find_proposal(chain.client(), 1, kept.content_hash))
    assert found == asked
    parts = decode_proposal(found)
    assert parts == {"member": world.REGULATOR, "mandate": 0b10 | 0b10 << 16}
    with pytest.raises(ProofError, match="no such content"):
        asyncio.run(find_proposal(chain.client(), 1, Hash32(bytes(32))))
    with pytest.raises(ProofError, match="no such content"):
        asyncio.run(find_proposal(chain.client(), 2, kept.content_hash))
