# pragma version 0.4.3
# pragma evm-version prague
"""
@title Sealed authorizations
@notice What banks share against money laundering, so that nobody is tipped off (R19). The parties are
        one-time keys; the regulator knows whose they are, approves the clear terms and carries every
        transaction. Here are only a salted hash of those terms, counters, validity and signatures.
        Fields, purpose, zone and lists are vouched for by the regulator, who alone can open what is
        sealed (node/spec/sealed.py). Receipts stay with the three of them: here are their hashes,
        numbered and chained as everywhere (R9), and held to lease and end (R11).
        What was made unavailable stays so, and its ground is a salted hash: a freeze, a revocation
        and a termination are one event with one shape. When a freeze is over, both sign anew with
        fresh keys, which nothing links to the old ones. So is what was never granted: all that is not
        available reads alike.
"""

from interfaces import IGrants
from interfaces import IMembers
from interfaces import IVersions
import addresses
import signatures
import usage
import vocabulary

APPROVER: constant(uint256) = 1 << vocabulary.ROLE_APPROVER
OFFICER: constant(uint256) = 1 << vocabulary.ROLE_OFFICER
APPROVALS_MAX: constant(uint256) = 16
VALIDITY_MAX: constant(uint256) = 10 * 366 * 86_400
DEADLINE_MAX: constant(uint256) = 7 * 86_400
OPEN_MAX: constant(uint256) = 8
UINT32: constant(uint256) = 2**32 - 1
TIME: constant(uint256) = 2**40 - 1

# Places in the word of an authorization: maximum uses 0, uses that leases hold or have used 32, settled
# 64, leases ever opened 96, open ones 128, regulator 132, block that ended it 148; then the validity's
# first second 180 and settling time in seconds 220. It ends with the second in a word of its own.
COUNTED_AT: constant(uint256) = 32
SETTLED_AT: constant(uint256) = 64
LEASES_AT: constant(uint256) = 96
OPEN_AT: constant(uint256) = 128
REGULATOR_AT: constant(uint256) = 132
ENDED_AT: constant(uint256) = 148
FROM_AT: constant(uint256) = 180
SETTLE_WITHIN_AT: constant(uint256) = 220

# Places in the word of a lease: uses 0, settled 32, status 64, block that opened it 72, end 104,
# deadline of settling 144. Settling is open up to and including the second of the deadline.
LEASE_SETTLED_AT: constant(uint256) = 32
STATUS_AT: constant(uint256) = 64
OPENED_AT: constant(uint256) = 72
EXPIRES_AT: constant(uint256) = 104
DEADLINE_AT: constant(uint256) = 144

TERMS_TYPE: constant(bytes32) = keccak256(
    "SealedTerms(bytes32 commitment,address provider,address consumer,uint32 regulator,uint32 maximumUses,uint64 validFrom,uint64 validUntil,uint32 settleWithin)"
)
LEASE_TYPE: constant(bytes32) = keccak256(
    "SealedLease(bytes32 authorization,uint64 number,uint32 uses,uint64 expiresAt)"
)
SETTLEMENT_TYPE: constant(bytes32) = keccak256(
    "SealedSettlement(bytes32 lease,uint32 before,uint32 last,bytes32 root,bytes32 lastReceipt,uint64 highestStateBlock,bool closes)"
)

struct SealedTerms:
    # Salted hash of the clear terms (node/spec/sealed.py).
    commitment: bytes32
    # One-time keys: of no account, and never in another sealed authorization.
    provider: address
    consumer: address
    # The member that knows the clear terms.
    regulator: uint32
    maximumUses: uint32
    # Unix seconds, the first inside and the first outside.
    validFrom: uint64
    validUntil: uint64
    # Seconds after a lease's end.
    settleWithin: uint32


struct SealedLease:
    authorization: bytes32
    # From 1 without gap.
    number: uint64
    uses: uint32
    # Unix seconds, the first outside.
    expiresAt: uint64


struct SealedSettlement:
    lease: bytes32
    # Uses settled before, and the last that this settles; the same where it only closes.
    before: uint32
    last: uint32
    # Merkle root over the receipts' hashes (node/spec/merkle.py), also of one; zero for none.
    root: bytes32
    # Hash of the last receipt; the lease's id before the first.
    lastReceipt: bytes32
    highestStateBlock: uint64
    # Gives back what was not used.
    closes: bool


