"""Whatever office and applicants do in whatever order, an application stands as a short model says.

The model is a page of Python with a calendar of weekdays: it knows nothing of slots. Each step is
tried on the contract and on the model; both must agree on the reason of a refusal, after every step
on all that state keeps, and on whether terms would be granted.
`DATACCORD_MODEL_RUNS` sets how many stories are told.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from node.spec import applications
from node.spec.crypto import keccak256
from node.spec.vocabulary import ApplicationStatus as Status
from node.spec.vocabulary import purpose
from tests.chaincode import offices
from tests.chaincode import world as w

RUNS = int(os.environ.get("DATACCORD_MODEL_RUNS", "100"))
STEPS = 40
EIGHT = timezone(timedelta(hours=8))
DOCUMENT = keccak256(b"document")
PURPOSES = (purpose("CreditChecking"), purpose("CreditScoreEvaluation"))
"""A parent and its child."""
APPLICANTS = {"b": w.B, "c": w.C}
NUMBERS = st.integers(1, 6)
SENDERS = st.sampled_from(["a.approver"] * 4 + ["a.second", "b.approver", "c.approver"])
WAITS = st.sampled_from([0, w.DAY, 3 * w.DAY, 8 * w.DAY, 15 * w.DAY, 29 * w.DAY])
SPANS = st.sampled_from([20 * w.DAY, 60 * w.DAY])
DECIDE, EXTEND, SUPPLEMENT = 20, 20, 10


def weekday(day: datetime) -> bool:
    return day.weekday() < 5


def midnight(time: int) -> datetime:
    return datetime.fromtimestamp(time, UTC).astimezone(EIGHT).replace(hour=0, minute=0, second=0)


def deadline(time: int, days: int) -> int:
    """The midnight after so many weekdays that follow a time."""
    day = midnight(time)
    while days:
        day += timedelta(1)
        days -= weekday(day)
    return int((day + timedelta(1)).timestamp())


def left(since: int, due: int) -> int:
    """Weekdays after a time's own day that are over by a deadline."""
    day, count = midnight(since) + timedelta(1), 0
    while day.timestamp() < due:
        count += weekday(day)
        day += timedelta(1)
    return count


@dataclass
class Asked:
    """An application as the rules tell it."""

    applicant: str
    purpose: int
    earlier: int
    due: int
    status: Status = Status.UNDER_REVIEW
    reviewer: str = ""
    days_left: int = 0
    supplement_due: int = 0
    until: int = 0
    is_extended: bool = False
    is_overdue: bool = False
    is_late: bool = False

    @property
    def is_open(self) -> bool:
        return self.status in (Status.UNDER_REVIEW, Status.AWAITING_SUPPLEMENT)

    @property
    def is_reviewed(self) -> bool:
        return self.status == Status.UNDER_REVIEW


NONE = Asked("", 0, 0, 0, status=Status.REFUSED)
"""What stands for a number that was never given: open for nothing."""


