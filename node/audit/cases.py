"""Sorting a bundle's events by authorization: each case holds all that is shown of one.

A bundle speaks of the authorizations whose request it shows. Events of others may stand in the same
transactions (one call opens leases of many authorizations); they belong to no case.
"""

from collections.abc import Collection, Iterable

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
    require("bundle", (bool(requested), "it shows the request of no authorization"))
    leases = leases_of(evidence.happenings)
    cases = []
    for identifier, first in requested.items():
        own = {lease for lease, authorization in leases.items() if authorization == identifier}
        events = tuple(h for h in evidence.happenings if concerns(h, identifier, own))
        with naming(f"authorization {text_of(identifier)}"):
            cases.append(Case(identifier, first, events, terms_from_event(first.value("terms"))))
    evidence.cases = tuple(cases)


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