struct Record:
    word: uint256
    validUntil: uint256
    provider: address
    consumer: address
    # Salted hash of why it was made unavailable; zero while it was not, and where a lease lapsed.
    ground: bytes32


struct Lease:
    word: uint256
    # Hash of the last receipt settled; 0 before the first.
    last: bytes32


# Fixed positions: node/spec/sealed.py reads them from storage proofs.
records: HashMap[bytes32, Record]
leases: HashMap[bytes32, Lease]
# The block that granted something to a one-time key; 0 for a fresh one.
used: HashMap[address, uint256]

event SealedGranted:
    authorization: indexed(bytes32)
    terms: SealedTerms


event SealedLeaseOpened:
    lease: indexed(bytes32)
    authorization: indexed(bytes32)
    number: uint256
    uses: uint256
    expiresAt: uint256


event SealedUsesSettled:
    lease: indexed(bytes32)
    settlement: SealedSettlement


event SealedLeaseLapsed:
    lease: indexed(bytes32)
    authorization: indexed(bytes32)
    uses: uint256
    settled: uint256


event SealedMadeUnavailable:
    authorization: indexed(bytes32)
    # Salted hash of who did it and why.
    ground: bytes32


@deploy
def __init__():
    """
    @notice Nothing is sealed at genesis.
    """
    pass


@view
@external
def sealedId(terms: SealedTerms) -> bytes32:
    """
    @notice The EIP-712 digest of sealed terms: what both one-time keys and the regulator's approvers
            sign, and the authorization's id.
    """
    return self._id(terms)


@view
@external
def sealedLeaseHash(lease: SealedLease) -> bytes32:
    """
    @notice The EIP-712 digest by which the consumer's one-time key opens a lease.
    """
    return self._lease_hash(lease)


@view
@external
def sealedSettlementHash(settlement: SealedSettlement) -> bytes32:
    """
    @notice The EIP-712 digest by which both one-time keys settle.
    """
    return self._settlement_hash(settlement)


@view
@external
def sealedRecord(authorization: bytes32) -> Record:
    """
    @notice What state keeps of a sealed authorization; all zero when there is none.
    """
    return self.records[authorization]


@view
@external
def sealedLease(lease: bytes32) -> Lease:
    """
    @notice What state keeps of a lease; all zero when there is none.
    """
    return self.leases[lease]


@view
@external
def isAvailable(authorization: bytes32) -> bool:
    """
    @notice Whether leases may be opened and uses served now. False says no more than that.
    """
    return self._is_available(authorization)


@external
def grantSealed(
    terms: SealedTerms,
    providerSignature: Bytes[65],
    consumerSignature: Bytes[65],
    approvals: DynArray[Bytes[65], APPROVALS_MAX],
) -> bytes32:
    """
    @notice A regulator's approver or officer carries in what both one-time keys signed. Its approvers
            agree by signatures, as many as the regulator demands; a sender who is one counts.
    @return The authorization's id.
    """
    regulator: uint256 = self._carrier()
    assert convert(terms.regulator, uint256) == regulator, "sealed: of another regulator"
    assert (
        staticcall IMembers(addresses.MEMBERS).mandateOf(regulator) != 0
    ), "sealed: no mandate"
    self._check_open()
    self._check_terms(terms)
    authorization: bytes32 = self._id(terms)
    self._check_approved(regulator, authorization, approvals)
    assert (
        signatures.signer(authorization, providerSignature) == terms.provider
    ), "sealed: not the provider's signature"
    assert (
        signatures.signer(authorization, consumerSignature) == terms.consumer
    ), "sealed: not the consumer's signature"
    self.used[terms.provider] = block.number
    self.used[terms.consumer] = block.number
    self.records[authorization] = Record(
        word=(
            convert(terms.maximumUses, uint256)
            | (regulator << REGULATOR_AT)
            | (convert(terms.validFrom, uint256) << FROM_AT)
            | (convert(terms.settleWithin, uint256) << SETTLE_WITHIN_AT)
        ),
        validUntil=convert(terms.validUntil, uint256),
        provider=terms.provider,
        consumer=terms.consumer,
        ground=empty(bytes32),
    )
    log SealedGranted(authorization=authorization, terms=terms)
    return authorization


