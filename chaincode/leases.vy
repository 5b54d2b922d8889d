# pragma version 0.4.3
# pragma evm-version prague
"""
@title Leases and usage receipts
@notice A lease reserves uses of an authorization, counted against its limits at once, and fixes
        purpose, fields, mode, the two keys and the end (R7). Its uses are numbered 1, 2, ... and
        chained by hash from the lease's id (R9); receipts are settled alone or under a Merkle root
        over many leases of one pair, and the lease closes like a payment channel (R12).
        Nothing here asks for the status or expiry of the authorization once a lease is open: real
        uses can always be recorded (R11). What a batch hides is open to challenge (R13).
        A lease is addressed by its authorization and its number there; its id is their hash.
"""

from interfaces import IAuthorizations
from interfaces import IMembers
import addresses
import signatures
import vocabulary

APPROVER: constant(uint256) = 1 << vocabulary.ROLE_APPROVER
GATEWAY: constant(uint256) = 1 << vocabulary.ROLE_GATEWAY

OPENINGS_MAX: constant(uint256) = 128
RANGES_MAX: constant(uint256) = 256
PROOF_MAX: constant(uint256) = 40
FLAW_MAX: constant(uint256) = 64

REQUEST_TYPE: constant(bytes32) = keccak256(
    "Request(bytes32 lease,uint64 number,bytes32 requestHash,bytes32 previous)"
)
RECEIPT_TYPE: constant(bytes32) = keccak256(
    "Receipt(bytes32 lease,uint64 number,bytes32 previous,bytes32 requestHash,uint8 kind,uint64 stateBlock,uint64 usedAt,uint32 recordCount,bytes32 inputCommitment,bytes32 outputCommitment)"
)
BATCH_TYPE: constant(bytes32) = keccak256(
    "Batch(uint32 provider,uint32 consumer,bytes32 root,bytes32 ranges,uint64 count,uint64 highestStateBlock)"
)
CLOSE_TYPE: constant(bytes32) = keccak256("Close(bytes32 lease,uint64 number,bytes32 last)")

struct Opening:
    authorization: bytes32
    uses: uint256
    purpose: uint256
    # Mask of fields; 0 stands for all that the authorization grants.
    fields: uint256
    # Vocabulary index of one delivery mode.
    mode: uint256
    destination: uint256
    # Unix seconds, the first outside.
    expiresAt: uint256


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
    inputCommitment: bytes32
    outputCommitment: bytes32


struct Batch:
    provider: uint32
    consumer: uint32
    # Merkle root over the receipt hashes in the order of the ranges (node/spec/merkle.py).
    root: bytes32
    # keccak256 of the ABI encoding of the ranges.
    ranges: bytes32
    count: uint64
    highestStateBlock: uint64


struct UseRange:
    authorization: bytes32
    # The lease's number.
    lease: uint256
    # First and last use; last is first - 1 where the range only closes.
    first: uint256
    last: uint256
    # Hash of the receipt of the last use.
    lastReceipt: bytes32
    # Whether the lease is closed with it, by both.
    closes: bool


struct Lease:
    # Packed; see _pack.
    word: uint256
    # Mask of fields; 0 stands for all that the authorization grants.
    fields: uint256
    # Hash of the last receipt settled or claimed; 0 before the first.
    last: bytes32
    # Bits: deadline of the answer 0, provider stated 40, consumer stated 41, provider's count 48,
    # consumer's count 80.
    closing: uint256


struct State:
    channel: uint256
    uses: uint256
    settled: uint256
    purpose: uint256
    mode: uint256
    # Block that opened it.
    openedAt: uint256
    expiresAt: uint256
    status: uint256
    # Uses after the settled ones that the provider claimed without countersignature.
    claimed: uint256


struct Channel:
    # Key in bits 0 to 159, member from bit 160.
    provider: uint256
    consumer: uint256


struct Record:
    state: State
    fields: uint256
    last: bytes32
    answerUntil: uint256
    provider: uint256
    consumer: uint256
    providerKey: address
    consumerKey: address


# Fixed positions: node/spec/registry.py reads them from storage proofs.
leases: HashMap[bytes32, Lease]
channels: HashMap[uint256, Channel]
channel_of: HashMap[bytes32, uint256]
channel_count: uint256
batches: HashMap[bytes32, uint256]
voids: HashMap[bytes32, bool]

event LeaseOpened:
    lease: indexed(bytes32)
    authorization: indexed(bytes32)
    number: uint256
    uses: uint256
    purpose: uint256
    fields: uint256
    mode: uint256
    destination: uint256
    expiresAt: uint256
    providerKey: address
    consumerKey: address


event ReceiptSettled:
    lease: indexed(bytes32)
    number: uint256
    receipt: bytes32


