"""Terms: what was agreed is what state enforces, version after version, and what rules allow.

An authorization keeps the id of its first terms; each amendment names by digest the terms it
replaces, and state names the digest of each version. Leases are held to the version they were
opened under.
"""

from typing import Final

from node.audit.checks_conditions import check_conditions
from node.audit.evidence import Case, Evidence, naming, require
from node.audit.result import Details
from node.spec import registry
from node.spec.amendments import refuse_amendment
from node.spec.crypto import keccak256
from node.spec.onward import DEPTH_MAX, refuse_child
from node.spec.sandboxes import sandbox_of
from node.spec.slots import mapping_slot
from node.spec.terms import Terms, authorization_id
from node.spec.types import Hash32
from node.spec.vocabulary import HOME, DeliveryMode, Mechanism, MemberKind, mask

GUARDED: Final = mask(DeliveryMode.QUERY, DeliveryMode.MODEL, DeliveryMode.PSI, DeliveryMode.MPC)
"""Modes in which no record of a person leaves the provider."""

VERSIONS: Final = 0
"""Position of `versions` in Catalog: product to version number to the words below."""
_SUMMARY, _DOCUMENTS, _LEVELS, _CLASS3 = 0, 2, 3, 10
LEVELS: Final = 5


def product_slots(product: Hash32, version: int) -> tuple[int, ...]:
    """Return the slots of a product version that its terms depend on."""
    base = mapping_slot(mapping_slot(VERSIONS, product), version)
    levels = range(_LEVELS, _LEVELS + LEVELS)
    return tuple(base + offset for offset in (_SUMMARY, _DOCUMENTS, *levels, _CLASS3))


def zone_of(summary: int) -> int:
    """Return the zone that the summary of a product version names."""
    return summary >> 48 & 0xFF


def check_terms(evidence: Evidence, case: Case) -> Details:
    """The terms hash to the authorization's id, and state holds these terms and no others."""
    before = case
    for number, version in enumerate((case, *case.amendments), 1):
        _require_version(evidence, case, version)
        if number > 1:
            _require_follows(evidence, case, before, version, number)
        before = version
    versions = 1 + len(case.amendments)
    known = case.state.version == versions
    require(case.name, (known, f"state holds version {case.state.version}, {versions} are shown"))
    _require_state_of_terms(case)
    _require_parent(evidence, case)
    return {"uses": case.in_force.maximum_uses, "from": case.in_force.valid_from}


def _require_version(evidence: Evidence, case: Case, version: Case) -> None:
    """A version's terms hash to its digest, state has its record, and its product allows it."""
    computed = authorization_id(version.terms, evidence.chain_id)
    require(version.name, (computed == version.identifier, "the terms do not hash to its id"))
    with naming(version.name):
        read = evidence.reader(registry.AUTHORIZATIONS)
        version.proved_state = registry.authorization(read, version.identifier)
    require(version.name, (version.proved_state is not None, "state holds no such authorization"))
    _require_product(evidence, version)
    check_conditions(evidence, case, version, summary_of(evidence, version.terms))


def summary_of(evidence: Evidence, terms: Terms) -> int:
    """Return the proved summary of the product version that terms are about."""
    slot = product_slots(terms.product, terms.product_version)[_SUMMARY]
    return evidence.reader(registry.CATALOG)(slot)


def _require_follows(
    evidence: Evidence, case: Case, before: Case, version: Case, number: int
) -> None:
    """An amendment is the next version of the terms before it, by its own word and by state's."""
    new, old = version.terms, before.terms
    tried = sandbox_of(summary_of(evidence, new)), sandbox_of(summary_of(evidence, old))
    refusal = refuse_amendment(new, old, before.identifier, tried, evidence.chain_id)
    slot = registry.slot_of_version(case.identifier, number)
    with naming(case.name):
        held = evidence.reader(registry.AUTHORIZATIONS)(slot)
    require(
        version.name,
        (refusal is None, f"it is no amendment: {refusal}"),
        (held == int.from_bytes(version.identifier, "big"), "state names another version"),
        (version.state.version == 1, "state holds it as amended itself"),
        (version.amended is not None, "nothing shows that it took effect"),
    )
    assert version.amended is not None, "required above"
    require(
        version.name,
        (version.amended.value("version") == number, "it took effect as another version"),
    )


def _require_state_of_terms(case: Case) -> None:
    names = (
        *("provider", "consumer", "valid_until", "destination"),
        *("exchange", "subject_mode", "purpose", "fields", "modes", "rate_period", "rate_limit"),
        *("maximum_uses", "valid_from", "unsigned_maximum", "answer_within", "settle_within"),
        *("acknowledge_within", "retention_days"),
    )
    # Limits are written with the last approval; before, nothing can be leased by them.
    in_force = bool(case.named("AuthorizationActivated"))
    for name in names if in_force else names[:4]:
        same = getattr(case.state, name) == getattr(case.in_force, name)
        require(case.name, (same, f"state and terms differ in {name.replace('_', ' ')}"))
    newest = (case, *case.amendments)[-1]
    require(case.name, (case.state.zone == newest.zone, "state and product differ in zone"))


