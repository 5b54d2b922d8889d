# pragma version 0.4.3
# pragma evm-version prague
"""
@title Closings
@notice How one side alone closes a lease, like a payment channel (R12b): it shows the highest
        co-signed receipt, the other has `answerWithin` to show a higher one, then the provider has as
        long again to claim uses that were requested and never countersigned; and what both sides
        state of a lease that lapsed (R12c). The leases themselves are in Leases. Time in which this
        version was halted counts for neither (R23).
"""

from interfaces import IAuthorizations
from interfaces import ILeases
from interfaces import IMembers
from interfaces import IVersions
import addresses
import signatures
import usage
import vocabulary

APPROVER: constant(uint256) = 1 << vocabulary.ROLE_APPROVER
GATEWAY: constant(uint256) = 1 << vocabulary.ROLE_GATEWAY
# That of the contracts which genesis carries.
VERSION: constant(uint256) = 1
UINT32: constant(uint256) = 2**32 - 1

# What each side stated of a lapsed lease. Bits: provider stated 0, consumer stated 1, the provider's
# count 32, the consumer's 64. Fixed position: node/spec/registry.py reads it from storage proofs.
statements: HashMap[bytes32, uint256]

event LeaseClosing:
    lease: indexed(bytes32)
    member: indexed(uint256)
    settled: uint256
    # Unix seconds, the first at which no answer is taken if no halt intervenes.
    answerUntil: uint256


event LeaseAnswered:
    lease: indexed(bytes32)
    settled: uint256
    receipt: bytes32


event UseClaimed:
    lease: indexed(bytes32)
    number: uint256
    receipt: bytes32


event UsesStated:
    lease: indexed(bytes32)
    member: indexed(uint256)
    used: uint256


event StatementsDiffer:
    lease: indexed(bytes32)
    provider: uint256
    consumer: uint256


@deploy
def __init__():
    """
    @notice No statements at genesis.
    """
    pass


@view
@external
def statement(lease: bytes32) -> uint256:
    """
    @notice What both sides stated of a lapsed lease, packed; see `statements`.
    """
    return self.statements[lease]


@external
def closeAlone(
    authorization: bytes32,
    number: uint256,
    receipt: usage.Receipt,
    providerSignature: Bytes[usage.SIGNATURES_MAX],
    consumerSignature: Bytes[usage.SIGNATURES_MAX],
):
    """
    @notice One side begins to close, with the highest co-signed receipt, or with receipt number 0 when
            all co-signed ones are settled. The receipts between are proved by the hash chain.
    """
    lease: bytes32 = usage.id(authorization, number)
    word: uint256 = 0
    last: bytes32 = empty(bytes32)
    word, last = staticcall ILeases(addresses.LEASES).place(lease)
    deadlines: IAuthorizations.Deadlines = self._deadlines(authorization, word)
    assert usage.status(word) == vocabulary.LEASE_STATUS_OPEN, "closings: not open"
    member: uint256 = self._side(deadlines)
    settled: uint256 = usage.settled(word)
    if receipt.number != 0:
        last = self._check_higher(
            authorization, receipt, lease, word, last, providerSignature, consumerSignature
        )
        settled = convert(receipt.number, uint256)
    until: uint256 = block.timestamp + deadlines.answerWithin
    extcall ILeases(addresses.LEASES).advance(
        lease, settled, usage.claimed(word), last, until - 1
    )
    log LeaseClosing(lease=lease, member=member, settled=settled, answerUntil=until)


@external
def answer(
    authorization: bytes32,
    number: uint256,
    receipt: usage.Receipt,
    providerSignature: Bytes[usage.SIGNATURES_MAX],
    consumerSignature: Bytes[usage.SIGNATURES_MAX],
):
    """
    @notice Show a higher co-signed receipt while a lease is closing. Anyone may carry it in.
    """
    lease: bytes32 = usage.id(authorization, number)
    word: uint256 = 0
    last: bytes32 = empty(bytes32)
    word, last = staticcall ILeases(addresses.LEASES).place(lease)
    deadlines: IAuthorizations.Deadlines = self._deadlines(authorization, word)
    assert (
        self._elapsed(word, deadlines.answerWithin) < deadlines.answerWithin
    ), "closings: time to answer is over"
    hashed: bytes32 = self._check_higher(
        authorization,
        receipt,
        lease,
        word,
        last,
        providerSignature,
        consumerSignature,
    )
    settled: uint256 = convert(receipt.number, uint256)
    extcall ILeases(addresses.LEASES).advance(
        lease, settled, usage.claimed(word), hashed, word >> usage.DEADLINE_AT
    )
    log LeaseAnswered(lease=lease, settled=settled, receipt=hashed)


