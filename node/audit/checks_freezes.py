"""Freezes and suspensions: nothing granted, leased or used while one lay over it (R11, R22, A80).

State keeps of a member, a zone and an authorization the last freeze only, and what is lifted leaves
no trace. So the last state cannot show that there was none; the state of the time can: for a grant
and a lease that after the block before theirs, with what their own block changed before them; for a
use that of the very block its receipt names, at the time it says or that of its anchoring, if that
was earlier. Freezes whose events the file shows are held against everything as well. What the file
does not show the state of is not provable.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from node.audit.evidence import Case, CheckFailed, Evidence, Happening, NotShown, require
from node.audit.fees import anchors_of
from node.audit.result import Details
from node.spec import registry
from node.spec.registry import AUTHORIZATIONS, MEMBERS, TEMPLATES
from node.spec.templates import slots_of_zone_freezes, zone_freeze
from node.spec.types import Address
from node.spec.vocabulary import AuthorizationStatus, covered_by

GRANTED: Final = ("AuthorizationActivated", "AuthorizationAmended", "AuthorizationResumed")
"""Events by which something is granted, renewed or granted again."""

_EVERY: Final = (1 << 256) - 1
"""The mask of all purposes."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that no freeze may lie over, with the block whose state tells."""

    subject: str
    number: int
    time: int
    """Unix seconds."""
    zone: int
    """That of the terms then in force."""
    covered: int
    """The mask of its purpose and all that this covers: what may be done for it (R6)."""
    is_use: bool
    """Whether it stands on an authorization in force: a lease or a use."""
    order: int | None
    """Of an event, which stands in the block after: its place in the chain's order."""


def moments_of(case: Case) -> Iterator[Moment]:
    """Yield what happened under an authorization that a freeze forbids."""
    for happening in case.named(*GRANTED):
        purpose = case.version_at(happening).terms.purpose
        yield _moment(case, happening, purpose, is_use=False)
    for lease in case.leases:
        purpose, anchors = lease.state.purpose, anchors_of(lease)
        yield _moment(case, lease.opened, purpose, is_use=True)
        for use in lease.receipts:
            receipt = use.receipt
            subject = f"{case.name}, {lease.name}, receipt {receipt.number}"
            zone = case.version_in(receipt.state_block).zone
            anchor = anchors.get(receipt.number)
            used_at = receipt.used_at if anchor is None else min(receipt.used_at, anchor.time)
            place = receipt.state_block, used_at, zone
            yield Moment(subject, *place, covered_by(purpose), is_use=True, order=None)


def _moment(case: Case, happening: Happening, purpose: int, *, is_use: bool) -> Moment:
    subject = f"{case.name}, {happening.where}"
    place = happening.block - 1, happening.time, case.version_at(happening).zone
    return Moment(subject, *place, covered_by(purpose), is_use, happening.order)


def slots_at(case: Case, zone: int, was_frozen: bool, is_use: bool) -> dict[Address, set[int]]:
    """Return the slots of a state of the time that the check asks for, by contract."""
    sides = (case.terms.provider, case.terms.consumer)
    own = {registry.slot_of_freeze(case.identifier)} if was_frozen else set()
    own |= {registry.slots_of_authorization(case.identifier)[0]} if is_use else set()
    found = {
        MEMBERS: set(map(registry.slot_of_member_standing, sides)),
        TEMPLATES: set(slots_of_zone_freezes(zone)),
        AUTHORIZATIONS: own,
    }
    return {address: slots for address, slots in found.items() if slots}


def check_freezes(evidence: Evidence, case: Case) -> Details:
    """No freeze of a side, the zone or the authorization lay over a grant, a lease or a use."""
    freezes = list(_freezes(evidence, case))
    was_frozen = registry.was_frozen(evidence.reader(AUTHORIZATIONS), case.identifier)
    missing, count = set(), 0
    for moment in moments_of(case):
        count += 1
        for freeze in freezes:
            freeze.require_clear(moment)
        if not _is_shown(evidence, case, moment, was_frozen):
            missing.add(moment.number)
            continue
        _require_clear(evidence, case, moment, freezes, was_frozen)
    if missing:
        raise NotShown("freezes", missing=len(missing), count=count)
    return {"moments": count, "freezes": len(freezes)}


def _is_shown(evidence: Evidence, case: Case, moment: Moment, was_frozen: bool) -> bool:
    wanted = slots_at(case, moment.zone, was_frozen, moment.is_use)
    return all(evidence.reader_at(moment.number, address) is not None for address in wanted)


