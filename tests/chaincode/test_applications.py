"""An office must answer in its time and nobody may use its data before it has: both are tried."""

from datetime import UTC, datetime

import pytest

from chaincode.vocabulary import load
from node.sdk import applications as calls
from node.sdk.governance import set_holidays, set_parameter
from node.spec import applications, proposals
from node.spec.crypto import keccak256
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import (
    ApplicationStatus,
    Parameter,
    Reason,
    RefusalReason,
    Role,
    mask,
)
from node.spec.working_days import deadline, working_days, year_table
from tests.chaincode import offices
from tests.chaincode import world as w
from tests.chaincode.offices import (
    CHECKING,
    DOCUMENT,
    SCORE,
    TEXT,
    YEAR,
    apply,
    approve,
    refuse,
    refused,
    request,
    state,
)

DECIDE, EXTEND, SUPPLEMENT = 20, 20, 10


@pytest.fixture
def world():
    return offices.market()


def due(world, since, days):
    """The twin's deadline in working days."""
    read = world.reader("holidays")
    return deadline(lambda year: proposals.working_table(read, year), since, days)


# Applying ----


def test_an_application_is_filed_with_its_deadline(world):
    sent = world.carry_out("b.approver", calls.apply_for_data(w.product(), 1, CHECKING, DOCUMENT))
    assert w.events(sent) == ["ApplicationFiled"]
    found = state(world, 1)
    assert (found.applicant, found.provider, found.product) == (w.B, w.A, w.product())
    assert (found.version, found.purpose, found.document) == (1, CHECKING, DOCUMENT)
    assert (found.status, found.earlier) == (ApplicationStatus.UNDER_REVIEW, 0)
    assert found.due == due(world, world.time, DECIDE)
    assert applications.application_count(world.reader("applications")) == 1
    assert state(world, 2) is None


@pytest.mark.parametrize(
    ("sender", "changes", "reason"),
    [
        ("b.gateway", {}, "not an approver"),
        ("x", {}, "not an approver"),
        ("a.approver", {}, "applicant is the provider"),
        ("b.approver", {"version": 2}, "not open on application"),
        ("b.approver", {"product": keccak256(b"none")}, "not open on application"),
        ("b.approver", {"wanted": 0}, "unknown purpose"),
        ("b.approver", {"wanted": 52}, "unknown purpose"),
        ("b.approver", {"document": ZERO_HASH}, "no document"),
    ],
)
def test_what_cannot_be_applied_for(world, sender, changes, reason):
    values = {"product": w.product(), "version": 1, "wanted": CHECKING, "document": DOCUMENT}
    assert refused(world, sender, "apply", *{**values, **changes}.values()) == reason


def test_only_what_is_on_offer_and_on_application_is_applied_for(world):
    plain = offices.publish(world, on_application=False)
    wanted = (CHECKING, DOCUMENT)
    assert refused(world, "b.approver", "apply", w.product(), plain, *wanted) == (
        "not open on application"
    )
    offered = (w.SALT, w.offering(on_application=True), *w.schema())
    world.send("a.approver", "catalog", "publish", *offered)
    assert refused(world, "b.approver", "apply", w.product(), 3, *wanted) == (
        "product is not approved"
    )
    world.send("a.approver", "catalog", "retire", w.product(), 1, Reason.SUPERSEDED)
    assert refused(world, "b.approver", "apply", w.product(), 1, *wanted) == (
        "product is not approved"
    )


def beginning_of_year(year):
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp())


def test_no_table_of_working_days_no_application():
    world = offices.market(tables=False)
    told = world.refused("b.approver", "applications", "apply", w.product(), 1, CHECKING, DOCUMENT)
    assert told == "holidays: no table for the year"
    tabled = offices.market()
    tabled.time = beginning_of_year(offices.YEARS[-1] + 1) - 10 * w.DAY
    told = tabled.refused("b.approver", "applications", "apply", w.product(), 1, CHECKING, DOCUMENT)
    assert told == "holidays: no table for the year"


def test_one_at_a_time_for_the_same_and_as_many_as_one_likes_for_others(world):
    first = apply(world)
    wanted = (w.product(), 1, CHECKING, DOCUMENT)
    assert refused(world, "b.approver", "apply", *wanted) == "one is open already"
    world.carry_out("a.approver", calls.ask_supplement(first, TEXT))
    assert refused(world, "b.approver", "apply", *wanted) == "one is open already"
    assert apply(world, wanted=SCORE) == 2
    assert apply(world, "c.approver") == 3
    second = offices.publish(world)
    assert apply(world, version=second) == 4


