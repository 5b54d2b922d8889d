# pragma version 0.4.3
# pragma evm-version prague
"""
@title Acceptances
@notice What a consumer says of the data it receives (R5). For as many days as the product offers, from
        the day the terms begin, an approver of the consumer accepts, or objects by the hash of its
        evidence; who says nothing in that time has accepted. Where the last party approved after that
        day the consumer begins the period itself, before its first lease. The provider answers an
        objection once; then the consumer accepts after all, or turns to Disputes. Terms that amend
        others have a period of their own. Nothing here gates a use (R11); how often a version of a
        product was objected to stays on record with it.
"""

from interfaces import IAuthorizations
from interfaces import ICatalog
from interfaces import ILeases
from interfaces import IMembers
import addresses
import agreements
import usage
import vocabulary

DAY: constant(uint256) = 86_400
# Where the catalog keeps the days of acceptance in a version's first word.
DAYS_AT: constant(uint256) = 80
DAYS: constant(uint256) = 2**16 - 1
# Where Authorizations counts leases in the word of standing.
LEASES_AT: constant(uint256) = 48
LEASES: constant(uint256) = 2**24 - 1
VERSION_AT: constant(uint256) = 248

# Fixed positions: node/spec/acceptances.py reads them. By digest of terms a vocabulary index, 0 while
# nothing was said.
statuses: HashMap[bytes32, uint256]
# By product and version.
objections: HashMap[bytes32, HashMap[uint256, uint256]]
# By digest of terms, Unix seconds at which the consumer last began its period; 0 where it did not.
begun: HashMap[bytes32, uint256]

event AcceptanceBegun:
    authorization: indexed(bytes32)
    terms: indexed(bytes32)
    # Unix seconds, the first at which the period is over.
    until: uint256


event DataAccepted:
    authorization: indexed(bytes32)
    terms: indexed(bytes32)


event DataObjected:
    authorization: indexed(bytes32)
    terms: indexed(bytes32)
    product: indexed(bytes32)
    version: uint256
    evidence: bytes32


event ObjectionAnswered:
    authorization: indexed(bytes32)
    terms: indexed(bytes32)
    evidence: bytes32


@deploy
def __init__():
    """
    @notice Nothing is accepted at genesis.
    """
    pass


@view
@external
def deadlineOf(terms: agreements.Terms) -> uint256:
    """
    @notice Unix seconds, the first at which the period of acceptance under terms is over.
    """
    return self._deadline(terms)


@view
@external
def statusOf(terms: agreements.Terms) -> uint256:
    """
    @notice What stands as of this block, by vocabulary index: silence past the period is acceptance; 0
            while the consumer may still say something, and of terms that never were in force.
    """
    shown: bytes32 = agreements.id(terms)
    status: uint256 = self.statuses[shown]
    if (
        status == 0
        and block.timestamp >= self._deadline(terms)
        and self._limits(self._origin(shown)) != 0
    ):
        return vocabulary.ACCEPTANCE_STATUS_ACCEPTED
    return status


@view
@external
def objectionsTo(product: bytes32, version: uint256) -> uint256:
    """
    @notice How often consumers objected to a version of a product.
    """
    return self.objections[product][version]


@external
def begin(terms: agreements.Terms):
    """
    @notice An approver of the consumer begins its period now, if the terms have begun; once a lease was
            opened under these terms, or others took their place, there is nothing to begin.
    """
    shown: bytes32 = agreements.id(terms)
    authorization: bytes32 = self._authorization(shown)
    self._check_approver(convert(terms.consumer, uint256))
    assert self.statuses[shown] == 0, "acceptances: said already"
    standing: uint256 = staticcall IAuthorizations(addresses.AUTHORIZATIONS).standingOf(
        authorization
    )
    assert (
        staticcall IAuthorizations(addresses.AUTHORIZATIONS).termsOf(authorization) == shown
    ), "acceptances: terms that are not in force"
    assert not self._has_lease(authorization, standing), "acceptances: a lease was opened"
    self.begun[shown] = block.timestamp
    log AcceptanceBegun(
        authorization=authorization, terms=shown, until=self._deadline(terms)
    )


