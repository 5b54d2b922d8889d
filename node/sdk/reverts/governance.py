"""Reasons of `governance`, each an exception class with what to do next."""

from node.sdk.reverts.base import COUNT, ROLE, SHAPE, revert

AShareForEachKind = revert("governance: a share for each kind", SHAPE)
MalformedContent = revert("governance: malformed content", SHAPE)
NoOpenProposal = revert("governance: no open proposal", SHAPE)
NotAGovernor = revert("governance: not a governor", ROLE)
NotCarried = revert("governance: not carried", SHAPE)
NotTheProposalsContent = revert("governance: not the proposal's content", SHAPE)
OnlyOwnersOfAValidatorVote = revert("governance: only owners of a validator vote", ROLE)
ProposalOfAnotherMember = revert("governance: proposal of another member", SHAPE)
ShareOutOfRange = revert("governance: share out of range", SHAPE)
TimeLockIsRunning = revert("governance: time lock is running", SHAPE)
TooManyOpenProposals = revert("governance: too many open proposals", COUNT)
UnknownBallot = revert("governance: unknown ballot", SHAPE)
UnknownKind = revert("governance: unknown kind", SHAPE)
