"""Terms as a consent record after ISO/IEC TS 27560:2023, with every field that it makes mandatory.

The standard asks for names, addresses and places that no ledger should hold. They come from the
`Directory`; where one is missing the record is refused, because a record with a gap is none. The
states of the authorization, with their times, are the record's events.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from chaincode.vocabulary import load
from node.errors import Refused
from node.render import iri
from node.render.directory import Directory
from node.render.facts import bits_of, field_name, instant
from node.spec.terms import Terms

SCHEMA_VERSION: Final = "ISO/IEC TS 27560:2023"
PROFILE: Final = "https://w3id.org/dpv/schema/dpv-27560#record"
_INCOMPLETE: Final = "consent record: incomplete"

HEADER: Final = ("schema_version", "record_id", "pii_principal_id")
PROCESSING: Final = (
    *("privacy_notice", "language", "purpose", "pii_information", "pii_controllers"),
    *("storage_locations", "retention_period", "jurisdiction"),
    *("recipient_third_parties", "withdrawal_method"),
)
DATA: Final = ("pii_type",)
PARTY: Final = ("party_id", "party_name", "party_address", "party_contact", "party_type")
EVENT: Final = ("event_time", "validity_duration", "entity_id", "event_type", "event_state")
"""The mandatory fields of each section of the standard."""


@dataclass(frozen=True, slots=True)
class Event:
    """One change of state: Unix seconds, who made it, and DPV's name of the state after it."""

    time: int
    member: int
    """0 stands for the data subject."""
    kind: str
    state: str


def record(
    terms: Terms, chain_id: int, events: Sequence[Event], directory: Directory
) -> dict[str, Any]:
    """Return the record.

    Raises:
        Refused: a mandatory field is missing, named in `why`.
        DecodeError: an index of the terms is not in this version of the vocabulary.
    """
    subject = iri.subject(chain_id, terms)
    require(subject, "the terms have no data subject")
    require(events, "no event is given")
    involved = (terms.provider, terms.consumer, *bits_of(terms.recipients))
    return {
        "@context": iri.PREFIXES,
        "dct:conformsTo": PROFILE,
        **iri.signed(chain_id, terms),
        "dcd:notSigned": ["party_identification", "privacy_notice", "storage_locations"],
        "record": {
            "schema_version": SCHEMA_VERSION,
            "record_id": iri.authorization(chain_id, terms),
            "pii_principal_id": subject,
        },
        "pii_processing": _processing(terms, chain_id, directory),
        "party_identification": [_party(chain_id, index, directory) for index in involved],
        "consent_events": [_event(terms, chain_id, event) for event in events],
    }


def require(value: object, why: str) -> None:
    """Refuse a record with a gap."""
    if not value:
        raise Refused(_INCOMPLETE, why=why, next_command="add it to the directory file")


def _processing(terms: Terms, chain_id: int, directory: Directory) -> dict[str, Any]:
    require(directory.privacy_notice, "no privacy notice is named")
    require(directory.storage_locations, "no storage location is named")
    require(directory.withdrawal, "no way to withdraw is named")
    controllers = (terms.provider, terms.consumer)
    recipients = [iri.member(chain_id, index) for index in bits_of(terms.recipients)]
    days = terms.retention_days
    return {
        "privacy_notice": directory.privacy_notice,
        "language": ["zh", "en"],
        "purpose": [iri.purpose(terms.purpose)],
        "lawful_basis": iri.legal_basis(terms.legal_basis),
        "pii_information": [_data(place, directory) for place in bits_of(terms.fields)],
        "pii_controllers": [iri.member(chain_id, index) for index in controllers],
        "processing_method": [iri.name_of("delivery_mode", mode) for mode in bits_of(terms.modes)],
        "storage_locations": list(directory.storage_locations),
        "retention_period": f"P{days}D after {instant(terms.valid_until)}",
        "geographic_restrictions": iri.jurisdiction(terms.destination),
        "jurisdiction": iri.jurisdiction(load().home),
        "recipient_third_parties": recipients or ["none"],
        "withdrawal_method": directory.withdrawal,
    }


def _data(place: int, directory: Directory) -> dict[str, Any]:
    require(place < len(directory.kinds), f"field {place} has no kind")
    kinds = {term.name: term for term in load()["field_kind"]}
    kind = kinds.get(directory.kinds[place])
    require(kind, f"{directory.kinds[place]!r} is no kind of the vocabulary")
    assert kind is not None, "required above"
    return {
        "pii_type": kind.name,
        "pii_attribute_id": field_name(place, directory),
        "sensitive_pii_category": iri.name_of("personal_class", kind.personal_class),
    }


def _party(chain_id: int, index: int, directory: Directory) -> dict[str, Any]:
    card = directory.members.get(index)
    require(card, f"member {index} is not in the directory")
    assert card is not None, "required above"
    found = {
        "party_id": iri.member(chain_id, index),
        "party_name": card.name,
        "party_address": card.address,
        "party_contact": card.contact,
        "party_type": "legal entity",
    }
    for name, value in found.items():
        require(value, f"member {index} has no {name}")
    return found


def _event(terms: Terms, chain_id: int, event: Event) -> dict[str, Any]:
    actor = iri.member(chain_id, event.member) if event.member else iri.subject(chain_id, terms)
    return {
        "event_time": instant(event.time),
        "validity_duration": f"{instant(terms.valid_from)}/{instant(terms.valid_until)}",
        "entity_id": actor,
        "event_type": event.kind,
        "event_state": event.state,
    }