class Story(RuleBasedStateMachine):
    """What office, applicants and strangers may try, step by step."""

    @initialize()
    def begin(self) -> None:
        self.world = offices.market()
        self.asked: list[Asked] = []

    def found(self, number: int) -> Asked:
        return self.asked[number - 1] if 0 < number <= len(self.asked) else NONE

    def attempt(self, checks: tuple[tuple[bool, str], ...], sender: str, *call: object) -> bool:
        expected = next((reason for holds, reason in checks if not holds), "")
        told = self.world.attempt(sender, "applications", *call)
        told = told.removeprefix("applications: ")
        assert told == expected, f"{call}: contract {told!r}, model {expected!r}"
        return not told

    @property
    def next(self) -> int:
        """The time of the next block."""
        return self.world.time + 1

    @rule(wait=WAITS)
    def wait(self, wait: int) -> None:
        self.world.time += wait

    @rule(name=st.sampled_from(sorted(APPLICANTS)), wanted=st.sampled_from(PURPOSES))
    def apply(self, name: str, wanted: int) -> None:
        same = [
            n for n, a in enumerate(self.asked, 1) if (a.applicant, a.purpose) == (name, wanted)
        ]
        earlier, now = max(same, default=0), self.next
        checks = ((not self.found(earlier).is_open, "one is open already"),)
        call = ("apply", w.product(), 1, wanted, DOCUMENT)
        if self.attempt(checks, f"{name}.approver", *call):
            self.asked.append(Asked(name, wanted, earlier, deadline(now, DECIDE)))

    @rule(number=NUMBERS, sender=SENDERS)
    def assign(self, number: int, sender: str) -> None:
        asked = self.found(number)
        checks = (
            (sender != "a.second", "not an approver"),
            (asked.is_open, "not open"),
            (sender.startswith("a."), "not the provider"),
        )
        hexed = "0x" + w.account("a.approver").hex()
        if self.attempt(checks, sender, "assign", number, hexed):
            asked.reviewer = "a.approver"

    def reviews(self, asked: Asked, sender: str) -> tuple[tuple[bool, str], ...]:
        return (
            (sender != "a.second", "not an approver"),
            (asked.is_reviewed, "not under review"),
            (sender == asked.reviewer, "not the reviewer"),
        )

    @rule(number=NUMBERS, sender=SENDERS, span=SPANS)
    def approve(self, number: int, sender: str, span: int) -> None:
        asked, now = self.found(number), self.next
        call = ("approve", number, now + span, DOCUMENT)
        if self.attempt(self.reviews(asked, sender), sender, *call):
            asked.status, asked.until = Status.APPROVED, now + span
            asked.is_late = now >= asked.due

    @rule(number=NUMBERS, sender=SENDERS)
    def refuse(self, number: int, sender: str) -> None:
        asked, now = self.found(number), self.next
        if self.attempt(self.reviews(asked, sender), sender, "refuse", number, 1, DOCUMENT):
            asked.status, asked.is_late = Status.REFUSED, now >= asked.due

    @rule(number=NUMBERS, sender=SENDERS)
    def ask(self, number: int, sender: str) -> None:
        asked, now = self.found(number), self.next
        checks = (
            *self.reviews(asked, sender),
            (now < asked.due, "past the time to decide"),
            (not asked.supplement_due, "a supplement was asked already"),
        )
        if self.attempt(checks, sender, "askSupplement", number, DOCUMENT):
            asked.status, asked.days_left = Status.AWAITING_SUPPLEMENT, left(now, asked.due)
            asked.due, asked.supplement_due = 0, deadline(now, SUPPLEMENT)

    @rule(number=NUMBERS, sender=st.sampled_from(["b.approver", "c.approver", "a.approver"]))
    def supplement(self, number: int, sender: str) -> None:
        asked, now = self.found(number), self.next
        checks = (
            (sender == f"{asked.applicant}.approver", "not the applicant"),
            (asked.status == Status.AWAITING_SUPPLEMENT, "no supplement is awaited"),
            (now < asked.supplement_due, "past the time to supplement"),
        )
        if self.attempt(checks, sender, "fileSupplement", number, DOCUMENT):
            asked.status, asked.due = Status.UNDER_REVIEW, deadline(now, max(asked.days_left, 1))

    @rule(number=NUMBERS, sender=SENDERS)
    def extend(self, number: int, sender: str) -> None:
        asked, now = self.found(number), self.next
        checks = (
            (sender != "a.second", "not an approver"),
            (asked.is_reviewed, "not under review"),
            (sender.startswith("a."), "not the provider"),
            (now < asked.due, "past the time to decide"),
            (not asked.is_extended, "extended already"),
        )
        if self.attempt(checks, sender, "extend", number, DOCUMENT):
            asked.is_extended, asked.due = True, deadline(asked.due - 1, EXTEND)

    @rule(number=NUMBERS, sender=st.sampled_from(["b.approver", "c.approver", "a.approver"]))
    def withdraw(self, number: int, sender: str) -> None:
        asked = self.found(number)
        checks = (
            (sender == f"{asked.applicant}.approver", "not the applicant"),
            (asked.is_open, "not open"),
        )
        if self.attempt(checks, sender, "withdraw", number):
            asked.status = Status.WITHDRAWN

    @rule(number=NUMBERS)
    def lapse(self, number: int) -> None:
        asked, now = self.found(number), self.next
        checks = (
            (asked.status == Status.AWAITING_SUPPLEMENT, "no supplement is awaited"),
            (now >= asked.supplement_due, "time to supplement is not over"),
        )
        if self.attempt(checks, "x", "lapse", number):
            asked.status = Status.LAPSED

    @rule(number=NUMBERS)
    def mark(self, number: int) -> None:
        asked, now = self.found(number), self.next
        checks = (
            (asked.is_reviewed, "not under review"),
            (now >= asked.due, "time to decide is not over"),
            (not asked.is_overdue, "overdue already"),
        )
        if self.attempt(checks, "x", "markOverdue", number):
            asked.is_overdue = True

    @invariant()
    def state_is_as_the_model_says(self) -> None:
        read = self.world.reader("applications")
        assert applications.application_count(read) == len(self.asked)
        for number, asked in enumerate(self.asked, 1):
            found = applications.application(read, number)
            assert found is not None
            reviewer = w.account(asked.reviewer) if asked.reviewer else bytes(20)
            assert found.reviewer == reviewer
            for name in (
                *("status", "purpose", "earlier", "due", "days_left", "supplement_due", "until"),
                *("is_extended", "is_overdue", "is_late"),
            ):
                assert getattr(found, name) == getattr(asked, name), f"{number}: {name}"

    @invariant()
    def only_what_was_approved_lets_terms_through(self) -> None:
        now, place = self.world.time, (w.product(), 1)
        for name, member in APPLICANTS.items():
            ends = [self.end_of(name, wanted) for wanted in PURPOSES]
            # The first purpose is the other's parent, and covers it.
            for wanted, covering in zip(PURPOSES, (ends[:1], ends), strict=True):
                for until in (now + 1, now + 30 * w.DAY):
                    asked = (*place, member, wanted, until)
                    told = self.world.view("applications", "isApproved", *asked)
                    assert told == any(now < end and until <= end for end in covering)

    def end_of(self, name: str, wanted: int) -> int:
        """The end of the newest approval; one at a time is open, so numbers give their order."""
        same = [a for a in self.asked if (a.applicant, a.purpose) == (name, wanted)]
        return next((a.until for a in reversed(same) if a.until), 0)


def test_applications_stand_as_the_model_says() -> None:
    run_state_machine_as_test(
        Story,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
