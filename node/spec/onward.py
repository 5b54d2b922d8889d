"""Onward sharing: whether an authorization lies within the one it shares, in every dimension.

A consumer who may share onward is the provider of a child authorization. The child is granted out
of its parent's uses and dies with it. This is the Python twin of `checkChild` in
`chaincode/lineage.vy`, in the contract's words.
"""

from typing import Final

from node.spec.terms import Terms
from node.spec.vocabulary import OwnerRight, purpose_covers

DEPTH_MAX: Final = 3
"""Longest chain of onward sharing, the first authorization not counted."""


def refuse_child(child: Terms, parent: Terms) -> str | None:
    """Return in which dimension a child lies beyond its parent, or None."""
    checks = (
        (child.provider == parent.consumer, "not the parent's consumer"),
        (parent.recipients >> child.consumer & 1 == 1, "not a recipient"),
        (_product(child) == _product(parent), "not the parent's product"),
        (child.template == parent.template, "not the parent's template"),
        (_has_right_within(child, parent), "right beyond the parent"),
        (_subject(child) == _subject(parent), "not the parent's subject"),
        (not child.fields & ~parent.fields, "field beyond the parent"),
        (not child.modes & ~parent.modes, "mode beyond the parent"),
        (purpose_covers(parent.purpose, child.purpose), "purpose beyond the parent"),
        (child.destination == parent.destination, "destination beyond the parent"),
        (not child.recipients & ~parent.recipients, "recipient beyond the parent"),
        (child.minimum_group >= parent.minimum_group, "smaller group than the parent"),
        (_looks_back_within(child, parent), "look-back beyond the parent"),
        (_is_valid_within(child, parent), "validity beyond the parent"),
        (child.retention_days <= parent.retention_days, "retention beyond the parent"),
        (child.maximum_uses <= parent.maximum_uses, "uses beyond the parent"),
        (_is_rated_within(child, parent), "rate beyond the parent"),
    )
    return next((f"lineage: {reason}" for holds, reason in checks if not holds), None)


def _product(terms: Terms) -> tuple[bytes, int]:
    return terms.product, terms.product_version


def _subject(terms: Terms) -> tuple[int, bytes, bytes, int]:
    return terms.subject_mode, terms.subject, terms.subject_reference, terms.legal_basis


def _has_right_within(child: Terms, parent: Terms) -> bool:
    return child.right in (parent.right, OwnerRight.PROCESSING)


def _looks_back_within(child: Terms, parent: Terms) -> bool:
    return not parent.look_back_days or 0 < child.look_back_days <= parent.look_back_days


def _is_valid_within(child: Terms, parent: Terms) -> bool:
    return child.valid_from >= parent.valid_from and child.valid_until <= parent.valid_until


def _is_rated_within(child: Terms, parent: Terms) -> bool:
    if not parent.rate_period:
        return True
    return child.rate_period == parent.rate_period and child.rate_limit <= parent.rate_limit
