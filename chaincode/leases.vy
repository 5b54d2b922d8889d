# pragma version 0.4.3
# pragma evm-version prague
"""
@title Leases
@notice A lease reserves uses of an authorization, counted against its limits at once, and fixes
        purpose, fields, mode, the two keys and the end (R7). Its uses are numbered 1, 2, ... and
        chained by hash from the lease's id (R9); receipts are settled alone or under a Merkle root
        over many leases of one pair of keys, and a lease is closed here by both sides at once (R12a).
        One side alone closes through Closings, which moves leases only by `advance` and `finish`.
        Nothing here asks for the status or expiry of the authorization once a lease is open: real
        uses can always be recorded (R11). What a batch hides is open to challenge (R13).
"""

from interfaces import IAuthorizations
from interfaces import ILeases
from interfaces import IMembers
from interfaces import IVersioned
import addresses
import usage
import vocabulary

implements: ILeases
implements: IVersioned


OPENINGS_MAX: constant(uint256) = 128
RANGES_MAX: constant(uint256) = 256
UINT32: constant(uint256) = 2**32 - 1
# The parts of a lease's word that a range of a batch fixes: keys, status and settled uses.
PAIR: constant(uint256) = (2**48 - 1) << 168
SETTLED: constant(uint256) = UINT32 << 32
RATED: constant(uint256) = 1 << 216
FIXED: constant(uint256) = PAIR | RATED | (15 << 72) | SETTLED
# In the word of a range: it closes the lease.
CLOSES: constant(uint256) = 1 << 96
# Open is 1 and closing 2, so that setting these bits closes either.
CLOSED: constant(uint256) = vocabulary.LEASE_STATUS_CLOSED << 72

struct Opening:
    authorization: bytes32
    uses: uint256
    purpose: uint256
    # Mask of fields; 0 stands for all that the authorization grants.
    fields: uint256
    # Vocabulary index of one delivery mode.
    mode: uint256
    # Unix seconds, the first outside.
    expiresAt: uint256


struct Lease:
    # Packed; see usage.vy.
    word: uint256
    # Mask of fields; 0 stands for all that the authorization grants.
    fields: uint256
    # Hash of the last receipt settled or claimed; 0 before the first, and untouched by a range that
    # closes the lease, because no receipt follows it.
    last: bytes32


# Fixed positions: node/spec/registry.py reads them from storage proofs.
leases: HashMap[bytes32, Lease]
batches: HashMap[bytes32, uint256]
# The last halt of version 1, Unix seconds: the first inside 0, the first outside 40 (R23).
halt: uint256

event LeaseOpened:
    lease: indexed(bytes32)
    authorization: indexed(bytes32)
    number: uint256
    uses: uint256
    purpose: uint256
    fields: uint256
    mode: uint256
    expiresAt: uint256
    # Numbers of the two keys in Members.
    providerKey: uint256
    consumerKey: uint256


event ReceiptSettled:
    lease: indexed(bytes32)
    number: uint256
    receipt: bytes32


# A batch names every lease it settles or closes in `ranges`, each word of which is: number of the
# lease 0, uses settled before 32, last use 64, whether it closes 96, place of its authorization in
# `authorizations` 112.
# `lasts` has the hash of the last receipt of each range that does not close, in their order.
event BatchAnchored:
    batch: indexed(bytes32)
    provider: indexed(uint256)
    consumer: indexed(uint256)
    root: bytes32
    count: uint256
    highestStateBlock: uint256
    authorizations: DynArray[bytes32, RANGES_MAX]
    ranges: DynArray[uint256, RANGES_MAX]
    lasts: DynArray[bytes32, RANGES_MAX]


event LeaseClosed:
    lease: indexed(bytes32)
    authorization: indexed(bytes32)
    settled: uint256
    claimed: uint256
    returned: uint256


event SettlingHalted:
    since: uint256
    until: uint256


event LeaseUnaccounted:
    lease: indexed(bytes32)
    authorization: indexed(bytes32)
    uses: uint256
    settled: uint256


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
    return usage.id(authorization, number)


@view
@external
def record(lease: bytes32) -> Lease:
    """
    @notice The three words that state keeps of a lease; all zero when there is none.
    """
    return self.leases[lease]


@view
@external
def place(lease: bytes32) -> (uint256, bytes32):
    """
    @notice The packed word of a lease, and what its next receipt must name as `previous`.
    """
    return self.leases[lease].word, usage.last(lease, self.leases[lease].last)


