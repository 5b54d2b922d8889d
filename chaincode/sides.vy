# pragma version 0.4.3
# pragma evm-version prague
"""
@title Sides: what an account is to terms
@notice Shared by Grants and Refusals.
"""

from interfaces import IMembers
import addresses
import agreements
import vocabulary


@view
@internal
def of(terms: agreements.Terms, account: address) -> (uint256, uint256):
    """
    @notice What the account is to the terms, by vocabulary index, and how many of its like must agree;
         two zeros for nothing. A member is one party; for a regulator, which any may be, its index stands
         from bit 8 beside the number: those who agree are of one.
    """
    if account == terms.subject:
        return vocabulary.PARTY_SUBJECT, 1
    if account == terms.agent:
        return vocabulary.PARTY_AGENT, 1
    member: uint256 = 0
    kind: uint256 = 0
    needed: uint256 = 0
    member, kind, needed = staticcall IMembers(addresses.MEMBERS).approver(account)
    if member == 0:
        return 0, 0
    if member == convert(terms.provider, uint256):
        return vocabulary.PARTY_PROVIDER, needed
    if member == convert(terms.consumer, uint256):
        return vocabulary.PARTY_CONSUMER, needed
    if member == convert(terms.exchange, uint256):
        return vocabulary.PARTY_EXCHANGE, needed
    if member == convert(terms.operator, uint256):
        return vocabulary.PARTY_OPERATOR, needed
    if member == convert(terms.approver, uint256):
        return vocabulary.PARTY_APPROVER, needed
    if kind == vocabulary.MEMBER_KIND_REGULATOR:
        return vocabulary.PARTY_REGULATOR, needed | (member << 8)
    return 0, 0
