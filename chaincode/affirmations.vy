# pragma version 0.4.3
# pragma evm-version prague
"""
@title Affirmations
@notice A person's consent does not stand for years unsaid. The subject, or the agent that approved in
        its place, reaffirms it by a dated signature that anyone carries in soon. When the voted time since
        the terms began, or since the date it last reaffirmed at, is over, anyone suspends it in the
        subject's name: no lease is opened and nothing served until it reaffirms, and no other party is
        away. It may withdraw at any time, which ends the authorization (Refusals).
"""

from interfaces import IAuthorizations
from interfaces import IDelegations
from interfaces import IParameters
import addresses
import agreements
import signatures
import vocabulary

AFFIRMATION_TYPE: constant(bytes32) = keccak256("Affirmation(bytes32 terms,uint64 at)")
# Seconds. Time enough to carry in what was signed without a network; what is older says what the subject
# wanted then, not what it wants.
AGE_MAX: constant(uint256) = 7 * 86_400

# Fixed position: node/spec/affirmations.py reads it. By authorization, the Unix seconds that the last
# reaffirmation is dated; 0 for none.
affirmed: HashMap[bytes32, uint256]

event ConsentReaffirmed:
    authorization: indexed(bytes32)
    terms: indexed(bytes32)
    # Unix seconds: what it is dated, and the first at which it is overdue again.
    at: uint256
    due: uint256


event ConsentUnaffirmed:
    authorization: indexed(bytes32)
    terms: indexed(bytes32)


@deploy
def __init__():
    """
    @notice Nothing is reaffirmed at genesis.
    """
    pass


@view
@external
def dueOf(terms: agreements.Terms) -> uint256:
    """
    @notice Unix seconds, the first at which consent to terms in force is overdue to be reaffirmed.
    """
    return self._due(self._authorization(terms), terms)


@view
@external
def affirmationHash(terms: bytes32, at: uint64) -> bytes32:
    """
    @notice The EIP-712 digest that reaffirms consent, once.
    @param terms The digest of the terms in force.
    @param at Unix seconds of signing.
    """
    return self._hash(terms, at)


@external
def reaffirm(terms: agreements.Terms, at: uint64, signature: Bytes[65]):
    """
    @notice Carry in a subject's or agent's signed reaffirmation; who is that itself needs no signature.
    @param at Unix seconds that it is dated: later than the last, not to come, and not long past.
    """
    authorization: bytes32 = self._authorization(terms)
    shown: bytes32 = agreements.id(terms)
    account: address = msg.sender
    if len(signature) != 0:
        account = signatures.signer(self._hash(shown, at), signature)
    assert account != empty(address), "affirmations: malformed signature"
    assert (
        account == (terms.subject if terms.agent == empty(address) else terms.agent)
    ), "affirmations: not who consented"
    assert terms.agent == empty(address) or staticcall IDelegations(
        addresses.DELEGATIONS
    ).isLive(terms.delegation), "affirmations: the delegation has ended"
    dated: uint256 = convert(at, uint256)
    assert dated <= block.timestamp, "affirmations: dated in the future"
    assert block.timestamp - dated <= AGE_MAX, "affirmations: dated too long ago"
    assert dated > self.affirmed[authorization], "affirmations: not later than the last"
    self.affirmed[authorization] = dated
    extcall IAuthorizations(addresses.AUTHORIZATIONS).setAffirmed(authorization, True)
    log ConsentReaffirmed(
        authorization=authorization,
        terms=shown,
        at=dated,
        due=self._due(authorization, terms),
    )


@external
def suspendUnaffirmed(terms: agreements.Terms):
    """
    @notice Anyone suspends an authorization whose subject's consent is overdue.
    """
    authorization: bytes32 = self._authorization(terms)
    assert block.timestamp >= self._due(authorization, terms), "affirmations: not overdue"
    extcall IAuthorizations(addresses.AUTHORIZATIONS).setAffirmed(authorization, False)
    log ConsentUnaffirmed(authorization=authorization, terms=agreements.id(terms))


@view
@internal
def _authorization(terms: agreements.Terms) -> bytes32:
    shown: bytes32 = agreements.id(terms)
    authorization: bytes32 = staticcall IAuthorizations(
        addresses.AUTHORIZATIONS
    ).authorizationOf(shown)
    assert (
        staticcall IAuthorizations(addresses.AUTHORIZATIONS).limitsOf(authorization) != 0
        and staticcall IAuthorizations(addresses.AUTHORIZATIONS).termsOf(authorization) == shown
    ), "affirmations: not terms in force"
    assert (
        convert(terms.subjectMode, uint256) == vocabulary.SUBJECT_MODE_ONE
    ), "affirmations: no subject consents"
    return authorization


@view
@internal
def _due(authorization: bytes32, terms: agreements.Terms) -> uint256:
    within: uint256 = staticcall IParameters(addresses.PARAMETERS).valueOf(
        vocabulary.PARAMETER_REAFFIRM_WITHIN
    )
    return max(self.affirmed[authorization], convert(terms.validFrom, uint256)) + within


@view
@internal
def _hash(terms: bytes32, at: uint64) -> bytes32:
    return signatures.digest(self, keccak256(abi_encode(AFFIRMATION_TYPE, terms, at)))
