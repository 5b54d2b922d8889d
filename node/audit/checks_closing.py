"""Closes: each lease went through the states that R12 allows, in time, signed where both close."""

from dataclasses import dataclass

from node.audit.calldata import ContractCall, direct_call
from node.audit.checks_settlement import note_seconded, require_both
from node.audit.evidence import (
    Case,
    Evidence,
    Happening,
    LeaseCase,
    naming,
    require,
)
from node.audit.result import Details
from node.spec.types import Hash32
from node.spec.usage import close_digest
from node.spec.versions import running, settling_deadline
from node.spec.vocabulary import LeaseStatus


@dataclass(slots=True)
class _Standing:
    """Where a lease stands after some of its events."""

    status: LeaseStatus = LeaseStatus.OPEN
    answer_until: int = 0
    stated: tuple[int | None, int | None] = (None, None)


def check_closes(evidence: Evidence, case: Case) -> Details:
    """Each lease went through the states it may, in time and signed, to the one in state."""
    for lease in case.leases:
        standing = _Standing()
        for happening in lease.events:
            with naming(f"{case.name}, {lease.name}, {happening.where}"):
                _step(evidence, case, lease, standing, happening)
        _require_standing(case, lease, standing)
        _note_what_is_open(case, lease)
    closed = sum(lease.state.status == LeaseStatus.CLOSED for lease in case.leases)
    lapsed = sum(lease.state.status == LeaseStatus.LAPSED for lease in case.leases)
    return {"closed": closed, "lapsed": lapsed, "leases": len(case.leases)}


def _require_standing(case: Case, lease: LeaseCase, standing: _Standing) -> None:
    state, subject = lease.state, f"{case.name}, {lease.name}"
    shown = standing.status.name.lower()
    require(
        subject,
        (standing.status == state.status, f"events leave it {shown}, state says otherwise"),
        (state.deadline == _deadline(case, lease, standing), "another deadline stands in state"),
        (standing.stated == state.stated, "stated uses differ in state"),
    )


def _deadline(case: Case, lease: LeaseCase, standing: _Standing) -> int:
    """Return until when receipts settle but for halts: in a closing, while an answer may come."""
    if standing.answer_until:
        return standing.answer_until - 1
    return lease.state.expires_at + case.terms_under(lease).settle_within


def _settles(case: Case, lease: LeaseCase, standing: _Standing, time: int) -> bool:
    """Whether a time is not past the deadline for settling, with the halts before it."""
    return time <= settling_deadline(lease.halts, _deadline(case, lease, standing), time)


def _turns(case: Case, lease: LeaseCase, standing: _Standing, time: int) -> int:
    """Return how often the time to answer had passed in a closing; no halt counts (R23)."""
    within = case.terms_under(lease).answer_within
    return running(lease.halts, standing.answer_until - within, time) // within


def _step(
    evidence: Evidence, case: Case, lease: LeaseCase, standing: _Standing, happening: Happening
) -> None:
    subject = f"{case.name}, {lease.name}, {happening.where}"
    match happening.name:
        case "LeaseClosing":
            _begin_closing(subject, case, lease, standing, happening)
        case "LeaseClosed":
            _close(evidence, case, lease, standing, happening)
        case "LeaseUnaccounted":
            _lapse(subject, case, lease, standing, happening)
        case "UsesStated":
            _state(subject, case, standing, happening)
        case "StatementsDiffer":
            told = (happening.value("provider"), happening.value("consumer"))
            require(subject, (told == standing.stated, "other uses were stated"))
        case "LeaseAnswered" | "UseClaimed":
            require(subject, (standing.status == LeaseStatus.CLOSING, "the lease is not closing"))
            _require_turn(subject, case, lease, standing, happening)
        case "ReceiptSettled" | "RangeSettled":
            _settle(subject, lease, standing, happening)
        case _:
            return


def _settle(subject: str, lease: LeaseCase, standing: _Standing, happening: Happening) -> None:
    live = standing.status in (LeaseStatus.OPEN, LeaseStatus.CLOSING)
    require(subject, (live, "the lease is neither open nor closing"))
    if happening.event.values.get("closes"):
        last = happening.value("last") == lease.state.settled
        require(subject, (last, "the batch closes it with other uses than state has"))
        standing.status = LeaseStatus.CLOSED


