"""Reasons of `affirmations`, each an exception class with what to do next."""

from node.sdk.reverts.base import SHAPE, SIGNATURE, revert

DatedInTheFuture = revert("affirmations: dated in the future", SHAPE)
DatedTooLongAgo = revert("affirmations: dated too long ago", SHAPE)
MalformedSignature = revert("affirmations: malformed signature", SIGNATURE)
NoSubjectConsents = revert("affirmations: no subject consents", SHAPE)
NotLaterThanTheLast = revert("affirmations: not later than the last", SHAPE)
NotOverdue = revert("affirmations: not overdue", SHAPE)
NotTermsInForce = revert("affirmations: not terms in force", SHAPE)
NotWhoConsented = revert("affirmations: not who consented", SHAPE)
TheDelegationHasEnded = revert("affirmations: the delegation has ended", SHAPE)
