"""Reasons of `sandboxes`, each an exception class with what to do next."""

from node.sdk.reverts.base import COUNT, DONE, INTERNAL, ROLE, SANDBOX, SECOND, revert

ASecondOfficerIsNeeded = revert("sandboxes: a second officer is needed", SECOND)
AdmittedAlready = revert("sandboxes: admitted already", DONE)
CapsOutOfRange = revert("sandboxes: caps out of range", SANDBOX)
EndOutOfRange = revert("sandboxes: end out of range", SANDBOX)
MoreUsesThanOneMayHave = revert("sandboxes: more uses than one may have", COUNT)
NoCase = revert("sandboxes: no case", SANDBOX)
NotAdmitted = revert("sandboxes: not admitted", SANDBOX)
NotAnActiveMember = revert("sandboxes: not an active member", SANDBOX)
NotAnOfficer = revert("sandboxes: not an officer", ROLE)
NotOpen = revert("sandboxes: not open", SANDBOX)
OnlyGrants = revert("sandboxes: only grants", INTERNAL)
OutsideTheMandate = revert("sandboxes: outside the mandate", SANDBOX)
SandboxOfAnotherZone = revert("sandboxes: sandbox of another zone", SANDBOX)
TermsOutlastTheSandbox = revert("sandboxes: terms outlast the sandbox", SANDBOX)
TooManyAuthorizations = revert("sandboxes: too many authorizations", COUNT)
UnknownPurpose = revert("sandboxes: unknown purpose", SANDBOX)
UnknownZone = revert("sandboxes: unknown zone", SANDBOX)
UsesExhausted = revert("sandboxes: uses exhausted", COUNT)
