"""Whatever parties do in whatever order, an authorization counts and stands as a short model says.

Each step is tried on the contracts and on the model (`tests.chaincode.model`), and both must agree:
on the reason of a refusal, and after every step on all that state keeps. Leases are opened within
fields, purposes, modes and a rate and outside them, settled alone and in batches, closed by both,
by one side with answers and claims, or lapsed. `DATACCORD_MODEL_RUNS` sets how many stories are
told, of 50 steps each, and `DATACCORD_MODEL_SEED` from which seed.
"""

import os
from dataclasses import replace

from hypothesis import HealthCheck, seed, settings
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
from node.spec.calendar import window_of
from node.spec.interruptions import interruptions_of
from node.spec.terms import words
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import AuthorizationStatus as Status
from node.spec.vocabulary import DeliveryMode, LeaseStatus, Party, Reason, mask, purpose
from tests.chaincode import world as w
from tests.chaincode.model import (
    COVERED,
    FIELDS,
    LEASE_SECONDS,
    MODES,
    PERIOD,
    UNSIGNED_MAXIMUM,
    Lease,
    Model,
    Wanted,
)
from tests.chaincode.test_closing import NONE

RUNS = int(os.environ.get("DATACCORD_MODEL_RUNS", "100"))
SEED = int(os.environ.get("DATACCORD_MODEL_SEED", "0"))
STEPS = 50
PARTIES = {"a": Party.PROVIDER, "b": Party.CONSUMER, "exchange": Party.EXCHANGE}
ENDING = {
    "a": Reason.PROVIDER_WITHDREW,
    "b": Reason.CONSUMER_TERMINATED,
    "exchange": Reason.FRAUD_SUSPECTED,
}
FIRST = w.terms(
    exchange=w.EXCHANGE,
    maximum_uses=40,
    rate_period=PERIOD,
    rate_limit=15,
    unsigned_maximum=UNSIGNED_MAXIMUM,
)
IDENTITY = w.identifier(FIRST)
REQUIRED = mask(*PARTIES.values())
LEASE_STATUSES = {
    "open": LeaseStatus.OPEN,
    "closing": LeaseStatus.CLOSING,
    "closed": LeaseStatus.CLOSED,
    "lapsed": LeaseStatus.LAPSED,
}
SELDOM = st.sampled_from([False] * 7 + [True])
WAITS = (1, w.FLOOR, w.FLOOR, LEASE_SECONDS, w.FLOOR + LEASE_SECONDS, 3_600, 40 * w.DAY)
WANTED = st.builds(
    Wanted,
    uses=st.sampled_from((0, 1, 2, 2, 3, 3, 9, 9, 16)),
    fields=st.sampled_from((0, 0, 0b1, FIELDS, FIELDS + 1)),
    purpose=st.sampled_from((*COVERED * 3, purpose("FraudManagement"))),
    mode=st.sampled_from((*MODES * 3, DeliveryMode.MODEL)),
)


