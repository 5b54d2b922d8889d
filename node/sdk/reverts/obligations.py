"""Reasons of `obligations`, each an exception class with what to do next."""

from node.sdk.reverts.base import DONE, ROLE, SHAPE, revert

DateOutOfRange = revert("obligations: date out of range", SHAPE)
DeletionIsCertified = revert("obligations: deletion is certified", SHAPE)
DeletionIsHeld = revert("obligations: deletion is held", SHAPE)
LeasesAreNotClosed = revert("obligations: leases are not closed", SHAPE)
NoCase = revert("obligations: no case", SHAPE)
NoEvidence = revert("obligations: no evidence", SHAPE)
NotAKindThatIsImposed = revert("obligations: not a kind that is imposed", SHAPE)
NotASide = revert("obligations: not a side", SHAPE)
NotAllLeases = revert("obligations: not all leases", SHAPE)
NotAnApprover = revert("obligations: not an approver", ROLE)
NotAnApproverOfARegulator = revert("obligations: not an approver of a regulator", ROLE)
NotAnOfficer = revert("obligations: not an officer", ROLE)
NotLate = revert("obligations: not late", SHAPE)
NotOwed = revert("obligations: not owed", SHAPE)
NotTheConsumer = revert("obligations: not the consumer", SHAPE)
OnlyDisputes = revert("obligations: only disputes", SHAPE)
OpenedAlready = revert("obligations: opened already", DONE)
OutsideTheMandate = revert("obligations: outside the mandate", SHAPE)
OwedByAnotherMember = revert("obligations: owed by another member", SHAPE)
TheAuthorizationHasNotEnded = revert("obligations: the authorization has not ended", SHAPE)
