"""Duties after uses: deletion certified in time, salts kept and then destroyed, the imposed done.

What follows from an end has an id of its own, so state shows whether it was opened and where it
stands (A50, A53). Duties to inform and to compensate are named by their evidence; those shown are
held to state, and no file proves that there are no others (A52). A late duty is a finding about the
parties: the file proves it.
"""

from node.audit.evidence import Case, Evidence, Happening, naming, require
from node.audit.result import Details
from node.audit.summary import moment
from node.spec.calendar import DAY_SECONDS
from node.spec.obligations import (
    OBLIGATIONS,
    Hold,
    Obligation,
    hold,
    obligation,
    obligation_id,
    records_kept,
)
from node.spec.proposals import PARAMETERS, slot_of_value
from node.spec.registry import status_at
from node.spec.types import Hash32
from node.spec.vocabulary import (
    AuthorizationStatus,
    ObligationKind,
    ObligationStatus,
    Parameter,
    Reason,
    SubjectMode,
)

_ENDED = (
    AuthorizationStatus.REVOKED,
    AuthorizationStatus.TERMINATED,
    AuthorizationStatus.EXPIRED,
    AuthorizationStatus.EXHAUSTED,
)
IMPOSED = (ObligationKind.INFORM, ObligationKind.COMPENSATE)


def ids_of(case: Case) -> tuple[tuple[Hash32, ...], tuple[Hash32, ...]]:
    """Return the ids of the deletion that an end obliges to, and of destroying salts."""
    terms = case.terms
    deletion = obligation_id(ObligationKind.DELETE_DATA, case.identifier, terms.consumer)
    if terms.subject_mode == SubjectMode.NONE:
        return (deletion,), ()
    sides = (terms.provider, terms.consumer)
    kind = ObligationKind.DESTROY_SALT
    return (deletion,), tuple(obligation_id(kind, case.identifier, side) for side in sides)


def imposed_on(case: Case) -> list[Happening]:
    """Return where duties were imposed on a side of an authorization."""
    opened = case.named("ObligationOpened")
    return [happening for happening in opened if happening.value("kind") in IMPOSED]


def check_deletion(evidence: Evidence, case: Case) -> Details:
    """Once it has ended, the consumer certified deletion in time: all leases' data (A50)."""
    (identifier,), _ = ids_of(case)
    retention = case.in_force.retention_days * DAY_SECONDS
    retention = 0 if case.state.reason == Reason.SUBJECT_WITHDREW else retention
    found = _duty(evidence, case, identifier, retention)
    for happening in case.named("DeletionCertified"):
        every = happening.value("leases") == case.state.leases
        require(f"{case.name}, {happening.where}", (every, "it leaves a lease's data out"))
    return found


def check_records(evidence: Evidence, case: Case) -> Details:
    """Salts were kept as long as records, and then destroyed by both sides (R21, A53)."""
    _, identifiers = ids_of(case)
    kept = records_kept(case.terms.purpose)
    for identifier in identifiers:
        _duty(evidence, case, identifier, kept)
        for done in _of(case, "ObligationFulfilled", identifier):
            early = done.time < _ended_at(evidence, case) + kept
            subject = f"{case.name}, {done.where}"
            require(subject, (not early, "a salt was destroyed before records need not be kept"))
    return {"salts": len(identifiers)}


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
        _require_done(evidence, case, identifier, record)
    return {"duties": len(imposed)}


def _duty(evidence: Evidence, case: Case, identifier: Hash32, after: int) -> Details:
    """Hold one duty that follows from an end to its dates; `after` is seconds from the end."""
    record = _record(evidence, case, identifier)
    with naming(case.name):
        within = evidence.reader(PARAMETERS)(slot_of_value(Parameter.DELETION_WITHIN))
    now = evidence.last.timestamp
    has_ended = status_at(case.state, now) in _ENDED
    if record is None and not has_ended:
        return {"due": None, "fulfilled": False}
    ended = _ended_at(evidence, case)
    if record is None:
        held = _hold(evidence, case)
        late = now >= ended + after + within + held.seconds(now) and not held.holds(now)
        subject, since = case.name, moment(ended + after + within)
        require(subject, (not late, f"nobody opened what its end obliges to, late since {since}"))
        return {"due": moment(ended + after + within), "fulfilled": False}
    # What had used all its uses may have been granted more since, its duty opened already.
    fair = not has_ended or record.due >= ended + after
    require(case.name, (fair, "its duty is due before retention is over"))
    return _require_done(evidence, case, identifier, record)


def _require_done(
    evidence: Evidence, case: Case, identifier: Hash32, record: Obligation
) -> Details:
    """A duty's events are those of its record, and it was done in time or is not late."""
    opened = _of(case, "ObligationOpened", identifier)
    done = _of(case, "ObligationFulfilled", identifier)
    subject = f"{case.name}, duty {record.kind.name.lower()} of member {record.member}"
    told = [(h.value("kind"), h.value("member"), h.value("due")) for h in opened]
    over = record.status in (ObligationStatus.FULFILLED, ObligationStatus.FULFILLED_LATE)
    require(
        subject,
        (told == [(record.kind, record.member, record.due)], "state holds it otherwise"),
        (record.authorization == case.identifier, "it is another authorization's"),
        (len(done) == over, "event and state differ in whether it was done"),
        (not done or done[0].value("status") == record.status, "state says otherwise how"),
    )
    held, now = _hold(evidence, case), evidence.last.timestamp
    late_at = record.late_at(held, now)
    stopped = record.kind not in IMPOSED and held.holds(now)
    in_time = record.status == ObligationStatus.OWED and (now < late_at or stopped)
    require(
        subject,
        (record.status != ObligationStatus.FULFILLED_LATE, "it was done late"),
        (over or in_time, f"it was not done by {moment(late_at)}"),
    )
    return {"due": moment(late_at), "fulfilled": over}


def _ended_at(evidence: Evidence, case: Case) -> int:
    """Return when an authorization ended, Unix seconds."""
    state = case.state
    if state.ended is not None:
        return next(h.time for h in case.events if h.block == state.ended)
    if status_at(state, evidence.last.timestamp) == AuthorizationStatus.EXPIRED:
        return state.valid_until
    closes = [h.time for h in case.events if h.name in ("LeaseClosed", "RangeSettled")]
    return max(closes, default=evidence.last.timestamp)


def _of(case: Case, name: str, identifier: Hash32) -> list[Happening]:
    return [h for h in case.named(name) if h.value("obligation") == identifier]


def _record(evidence: Evidence, case: Case, identifier: Hash32) -> Obligation | None:
    with naming(case.name):
        return obligation(evidence.reader(OBLIGATIONS), identifier)


def _hold(evidence: Evidence, case: Case) -> Hold:
    with naming(case.name):
        return hold(evidence.reader(OBLIGATIONS), case.identifier)