@external
def openSealed(opening: SealedLease, consumerSignature: Bytes[65]) -> bytes32:
    """
    @notice Carry in a lease that the consumer's one-time key signed; counted at once (R7).
    @return The lease's id.
    """
    self._check_carrier(opening.authorization)
    self._check_open()
    assert self._is_available(opening.authorization), "sealed: unavailable"
    word: uint256 = self.records[opening.authorization].word
    assert (
        signatures.signer(self._lease_hash(opening), consumerSignature)
        == self.records[opening.authorization].consumer
    ), "sealed: not the consumer's signature"
    number: uint256 = convert(opening.number, uint256)
    uses: uint256 = convert(opening.uses, uint256)
    expiresAt: uint256 = convert(opening.expiresAt, uint256)
    assert number == ((word >> LEASES_AT) & UINT32) + 1, "sealed: not the next lease"
    assert (word >> OPEN_AT) & 15 < OPEN_MAX, "sealed: too many open leases"
    assert (
        uses != 0 and ((word >> COUNTED_AT) & UINT32) + uses <= word & UINT32
    ), "sealed: more uses than are left"
    assert (
        expiresAt > block.timestamp
        and expiresAt <= self.records[opening.authorization].validUntil
    ), "sealed: lease outside the validity"
    lease: bytes32 = usage.id(opening.authorization, number)
    self.records[opening.authorization].word = (
        word + (uses << COUNTED_AT) + (1 << LEASES_AT) + (1 << OPEN_AT)
    )
    self.leases[lease].word = (
        uses
        | (vocabulary.LEASE_STATUS_OPEN << STATUS_AT)
        | (block.number << OPENED_AT)
        | (expiresAt << EXPIRES_AT)
        | ((expiresAt + (word >> SETTLE_WITHIN_AT)) << DEADLINE_AT)
    )
    log SealedLeaseOpened(
        lease=lease,
        authorization=opening.authorization,
        number=number,
        uses=uses,
        expiresAt=expiresAt,
    )
    return lease


@external
def settleSealed(
    authorization: bytes32,
    number: uint256,
    settlement: SealedSettlement,
    providerSignature: Bytes[65],
    consumerSignature: Bytes[65],
):
    """
    @notice Carry in the hashes of a lease's next receipts, one or many, and close it where the
            settlement says so. Whether the authorization is available is not asked (R11).
    """
    self._check_carrier(authorization)
    since: uint256 = 0
    until: uint256 = 0
    since, until = self._check_running()
    lease: bytes32 = usage.id(authorization, number)
    assert settlement.lease == lease, "sealed: settlement of another lease"
    word: uint256 = self.leases[lease].word
    assert (
        (word >> STATUS_AT) & 255 == vocabulary.LEASE_STATUS_OPEN
    ), "sealed: lease is not open"
    assert (
        block.timestamp <= self._deadline(word, since, until)
    ), "sealed: past the settling deadline"
    self._check_range(authorization, settlement, word)
    digest: bytes32 = self._settlement_hash(settlement)
    assert (
        signatures.signer(digest, providerSignature) == self.records[authorization].provider
    ), "sealed: not the provider's signature"
    assert (
        signatures.signer(digest, consumerSignature) == self.records[authorization].consumer
    ), "sealed: not the consumer's signature"
    uses: uint256 = convert(settlement.last - settlement.before, uint256)
    record: uint256 = self.records[authorization].word + (uses << SETTLED_AT)
    word += uses << LEASE_SETTLED_AT
    if settlement.closes:
        left: uint256 = (word & UINT32) - convert(settlement.last, uint256)
        record -= (left << COUNTED_AT) + (1 << OPEN_AT)
        word = self._with_status(word, vocabulary.LEASE_STATUS_CLOSED)
    self.records[authorization].word = record
    self.leases[lease].word = word
    if uses != 0:
        self.leases[lease].last = settlement.lastReceipt
    log SealedUsesSettled(lease=lease, settlement=settlement)


