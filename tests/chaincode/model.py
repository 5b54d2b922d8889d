"""An authorization and its leases as the rules tell them: a few pages that know no words or slots.

`Model` answers two questions: with which reason the contracts must refuse a step as things are, and
how things are after it. `tests.chaincode.test_model` tells stories to it and to the contracts.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from node.spec.calendar import window_of
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import AuthorizationStatus as Status
from node.spec.vocabulary import DeliveryMode, Party, RatePeriod, mask, purpose
from tests.chaincode import world as w

LEASE_SECONDS = 600
ANSWER_SECONDS = w.FLOOR
UNSIGNED_MAXIMUM = 2
OPEN_MAXIMUM = 8
PERIOD = RatePeriod.HOUR
FIELDS = 0b111
GRANTED = purpose("CreditChecking")
COVERED = (GRANTED, purpose("CreditScoreEvaluation"))
MODES = (DeliveryMode.QUERY, DeliveryMode.PSI)

Checks = Iterable[tuple[bool, str]]


def first_broken(checks: Checks) -> str:
    """The reason of the first rule that does not hold, nothing where all do."""
    return next((reason for holds, reason in checks if not holds), "")


@dataclass(frozen=True)
class Wanted:
    """What a lease is asked for."""

    uses: int = 1
    fields: int = 0
    purpose: int = COVERED[1]
    mode: int = DeliveryMode.QUERY


@dataclass
class Lease:
    """A lease as the model has it."""

    number: int
    uses: int
    opened: int
    """The block."""
    opened_at: int
    version: int
    settled: int = 0
    claimed: int = 0
    status: str = "open"
    answer_until: int = 0
    stated: set[str] = field(default_factory=set)
    last: bytes = ZERO_HASH

    @property
    def expires_at(self) -> int:
        return self.opened_at + LEASE_SECONDS

    @property
    def used(self) -> int:
        return self.settled + self.claimed

    @property
    def deadline(self) -> int:
        """The last second at which receipts settle."""
        if self.status == "closing":
            return self.answer_until - 1
        return self.expires_at + w.FLOOR

    def refuses_settling(self, now: int, uses: int = 1, standing: str = "") -> str:
        """`standing` is why no use may stand on the receipt's state block."""
        return first_broken(
            (
                (self.status in ("open", "closing"), "leases: not open"),
                (now <= self.deadline, "leases: past the settling deadline"),
                (not standing, standing),
                (self.settled + uses <= self.uses, "usage: more uses than the lease reserved"),
            )
        )

    def refuses_alone(self, now: int, higher: int) -> str:
        """Closing alone with a receipt so many uses above the settled ones; 0 shows none."""
        return first_broken(
            (
                (self.status == "open", "closings: not open"),
                (self.settled + higher <= self.uses, "usage: more uses than the lease reserved"),
                (now <= self.deadline, "leases: past the settling deadline"),
            )
        )

    def refuses_answer(self, now: int, higher: int) -> str:
        return first_broken(
            (
                (self.status == "closing", "closings: not closing"),
                (now < self.answer_until, "closings: time to answer is over"),
                (higher > 0, "closings: not a higher use"),
                (self.settled + higher <= self.uses, "usage: more uses than the lease reserved"),
            )
        )

    def refuses_claim(self, now: int) -> str:
        over = self.answer_until + ANSWER_SECONDS
        return first_broken(
            (
                (self.status == "closing", "closings: not closing"),
                (now >= self.answer_until, "closings: time to answer is not over"),
                (now < over, "closings: time to claim is over"),
                (self.claimed < UNSIGNED_MAXIMUM, "closings: claims exhausted"),
                (self.used < self.uses, "usage: more uses than the lease reserved"),
            )
        )

    def refuses_finish(self, now: int, side: str) -> str:
        claims = self.claimed < UNSIGNED_MAXIMUM and self.used < self.uses
        may_claim = claims and now < self.answer_until + ANSWER_SECONDS
        return first_broken(
            (
                (self.status == "closing", "closings: not closing"),
                (now >= self.answer_until, "closings: time to answer is not over"),
                (side == "a" or not may_claim, "closings: time to claim is not over"),
            )
        )

    def refuses_statement(self, side: str, used: int) -> str:
        return first_broken(
            (
                (self.status == "lapsed", "closings: not lapsed"),
                (self.settled <= used <= self.uses, "closings: uses out of range"),
                (side not in self.stated, "closings: stated already"),
            )
        )