event BatchAnchored:
    batch: indexed(bytes32)
    provider: indexed(uint256)
    consumer: indexed(uint256)
    root: bytes32
    count: uint256
    highestStateBlock: uint256


event RangeSettled:
    lease: indexed(bytes32)
    batch: indexed(bytes32)
    first: uint256
    last: uint256
    lastReceipt: bytes32


event LeaseClosing:
    lease: indexed(bytes32)
    member: indexed(uint256)
    settled: uint256
    answerUntil: uint256


event LeaseAnswered:
    lease: indexed(bytes32)
    settled: uint256
    receipt: bytes32


event UseClaimed:
    lease: indexed(bytes32)
    number: uint256
    receipt: bytes32


event LeaseClosed:
    lease: indexed(bytes32)
    authorization: indexed(bytes32)
    settled: uint256
    claimed: uint256
    returned: uint256


event LeaseUnaccounted:
    lease: indexed(bytes32)
    authorization: indexed(bytes32)
    uses: uint256
    settled: uint256


event UsesStated:
    lease: indexed(bytes32)
    member: indexed(uint256)
    used: uint256


event StatementsDiffer:
    lease: indexed(bytes32)
    provider: uint256
    consumer: uint256


event ReceiptVoided:
    lease: indexed(bytes32)
    receipt: indexed(bytes32)
    batch: indexed(bytes32)
    flaw: String[FLAW_MAX]


event ForkProved:
    lease: indexed(bytes32)
    number: uint256
    signer: indexed(address)
    first: bytes32
    second: bytes32


event BreachReported:
    authorization: indexed(bytes32)
    member: indexed(uint256)
    lease: bytes32
    evidence: bytes32


@deploy
def __init__():
    """
    @notice No leases at genesis.
    """
    pass


@pure
@external
def leaseId(authorization: bytes32, number: uint256) -> bytes32:
    """
    @notice The id of an authorization's lease; it is also where the lease's hash chain starts.
    """
    return self._id(authorization, number)


@view
@external
def record(lease: bytes32) -> Record:
    """
    @notice All that state keeps of a lease, unpacked; status 0 when there is none.
    """
    entry: Lease = self.leases[lease]
    state: State = self._unpack(entry.word)
    channel: Channel = self.channels[state.channel]
    return Record(
        state=state,
        fields=entry.fields,
        last=self._last(lease, entry.last),
        answerUntil=entry.closing & (2**40 - 1),
        provider=channel.provider >> 160,
        consumer=channel.consumer >> 160,
        providerKey=self._key(channel.provider),
        consumerKey=self._key(channel.consumer),
    )


@view
@external
def receiptHash(receipt: Receipt) -> bytes32:
    """
    @notice The EIP-712 digest of a receipt: what both sides sign, and a leaf of a batch.
    """
    return self._receipt_hash(receipt)


@view
@external
def requestHash(request: Request) -> bytes32:
    """
    @notice The EIP-712 digest of a request, which the consumer signs (R9).
    """
    return self._request_hash(request)


@view
@external
def batchId(batch: Batch) -> bytes32:
    """
    @notice The EIP-712 digest of a batch: what both sides sign, and its id.
    """
    return self._batch_id(batch)


@view
@external
def closeHash(lease: bytes32, number: uint64, last: bytes32) -> bytes32:
    """
    @notice The EIP-712 digest of a close, which both sides sign.
    """
    return self._close_hash(lease, number, last)


@view
@external
def anchoredAt(batch: bytes32) -> uint256:
    """
    @notice The block that anchored a batch; 0 when none did.
    """
    return self.batches[batch]


@view
@external
def isVoid(receipt: bytes32) -> bool:
    """
    @notice Whether a challenge showed that an anchored receipt contradicts its lease or batch.
    """
    return self.voids[receipt]


@external
def open(opening: Opening, providerKey: address) -> bytes32:
    """
    @notice A gateway of the consumer opens a lease; its own key and `providerKey` sign the uses.
    @return The lease's id.
    """
    channel: uint256 = self._channel(providerKey)
    return self._open(opening, channel, providerKey)


@external
def openMany(openings: DynArray[Opening, OPENINGS_MAX], providerKey: address):
    """
    @notice Open many leases of one pair in one transaction; all or none.
    """
    assert len(openings) != 0, "leases: nothing to open"
    channel: uint256 = self._channel(providerKey)
    for opening: Opening in openings:
        self._open(opening, channel, providerKey)


