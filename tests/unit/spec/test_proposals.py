"""A member votes on what it is shown, so a proposal's bytes have one reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import IntegrityError
from node.spec import proposals
from node.spec.proposals import PARTS, Proposal, decode_proposal, encode_proposal
from node.spec.vocabulary import ProposalKind

VALUES = {
    proposals.NUMBER: st.integers(0, 2**256 - 1),
    proposals.ACCOUNT: st.binary(min_size=20, max_size=20),
    proposals.HASH: st.binary(min_size=32, max_size=32),
    proposals.TEXT: st.text(min_size=1, max_size=16),
}


def test_every_kind_has_its_parts():
    assert tuple(PARTS) == tuple(ProposalKind)


@given(data=st.data(), kind=st.sampled_from(ProposalKind))
def test_what_is_encoded_is_read_again(data, kind):
    values = [data.draw(VALUES[part]) for part in PARTS[kind].values()]
    assert list(decode_proposal(encode_proposal(kind, *values)).values()) == values


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (ProposalKind.REINSTATE_MEMBER, (-1,)),
        (ProposalKind.REINSTATE_MEMBER, (2**256,)),
        (ProposalKind.REINSTATE_MEMBER, (b"1",)),
        (ProposalKind.REINSTATE_MEMBER, ()),
        (ProposalKind.REINSTATE_MEMBER, (1, 2)),
        (ProposalKind.ADD_VALIDATOR, (bytes(19),)),
        (ProposalKind.FEATURE, (bytes(33), 1)),
        (ProposalKind.ADMIT_MEMBER, (b"x", 1, bytes(20), 156, 0, "")),
        (ProposalKind.ADMIT_MEMBER, (b"x", 1, bytes(20), 156, 0, "x" * 65)),
    ],
)
def test_what_does_not_fit_is_refused(kind, values):
    with pytest.raises(ValueError, match=r"proposal|zip\(\)"):
        encode_proposal(kind, *values)


@pytest.mark.parametrize(
    "proposal",
    [
        Proposal(ProposalKind.REINSTATE_MEMBER, bytes(31)),
        Proposal(ProposalKind.REINSTATE_MEMBER, bytes(33)),
        Proposal(ProposalKind.ADD_VALIDATOR, b"\xff" * 32),
        Proposal(ProposalKind.ADMIT_MEMBER, bytes(160)),
        Proposal(ProposalKind.ADMIT_MEMBER, bytes(160) + b"\xff"),
    ],
)
def test_bytes_of_another_kind_are_refused(proposal):
    with pytest.raises(ValueError, match=r"proposal|codec"):
        decode_proposal(proposal)


def test_slots_of_another_version_are_refused():
    with pytest.raises(IntegrityError, match="kind 77"):
        proposals.proposal_state(lambda _: 77, 1)
    assert proposals.proposal_state(lambda _: 0, 1) is None