@dataclass
class Model:
    """An authorization as the rules tell it."""

    maximum: int
    until: int
    rate: int
    status: Status = Status.REQUESTED
    approved: int = mask(Party.CONSUMER)
    version: int = 1
    window: int = 0
    window_used: int = 0
    leases: list[Lease] = field(default_factory=list)
    ended: int | None = None
    """The block that revoked or terminated it."""
    suspensions: list[tuple[int, int | None]] = field(default_factory=list)
    """Blocks that began and ended each; None while it lasts."""

    def of(self, *statuses: str) -> list[Lease]:
        return [lease for lease in self.leases if lease.status in statuses]

    @property
    def counted(self) -> int:
        return sum(lease.used if lease.status == "closed" else lease.uses for lease in self.leases)

    @property
    def unaccounted(self) -> int:
        return sum(len(lease.stated) < 2 for lease in self.of("lapsed"))

    @property
    def is_in_force(self) -> bool:
        return self.status in (Status.ACTIVE, Status.SUSPENDED)

    def used_in(self, window: int) -> int:
        return self.window_used if self.window == window else 0

    def refuses_use(self, block: int) -> str:
        """Why no use may stand on a block's state, nothing where one may."""
        for begun, ended in self.suspensions:
            if begun <= block and (ended is None or block < ended):
                return "usage: used while suspended or frozen"
        if self.ended is not None and block >= self.ended:
            return "usage: state block after the authorization ended"
        return ""

    def refuses_batch(self, highest: int) -> str:
        """Why no batch may reach so high: what a suspension hid that is over, nobody sees (R13)."""
        bounds = [begun for begun, ended in self.suspensions if ended is None]
        bounds += [] if self.ended is None else [self.ended]
        reason = "leases: state block at which no use was permitted"
        return reason if bounds and highest >= min(bounds) else ""

    def refuses_lease(self, now: int, wanted: Wanted) -> str:
        window, end = window_of(PERIOD, now), now + LEASE_SECONDS
        checks = (
            (self.status == Status.ACTIVE, "not active"),
            (now < self.until, "expired"),
            (end <= self.until, "lease ends after the authorization"),
            (not self.unaccounted, "a lapsed lease is unaccounted"),
            (len(self.of("open", "closing")) < OPEN_MAXIMUM, "too many open leases"),
            (wanted.purpose in COVERED, "purpose not granted"),
            (wanted.fields & ~FIELDS == 0, "field not granted"),
            (wanted.mode in MODES, "mode not granted"),
            (wanted.uses > 0, "no uses"),
            (wanted.uses <= self.maximum - self.counted, "uses exhausted"),
            (window_of(PERIOD, end - 1) == window, "lease ends after its window"),
            (self.used_in(window) + wanted.uses <= self.rate, "rate exhausted"),
        )
        reason = first_broken(checks)
        return reason and f"authorizations: {reason}"

    def open(self, block: int, now: int, uses: int) -> Lease:
        window = window_of(PERIOD, now)
        self.window, self.window_used = window, self.used_in(window) + uses
        lease = Lease(len(self.leases) + 1, uses, block, now, self.version)
        self.leases.append(lease)
        return lease

    def close(self, lease: Lease, now: int) -> None:
        """What was not used returns, to its window only while that is open (R8)."""
        windows = {window_of(PERIOD, now), window_of(PERIOD, lease.expires_at - 1), self.window}
        if len(windows) == 1 and lease.version == self.version:
            self.window_used -= lease.uses - lease.used
        lease.status = "closed"