@external
def lapseSealed(authorization: bytes32, number: uint256):
    """
    @notice Nobody closed a lease in time (R12c): its uses stay counted, and the authorization is
            unavailable from then on. Going on takes a grant signed anew.
    """
    self._check_carrier(authorization)
    since: uint256 = 0
    until: uint256 = 0
    since, until = self._check_running()
    lease: bytes32 = usage.id(authorization, number)
    word: uint256 = self.leases[lease].word
    assert (
        (word >> STATUS_AT) & 255 == vocabulary.LEASE_STATUS_OPEN
    ), "sealed: lease is not open"
    assert (
        block.timestamp > self._deadline(word, since, until)
    ), "sealed: settling deadline is not over"
    self.leases[lease].word = self._with_status(word, vocabulary.LEASE_STATUS_LAPSED)
    record: uint256 = self.records[authorization].word - (1 << OPEN_AT)
    if (record >> ENDED_AT) & UINT32 == 0:
        record |= block.number << ENDED_AT
    self.records[authorization].word = record
    log SealedLeaseLapsed(
        lease=lease,
        authorization=authorization,
        uses=word & UINT32,
        settled=(word >> LEASE_SETTLED_AT) & UINT32,
    )


@external
def makeUnavailable(authorization: bytes32, ground: bytes32):
    """
    @notice End it, whoever wished that and why: one side, both, or the regulator. The ground is a
            salted hash that the regulator can open; what was used before still settles (R11).
    """
    self._check_carrier(authorization)
    assert ground != empty(bytes32), "sealed: no ground"
    word: uint256 = self.records[authorization].word
    assert (word >> ENDED_AT) & UINT32 == 0, "sealed: unavailable already"
    self.records[authorization].word = word | (block.number << ENDED_AT)
    self.records[authorization].ground = ground
    log SealedMadeUnavailable(authorization=authorization, ground=ground)


@view
@internal
def _carrier() -> uint256:
    """
    @dev The regulator whose approver or officer sends.
    """
    member: uint256 = 0
    kind: uint256 = 0
    roles: uint256 = 0
    member, kind, roles = staticcall IMembers(addresses.MEMBERS).standing(msg.sender)
    assert (
        kind == vocabulary.MEMBER_KIND_REGULATOR and roles & (APPROVER | OFFICER) != 0
    ), "sealed: not a regulator's approver or officer"
    return member


@view
@internal
def _check_carrier(authorization: bytes32):
    """
    @dev Whoever carries must be of the regulator that granted; of what was never granted there is none.
    """
    assert (
        self._carrier() == (self.records[authorization].word >> REGULATOR_AT) & 65535
    ), "sealed: of another regulator"


@view
@internal
def _check_terms(terms: SealedTerms):
    validFrom: uint256 = convert(terms.validFrom, uint256)
    validUntil: uint256 = convert(terms.validUntil, uint256)
    settleWithin: uint256 = convert(terms.settleWithin, uint256)
    assert terms.commitment != empty(bytes32), "sealed: no commitment"
    assert terms.maximumUses != 0, "sealed: no uses"
    assert (
        validFrom < validUntil
        and validUntil > block.timestamp
        and validUntil <= block.timestamp + VALIDITY_MAX
    ), "sealed: validity out of range"
    assert (
        settleWithin >= staticcall IGrants(addresses.GRANTS).deadlineFloor()
        and settleWithin <= DEADLINE_MAX
    ), "sealed: settling time out of range"
    assert terms.provider != terms.consumer, "sealed: one key on both sides"
    self._check_key(terms.provider)
    self._check_key(terms.consumer)


@view
@internal
def _check_key(key: address):
    """
    @dev A key that is known elsewhere would tell whose it is; one used twice, what belongs together.
    """
    assert key != empty(address) and self.used[key] == 0, "sealed: not a fresh key"
    assert staticcall IMembers(addresses.MEMBERS).memberOf(key) == 0, "sealed: a member's key"


