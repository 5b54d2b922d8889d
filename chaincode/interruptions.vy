# pragma version 0.4.3
# pragma evm-version prague
"""
@title Interruptions
@notice Spans of blocks on whose state no use of an authorization may stand (R11): suspensions, and
        freezes by a regulator (R22). One is begun by a block and ended by another, or is over by itself
        at a second. They never erase a use made before.
"""

# Places in the word of an interruption: block that began it 0, block that ended it 32 (0 for none),
# the second at which it is over by itself 64.
TO_AT: constant(uint256) = 32
UNTIL_AT: constant(uint256) = 64
# A suspension is not over by itself.
ENDLESS: constant(uint256) = 2**40 - 1
NEVER: constant(uint256) = 2**64 - 1
UINT32: constant(uint256) = 2**32 - 1

# By authorization and number from 1, in the order of their first blocks, none over another; under 0 how
# many there were.
interruptions: HashMap[bytes32, HashMap[uint256, uint256]]


@internal
def begin(authorization: bytes32, until: uint256):
    """
    @notice From this block on no use may stand on its state; what lies over it already goes on until
            then.
    """
    count: uint256 = self.interruptions[authorization][0]
    last: uint256 = self.interruptions[authorization][count]
    if self._is_open(last):
        self.interruptions[authorization][count] = (last & UINT32) | (until << UNTIL_AT)
    else:
        self.interruptions[authorization][0] = count + 1
        self.interruptions[authorization][count + 1] = block.number | (until << UNTIL_AT)


@internal
def end(authorization: bytes32):
    """
    @notice This block ends the one that lies over it, if any.
    """
    count: uint256 = self.interruptions[authorization][0]
    last: uint256 = self.interruptions[authorization][count]
    if self._is_open(last):
        self.interruptions[authorization][count] = last | (block.number << TO_AT)


@view
@internal
def open_since(authorization: bytes32) -> uint256:
    """
    @notice The block that began the one that lies over it now; the largest uint64 where none does.
    """
    last: uint256 = self.interruptions[authorization][self.interruptions[authorization][0]]
    return last & UINT32 if self._is_open(last) else NEVER


@view
@internal
def covers(authorization: bytes32, stateBlock: uint256, usedAt: uint256) -> bool:
    """
    @notice Whether one lies over a use that stands on the state of a block.
    @dev The last that began at or before the block is found by halving: only it can. One that was over
         by itself ended at a second that no block is named for, so the receipt's own time decides.
    """
    low: uint256 = 0
    high: uint256 = self.interruptions[authorization][0]
    for _: uint256 in range(33):
        if low == high:
            break
        middle: uint256 = (low + high + 1) // 2
        if self.interruptions[authorization][middle] & UINT32 <= stateBlock:
            low = middle
        else:
            high = middle - 1
    if low == 0:
        return False
    found: uint256 = self.interruptions[authorization][low]
    to: uint256 = (found >> TO_AT) & UINT32
    if to != 0:
        return stateBlock < to
    # While it lasts no receipt can date its use behind it.
    return usedAt < found >> UNTIL_AT or block.timestamp < found >> UNTIL_AT


@view
@internal
def _is_open(interruption: uint256) -> bool:
    return (interruption >> TO_AT) & UINT32 == 0 and block.timestamp < interruption >> UNTIL_AT