@pytest.mark.parametrize("end", ["refused", "lapsed", "withdrawn", "expired", "approved"])
def test_what_is_decided_may_be_applied_for_again_and_names_the_one_before(world, end):
    first = apply(world)
    if end == "refused":
        refuse(world, first)
    elif end == "withdrawn":
        world.carry_out("b.approver", calls.withdraw_application(first))
    elif end == "lapsed":
        world.carry_out("a.approver", calls.ask_supplement(first, TEXT))
        world.time += 60 * w.DAY
        world.carry_out("x", calls.lapse_application(first))
    else:
        approve(world, first, world.time + 30 * w.DAY)
        world.time += 60 * w.DAY if end == "expired" else 0
    assert state(world, first).status_at(world.time).name == end.upper()
    again = apply(world)
    assert state(world, again).earlier == first
    place = applications.place(w.product(), 1, w.B, CHECKING)
    read = world.reader("applications")
    assert [number for number, _ in applications.chain(read, place)] == [again, first]
    approvals = first if end in ("approved", "expired") else 0
    assert applications.newest(read, place) == (again, approvals)
    assert world.view("applications", "newestOf", w.product(), 1, w.B, CHECKING) == (
        again,
        approvals,
    )


# Reviewing ----


def test_the_provider_names_one_of_its_approvers(world):
    number = apply(world, reviewer="")
    assign = ("assign", number)
    b, gateway = w.account("b.approver"), w.account("a.gateway")
    hexed = "0x" + w.account("a.approver").hex()
    assert refused(world, "b.approver", *assign, hexed) == "not the provider"
    assert refused(world, "a.gateway", *assign, hexed) == "not an approver"
    assert refused(world, "a.approver", *assign, "0x" + b.hex()) == "reviewer of another member"
    assert refused(world, "a.approver", *assign, "0x" + gateway.hex()) == "not an approver"
    assert refused(world, "a.approver", "assign", 7, hexed) == "not open"
    sent = world.carry_out("a.approver", calls.assign_reviewer(number, w.account("a.approver")))
    assert w.events(sent) == ["ReviewerAssigned"]
    assert state(world, number).reviewer == w.account("a.approver")


def test_only_the_reviewer_of_record_decides(world):
    second = w.account("a.second")
    world.send("a.governor", "members", "admitAccount", second, mask(Role.SENDER, Role.APPROVER))
    number = apply(world, reviewer="")
    deciding = (
        ("approve", number, world.time + YEAR, TEXT),
        ("refuse", number, RefusalReason.NOT_HELD, TEXT),
        ("askSupplement", number, TEXT),
    )
    for call in deciding:
        assert refused(world, "a.approver", *call) == "not the reviewer"
    world.carry_out("a.approver", calls.assign_reviewer(number, second))
    for call in deciding:
        assert refused(world, "a.approver", *call) == "not the reviewer"
        assert refused(world, "b.approver", *call) == "not the reviewer"
        assert refused(world, "x", *call) == "not an approver"
    world.send("a.governor", "members", "revokeAccount", second, Reason.CREDENTIAL_EXPIRED)
    for call in deciding:
        assert refused(world, "a.second", *call) == "not an approver"
    world.carry_out("a.approver", calls.assign_reviewer(number, w.account("a.approver")))
    assert w.events(approve(world, number)) == ["ApplicationApproved"]


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (("approve", 1, 0, TEXT), "end out of range"),
        (("approve", 1, w.GENESIS_TIME, TEXT), "end out of range"),
        (("approve", 1, w.GENESIS_TIME + 7 * YEAR, TEXT), "end out of range"),
        (("approve", 1, w.GENESIS_TIME + YEAR, ZERO_HASH), "no document"),
        (("refuse", 1, 0, TEXT), "unknown reason"),
        (("refuse", 1, len(RefusalReason) + 1, TEXT), "unknown reason"),
        (("refuse", 1, 1, ZERO_HASH), "no document"),
        (("askSupplement", 1, ZERO_HASH), "no document"),
        (("extend", 1, ZERO_HASH), "no document"),
        (("approve", 2, w.GENESIS_TIME + YEAR, TEXT), "not under review"),
        (("fileSupplement", 1, DOCUMENT), "not the applicant"),
        (("withdraw", 1), "not the applicant"),
        (("lapse", 1), "no supplement is awaited"),
        (("markOverdue", 1), "time to decide is not over"),
        (("markOverdue", 2), "not under review"),
    ],
)
def test_what_a_reviewer_cannot_say(world, call, reason):
    apply(world)
    assert refused(world, "a.approver", *call) == reason


def test_the_first_and_the_last_of_what_can_be_said(world):
    last = max(term.index for term in load()["purpose"])
    assert state(world, apply(world, wanted=last)).purpose == last
    refuse(world, 1, max(RefusalReason))
    assert state(world, 1).reason == max(RefusalReason)
    number = apply(world, wanted=1)
    assert refused(world, "a.approver", "approve", number, world.time + 1, TEXT) == (
        "end out of range"
    )
    approve(world, number, world.time + 2)
    assert state(world, number).status_at(world.time) == ApplicationStatus.APPROVED
    world.time += 1
    assert state(world, number).status_at(world.time) == ApplicationStatus.EXPIRED