@external
def settle(
    authorization: bytes32,
    number: uint256,
    receipt: Receipt,
    providerSignature: Bytes[65],
    consumerSignature: Bytes[65],
):
    """
    @notice Anchor the next receipt of a lease.
    """
    lease: bytes32 = self._id(authorization, number)
    state: State = self._unpack(self.leases[lease].word)
    deadlines: IAuthorizations.Deadlines = self._deadlines(authorization)
    self._check_settling(lease, state, deadlines)
    assert convert(receipt.number, uint256) == state.settled + 1, "leases: not the next use"
    assert (
        receipt.previous == self._last(lease, self.leases[lease].last)
    ), "leases: does not follow the last receipt"
    hashed: bytes32 = self._check_receipt(
        receipt, lease, state, deadlines.ended, providerSignature, consumerSignature
    )
    state.settled += 1
    self.leases[lease].word = self._pack(state)
    self.leases[lease].last = hashed
    log ReceiptSettled(lease=lease, number=state.settled, receipt=hashed)


@external
def settleBatch(
    batch: Batch,
    ranges: DynArray[UseRange, RANGES_MAX],
    providerSignature: Bytes[65],
    consumerSignature: Bytes[65],
):
    """
    @notice Anchor the receipts of many leases of one pair under one root, closing those that say so.
    """
    assert len(ranges) != 0, "leases: no ranges"
    assert keccak256(abi_encode(ranges)) == batch.ranges, "leases: not the batch's ranges"
    highest: uint256 = convert(batch.highestStateBlock, uint256)
    assert highest <= block.number, "leases: state block in the future"
    signed: bytes32 = self._batch_id(batch)
    assert self.batches[signed] == 0, "leases: batch is anchored already"
    channel: uint256 = self._unpack(
        self.leases[self._id(ranges[0].authorization, ranges[0].lease)].word
    ).channel
    self._check_pair(channel, batch)
    self._check_signatures(channel, signed, providerSignature, consumerSignature)
    self.batches[signed] = block.number
    log BatchAnchored(
        batch=signed,
        provider=convert(batch.provider, uint256),
        consumer=convert(batch.consumer, uint256),
        root=batch.root,
        count=convert(batch.count, uint256),
        highestStateBlock=highest,
    )
    count: uint256 = 0
    for entry: UseRange in ranges:
        count += self._settle_range(entry, channel, highest, signed)
    assert count == convert(batch.count, uint256), "leases: count differs from the ranges"


@external
def close(
    authorization: bytes32,
    number: uint256,
    used: uint64,
    last: bytes32,
    providerSignature: Bytes[65],
    consumerSignature: Bytes[65],
):
    """
    @notice Close by both, final at once (R12a): all `used` uses are settled or claimed already.
    """
    lease: bytes32 = self._id(authorization, number)
    state: State = self._unpack(self.leases[lease].word)
    self._check_live(state)
    assert convert(used, uint256) == state.settled + state.claimed, "leases: not all uses are settled"
    assert last == self._last(lease, self.leases[lease].last), "leases: not the last receipt"
    self._check_signatures(
        state.channel, self._close_hash(lease, used, last), providerSignature, consumerSignature
    )
    self._close(authorization, lease, state)


@external
def closeAlone(
    authorization: bytes32,
    number: uint256,
    receipt: Receipt,
    providerSignature: Bytes[65],
    consumerSignature: Bytes[65],
):
    """
    @notice One side begins to close (R12b), with the highest co-signed receipt, or with receipt
            number 0 when all co-signed ones are settled. The receipts between are proved by the
            hash chain. The other side has `answerWithin` to show a higher one.
    """
    lease: bytes32 = self._id(authorization, number)
    state: State = self._unpack(self.leases[lease].word)
    deadlines: IAuthorizations.Deadlines = self._deadlines(authorization)
    assert state.status == vocabulary.LEASE_STATUS_OPEN, "leases: not open"
    assert (
        block.timestamp <= state.expiresAt + deadlines.settleWithin
    ), "leases: past the settling deadline"
    member: uint256 = self._side(deadlines)
    if receipt.number != 0:
        state = self._advance(
            receipt, lease, state, deadlines.ended, providerSignature, consumerSignature
        )
    state.status = vocabulary.LEASE_STATUS_CLOSING
    until: uint256 = block.timestamp + deadlines.answerWithin
    self.leases[lease].word = self._pack(state)
    self.leases[lease].closing = until
    log LeaseClosing(lease=lease, member=member, settled=state.settled, answerUntil=until)


@external
def answer(
    authorization: bytes32,
    number: uint256,
    receipt: Receipt,
    providerSignature: Bytes[65],
    consumerSignature: Bytes[65],
):
    """
    @notice Show a higher co-signed receipt while a lease is closing. Anyone may carry it in.
    """
    lease: bytes32 = self._id(authorization, number)
    state: State = self._unpack(self.leases[lease].word)
    deadlines: IAuthorizations.Deadlines = self._deadlines(authorization)
    assert state.status == vocabulary.LEASE_STATUS_CLOSING, "leases: not closing"
    assert block.timestamp < self._answer_until(lease), "leases: time to answer is over"
    state = self._advance(
        receipt, lease, state, deadlines.ended, providerSignature, consumerSignature
    )
    self.leases[lease].word = self._pack(state)
    log LeaseAnswered(lease=lease, settled=state.settled, receipt=self.leases[lease].last)


