"""Closes, counts and endings: each lease ended as R12 allows, and every use is counted once."""

from dataclasses import dataclass

from node.audit.calldata import ContractCall, plain_signature
from node.audit.checks_chain import Details
from node.audit.checks_settlement import require_both
from node.audit.checks_terms import require_account
from node.audit.evidence import (
    Case,
    CheckFailed,
    Evidence,
    Happening,
    LeaseCase,
    naming,
    require,
)
from node.spec.crypto import recover
from node.spec.terms import revocation_digest
from node.spec.types import Address, Hash32
from node.spec.usage import close_digest
from node.spec.vocabulary import AuthorizationStatus, LeaseStatus, Party, Reason, label

ENDINGS = {
    "AuthorizationRejected": AuthorizationStatus.REJECTED,
    "AuthorizationRevoked": AuthorizationStatus.REVOKED,
    "AuthorizationTerminated": AuthorizationStatus.TERMINATED,
}


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
        (standing.answer_until == state.answer_until, "the time to answer differs in state"),
        (standing.stated == state.stated, "stated uses differ in state"),
    )


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
            _require_turn(subject, case, standing, happening)
        case "ReceiptSettled" | "RangeSettled":
            live = standing.status in (LeaseStatus.OPEN, LeaseStatus.CLOSING)
            require(subject, (live, "the lease is neither open nor closing"))
        case _:
            return


def _require_turn(subject: str, case: Case, standing: _Standing, happening: Happening) -> None:
    """Answers come before the time to answer is over; claims after, within as long again."""
    until = standing.answer_until
    if happening.name == "LeaseAnswered":
        require(subject, (happening.time < until, "the time to answer was over"))
    else:
        within = until <= happening.time < until + case.terms.answer_within
        require(subject, (within, "it was not the time to claim"))


