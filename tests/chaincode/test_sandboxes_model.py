"""Whatever sides and officers do in whatever order, a sandbox's caps hold as a short model says.

Terms are asked for, approved, amended, ended; members are expelled and admitted again; the sandbox
may be closed. The model counts what became active; each step is tried on both, and both must agree
on the reason of a refusal and on all that is counted.
"""

import os
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from node.spec import sandboxes
from node.spec.terms import Terms, words
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import AuthorizationStatus as Status
from node.spec.vocabulary import Reason
from tests.chaincode import sandboxed as s
from tests.chaincode import world as w

RUNS = int(os.environ.get("DATACCORD_MODEL_RUNS", "100"))
STEPS = 50
OFFICER = s.OFFICERS[0]
CAPS = s.plan()
USES = st.sampled_from([1, 10, 30, 60, 100, 120, 121])
PLACES = st.integers(0, 7)
MEMBER_INDICES = (w.A, w.B)
MEMBERS = st.sampled_from(MEMBER_INDICES)
SELDOM = st.sampled_from([False] * 9 + [True])


@dataclass
class Agreed:
    """Terms as the model has them; `of` is the authorization that they amend."""

    terms: Terms
    of: "Agreed | None" = None
    status: Status = Status.REQUESTED
    counted: int = 0

    @property
    def origin(self) -> "Agreed":
        return self if self.of is None else self.of


