# pragma version 0.4.3
# pragma evm-version prague
"""
@title Agreements: the terms that all parties sign
@notice One EIP-712 structure (R1), under the domain of Grants whichever contract reads it. Its digest
        names a version of an authorization; the first version's is the authorization's id.
"""

import addresses
import signatures

TERMS_TYPE: constant(bytes32) = keccak256(
    "Terms(uint32 provider,uint32 consumer,uint32 exchange,uint16 exchangeShare,uint32 operator,uint32 approver,bytes32 product,uint32 productVersion,uint8 right,uint8 subjectMode,address subject,bytes32 subjectReference,address agent,bytes32 delegation,bytes32 notice,uint8 legalBasis,uint16 purpose,uint256 fields,uint8 modes,uint16 destination,uint8 mechanism,bytes32 mechanismReference,uint64 mechanismUntil,uint256 recipients,bytes32 parent,bytes32 amends,uint32 minimumGroup,uint32 maximumUses,uint8 ratePeriod,uint32 rateLimit,uint32 lookBackDays,uint32 retentionDays,uint64 validFrom,uint64 validUntil,uint8 unsignedMaximum,uint32 answerWithin,uint32 settleWithin,uint32 acknowledgeWithin,uint8 priceClass,bytes32 pricePlan,bytes32 template,uint256 nonce)"
)

struct Terms:
    # Member indices; exchange 0 is direct trade, and its share (basis points of the fee) then 0.
    provider: uint32
    consumer: uint32
    exchange: uint32
    exchangeShare: uint16
    # The operator of the zone where it approves each authorization, and the member that the cautious
    # list names; 0 for none.
    operator: uint32
    approver: uint32
    product: bytes32
    productVersion: uint32
    # Vocabulary index of the owner's right that the consumer receives.
    right: uint8
    # Vocabulary index; in modes `none` and `perUse` subject, reference and agent are zero.
    subjectMode: uint8
    subject: address
    subjectReference: bytes32
    # Who approves in the subject's place, by a delegation in Delegations; zero for none.
    agent: address
    delegation: bytes32
    # Hash of the privacy notice that the subject was shown; zero where there is no subject.
    notice: bytes32
    legalBasis: uint8
    purpose: uint16
    # Bit i: field i of the product version.
    fields: uint256
    # Bit i: delivery mode i of the vocabulary.
    modes: uint8
    # ISO 3166 numeric code of the one jurisdiction where results may go.
    destination: uint16
    # Vocabulary index: the ground on which results go abroad, with its reference and its end, Unix
    # seconds.
    mechanism: uint8
    mechanismReference: bytes32
    mechanismUntil: uint64
    # Bit i: the consumer may share onward to member i.
    recipients: uint256
    # The authorization that this one shares onward; zero for none.
    parent: bytes32
    # Digest of the terms that these replace under the same authorization; zero for the first.
    amends: bytes32
    # Fewest subjects behind one answer; 0 where a single subject consents.
    minimumGroup: uint32
    maximumUses: uint32
    # At most `rateLimit` uses are reserved in one window; period 0 and limit 0 for no rate.
    ratePeriod: uint8
    rateLimit: uint32
    # Days before a use from which data may come; 0 for all there are.
    lookBackDays: uint32
    # Days after the end up to which the consumer may keep what it received.
    retentionDays: uint32
    # Unix seconds, the first inside and the last outside.
    validFrom: uint64
    validUntil: uint64
    # Delivered receipts of a lease that may lack the countersignature (R10).
    unsignedMaximum: uint8
    # Seconds (R12): to answer a closing, to settle after a lease's end, and to close all leases once the
    # authorization has ended.
    answerWithin: uint32
    settleWithin: uint32
    acknowledgeWithin: uint32
    # Vocabulary index, and hash of the price plan's document; both 0 for what is free (R18).
    priceClass: uint8
    pricePlan: bytes32
    # Hash of the terms template's text.
    template: bytes32
    nonce: uint256


@view
@internal
def id(terms: Terms) -> bytes32:
    """
    @notice The EIP-712 digest of terms: what every party signs.
    """
    return signatures.digest(addresses.GRANTS, keccak256(abi_encode(TERMS_TYPE, terms)))
