"""Reasons of `sandboxes`, each an exception class with what to do next."""

from node.sdk.reverts.base import DONE, INTERNAL, MEMBER, ROLE, SANDBOX, SECOND, SHAPE, revert

ASecondOfficerIsNeeded = revert("sandboxes: a second officer is needed", SECOND)
AdmittedAlready = revert("sandboxes: admitted already", DONE)
CapsOutOfRange = revert("sandboxes: caps out of range", SHAPE)
EndOutOfRange = revert("sandboxes: end out of range", SHAPE)
MoreUsesThanOneMayHave = revert("sandboxes: more uses than one may have", SANDBOX)
NoCase = revert("sandboxes: no case", SHAPE)
NotAdmitted = revert("sandboxes: not admitted", SANDBOX)
NotAnActiveMember = revert("sandboxes: not an active member", MEMBER)
NotAnOfficer = revert("sandboxes: not an officer", ROLE)
NotOpen = revert("sandboxes: not open", SANDBOX)
OnlyGrants = revert("sandboxes: only grants", INTERNAL)
OutsideTheMandate = revert("sandboxes: outside the mandate", ROLE)
SandboxOfAnotherZone = revert("sandboxes: sandbox of another zone", SHAPE)
TermsOutlastTheSandbox = revert("sandboxes: terms outlast the sandbox", SANDBOX)
TooManyAuthorizations = revert("sandboxes: too many authorizations", SANDBOX)
UnknownPurpose = revert("sandboxes: unknown purpose", SHAPE)
UnknownZone = revert("sandboxes: unknown zone", SHAPE)
UsesExhausted = revert("sandboxes: uses exhausted", SANDBOX)
