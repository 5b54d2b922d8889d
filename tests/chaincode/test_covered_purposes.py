"""Who may use data for a purpose may use them for all it covers; so bites a list or a freeze."""

import pytest

from chaincode import ADDRESSES
from chaincode.vocabulary import load
from node.sdk.market import Caution
from node.spec import templates
from node.spec.slots import mapping_slot
from node.spec.types import Address
from node.spec.vocabulary import (
    HOME,
    FreezeGround,
    Party,
    Role,
    Zone,
    covered_by,
    mask,
    purpose,
    purpose_covers,
)
from tests.chaincode import sandboxed
from tests.chaincode import world as w

CHECKING, SCORE, HISTORY, FRAUD = (
    purpose(name)
    for name in (
        "CreditChecking",
        "CreditScoreEvaluation",
        "CreditHistoryEvaluation",
        "FraudManagement",
    )
)
"""A purpose, two that it covers, and one beside it."""

PURPOSES = sorted(term.index for term in load()["purpose"])
REFUSED = 1
"""Where Templates keeps the negative list."""


@pytest.fixture
def world():
    world = w.market()
    sandboxed.officers(world)
    approver = mask(Role.SENDER, Role.APPROVER)
    account = w.account("regulator.second")
    world.send("regulator.governor", "members", "admitAccount", account, approver)
    return world


def refuse(world, purposes):
    for name in ("regulator.approver", "regulator.second"):
        world.send(name, "templates", "refuse", Zone.FINANCE, HOME, purposes)


def caution(world, entry):
    for name in ("regulator.approver", "regulator.second"):
        said = (Zone.FINANCE, HOME, (entry.purposes, entry.word))
        world.send(name, "templates", "caution", *said)


def freeze(world, purposes):
    said = (Zone.FINANCE, purposes, FreezeGround.FRAUD, sandboxed.CASE, world.time + w.DAY)
    for name in sandboxed.OFFICERS:
        world.send(name, "supervision", "freezeZone", *said)


def asking(world, wanted, **changes):
    return world.copy().attempt("b.approver", *w.requesting(w.terms(purpose=wanted, **changes)))


def opening(world, authorization, wanted):
    opened = w.opening(authorization, world, purpose=wanted)
    return world.copy().attempt("b.gateway", "leases", "open", opened, w.account("a.gateway"))


@pytest.mark.parametrize("bite", [refuse, freeze])
def test_a_lease_for_a_parent_of_what_is_refused_is_refused(world, bite):
    """It would serve the child: a query under it may be for whatever it covers."""
    authorization = w.grant(world, purpose=CHECKING)
    bite(world, 1 << SCORE)
    on_the_list = "authorizations: on the negative list"
    assert opening(world, authorization, SCORE) == on_the_list
    assert opening(world, authorization, CHECKING) == on_the_list
    assert opening(world, authorization, HISTORY) == ""


@pytest.mark.parametrize("bite", [refuse, freeze])
def test_terms_for_a_parent_of_what_is_refused_are_refused(world, bite):
    pending = w.terms(purpose=CHECKING, nonce=9)
    w.request(world, pending)
    bite(world, 1 << SCORE)
    assert asking(world, CHECKING) == asking(world, SCORE) == "templates: on the negative list"
    assert asking(world, HISTORY) == asking(world, FRAUD) == ""
    assert world.refused("a.approver", *w.approving(pending)) == "grants: on the negative list"


def test_an_entry_for_a_parent_says_nothing_of_its_children(world):
    """It is a mask: whoever means the children names them."""
    refuse(world, 1 << CHECKING)
    assert asking(world, CHECKING) == "templates: on the negative list"
    assert asking(world, SCORE) == ""


def test_terms_for_a_parent_meet_the_caution_of_its_children(world):
    caution(world, Caution(1 << SCORE, maximum_uses=50))
    capped = "templates: uses above the cautious list's cap"
    assert asking(world, SCORE, maximum_uses=51) == asking(world, CHECKING, maximum_uses=51)
    assert asking(world, CHECKING, maximum_uses=51) == capped
    assert asking(world, CHECKING, maximum_uses=50) == ""
    assert asking(world, HISTORY, maximum_uses=51) == asking(world, FRAUD, maximum_uses=51) == ""


def test_terms_for_a_parent_meet_the_cautions_of_all_its_children(world):
    caution(world, Caution(1 << SCORE, maximum_uses=50))
    for name in ("regulator.approver", "regulator.second"):
        entry = Caution(1 << HISTORY, asks_regulator=True)
        world.send(name, "templates", "caution", 0, 0, (entry.purposes, entry.word))
    assert asking(world, CHECKING, maximum_uses=51) != ""
    agreed = w.terms(purpose=CHECKING, maximum_uses=50)
    w.request(world, agreed)
    state = world.authorization(w.identifier(agreed))
    assert state.required == mask(Party.PROVIDER, Party.CONSUMER, Party.REGULATOR)


def test_the_contract_covers_what_the_vocabulary_covers(world):
    """Bit by bit: nothing beyond the mask is refused, and each purpose in it is."""
    slots = world.state.slots[Address(ADDRESSES["templates"])]
    slots[templates.LISTS] = 1
    every = sum(1 << index for index in PURPOSES)

    def refuses(wanted, purposes):
        slots[mapping_slot(REFUSED, 0)] = purposes
        return world.view("templates", "isRefused", Zone.FINANCE, wanted, HOME)

    for wanted in PURPOSES:
        covered = covered_by(wanted)
        assert not refuses(wanted, every & ~covered)
        below = [index for index in PURPOSES if covered >> index & 1]
        assert below == [index for index in PURPOSES if purpose_covers(wanted, index)]
        assert all(refuses(wanted, 1 << index) for index in below)


def test_a_purpose_that_the_vocabulary_lacks_is_on_no_list_and_not_frozen(world):
    beyond = 1 << PURPOSES[-1] + 1
    reason = "templates: unknown purpose"
    for purposes in (beyond, 1 << SCORE | beyond, 1 << 255, 2**256 - 1):
        said = (Zone.FINANCE, HOME)
        assert world.refused("regulator.approver", "templates", "refuse", *said, purposes) == reason
        entry = (purposes, 1 << 56)
        assert world.refused("regulator.approver", "templates", "caution", *said, entry) == reason
        frozen = (Zone.FINANCE, purposes, FreezeGround.FRAUD, sandboxed.CASE, world.time + w.DAY)
        assert world.refused(sandboxed.OFFICERS[0], "supervision", "freezeZone", *frozen) == (
            "supervision: unknown purpose"
        )
    every = sum(1 << index for index in PURPOSES)
    refuse(world, every)
    caution(world, Caution(every, maximum_uses=50))
    freeze(world, every)
