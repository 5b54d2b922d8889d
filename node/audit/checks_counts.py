"""Counts: every use is reserved once, given back at most once, and never above the grant."""

from node.audit.checks_rates import require_rates
from node.audit.evidence import Case, CheckFailed, Evidence, Happening, LeaseCase, require
from node.audit.result import Details
from node.spec.types import Hash32
from node.spec.vocabulary import LeaseStatus


def check_counts(evidence: Evidence, case: Case) -> Details:
    """Every use is counted once: reserved, settled, returned; the sum is the one in state."""
    del evidence
    counted, lapsed, shared = 0, 0, 0
    most = case.terms.maximum_uses
    versions = {version.identifier: version for version in case.amendments}
    for happening in case.events:
        subject = f"{case.name}, {happening.where}"
        counted += uses_moved(case, happening)
        match happening.name:
            case "LeaseOpened":
                require(subject, (counted <= most, f"{counted} uses are reserved of {most}"))
            case "UsesSharedOnward":
                shared += happening.value("uses")
            case "AuthorizationAmended":
                most = versions[Hash32(happening.value("amendment"))].terms.maximum_uses
                require(subject, (counted <= most, "it grants fewer uses than are counted"))
            case "LeasingBlocked" | "LeasingUnblocked":
                lapsed += 1 if happening.name == "LeasingBlocked" else -1
                same = happening.value("unaccounted") == lapsed
                require(subject, (same, "it counts other lapsed leases"))
    _require_counts(case, counted - shared, lapsed, shared)
    unused = {L.state.lease: L.state.uses - uses_counted(L) for L in case.leases}
    require_rates(case, unused)
    return {"counted": counted, "maximum": case.in_force.maximum_uses}


def uses_moved(case: Case, happening: Happening) -> int:
    """Return by how many uses an event moves what is counted.

    Raises:
        CheckFailed: it closes a lease that is not the authorization's.
    """
    match happening.name:
        case "LeaseOpened" | "UsesSharedOnward":
            uses: int = happening.value("uses")
            return uses
        case "LeaseClosed":
            returned: int = happening.value("returned")
            return -returned
        case "RangeSettled" if happening.value("closes"):
            subject = f"{case.name}, {happening.where}"
            closed = _lease(subject, case, Hash32(happening.value("lease")))
            return uses_counted(closed) - closed.state.uses
        case _:
            return 0


def _lease(subject: str, case: Case, identifier: Hash32) -> LeaseCase:
    for lease in case.leases:
        if lease.state.lease == identifier:
            return lease
    raise CheckFailed(subject, "it closes a lease that is not the authorization's")


def _require_counts(case: Case, counted: int, lapsed: int, shared: int) -> None:
    """`shared` uses were given to authorizations that share this one onward."""
    state = case.state
    total = sum(map(uses_counted, case.leases))
    live = [L for L in case.leases if L.state.status in (LeaseStatus.OPEN, LeaseStatus.CLOSING)]
    require(
        case.name,
        (total == counted, f"leases count {total} uses, their events {counted}"),
        (
            total + shared == state.counted,
            f"{total + shared} uses counted, {state.counted} in state",
        ),
        (total + shared <= case.in_force.maximum_uses, "more uses are counted than were granted"),
        (len(live) == state.open, f"{len(live)} leases are open, {state.open} in state"),
        (lapsed == state.unaccounted, f"{lapsed} are unaccounted, {state.unaccounted} in state"),
    )


def uses_counted(lease: LeaseCase) -> int:
    """Return the uses a lease holds or has used: all reserved ones until it is closed."""
    closed = lease.state.status == LeaseStatus.CLOSED
    return lease.state.settled + lease.state.claimed if closed else lease.state.uses