@view
@external
def anchoredAt(batch: bytes32) -> uint256:
    """
    @notice The block that anchored a batch; 0 when none did.
    """
    return self.batches[batch]


@external
def open(opening: Opening, providerKey: address) -> bytes32:
    """
    @notice A gateway of the consumer opens a lease; its own key and `providerKey` sign the uses.
    @return The lease's id.
    """
    provider: uint256 = 0
    consumer: uint256 = 0
    provider, consumer = self._gateways(providerKey)
    return self._open(opening, provider, consumer)


@external
def openMany(openings: DynArray[Opening, OPENINGS_MAX], providerKey: address):
    """
    @notice Open many leases of one pair in one transaction; all or none.
    """
    assert len(openings) != 0, "leases: nothing to open"
    provider: uint256 = 0
    consumer: uint256 = 0
    provider, consumer = self._gateways(providerKey)
    for opening: Opening in openings:
        self._open(opening, provider, consumer)


@external
def settle(
    authorization: bytes32,
    number: uint256,
    receipt: usage.Receipt,
    providerSignature: Bytes[usage.SIGNATURES_MAX],
    consumerSignature: Bytes[usage.SIGNATURES_MAX],
):
    """
    @notice Anchor the next receipt of a lease.
    """
    lease: bytes32 = usage.id(authorization, number)
    word: uint256 = self.leases[lease].word
    self._check_settling(word)
    assert (
        convert(receipt.number, uint256) == usage.settled(word) + 1
    ), "leases: not the next use"
    assert receipt.previous == usage.last(
        lease, self.leases[lease].last
    ), "leases: does not follow the last receipt"
    usage.check_receipt(authorization, receipt, lease, word)
    hashed: bytes32 = usage.receipt_hash(receipt)
    self._check_both(word, hashed, providerSignature, consumerSignature)
    self.leases[lease].word = word + (1 << usage.SETTLED_AT)
    self.leases[lease].last = hashed
    log ReceiptSettled(lease=lease, number=convert(receipt.number, uint256), receipt=hashed)


@external
def settleBatch(
    batch: usage.Batch,
    authorizations: DynArray[bytes32, RANGES_MAX],
    ranges: DynArray[uint256, RANGES_MAX],
    lasts: DynArray[bytes32, RANGES_MAX],
    providerSignature: Bytes[usage.SIGNATURES_MAX],
    consumerSignature: Bytes[usage.SIGNATURES_MAX],
):
    """
    @notice Anchor the receipts of many leases of one pair of keys under one root, closing those that
            say so. Ranges of one authorization stand together: it is asked once.
    """
    assert len(ranges) != 0 and len(authorizations) != 0, "leases: no ranges"
    self._check_running()
    signed: bytes32 = usage.batch_id(batch)
    highest: uint256 = convert(batch.highestStateBlock, uint256)
    usual: uint256 = 0
    provider: uint256 = 0
    consumer: uint256 = 0
    usual, provider, consumer = self._begin_batch(
        signed, batch, usage.id(authorizations[0], ranges[0] & UINT32)
    )
    usage.check_signatures(
        provider, signed, providerSignature, consumer, signed, consumerSignature
    )
    at: uint256 = 0
    authorization: bytes32 = authorizations[0]
    count: uint256 = 0
    # Of the ranges of one authorization: uses returned 0, leases closed 64, uses settled 128.
    sums: uint256 = 0
    followed: uint256 = 0
    # The loop is the price of a use, so it works on whole words and adds unchecked where the lines
    # before bound the sum.
    for entry: uint256 in ranges:
        if entry >> 112 != at:
            count += self._release(authorization, sums, highest)
            sums = 0
            at += 1
            assert entry >> 112 == at, "leases: ranges out of order"
            authorization = authorizations[at]
        lease: bytes32 = convert(
            unsafe_add(convert(authorization, uint256), entry & UINT32), bytes32
        )
        word: uint256 = self.leases[lease].word
        if word & FIXED != usual | (entry & SETTLED):
            self._settle_unusual(authorization, word, entry, usual)
        if word >> usage.DEADLINE_AT < block.timestamp:
            self._check_deadline(word)
        # Neither runs backwards, or its upper bits are set.
        uses: uint256 = unsafe_sub((entry >> 64) & UINT32, (entry >> 32) & UINT32)
        left: uint256 = unsafe_sub(word & UINT32, (entry >> 64) & UINT32)
        assert (uses | left) >> 32 == 0, "leases: more uses than the lease reserved"
        if highest < (word >> usage.OPENED_AT) & UINT32:
            assert uses == 0, "leases: state block before the lease opened"
        if entry & CLOSES != 0:
            sums = unsafe_add(sums, (uses << 128) | (1 << 64) | left)
            self.leases[lease].word = unsafe_add(word, uses << usage.SETTLED_AT) | CLOSED
        else:
            assert uses != 0, "leases: empty range"
            assert lasts[followed] != empty(bytes32), "leases: no last receipt"
            sums = unsafe_add(sums, uses << 128)
            self.leases[lease].word = unsafe_add(word, uses << usage.SETTLED_AT)
            self.leases[lease].last = lasts[followed]
            followed += 1
    count += self._release(authorization, sums, highest)
    assert at + 1 == len(authorizations), "leases: ranges out of order"
    assert followed == len(lasts), "leases: no last receipt"
    assert count == convert(batch.count, uint256), "leases: count differs from the ranges"
    assert (
        keccak256(abi_encode(authorizations, ranges, lasts)) == batch.ranges
    ), "leases: not the batch's ranges"
    log BatchAnchored(
        batch=signed,
        provider=convert(batch.provider, uint256),
        consumer=convert(batch.consumer, uint256),
        root=batch.root,
        count=count,
        highestStateBlock=highest,
        authorizations=authorizations,
        ranges=ranges,
        lasts=lasts,
    )