def _begin_closing(
    subject: str, case: Case, lease: LeaseCase, standing: _Standing, happening: Happening
) -> None:
    until = happening.value("answerUntil")
    parties = (case.terms.provider, case.terms.consumer)
    require(
        subject,
        (standing.status == LeaseStatus.OPEN, "the lease is not open"),
        (happening.value("member") in parties, "the member is no side of it"),
        (until == happening.time + case.terms.answer_within, "another time to answer than agreed"),
        (
            happening.time <= lease.state.expires_at + case.terms.settle_within,
            "it is past the deadline for settling",
        ),
    )
    standing.status, standing.answer_until = LeaseStatus.CLOSING, until


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
    call = happening.call()
    keys = (state.provider_key, state.consumer_key)
    match call:
        case ContractCall("close", (_, _, used, last, provider, consumer)):
            same = used == state.settled + state.claimed and last == state.last
            require(subject, (same, "it was signed for another last use"))
            digest = close_digest(state.lease, used, Hash32(last), evidence.chain_id)
            require_both(subject, digest, (provider, consumer), keys)
        case ContractCall("settleBatch", (_, ranges, *_)):
            mine = [r for r in ranges if r[0] == case.identifier and r[1] == lease.number]
            require(subject, (any(r[5] for r in mine), "its batch does not close it"))
        case ContractCall("finalize"):
            over = standing.status == LeaseStatus.CLOSING and (
                happening.time >= standing.answer_until
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
            happening.time > state.expires_at + case.terms.settle_within,
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


def check_counts(evidence: Evidence, case: Case) -> Details:
    """Every use is counted once: reserved, settled, returned; the sum is the one in state."""
    del evidence
    counted, lapsed = 0, 0
    closes = iter(case.named("LeaseClosed"))
    for happening in case.events:
        subject = f"{case.name}, {happening.where}"
        match happening.name:
            case "UsesReserved":
                counted += _lease(subject, case, happening.value("lease")).state.uses
            case "UsesReturned":
                close = next(closes, None)
                require(subject, (close is not None, "no lease was closed with it"))
                counted -= 0 if close is None else close.value("returned")
            case "LeasingBlocked" | "LeasingUnblocked":
                lapsed += 1 if happening.name == "LeasingBlocked" else -1
                same = happening.value("unaccounted") == lapsed
                require(subject, (same, "it counts other lapsed leases"))
                continue
            case _:
                continue
        require(subject, (happening.value("counted") == counted, f"{counted} uses are counted"))
    _require_counts(case, counted, lapsed)
    return {"counted": counted, "maximum": case.terms.maximum_uses}


def _lease(subject: str, case: Case, number: int) -> LeaseCase:
    if not 0 < number <= len(case.leases):
        raise CheckFailed(subject, f"there is no lease {number}")
    return case.leases[number - 1]


def _require_counts(case: Case, counted: int, lapsed: int) -> None:
    state = case.state
    total = sum(map(uses_counted, case.leases))
    live = [L for L in case.leases if L.state.status in (LeaseStatus.OPEN, LeaseStatus.CLOSING)]
    require(
        case.name,
        (total == counted, f"leases count {total} uses, their events {counted}"),
        (total == state.counted, f"leases count {total} uses, state {state.counted}"),
        (total <= case.terms.maximum_uses, "more uses are counted than were granted"),
        (len(live) == state.open, f"{len(live)} leases are open, {state.open} in state"),
        (lapsed == state.unaccounted, f"{lapsed} are unaccounted, {state.unaccounted} in state"),
    )


def uses_counted(lease: LeaseCase) -> int:
    """Return the uses a lease holds or has used: all reserved ones until it is closed."""
    closed = lease.state.status == LeaseStatus.CLOSED
    return lease.state.settled + lease.state.claimed if closed else lease.state.uses


def check_revocation(evidence: Evidence, case: Case) -> Details:
    """The grant ended when, how and by whom state says; no receipt stands on a later state."""
    ends, state = case.named(*ENDINGS), case.state
    if not ends:
        require(case.name, (state.ended is None, f"state ends it in block {state.ended}, unshown"))
        return {"ended": None, "reason": None}
    end = ends[0]
    subject = f"{case.name}, {end.where}"
    require(
        subject,
        (len(ends) == 1, "it ended twice"),
        (end.block == state.ended, f"state ends it in block {state.ended}"),
        (ENDINGS[end.name] == state.status, "state says that it ended otherwise"),
        (end.value("reason") == state.reason, "state holds another reason"),
    )
    with naming(subject):
        _require_ender(evidence, case, end)
    _require_before(case, end)
    return {"ended": end.block, "reason": label("reason", state.reason)}


def _require_before(case: Case, end: Happening) -> None:
    """No use was made on a state in which the grant had ended (R11)."""
    for lease in case.leases:
        for use in lease.receipts:
            require(
                f"{case.name}, {lease.name}, receipt {use.receipt.number}",
                (use.receipt.state_block < end.block, f"used in or after block {end.block}"),
            )
        anchors = ("ReceiptSettled", "RangeSettled", "LeaseAnswered", "UseClaimed")
        late = [h for h in lease.events if h.name in anchors and h.order > end.order]
        if late:
            case.cannot_show("backdating", lease=lease.number, block=end.block)


def _require_ender(evidence: Evidence, case: Case, end: Happening) -> None:
    terminated = end.name == "AuthorizationTerminated"
    parties = 1 << Party.CONSUMER if terminated else end.value("parties")
    known = [party for party in Party if parties == 1 << party]
    require(f"{case.name}, {end.where}", (len(known) == 1, "it is not ended by one party"))
    account = ender_of(evidence, case, end)
    if account is None:
        case.cannot_show("indirect", event=end.where)
    else:
        require_account(evidence, case, account, known[0])


def ender_of(evidence: Evidence, case: Case, end: Happening) -> Address | None:
    """Return who signed the ending; None where it came through another contract."""
    reason = end.value("reason")
    match end.call():
        case ContractCall("revoke" | "reject"):
            return end.sender()
        case ContractCall("revokeSigned", (_, _, signature)) if reason in tuple(Reason):
            digest = revocation_digest(case.identifier, Reason(reason), evidence.chain_id)
            return recover(digest, plain_signature(signature))
        case _:
            return None
