# pragma version 0.4.3
# pragma evm-version prague
"""
@title Refusals
@notice How a party that shows the terms says no: declines them before they are in force, or ends what
        stands on them, by transaction or by a signature that anyone carries in. It is signed under the
        domain of Grants, as the terms are. Who is a member's approver can also revoke at
        Authorizations, without the terms.
"""

from interfaces import IAuthorizations
import addresses
import agreements
import sides
import signatures

REVOCATION_TYPE: constant(bytes32) = keccak256("Revocation(bytes32 authorization,uint8 reason)")


@deploy
def __init__():
    """
    @notice Nothing is kept here.
    """
    pass


@external
def decline(terms: agreements.Terms, reason: uint256):
    """
    @notice A party declines before the authorization is active; the subject may also end it after.
    """
    extcall IAuthorizations(addresses.AUTHORIZATIONS).end(
        self._authorization(terms), self._party(terms, msg.sender), reason, empty(bytes32)
    )


@external
def revokeSigned(terms: agreements.Terms, reason: uint256, signature: Bytes[65]):
    """
    @notice Carry in a party's signed Revocation: the subject's key, or an approver's. Before the
            authorization is active it rejects it.
    """
    authorization: bytes32 = self._authorization(terms)
    digest: bytes32 = signatures.digest(
        addresses.GRANTS, keccak256(abi_encode(REVOCATION_TYPE, authorization, reason))
    )
    account: address = signatures.signer(digest, signature)
    assert account != empty(address), "refusals: malformed signature"
    extcall IAuthorizations(addresses.AUTHORIZATIONS).end(
        authorization, self._party(terms, account), reason, empty(bytes32)
    )


@view
@internal
def _authorization(terms: agreements.Terms) -> bytes32:
    """
    @dev What the terms stand for; of an authorization only those in force speak, or an amendment that
         awaits approval.
    """
    shown: bytes32 = agreements.id(terms)
    authorization: bytes32 = staticcall IAuthorizations(
        addresses.AUTHORIZATIONS
    ).authorizationOf(shown)
    assert (
        staticcall IAuthorizations(addresses.AUTHORIZATIONS).termsOf(authorization) == shown
    ), "refusals: not the terms in force"
    return authorization


@view
@internal
def _party(terms: agreements.Terms, account: address) -> uint256:
    """
    @dev What the account is to the terms, by bit; 0 for nothing.
    """
    party: uint256 = 0
    needed: uint256 = 0
    party, needed = sides.of(terms, account)
    return 1 << party if needed != 0 else 0