def _require_turn(
    subject: str, case: Case, lease: LeaseCase, standing: _Standing, happening: Happening
) -> None:
    """Answers come before the time to answer is over; claims after, within as long again."""
    turns = _turns(case, lease, standing, happening.time)
    if happening.name == "LeaseAnswered":
        require(subject, (turns == 0, "the time to answer was over"))
    else:
        require(subject, (turns == 1, "it was not the time to claim"))


def _begin_closing(
    subject: str, case: Case, lease: LeaseCase, standing: _Standing, happening: Happening
) -> None:
    until = happening.value("answerUntil")
    parties = (case.terms.provider, case.terms.consumer)
    require(
        subject,
        (standing.status == LeaseStatus.OPEN, "the lease is not open"),
        (happening.value("member") in parties, "the member is no side of it"),
        (
            until == happening.time + case.terms_under(lease).answer_within,
            "another time to answer than agreed",
        ),
        (
            _settles(case, lease, standing, happening.time),
            "it is past the deadline for settling",
        ),
    )
    standing.status = LeaseStatus.CLOSING
    standing.answer_until = until


def _close(
    evidence: Evidence, case: Case, lease: LeaseCase, standing: _Standing, happening: Happening
) -> None:
    """By both: a signature of each over the close or its batch; or alone, with time to answer."""
    subject, state = f"{case.name}, {lease.name}, {happening.where}", lease.state
    returned = state.uses - state.settled - state.claimed
    require(
        subject,
        (standing.status in (LeaseStatus.OPEN, LeaseStatus.CLOSING), "the lease is not open"),
        (happening.value("settled") == state.settled, "settled uses differ in state"),
        (happening.value("claimed") == state.claimed, "claimed uses differ in state"),
        (happening.value("returned") == returned, "it returns other uses than were left"),
    )
    call = happening.call() or direct_call("closings", happening.transaction)
    keys = (state.provider_key, state.consumer_key)
    match call:
        case ContractCall("close", (_, _, used, last, provider, consumer)):
            same = used == state.settled + state.claimed and last == state.last
            require(subject, (same, "it was signed for another last use"))
            digest = close_digest(state.lease, used, Hash32(last), evidence.chain_id)
            require_both(subject, digest, (provider, consumer), keys)
            note_seconded(case, happening, provider, consumer)
        case ContractCall("finalize"):
            over = standing.status == LeaseStatus.CLOSING and (
                _turns(case, lease, standing, happening.time) > 0
            )
            require(subject, (over, "the time to answer was not over"))
        case _:
            case.cannot_show("indirect", event=happening.where)
    standing.status = LeaseStatus.CLOSED


def _lapse(
    subject: str, case: Case, lease: LeaseCase, standing: _Standing, happening: Happening
) -> None:
    state = lease.state
    require(
        subject,
        (standing.status == LeaseStatus.OPEN, "the lease is not open"),
        (
            not _settles(case, lease, standing, happening.time),
            "the deadline for settling was not over",
        ),
        (happening.value("uses") == state.uses, "reserved uses differ in state"),
        (happening.value("settled") == state.settled, "settled uses differ in state"),
    )
    standing.status = LeaseStatus.LAPSED


def _state(subject: str, case: Case, standing: _Standing, happening: Happening) -> None:
    """One side states the uses of a lapsed lease, once (R12c)."""
    members = (case.terms.provider, case.terms.consumer)
    member, used = happening.value("member"), happening.value("used")
    require(
        subject,
        (standing.status == LeaseStatus.LAPSED, "the lease has not lapsed"),
        (member in members, "the member is no side of it"),
    )
    provider, consumer = standing.stated
    if member == case.terms.provider:
        require(subject, (provider is None, "the provider stated its uses twice"))
        standing.stated = (used, consumer)
    else:
        require(subject, (consumer is None, "the consumer stated its uses twice"))
        standing.stated = (provider, used)


def _note_what_is_open(case: Case, lease: LeaseCase) -> None:
    left = lease.state.uses - lease.state.settled - lease.state.claimed
    if lease.state.status == LeaseStatus.LAPSED and left:
        case.cannot_show("lapsed", lease=lease.number, uses=left)
    elif lease.state.status != LeaseStatus.CLOSED and left:
        case.cannot_show("open", lease=lease.number, uses=left)
