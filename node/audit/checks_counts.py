"""Counts: every use is reserved once, given back at most once, and never above the grant."""

from node.audit.evidence import Case, CheckFailed, Evidence, LeaseCase, require
from node.audit.result import Details
from node.spec.vocabulary import LeaseStatus


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
