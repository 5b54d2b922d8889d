"""The consortium votes on templates and lists: what regulators put on a list it cannot take off."""

import pytest

from node.sdk.governance import (
    add_caution,
    add_refusal,
    propose,
    vote_template_in,
    vote_template_out,
)
from node.sdk.market import Caution
from node.spec.crypto import keccak256
from node.spec.proposals import Proposal, decode_proposal, encode_proposal
from node.spec.types import Hash32
from node.spec.vocabulary import (
    HOME,
    ProductStatus,
    ProposalKind,
    Reason,
    Role,
    Zone,
    mask,
    purpose,
)
from tests.chaincode import world as w
from tests.chaincode.test_templates import clauses

CHECKING, SCORE = 1 << purpose("CreditChecking"), 1 << purpose("CreditScoreEvaluation")
TEXT = Hash32(keccak256(b"voted"))


@pytest.fixture
def world():
    return w.market()


def refused(world, proposal):
    with pytest.raises(w.Refusal) as caught:
        world.carry_out("a.governor", propose(proposal))
    return str(caught.value).removeprefix("templates: ")


def entry(world, name, proposal):
    done = w.govern(world, proposal)
    assert w.events(done) == ["ProposalEnacted", name]


def test_a_template_is_voted_in_and_out(world):
    assert refused(world, vote_template_in(TEXT)) == "not proposed"
    world.send("exchange.approver", "templates", "propose", TEXT, clauses())
    assert refused(world, vote_template_out(TEXT, 0)) == "unknown reason"
    entry(world, "TemplateAdopted", vote_template_in(TEXT))
    assert refused(world, vote_template_in(TEXT)) == "not proposed"
    entry(world, "TemplateRetired", vote_template_out(TEXT, Reason.TEMPLATE_RETIRED))
    again = vote_template_out(TEXT, Reason.TEMPLATE_RETIRED)
    assert refused(world, again) == "not in force"
    assert refused(world, vote_template_out(keccak256(b"none"), Reason.SUPERSEDED)) == (
        "not in force"
    )


def test_what_a_vote_refuses_cannot_be_requested(world):
    entry(world, "PurposesRefused", add_refusal(Zone.FINANCE, HOME, CHECKING))
    agreed = w.terms()
    assert world.refused("b.approver", *w.requesting(agreed)) == "templates: on the negative list"
    assert world.view("templates", "versions") == (1, 0)


def test_a_vote_only_adds_to_the_negative_list(world):
    entry(world, "PurposesRefused", add_refusal(Zone.FINANCE, HOME, CHECKING))
    for purposes in (0, SCORE, CHECKING):
        proposal = add_refusal(Zone.FINANCE, HOME, purposes)
        assert refused(world, proposal) == "a vote only adds to a list"
    entry(world, "PurposesRefused", add_refusal(Zone.FINANCE, HOME, CHECKING | SCORE))


def test_a_vote_only_adds_to_the_cautious_list(world):
    first = Caution(CHECKING, asks_regulator=True)
    entry(world, "CautionSet", add_caution(Zone.FINANCE, HOME, first))
    for other in (
        Caution(CHECKING, maximum_uses=9),
        Caution(SCORE, asks_regulator=True),
        first,
    ):
        proposal = add_caution(Zone.FINANCE, HOME, other)
        assert refused(world, proposal) == "a vote only adds to a list"
    wider = Caution(CHECKING | SCORE, asks_regulator=True)
    entry(world, "CautionSet", add_caution(Zone.FINANCE, HOME, wider))


def test_what_a_regulator_listed_since_is_asked_again_when_enacted(world):
    number = w.carry(world, add_refusal(Zone.FINANCE, HOME, CHECKING))
    second = w.account("regulator.second")
    approver = mask(Role.SENDER, Role.APPROVER)
    world.send("regulator.governor", "members", "admitAccount", second, approver)
    for sender in ("regulator.approver", "regulator.second"):
        world.send(sender, "templates", "refuse", Zone.FINANCE, HOME, CHECKING | SCORE)
    world.time += w.TIME_LOCK
    call = ("governance", "enact", number, add_refusal(Zone.FINANCE, HOME, CHECKING).content)
    assert world.refused("a.governor", *call) == "templates: a vote only adds to a list"


@pytest.mark.parametrize(
    ("proposal", "reason"),
    [
        (Proposal(ProposalKind.TEMPLATE, bytes(95)), "malformed content"),
        (Proposal(ProposalKind.LIST_ENTRY, bytes(129)), "malformed content"),
        (encode_proposal(ProposalKind.TEMPLATE, TEXT, 0, 1), "unknown status"),
        (
            encode_proposal(ProposalKind.TEMPLATE, TEXT, int(ProductStatus.APPROVED), 1),
            "adopted for no reason",
        ),
        (add_refusal(14, HOME, CHECKING), "unknown category"),
        (add_refusal(0, 999, CHECKING), "unknown destination"),
        (add_refusal(0, 0, 1 << 255), "unknown purpose"),
        (encode_proposal(ProposalKind.LIST_ENTRY, 0, 0, 1, 1 << 57), "malformed caution"),
    ],
)
def test_what_cannot_be_is_not_proposed(world, proposal, reason):
    assert refused(world, proposal) == reason


def test_only_governance_enacts(world):
    content = add_refusal(0, 0, CHECKING).content
    call = ("templates", "enactProposal", int(ProposalKind.LIST_ENTRY), content)
    assert world.refused("a.governor", *call) == "templates: only governance"
    call = ("templates", "checkProposal", int(ProposalKind.SHARE), content)
    assert world.refused("a.governor", *call) == "templates: unknown kind of proposal"


def test_contents_read_as_they_were_written():
    caution = Caution(CHECKING, approver=3, maximum_uses=7, modes=mask(2))
    for proposal in (
        vote_template_in(TEXT),
        vote_template_out(TEXT, Reason.SUPERSEDED),
        add_refusal(1, HOME, SCORE),
        add_caution(1, HOME, caution),
    ):
        assert encode_proposal(proposal.kind, *decode_proposal(proposal).values()) == proposal