@external
def close(
    authorization: bytes32,
    number: uint256,
    used: uint64,
    last: bytes32,
    providerSignature: Bytes[usage.SIGNATURES_MAX],
    consumerSignature: Bytes[usage.SIGNATURES_MAX],
):
    """
    @notice Close by both, final at once (R12a): all `used` uses are settled or claimed already.
    """
    lease: bytes32 = usage.id(authorization, number)
    word: uint256 = self.leases[lease].word
    self._check_running()
    self._check_live(word)
    assert (
        convert(used, uint256) == usage.settled(word) + usage.claimed(word)
    ), "leases: not all uses are settled"
    assert last == usage.last(lease, self.leases[lease].last), "leases: not the last receipt"
    self._check_both(
        word, usage.close_hash(lease, used, last), providerSignature, consumerSignature
    )
    self._close(authorization, lease, word)


@external
def lapse(authorization: bytes32, number: uint256):
    """
    @notice Nobody closed in time (R12c): all reserved uses stay counted, and the authorization gets
            no new lease until both sides stated the uses.
    """
    lease: bytes32 = usage.id(authorization, number)
    word: uint256 = self.leases[lease].word
    self._check_running()
    assert usage.status(word) == vocabulary.LEASE_STATUS_OPEN, "leases: not open"
    assert (
        block.timestamp > self._with_deadline(word) >> usage.DEADLINE_AT
    ), "leases: settling deadline is not over"
    self.leases[lease].word = self._with_status(word, vocabulary.LEASE_STATUS_LAPSED)
    extcall IAuthorizations(addresses.AUTHORIZATIONS).leaseLapsed(authorization)
    log LeaseUnaccounted(
        lease=lease,
        authorization=authorization,
        uses=usage.uses(word),
        settled=usage.settled(word),
    )


@external
def advance(
    lease: bytes32, settled: uint256, claimed: uint256, last: bytes32, deadline: uint256
):
    """
    @notice Closings moves a lease on its one-sided way: that begins in time to settle, counts only
            grow, never above the reserved uses. It is closing from then on, and settling goes on up to
            `deadline`.
    """
    assert msg.sender == addresses.CLOSINGS, "leases: only closings"
    self._check_running()
    word: uint256 = self.leases[lease].word
    self._check_live(word)
    if usage.status(word) == vocabulary.LEASE_STATUS_OPEN:
        self._check_deadline(word)
    assert (
        settled >= usage.settled(word) and claimed >= usage.claimed(word)
    ), "leases: counts run backwards"
    assert (
        settled + claimed <= usage.uses(word)
    ), "leases: more uses than the lease reserved"
    word &= ~(
        (UINT32 << usage.SETTLED_AT) | (255 << usage.CLAIMED_AT) | (usage.TIME << usage.DEADLINE_AT)
    )
    word |= (settled << usage.SETTLED_AT) | (claimed << usage.CLAIMED_AT)
    word |= deadline << usage.DEADLINE_AT
    self.leases[lease].word = self._with_status(word, vocabulary.LEASE_STATUS_CLOSING)
    if last != lease:
        self.leases[lease].last = last