def test_an_approval_ends_within_five_years(world):
    number = apply(world)
    longest = world.time + 1 + 5 * 366 * w.DAY
    assert refused(world, "a.approver", "approve", number, longest + 1, TEXT) == "end out of range"
    approve(world, number, longest)
    assert state(world, number).until == longest


def test_a_decision_is_one(world):
    number = apply(world)
    sent = refuse(world, number, RefusalReason.TRADE_SECRET)
    assert w.events(sent) == ["ApplicationRefused"]
    found = state(world, number)
    assert (found.reason, found.decision) == (RefusalReason.TRADE_SECRET, TEXT)
    assert (found.decided_in, found.is_late, found.until) == (world.number, False, 0)
    for call in (
        ("approve", number, world.time + YEAR, TEXT),
        ("refuse", number, 1, TEXT),
        ("askSupplement", number, TEXT),
        ("extend", number, TEXT),
        ("markOverdue", number),
    ):
        assert refused(world, "a.approver", *call) == "not under review"
    hexed = "0x" + w.account("a.approver").hex()
    assert refused(world, "a.approver", "assign", number, hexed) == "not open"
    assert refused(world, "b.approver", "withdraw", number) == "not open"
    assert (
        refused(world, "b.approver", "fileSupplement", number, TEXT) == "no supplement is awaited"
    )


# Clocks ----


def test_late_is_on_record_and_a_late_decision_is_one(world):
    number = apply(world)
    end = state(world, number).due
    world.time = end - 2
    assert refused(world, "x", "markOverdue", number) == "time to decide is not over"
    world.time = end - 1
    sent = world.carry_out("x", calls.mark_application_overdue(number))
    assert (w.events(sent), world.time) == (["ApplicationOverdue"], end)
    assert refused(world, "x", "markOverdue", number) == "overdue already"
    assert refused(world, "a.approver", "askSupplement", number, TEXT) == "past the time to decide"
    assert refused(world, "a.approver", "extend", number, TEXT) == "past the time to decide"
    approve(world, number)
    found = state(world, number)
    assert (found.is_overdue, found.is_late) == (True, True)
    assert request(world) == ""


def test_the_last_second_is_in_time(world):
    for number, (wait, late) in enumerate(((-2, False), (-1, True)), 1):
        apply(world, "c.approver" if number == 2 else "b.approver")
        world.time = state(world, number).due + wait
        refuse(world, number)
        found = state(world, number)
        assert (found.is_late, found.is_overdue) == (late, False)


def test_the_time_to_decide_is_extended_once_from_its_own_end(world):
    number = apply(world)
    first = state(world, number).due
    assert refused(world, "b.approver", "extend", number, TEXT) == "not the provider"
    sent = world.carry_out("a.approver", calls.extend_application(number, TEXT))
    assert w.events(sent) == ["ApplicationExtended"]
    found = state(world, number)
    assert found.is_extended
    assert found.due == due(world, first - 1, EXTEND)
    assert working_days_between(world, first - 1, found.due) == EXTEND
    assert refused(world, "a.approver", "extend", number, TEXT) == "extended already"


def working_days_between(world, since, until):
    read = world.reader("holidays")
    told = working_days(lambda year: proposals.working_table(read, year), since, until)
    assert world.view("holidays", "workingDays", since, until) == told
    return told


@pytest.mark.parametrize("waited", [0, 1, 3, 9])
def test_the_clock_stands_still_while_a_supplement_is_awaited(world, waited):
    """Days that the applicant takes are not the office's: its working days left stay as many."""
    number = apply(world)
    world.time += 6 * w.DAY
    left = working_days_between(world, world.time + 1, state(world, number).due)
    sent = world.carry_out("a.approver", calls.ask_supplement(number, TEXT))
    assert w.events(sent) == ["SupplementAsked"]
    found = state(world, number)
    assert (found.status, found.due) == (ApplicationStatus.AWAITING_SUPPLEMENT, 0)
    assert found.days_left == left
    assert found.supplement_due == due(world, world.time, SUPPLEMENT)
    for call in (
        ("approve", number, world.time + YEAR, TEXT),
        ("refuse", number, 1, TEXT),
        ("extend", number, TEXT),
        ("markOverdue", number),
    ):
        assert refused(world, "a.approver", *call) == "not under review"
    world.time += waited * w.DAY
    sent = world.carry_out("b.approver", calls.file_supplement(number, DOCUMENT))
    assert w.events(sent) == ["SupplementFiled"]
    found = state(world, number)
    assert found.due == due(world, world.time, left)
    assert working_days_between(world, world.time, found.due) == left
    assert refused(world, "a.approver", "askSupplement", number, TEXT) == (
        "a supplement was asked already"
    )


