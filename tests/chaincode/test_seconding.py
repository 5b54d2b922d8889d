"""What takes two is said by two who may both say it, within three days of each other."""

from dataclasses import dataclass
from typing import Any

import pytest

from node.sdk.governance import admit_member, set_mandate, suspend_member
from node.spec.crypto import keccak256
from node.spec.vocabulary import (
    FreezeGround,
    MemberKind,
    Reason,
    Role,
    Zone,
    mask,
    purpose,
)
from tests.chaincode import sandboxed
from tests.chaincode import world as w

CASE = keccak256(b"salt and case")
UNTIL = w.GENESIS_TIME + 25 * w.DAY
LASTS = 72 * 3_600
SCORE = 1 << purpose("CreditScoreEvaluation")
ALL = mask(Role.SENDER, Role.OFFICER, Role.APPROVER)
ONE, TWO, THREE = "regulator.one", "regulator.two", "regulator.three"
GUEST = "guest.one"
"""Officer and approver of a second regulator."""

NEWCOMER = "529900W18LQJJN6SJ336"


@dataclass(frozen=True)
class Said:
    """What two must say, and the events of the first and of the second."""

    contract: str
    method: str
    values: tuple[Any, ...]
    first: str
    second: str

    def by(self, world, name):
        return w.events(world.send(name, self.contract, self.method, *self.values))

    def refused(self, world, name):
        return world.refused(name, self.contract, self.method, *self.values)


FREEZE = (Zone.FINANCE, SCORE, FreezeGround.FRAUD, CASE, UNTIL)
SAYINGS = [
    Said("supervision", "freezeZone", FREEZE, "FreezeProposed", "ZoneFrozen"),
    Said("templates", "refuse", (Zone.FINANCE, 0, SCORE), "EntryProposed", "PurposesRefused"),
    Said("templates", "caution", (0, 0, (SCORE, 1 << 56)), "EntryProposed", "CautionSet"),
    Said("sandboxes", "open", w.plain(sandboxed.plan()), "SandboxProposed", "SandboxOpened"),
]
MANDATED = [said for said in SAYINGS if said.contract != "templates"]


def named(said):
    return said.method


each = pytest.mark.parametrize("said", SAYINGS, ids=named)


@pytest.fixture
def world():
    """Two regulators whose officers have a mandate over finance; the first has three of them."""
    world = w.market()
    w.govern(world, admit_member(NEWCOMER, MemberKind.REGULATOR, w.account("guest.governor"), "G"))
    for name in (ONE, TWO, THREE, GUEST):
        governor = f"{name.split('.')[0]}.governor"
        world.send(governor, "members", "admitAccount", w.account(name), ALL)
    for regulator in (w.REGULATOR, guest(world)):
        w.govern(world, set_mandate(regulator, mask(Zone.FINANCE), mask(MemberKind.BANK)))
    return world


def guest(world):
    return world.view("members", "memberCount")


def leave(world, name):
    governor = f"{name.split('.')[0]}.governor"
    reason = Reason.CREDENTIAL_EXPIRED
    world.send(governor, "members", "revokeAccount", w.account(name), reason)


@each
def test_two_in_time_put_it_in_force_and_the_next_say_is_a_first(world, said):
    assert said.by(world, ONE) == [said.first]
    assert said.refused(world, ONE).endswith("is needed")
    assert said.second in said.by(world, TWO)
    assert said.by(world, TWO) == [said.first]
    assert said.second in said.by(world, ONE)


@each
def test_a_first_say_is_over_after_three_days(world, said):
    said.by(world, ONE)
    given = world.time
    world.time = given + LASTS - 2
    assert said.second in said.by(world.copy(), TWO)
    assert said.refused(world.copy(), ONE).endswith("is needed")
    world.time = given + LASTS - 1
    assert said.by(world, TWO) == [said.first], "it took the place of the first"
    assert said.refused(world, TWO).endswith("is needed")
    assert said.second in said.by(world, ONE)


@each
def test_who_said_it_first_may_say_it_anew_when_that_is_over(world, said):
    said.by(world, ONE)
    world.time += LASTS
    assert said.by(world, ONE) == [said.first]
    assert said.second in said.by(world, TWO)


@each
def test_the_say_of_an_account_that_was_revoked_counts_for_nothing(world, said):
    said.by(world, ONE)
    leave(world, ONE)
    assert said.by(world, TWO) == [said.first]
    assert said.second in said.by(world, THREE)


@each
def test_the_say_of_an_account_with_another_role_counts_for_nothing(world, said):
    said.by(world, ONE)
    other = mask(Role.SENDER, Role.READER)
    world.send("regulator.governor", "members", "admitAccount", w.account(ONE), other)
    assert said.by(world, TWO) == [said.first]


@each
def test_the_say_of_a_suspended_regulator_counts_for_nothing(world, said):
    said.by(world, GUEST)
    w.govern(world, suspend_member(guest(world), Reason.BREACH_OF_TERMS))
    assert said.by(world, TWO) == [said.first]
    assert said.second in said.by(world, ONE)


@pytest.mark.parametrize("said", MANDATED, ids=named)
def test_the_say_of_an_officer_whose_mandate_ended_counts_for_nothing(world, said):
    said.by(world, GUEST)
    w.govern(world, set_mandate(guest(world), mask(Zone.WATER), mask(MemberKind.BANK)))
    assert said.by(world, TWO) == [said.first]
    assert said.second in said.by(world, ONE)


@each
def test_officers_and_approvers_of_two_regulators_second_each_other(world, said):
    said.by(world, GUEST)
    assert said.second in said.by(world, TWO)
