# pragma version 0.4.3
# pragma evm-version prague
"""
@title Usage: what both sides of a lease sign, and how a lease lies in one word
@notice Shared by Leases, Closings and Challenges. A lease is addressed by its authorization and its
        number there; its id is their sum, where the chain of receipts starts (R9). Everything here
        is signed under the domain of Leases, whichever of the three contracts checks it.
"""

from interfaces import IAuthorizations
from interfaces import IMembers
import addresses
import signatures
import vocabulary

FLAW_MAX: constant(uint256) = 64
# Two signatures of 65 bytes: see `check_signatures`.
SIGNATURES_MAX: constant(uint256) = 130
UINT32: constant(uint256) = 2**32 - 1

# Places in a lease's word: uses 0, settled 32, claimed 64, status 72, mode 76, purpose 80, version of
# the terms 92, block that opened it 100, end 132, number of the provider's key 168, of the consumer's
# 192, counted by a rate window 216, consent to each use 217, deadline of settling 220. Settling is open up
# to and including the second of the deadline.
SETTLED_AT: constant(uint256) = 32
CLAIMED_AT: constant(uint256) = 64
STATUS_AT: constant(uint256) = 72
MODE_AT: constant(uint256) = 76
PURPOSE_AT: constant(uint256) = 80
VERSION_AT: constant(uint256) = 92
OPENED_AT: constant(uint256) = 100
EXPIRES_AT: constant(uint256) = 132
PROVIDER_AT: constant(uint256) = 168
CONSUMER_AT: constant(uint256) = 192
RATED_AT: constant(uint256) = 216
PER_USE_AT: constant(uint256) = 217
DEADLINE_AT: constant(uint256) = 220
TIME: constant(uint256) = 2**36 - 1
KEY: constant(uint256) = 2**24 - 1

MEMBER_AT: constant(uint256) = 160
COMPROMISED: constant(uint256) = 1 << 176
# What the permission of an account that seconds a compromised key holds.
SECOND: constant(uint256) = (1 << vocabulary.ROLE_SENDER) | (1 << vocabulary.ROLE_GATEWAY)

REQUEST_TYPE: constant(bytes32) = keccak256(
    "Request(bytes32 lease,uint64 number,bytes32 requestHash,bytes32 previous)"
)
RECEIPT_TYPE: constant(bytes32) = keccak256(
    "Receipt(bytes32 lease,uint64 number,bytes32 previous,bytes32 requestHash,uint8 kind,uint64 stateBlock,uint64 usedAt,uint32 recordCount,uint64 dataSince,bytes32 consent,bytes32 inputCommitment,bytes32 outputCommitment)"
)
BATCH_TYPE: constant(bytes32) = keccak256(
    "Batch(uint32 provider,uint32 consumer,bytes32 root,bytes32 ranges,uint64 count,uint64 highestStateBlock)"
)
CLOSE_TYPE: constant(bytes32) = keccak256("Close(bytes32 lease,uint64 number,bytes32 last)")
CORRECTION_TYPE: constant(bytes32) = keccak256(
    "Correction(bytes32 receipt,bytes32 replacement,uint8 cause)"
)

# Numbers of an authorization's leases lie below.
NUMBERS: constant(uint256) = 2**24

struct Request:
    lease: bytes32
    number: uint64
    requestHash: bytes32
    previous: bytes32


struct Receipt:
    lease: bytes32
    # From 1 without gap.
    number: uint64
    # Hash of the receipt before; the lease's id for number 1.
    previous: bytes32
    requestHash: bytes32
    # Vocabulary index: delivered, or void.
    kind: uint8
    # The final block whose state the provider checked just before release.
    stateBlock: uint64
    # Unix seconds.
    usedAt: uint64
    recordCount: uint32
    # Unix seconds: no data from before went into the result; 0 where the terms do not limit that.
    dataSince: uint64
    # In subject mode `perUse` the hash of the subject's consent to this use (consents.vy); else zero.
    consent: bytes32
    inputCommitment: bytes32
    outputCommitment: bytes32


struct Correction:
    # Hash of the receipt that is corrected.
    receipt: bytes32
    # Hash of the receipt that both sides hold in its place; zero where the use is void.
    replacement: bytes32
    # Vocabulary index.
    cause: uint8