@dataclass(frozen=True, slots=True)
class _Freeze:
    """A freeze, or the lifting of one, of a member, zone or authorization."""

    happening: Happening
    target: tuple[str, int]
    purposes: int
    """The mask of those frozen."""
    until: int
    """Unix seconds."""
    after: Happening | None
    """The next of the same target, None while there is none."""

    def require_clear(self, moment: Moment) -> None:
        if not _concerns(self.target, moment):
            return
        begun = _is_before(self.happening, moment) and moment.time < self.until
        inside = begun and (self.after is None or not _is_before(self.after, moment))
        if inside and self.purposes & moment.covered:
            raise CheckFailed(moment.subject, f"it was frozen by {self.happening.where}")


def _concerns(target: tuple[str, int], moment: Moment) -> bool:
    kind, index = target
    return kind != "zone" or index in (moment.zone, 0)


def _is_before(happening: Happening, moment: Moment) -> bool:
    """Whether something happened before an event, or up to the block that a use names."""
    if moment.order is None:
        return happening.block <= moment.number
    return happening.order < moment.order


def _freezes(evidence: Evidence, case: Case) -> Iterator[_Freeze]:
    """Yield the freezes of sides, zones and authorization that the file shows, each in order."""
    members = evidence.of_contract("members", "MemberFrozen")
    for side in (case.terms.provider, case.terms.consumer):
        own = [(h, _EVERY) for h in members if h.value("member") == side]
        yield from _in_order(evidence, ("member", side), own)
    zones = [evidence.note(h) for h in evidence.of_contract("templates", "ZoneFrozen")]
    for zone in sorted({0, *(version.zone for version in (case, *case.amendments))}):
        own = [(h, int(h.value("purposes"))) for h in zones if h.value("zone") == zone]
        yield from _in_order(evidence, ("zone", zone), own)
    own = [(h, _EVERY) for h in case.named("AuthorizationFrozen")]
    yield from _in_order(evidence, ("authorization", 0), own)


def _in_order(
    evidence: Evidence, target: tuple[str, int], events: list[tuple[Happening, int]]
) -> Iterator[_Freeze]:
    for (happening, purposes), after in zip_longest(events, events[1:]):
        evidence.note(happening)
        following = None if after is None else after[0]
        yield _Freeze(happening, target, purposes, int(happening.value("until")), following)


def _require_clear(
    evidence: Evidence, case: Case, moment: Moment, freezes: list[_Freeze], was_frozen: bool
) -> None:
    """The state of the time, with what its block changed before, shows that nothing is frozen."""
    held = _held(evidence, case, moment, was_frozen)
    for freeze in freezes:
        if freeze.target in held and _precedes(freeze.happening, moment):
            held[freeze.target] = freeze.purposes, freeze.until
    for (kind, index), (purposes, until) in held.items():
        frozen = bool(purposes & moment.covered) and moment.time < until
        named = f"{kind} {index}" if index else kind
        require(moment.subject, (not frozen, f"{named} was frozen in block {moment.number}"))
    if moment.is_use:
        _require_not_suspended(evidence, case, moment)


def _held(
    evidence: Evidence, case: Case, moment: Moment, was_frozen: bool
) -> dict[tuple[str, int], tuple[int, int]]:
    """Return the purposes frozen and until when, by target, in the state of the time."""
    members = evidence.reader_at(moment.number, MEMBERS)
    templates = evidence.reader_at(moment.number, TEMPLATES)
    own = evidence.reader_at(moment.number, AUTHORIZATIONS) if was_frozen else None
    assert members is not None, "shown, as asked before"
    assert templates is not None, "shown, as asked before"
    sides = (case.terms.provider, case.terms.consumer)
    held = {("member", s): (_EVERY, registry.member_thaws_at(members, s)) for s in sides}
    held |= {("zone", z): zone_freeze(templates, z) for z in (moment.zone, 0)}
    if own is not None:
        held["authorization", 0] = _EVERY, own(registry.slot_of_freeze(case.identifier))
    return held


def _require_not_suspended(evidence: Evidence, case: Case, moment: Moment) -> None:
    own = evidence.reader_at(moment.number, AUTHORIZATIONS)
    assert own is not None, "shown, as asked before"
    standing = own(registry.slots_of_authorization(case.identifier)[0])
    suspended = registry.stored_status(standing) == AuthorizationStatus.SUSPENDED
    for happening in case.named("AuthorizationSuspended", "AuthorizationResumed"):
        if _precedes(happening, moment):
            approved = happening.event.values.get("approved", 0)
            suspended = approved != case.version_at(happening).requested.value("required")
    text = f"it was suspended in block {moment.number}"
    require(moment.subject, (not suspended, text))


def _precedes(happening: Happening, moment: Moment) -> bool:
    """Whether something happened in an event's own block, before it."""
    in_block = moment.order is not None and happening.block == moment.number + 1
    return in_block and _is_before(happening, moment)
