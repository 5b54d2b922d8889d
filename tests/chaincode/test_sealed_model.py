"""Whatever is carried in, a sealed authorization's counters add up and stay below their maximum."""

import os
import random
from dataclasses import dataclass, field

import pytest

from node.sdk import sealed as sdk
from node.spec.usage import SignedReceipt, lease_id
from node.spec.vocabulary import LeaseStatus, Reason
from tests.chaincode import sealed as kit
from tests.chaincode import world as w

RUNS = int(os.environ.get("DATACCORD_MODEL_RUNS", "12"))
STEPS = 30
MAXIMUM = 20


@dataclass
class Modelled:
    """What a lease is in the model."""

    uses: int
    receipts: list[SignedReceipt] = field(default_factory=list)
    status: LeaseStatus = LeaseStatus.OPEN
    deadline: int = 0


class Story:
    """A world, its model, and steps that may or may not be allowed; both must agree."""

    def __init__(self, start: w.World, seed: int) -> None:
        self.world, self.random = start.copy(), random.Random(seed)
        self.authorization = kit.grant(self.world, maximum_uses=MAXIMUM)
        self.leases: list[Modelled] = []
        self.available = True

    @property
    def counted(self) -> int:
        closed = LeaseStatus.CLOSED
        return sum(len(x.receipts) if x.status == closed else x.uses for x in self.leases)

    @property
    def open(self) -> int:
        return sum(lease.status == LeaseStatus.OPEN for lease in self.leases)

    def attempt(self, call: object) -> bool:
        try:
            self.world.carry_out("regulator.officer", call)  # type: ignore[arg-type]
        except w.Refusal:
            return False
        return True

    def step_lease(self) -> None:
        uses = self.random.randint(0, 9)
        number = len(self.leases) + self.random.choice((1, 1, 1, 2))
        expires = self.world.time + self.random.choice((w.FLOOR, w.DAY))
        allowed = (
            self.available
            and number == len(self.leases) + 1
            and 0 < uses <= MAXIMUM - self.counted
            and self.open < 8
        )
        call = kit.leasing(self.world, self.authorization, number, uses=uses, expires_at=expires)
        assert self.attempt(call) == allowed
        if allowed:
            settle_within = kit.sealed_terms().settle_within
            self.leases.append(Modelled(uses, deadline=expires + settle_within))

    def step_settle(self) -> None:
        if not self.leases:
            return
        number = self.random.randint(1, len(self.leases))
        lease = self.leases[number - 1]
        before, more = len(lease.receipts), self.random.randint(0, 4)
        closes = self.random.random() < 0.4
        identity = lease_id(self.authorization, number)
        block = kit.lease_state(self.world, identity).opened_at
        receipts = list(lease.receipts)
        last = kit.lease_state(self.world, identity).last if receipts else identity
        for place in range(before + 1, before + more + 1):
            receipt = w.receipt(self.world, identity, place, last, state_block=block)
            receipts.append(kit.signed(receipt))
            last = kit.s.sealed_receipt_hash(receipt, w.CHAIN_ID)
        made = sdk.settlement_of(identity, receipts, w.CHAIN_ID, before=before, closes=closes)
        allowed = (
            lease.status == LeaseStatus.OPEN
            and self.world.time < lease.deadline
            and len(receipts) <= lease.uses
            and (more > 0 or closes)
        )
        assert self.attempt(kit.settling(self.authorization, number, made)) == allowed
        if allowed:
            lease.receipts = receipts
            if closes:
                lease.status = LeaseStatus.CLOSED

    def step_lapse(self) -> None:
        if not self.leases:
            return
        number = self.random.randint(1, len(self.leases))
        lease = self.leases[number - 1]
        allowed = lease.status == LeaseStatus.OPEN and self.world.time + 1 > lease.deadline
        assert self.attempt(sdk.lapse_sealed(self.authorization, number)) == allowed
        if allowed:
            lease.status = LeaseStatus.LAPSED
            self.available = False

    def step_wait(self) -> None:
        self.world.time += self.random.choice((60, w.FLOOR, w.FLOOR * 2))

    def step_end(self) -> None:
        if self.random.random() > 0.2:
            return
        ground = sdk.ground_of(self.authorization, Reason.SUPERSEDED)
        assert self.attempt(sdk.make_unavailable(ground)) == self.available
        self.available = False

    def check(self) -> None:
        state = kit.state(self.world, self.authorization)
        settled = sum(len(lease.receipts) for lease in self.leases)
        assert (state.counted, state.settled) == (self.counted, settled)
        assert (state.leases, state.open) == (len(self.leases), self.open)
        assert state.settled <= state.counted <= state.maximum_uses == MAXIMUM
        assert (state.ended is None) == self.available
        for number, lease in enumerate(self.leases, 1):
            kept = kit.lease_state(self.world, lease_id(self.authorization, number))
            found = (kept.uses, kept.settled, kept.status)
            assert found == (lease.uses, len(lease.receipts), lease.status)


@pytest.fixture(scope="module")
def started() -> w.World:
    return kit.consortium()


@pytest.mark.parametrize("seed", range(RUNS))
def test_counters_follow_the_model(started: w.World, seed: int) -> None:
    story = Story(started, seed)
    steps = [story.step_lease, story.step_settle, story.step_lapse, story.step_wait, story.step_end]
    for _ in range(STEPS):
        story.random.choices(steps, (4, 6, 1, 1, 1))[0]()
        story.check()