@external
def claim(
    authorization: bytes32,
    number: uint256,
    request: Request,
    consumerSignature: Bytes[65],
    receipt: Receipt,
    providerSignature: Bytes[65],
):
    """
    @notice Once the time to answer is over the provider has as long again to claim uses that the
            consumer requested and never countersigned, one after another, at most
            `unsignedMaximum`. They count against limits.
    """
    lease: bytes32 = self._id(authorization, number)
    state: State = self._unpack(self.leases[lease].word)
    deadlines: IAuthorizations.Deadlines = self._deadlines(authorization)
    assert state.status == vocabulary.LEASE_STATUS_CLOSING, "leases: not closing"
    until: uint256 = self._answer_until(lease)
    assert block.timestamp >= until, "leases: time to answer is not over"
    assert block.timestamp < until + deadlines.answerWithin, "leases: time to claim is over"
    assert state.claimed < deadlines.unsignedMaximum, "leases: claims exhausted"
    next: uint256 = state.settled + state.claimed + 1
    assert convert(receipt.number, uint256) == next, "leases: not the next use"
    assert (
        receipt.previous == self._last(lease, self.leases[lease].last)
    ), "leases: does not follow the last receipt"
    assert (
        request.lease == lease
        and request.number == receipt.number
        and request.previous == receipt.previous
        and request.requestHash == receipt.requestHash
    ), "leases: receipt does not answer the request"
    self._check_flawless(receipt, lease, state, deadlines.ended)
    hashed: bytes32 = self._receipt_hash(receipt)
    self._check_signatures_apart(
        state.channel, hashed, providerSignature, self._request_hash(request), consumerSignature
    )
    state.claimed += 1
    self.leases[lease].word = self._pack(state)
    self.leases[lease].last = hashed
    log UseClaimed(lease=lease, number=next, receipt=hashed)


@external
def finalize(authorization: bytes32, number: uint256):
    """
    @notice Finish a closing: anyone once the time to claim is over, or there is nothing left to
            claim; the provider as soon as the time to answer is over.
    """
    lease: bytes32 = self._id(authorization, number)
    state: State = self._unpack(self.leases[lease].word)
    deadlines: IAuthorizations.Deadlines = self._deadlines(authorization)
    assert state.status == vocabulary.LEASE_STATUS_CLOSING, "leases: not closing"
    until: uint256 = self._answer_until(lease)
    assert block.timestamp >= until, "leases: time to answer is not over"
    if (
        block.timestamp < until + deadlines.answerWithin
        and state.claimed < deadlines.unsignedMaximum
        and state.settled + state.claimed < state.uses
    ):
        assert self._side(deadlines) == deadlines.provider, "leases: time to claim is not over"
    self._close(authorization, lease, state)


@external
def lapse(authorization: bytes32, number: uint256):
    """
    @notice Nobody closed in time (R12c): all reserved uses stay counted, and the authorization gets
            no new lease until both sides stated the uses.
    """
    lease: bytes32 = self._id(authorization, number)
    state: State = self._unpack(self.leases[lease].word)
    assert state.status == vocabulary.LEASE_STATUS_OPEN, "leases: not open"
    assert (
        block.timestamp > state.expiresAt + self._deadlines(authorization).settleWithin
    ), "leases: settling deadline is not over"
    state.status = vocabulary.LEASE_STATUS_LAPSED
    self.leases[lease].word = self._pack(state)
    extcall IAuthorizations(addresses.AUTHORIZATIONS).leaseLapsed(authorization)
    log LeaseUnaccounted(
        lease=lease, authorization=authorization, uses=state.uses, settled=state.settled
    )


