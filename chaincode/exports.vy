# pragma version 0.4.3
# pragma evm-version prague
"""
@title Exports
@notice How many distinct persons an exporter's data are of that left the country in a calendar year (R20).
        A person is known here by an export reference: an HMAC under a key of exporter and year, so that
        nothing is told but whether it was counted. The exporter records references before it serves;
        the first of a year, a kind of data and a person counts, and none is recorded past the limit of
        the mechanism that the terms name. Exports made elsewhere are declared and add. Uniqueness is
        proved; honest computation only when the exporter opens its register.
"""

from interfaces import IAuthorizations
from interfaces import ICatalog
from interfaces import IExports
from interfaces import IMembers
import addresses
import agreements
import calendar
import vocabulary

implements: IExports


GATEWAY: constant(uint256) = 1 << vocabulary.ROLE_GATEWAY
APPROVER: constant(uint256) = 1 << vocabulary.ROLE_APPROVER
REFERENCES_MAX: constant(uint256) = 256
# Places in the counts of an exporter's year: persons recorded, of ordinary and of sensitive data, and
# those declared.
SENSITIVE_AT: constant(uint256) = 64
ELSEWHERE_AT: constant(uint256) = 128
COUNT: constant(uint256) = 2**64 - 1
# Fewer persons than these in a year; of sensitive data nothing is exempt.
EXEMPT_LIMIT: constant(uint256) = 100_000
CONTRACT_LIMIT: constant(uint256) = 1_000_000
SENSITIVE_LIMIT: constant(uint256) = 10_000

# Fixed positions: node/spec/exports.py reads them from storage proofs. By the hash of exporter, year and
# whether the data are sensitive, then by reference: the block that counted it; 0 for none.
seen: HashMap[bytes32, HashMap[bytes32, uint256]]
# By digest of terms and year, the block that first recorded a reference under them; 0 for none. Terms
# that amend others may take other data abroad, on another ground: they are recorded anew.
recorded: HashMap[bytes32, HashMap[uint256, uint256]]
# By exporter and year. Bits: ordinary 0, sensitive 64, and of each those declared 128 and 192.
counts: HashMap[uint256, HashMap[uint256, uint256]]

event PersonExported:
    exporter: indexed(uint256)
    reference: indexed(bytes32)
    authorization: indexed(bytes32)
    year: uint256
    isSensitive: bool


event ExportRecorded:
    exporter: indexed(uint256)
    authorization: indexed(bytes32)
    year: uint256
    references: uint256
    counted: uint256


event ExportsDeclared:
    exporter: indexed(uint256)
    year: uint256
    ordinary: uint256
    sensitive: uint256


@deploy
def __init__():
    """
    @notice Nothing has left at genesis.
    """
    pass


@view
@external
def countsOf(exporter: uint256, year: uint256) -> (uint256, uint256, uint256, uint256):
    """
    @notice Persons of a year: recorded of ordinary and of sensitive data, and declared of both.
    """
    word: uint256 = self.counts[exporter][year]
    return (
        word & COUNT,
        (word >> SENSITIVE_AT) & COUNT,
        (word >> ELSEWHERE_AT) & COUNT,
        word >> (ELSEWHERE_AT + SENSITIVE_AT),
    )


@view
@external
def countedAt(
    exporter: uint256, year: uint256, isSensitive: bool, reference: bytes32
) -> uint256:
    """
    @notice The block that counted a person; 0 when none did.
    """
    return self.seen[self._key(exporter, year, isSensitive)][reference]


@view
@external
def isRecorded(terms: bytes32) -> bool:
    """
    @notice Whether an export under terms, by their digest, is on record for this calendar year.
    """
    return self.recorded[terms][self._year()] != 0


