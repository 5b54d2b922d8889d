"""Leases: numbered without gap, opened within the terms and while active, as state keeps them."""

from node.audit.evidence import Case, Evidence, Happening, LeaseCase, naming, require
from node.audit.result import Details
from node.spec import registry
from node.spec.registry import LeaseState
from node.spec.terms import Wanted, needs_consents, refuse_request
from node.spec.types import Hash32
from node.spec.usage import lease_id
from node.spec.versions import VERSIONS, halts_of
from node.spec.vocabulary import DeliveryMode


def check_leases(evidence: Evidence, case: Case) -> Details:
    """Leases run 1 to the number in state, each within the terms, opened while active (R7)."""
    opened = case.named("LeaseOpened")
    for number, happening in enumerate(opened, 1):
        found, subject = happening.value("number"), f"{case.name}, {happening.where}"
        require(subject, (found == number, f"lease {found} stands where {number} is due"))
    count = case.state.leases
    require(case.name, (len(opened) == count, f"{len(opened)} leases shown of {count} in state"))
    case.leases = tuple(_lease(evidence, case, happening) for happening in opened)
    for lease in case.leases:
        _require_within_terms(case, lease)
        _require_active(case, lease)
    return {"leases": count}


def _lease(evidence: Evidence, case: Case, opened: Happening) -> LeaseCase:
    number, identifier = opened.value("number"), Hash32(opened.value("lease"))
    subject = f"{case.name}, lease {number}"
    expected = lease_id(case.identifier, number)
    require(subject, (identifier == expected, "its id is not that of its number"))
    with naming(subject):
        state = registry.lease(
            evidence.reader(registry.LEASES),
            evidence.reader(registry.MEMBERS),
            evidence.reader(registry.CLOSINGS),
            identifier,
        )
        sender = opened.sender()
        direct = opened.call()
    require(subject, (state is not None, "state holds no such lease"))
    assert state is not None, "required above"
    _require_state_of_event(subject, case, opened, state)
    if direct is None or direct.name not in ("open", "openMany"):
        case.cannot_show("indirect", event=opened.where)
    else:
        own = sender == state.consumer_key
        require(subject, (own, "it was not opened by the consumer key it names"))
    events = tuple(h for h in case.events if h.event.values.get("lease") == identifier)
    receipts = evidence.trail(identifier)
    hashes, halts = evidence.hashes(identifier), halts_of(evidence.reader(VERSIONS), 1)
    return LeaseCase(number, opened, events, state, receipts, hashes, halts)


def _require_state_of_event(subject: str, case: Case, opened: Happening, state: LeaseState) -> None:
    pairs = (
        ("uses", opened.value("uses"), state.uses),
        ("purpose", opened.value("purpose"), state.purpose),
        ("fields", opened.value("fields"), state.fields),
        ("mode", opened.value("mode"), state.mode),
        ("version of the terms", _version_at(case, opened), state.version),
        ("end", opened.value("expiresAt"), state.expires_at),
        ("opening block", opened.block, state.opened_at),
        ("provider", case.terms.provider, state.provider),
        ("consumer", case.terms.consumer, state.consumer),
    )
    for name, told, kept in pairs:
        require(subject, (told == kept, f"event and state differ in {name}"))


def _version_at(case: Case, opened: Happening) -> int:
    """Return the version of the terms that were in force when a lease was opened."""
    return 1 + sum(h.order < opened.order for h in case.named("AuthorizationAmended"))


def _require_within_terms(case: Case, lease: LeaseCase) -> None:
    opened, terms = lease.opened, case.terms_under(lease)
    subject = f"{case.name}, lease {lease.number}"
    mode = lease.state.mode
    require(subject, (mode in tuple(DeliveryMode), f"unknown delivery mode {mode}"))
    wanted = Wanted(
        lease.state.purpose,
        opened.value("fields") or terms.fields,
        DeliveryMode(mode),
        terms.destination,
        opened.time,
    )
    refusal = refuse_request(terms, wanted)
    require(
        subject,
        (refusal is None, f"it was opened against the terms: {refusal}"),
        (opened.time < lease.state.expires_at <= terms.valid_until, "it ends after the terms"),
        (lease.state.uses > 0, "it reserves no uses"),
        (lease.state.is_rated == bool(terms.rate_period), "event and state differ in rate"),
        (lease.state.is_per_use == needs_consents(terms), "state says another mode of consent"),
    )


def _require_active(case: Case, lease: LeaseCase) -> None:
    subject = f"{case.name}, lease {lease.number}"
    begins = case.named("AuthorizationActivated")
    ends = case.named("AuthorizationRevoked", "AuthorizationTerminated", "AuthorizationRejected")
    order = lease.opened.order
    require(
        subject,
        (bool(begins) and begins[0].order < order, "it was opened before the grant was active"),
        (all(order < end.order for end in ends), "it was opened after the grant had ended"),
    )
