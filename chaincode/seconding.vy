# pragma version 0.4.3
# pragma evm-version prague
"""
@title What two accounts must say alike
@notice What one account says first holds for a time, and only while whoever said it may say it still:
        else it counts for nothing, and the next to say it is the first. A contract keeps the first say by
        the hash of what is said, as one word: the account from bit 0, and from bit 160 the second at which
        it is over; 0 for none.
"""

# Seconds: what officers and approvers order together, they say within three days.
LASTS: constant(uint256) = 72 * 3_600
OVER_AT: constant(uint256) = 160


@view
@internal
def said() -> uint256:
    """
    @notice The word of a first say, by the sender and now.
    """
    return convert(msg.sender, uint256) | ((block.timestamp + LASTS) << OVER_AT)


@view
@internal
def first_of(word: uint256) -> address:
    """
    @notice Who said it first, if that is not over; zero for nobody. The contract asks whether that
            account may say it still.
    """
    if block.timestamp >= word >> OVER_AT:
        return empty(address)
    return convert(word & (2**OVER_AT - 1), address)
