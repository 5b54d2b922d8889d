"""Reasons of `refusals`, each an exception class with what to do next."""

from node.sdk.reverts.base import SHAPE, SIGNATURE, revert

MalformedSignature = revert("refusals: malformed signature", SIGNATURE)
NotTheTermsInForce = revert("refusals: not the terms in force", SHAPE)
