"""Every revert reason of every contract as one exception class, a module for each contract.

`except grants.MinimumGroupTooSmall` catches one rule, `except Revert` any known one, `except
Reverted` also reasons of contracts that this version does not know. Tests hold the tables to the
reasons of the artifacts; `python -m scripts.reverts` adds the lines that are missing.
"""

from node.errors import Reverted
from node.sdk.reverts import (
    acceptances,
    affirmations,
    applications,
    authorizations,
    catalog,
    challenges,
    closings,
    consents,
    delegations,
    disputes,
    exports,
    governance,
    grants,
    holidays,
    leases,
    lineage,
    members,
    obligations,
    parameters,
    refusals,
    sandboxes,
    sealed,
    statements,
    supervision,
    templates,
    usage,
    versions,
)
from node.sdk.reverts.base import CLASSES, Revert

__all__ = [
    "CLASSES",
    "Revert",
    "acceptances",
    "affirmations",
    "applications",
    "authorizations",
    "catalog",
    "challenges",
    "closings",
    "consents",
    "delegations",
    "disputes",
    "error_of",
    "exports",
    "governance",
    "grants",
    "holidays",
    "leases",
    "lineage",
    "members",
    "obligations",
    "parameters",
    "refusals",
    "sandboxes",
    "sealed",
    "statements",
    "supervision",
    "templates",
    "usage",
    "versions",
]


def error_of(reason: str, why: str = "") -> Reverted:
    """Return the error of a reason, of its own class where it is known."""
    known = CLASSES.get(reason)
    return Reverted(reason, why=why) if known is None else known(why=why)