@external
def record(terms: agreements.Terms, references: DynArray[bytes32, REFERENCES_MAX]):
    """
    @notice The exporter records the persons whose data may leave under terms in force, in this year.
    """
    exporter: uint256 = convert(terms.provider, uint256)
    self._check_exporter(exporter)
    shown: bytes32 = agreements.id(terms)
    authorization: bytes32 = self._authorization(shown)
    assert (
        convert(terms.destination, uint256) != vocabulary.HOME
    ), "exports: nothing leaves under these terms"
    assert len(references) != 0, "exports: no references"
    year: uint256 = self._year()
    if convert(terms.subjectMode, uint256) == vocabulary.SUBJECT_MODE_ONE:
        assert (
            len(references) == 1 and self.recorded[shown][year] == 0
        ), "exports: the terms have one subject"
    isSensitive: bool = (
        terms.fields
        & staticcall ICatalog(addresses.CATALOG).sensitiveFields(
            terms.product, convert(terms.productVersion, uint256)
        )
        != 0
    )
    counted: uint256 = 0
    key: bytes32 = self._key(exporter, year, isSensitive)
    for reference: bytes32 in references:
        assert reference != empty(bytes32), "exports: empty reference"
        if self.seen[key][reference] == 0:
            self.seen[key][reference] = block.number
            counted += 1
            log PersonExported(
                exporter=exporter,
                reference=reference,
                authorization=authorization,
                year=year,
                isSensitive=isSensitive,
            )
    word: uint256 = self.counts[exporter][year]
    if counted != 0:
        word += counted << (SENSITIVE_AT if isSensitive else 0)
        self.counts[exporter][year] = word
    self._check_limit(convert(terms.mechanism, uint256), isSensitive, word)
    if self.recorded[shown][year] == 0:
        self.recorded[shown][year] = block.number
    log ExportRecorded(
        exporter=exporter,
        authorization=authorization,
        year=year,
        references=len(references),
        counted=counted,
    )


@external
def declareElsewhere(year: uint256, ordinary: uint256, sensitive: uint256):
    """
    @notice An exporter declares the persons whose data it exported elsewhere in a year. Both numbers
            only grow, and count against its limits.
    """
    member: uint256 = 0
    kind: uint256 = 0
    needed: uint256 = 0
    member, kind, needed = staticcall IMembers(addresses.MEMBERS).approver(msg.sender)
    assert member != 0, "exports: not an approver"
    assert year <= self._year(), "exports: the year has not begun"
    assert ordinary <= COUNT and sensitive <= COUNT, "exports: count out of range"
    word: uint256 = self.counts[member][year]
    assert (
        ordinary >= (word >> ELSEWHERE_AT) & COUNT
        and sensitive >= word >> (ELSEWHERE_AT + SENSITIVE_AT)
    ), "exports: fewer than were declared"
    self.counts[member][year] = (
        (word & (2**128 - 1))
        | (ordinary << ELSEWHERE_AT)
        | (sensitive << (ELSEWHERE_AT + SENSITIVE_AT))
    )
    log ExportsDeclared(exporter=member, year=year, ordinary=ordinary, sensitive=sensitive)


@view
@internal
def _check_exporter(exporter: uint256):
    member: uint256 = 0
    kind: uint256 = 0
    roles: uint256 = 0
    member, kind, roles = staticcall IMembers(addresses.MEMBERS).standing(msg.sender)
    assert (
        member == exporter and roles & (GATEWAY | APPROVER) != 0
    ), "exports: not the exporter's gateway or approver"


@view
@internal
def _authorization(shown: bytes32) -> bytes32:
    """
    @dev The authorization whose terms in force these are.
    """
    authorization: bytes32 = staticcall IAuthorizations(
        addresses.AUTHORIZATIONS
    ).authorizationOf(shown)
    assert (
        staticcall IAuthorizations(addresses.AUTHORIZATIONS).termsOf(authorization) == shown
        and staticcall IAuthorizations(addresses.AUTHORIZATIONS).statusOf(authorization)
        == vocabulary.AUTHORIZATION_STATUS_ACTIVE
    ), "exports: not terms in force"
    return authorization


@pure
@internal
def _check_limit(mechanism: uint256, isSensitive: bool, word: uint256):
    """
    @dev Persons recorded and declared together stay below the mechanism's limit. An assessment and a
         free-trade zone's list have none.
    """
    if (
        mechanism == vocabulary.MECHANISM_SECURITY_ASSESSMENT
        or mechanism == vocabulary.MECHANISM_FREE_TRADE_ZONE_LIST
    ):
        return
    if isSensitive:
        assert (
            mechanism != vocabulary.MECHANISM_EXEMPT
        ), "exports: sensitive data are not exempt"
        persons: uint256 = ((word >> SENSITIVE_AT) & COUNT) + (
            word >> (ELSEWHERE_AT + SENSITIVE_AT)
        )
        assert persons < SENSITIVE_LIMIT, "exports: past the mechanism's limit"
        return
    limit: uint256 = CONTRACT_LIMIT
    if mechanism == vocabulary.MECHANISM_EXEMPT:
        limit = EXEMPT_LIMIT
    assert (
        (word & COUNT) + ((word >> ELSEWHERE_AT) & COUNT) < limit
    ), "exports: past the mechanism's limit"


@pure
@internal
def _key(exporter: uint256, year: uint256, isSensitive: bool) -> bytes32:
    return keccak256(abi_encode(exporter, year, isSensitive))


@view
@internal
def _year() -> uint256:
    return calendar.window_of(vocabulary.RATE_PERIOD_YEAR, block.timestamp)
