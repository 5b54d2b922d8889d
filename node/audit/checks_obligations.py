"""Duties after uses: deletion certified in time, salts kept and then destroyed, the imposed done.

What follows from an end has an id of its own for each version of the terms, so state shows whether
it was opened and where it stands (A50, A53). Of terms that were replaced it was done in time, or
superseded by the next before it was late, whether anybody had opened it or not. Duties to inform
and to compensate are named by their evidence; those shown are held to state, and no file proves
that there are no others (A52). A late duty is a finding about the parties: the file proves it. A
hold stops the clock, and makes nothing good that was late when it began.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest

from node.audit.checks_erasures import require_wishes
from node.audit.ends import ends_of
from node.audit.evidence import Case, Evidence, Happening, naming, require
from node.audit.result import Details
from node.audit.summary import moment
from node.spec.calendar import DAY_SECONDS
from node.spec.obligations import (
    OBLIGATIONS,
    Hold,
    Obligation,
    end_id,
    hold,
    obligation,
    obligation_id,
    records_kept,
)
from node.spec.proposals import PARAMETERS, slot_of_value
from node.spec.terms import Terms
from node.spec.types import Hash32
from node.spec.vocabulary import (
    ObligationKind,
    ObligationStatus,
    Parameter,
    Reason,
    SubjectMode,
)

_DONE = (ObligationStatus.FULFILLED, ObligationStatus.FULFILLED_LATE)
IMPOSED = (ObligationKind.INFORM, ObligationKind.COMPENSATE)


@dataclass(frozen=True, slots=True)
class Duty:
    """What follows from the end of a version of the terms."""

    kind: ObligationKind
    identifier: Hash32
    version: int
    terms: Terms
    replaced: Happening | None
    """Where the next version took effect; None of the terms in force."""

    @property
    def kept(self) -> int:
        """Seconds from the end for which is kept what is then to be erased."""
        if self.kind == ObligationKind.DELETE_DATA:
            return self.terms.retention_days * DAY_SECONDS
        return records_kept(self.terms.purpose)


def duties_of(case: Case, *kinds: ObligationKind) -> Iterator[Duty]:
    """Yield the duties of some kinds that follow from the ends of all versions, in their order."""
    versions = (case, *case.amendments)
    replaced = (*(version.amended for version in case.amendments), None)
    for number, (version, by) in enumerate(zip(versions, replaced, strict=True), 1):
        for kind, member in _owing(case.terms):
            if kind in kinds:
                identifier = end_id(kind, case.identifier, member, number)
                yield Duty(kind, identifier, number, version.terms, by)


def _owing(terms: Terms) -> Iterator[tuple[ObligationKind, int]]:
    """Yield what an end obliges to, and whom: no amendment changes the sides or the subject."""
    yield ObligationKind.DELETE_DATA, terms.consumer
    if terms.subject_mode != SubjectMode.NONE:
        for side in (terms.provider, terms.consumer):
            yield ObligationKind.DESTROY_SALT, side


def imposed_on(case: Case) -> list[Happening]:
    """Return where duties were imposed on a side of an authorization."""
    opened = case.named("ObligationOpened")
    return [happening for happening in opened if happening.value("kind") in IMPOSED]


def check_deletion(evidence: Evidence, case: Case) -> Details:
    """Once it has ended, the consumer certified deletion in time: all leases' data (A50)."""
    require_wishes(evidence, case)
    duties = duties_of(case, ObligationKind.DELETE_DATA)
    *_, found = map(partial(_require_kept, evidence, case, ends_of(case)), duties)
    for happening in case.named("DeletionCertified"):
        leases = sum(lease.opened.order < happening.order for lease in case.leases)
        every = happening.value("leases") == leases
        require(f"{case.name}, {happening.where}", (every, "it leaves a lease's data out"))
    return found


def check_records(evidence: Evidence, case: Case) -> Details:
    """Salts were kept as long as records, and then destroyed by both sides (R21, A53)."""
    salts = list(duties_of(case, ObligationKind.DESTROY_SALT))
    ends = ends_of(case)
    for duty in salts:
        _require_kept(evidence, case, ends, duty)
        for done in _of(case, "ObligationFulfilled", duty.identifier):
            early = done.time < _erasable(case, ends, duty)
            subject = f"{case.name}, {done.where}"
            require(subject, (not early, "a salt was destroyed before records need not be kept"))
    return {"salts": sum(duty.replaced is None for duty in salts)}


def check_duties(evidence: Evidence, case: Case) -> Details:
    """Each duty to inform or to compensate that is shown was done in time, or is not due (A52)."""
    imposed = imposed_on(case)
    for opened in imposed:
        subject = f"{case.name}, {opened.where}"
        kind, member = ObligationKind(opened.value("kind")), opened.value("member")
        evidenced = Hash32(opened.value("evidence"))
        expected = obligation_id(kind, case.identifier, member, evidenced)
        identifier = Hash32(opened.value("obligation"))
        require(subject, (identifier == expected, "its id is not that of its content"))
        record = _record(evidence, case, identifier)
        require(subject, (record is not None, "state holds no such duty"))
        assert record is not None, "required above"
        _require_told(case, identifier, record)
        _require_done(evidence, case, record)
    return {"duties": len(imposed)}


