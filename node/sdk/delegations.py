"""Delegations and consents, as calls: who may approve for a subject, and what it takes back.

Each builds the call of one contract function; `node.sdk.sender` signs and sends it.
"""

from dataclasses import astuple

from node.sdk.abi import encode_call
from node.sdk.contracts import Call
from node.spec.consents import Consent
from node.spec.delegations import Delegation
from node.spec.registry import CONSENTS, DELEGATIONS
from node.spec.types import Hash32


def carry_delegation(delegation: Delegation, signature: bytes) -> Call:
    """Carry in a subject's signed delegation to an agent."""
    return _delegations("delegate", astuple(delegation), signature)


def vouch_for_guardian(delegation: Delegation) -> Call:
    """Vouch for a guardian, as an approver, by the hash of the evidence."""
    return _delegations("vouch", astuple(delegation))


def end_delegation(delegation: Hash32) -> Call:
    """End a delegation, as principal, agent or the member that vouched."""
    return _delegations("end", delegation)


def carry_end_of_delegation(delegation: Hash32, signature: bytes) -> Call:
    """Carry in the signed end of a delegation."""
    return _delegations("endSigned", delegation, signature)


def revoke_consent(consent: Consent, signature: bytes) -> Call:
    """Carry in a subject's signed revocation of its consent to a use (R2)."""
    return _consents("revokeConsent", astuple(consent), signature)


def withdraw_consent(authorization: Hash32, consent: Hash32, evidence: Hash32) -> Call:
    """Take a consent back, as the provider, for a subject that lost its key (R3)."""
    return _consents("withdrawConsent", authorization, consent, evidence)


def _delegations(function: str, *values: object) -> Call:
    data = encode_call("delegations", function, *values)
    return Call(DELEGATIONS, data, f"delegations.{function}")


def _consents(function: str, *values: object) -> Call:
    return Call(CONSENTS, encode_call("consents", function, *values), f"consents.{function}")