@view
@internal
def _check_approved(
    regulator: uint256, authorization: bytes32, approvals: DynArray[Bytes[65], APPROVALS_MAX]
):
    accounts: DynArray[address, APPROVALS_MAX + 1] = []
    member: uint256 = 0
    kind: uint256 = 0
    needed: uint256 = 0
    member, kind, needed = staticcall IMembers(addresses.MEMBERS).approver(msg.sender)
    if member == regulator:
        accounts.append(msg.sender)
    for approval: Bytes[65] in approvals:
        account: address = signatures.signer(authorization, approval)
        assert account not in accounts, "sealed: approver counted twice"
        member, kind, needed = staticcall IMembers(addresses.MEMBERS).approver(account)
        assert member == regulator, "sealed: not the regulator's approver"
        accounts.append(account)
    # Of an officer alone nothing is demanded above, so one approver is.
    assert len(accounts) != 0 and len(accounts) >= needed, "sealed: too few approvers"


@view
@internal
def _check_range(authorization: bytes32, settlement: SealedSettlement, word: uint256):
    """
    @dev R9 to R11 as far as numbers, hashes and blocks tell.
    """
    before: uint256 = convert(settlement.before, uint256)
    last: uint256 = convert(settlement.last, uint256)
    highest: uint256 = convert(settlement.highestStateBlock, uint256)
    assert (
        before == (word >> LEASE_SETTLED_AT) & UINT32 and last >= before
    ), "sealed: not the next use"
    assert last <= word & UINT32, "sealed: more uses than the lease reserved"
    if last == before:
        assert (
            settlement.closes
            and settlement.root == empty(bytes32)
            and settlement.lastReceipt
            == usage.last(settlement.lease, self.leases[settlement.lease].last)
            and highest == 0
        ), "sealed: nothing to settle"
        return
    assert (
        settlement.root != empty(bytes32) and settlement.lastReceipt != empty(bytes32)
    ), "sealed: no receipts"
    ended: uint256 = (self.records[authorization].word >> ENDED_AT) & UINT32
    assert (
        highest >= (word >> OPENED_AT) & UINT32
    ), "sealed: state block before the lease opened"
    assert highest <= block.number, "sealed: state block in the future"
    assert ended == 0 or highest < ended, "sealed: state block after it became unavailable"


@view
@internal
def _is_available(authorization: bytes32) -> bool:
    word: uint256 = self.records[authorization].word
    return (
        block.timestamp >= (word >> FROM_AT) & TIME
        and block.timestamp < self.records[authorization].validUntil
        and (word >> ENDED_AT) & UINT32 == 0
    )


@view
@internal
def _check_open():
    """
    @dev A closed or halted version grants and leases nothing (R23).
    """
    isOpen: bool = False
    since: uint256 = 0
    until: uint256 = 0
    isOpen, since, until = staticcall IVersions(addresses.VERSIONS).gateOf(1)
    assert isOpen, "sealed: this version is closed"
    assert block.timestamp >= until, "sealed: this version is halted"


@view
@internal
def _check_running() -> (uint256, uint256):
    """
    @dev Nothing settles in a halt. Gives its first second and the first after it.
    """
    isOpen: bool = False
    since: uint256 = 0
    until: uint256 = 0
    isOpen, since, until = staticcall IVersions(addresses.VERSIONS).gateOf(1)
    assert block.timestamp >= until, "sealed: this version is halted"
    return since, until


@pure
@internal
def _deadline(word: uint256, since: uint256, until: uint256) -> uint256:
    """
    @dev As far behind the end of a halt as it was behind its beginning, like that of every lease.
    """
    deadline: uint256 = (word >> DEADLINE_AT) & TIME
    if deadline < since or deadline >= until:
        return deadline
    return deadline - since + until


@pure
@internal
def _with_status(word: uint256, status: uint256) -> uint256:
    return (word & ~(255 << STATUS_AT)) | (status << STATUS_AT)


@view
@internal
def _id(terms: SealedTerms) -> bytes32:
    return signatures.digest(self, keccak256(abi_encode(TERMS_TYPE, terms)))


@view
@internal
def _lease_hash(lease: SealedLease) -> bytes32:
    return signatures.digest(self, keccak256(abi_encode(LEASE_TYPE, lease)))


@view
@internal
def _settlement_hash(settlement: SealedSettlement) -> bytes32:
    return signatures.digest(self, keccak256(abi_encode(SETTLEMENT_TYPE, settlement)))
