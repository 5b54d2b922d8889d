"""Reasons of `acceptances`, each an exception class with what to do next."""

from node.sdk.reverts.base import DONE, LATE, ROLE, SHAPE, revert

ALeaseWasOpened = revert("acceptances: a lease was opened", SHAPE)
AcceptedAlready = revert("acceptances: accepted already", DONE)
AwaitsNoAnswer = revert("acceptances: awaits no answer", SHAPE)
NoEvidence = revert("acceptances: no evidence", SHAPE)
NotAnApproverOfThatSide = revert("acceptances: not an approver of that side", ROLE)
SaidAlready = revert("acceptances: said already", DONE)
TermsThatAreNotInForce = revert("acceptances: terms that are not in force", SHAPE)
TermsThatNeverWereInForce = revert("acceptances: terms that never were in force", SHAPE)
TheObjectionAwaitsItsAnswer = revert("acceptances: the objection awaits its answer", SHAPE)
ThePeriodIsOver = revert("acceptances: the period is over", LATE)
