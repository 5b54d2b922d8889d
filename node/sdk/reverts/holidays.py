"""Reasons of `holidays`, each an exception class with what to do next."""

from node.sdk.reverts.base import INTERNAL, SHAPE, revert

DaysOutOfRange = revert("holidays: days out of range", SHAPE)
MalformedContent = revert("holidays: malformed content", SHAPE)
MoreDaysThanTheYearHas = revert("holidays: more days than the year has", SHAPE)
NoTableForTheYear = revert("holidays: no table for the year", SHAPE)
OnlyGovernance = revert("holidays: only governance", INTERNAL)
TimeOutOfRange = revert("holidays: time out of range", SHAPE)
UnknownKindOfProposal = revert("holidays: unknown kind of proposal", SHAPE)
WorkingDaysOutOfRange = revert("holidays: working days out of range", SHAPE)
YearOutOfRange = revert("holidays: year out of range", SHAPE)
