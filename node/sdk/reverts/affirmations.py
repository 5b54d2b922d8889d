"""Reasons of `affirmations`, each an exception class with what to do next."""

from node.sdk.reverts.base import SHAPE, SIGNATURE, revert

MalformedSignature = revert("affirmations: malformed signature", SIGNATURE)
NoSubjectConsents = revert("affirmations: no subject consents", SHAPE)
NotOverdue = revert("affirmations: not overdue", SHAPE)
NotTermsInForce = revert("affirmations: not terms in force", SHAPE)
NotWhoConsented = revert("affirmations: not who consented", SHAPE)
