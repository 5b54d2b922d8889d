"""Whatever parties do in whatever order, an authorization counts and stands as a short model says.

The model is a page of Python that knows nothing of words and slots. Each step is tried on the
contracts and on the model, and both must agree: on the reason of a refusal, and after every step on
all that state keeps. `DATACCORD_MODEL_RUNS` sets how many stories are told, of 50 steps each.
"""

import os
from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from node.spec import registry, usage
from node.spec.terms import words
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import AuthorizationStatus as Status
from node.spec.vocabulary import Party, Reason, mask
from tests.chaincode import world as w

RUNS = int(os.environ.get("DATACCORD_MODEL_RUNS", "100"))
STEPS = 50
LEASE_SECONDS = 600
PARTIES = {"a": Party.PROVIDER, "b": Party.CONSUMER, "exchange": Party.EXCHANGE}
ENDING = {
    "a": Reason.PROVIDER_WITHDREW,
    "b": Reason.CONSUMER_TERMINATED,
    "exchange": Reason.FRAUD_SUSPECTED,
}
FIRST = w.terms(exchange=w.EXCHANGE, maximum_uses=40)
IDENTITY = w.identifier(FIRST)
REQUIRED = mask(*PARTIES.values())
SELDOM = st.sampled_from([False] * 7 + [True])
WAITS = (1, 30, 30, LEASE_SECONDS, w.FLOOR + LEASE_SECONDS, 40 * w.DAY)


@dataclass
class Lease:
    """A lease as the model has it."""

    uses: int
    opened: int
    opened_at: int
    settled: int = 0
    status: str = "open"
    stated: set[str] = field(default_factory=set)
    last: bytes = ZERO_HASH

    @property
    def expires_at(self) -> int:
        return self.opened_at + LEASE_SECONDS


@dataclass
class Model:
    """An authorization as the rules tell it."""

    status: Status = Status.REQUESTED
    approved: int = mask(Party.CONSUMER)
    maximum: int = FIRST.maximum_uses
    until: int = FIRST.valid_until
    version: int = 1
    leases: list[Lease] = field(default_factory=list)

    def of(self, *statuses: str) -> list[Lease]:
        return [lease for lease in self.leases if lease.status in statuses]

    @property
    def counted(self) -> int:
        return sum(L.settled if L.status == "closed" else L.uses for L in self.leases)

    @property
    def unaccounted(self) -> int:
        return sum(len(lease.stated) < 2 for lease in self.of("lapsed"))

    @property
    def is_in_force(self) -> bool:
        return self.status in (Status.ACTIVE, Status.SUSPENDED)

    def refuses_lease(self, now: int, uses: int) -> str:
        left = self.maximum - self.counted
        checks = (
            (self.status == Status.ACTIVE, "not active"),
            (now < self.until, "expired"),
            (now + LEASE_SECONDS <= self.until, "lease ends after the authorization"),
            (not self.unaccounted, "a lapsed lease is unaccounted"),
            (len(self.of("open")) < 8, "too many open leases"),
            (uses > 0, "no uses"),
            (uses <= left, "uses exhausted"),
        )
        return next((f"authorizations: {reason}" for holds, reason in checks if not holds), "")