def _require_product(evidence: Evidence, case: Case) -> None:
    """The product version is the provider's, and its fields may be granted so (R4)."""
    terms = case.terms
    read = evidence.reader(registry.CATALOG)
    slots = product_slots(terms.product, terms.product_version)
    summary, documents, *levels, class3 = (read(slot) for slot in slots)
    case.levels, case.zone = tuple(levels), zone_of(summary)
    high = terms.fields & (levels[3] | levels[4])
    require(
        case.name,
        (_offers(summary, terms), "the product is another member's"),
        (_has_documents(documents, terms), "template and price plan are not the product's"),
        (not summary >> 97 & 1, "an open product is not granted"),
        (_is_priced(summary, terms), "the class of price is not the product's"),
        (
            terms.fields >> (summary >> 56 & 0xFFFF) == 0,
            "a field that the product does not have",
        ),
        (terms.fields & class3 == 0, "a field of class C3 is granted"),
        (not high or terms.modes & ~GUARDED == 0, "a mode not allowed at level 4"),
        (not terms.fields & levels[4] or terms.destination == HOME, "level 5 goes abroad"),
        (_has_ground(terms), "it goes abroad without a mechanism that outlasts it"),
    )


def _offers(summary: int, terms: Terms) -> bool:
    """Whether a product is its provider's; what is shared onward is held to its parent instead."""
    return summary & 0xFFFFFFFF == terms.provider or any(terms.parent)


def _has_documents(documents: int, terms: Terms) -> bool:
    """Whether template and price plan are the product's; a share of it is held to its parent."""
    held = keccak256(terms.template + terms.price_plan)
    return documents == int.from_bytes(held, "big") or any(terms.parent)


def _is_priced(summary: int, terms: Terms) -> bool:
    """Whether the class of price is the product's; whoever shares onward sets its own (R18)."""
    return summary >> 76 & 15 == terms.price_class or any(terms.parent)


def _has_ground(terms: Terms) -> bool:
    if terms.destination == HOME:
        return terms.mechanism == Mechanism.NONE
    named = terms.mechanism != Mechanism.NONE and any(terms.mechanism_reference)
    return named and terms.mechanism_until >= terms.valid_until


def _require_parent(evidence: Evidence, case: Case) -> None:
    """What is shared onward lies within its parent, which the bundle proves too."""
    case.ancestors = ancestors_of(evidence, case)
    if not case.ancestors:
        return
    above = case.ancestors[0]
    for version in (case, *case.amendments):
        # It took effect under those of its parent that it was asked for within, or not at all.
        refusal = refuse_child(version.terms, above.version_at(version.requested).terms)
        require(version.name, (refusal is None, f"it lies beyond its parent: {refusal}"))
    given = sum(
        happening.value("uses")
        for happening in above.named("UsesSharedOnward")
        if happening.value("child") == case.identifier
    )
    owed = case.in_force.maximum_uses if case.named("AuthorizationActivated") else 0
    require(case.name, (given == owed, "its parent gave it other uses than it may make"))


def ancestors_of(evidence: Evidence, case: Case) -> tuple[Case, ...]:
    """Return the authorizations that one shares onward, its parent first."""
    known = {other.identifier: other for other in evidence.cases}
    found: list[Case] = []
    parent = case.terms.parent
    while any(parent):
        present = parent in known and len(found) < DEPTH_MAX
        require(case.name, (present, "what it shares onward is not in the bundle"))
        found.append(known[parent])
        parent = known[parent].terms.parent
    return tuple(found)


def check_parties(evidence: Evidence, case: Case) -> Details:
    """The parties are members of the consortium, each known by its LEI or USCC."""
    wanted = set(case.regulators)
    exchanges = set()
    for version in (case, *case.amendments):
        terms = version.terms
        wanted |= {terms.provider, terms.consumer}
        wanted |= {terms.exchange, terms.operator, terms.approver} - {0}
        exchanges |= {terms.exchange} - {0}
    for index in sorted(wanted):
        subject = f"{case.name}, member {index}"
        with naming(subject):
            member = registry.member(evidence.reader(registry.MEMBERS), index)
        require(subject, (member is not None and bool(member.identifier), "it is no member"))
        if member is not None:
            case.members[index] = member
    for index in sorted(exchanges):
        is_exchange = case.members[index].kind == MemberKind.EXCHANGE
        require(f"{case.name}, member {index}", (is_exchange, "it is no exchange"))
    return {"members": len(wanted)}
