"""Terms as a DPV record in JSON-LD: a process with its purpose, data, parties, basis and status."""

from typing import Any, Final

from node.render import iri
from node.render.directory import NO_DIRECTORY, Directory
from node.render.facts import bits_of, field_name, instant
from node.spec.terms import Terms
from node.spec.vocabulary import AuthorizationStatus, Reason

STATUS: Final = {
    AuthorizationStatus.REQUESTED: "ConsentRequested",
    AuthorizationStatus.PARTIALLY_APPROVED: "ConsentRequested",
    AuthorizationStatus.ACTIVE: "ConsentGiven",
    AuthorizationStatus.REJECTED: "ConsentRefused",
    AuthorizationStatus.REVOKED: "ConsentRevoked",
    AuthorizationStatus.TERMINATED: "ConsentRevoked",
    AuthorizationStatus.EXPIRED: "ConsentExpired",
    AuthorizationStatus.EXHAUSTED: "ConsentExpired",
    AuthorizationStatus.SUSPENDED: "ConsentStatusInvalidForProcessing",
    AuthorizationStatus.APPLIED: "RenewedConsentGiven",
}
"""DPV's name of each of our states."""

WITHDRAWN: Final = "ConsentWithdrawn"
"""What DPV calls a revocation by the data subject."""

_PROCESSING: Final = {0: "Share", 1: "Transfer", 2: "Query", 3: "Infer", 4: "Match", 5: "Analyse"}
"""DPV's operation for each delivery mode."""


def status_of(status: AuthorizationStatus, reason: Reason | None = None) -> str:
    """Return DPV's name of a state; a subject's own revocation is a withdrawal."""
    if status == AuthorizationStatus.REVOKED and reason == Reason.SUBJECT_WITHDREW:
        return WITHDRAWN
    return STATUS[status]


def record(
    terms: Terms,
    chain_id: int,
    status: str = "",
    directory: Directory = NO_DIRECTORY,
) -> dict[str, Any]:
    """Return the record; `status` is DPV's name of where the authorization stands, if known.

    Raises:
        DecodeError: an index of the terms is not in this version of the vocabulary.
    """
    modes = bits_of(terms.modes)
    found: dict[str, Any] = {
        "@context": iri.PREFIXES,
        "@id": iri.authorization(chain_id, terms),
        "@type": "dpv:Process",
        **iri.signed(chain_id, terms),
        "dct:source": iri.product(chain_id, terms),
        "dpv:hasDataController": [
            _member(chain_id, terms.provider, directory),
            _member(chain_id, terms.consumer, directory),
        ],
        "dpv:hasRecipient": [
            _member(chain_id, index, directory)
            for index in (terms.consumer, *bits_of(terms.recipients))
        ],
        "dpv:hasPurpose": {"@id": iri.purpose(terms.purpose)},
        "dpv:hasLegalBasis": {"@id": iri.legal_basis(terms.legal_basis)},
        "dpv:hasProcessing": [{"@id": f"dpv:{_processing(mode)}"} for mode in modes],
        "dpv:hasData": [field_name(place, directory) for place in bits_of(terms.fields)],
        "dpv:hasJurisdiction": iri.jurisdiction(terms.destination),
        "dpv:hasDuration": {"dct:valid": [instant(terms.valid_from), instant(terms.valid_until)]},
        "dpv:hasFrequency": {"dcd:maximumUses": terms.maximum_uses},
    }
    subject = iri.subject(chain_id, terms)
    if subject:
        found["dpv:hasDataSubject"] = {"@id": subject}
    if status:
        found["dpv:hasConsentStatus"] = {"@id": f"dpv:{status}"}
    return found


def _processing(mode: int) -> str:
    iri.name_of("delivery_mode", mode)
    return _PROCESSING[mode]


def _member(chain_id: int, index: int, directory: Directory) -> dict[str, Any]:
    name = directory.name_of(index)
    card = {"dcd:unsignedName": name} if name else {}
    return {"@id": iri.member(chain_id, index), **card}