def test_a_supplement_asked_and_filed_on_one_day_changes_no_deadline(world):
    number = apply(world)
    before = state(world, number).due
    world.time += 4 * w.DAY
    world.carry_out("a.approver", calls.ask_supplement(number, TEXT))
    world.carry_out("b.approver", calls.file_supplement(number, DOCUMENT))
    assert state(world, number).due == before


def test_asked_for_on_the_last_day_one_working_day_is_left(world):
    number = apply(world)
    world.time = state(world, number).due - 3_600
    world.carry_out("a.approver", calls.ask_supplement(number, TEXT))
    assert state(world, number).days_left == 0
    world.carry_out("b.approver", calls.file_supplement(number, DOCUMENT))
    assert state(world, number).due == due(world, world.time, 1)


def test_no_supplement_is_asked_that_could_not_be_filed_to_its_last_day(world):
    """Five weeks before the tables end, 20 days and what is left after a supplement do not fit."""
    world.time = beginning_of_year(offices.YEARS[-1] + 1) - 36 * w.DAY
    number = apply(world)
    asked = ("applications", "askSupplement", number, TEXT)
    assert world.refused("a.approver", *asked) == "holidays: no table for the year"
    assert state(world, number).status == ApplicationStatus.UNDER_REVIEW
    world.time += 22 * w.DAY
    last = working_days_between(world, world.time + 1, state(world, number).due)
    assert last < SUPPLEMENT
    assert world.refused("a.approver", *asked) == "holidays: no table for the year"
    w.govern(world, set_holidays(offices.YEARS[-1] + 1, year_table(offices.YEARS[-1] + 1, ())))
    world.send("a.approver", *asked)
    world.time = state(world, number).supplement_due - 2
    world.carry_out("b.approver", calls.file_supplement(number, DOCUMENT))
    assert state(world, number).due == due(world, world.time, last)


def test_a_supplement_comes_in_time_or_the_application_lapses(world):
    number = apply(world)
    world.carry_out("a.approver", calls.ask_supplement(number, TEXT))
    end = state(world, number).supplement_due
    assert refused(world, "a.approver", "fileSupplement", number, TEXT) == "not the applicant"
    assert refused(world, "b.approver", "fileSupplement", number, ZERO_HASH) == "no document"
    world.time = end - 2
    assert refused(world, "x", "lapse", number) == "time to supplement is not over"
    world.time = end - 1
    assert refused(world, "b.approver", "fileSupplement", number, TEXT) == (
        "past the time to supplement"
    )
    sent = world.carry_out("x", calls.lapse_application(number))
    assert w.events(sent) == ["ApplicationLapsed"]
    assert state(world, number).status == ApplicationStatus.LAPSED
    assert refused(world, "x", "lapse", number) == "no supplement is awaited"


def test_deadlines_follow_the_parameters_that_were_voted(world):
    w.govern(world, set_parameter(Parameter.DECIDE_WITHIN, 5))
    w.govern(world, set_parameter(Parameter.SUPPLEMENT_WITHIN, 3))
    w.govern(world, set_parameter(Parameter.EXTEND_BY, 2))
    number = apply(world, reviewer="")
    found = state(world, number)
    assert found.due == due(world, world.time, 5)
    world.carry_out("a.approver", calls.extend_application(number, TEXT))
    assert state(world, number).due == due(world, found.due - 1, 2)
    world.carry_out("a.approver", calls.assign_reviewer(number, w.account("a.approver")))
    world.carry_out("a.approver", calls.ask_supplement(number, TEXT))
    assert state(world, number).supplement_due == due(world, world.time, 3)


@pytest.mark.parametrize(
    "parameter", [Parameter.DECIDE_WITHIN, Parameter.EXTEND_BY, Parameter.SUPPLEMENT_WITHIN]
)
def test_a_deadline_has_bounds_that_no_vote_leaves(world, parameter):
    assert world.view("parameters", "boundsOf", parameter) == (1, 60)


def test_withdrawing_ends_it_at_any_time_before_a_decision(world):
    first = apply(world)
    sent = world.carry_out("b.approver", calls.withdraw_application(first))
    assert w.events(sent) == ["ApplicationWithdrawn"]
    second = apply(world)
    world.carry_out("a.approver", calls.ask_supplement(second, TEXT))
    world.carry_out("b.approver", calls.withdraw_application(second))
    assert refused(world, "b.approver", "withdraw", second) == "not open"
    assert refused(world, "x", "lapse", second) == "no supplement is awaited"
    assert state(world, second).status == ApplicationStatus.WITHDRAWN