@external
def claim(
    authorization: bytes32,
    number: uint256,
    request: usage.Request,
    consumerSignature: Bytes[usage.SIGNATURES_MAX],
    receipt: usage.Receipt,
    providerSignature: Bytes[usage.SIGNATURES_MAX],
):
    """
    @notice Once the time to answer is over the provider has as long again to claim uses that the
            consumer requested and never countersigned, one after another, at most
            `unsignedMaximum`. They count against limits.
    """
    lease: bytes32 = usage.id(authorization, number)
    word: uint256 = 0
    last: bytes32 = empty(bytes32)
    word, last = staticcall ILeases(addresses.LEASES).place(lease)
    deadlines: IAuthorizations.Deadlines = self._deadlines(authorization, word)
    elapsed: uint256 = self._elapsed(word, deadlines.answerWithin)
    assert elapsed >= deadlines.answerWithin, "closings: time to answer is not over"
    assert elapsed < 2 * deadlines.answerWithin, "closings: time to claim is over"
    claimed: uint256 = usage.claimed(word)
    assert claimed < deadlines.unsignedMaximum, "closings: claims exhausted"
    next: uint256 = usage.settled(word) + claimed + 1
    assert convert(receipt.number, uint256) == next, "closings: not the next use"
    assert receipt.previous == last, "closings: does not follow the last receipt"
    assert (
        request.lease == lease
        and request.number == receipt.number
        and request.previous == receipt.previous
        and request.requestHash == receipt.requestHash
    ), "closings: receipt does not answer the request"
    usage.check_receipt(authorization, receipt, lease, word)
    hashed: bytes32 = usage.receipt_hash(receipt)
    provider: uint256 = 0
    consumer: uint256 = 0
    provider, consumer = usage.keys(word)
    usage.check_signatures(
        provider, hashed, providerSignature, consumer, usage.request_hash(request), consumerSignature
    )
    extcall ILeases(addresses.LEASES).advance(
        lease, usage.settled(word), claimed + 1, hashed, word >> usage.DEADLINE_AT
    )
    log UseClaimed(lease=lease, number=next, receipt=hashed)


@external
def finalize(authorization: bytes32, number: uint256):
    """
    @notice Finish a closing: anyone once the time to claim is over, or there is nothing left to
            claim; the provider as soon as the time to answer is over.
    """
    word: uint256 = 0
    last: bytes32 = empty(bytes32)
    word, last = staticcall ILeases(addresses.LEASES).place(usage.id(authorization, number))
    deadlines: IAuthorizations.Deadlines = self._deadlines(authorization, word)
    elapsed: uint256 = self._elapsed(word, deadlines.answerWithin)
    assert elapsed >= deadlines.answerWithin, "closings: time to answer is not over"
    if (
        elapsed < 2 * deadlines.answerWithin
        and usage.claimed(word) < deadlines.unsignedMaximum
        and usage.settled(word) + usage.claimed(word) < usage.uses(word)
    ):
        assert self._side(deadlines) == deadlines.provider, "closings: time to claim is not over"
    extcall ILeases(addresses.LEASES).finish(authorization, number)


@external
def stateUses(authorization: bytes32, number: uint256, used: uint256):
    """
    @notice One side states the uses of a lapsed lease. The second statement lets the authorization
            have leases again; a difference between the two is on record.
    """
    lease: bytes32 = usage.id(authorization, number)
    word: uint256 = 0
    last: bytes32 = empty(bytes32)
    word, last = staticcall ILeases(addresses.LEASES).place(lease)
    deadlines: IAuthorizations.Deadlines = self._deadlines(authorization, word)
    assert usage.status(word) == vocabulary.LEASE_STATUS_LAPSED, "closings: not lapsed"
    assert used >= usage.settled(word) and used <= usage.uses(word), "closings: uses out of range"
    member: uint256 = self._side(deadlines)
    side: uint256 = 0 if member == deadlines.provider else 1
    stated: uint256 = self.statements[lease]
    assert (stated >> side) & 1 == 0, "closings: stated already"
    stated |= (1 << side) | (used << (32 + 32 * side))
    self.statements[lease] = stated
    log UsesStated(lease=lease, member=member, used=used)
    if stated & 3 != 3:
        return
    extcall IAuthorizations(addresses.AUTHORIZATIONS).lapseStated(authorization)
    provider: uint256 = (stated >> 32) & UINT32
    consumer: uint256 = (stated >> 64) & UINT32
    if provider != consumer:
        log StatementsDiffer(lease=lease, provider=provider, consumer=consumer)


@view
@internal
def _deadlines(authorization: bytes32, word: uint256) -> IAuthorizations.Deadlines:
    """
    @dev Those of the terms that the lease was opened under.
    """
    return staticcall IAuthorizations(addresses.AUTHORIZATIONS).deadlines(
        authorization, usage.version(word)
    )


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
    assert roles & (GATEWAY | APPROVER) != 0, "closings: neither gateway nor approver"
    assert member == deadlines.provider or member == deadlines.consumer, "closings: not a party"
    return member


@view
@internal
def _elapsed(word: uint256, answerWithin: uint256) -> uint256:
    """
    @dev Seconds since a lease began to close, but for halts: in one nobody could answer or claim. The
         lease's deadline is the last second to answer, had there been none.
    """
    assert usage.status(word) == vocabulary.LEASE_STATUS_CLOSING, "closings: not closing"
    began: uint256 = (word >> usage.DEADLINE_AT) + 1 - answerWithin
    halted: uint256 = staticcall IVersions(addresses.VERSIONS).haltedSince(VERSION, began)
    return block.timestamp - began - halted


@view
@internal
def _check_higher(
    authorization: bytes32,
    receipt: usage.Receipt,
    lease: bytes32,
    word: uint256,
    last: bytes32,
    providerSignature: Bytes[usage.SIGNATURES_MAX],
    consumerSignature: Bytes[usage.SIGNATURES_MAX],
) -> bytes32:
    """
    @dev A co-signed receipt above the settled ones. It may skip numbers: the hash chain proves those
         between. Returns its hash.
    """
    assert (
        convert(receipt.number, uint256) > usage.settled(word)
    ), "closings: not a higher use"
    usage.check_receipt(authorization, receipt, lease, word)
    if convert(receipt.number, uint256) == usage.settled(word) + 1:
        assert receipt.previous == last, "closings: does not follow the last receipt"
    hashed: bytes32 = usage.receipt_hash(receipt)
    provider: uint256 = 0
    consumer: uint256 = 0
    provider, consumer = usage.keys(word)
    usage.check_signatures(
        provider, hashed, providerSignature, consumer, hashed, consumerSignature
    )
    return hashed
