"""Exports: a person's data left the country only once that person was counted in the year (R20).

That a reference stands for one person, and one person for one reference, is proved only where the
exporter opens its register.
"""

from node.audit.evidence import Case, Evidence, LeaseCase, naming, require
from node.audit.result import Details
from node.spec import registry
from node.spec.exports import needs_record, slot_of_person, slot_of_record, year_of
from node.spec.slots import ReadSlot, mapping_slot
from node.spec.terms import Terms

_VERSIONS = 0
_CLASSES = (9, 10)
"""Of Catalog: `versions`, and where in a version the masks of classes C2 and C3 lie."""


def sensitive_slots(terms: Terms) -> tuple[int, ...]:
    """Return the slots that say which fields of a product version are sensitive."""
    base = mapping_slot(mapping_slot(_VERSIONS, terms.product), terms.product_version)
    return tuple(base + offset for offset in _CLASSES)


def check_exports(evidence: Evidence, case: Case) -> Details:
    """Each lease abroad stands on a record of its year, each use of a person on that person's."""
    persons: set[bytes] = set()
    for lease in case.leases:
        version = case.version_under(lease)
        terms = version.terms
        if not needs_record(terms):
            continue
        subject = f"{case.name}, {lease.name}"
        slot = slot_of_record(version.identifier, year_of(lease.opened.time))
        with naming(subject):
            recorded = evidence.reader(registry.EXPORTS)(slot)
        known = 0 < recorded <= lease.opened.block
        require(subject, (known, "no export was on record for its year"))
        persons |= _persons(evidence, case, lease, terms)
    return {"persons": len(persons)}


def _persons(evidence: Evidence, case: Case, lease: LeaseCase, terms: Terms) -> set[bytes]:
    """Return the persons whose data the uses of a lease took abroad, each counted before."""
    found: set[bytes] = set()
    for use in lease.receipts if lease.state.is_per_use else ():
        subject = f"{case.name}, {lease.name}, receipt {use.receipt.number}"
        assert use.consent is not None, "the check of consents came before"
        reference = use.consent.consent.export_reference
        with naming(subject):
            read = evidence.reader(registry.CATALOG)
            sensitive = bool(terms.fields & _joined(read, terms))
            year = year_of(use.receipt.used_at)
            slot = slot_of_person(terms.provider, year, reference, is_sensitive=sensitive)
            counted = evidence.reader(registry.EXPORTS)(slot)
        before = 0 < counted <= use.receipt.state_block
        require(subject, (before, "its person was not counted among the year's exports"))
        found.add(reference)
    return found


def _joined(read: ReadSlot, terms: Terms) -> int:
    second, third = map(read, sensitive_slots(terms))
    return second | third