@external
def stateUses(authorization: bytes32, number: uint256, used: uint256):
    """
    @notice One side states the uses of a lapsed lease. The second statement lets the authorization
            have leases again; a difference between the two is on record.
    """
    lease: bytes32 = self._id(authorization, number)
    state: State = self._unpack(self.leases[lease].word)
    deadlines: IAuthorizations.Deadlines = self._deadlines(authorization)
    assert state.status == vocabulary.LEASE_STATUS_LAPSED, "leases: not lapsed"
    assert used >= state.settled and used <= state.uses, "leases: uses out of range"
    member: uint256 = self._side(deadlines)
    place: uint256 = 0 if member == deadlines.provider else 1
    word: uint256 = self.leases[lease].closing
    assert (word >> (40 + place)) & 1 == 0, "leases: stated already"
    word |= (1 << (40 + place)) | (used << (48 + 32 * place))
    self.leases[lease].closing = word
    log UsesStated(lease=lease, member=member, used=used)
    if (word >> 40) & 3 != 3:
        return
    extcall IAuthorizations(addresses.AUTHORIZATIONS).lapseStated(authorization)
    provider: uint256 = (word >> 48) & (2**32 - 1)
    consumer: uint256 = (word >> 80) & (2**32 - 1)
    if provider != consumer:
        log StatementsDiffer(lease=lease, provider=provider, consumer=consumer)


@external
def challenge(
    batch: Batch,
    ranges: DynArray[UseRange, RANGES_MAX],
    receipt: Receipt,
    index: uint256,
    proof: DynArray[bytes32, PROOF_MAX],
):
    """
    @notice Prove that a leaf of an anchored batch contradicts its lease or its batch (R13). It is
            marked void. Anyone who holds the leaf may.
    """
    signed: bytes32 = self._batch_id(batch)
    assert self.batches[signed] != 0, "leases: batch is not anchored"
    assert keccak256(abi_encode(ranges)) == batch.ranges, "leases: not the batch's ranges"
    hashed: bytes32 = self._receipt_hash(receipt)
    assert not self.voids[hashed], "leases: void already"
    assert (
        self._root(hashed, index, convert(batch.count, uint256), proof) == batch.root
    ), "leases: not a leaf of the batch"
    flaw: String[FLAW_MAX] = self._flaw_in_batch(batch, ranges, receipt, index, hashed)
    assert len(flaw) != 0, "leases: nothing contradicts the leaf"
    self.voids[hashed] = True
    log ReceiptVoided(lease=receipt.lease, receipt=hashed, batch=signed, flaw=flaw)


@external
def proveFork(
    first: Receipt, second: Receipt, firstSignature: Bytes[65], secondSignature: Bytes[65]
):
    """
    @notice Put on record that a key of a lease signed two receipts with the same number.
    """
    assert first.lease == second.lease and first.number == second.number, "leases: not the same use"
    one: bytes32 = self._receipt_hash(first)
    other: bytes32 = self._receipt_hash(second)
    assert one != other, "leases: the same receipt"
    signer: address = signatures.signer(one, firstSignature)
    channel: Channel = self.channels[self._unpack(self.leases[first.lease].word).channel]
    assert signer != empty(address) and (
        signer == self._key(channel.provider) or signer == self._key(channel.consumer)
    ), "leases: not a key of the lease"
    assert signer == signatures.signer(other, secondSignature), "leases: two signers"
    log ForkProved(
        lease=first.lease,
        number=convert(first.number, uint256),
        signer=signer,
        first=one,
        second=other,
    )


@external
def reportBreach(authorization: bytes32, lease: bytes32, evidence: bytes32):
    """
    @notice A side records a use outside the terms, by the hash of its evidence. Nothing recorded so
            ever counts as permitted (R13).
    """
    assert evidence != empty(bytes32), "leases: no evidence"
    member: uint256 = self._side(self._deadlines(authorization))
    log BreachReported(
        authorization=authorization, member=member, lease=lease, evidence=evidence
    )


@pure
@internal
def _id(authorization: bytes32, number: uint256) -> bytes32:
    return keccak256(abi_encode(authorization, number))


@view
@internal
def _receipt_hash(receipt: Receipt) -> bytes32:
    return signatures.digest(keccak256(abi_encode(RECEIPT_TYPE, receipt)))


@view
@internal
def _request_hash(request: Request) -> bytes32:
    return signatures.digest(keccak256(abi_encode(REQUEST_TYPE, request)))


@view
@internal
def _batch_id(batch: Batch) -> bytes32:
    return signatures.digest(keccak256(abi_encode(BATCH_TYPE, batch)))


@view
@internal
def _close_hash(lease: bytes32, number: uint64, last: bytes32) -> bytes32:
    return signatures.digest(keccak256(abi_encode(CLOSE_TYPE, lease, number, last)))


@pure
@internal
def _last(lease: bytes32, stored: bytes32) -> bytes32:
    """
    @dev What the next receipt must name as `previous`.
    """
    return lease if stored == empty(bytes32) else stored


@pure
@internal
def _key(word: uint256) -> address:
    return convert(convert(word & (2**160 - 1), uint160), address)


@view
@internal
def _answer_until(lease: bytes32) -> uint256:
    return self.leases[lease].closing & (2**40 - 1)


@view
@internal
def _deadlines(authorization: bytes32) -> IAuthorizations.Deadlines:
    return staticcall IAuthorizations(addresses.AUTHORIZATIONS).deadlines(authorization)


