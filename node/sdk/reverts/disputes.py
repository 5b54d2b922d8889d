"""Reasons of `disputes`, each an exception class with what to do next."""

from node.sdk.reverts.base import COUNT, ROLE, SHAPE, revert

AnAppealMayStillCome = revert("disputes: an appeal may still come", SHAPE)
ArbiterIsASide = revert("disputes: arbiter is a side", SHAPE)
AwaitsNoAnswer = revert("disputes: awaits no answer", SHAPE)
AwaitsNoRuling = revert("disputes: awaits no ruling", SHAPE)
NoArbiter = revert("disputes: no arbiter", SHAPE)
NoEvidence = revert("disputes: no evidence", SHAPE)
NoGrounds = revert("disputes: no grounds", SHAPE)
NoRulingStands = revert("disputes: no ruling stands", SHAPE)
NoRulingToAppeal = revert("disputes: no ruling to appeal", SHAPE)
NoSuchReceipts = revert("disputes: no such receipts", SHAPE)
NotASide = revert("disputes: not a side", SHAPE)
NotAnApprover = revert("disputes: not an approver", ROLE)
NotTheArbiter = revert("disputes: not the arbiter", SHAPE)
NotTheClaimant = revert("disputes: not the claimant", SHAPE)
NotTheRespondent = revert("disputes: not the respondent", SHAPE)
TheAnswerMayStillCome = revert("disputes: the answer may still come", SHAPE)
TheArbiterHasRuled = revert("disputes: the arbiter has ruled", SHAPE)
TooManyOpenDisputes = revert("disputes: too many open disputes", COUNT)
UnknownRuling = revert("disputes: unknown ruling", SHAPE)
