"""Template and lists of the time: terms were made within those in force at their block (A12, A13).

A template's own word in state says whether it was adopted and is retired, each of which happens
once, so their events tell when. Each list counts its changes in state: as many events as it counts
are all there were, and played up to a point of the chain they are the list of that point. An entry
bites on whatever covers one of its purposes, because a lease for a parent serves its children (R6).
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from node.audit.evidence import Case, Evidence, Happening, NotShown, naming, require, text_of
from node.audit.result import Details
from node.spec.registry import TEMPLATES
from node.spec.templates import (
    Template,
    entries,
    is_refused,
    list_changes,
    refuse_careless,
    refuse_clauses,
    template,
    was_adopted,
)
from node.spec.types import Hash32
from node.spec.vocabulary import ProductStatus

CHANGES_MAX: Final = 1_000
"""Changes of a list that one bundle shows; beyond, the lists of the time are not provable."""


def check_lists(evidence: Evidence, case: Case) -> Details:
    """Each version lies within its template, and neither list of the time forbade it or a lease."""
    with naming(case.name):
        refusals, cautions = _changes(evidence)
    for version in (case, *case.amendments):
        _require_template(evidence, version)
        _require_cautions(version, cautions)
        for happening in version.named("AuthorizationRequested", "AuthorizationApproved"):
            _require_allowed(case, version, refusals, happening, version.terms.purpose)
    for lease in case.leases:
        version = case.version_at(lease.opened)
        _require_allowed(case, version, refusals, lease.opened, lease.state.purpose)
    return {"refusals": len(refusals), "cautions": len(cautions)}


def _changes(evidence: Evidence) -> tuple[list[Happening], list[Happening]]:
    """Return all changes of the negative and of the cautious list, in order."""
    counts = list_changes(evidence.reader(TEMPLATES))
    names = ("PurposesRefused", "CautionSet")
    found = tuple(evidence.of_contract("templates", name) for name in names)
    for changes, count in zip(found, counts, strict=True):
        shown = [happening.value("version") for happening in changes]
        in_order = shown == sorted(set(shown)) and all(0 < version <= count for version in shown)
        require("lists", (in_order, "state counts other changes of a list than are shown"))
        if len(changes) < count:
            raise NotShown("list-changes", missing=count - len(changes))
        for happening in changes:
            evidence.note(happening)
    return found[0], found[1]


def _require_template(evidence: Evidence, version: Case) -> None:
    """The template was adopted and not retired when the terms were asked for, and has room."""
    text = version.terms.template
    with naming(version.name):
        found = template(evidence.reader(TEMPLATES), text)
    require(version.name, (found is not None and was_adopted(found), "no template was adopted"))
    assert found is not None, "required above"
    refusal = refuse_clauses(found, version.terms)
    require(version.name, (refusal is None, f"it lies outside its template: {refusal}"))
    _require_in_force(evidence, version, found, text)


def _require_in_force(evidence: Evidence, version: Case, found: Template, text: Hash32) -> None:
    asked = version.requested.order
    adopted = list(_of_template(evidence, "TemplateAdopted", text))
    retired = list(_of_template(evidence, "TemplateRetired", text))
    is_retired = found.status == ProductStatus.RETIRED
    if not adopted or (is_retired and not retired):
        raise NotShown("template", template=text_of(text))
    require(
        version.name,
        (len(adopted) == 1 and len(retired) == is_retired, "state has its template otherwise"),
        (adopted[0].order < asked, "its template was adopted later"),
        (not retired or asked < retired[0].order, "its template was retired before"),
    )


def _of_template(evidence: Evidence, name: str, text: Hash32) -> Iterator[Happening]:
    for happening in evidence.of_contract("templates", name):
        if happening.value("template") == text:
            yield evidence.note(happening)


def _require_allowed(
    case: Case, version: Case, refusals: list[Happening], at: Happening, purpose: int
) -> None:
    """The negative list, as it stood when something happened, did not refuse it."""
    listed: dict[tuple[int, int], int] = defaultdict(int)
    for change in refusals:
        if change.order < at.order:
            entry = change.value("category"), change.value("destination")
            listed[entry] = change.value("purposes")
    refused = is_refused(listed, version.zone, version.terms.destination, purpose)
    subject = f"{case.name}, {at.where}"
    require(subject, (not refused, "the negative list in force refuses its purpose"))


def _require_cautions(version: Case, cautions: list[Happening]) -> None:
    """The cautious list, as it stood when the terms were asked for, was met."""
    asked: dict[tuple[int, int], tuple[int, int]] = {}
    for change in cautions:
        if change.order < version.requested.order:
            entry = change.value("category"), change.value("destination")
            asked[entry] = tuple(change.value("caution"))
    concerned = [asked[e] for e in entries(version.zone, version.terms.destination) if e in asked]
    required = int(version.requested.value("required"))
    refusal = refuse_careless(concerned, version.terms, required)
    require(version.name, (refusal is None, f"the cautious list was not met: {refusal}"))