struct Batch:
    provider: uint32
    consumer: uint32
    # Merkle root over the receipt hashes in the order of the ranges (node/spec/merkle.py).
    root: bytes32
    # keccak256 of the ABI encoding of (authorizations, ranges, lasts).
    ranges: bytes32
    count: uint64
    highestStateBlock: uint64


@pure
@internal
def id(authorization: bytes32, number: uint256) -> bytes32:
    """
    @notice The id of an authorization's lease: the sum of both, modulo 2^256. Numbers stay below 2^24,
            so two leases with one id need two terms whose hashes agree in 232 bits: whoever could name
            any number would reach any lease from any authorization.
    """
    assert number < NUMBERS, "usage: no such lease"
    return convert(unsafe_add(convert(authorization, uint256), number), bytes32)


@pure
@internal
def last(lease: bytes32, stored: bytes32) -> bytes32:
    """
    @notice What the next receipt must name as `previous`.
    """
    return lease if stored == empty(bytes32) else stored


@pure
@internal
def uses(word: uint256) -> uint256:
    return word & UINT32


@pure
@internal
def settled(word: uint256) -> uint256:
    return (word >> SETTLED_AT) & UINT32


@pure
@internal
def claimed(word: uint256) -> uint256:
    return (word >> CLAIMED_AT) & 255


@pure
@internal
def status(word: uint256) -> uint256:
    return (word >> STATUS_AT) & 15


@pure
@internal
def version(word: uint256) -> uint256:
    return (word >> VERSION_AT) & 255


@view
@internal
def receipt_hash(receipt: Receipt) -> bytes32:
    """
    @notice The EIP-712 digest of a receipt: what both sides sign, and a leaf of a batch.
    """
    return signatures.digest(addresses.LEASES, keccak256(abi_encode(RECEIPT_TYPE, receipt)))


@view
@internal
def request_hash(request: Request) -> bytes32:
    """
    @notice The EIP-712 digest of a request, which the consumer signs (R9).
    """
    return signatures.digest(addresses.LEASES, keccak256(abi_encode(REQUEST_TYPE, request)))


@view
@internal
def batch_id(batch: Batch) -> bytes32:
    """
    @notice The EIP-712 digest of a batch: what both sides sign, and its id.
    """
    return signatures.digest(addresses.LEASES, keccak256(abi_encode(BATCH_TYPE, batch)))


@view
@internal
def close_hash(lease: bytes32, number: uint64, last: bytes32) -> bytes32:
    """
    @notice The EIP-712 digest of a close, which both sides sign.
    """
    return signatures.digest(
        addresses.LEASES, keccak256(abi_encode(CLOSE_TYPE, lease, number, last))
    )


@view
@internal
def correction_hash(correction: Correction) -> bytes32:
    """
    @notice The EIP-712 digest of a correction, which both sides sign.
    """
    return signatures.digest(
        addresses.LEASES, keccak256(abi_encode(CORRECTION_TYPE, correction))
    )


@view
@internal
def keys(word: uint256) -> (uint256, uint256):
    """
    @notice The words of a lease's two keys: account, member from bit 160, compromised 176.
    """
    provider: uint256 = 0
    consumer: uint256 = 0
    provider, consumer = staticcall IMembers(addresses.MEMBERS).keyPair(
        (word >> PROVIDER_AT) & KEY, (word >> CONSUMER_AT) & KEY
    )
    return provider, consumer


@pure
@internal
def account(key: uint256) -> address:
    return convert(convert(key & (2**160 - 1), uint160), address)


@pure
@internal
def member(key: uint256) -> uint256:
    return (key >> MEMBER_AT) & 65535


@view
@internal
def check_signatures(
    provider: uint256,
    providerSigned: bytes32,
    providerSignature: Bytes[SIGNATURES_MAX],
    consumer: uint256,
    consumerSigned: bytes32,
    consumerSignature: Bytes[SIGNATURES_MAX],
):
    """
    @notice R17: by the lease's keys, at the block that anchors them. Beside a compromised key's
            signature stands that of a gateway which its member has now.
    """
    assert provider != 0 and consumer != 0, "usage: unknown lease"
    if (provider | consumer) & COMPROMISED != 0:
        self._check_seconded(providerSigned, providerSignature, provider, "provider")
        self._check_seconded(consumerSigned, consumerSignature, consumer, "consumer")
        return
    assert (
        signatures.signer(providerSigned, providerSignature) == self.account(provider)
    ), "usage: not the provider's signature"
    assert (
        signatures.signer(consumerSigned, consumerSignature) == self.account(consumer)
    ), "usage: not the consumer's signature"


