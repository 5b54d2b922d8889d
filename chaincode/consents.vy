# pragma version 0.4.3
# pragma evm-version prague
"""
@title Consents
@notice In subject mode `perUse` (R2) each receipt carries the hash of a consent that the subject signed
        and the provider's gateway verified. Consents stay with the two sides; here only what was taken
        back is kept, by hash, and whoever serves asks for it first. One consent permits one use.
"""

from interfaces import IAuthorizations
from interfaces import IMembers
import addresses
import signatures

CONSENT_TYPE: constant(bytes32) = keccak256(
    "Consent(bytes32 authorization,address subject,bytes32 subjectReference,uint16 purpose,uint256 fields,uint64 validUntil,bytes32 exportReference,uint256 nonce)"
)
REVOCATION_TYPE: constant(bytes32) = keccak256("ConsentRevocation(bytes32 consent)")

struct Consent:
    authorization: bytes32
    # The subject's key and salted reference; the provider vouches that they belong together (R3).
    subject: address
    subjectReference: bytes32
    purpose: uint16
    fields: uint256
    # Unix seconds, the first outside.
    validUntil: uint64
    # The subject's reference in the exporter's register of the year (R20); zero at home.
    exportReference: bytes32
    nonce: uint256


# By authorization and consent, the block that took the consent back; 0 for none. Fixed position:
# node/spec/registry.py reads it from storage proofs.
revoked: HashMap[bytes32, HashMap[bytes32, uint256]]

event ConsentRevoked:
    consent: indexed(bytes32)
    authorization: indexed(bytes32)
    evidence: bytes32


@deploy
def __init__():
    """
    @notice No consent is revoked at genesis.
    """
    pass


@view
@external
def consentHash(consent: Consent) -> bytes32:
    """
    @notice The EIP-712 digest of a consent: what the subject signs and receipts carry.
    """
    return self._hash(consent)


@view
@external
def revokedAt(authorization: bytes32, consent: bytes32) -> uint256:
    """
    @notice The block that took a consent back; 0 when none did.
    """
    return self.revoked[authorization][consent]


@external
def revokeConsent(consent: Consent, signature: Bytes[65]):
    """
    @notice Carry in a subject's signed revocation of its consent; the subject itself needs no signature.
    """
    hashed: bytes32 = self._hash(consent)
    account: address = msg.sender
    if account != consent.subject:
        digest: bytes32 = signatures.digest(
            self, keccak256(abi_encode(REVOCATION_TYPE, hashed))
        )
        account = signatures.signer(digest, signature)
    assert (
        account != empty(address) and account == consent.subject
    ), "consents: not the subject's revocation"
    self._revoke(hashed, consent.authorization, empty(bytes32))


@external
def withdrawConsent(authorization: bytes32, consent: bytes32, evidence: bytes32):
    """
    @notice The provider takes a consent back for a subject that lost its key (R3), by evidence.
    """
    member: uint256 = 0
    kind: uint256 = 0
    needed: uint256 = 0
    member, kind, needed = staticcall IMembers(addresses.MEMBERS).approver(msg.sender)
    standing: uint256 = staticcall IAuthorizations(addresses.AUTHORIZATIONS).standingOf(
        authorization
    )
    assert member != 0 and member == standing & 255, "consents: not the provider's approver"
    assert consent != empty(bytes32), "consents: no consent"
    assert evidence != empty(bytes32), "consents: no evidence"
    self._revoke(consent, authorization, evidence)


@internal
def _revoke(consent: bytes32, authorization: bytes32, evidence: bytes32):
    assert self.revoked[authorization][consent] == 0, "consents: revoked already"
    self.revoked[authorization][consent] = block.number
    log ConsentRevoked(consent=consent, authorization=authorization, evidence=evidence)


@view
@internal
def _hash(consent: Consent) -> bytes32:
    return signatures.digest(self, keccak256(abi_encode(CONSENT_TYPE, consent)))
