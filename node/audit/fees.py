"""What a proved trail costs: uses, versions and plans taken from a case, for `node.spec.fees`.

The parties compute their fees by this from their own bundle, and an auditor computes them again by
the same. Which receipts a challenge has voided is not asked of state: what could be voided
contradicts its lease, and would fail the checks of receipts.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from node.audit.checks_disputes import spans_over
from node.audit.checks_ending import ENDINGS
from node.audit.evidence import Case, Evidence, Happening, LeaseCase, NotShown, text_of
from node.errors import Refused
from node.spec.fees import Fees, UseRecord, VersionUses, fees_of
from node.spec.pricing import PricePlan, Span
from node.spec.types import Hash32
from node.spec.vocabulary import PriceClass, ReceiptKind

FindPlan = Callable[[Hash32], PricePlan | None]


def versions_of(case: Case, find_plan: FindPlan) -> Iterator[VersionUses]:
    """Yield each version of an authorization's terms that took effect, with its uses.

    Raises:
        NotShown: a plan is not at hand.
    """
    begins = case.named("AuthorizationActivated")
    if not begins:
        return
    starts = [begins[0].time, *(_taken_effect(version) for version in case.amendments)]
    ends = case.named(*ENDINGS)
    last = min([happening.time for happening in ends[:1]], default=case.in_force.valid_until)
    for number, version in enumerate((case, *case.amendments), 1):
        terms = version.terms
        until = starts[number] if number < len(starts) else last
        span = Span(
            max(starts[number - 1], terms.valid_from), min(until, terms.valid_until), number == 1
        )
        plan = None
        if terms.price_class != PriceClass.FREE:
            plan = find_plan(terms.price_plan)
            if plan is None:
                raise NotShown("plan", plan=text_of(terms.price_plan))
        uses = tuple(
            use
            for lease in case.leases
            if lease.state.version == number
            for use in uses_of(case, lease)
        )
        yield VersionUses(case.identifier, number, terms, plan, span, uses)


def _taken_effect(version: Case) -> int:
    assert version.amended is not None, "the check of terms came before"
    return version.amended.time


def uses_of(case: Case, lease: LeaseCase) -> Iterator[UseRecord]:
    """Yield a lease's anchored uses, each with when it was anchored and disputed."""
    anchored = anchors_of(lease)
    voided = {h.value("receipt"): h.time for h in lease.events if _makes_void(h)}
    for number, use in enumerate(lease.receipts, 1):
        yield UseRecord(
            used_at=use.receipt.used_at,
            anchored_at=anchored[number].time,
            is_delivered=use.receipt.kind == ReceiptKind.DELIVERED,
            is_claimed=anchored[number].name == "UseClaimed",
            voided_at=voided.get(lease.hash_of(number)),
            disputes=spans_over(case, lease.number, number),
        )


def _makes_void(happening: Happening) -> bool:
    """Whether a challenge, or a correction by both sides that puts nothing in its place."""
    if happening.name == "ReceiptCorrected":
        return not any(happening.value("replacement"))
    return happening.name == "ReceiptVoided"


def anchors_of(lease: LeaseCase) -> dict[int, Happening]:
    """Return the event that anchored each use; the check of settlement has held them to state."""
    found: dict[int, Happening] = {}
    for happening in lease.events:
        last = _last_anchored(happening, len(found))
        found |= dict.fromkeys(range(len(found) + 1, last + 1), happening)
    return found


def _last_anchored(happening: Happening, before: int) -> int:
    """Return the highest use that is anchored once an event has happened."""
    match happening.name:
        case "ReceiptSettled" | "UseClaimed":
            return int(happening.value("number"))
        case "RangeSettled":
            return int(happening.value("last"))
        case "LeaseAnswered" | "LeaseClosing":
            return int(happening.value("settled"))
        case _:
            return before


def fees_in(
    cases: Iterable[Case],
    pair: tuple[int, int],
    period: tuple[int, int],
    find_plan: FindPlan,
) -> Fees:
    """Return the fees of a pair and period from proved cases; others than the pair's do not count.

    Raises:
        Refused: no authorization is the pair's, or a price plan is not at hand.
        IntegrityError: a plan is of another class than its terms name.
    """
    own = [case for case in cases if (case.terms.provider, case.terms.consumer) == pair]
    try:
        versions = [version for case in own for version in versions_of(case, find_plan)]
    except NotShown as error:
        raise Refused(
            "fees: a price plan is missing",
            why=f"terms name the plan {error.values['plan']}",
            next_command="name its document with --plan",
        ) from error
    return fees_of(versions, *period)


def statements_of(evidence: Evidence, pair: tuple[int, int]) -> Sequence[Happening]:
    """Return the fee statements of a pair that the file shows, in the chain's order."""
    stated = evidence.of_contract("statements", "FeesStated")
    return [h for h in stated if (h.value("provider"), h.value("consumer")) == pair]
