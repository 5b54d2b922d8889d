# pragma version 0.4.3
# pragma evm-version prague
"""
@title Lineage: terms that stand on other terms
@notice A child shares its parent onward and lies within it in every dimension; an amendment replaces
        the version before it and leaves alone who and what it is about. Grants asks here; nothing is
        kept here. Terms that are shown are held to the digest that state names.
"""

from interfaces import IAuthorizations
from interfaces import ICatalog
from interfaces import ILineage
import addresses
import agreements
import vocabulary

implements: ILineage

# In the summary of a product version.
SANDBOX_AT: constant(uint256) = 100


@deploy
def __init__():
    """
    @notice Nothing is kept here.
    """
    pass


@view
@external
def checkChild(terms: agreements.Terms, parent: agreements.Terms) -> bool:
    """
    @notice True, or revert with the dimension in which terms lie beyond the parent they name.
    """
    assert (
        staticcall IAuthorizations(addresses.AUTHORIZATIONS).termsOf(terms.parent)
        == agreements.id(parent)
    ), "lineage: not the parent's terms"
    assert (
        staticcall IAuthorizations(addresses.AUTHORIZATIONS).statusOf(terms.parent)
        == vocabulary.AUTHORIZATION_STATUS_ACTIVE
    ), "lineage: parent is not active"
    assert terms.provider == parent.consumer, "lineage: not the parent's consumer"
    assert (
        convert(terms.consumer, uint256) < 256
        and (parent.recipients >> convert(terms.consumer, uint256)) & 1 == 1
    ), "lineage: not a recipient"
    assert (
        terms.product == parent.product and terms.productVersion == parent.productVersion
    ), "lineage: not the parent's product"
    assert terms.template == parent.template, "lineage: not the parent's template"
    assert (
        terms.right == parent.right
        or convert(terms.right, uint256) == vocabulary.OWNER_RIGHT_PROCESSING
    ), "lineage: right beyond the parent"
    self._check_subject(terms, parent)
    self._check_reach(terms, parent)
    self._check_amounts(terms, parent)
    return True


@view
@external
def checkAmendment(terms: agreements.Terms, before: agreements.Terms) -> bytes32:
    """
    @notice Revert where terms are not the next version of those before.
    @return The authorization that both are of.
    """
    assert agreements.id(before) == terms.amends, "lineage: not the terms before"
    authorization: bytes32 = staticcall IAuthorizations(
        addresses.AUTHORIZATIONS
    ).authorizationOf(terms.amends)
    assert (
        staticcall IAuthorizations(addresses.AUTHORIZATIONS).termsOf(authorization)
        == terms.amends
    ), "lineage: amends terms that are not in force"
    assert (
        terms.provider == before.provider and terms.consumer == before.consumer
    ), "lineage: other parties than before"
    assert terms.product == before.product, "lineage: another product than before"
    assert terms.parent == before.parent, "lineage: another parent than before"
    assert (
        terms.subjectMode == before.subjectMode
        and terms.subject == before.subject
        and terms.subjectReference == before.subjectReference
    ), "lineage: another subject than before"
    if terms.productVersion != before.productVersion:
        # What is tried leaves no sandbox, nor enters one, by an amendment: it is granted anew.
        assert self._sandbox(terms) == self._sandbox(before), "lineage: another sandbox than before"
    return authorization


@view
@internal
def _sandbox(terms: agreements.Terms) -> uint256:
    summary: uint256 = staticcall ICatalog(addresses.CATALOG).summaryOf(
        terms.product, convert(terms.productVersion, uint256)
    )
    return (summary >> SANDBOX_AT) & (2**32 - 1)


@pure
@internal
def _check_subject(terms: agreements.Terms, parent: agreements.Terms):
    assert (
        terms.subjectMode == parent.subjectMode
        and terms.subject == parent.subject
        and terms.subjectReference == parent.subjectReference
        and terms.legalBasis == parent.legalBasis
    ), "lineage: not the parent's subject"


@pure
@internal
def _check_reach(terms: agreements.Terms, parent: agreements.Terms):
    """
    @dev What may be used, for what, and where it may go.
    """
    assert terms.fields & ~parent.fields == 0, "lineage: field beyond the parent"
    assert (
        convert(terms.modes, uint256) & ~convert(parent.modes, uint256) == 0
    ), "lineage: mode beyond the parent"
    assert vocabulary.purpose_covers(
        convert(parent.purpose, uint256), convert(terms.purpose, uint256)
    ), "lineage: purpose beyond the parent"
    assert terms.destination == parent.destination, "lineage: destination beyond the parent"
    assert terms.recipients & ~parent.recipients == 0, "lineage: recipient beyond the parent"
    assert terms.minimumGroup >= parent.minimumGroup, "lineage: smaller group than the parent"
    assert parent.lookBackDays == 0 or (
        terms.lookBackDays != 0 and terms.lookBackDays <= parent.lookBackDays
    ), "lineage: look-back beyond the parent"


@pure
@internal
def _check_amounts(terms: agreements.Terms, parent: agreements.Terms):
    """
    @dev How long and how often.
    """
    assert (
        terms.validFrom >= parent.validFrom and terms.validUntil <= parent.validUntil
    ), "lineage: validity beyond the parent"
    assert (
        terms.retentionDays <= parent.retentionDays
    ), "lineage: retention beyond the parent"
    assert terms.maximumUses <= parent.maximumUses, "lineage: uses beyond the parent"
    if parent.ratePeriod != 0:
        assert (
            terms.ratePeriod == parent.ratePeriod and terms.rateLimit <= parent.rateLimit
        ), "lineage: rate beyond the parent"