class Story(RuleBasedStateMachine):
    """What parties may try, step by step."""

    @initialize(is_requested_only=SELDOM, leases=st.integers(0, 3))
    def begin(self, is_requested_only: bool, leases: int) -> None:
        self.world = w.market()
        self.model = Model(FIRST.maximum_uses, FIRST.valid_until, FIRST.rate_limit)
        self.terms = FIRST
        self.nonce = 0
        w.request(self.world, FIRST)
        if not is_requested_only:
            for name in ("a", "exchange"):
                self.world.send(f"{name}.approver", *w.approving(FIRST))
            self.model.approved, self.model.status = REQUIRED, Status.ACTIVE
            for _ in range(leases):
                self.open(Wanted(uses=3))

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
        checks = (
            (self.model.is_in_force, "not active"),
            (self.now < self.model.until, "expired"),
        )
        expected = next((f"authorizations: {why}" for holds, why in checks if not holds), "")
        if self.attempt(expected, f"{party}.approver", *call):
            self.model.status = Status.TERMINATED if party == "b" else Status.REVOKED
            self.model.ended = self.world.number

    @rule(party=st.sampled_from(sorted(PARTIES)), really=st.booleans())
    def suspend(self, party: str, really: bool) -> None:
        if self.model.is_in_force and not really:
            return
        bit = mask(PARTIES[party])
        expected = "" if self.model.approved & bit else "authorizations: not an approving party"
        if not self.model.is_in_force:
            expected = "authorizations: not active"
        call = ("authorizations", "suspend", IDENTITY, ENDING[party], ZERO_HASH)
        if self.attempt(expected, f"{party}.approver", *call):
            if self.model.approved == REQUIRED:
                self.model.suspensions.append((self.world.number, None))
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
                begun, _ = self.model.suspensions.pop()
                self.model.suspensions.append((begun, self.world.number))

    @rule(maximum=st.integers(1, 60), rate=st.sampled_from((3, 15, 40)))
    def amend(self, maximum: int, rate: int) -> None:
        self.nonce += 1
        terms = replace(
            self.terms,
            amends=w.identifier(self.terms),
            maximum_uses=maximum,
            rate_limit=rate,
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
            self.model.rate = rate

    @rule(wanted=WANTED)
    def open(self, wanted: Wanted) -> None:
        opening = w.opening(
            IDENTITY,
            self.world,
            uses=wanted.uses,
            fields=wanted.fields,
            purpose=wanted.purpose,
            mode=wanted.mode,
            expires_at=self.now + LEASE_SECONDS,
        )
        expected = self.model.refuses_lease(self.now, wanted)
        call = ("leases", "open", opening, w.account("a.gateway"))
        if self.attempt(expected, "b.gateway", *call):
            made = self.model.open(self.world.number, self.world.time, wanted.uses)
            made.last = usage.lease_id(IDENTITY, made.number)

    def picked(self, place: int) -> Lease:
        return self.model.leases[place % len(self.model.leases)]

    def receipt(self, lease: Lease, number: int, state_block: int = 0) -> usage.Receipt:
        """The receipt of a lease with a number; one that is not the next follows anything."""
        return w.receipt(
            self.world,
            usage.lease_id(IDENTITY, lease.number),
            number,
            lease.last,
            state_block=state_block or lease.opened,
            used_at=lease.opened_at,
        )

    @precondition(lambda self: self.model.leases)
    @rule(place=st.integers(0, 99), where=st.sampled_from(("opened", "opened", "hole", "now")))
    def settle(self, place: int, where: str) -> None:
        """Settle a use made as the lease opened, in the last suspension, or just now."""
        lease = self.picked(place)
        begun = self.model.suspensions[-1][0] if self.model.suspensions else 0
        blocks = {"opened": lease.opened, "hole": begun, "now": self.world.number}
        block = max(lease.opened, blocks[where])
        receipt = self.receipt(lease, lease.settled + 1, block)
        halves = w.both(w.hashed(receipt))
        call = ("leases", "settle", IDENTITY, lease.number, w.plain(receipt), *halves)
        refused = lease.refuses_settling(self.now, 1, self.model.refuses_use(block))
        if self.attempt(refused, "c.gateway", *call):
            lease.settled, lease.last = lease.settled + 1, w.hashed(receipt)

    @precondition(lambda self: self.model.leases)
    @rule(
        parts=st.lists(
            st.tuples(st.integers(0, 99), st.integers(0, 2), st.booleans()),
            min_size=1,
            max_size=4,
        ),
        is_late=SELDOM,
    )
    def settle_batch(self, parts: list[tuple[int, int, bool]], is_late: bool) -> None:
        """One root over some leases, each with its uses; a lease without any must close."""
        chosen = {self.picked(place).number: (uses, closes) for place, uses, closes in parts}
        ranges, receipts, expected = [], [], ""
        latest = max(self.model.leases[number - 1].opened for number in chosen)
        latest = self.world.number if is_late else latest
        for number in sorted(chosen):
            lease, (uses, closes) = self.model.leases[number - 1], chosen[number]
            made = self.batched(lease, uses, latest)
            receipts += made
            last = w.hashed(made[-1]) if made else ZERO_HASH
            first, final = lease.settled + 1, lease.settled + uses
            ranges.append(usage.UseRange(IDENTITY, number, first, final, last, closes))
            found = lease.refuses_settling(self.now, uses).replace("usage:", "leases:")
            if not found and not uses and not closes:
                found = "leases: empty range"
            expected = expected or found
        highest = latest if receipts else self.world.number
        expected = expected or (self.model.refuses_batch(highest) if receipts else "")
        batch = w.batch_of(ranges, receipts, highest_state_block=highest)
        if self.attempt(expected, "a.gateway", *w.settling(batch, ranges)):
            for entry in ranges:
                lease = self.model.leases[entry.lease - 1]
                lease.settled = entry.last
                if entry.closes:
                    self.model.close(lease, self.world.time)
                else:
                    lease.last = entry.last_receipt

    def batched(self, lease: Lease, uses: int, state_block: int) -> list[usage.Receipt]:
        made: list[usage.Receipt] = []
        for place in range(uses):
            receipt = self.receipt(lease, lease.settled + place + 1, state_block)
            if made:
                receipt = replace(receipt, previous=w.hashed(made[-1]))
            made.append(receipt)
        return made

    @precondition(lambda self: self.model.leases)
    @rule(place=st.integers(0, 99))
    def close(self, place: int) -> None:
        lease = self.picked(place)
        identity = usage.lease_id(IDENTITY, lease.number)
        digest = usage.close_digest(identity, lease.used, lease.last, w.CHAIN_ID)
        call = ("leases", "close", IDENTITY, lease.number, lease.used, lease.last)
        expected = "" if lease.status in ("open", "closing") else "leases: not open"
        if self.attempt(expected, "c.gateway", *call, *w.both(digest)):
            self.model.close(lease, self.world.time)

    def highest(self, lease: Lease, higher: int) -> tuple[usage.Receipt, tuple[bytes, bytes]]:
        if not higher:
            return NONE, (b"", b"")
        receipt = self.receipt(lease, lease.settled + higher)
        return receipt, w.both(w.hashed(receipt))

    @precondition(lambda self: self.model.leases)
    @rule(place=st.integers(0, 99), higher=st.integers(0, 3), side=st.sampled_from("ab"))
    def close_alone(self, place: int, higher: int, side: str) -> None:
        lease = self.picked(place)
        receipt, halves = self.highest(lease, higher)
        call = ("closings", "closeAlone", IDENTITY, lease.number, w.plain(receipt), *halves)
        if self.attempt(lease.refuses_alone(self.now, higher), f"{side}.gateway", *call):
            lease.status, lease.answer_until = "closing", self.world.time + FIRST.answer_within
            lease.settled += higher
            lease.last = w.hashed(receipt) if higher else lease.last

    @precondition(lambda self: self.model.of("closing"))
    @rule(place=st.integers(0, 99), higher=st.integers(1, 2))
    def answer(self, place: int, higher: int) -> None:
        lease = self.picked(place)
        receipt, halves = self.highest(lease, higher)
        call = ("closings", "answer", IDENTITY, lease.number, w.plain(receipt), *halves)
        if self.attempt(lease.refuses_answer(self.now, higher), "c.gateway", *call):
            lease.settled += higher
            lease.last = w.hashed(receipt)

    @precondition(lambda self: self.model.of("closing"))
    @rule(place=st.integers(0, 99))
    def claim(self, place: int) -> None:
        lease = self.picked(place)
        receipt = self.receipt(lease, lease.used + 1)
        asked = usage.Request(
            lease=receipt.lease,
            number=receipt.number,
            request_hash=receipt.request_hash,
            previous=receipt.previous,
        )
        call = (
            *("closings", "claim", IDENTITY, lease.number, w.plain(asked)),
            w.signature("b.gateway", usage.request_digest(asked, w.CHAIN_ID)),
            w.plain(receipt),
            w.signature("a.gateway", w.hashed(receipt)),
        )
        if self.attempt(lease.refuses_claim(self.now), "c.gateway", *call):
            lease.claimed, lease.last = lease.claimed + 1, w.hashed(receipt)

    @precondition(lambda self: self.model.of("closing"))
    @rule(place=st.integers(0, 99), side=st.sampled_from("ab"))
    def finalize(self, place: int, side: str) -> None:
        lease = self.picked(place)
        call = ("closings", "finalize", IDENTITY, lease.number)
        if self.attempt(lease.refuses_finish(self.now, side), f"{side}.gateway", *call):
            self.model.close(lease, self.world.time)

    @precondition(lambda self: self.model.leases)
    @rule(place=st.integers(0, 99))
    def lapse(self, place: int) -> None:
        lease = self.picked(place)
        over = self.now > lease.expires_at + w.FLOOR
        expected = "" if over else "leases: settling deadline is not over"
        if lease.status != "open":
            expected = "leases: not open"
        if self.attempt(expected, "c.gateway", "leases", "lapse", IDENTITY, lease.number):
            lease.status = "lapsed"

    @precondition(lambda self: self.model.leases)
    @rule(place=st.integers(0, 99), side=st.sampled_from("ab"), more=st.integers(-1, 1))
    def state(self, place: int, side: str, more: int) -> None:
        lease = self.picked(place)
        used = max(0, lease.settled + more)
        call = ("closings", "stateUses", IDENTITY, lease.number, used)
        if self.attempt(lease.refuses_statement(side, used), f"{side}.gateway", *call):
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
        live = len(model.of("open", "closing"))
        told = (model.counted, live, len(model.leases), model.unaccounted)
        assert kept == (*told, model.version)
        assert (state.status, state.approved, state.required) == (
            model.status,
            model.approved,
            REQUIRED,
        )
        if model.status not in (Status.REQUESTED, Status.PARTIALLY_APPROVED, Status.REJECTED):
            assert (state.maximum_uses, state.valid_until) == (model.maximum, model.until)
            assert state.counted <= state.maximum_uses
            window = window_of(PERIOD, self.world.time)
            used = state.window_used if state.window == window else 0
            assert used == model.used_in(window)
        for lease in model.leases:
            kept = self.world.lease(usage.lease_id(IDENTITY, lease.number))
            assert kept is not None
            assert (kept.settled, kept.claimed) == (lease.settled, lease.claimed)
            assert kept.status == LEASE_STATUSES[lease.status]
        kept = interruptions_of(self.world.reader("authorizations"), IDENTITY)
        assert [(entry.begun, entry.ended) for entry in kept] == model.suspensions
        assert state.ended == model.ended or model.status == Status.REJECTED
        seen = self.world.view("authorizations", "statusOf", IDENTITY)
        assert seen == registry.status_at(state, self.world.time)


def test_an_authorization_does_what_the_model_says() -> None:
    profile = settings(
        max_examples=RUNS,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=not SEED,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(seed(SEED)(Story) if SEED else Story, settings=profile)
