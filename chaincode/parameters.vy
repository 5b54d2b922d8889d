# pragma version 0.4.3
# pragma evm-version prague
"""
@title Parameters
@notice What the consortium may set by proposal: the values that other contracts ask for, the block at
        which a named feature begins, the vocabulary in force. Each parameter has bounds that no vote
        leaves; the least of a span of time follows from a floor that genesis fixes, an hour, or
        seconds on a development network; deadlines in working days have at least one.
"""

from interfaces import IGoverned
from interfaces import IParameters
import addresses
import vocabulary

implements: IGoverned
implements: IParameters

CONTENT_MAX: constant(uint256) = 1_024
FLOOR_MAX: constant(uint256) = 86_400
# The time lock may be a tenth of the floor.
LOCK_PART: constant(uint256) = 10
LOCK_MAX: constant(uint256) = 14 * 86_400
SPAN_MAX: constant(uint256) = 366 * 86_400
# Of a deadline in working days.
WORKING_DAYS_MAX: constant(uint256) = 60
# Blocks between enacting a feature and its beginning at the least: nodes are told before.
NOTICE_BLOCKS: constant(uint256) = 10

struct Vocabulary:
    version: uint256
    # SHA-256 of vocabulary.json; zero for the one that genesis carries.
    digest: bytes32


span_floor: uint256
# Fixed positions: node/spec/proposals.py reads them.
values: HashMap[uint256, uint256]
features: HashMap[bytes32, uint256]
vocabulary_in_force: Vocabulary

event ParameterSet:
    parameter: indexed(uint256)
    amount: uint256


event FeatureActivated:
    feature: indexed(bytes32)
    height: uint256


event VocabularyAdopted:
    version: indexed(uint256)
    digest: bytes32


@deploy
def __init__(spanFloor: uint256, values: DynArray[uint256, 64]):
    """
    @param spanFloor Seconds; no span of time that a vote sets is shorter, the time lock a tenth of it.
    @param values Of each parameter, from the vocabulary's first.
    """
    assert spanFloor >= LOCK_PART and spanFloor <= FLOOR_MAX, "parameters: floor out of range"
    assert len(values) == vocabulary.PARAMETER_LAST, "parameters: a value for each parameter"
    self.span_floor = spanFloor
    parameter: uint256 = 1
    for amount: uint256 in values:
        self._check_value(parameter, amount)
        self.values[parameter] = amount
        parameter += 1
    self.vocabulary_in_force = Vocabulary(version=vocabulary.VERSION, digest=empty(bytes32))


@view
@external
def valueOf(parameter: uint256) -> uint256:
    """
    @notice The value in force of a parameter by its vocabulary index, in the parameter's own unit.
    """
    return self.values[parameter]


@view
@external
def boundsOf(parameter: uint256) -> (uint256, uint256):
    """
    @notice The least and the largest value a parameter may be voted.
    """
    return self._bounds(parameter)


@view
@external
def heightOf(feature: bytes32) -> uint256:
    """
    @notice The block at which a feature begins; 0 when it was never voted.
    """
    return self.features[feature]


@view
@external
def isActive(feature: bytes32) -> bool:
    """
    @notice Whether a feature has begun.
    """
    height: uint256 = self.features[feature]
    return height != 0 and block.number >= height


@view
@external
def vocabularyInForce() -> Vocabulary:
    """
    @notice The version of the vocabulary in force, and the hash of its source.
    """
    return self.vocabulary_in_force


@view
@external
def checkProposal(kind: uint256, content: Bytes[CONTENT_MAX]) -> bool:
    """
    @notice True, or revert with the rule that forbids what a proposal asks, as things are now.
    """
    self._check(kind, content)
    return True


@external
def enactProposal(kind: uint256, content: Bytes[CONTENT_MAX]):
    """
    @notice Governance enacts a carried proposal.
    """
    assert msg.sender == addresses.GOVERNANCE, "parameters: only governance"
    first: uint256 = 0
    second: uint256 = 0
    first, second = self._check(kind, content)
    if kind == vocabulary.PROPOSAL_KIND_PARAMETER:
        self.values[first] = second
        log ParameterSet(parameter=first, amount=second)
    elif kind == vocabulary.PROPOSAL_KIND_FEATURE:
        self.features[convert(first, bytes32)] = second
        log FeatureActivated(feature=convert(first, bytes32), height=second)
    else:
        self.vocabulary_in_force = Vocabulary(version=first, digest=convert(second, bytes32))
        log VocabularyAdopted(version=first, digest=convert(second, bytes32))


@view
@internal
def _check(kind: uint256, content: Bytes[CONTENT_MAX]) -> (uint256, uint256):
    """
    @dev Two words: parameter and value; feature and height; version and hash of its source.
    """
    assert len(content) == 64, "parameters: malformed content"
    first: uint256 = convert(slice(content, 0, 32), uint256)
    second: uint256 = convert(slice(content, 32, 32), uint256)
    if kind == vocabulary.PROPOSAL_KIND_PARAMETER:
        self._check_value(first, second)
    elif kind == vocabulary.PROPOSAL_KIND_FEATURE:
        assert first != 0, "parameters: no feature"
        height: uint256 = self.features[convert(first, bytes32)]
        assert height == 0 or height > block.number, "parameters: feature has begun"
        assert (
            second >= block.number + NOTICE_BLOCKS and second < 2**63
        ), "parameters: height out of range"
    elif kind == vocabulary.PROPOSAL_KIND_VOCABULARY_VERSION:
        assert (
            first == self.vocabulary_in_force.version + 1
        ), "parameters: not the next version"
        assert second != 0, "parameters: no source"
    else:
        raise "parameters: unknown kind of proposal"
    return first, second


@view
@internal
def _check_value(parameter: uint256, amount: uint256):
    assert (
        parameter != 0 and parameter <= vocabulary.PARAMETER_LAST
    ), "parameters: unknown parameter"
    least: uint256 = 0
    most: uint256 = 0
    least, most = self._bounds(parameter)
    assert amount >= least and amount <= most, "parameters: value out of bounds"


@view
@internal
def _bounds(parameter: uint256) -> (uint256, uint256):
    if parameter == vocabulary.PARAMETER_TIME_LOCK:
        return self.span_floor // LOCK_PART, LOCK_MAX
    if (
        parameter == vocabulary.PARAMETER_DECIDE_WITHIN
        or parameter == vocabulary.PARAMETER_EXTEND_BY
        or parameter == vocabulary.PARAMETER_SUPPLEMENT_WITHIN
    ):
        return 1, WORKING_DAYS_MAX
    return self.span_floor, SPAN_MAX
