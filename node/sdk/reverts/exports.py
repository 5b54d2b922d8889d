"""Reasons of `exports`, each an exception class with what to do next."""

from node.sdk.reverts.base import LATE, ROLE, SHAPE, revert

CountOutOfRange = revert("exports: count out of range", SHAPE)
EmptyReference = revert("exports: empty reference", SHAPE)
FewerThanWereDeclared = revert("exports: fewer than were declared", SHAPE)
NoReferences = revert("exports: no references", SHAPE)
NotAnApprover = revert("exports: not an approver", ROLE)
NotTermsInForce = revert("exports: not terms in force", SHAPE)
NotTheExportersGatewayOrApprover = revert("exports: not the exporter's gateway or approver", ROLE)
NothingLeavesUnderTheseTerms = revert("exports: nothing leaves under these terms", SHAPE)
PastTheMechanismsLimit = revert("exports: past the mechanism's limit", LATE)
SensitiveDataAreNotExempt = revert("exports: sensitive data are not exempt", SHAPE)
TheTermsHaveOneSubject = revert("exports: the terms have one subject", SHAPE)
TheYearHasNotBegun = revert("exports: the year has not begun", SHAPE)