@view
@internal
def _side(deadlines: IAuthorizations.Deadlines) -> uint256:
    """
    @dev The sender's member, which must be provider or consumer.
    """
    member: uint256 = 0
    kind: uint256 = 0
    roles: uint256 = 0
    member, kind, roles = staticcall IMembers(addresses.MEMBERS).standing(msg.sender)
    assert roles & (GATEWAY | APPROVER) != 0, "leases: neither gateway nor approver"
    assert member == deadlines.provider or member == deadlines.consumer, "leases: not a party"
    return member


@internal
def _channel(providerKey: address) -> uint256:
    """
    @dev The index of the pair of keys (provider's, sender's), made when first used.
    """
    pair: bytes32 = keccak256(abi_encode(providerKey, msg.sender))
    provider: uint256 = self._gateway(providerKey)
    consumer: uint256 = self._gateway(msg.sender)
    channel: uint256 = self.channel_of[pair]
    if channel != 0:
        return channel
    channel = self.channel_count + 1
    assert channel < 2**32, "leases: too many pairs of keys"
    self.channel_count = channel
    self.channel_of[pair] = channel
    self.channels[channel] = Channel(
        provider=convert(providerKey, uint256) | (provider << 160),
        consumer=convert(msg.sender, uint256) | (consumer << 160),
    )
    return channel


@view
@internal
def _gateway(account: address) -> uint256:
    """
    @dev The member whose gateway the account is.
    """
    member: uint256 = 0
    kind: uint256 = 0
    roles: uint256 = 0
    member, kind, roles = staticcall IMembers(addresses.MEMBERS).standing(account)
    assert roles & GATEWAY != 0, "leases: not a gateway"
    return member


@internal
def _open(opening: Opening, channel: uint256, providerKey: address) -> bytes32:
    assert opening.expiresAt > block.timestamp, "leases: ends before it begins"
    fields: uint256 = opening.fields
    if fields == 0:
        fields = staticcall IAuthorizations(addresses.AUTHORIZATIONS).fieldsOf(opening.authorization)
    reservation: IAuthorizations.Reservation = extcall IAuthorizations(
        addresses.AUTHORIZATIONS
    ).reserve(
        opening.authorization,
        opening.uses,
        opening.purpose,
        fields,
        opening.mode,
        opening.destination,
        opening.expiresAt,
    )
    keys: Channel = self.channels[channel]
    assert keys.consumer >> 160 == reservation.consumer, "leases: not the consumer's gateway"
    assert keys.provider >> 160 == reservation.provider, "leases: not the provider's gateway"
    lease: bytes32 = self._id(opening.authorization, reservation.number)
    state: State = State(
        channel=channel,
        uses=opening.uses,
        settled=0,
        purpose=opening.purpose,
        mode=opening.mode,
        openedAt=block.number,
        expiresAt=opening.expiresAt,
        status=vocabulary.LEASE_STATUS_OPEN,
        claimed=0,
    )
    self.leases[lease].word = self._pack(state)
    if fields != reservation.fields:
        self.leases[lease].fields = fields
    log LeaseOpened(
        lease=lease,
        authorization=opening.authorization,
        number=reservation.number,
        uses=opening.uses,
        purpose=opening.purpose,
        fields=fields,
        mode=opening.mode,
        destination=opening.destination,
        expiresAt=opening.expiresAt,
        providerKey=providerKey,
        consumerKey=msg.sender,
    )
    return lease


@pure
@internal
def _check_live(state: State):
    assert (
        state.status == vocabulary.LEASE_STATUS_OPEN
        or state.status == vocabulary.LEASE_STATUS_CLOSING
    ), "leases: not open"


@view
@internal
def _check_settling(lease: bytes32, state: State, deadlines: IAuthorizations.Deadlines):
    """
    @dev Receipts settle while the lease is open and until its deadline; in a closing, until the
         time to answer is over. Status and expiry of the authorization are not asked (R11).
    """
    self._check_live(state)
    if state.status == vocabulary.LEASE_STATUS_CLOSING:
        assert block.timestamp < self._answer_until(lease), "leases: time to answer is over"
    else:
        assert (
            block.timestamp <= state.expiresAt + deadlines.settleWithin
        ), "leases: past the settling deadline"


@view
@internal
def _check_signatures(
    channel: uint256, signed: bytes32, providerSignature: Bytes[65], consumerSignature: Bytes[65]
):
    self._check_signatures_apart(
        channel, signed, providerSignature, signed, consumerSignature
    )


