"""Sorting a bundle's events by authorization: each case holds all that is shown of one.

A bundle speaks of the authorizations whose request it shows; requests of amendments that took
effect are versions of theirs, and others are nobody's. Events of others may stand in the same
transactions (one call opens leases of many authorizations); they belong to no case.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from node.audit.evidence import Case, Evidence, Happening, naming, require, text_of
from node.sdk.contracts import terms_from_event
from node.spec.types import Hash32


def gather_cases(evidence: Evidence) -> None:
    """Set `evidence.cases` from its events.

    Raises:
        CheckFailed: no authorization is requested in the bundle, or one is twice.
    """
    requested: dict[Hash32, Happening] = {}
    for happening in evidence.happenings:
        if happening.name == "AuthorizationRequested":
            identifier = Hash32(happening.value("authorization"))
            name = f"authorization {text_of(identifier)}"
            require(name, (identifier not in requested, "it is requested twice"))
            requested[identifier] = happening
    applied = {
        Hash32(happening.value("amendment")): happening
        for happening in evidence.happenings
        if happening.name == "AuthorizationAmended"
    }
    leases = leases_of(evidence.happenings)
    versions = {name: _case(evidence, name, first, {}) for name, first in requested.items()}
    cases = []
    for identifier, version in versions.items():
        if not any(version.terms.amends):
            own = {lease for lease, authorization in leases.items() if authorization == identifier}
            case = _case(evidence, identifier, version.requested, own)
            case.amendments = tuple(_amendments(case, versions, applied))
            cases.append(case)
    require("bundle", (bool(cases), "it shows the request of no authorization"))
    evidence.cases = tuple(cases)


def _case(
    evidence: Evidence, identifier: Hash32, first: Happening, leases: Collection[Hash32]
) -> Case:
    events = tuple(h for h in evidence.happenings if concerns(h, identifier, leases))
    with naming(f"authorization {text_of(identifier)}"):
        return Case(identifier, first, events, terms_from_event(first.value("terms")))


def _amendments(
    case: Case, versions: Mapping[Hash32, Case], applied: Mapping[Hash32, Happening]
) -> Iterator[Case]:
    """Yield the versions after the first, in the order in which they took effect."""
    for happening in case.named("AuthorizationAmended"):
        digest = Hash32(happening.value("amendment"))
        subject = f"{case.name}, {happening.where}"
        require(subject, (digest in versions, "the request of the amendment is not shown"))
        versions[digest].amended = applied[digest]
        yield versions[digest]


def leases_of(happenings: Iterable[Happening]) -> dict[Hash32, Hash32]:
    """Return the authorization of each lease that is opened in these events."""
    return {
        Hash32(h.value("lease")): Hash32(h.value("authorization"))
        for h in happenings
        if h.name == "LeaseOpened"
    }


def concerns(happening: Happening, authorization: Hash32, leases: Collection[Hash32]) -> bool:
    """Whether an event is of the authorization or of one of its leases."""
    values = happening.event.values
    lease = values.get("lease")
    return values.get("authorization") == authorization or (lease is not None and lease in leases)
