"""Reasons of `supervision`, each an exception class with what to do next."""

from node.sdk.reverts.base import DONE, FROZEN, ROLE, SECOND, SHAPE, revert

ASecondOfficerIsNeeded = revert("supervision: a second officer is needed", SECOND)
AnchoredAlready = revert("supervision: anchored already", DONE)
DayInTheFuture = revert("supervision: day in the future", SHAPE)
EndOutOfRange = revert("supervision: end out of range", SHAPE)
NoCase = revert("supervision: no case", SHAPE)
NoExtension = revert("supervision: no extension", SHAPE)
NoFindings = revert("supervision: no findings", SHAPE)
NoOpenInspection = revert("supervision: no open inspection", SHAPE)
NoPurposes = revert("supervision: no purposes", SHAPE)
NoRoot = revert("supervision: no root", SHAPE)
NodeOfAnotherMember = revert("supervision: node of another member", SHAPE)
NotAnOfficer = revert("supervision: not an officer", ROLE)
NotFrozen = revert("supervision: not frozen", FROZEN)
OpenAlready = revert("supervision: open already", DONE)
OutsideTheMandate = revert("supervision: outside the mandate", SHAPE)
UnknownGround = revert("supervision: unknown ground", SHAPE)
UnknownPurpose = revert("supervision: unknown purpose", SHAPE)
UnknownZone = revert("supervision: unknown zone", SHAPE)
