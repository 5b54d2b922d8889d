"""Reasons of `consents`, each an exception class with what to do next."""

from node.sdk.reverts.base import DONE, ROLE, SHAPE, revert

NoConsent = revert("consents: no consent", SHAPE)
NoEvidence = revert("consents: no evidence", SHAPE)
NotTheProvidersApprover = revert("consents: not the provider's approver", ROLE)
NotTheSubjectsRevocation = revert("consents: not the subject's revocation", SHAPE)
RevokedAlready = revert("consents: revoked already", DONE)
