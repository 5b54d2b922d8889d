"""Reasons of `closings`, each an exception class with what to do next."""

from node.sdk.reverts.base import COUNT, DONE, LATE, LEASE, PARTY, ROLE, WAIT, revert

ClaimsExhausted = revert("closings: claims exhausted", COUNT)
DoesNotFollowTheLastReceipt = revert("closings: does not follow the last receipt", LEASE)
NeitherGatewayNorApprover = revert("closings: neither gateway nor approver", ROLE)
NotAHigherUse = revert("closings: not a higher use", LEASE)
NotAParty = revert("closings: not a party", PARTY)
NotClosing = revert("closings: not closing", LEASE)
NotLapsed = revert("closings: not lapsed", LEASE)
NotOpen = revert("closings: not open", LEASE)
NotTheNextUse = revert("closings: not the next use", LEASE)
ReceiptDoesNotAnswerTheRequest = revert("closings: receipt does not answer the request", LEASE)
StatedAlready = revert("closings: stated already", DONE)
TimeToAnswerIsNotOver = revert("closings: time to answer is not over", WAIT)
TimeToAnswerIsOver = revert("closings: time to answer is over", LATE)
TimeToClaimIsNotOver = revert("closings: time to claim is not over", WAIT)
TimeToClaimIsOver = revert("closings: time to claim is over", LATE)
UsesOutOfRange = revert("closings: uses out of range", LEASE)