@view
@internal
def _check_signatures_apart(
    channel: uint256,
    providerSigned: bytes32,
    providerSignature: Bytes[65],
    consumerSigned: bytes32,
    consumerSignature: Bytes[65],
):
    """
    @dev R17: by the lease's keys, at the block that anchors them; nothing by a compromised key.
    """
    keys: Channel = self.channels[channel]
    provider: address = self._key(keys.provider)
    consumer: address = self._key(keys.consumer)
    assert provider != empty(address), "leases: unknown lease"
    assert (
        signatures.signer(providerSigned, providerSignature) == provider
    ), "leases: not the provider's signature"
    assert (
        signatures.signer(consumerSigned, consumerSignature) == consumer
    ), "leases: not the consumer's signature"
    assert not (
        staticcall IMembers(addresses.MEMBERS).isCompromised(provider)
    ), "leases: provider's key is compromised"
    assert not (
        staticcall IMembers(addresses.MEMBERS).isCompromised(consumer)
    ), "leases: consumer's key is compromised"


@view
@internal
def _check_receipt(
    receipt: Receipt,
    lease: bytes32,
    state: State,
    ended: uint256,
    providerSignature: Bytes[65],
    consumerSignature: Bytes[65],
) -> bytes32:
    """
    @dev A co-signed receipt that fits its lease. Returns its hash.
    """
    self._check_flawless(receipt, lease, state, ended)
    hashed: bytes32 = self._receipt_hash(receipt)
    self._check_signatures(state.channel, hashed, providerSignature, consumerSignature)
    return hashed


@view
@internal
def _check_flawless(receipt: Receipt, lease: bytes32, state: State, ended: uint256):
    assert receipt.lease == lease, "leases: receipt of another lease"
    assert convert(receipt.stateBlock, uint256) <= block.number, "leases: state block in the future"
    assert (
        convert(receipt.stateBlock, uint256) < ended
    ), "leases: state block after the authorization ended"
    flaw: String[FLAW_MAX] = self._flaw(receipt, state)
    assert len(flaw) == 0, flaw


@pure
@internal
def _flaw(receipt: Receipt, state: State) -> String[FLAW_MAX]:
    """
    @dev What in a receipt contradicts what its lease fixed; nothing when it fits.
    """
    if convert(receipt.number, uint256) > state.uses:
        return "leases: more uses than the lease reserved"
    if convert(receipt.kind, uint256) > vocabulary.RECEIPT_KIND_VOID:
        return "leases: unknown kind of receipt"
    if convert(receipt.stateBlock, uint256) < state.openedAt:
        return "leases: state block before the lease opened"
    if convert(receipt.usedAt, uint256) >= state.expiresAt:
        return "leases: used after the lease expired"
    if convert(receipt.kind, uint256) == vocabulary.RECEIPT_KIND_VOID:
        if receipt.recordCount != 0:
            return "leases: a void use delivered records"
    elif state.mode == vocabulary.DELIVERY_MODE_FIELDS and receipt.recordCount > 1:
        return "leases: more than one record in a use of fields"
    return ""


@internal
def _advance(
    receipt: Receipt,
    lease: bytes32,
    state: State,
    ended: uint256,
    providerSignature: Bytes[65],
    consumerSignature: Bytes[65],
) -> State:
    """
    @dev Settle up to a co-signed receipt. It may skip numbers: the hash chain proves those between.
    """
    advanced: State = state
    assert convert(receipt.number, uint256) > state.settled, "leases: not a higher use"
    hashed: bytes32 = self._check_receipt(
        receipt, lease, state, ended, providerSignature, consumerSignature
    )
    if convert(receipt.number, uint256) == state.settled + 1:
        assert (
            receipt.previous == self._last(lease, self.leases[lease].last)
        ), "leases: does not follow the last receipt"
    advanced.settled = convert(receipt.number, uint256)
    self.leases[lease].last = hashed
    return advanced


@internal
def _settle_range(
    entry: UseRange, channel: uint256, highest: uint256, batch: bytes32
) -> uint256:
    """
    @dev Settle one range of a batch; returns how many uses it holds.
    """
    lease: bytes32 = self._id(entry.authorization, entry.lease)
    state: State = self._unpack(self.leases[lease].word)
    deadlines: IAuthorizations.Deadlines = self._deadlines(entry.authorization)
    self._check_settling(lease, state, deadlines)
    assert state.channel == channel, "leases: lease of another pair of keys"
    assert entry.first == state.settled + 1, "leases: not the next use"
    assert entry.last >= state.settled, "leases: range runs backwards"
    assert entry.last <= state.uses, "leases: more uses than the lease reserved"
    count: uint256 = entry.last - state.settled
    if count == 0:
        assert entry.closes, "leases: empty range"
        assert (
            entry.lastReceipt == self._last(lease, self.leases[lease].last)
        ), "leases: not the last receipt"
    else:
        assert highest >= state.openedAt, "leases: state block before the lease opened"
        assert highest < deadlines.ended, "leases: state block after the authorization ended"
        assert entry.lastReceipt != empty(bytes32), "leases: not the last receipt"
        state.settled = entry.last
        self.leases[lease].last = entry.lastReceipt
        log RangeSettled(
            lease=lease,
            batch=batch,
            first=entry.first,
            last=entry.last,
            lastReceipt=entry.lastReceipt,
        )
    if entry.closes:
        self._close(entry.authorization, lease, state)
    else:
        self.leases[lease].word = self._pack(state)
    return count