@view
@internal
def _check_seconded(
    signed: bytes32, signature: Bytes[SIGNATURES_MAX], key: uint256, side: String[8]
):
    """
    @dev One side's signature where either key is compromised.
    """
    own: Bytes[SIGNATURES_MAX] = signature
    if key & COMPROMISED != 0 and len(signature) == SIGNATURES_MAX:
        own = slice(signature, 0, 65)
    is_own: bool = signatures.signer(signed, own) == self.account(key)
    is_seconded: bool = self._is_seconded(signed, signature, key)
    if side == "provider":
        assert is_own, "usage: not the provider's signature"
        assert is_seconded, "usage: provider's key is compromised"
    else:
        assert is_own, "usage: not the consumer's signature"
        assert is_seconded, "usage: consumer's key is compromised"


@view
@internal
def _is_seconded(signed: bytes32, signature: Bytes[SIGNATURES_MAX], key: uint256) -> bool:
    """
    @dev Whether a key is sound, or another gateway of its member signed beside it. Whether the member is
         suspended or frozen is not asked, as of a sound key it is not (R11, R22).
    """
    if key & COMPROMISED == 0:
        return True
    if len(signature) != SIGNATURES_MAX:
        return False
    second: uint256 = staticcall IMembers(addresses.MEMBERS).permission(
        signatures.signer(signed, slice(signature, 65, 65))
    )
    return second & SECOND == SECOND and (second >> 32) & UINT32 == self.member(key)


@view
@internal
def check_receipt(authorization: bytes32, receipt: Receipt, lease: bytes32, word: uint256):
    """
    @notice A receipt that fits its lease and stands on a state that permitted the use (R11), whoever
            signed it.
    """
    assert receipt.lease == lease, "usage: receipt of another lease"
    # A block's own number is let in because tools try a call out in the block before it. Nobody can have
    # known that state, so the audit refuses it.
    assert convert(receipt.stateBlock, uint256) <= block.number, "usage: state block in the future"
    flaw: String[FLAW_MAX] = self.standing_flaw(authorization, receipt)
    assert len(flaw) == 0, flaw
    flaw = self.flaw(receipt, word)
    assert len(flaw) == 0, flaw


@view
@internal
def standing_flaw(authorization: bytes32, receipt: Receipt) -> String[FLAW_MAX]:
    """
    @notice Why the state that a receipt stands on permitted no use (R11); nothing where it did.
    """
    stateBlock: uint256 = convert(receipt.stateBlock, uint256)
    bound: uint256 = staticcall IAuthorizations(addresses.AUTHORIZATIONS).boundFor(
        authorization, stateBlock, convert(receipt.usedAt, uint256)
    )
    if bound == 0:
        return "usage: used while suspended or frozen"
    if stateBlock >= bound:
        return "usage: state block after the authorization ended"
    return ""


@pure
@internal
def flaw(receipt: Receipt, word: uint256) -> String[FLAW_MAX]:
    """
    @notice What in a receipt contradicts what its lease fixed; nothing when it fits.
    """
    if convert(receipt.number, uint256) > self.uses(word):
        return "usage: more uses than the lease reserved"
    if convert(receipt.kind, uint256) > vocabulary.RECEIPT_KIND_VOID:
        return "usage: unknown kind of receipt"
    if convert(receipt.stateBlock, uint256) < (word >> OPENED_AT) & UINT32:
        return "usage: state block before the lease opened"
    if convert(receipt.usedAt, uint256) >= (word >> EXPIRES_AT) & TIME:
        return "usage: used after the lease expired"
    if receipt.dataSince > receipt.usedAt:
        return "usage: data from after the use"
    if (word >> PER_USE_AT) & 1 == 0:
        if receipt.consent != empty(bytes32):
            return "usage: consent to a single use is not due"
    elif receipt.consent == empty(bytes32):
        return "usage: no consent to the use"
    if convert(receipt.kind, uint256) == vocabulary.RECEIPT_KIND_VOID:
        if receipt.recordCount != 0:
            return "usage: a void use delivered records"
    elif (word >> MODE_AT) & 15 == vocabulary.DELIVERY_MODE_FIELDS and receipt.recordCount > 1:
        return "usage: more than one record in a use of fields"
    return ""