def _require_kept(evidence: Evidence, case: Case, ends: Mapping[int, int], duty: Duty) -> Details:
    """Hold one duty that follows from an end to its dates.

    `ends` are those of versions that ended by time or use; a call that ends what is in force opens
    what it obliges to itself.
    """
    record = _record(evidence, case, duty.identifier)
    with naming(case.name):
        within = evidence.reader(PARAMETERS)(slot_of_value(Parameter.DELETION_WITHIN))
    if record is None:
        return _require_unopened(evidence, case, ends, duty, within)
    _require_told(case, duty.identifier, record)
    fair = record.due >= _erasable(case, ends, duty)
    require(case.name, (fair, "its duty is due before retention is over"))
    if record.status == ObligationStatus.SUPERSEDED:
        _require_superseded(case, duty)
        return {"due": None, "fulfilled": False}
    left = duty.replaced is not None and record.status not in _DONE
    require(case.name, (not left, "its duty stands open under terms that were replaced"))
    return _require_done(evidence, case, record)


def _require_unopened(
    evidence: Evidence, case: Case, ends: Mapping[int, int], duty: Duty, within: int
) -> Details:
    """What nobody opened follows from no end, or is not late."""
    opened = _of(case, "ObligationOpened", duty.identifier)
    require(case.name, (not opened, "state holds no duty that is shown to be opened"))
    now = evidence.last.timestamp if duty.replaced is None else duty.replaced.time
    ended = ends.get(duty.version)
    if ended is None or now < ended:
        return {"due": None, "fulfilled": False}
    due = _erasable(case, ends, duty) + within
    late = now >= due + _held_up_to(evidence, case, now)
    text = f"nobody opened what its end obliges to, late since {moment(due)}"
    require(case.name, (not late, text))
    return {"due": None if duty.replaced else moment(due), "fulfilled": False}


def _require_told(case: Case, identifier: Hash32, record: Obligation) -> None:
    """A duty's events are those of its record."""
    opened = _of(case, "ObligationOpened", identifier)
    done = _of(case, "ObligationFulfilled", identifier)
    superseded = _of(case, "ObligationSuperseded", identifier)
    told = [(h.value("kind"), h.value("member"), h.value("due")) for h in opened]
    for brought in _of(case, "DeletionBroughtForward", identifier):
        told = [(kind, member, brought.value("due")) for kind, member, _ in told]
    require(
        _naming(case, record),
        (told == [(record.kind, record.member, record.due)], "state holds it otherwise"),
        (record.authorization == case.identifier, "it is another authorization's"),
        (len(done) == (record.status in _DONE), "event and state differ in whether it was done"),
        (not done or done[0].value("status") == record.status, "state says otherwise how"),
        (
            len(superseded) == (record.status == ObligationStatus.SUPERSEDED),
            "event and state differ in whether it was superseded",
        ),
    )


def _require_done(evidence: Evidence, case: Case, record: Obligation) -> Details:
    """A duty was done in time or is not late."""
    held, now = _hold(evidence, case), evidence.last.timestamp
    late_at = record.late_at(held, now)
    over = record.status in _DONE
    in_time = record.status == ObligationStatus.OWED and now < late_at
    require(
        _naming(case, record),
        (record.status != ObligationStatus.FULFILLED_LATE, "it was done late"),
        (over or in_time, f"it was not done by {moment(late_at)}"),
    )
    return {"due": moment(late_at), "fulfilled": over}


def _require_superseded(case: Case, duty: Duty) -> None:
    """A duty gave way to terms that were renewed, before it was late."""
    event = _of(case, "ObligationSuperseded", duty.identifier)[0]
    by = duty.replaced
    renewed = by is not None and (by.block, by.index) == (event.block, event.index)
    require(
        f"{case.name}, {event.where}",
        (renewed, "no next version of the terms superseded it"),
        (event.time < event.value("due"), "it was late when it was superseded"),
    )


def _erasable(case: Case, ends: Mapping[int, int], duty: Duty) -> int:
    """Return from when on what is kept need not be kept, Unix seconds.

    It counts from the end that opened the duty. A withdrawal ends the retention of data at once, as
    does a wish to be erased from what stood on consent.
    """
    opened = _of(case, "ObligationOpened", duty.identifier)
    ended = opened[0].time if opened else ends.get(duty.version, 0)
    until = min(ended, duty.terms.valid_until) + duty.kept
    if brought := _of(case, "DeletionBroughtForward", duty.identifier):
        return min(until, brought[-1].time)
    is_last = duty.kind == ObligationKind.DELETE_DATA and duty.replaced is None
    if is_last and case.state.reason == Reason.SUBJECT_WITHDREW:
        return min(until, _time_of_end(case))
    return until


def _held_up_to(evidence: Evidence, case: Case, time: int) -> int:
    """Return for how many seconds deletion was held up to a time, by all that began or ended it."""
    holds = case.named("DeletionHeld")
    now = evidence.last.timestamp
    same = _sum_of(holds, now) == _hold(evidence, case).seconds(now)
    require(case.name, (same, "state holds it for another time than is shown"))
    return _sum_of(holds, time)


def _sum_of(holds: list[Happening], time: int) -> int:
    total = 0
    for begun, after in zip_longest(holds, holds[1:]):
        end = time if after is None else min(after.time, time)
        if not begun.value("disputes"):
            end = min(end, begun.value("until"))
        total += max(0, end - begun.time)
    return total


def _time_of_end(case: Case) -> int:
    """Return when a call ended an authorization, be it before or after its time."""
    return next(h.time for h in case.events if h.block == case.state.ended)


def _naming(case: Case, record: Obligation) -> str:
    return f"{case.name}, duty {record.kind.name.lower()} of member {record.member}"


def _of(case: Case, name: str, identifier: Hash32) -> list[Happening]:
    return [h for h in case.named(name) if h.value("obligation") == identifier]


def _record(evidence: Evidence, case: Case, identifier: Hash32) -> Obligation | None:
    with naming(case.name):
        return obligation(evidence.reader(OBLIGATIONS), identifier)


def _hold(evidence: Evidence, case: Case) -> Hold:
    with naming(case.name):
        return hold(evidence.reader(OBLIGATIONS), case.identifier)
