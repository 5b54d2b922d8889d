"""Reasons of `parameters`, each an exception class with what to do next."""

from node.sdk.reverts.base import INTERNAL, SHAPE, revert

AValueForEachParameter = revert("parameters: a value for each parameter", SHAPE)
FeatureHasBegun = revert("parameters: feature has begun", SHAPE)
FloorOutOfRange = revert("parameters: floor out of range", SHAPE)
HeightOutOfRange = revert("parameters: height out of range", SHAPE)
MalformedContent = revert("parameters: malformed content", SHAPE)
NoFeature = revert("parameters: no feature", SHAPE)
NoSource = revert("parameters: no source", SHAPE)
NotTheNextVersion = revert("parameters: not the next version", SHAPE)
OnlyGovernance = revert("parameters: only governance", INTERNAL)
UnknownKindOfProposal = revert("parameters: unknown kind of proposal", SHAPE)
UnknownParameter = revert("parameters: unknown parameter", SHAPE)
ValueOutOfBounds = revert("parameters: value out of bounds", SHAPE)