@external
def finish(authorization: bytes32, number: uint256):
    """
    @notice Closings ends a closing: what was not used returns.
    """
    assert msg.sender == addresses.CLOSINGS, "leases: only closings"
    self._check_running()
    lease: bytes32 = usage.id(authorization, number)
    self._close(authorization, lease, self.leases[lease].word)


@external
def setGate(closed: bool, haltedFrom: uint256, haltedUntil: uint256):
    """
    @notice Versions halts version 1: nothing settles, closes or lapses meanwhile. That it is closed
            stops nothing here.
    """
    assert msg.sender == addresses.VERSIONS, "leases: only versions"
    self.halt = haltedFrom | (haltedUntil << 40)
    log SettlingHalted(since=haltedFrom, until=haltedUntil)


@view
@internal
def _gateways(providerKey: address) -> (uint256, uint256):
    """
    @dev Member and key of the provider's gateway and of the sender, which is the consumer's.
    """
    provider: uint256 = 0
    consumer: uint256 = 0
    provider, consumer = staticcall IMembers(addresses.MEMBERS).gateways(providerKey, msg.sender)
    assert provider != 0 and consumer != 0, "leases: not a gateway"
    return provider, consumer


@internal
def _open(opening: Opening, provider: uint256, consumer: uint256) -> bytes32:
    assert opening.expiresAt > block.timestamp, "leases: ends before it begins"
    reservation: IAuthorizations.Reservation = extcall IAuthorizations(
        addresses.AUTHORIZATIONS
    ).reserve(
        opening.authorization,
        opening.uses,
        opening.purpose,
        opening.fields,
        opening.mode,
        opening.expiresAt,
    )
    assert consumer >> 32 == reservation.consumer, "leases: not the consumer's gateway"
    assert provider >> 32 == reservation.provider, "leases: not the provider's gateway"
    lease: bytes32 = usage.id(opening.authorization, reservation.number)
    # Every part fits: Authorizations held uses, purpose, mode and end to the limits.
    self.leases[lease].word = (
        opening.uses
        | (vocabulary.LEASE_STATUS_OPEN << usage.STATUS_AT)
        | (opening.mode << usage.MODE_AT)
        | (opening.purpose << usage.PURPOSE_AT)
        | (reservation.version << usage.VERSION_AT)
        | (block.number << usage.OPENED_AT)
        | (opening.expiresAt << usage.EXPIRES_AT)
        | (reservation.isRated << usage.RATED_AT)
        | (reservation.isPerUse << usage.PER_USE_AT)
        | ((opening.expiresAt + reservation.settleWithin) << usage.DEADLINE_AT)
        | ((provider & UINT32) << usage.PROVIDER_AT)
        | ((consumer & UINT32) << usage.CONSUMER_AT)
    )
    if opening.fields != 0:
        self.leases[lease].fields = opening.fields
    log LeaseOpened(
        lease=lease,
        authorization=opening.authorization,
        number=reservation.number,
        uses=opening.uses,
        purpose=opening.purpose,
        fields=opening.fields,
        mode=opening.mode,
        expiresAt=opening.expiresAt,
        providerKey=provider & UINT32,
        consumerKey=consumer & UINT32,
    )
    return lease


@pure
@internal
def _check_live(word: uint256):
    status: uint256 = usage.status(word)
    assert (
        status == vocabulary.LEASE_STATUS_OPEN or status == vocabulary.LEASE_STATUS_CLOSING
    ), "leases: not open"


@view
@internal
def _check_settling(word: uint256):
    """
    @dev Receipts settle while the lease is open and until its deadline; in a closing, until the
         time to answer is over. Status and expiry of the authorization are not asked (R11).
    """
    self._check_running()
    self._check_live(word)
    self._check_deadline(word)


@view
@internal
def _check_running():
    assert block.timestamp >= self.halt >> 40, "leases: this version is halted"


@view
@internal
def _check_deadline(word: uint256):
    assert (
        block.timestamp <= self._with_deadline(word) >> usage.DEADLINE_AT
    ), "leases: past the settling deadline"


