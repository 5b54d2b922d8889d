"""Names of our things and of the vocabularies that renderings speak, as IRIs and prefixes."""

from typing import Any, Final

from chaincode.vocabulary import load
from node.errors import DecodeError
from node.spec.terms import Terms, authorization_id, grants_domain

ODRL: Final = "http://www.w3.org/ns/odrl.jsonld"
PROFILE: Final = "urn:dataccord:odrl:1"
PREFIXES: Final = {
    "dpv": "https://w3id.org/dpv#",
    "dpv-finance": "https://w3id.org/dpv/sector/finance#",
    "dct": "http://purl.org/dc/terms/",
    "dcd": f"{PROFILE}:",
}
DPV_CORE: Final = 44
"""The first purpose of the vocabulary that is DPV's own; before are its finance extension's."""

_BASES: Final = {
    "Consent": "ExplicitlyExpressedConsent",
    "Contract": "Contract",
    "LegalObligation": "LegalObligation",
    "LegitimateInterest": "LegitimateInterest",
    "OfficialAuthority": "OfficialAuthorityOfController",
    "PublicInterest": "PublicInterest",
    "VitalInterest": "VitalInterest",
}
"""DPV's names of the legal bases."""


def member(chain_id: int, index: int) -> str:
    """Return the IRI of a member."""
    return f"urn:dataccord:{chain_id}:member:{index}"


def product(chain_id: int, terms: Terms) -> str:
    """Return the IRI of the product version that terms are about."""
    return f"urn:dataccord:{chain_id}:product:0x{terms.product.hex()}:{terms.product_version}"


def authorization(chain_id: int, terms: Terms) -> str:
    """Return the IRI of the authorization that terms make."""
    return f"urn:dataccord:{chain_id}:authorization:0x{authorization_id(terms, chain_id).hex()}"


def subject(chain_id: int, terms: Terms) -> str:
    """Return the IRI of a subject, by its salted reference; empty where there is none."""
    reference = terms.subject_reference
    return f"urn:dataccord:{chain_id}:subject:0x{reference.hex()}" if any(reference) else ""


def purpose(index: int) -> str:
    """Return a purpose as DPV names it."""
    prefix = "dpv" if index >= DPV_CORE else "dpv-finance"
    return f"{prefix}:{name_of('purpose', index)}"


def legal_basis(index: int) -> str:
    """Return a legal basis as DPV names it; consent is separate and express, as providing asks."""
    return f"dpv:{_BASES[name_of('legal_basis', index)]}"


def jurisdiction(index: int) -> str:
    """Return the ISO 3166 code of a jurisdiction of the vocabulary."""
    return name_of("jurisdiction", index)


def name_of(table: str, index: int) -> str:
    """Return the name of an entry of the vocabulary.

    Raises:
        DecodeError: this version of the vocabulary has none such.
    """
    try:
        return load().term(table, index).name
    except KeyError as error:
        raise DecodeError(f"terms: {table} {index} is not in the vocabulary") from error


def signed(chain_id: int, terms: Terms) -> dict[str, Any]:
    """Return what every rendering carries of its source: digest, chain, contract and version."""
    domain = grants_domain(chain_id)
    return {
        "dcd:digest": "0x" + authorization_id(terms, chain_id).hex(),
        "dcd:chain": chain_id,
        "dcd:contract": "0x" + domain.verifying_contract.hex(),
        "dcd:domain": f"{domain.name} {domain.version}",
    }
