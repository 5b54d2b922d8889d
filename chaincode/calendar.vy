# pragma version 0.4.3
# pragma evm-version prague
"""
@title Calendar
@notice Rate windows (R8): hours, days, weeks from Monday, months and years of the civil calendar at
        UTC+8, each numbered from 1970 (months and years from year 0). Numbers stay below 2^20 until
        the year 2089.
"""

import vocabulary

# Seconds that the clocks of UTC+8 are ahead.
AHEAD: constant(uint256) = 8 * 3_600
DAY: constant(uint256) = 86_400


@pure
@internal
def window_of(period: uint256, time: uint256) -> uint256:
    """
    @notice The number of the window of a period that a time (Unix seconds) lies in.
    """
    local: uint256 = time + AHEAD
    if period == vocabulary.RATE_PERIOD_HOUR:
        return local // 3_600
    day: uint256 = local // DAY
    if period == vocabulary.RATE_PERIOD_DAY:
        return day
    if period == vocabulary.RATE_PERIOD_WEEK:
        # The first of January 1970 was a Thursday.
        return (day + 3) // 7
    month: uint256 = self._month(day)
    if period == vocabulary.RATE_PERIOD_MONTH:
        return month
    return month // 12


@pure
@internal
def _month(day: uint256) -> uint256:
    """
    @dev 12 * year + month - 1 of a day counted from 1970, in the Gregorian calendar. Years run from
         March, so that the leap day is the last: 719,468 days lie between 1 March 0 and 1970.
    """
    since: uint256 = day + 719_468
    era: uint256 = since // 146_097
    of_era: uint256 = since % 146_097
    year: uint256 = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year: uint256 = of_era - (365 * year + year // 4 - year // 100)
    march: uint256 = (5 * of_year + 2) // 153
    return 12 * (year + 400 * era) + march + 2