@view
@internal
def _with_deadline(word: uint256) -> uint256:
    """
    @dev A lease's word with its deadline as far behind the end of a halt as it was behind its beginning:
         who could not settle meanwhile loses no time.
    """
    since: uint256 = self.halt & (2**40 - 1)
    until: uint256 = self.halt >> 40
    deadline: uint256 = word >> usage.DEADLINE_AT
    if deadline < since or deadline >= until:
        return word
    kept: uint256 = word & ~(usage.TIME << usage.DEADLINE_AT)
    return kept | ((deadline - since + until) << usage.DEADLINE_AT)


@view
@internal
def _check_both(
    word: uint256, signed: bytes32, providerSignature: Bytes[usage.SIGNATURES_MAX], consumerSignature: Bytes[usage.SIGNATURES_MAX]
):
    provider: uint256 = 0
    consumer: uint256 = 0
    provider, consumer = usage.keys(word)
    usage.check_signatures(
        provider, signed, providerSignature, consumer, signed, consumerSignature
    )


@internal
def _begin_batch(
    signed: bytes32,
    batch: usage.Batch,
    first: bytes32,
) -> (uint256, uint256, uint256):
    """
    @dev Check the header against the keys of the batch's first lease; return what the word of an open
         lease with these keys holds, and the keys.
    """
    assert (
        convert(batch.highestStateBlock, uint256) <= block.number
    ), "leases: state block in the future"
    assert self.batches[signed] == 0, "leases: batch is anchored already"
    self.batches[signed] = block.number
    word: uint256 = self.leases[first].word
    provider: uint256 = 0
    consumer: uint256 = 0
    provider, consumer = usage.keys(word)
    assert (
        usage.member(provider) == convert(batch.provider, uint256)
    ), "leases: not the pair's provider"
    assert (
        usage.member(consumer) == convert(batch.consumer, uint256)
    ), "leases: not the pair's consumer"
    usual: uint256 = (word & PAIR) | (vocabulary.LEASE_STATUS_OPEN << usage.STATUS_AT)
    return usual, provider, consumer


@internal
def _settle_unusual(authorization: bytes32, word: uint256, entry: uint256, usual: uint256):
    """
    @dev A range's lease is not open, without a rate, with the batch's keys and so many settled uses.
         It may still be closing, with time left, or be under a rate; else say what differs.
    """
    self._check_live(word)
    assert word & PAIR == usual & PAIR, "leases: lease of another pair of keys"
    assert word & SETTLED == entry & SETTLED, "leases: not the next use"
    last: uint256 = (entry >> 64) & UINT32
    if word & RATED != 0 and entry & CLOSES != 0 and last <= usage.uses(word):
        self._return_to_window(authorization, word, usage.uses(word) - last)


@internal
def _release(authorization: bytes32, sums: uint256, highest: uint256) -> uint256:
    """
    @dev All ranges of one authorization are through: return what they leave, and hold the batch's
         highest state block to the block that ended or interrupted it. Gives the uses they settled.
    """
    closed: uint256 = (sums >> 64) & (2**64 - 1)
    bound: uint256 = 0
    if closed != 0:
        bound = extcall IAuthorizations(addresses.AUTHORIZATIONS).release(
            authorization, closed, sums & (2**64 - 1)
        )
    else:
        bound = staticcall IAuthorizations(addresses.AUTHORIZATIONS).boundOf(authorization)
    settled: uint256 = sums >> 128
    assert settled == 0 or highest < bound, "leases: state block at which no use was permitted"
    return settled


@internal
def _return_to_window(authorization: bytes32, word: uint256, returned: uint256):
    extcall IAuthorizations(addresses.AUTHORIZATIONS).returnToWindow(
        authorization, usage.version(word), (word >> usage.EXPIRES_AT) & usage.TIME, returned
    )


@internal
def _close(authorization: bytes32, lease: bytes32, word: uint256):
    self.leases[lease].word = self._with_status(word, vocabulary.LEASE_STATUS_CLOSED)
    returned: uint256 = usage.uses(word) - usage.settled(word) - usage.claimed(word)
    if word & RATED != 0:
        self._return_to_window(authorization, word, returned)
    extcall IAuthorizations(addresses.AUTHORIZATIONS).release(authorization, 1, returned)
    log LeaseClosed(
        lease=lease,
        authorization=authorization,
        settled=usage.settled(word),
        claimed=usage.claimed(word),
        returned=returned,
    )


@pure
@internal
def _with_status(word: uint256, status: uint256) -> uint256:
    return (word & ~(15 << usage.STATUS_AT)) | (status << usage.STATUS_AT)
