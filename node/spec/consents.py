"""Consents: what a data subject signs to permit one use, in subject mode `perUse` (R2).

The Python twin of the EIP-712 structures of `chaincode/consents.vy`. A receipt carries the hash of
the consent that the provider's gateway verified; both sides keep the consent itself. One consent
permits one use.
"""

from dataclasses import astuple, dataclass
from typing import Final

from chaincode import ADDRESSES
from node.errors import SignatureError
from node.spec.crypto import recover
from node.spec.slots import mapping_slot
from node.spec.terms import CONTRACT_VERSION, NAME
from node.spec.typed_data import Domain, struct_hash, typed_digest
from node.spec.types import ZERO_ADDRESS, Address, Hash32
from node.spec.vocabulary import purpose_covers

CONSENT_TYPE: Final = (
    "Consent(bytes32 authorization,address subject,bytes32 subjectReference,uint16 purpose,"
    "uint256 fields,uint64 validUntil,bytes32 exportReference,uint256 nonce)"
)
REVOKED: Final = 0
"""Where Consents keeps the block that took a consent back; a test holds it to the layout."""

REVOCATION_TYPE: Final = "ConsentRevocation(bytes32 consent)"


@dataclass(frozen=True, slots=True)
class Consent:
    """A subject's consent to one use of a standing authorization.

    `fields` has a bit for each field consented to; `valid_until` is the first second out;
    `export_reference` is the subject's in the exporter's register of the year (R20), zero at home.
    """

    authorization: Hash32
    subject: Address
    subject_reference: Hash32
    purpose: int
    fields: int
    valid_until: int
    export_reference: Hash32
    nonce: int


@dataclass(frozen=True, slots=True)
class SignedConsent:
    """A consent with its subject's signature."""

    consent: Consent
    signature: bytes


def consent_hash(consent: Consent, chain_id: int) -> Hash32:
    """Return the digest a subject signs, which a receipt carries."""
    return typed_digest(_domain(chain_id), struct_hash(CONSENT_TYPE, astuple(consent)))


def consent_revocation_digest(consent: Hash32, chain_id: int) -> Hash32:
    """Return the digest a subject signs to take a consent back."""
    return typed_digest(_domain(chain_id), struct_hash(REVOCATION_TYPE, (consent,)))


def verify_consent(signed: SignedConsent, chain_id: int) -> Hash32:
    """Return the hash of a consent that its subject signed.

    Raises:
        SignatureError: the signature is malformed or another key's.
    """
    hashed = consent_hash(signed.consent, chain_id)
    subject = signed.consent.subject
    if subject == ZERO_ADDRESS or recover(hashed, signed.signature) != subject:
        raise SignatureError("consent: not signed by its subject")
    return hashed


def refuse_use(
    consent: Consent, authorization: Hash32, purpose: int, fields: int, at: int
) -> str | None:
    """Return why a consent does not permit a use of these fields at a time, or None."""
    checks = (
        (consent.authorization == authorization, "is for another authorization"),
        (purpose_covers(consent.purpose, purpose), "is for another purpose"),
        (fields & ~consent.fields == 0, "does not cover a field"),
        (at < consent.valid_until, "has expired"),
    )
    return next((f"consent {reason}" for holds, reason in checks if not holds), None)


def slot_of_consent(authorization: Hash32, consent: Hash32) -> int:
    """Return the slot that holds the block which took a consent back, 0 for none."""
    return mapping_slot(mapping_slot(REVOKED, authorization), consent)


def _domain(chain_id: int) -> Domain:
    return Domain(NAME, CONTRACT_VERSION, chain_id, Address(ADDRESSES["consents"]))
