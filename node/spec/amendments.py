"""Amendments: terms that replace others under the same authorization, in the contract's words.

All whom the new terms require sign them; who and what the authorization is about stays. This is
the Python twin of `checkAmendment` in `chaincode/lineage.vy`.
"""

from node.spec.terms import Terms, authorization_id
from node.spec.types import Hash32


def refuse_amendment(
    terms: Terms, before: Terms, in_force: Hash32, sandboxes: tuple[int, int], chain_id: int
) -> str | None:
    """Return why terms are not the next version of those before, or None.

    `in_force` is the digest of the terms that the authorization stands under; `sandboxes` are those
    in which the new product version and the one before are tried, 0 for none.
    """
    checks = (
        (authorization_id(before, chain_id) == terms.amends, "not the terms before"),
        (in_force == terms.amends, "amends terms that are not in force"),
        (_parties(terms) == _parties(before), "other parties than before"),
        (terms.product == before.product, "another product than before"),
        (terms.parent == before.parent, "another parent than before"),
        (_subject(terms) == _subject(before), "another subject than before"),
        (sandboxes[0] == sandboxes[1], "another sandbox than before"),
    )
    return next((f"lineage: {reason}" for holds, reason in checks if not holds), None)


def _parties(terms: Terms) -> tuple[int, int]:
    return terms.provider, terms.consumer


def _subject(terms: Terms) -> tuple[int, bytes, bytes]:
    return terms.subject_mode, terms.subject, terms.subject_reference
