"""Reasons of `versions`, each an exception class with what to do next."""

from node.sdk.reverts.base import DONE, INTERNAL, SHAPE, revert

ANewVersionIsOpen = revert("versions: a new version is open", SHAPE)
AnotherGate = revert("versions: another gate", SHAPE)
HaltOutOfRange = revert("versions: halt out of range", SHAPE)
HaltedLately = revert("versions: halted lately", SHAPE)
InThatStatusAlready = revert("versions: in that status already", DONE)
MalformedContent = revert("versions: malformed content", SHAPE)
NoContractAtTheGate = revert("versions: no contract at the gate", SHAPE)
NotTheNextVersion = revert("versions: not the next version", SHAPE)
OnlyGovernance = revert("versions: only governance", INTERNAL)
UnknownKindOfProposal = revert("versions: unknown kind of proposal", SHAPE)
UnknownStatus = revert("versions: unknown status", SHAPE)
UnknownVersion = revert("versions: unknown version", SHAPE)