@external
def accept(terms: agreements.Terms):
    """
    @notice An approver of the consumer accepts, at once or after its objection was answered.
    """
    shown: bytes32 = agreements.id(terms)
    authorization: bytes32 = self._authorization(shown)
    self._check_approver(convert(terms.consumer, uint256))
    status: uint256 = self.statuses[shown]
    assert status != vocabulary.ACCEPTANCE_STATUS_ACCEPTED, "acceptances: accepted already"
    assert (
        status != vocabulary.ACCEPTANCE_STATUS_OBJECTED
    ), "acceptances: the objection awaits its answer"
    self.statuses[shown] = vocabulary.ACCEPTANCE_STATUS_ACCEPTED
    log DataAccepted(authorization=authorization, terms=shown)


@external
def object(terms: agreements.Terms, evidence: bytes32):
    """
    @notice An approver of the consumer objects in time, once.
    @param evidence Hash of what is wrong with the data.
    """
    shown: bytes32 = agreements.id(terms)
    authorization: bytes32 = self._authorization(shown)
    self._check_approver(convert(terms.consumer, uint256))
    assert self.statuses[shown] == 0, "acceptances: said already"
    assert block.timestamp < self._deadline(terms), "acceptances: the period is over"
    assert evidence != empty(bytes32), "acceptances: no evidence"
    self.statuses[shown] = vocabulary.ACCEPTANCE_STATUS_OBJECTED
    version: uint256 = convert(terms.productVersion, uint256)
    self.objections[terms.product][version] += 1
    log DataObjected(
        authorization=authorization,
        terms=shown,
        product=terms.product,
        version=version,
        evidence=evidence,
    )


@external
def answer(terms: agreements.Terms, evidence: bytes32):
    """
    @notice An approver of the provider answers an objection: what it mended, or why it did not.
    """
    shown: bytes32 = agreements.id(terms)
    assert (
        self.statuses[shown] == vocabulary.ACCEPTANCE_STATUS_OBJECTED
    ), "acceptances: awaits no answer"
    self._check_approver(convert(terms.provider, uint256))
    assert evidence != empty(bytes32), "acceptances: no evidence"
    self.statuses[shown] = vocabulary.ACCEPTANCE_STATUS_ANSWERED
    log ObjectionAnswered(
        authorization=self._authorization(shown), terms=shown, evidence=evidence
    )


@view
@internal
def _deadline(terms: agreements.Terms) -> uint256:
    summary: uint256 = staticcall ICatalog(addresses.CATALOG).summaryOf(
        terms.product, convert(terms.productVersion, uint256)
    )
    began: uint256 = max(convert(terms.validFrom, uint256), self.begun[agreements.id(terms)])
    return began + ((summary >> DAYS_AT) & DAYS) * DAY


@view
@internal
def _has_lease(authorization: bytes32, standing: uint256) -> bool:
    """
    @dev Whether a lease was opened under the version in force: then the last one was.
    """
    count: uint256 = (standing >> LEASES_AT) & LEASES
    if count == 0:
        return False
    word: uint256 = 0
    last: bytes32 = empty(bytes32)
    word, last = staticcall ILeases(addresses.LEASES).place(usage.id(authorization, count))
    return usage.version(word) == standing >> VERSION_AT


@view
@internal
def _authorization(shown: bytes32) -> bytes32:
    """
    @dev The authorization whose terms these are or were; they must have been in force.
    """
    authorization: bytes32 = self._origin(shown)
    assert (
        self._limits(authorization) != 0
    ), "acceptances: terms that never were in force"
    return authorization


@view
@internal
def _origin(shown: bytes32) -> bytes32:
    return staticcall IAuthorizations(addresses.AUTHORIZATIONS).authorizationOf(shown)


@view
@internal
def _limits(authorization: bytes32) -> uint256:
    return staticcall IAuthorizations(addresses.AUTHORIZATIONS).limitsOf(authorization)


@view
@internal
def _check_approver(wanted: uint256):
    member: uint256 = 0
    kind: uint256 = 0
    needed: uint256 = 0
    member, kind, needed = staticcall IMembers(addresses.MEMBERS).approver(msg.sender)
    assert member != 0 and member == wanted, "acceptances: not an approver of that side"