class Story(RuleBasedStateMachine):
    """What parties may try, step by step."""

    @initialize(is_requested_only=SELDOM)
    def begin(self, is_requested_only: bool) -> None:
        self.world = w.market()
        self.model = Model()
        self.terms = FIRST
        self.nonce = 0
        w.request(self.world, FIRST)
        if not is_requested_only:
            for name in ("a", "exchange"):
                self.world.send(f"{name}.approver", *w.approving(FIRST))
            self.model.approved, self.model.status = REQUIRED, Status.ACTIVE

    def attempt(self, expected: str, sender: str, *call: object) -> bool:
        told = self.world.attempt(sender, *call)
        assert told == expected, f"{call[1]}: contract {told!r}, model {expected!r}"
        return not told

    @property
    def now(self) -> int:
        """The time of the next transaction's block."""
        return self.world.time + 1

    @rule(party=st.sampled_from(sorted(PARTIES)))
    def approve(self, party: str) -> None:
        model, bit = self.model, mask(PARTIES[party])
        awaiting = model.status in (Status.REQUESTED, Status.PARTIALLY_APPROVED)
        checks = (
            (awaiting, "not awaiting approval"),
            (not model.approved & bit, "not an awaited party"),
            (self.now < FIRST.valid_until, "expired"),
        )
        expected = next((f"authorizations: {why}" for holds, why in checks if not holds), "")
        if self.attempt(expected, f"{party}.approver", *w.approving(FIRST)):
            model.approved |= bit
            complete = model.approved == REQUIRED
            model.status = Status.ACTIVE if complete else Status.PARTIALLY_APPROVED

    @precondition(lambda self: self.model.status in (Status.REQUESTED, Status.PARTIALLY_APPROVED))
    @rule(party=st.sampled_from(sorted(PARTIES)), really=SELDOM)
    def decline(self, party: str, really: bool) -> None:
        if really:
            call = ("refusals", "decline", words(FIRST), Reason.DECLINED)
            self.attempt("", f"{party}.approver", *call)
            self.model.status = Status.REJECTED

    @rule(party=st.sampled_from(sorted(PARTIES)), really=SELDOM)
    def revoke(self, party: str, really: bool) -> None:
        if self.model.is_in_force and not really:
            return
        call = ("authorizations", "revoke", IDENTITY, ENDING[party], ZERO_HASH)
        expected = "" if self.model.is_in_force else "authorizations: not active"
        if self.attempt(expected, f"{party}.approver", *call):
            self.model.status = Status.TERMINATED if party == "b" else Status.REVOKED

    @rule(party=st.sampled_from(sorted(PARTIES)), really=SELDOM)
    def suspend(self, party: str, really: bool) -> None:
        if self.model.is_in_force and not really:
            return
        bit = mask(PARTIES[party])
        expected = "" if self.model.approved & bit else "authorizations: not an approving party"
        if not self.model.is_in_force:
            expected = "authorizations: not active"
        call = ("authorizations", "suspend", IDENTITY, ENDING[party], ZERO_HASH)
        if self.attempt(expected, f"{party}.approver", *call):
            self.model.approved &= ~bit
            self.model.status = Status.SUSPENDED

    @rule(party=st.sampled_from(sorted(PARTIES)))
    def resume(self, party: str) -> None:
        bit = mask(PARTIES[party])
        expected = "authorizations: not an awaited party" if self.model.approved & bit else ""
        if self.model.status != Status.SUSPENDED:
            expected = "authorizations: not suspended"
        if self.attempt(expected, f"{party}.approver", "authorizations", "resume", IDENTITY):
            self.model.approved |= bit
            if self.model.approved == REQUIRED:
                self.model.status = Status.ACTIVE

    @rule(maximum=st.integers(1, 60))
    def amend(self, maximum: int) -> None:
        self.nonce += 1
        terms = replace(
            self.terms,
            amends=w.identifier(self.terms),
            maximum_uses=maximum,
            valid_until=self.now + 30 * w.DAY,
            nonce=self.nonce,
        )
        halves = [
            w.signature(f"{name}.approver", w.identifier(terms)) for name in ("a", "exchange")
        ]
        checks = (
            (self.model.status == Status.ACTIVE, "not active"),
            (maximum >= self.model.counted, "fewer uses than are counted"),
        )
        expected = next((f"authorizations: {why}" for holds, why in checks if not holds), "")
        call = ("grants", "requestUpon", words(terms), [words(self.terms)], halves)
        if self.attempt(expected, "b.approver", *call):
            self.terms = terms
            self.model.version += 1
            self.model.maximum, self.model.until = maximum, terms.valid_until

    @rule(uses=st.sampled_from((0, 1, 1, 1, 2, 3, 9)))
    def open(self, uses: int) -> None:
        wanted = w.opening(IDENTITY, self.world, uses=uses, expires_at=self.now + LEASE_SECONDS)
        expected = self.model.refuses_lease(self.now, uses)
        call = ("leases", "open", wanted, w.account("a.gateway"))
        if self.attempt(expected, "b.gateway", *call):
            number = len(self.model.leases) + 1
            made = Lease(uses, self.world.number, self.world.time)
            made.last = usage.lease_id(IDENTITY, number)
            self.model.leases.append(made)

    def picked(self, place: int) -> tuple[int, Lease]:
        number = place % len(self.model.leases) + 1
        return number, self.model.leases[number - 1]

    @precondition(lambda self: self.model.leases)
    @rule(place=st.integers(0, 99))
    def settle(self, place: int) -> None:
        number, lease = self.picked(place)
        receipt = w.receipt(
            self.world,
            usage.lease_id(IDENTITY, number),
            lease.settled + 1,
            lease.last,
            state_block=lease.opened,
            used_at=lease.opened_at,
        )
        checks = (
            (lease.status == "open", "leases: not open"),
            (self.now <= lease.expires_at + w.FLOOR, "leases: past the settling deadline"),
            (lease.settled < lease.uses, "usage: more uses than the lease reserved"),
        )
        expected = next((why for holds, why in checks if not holds), "")
        halves = w.both(w.hashed(receipt))
        call = ("leases", "settle", IDENTITY, number, w.plain(receipt), *halves)
        if self.attempt(expected, "c.gateway", *call):
            lease.settled, lease.last = lease.settled + 1, w.hashed(receipt)

    @precondition(lambda self: self.model.leases)
    @rule(place=st.integers(0, 99))
    def close(self, place: int) -> None:
        number, lease = self.picked(place)
        identity = usage.lease_id(IDENTITY, number)
        digest = usage.close_digest(identity, lease.settled, lease.last, w.CHAIN_ID)
        call = ("leases", "close", IDENTITY, number, lease.settled, lease.last, *w.both(digest))
        expected = "" if lease.status == "open" else "leases: not open"
        if self.attempt(expected, "c.gateway", *call):
            lease.status = "closed"

    @precondition(lambda self: self.model.leases)
    @rule(place=st.integers(0, 99))
    def lapse(self, place: int) -> None:
        number, lease = self.picked(place)
        over = self.now > lease.expires_at + w.FLOOR
        expected = "" if over else "leases: settling deadline is not over"
        if lease.status != "open":
            expected = "leases: not open"
        if self.attempt(expected, "c.gateway", "leases", "lapse", IDENTITY, number):
            lease.status = "lapsed"

    @precondition(lambda self: self.model.leases)
    @rule(place=st.integers(0, 99), side=st.sampled_from("ab"))
    def state(self, place: int, side: str) -> None:
        number, lease = self.picked(place)
        expected = "closings: stated already" if side in lease.stated else ""
        if lease.status != "lapsed":
            expected = "closings: not lapsed"
        call = ("closings", "stateUses", IDENTITY, number, lease.settled)
        if self.attempt(expected, f"{side}.gateway", *call):
            lease.stated.add(side)

    @rule(seconds=st.sampled_from(WAITS))
    def wait(self, seconds: int) -> None:
        self.world.time += seconds

    @invariant()
    def state_is_the_models(self) -> None:
        if not hasattr(self, "model"):
            return
        model, state = self.model, self.world.authorization(IDENTITY)
        kept = (state.counted, state.open, state.leases, state.unaccounted, state.version)
        told = (model.counted, len(model.of("open")), len(model.leases), model.unaccounted)
        assert kept == (*told, model.version)
        assert (state.status, state.approved, state.required) == (
            model.status,
            model.approved,
            REQUIRED,
        )
        if model.status not in (Status.REQUESTED, Status.PARTIALLY_APPROVED, Status.REJECTED):
            assert (state.maximum_uses, state.valid_until) == (model.maximum, model.until)
            assert state.counted <= state.maximum_uses
        seen = self.world.view("authorizations", "statusOf", IDENTITY)
        assert seen == registry.status_at(state, self.world.time)


def test_an_authorization_does_what_the_model_says() -> None:
    profile = settings(
        max_examples=RUNS,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(Story, settings=profile)
