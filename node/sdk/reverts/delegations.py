"""Reasons of `delegations`, each an exception class with what to do next."""

from node.sdk.reverts.base import DONE, PARTY, ROLE, SHAPE, SIGNATURE, revert

EndOutOfRange = revert("delegations: end out of range", SHAPE)
KnownAlready = revert("delegations: known already", DONE)
MalformedSignature = revert("delegations: malformed signature", SIGNATURE)
NoAgent = revert("delegations: no agent", SHAPE)
NoEvidence = revert("delegations: no evidence", SHAPE)
NoPrincipal = revert("delegations: no principal", SHAPE)
NoPurposes = revert("delegations: no purposes", SHAPE)
NotAGuardians = revert("delegations: not a guardian's", SHAPE)
NotAParty = revert("delegations: not a party", PARTY)
NotAnAgents = revert("delegations: not an agent's", SHAPE)
NotAnApprover = revert("delegations: not an approver", ROLE)
NotInForce = revert("delegations: not in force", SHAPE)
NotSignedByThePrincipal = revert("delegations: not signed by the principal", SHAPE)
OfOthers = revert("delegations: of others", SHAPE)
PurposeBeyondItsPower = revert("delegations: purpose beyond its power", SHAPE)
VouchedByAnotherMember = revert("delegations: vouched by another member", SHAPE)