class Story(RuleBasedStateMachine):
    """What sides and officers may try, step by step."""

    @initialize()
    def begin(self) -> None:
        self.world = s.market()
        self.agreed: list[Agreed] = []
        self.admitted = {w.A, w.B}
        self.uses = self.count = 0
        self.is_closed = False

    def attempt(self, expected: str, sender: str, *call: object) -> bool:
        told = self.world.attempt(sender, *call)
        assert told == expected, f"{call[1]}: contract {told!r}, model {expected!r}"
        return not told

    def judged(self, agreed: Agreed) -> str:
        """The rule of the sandbox that forbids terms now, nothing when none does."""
        before = agreed.origin.counted
        more = max(agreed.terms.maximum_uses - before, 0)
        checks = (
            (not self.is_closed, "not open"),
            (self.admitted == {w.A, w.B}, "not admitted"),
            (agreed.terms.maximum_uses <= CAPS.uses_each, "more uses than one may have"),
            (before or self.count < CAPS.authorizations_maximum, "too many authorizations"),
            (more <= CAPS.uses_maximum - self.uses, "uses exhausted"),
        )
        return next((f"sandboxes: {reason}" for holds, reason in checks if not holds), "")

    @rule(uses=USES)
    def request(self, uses: int) -> None:
        agreed = Agreed(s.terms(maximum_uses=uses, nonce=len(self.agreed)))
        if self.attempt(self.judged(agreed), "b.approver", *w.requesting(agreed.terms)):
            self.agreed.append(agreed)

    def chosen(self, place: int, status: Status) -> Agreed | None:
        """One of those that stand so, None where none does."""
        found = [agreed for agreed in self.agreed if agreed.status == status]
        return found[place % len(found)] if found else None

    @rule(place=PLACES, uses=USES)
    def amend(self, place: int, uses: int) -> None:
        before = self.chosen(place, Status.ACTIVE)
        if before is None:
            return
        changed = {"amends": w.identifier(before.terms), "maximum_uses": uses}
        more = replace(before.terms, **changed, nonce=100 + len(self.agreed))
        agreed = Agreed(more, before.origin)
        call = ("grants", "requestUpon", words(more), [words(before.terms)], [])
        if self.attempt(self.judged(agreed), "b.approver", *call):
            self.agreed.append(agreed)

    @rule(place=PLACES)
    def approve(self, place: int) -> None:
        agreed = self.chosen(place, Status.REQUESTED)
        if agreed is None:
            return
        expected = self.judged(agreed)
        if not expected and agreed.of is not None:
            expected = self.refuses_amendment(agreed)
        if self.attempt(expected, "a.approver", *w.approving(agreed.terms)):
            self.take(agreed)

    def refuses_amendment(self, agreed: Agreed) -> str:
        """An authorization is amended while it is active, by way of its terms in force."""
        in_force = self.in_force(agreed.origin)
        if in_force is None:
            return "authorizations: not active"
        if w.identifier(in_force.terms) != agreed.terms.amends:
            return "authorizations: amends terms that are not in force"
        return ""

    def in_force(self, origin: Agreed) -> Agreed | None:
        same = [a for a in self.agreed if a.origin is origin and a.status == Status.ACTIVE]
        return same[0] if same else None

    def take(self, agreed: Agreed) -> None:
        origin = agreed.origin
        if agreed.of is not None:
            before = self.in_force(origin)
            assert before is not None
            before.status = Status.APPLIED
        agreed.status = Status.ACTIVE
        self.count += origin.counted == 0
        more = max(agreed.terms.maximum_uses - origin.counted, 0)
        origin.counted += more
        self.uses += more

    @rule(place=PLACES, seldom=SELDOM)
    def revoke(self, place: int, seldom: bool) -> None:
        agreed = self.chosen(place, Status.ACTIVE)
        if not seldom or agreed is None:
            return
        identity = w.identifier(agreed.origin.terms)
        call = ("authorizations", "revoke", identity, Reason.PROVIDER_WITHDREW, ZERO_HASH)
        if self.attempt("", "a.approver", *call):
            agreed.status = Status.REVOKED

    def end_all(self) -> None:
        for agreed in self.agreed:
            if agreed.status == Status.ACTIVE:
                agreed.status = Status.REVOKED

    @rule(member=MEMBERS, seldom=SELDOM)
    def expel(self, member: int, seldom: bool) -> None:
        if not seldom:
            return
        present = member in self.admitted
        expected = "sandboxes: not open" if self.is_closed else ""
        expected = expected or ("" if present else "sandboxes: not admitted")
        if self.attempt(expected, OFFICER, "sandboxes", "expel", s.SANDBOX, member, s.CASE):
            self.admitted -= {member}
            self.end_all()

    @rule(member=MEMBERS)
    def admit(self, member: int) -> None:
        if len(self.admitted) == len(MEMBER_INDICES):
            return
        expected = "sandboxes: not open" if self.is_closed else ""
        expected = expected or ("sandboxes: admitted already" if member in self.admitted else "")
        if self.attempt(expected, OFFICER, "sandboxes", "admit", s.SANDBOX, member):
            self.admitted |= {member}

    @rule(seldom=SELDOM, late=SELDOM)
    def close(self, seldom: bool, late: bool) -> None:
        if not (seldom and late):
            return
        expected = "sandboxes: not open" if self.is_closed else ""
        if self.attempt(expected, OFFICER, "sandboxes", "close", s.SANDBOX, s.CASE):
            self.is_closed = True
            self.end_all()

    @invariant()
    def what_is_counted_is_what_became_active(self) -> None:
        found = s.state(self.world)
        assert (found.authorizations, found.uses) == (self.count, self.uses)
        assert self.count <= CAPS.authorizations_maximum
        assert self.uses <= CAPS.uses_maximum
        read = self.world.reader("sandboxes")
        listed = sandboxes.authorizations(read, s.SANDBOX)
        allowed = 0
        for identity in listed:
            state = self.world.authorization(identity)
            assert state is not None
            if state.status == Status.ACTIVE:
                allowed += state.maximum_uses
                assert state.maximum_uses <= CAPS.uses_each
                assert not self.is_closed
        assert allowed <= self.uses

    @invariant()
    def each_stands_as_the_model_says(self) -> None:
        for agreed in self.agreed:
            if agreed.of is not None:
                continue
            state = self.world.authorization(w.identifier(agreed.terms))
            assert state is not None
            live = self.in_force(agreed)
            assert (state.status == Status.ACTIVE) == (live is not None)
            if live is not None:
                assert state.maximum_uses == live.terms.maximum_uses


def test_a_sandbox_holds_what_the_model_says() -> None:
    profile = settings(
        max_examples=RUNS,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(Story, settings=profile)
