# pragma version 0.4.3
# pragma evm-version prague
"""
@title Versions
@notice The versions of the contracts that grant and lease (R23). An open version does all; a closed one
        grants and leases nothing new while all else goes on; a halt, voted without a time lock, stops
        settling too, ends by itself within 72 hours and is not followed by another for as long.
        Version 1 is what genesis carries. A later one names the contract that keeps its gate. Nothing
        moves from one version to another by itself: going on under a new one is a grant signed anew.
"""

from interfaces import IGoverned
from interfaces import IVersioned
from interfaces import IVersions
import addresses
import vocabulary

implements: IGoverned
implements: IVersions

CONTENT_MAX: constant(uint256) = 1_024
HALT_MAX: constant(uint256) = 72 * 3_600
# Halts stand as far apart as the longest lasts, so of the last eight the first began three weeks ago.
HALTS_MAX: constant(uint256) = 8
TIME: constant(uint256) = 2**40 - 1

struct Version:
    # Vocabulary index: open or closed.
    status: uint256
    # The contract whose gate closes and halts it; none for version 1, which has two.
    gate: address
    # Unix seconds of its last halt, the first inside and the first outside; 0 for none.
    haltedFrom: uint256
    haltedUntil: uint256


# Fixed positions: node/spec/versions.py reads them.
version_count: uint256
versions: HashMap[uint256, Version]
# Halts of a version, from number 1 in their order: the first second inside 0, the first outside 40;
# under 0 how many there were.
halts: HashMap[uint256, HashMap[uint256, uint256]]

event VersionOpened:
    version: indexed(uint256)
    gate: address
    # Of the gate's code; zero for version 1.
    codeHash: bytes32


event VersionClosed:
    version: indexed(uint256)


event VersionHalted:
    version: indexed(uint256)
    until: uint256


@deploy
def __init__():
    """
    @notice Version 1 is open.
    """
    self.version_count = 1
    self.versions[1].status = vocabulary.VERSION_STATUS_OPEN
    log VersionOpened(version=1, gate=empty(address), codeHash=empty(bytes32))


@view
@external
def versionCount() -> uint256:
    """
    @notice Versions there are; their numbers are 1 to this number.
    """
    return self.version_count


@view
@external
def version(number: uint256) -> Version:
    """
    @notice A version as stored; all zero when there is none.
    """
    return self.versions[number]


@view
@external
def isHalted(number: uint256) -> bool:
    """
    @notice Whether a halt lies over a version.
    """
    return block.timestamp < self.versions[number].haltedUntil


@view
@external
def gateOf(number: uint256) -> (bool, uint256, uint256):
    """
    @notice Whether a version is open, and its last halt in Unix seconds: the first inside, the first
            outside; zeros for none.
    """
    kept: Version = self.versions[number]
    isOpen: bool = kept.status == vocabulary.VERSION_STATUS_OPEN
    return isOpen, kept.haltedFrom, kept.haltedUntil


@view
@external
def haltedSince(number: uint256, since: uint256) -> uint256:
    """
    @notice Seconds up to now of the halts of a version that began at a second (Unix) or later; of eight
            halts at most, which no span within three weeks exceeds.
    """
    count: uint256 = self.halts[number][0]
    halted: uint256 = 0
    for back: uint256 in range(HALTS_MAX):
        if back == count:
            break
        halt: uint256 = self.halts[number][count - back]
        if halt & TIME < since:
            break
        halted += min(halt >> 40, block.timestamp) - (halt & TIME)
    return halted


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
    assert msg.sender == addresses.GOVERNANCE, "versions: only governance"
    number: uint256 = 0
    wanted: uint256 = 0
    gate: address = empty(address)
    number, wanted, gate = self._check(kind, content)
    if kind == vocabulary.PROPOSAL_KIND_HALT:
        self.versions[number].haltedFrom = block.timestamp
        self.versions[number].haltedUntil = block.timestamp + wanted
        count: uint256 = self.halts[number][0] + 1
        self.halts[number][0] = count
        self.halts[number][count] = block.timestamp | ((block.timestamp + wanted) << 40)
        log VersionHalted(version=number, until=block.timestamp + wanted)
    elif wanted == vocabulary.VERSION_STATUS_CLOSED:
        self.versions[number].status = wanted
        log VersionClosed(version=number)
    else:
        self.version_count = max(self.version_count, number)
        self.versions[number].status = wanted
        self.versions[number].gate = gate
        log VersionOpened(version=number, gate=gate, codeHash=gate.codehash)
    self._move_gate(number)


@view
@internal
def _check(kind: uint256, content: Bytes[CONTENT_MAX]) -> (uint256, uint256, address):
    """
    @dev Words of a version: number, status, gate; of a halt: number, seconds. Gives all three.
    """
    if kind == vocabulary.PROPOSAL_KIND_HALT:
        assert len(content) == 64, "versions: malformed content"
        return self._check_halt(
            convert(slice(content, 0, 32), uint256), convert(slice(content, 32, 32), uint256)
        )
    assert kind == vocabulary.PROPOSAL_KIND_CONTRACT_VERSION, "versions: unknown kind of proposal"
    assert len(content) == 96, "versions: malformed content"
    number: uint256 = convert(slice(content, 0, 32), uint256)
    status: uint256 = convert(slice(content, 32, 32), uint256)
    word: uint256 = convert(slice(content, 64, 32), uint256)
    assert word >> 160 == 0, "versions: malformed content"
    gate: address = convert(convert(word, uint160), address)
    if number == self.version_count + 1:
        assert status == vocabulary.VERSION_STATUS_OPEN, "versions: a new version is open"
        assert gate.is_contract, "versions: no contract at the gate"
        return number, status, gate
    assert self.versions[number].status != 0, "versions: not the next version"
    assert gate == self.versions[number].gate, "versions: another gate"
    assert (
        status == vocabulary.VERSION_STATUS_OPEN or status == vocabulary.VERSION_STATUS_CLOSED
    ), "versions: unknown status"
    assert status != self.versions[number].status, "versions: in that status already"
    return number, status, gate


@view
@internal
def _check_halt(number: uint256, seconds: uint256) -> (uint256, uint256, address):
    assert self.versions[number].status != 0, "versions: unknown version"
    assert seconds != 0 and seconds <= HALT_MAX, "versions: halt out of range"
    until: uint256 = self.versions[number].haltedUntil
    assert until == 0 or block.timestamp >= until + HALT_MAX, "versions: halted lately"
    return number, seconds, empty(address)


@internal
def _move_gate(number: uint256):
    kept: Version = self.versions[number]
    closed: bool = kept.status == vocabulary.VERSION_STATUS_CLOSED
    if number != 1:
        extcall IVersioned(kept.gate).setGate(closed, kept.haltedFrom, kept.haltedUntil)
        return
    extcall IVersioned(addresses.TEMPLATES).setGate(closed, kept.haltedFrom, kept.haltedUntil)
    extcall IVersioned(addresses.LEASES).setGate(closed, kept.haltedFrom, kept.haltedUntil)
