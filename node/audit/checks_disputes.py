"""Disputes: all that were ever opened over an authorization's receipts, and when each was over.

What holds deletion is written with every dispute (R21). Where state shows that nothing ever did,
there was none; else state shows of every dispute on the ledger which authorization it is over, and
so which are this one's. A dispute opened and withdrawn in one second leaves no trace there, and
leaves no receipt out.
"""

from typing import Final

from node.audit.evidence import Case, Disputed, Evidence, Happening, NotShown, naming, require
from node.audit.result import Details
from node.spec.disputes import (
    DISPUTE_COUNT,
    DISPUTES,
    Dispute,
    dispute,
    slot_of_disputed,
)
from node.spec.fees import DisputeSpan
from node.spec.obligations import OBLIGATIONS, slots_of_hold
from node.spec.vocabulary import DisputeStatus, Ruling

DISPUTES_MAX: Final = 1_000
"""Disputes on a ledger whose authorizations one bundle shows; beyond, they are not provable."""


def check_disputes(evidence: Evidence, case: Case) -> Details:
    """The disputes shown are those in state, opened and ended when their events say."""
    opened = {h.value("dispute"): h for h in case.named("DisputeOpened")}
    with naming(case.name):
        read = evidence.reader(OBLIGATIONS)
        words = [read(slot) for slot in slots_of_hold(case.identifier)]
    if not any(words):
        traceless = all(_is_traceless(case, number, h) for number, h in opened.items())
        require(case.name, (traceless, "state holds no trace of a dispute that is shown"))
        return {"disputes": 0, "open": 0}
    numbers = _numbers(evidence, case)
    require(case.name, (set(opened) <= numbers, "state holds another dispute than is shown"))
    case.disputes = tuple(
        _disputed(evidence, case, number, opened.get(number)) for number in sorted(numbers)
    )
    going = sum(disputed.span.ended is None for disputed in case.disputes)
    return {"disputes": len(case.disputes), "open": going}


def _is_traceless(case: Case, number: int, opened: Happening) -> bool:
    """Whether a dispute was withdrawn in the second in which it was opened."""
    ends = [h for h in case.named("DisputeEnded") if h.value("dispute") == number]
    return [(h.time, h.value("ruling")) for h in ends] == [(opened.time, Ruling.WITHDRAWN)]


def _numbers(evidence: Evidence, case: Case) -> set[int]:
    """Return the numbers of the disputes that state holds over the authorization."""
    with naming(case.name):
        read = evidence.reader(DISPUTES)
        count = read(DISPUTE_COUNT)
        if count > DISPUTES_MAX:
            raise NotShown("disputes", count=count)
        over = int.from_bytes(case.identifier, "big")
        return {n for n in range(1, count + 1) if read(slot_of_disputed(n)) == over}


def _disputed(evidence: Evidence, case: Case, number: int, opened: Happening | None) -> Disputed:
    subject = f"{case.name}, dispute {number}"
    require(subject, (opened is not None, "state holds it, its opening is not shown"))
    assert opened is not None, "required above"
    with naming(subject):
        record = dispute(evidence.reader(DISPUTES), number)
    assert record is not None, "its authorization is in state"
    told = tuple(opened.value(name) for name in ("lease", "first", "last", "member"))
    kept = (record.lease, record.first, record.last, record.claimant)
    ends = [h for h in case.named("DisputeEnded") if h.value("dispute") == number]
    over = record.status == DisputeStatus.ENDED
    require(
        subject,
        (told == kept, "event and state differ in what is disputed"),
        (len(ends) == over, "event and state differ in whether it is over"),
        (not ends or ends[0].order > opened.order, "it ended before it was opened"),
        (not ends or ends[0].value("ruling") == record.ruling, "state holds another ruling"),
        (not ends or _is_due(record, ends[0]), "it ended while its ruling or an appeal might come"),
    )
    return Disputed(record, _span(record, opened, ends))


def _is_due(record: Dispute, end: Happening) -> bool:
    """Whether a dispute ended no earlier than it might.

    A claimant takes it back and a ruling on an appeal ends it at any time. Else it is over when the
    time to appeal is, or to rule; where nobody answered that of answering is all that state keeps.
    """
    if record.ruling == Ruling.WITHDRAWN or record.before:
        return True
    return end.time >= record.until


def _span(record: Dispute, opened: Happening, ends: list[Happening]) -> DisputeSpan:
    if not ends:
        return DisputeSpan(opened.time)
    return DisputeSpan(opened.time, ends[0].time, record.ruling)


def spans_over(case: Case, lease: int, number: int) -> tuple[DisputeSpan, ...]:
    """Return when a use of one of the case's leases was disputed."""
    return tuple(
        disputed.span
        for disputed in case.disputes
        if disputed.record.lease == lease
        and disputed.record.first <= number <= disputed.record.last
    )