@view
@internal
def _check_pair(channel: uint256, batch: Batch):
    keys: Channel = self.channels[channel]
    assert keys.provider >> 160 == convert(batch.provider, uint256), "leases: not the pair's provider"
    assert keys.consumer >> 160 == convert(batch.consumer, uint256), "leases: not the pair's consumer"


@internal
def _close(authorization: bytes32, lease: bytes32, state: State):
    closed: State = state
    closed.status = vocabulary.LEASE_STATUS_CLOSED
    self.leases[lease].word = self._pack(closed)
    returned: uint256 = state.uses - state.settled - state.claimed
    extcall IAuthorizations(addresses.AUTHORIZATIONS).giveBack(authorization, returned)
    log LeaseClosed(
        lease=lease,
        authorization=authorization,
        settled=state.settled,
        claimed=state.claimed,
        returned=returned,
    )


@view
@internal
def _flaw_in_batch(
    batch: Batch,
    ranges: DynArray[UseRange, RANGES_MAX],
    receipt: Receipt,
    index: uint256,
    hashed: bytes32,
) -> String[FLAW_MAX]:
    """
    @dev What in leaf `index` contradicts its batch, its range or its lease; nothing when it fits.
    """
    offset: uint256 = 0
    for entry: UseRange in ranges:
        count: uint256 = entry.last + 1 - entry.first
        if index >= offset + count:
            offset += count
            continue
        lease: bytes32 = self._id(entry.authorization, entry.lease)
        number: uint256 = entry.first + index - offset
        if receipt.lease != lease:
            return "leases: leaf of another lease"
        if convert(receipt.number, uint256) != number:
            return "leases: leaf out of order"
        if number == entry.last and hashed != entry.lastReceipt:
            return "leases: not the range's last receipt"
        if number == 1 and receipt.previous != lease:
            return "leases: first receipt does not start the chain"
        if receipt.stateBlock > batch.highestStateBlock:
            return "leases: state block above the batch's highest"
        return self._flaw(receipt, self._unpack(self.leases[lease].word))
    return ""


@pure
@internal
def _root(
    hashed: bytes32, index: uint256, count: uint256, proof: DynArray[bytes32, PROOF_MAX]
) -> bytes32:
    """
    @dev The root that an inclusion proof leads to (RFC 9162, 2.1.3.2, with keccak256); zero when
         the proof is too short or too long for the tree.
    """
    if index >= count:
        return empty(bytes32)
    position: uint256 = index
    last: uint256 = count - 1
    node: bytes32 = keccak256(concat(x"00", hashed))
    for sibling: bytes32 in proof:
        if last == 0:
            return empty(bytes32)
        if position & 1 == 1 or position == last:
            node = keccak256(concat(x"01", sibling, node))
            for _: uint256 in range(64):
                if position & 1 == 1 or position == 0:
                    break
                position >>= 1
                last >>= 1
        else:
            node = keccak256(concat(x"01", node, sibling))
        position >>= 1
        last >>= 1
    return node if last == 0 else empty(bytes32)


@pure
@internal
def _pack(state: State) -> uint256:
    """
    @dev Bits: channel 0, uses 32, settled 64, purpose 96, mode 112, openedAt 120, expiresAt 160,
         status 200, claimed 208.
    """
    return (
        state.channel
        | (state.uses << 32)
        | (state.settled << 64)
        | (state.purpose << 96)
        | (state.mode << 112)
        | (state.openedAt << 120)
        | (state.expiresAt << 160)
        | (state.status << 200)
        | (state.claimed << 208)
    )


@pure
@internal
def _unpack(word: uint256) -> State:
    return State(
        channel=word & (2**32 - 1),
        uses=(word >> 32) & (2**32 - 1),
        settled=(word >> 64) & (2**32 - 1),
        purpose=(word >> 96) & (2**16 - 1),
        mode=(word >> 112) & (2**8 - 1),
        openedAt=(word >> 120) & (2**40 - 1),
        expiresAt=(word >> 160) & (2**40 - 1),
        status=(word >> 200) & (2**8 - 1),
        claimed=word >> 208,
    )
