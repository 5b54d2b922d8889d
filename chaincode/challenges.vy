# pragma version 0.4.3
# pragma evm-version prague
"""
@title Challenges
@notice What is put on record against a receipt that a batch hides (R13): whoever holds a leaf that
        contradicts its lease or its batch has it marked void; a key that signed two receipts of one
        number is shown; either side reports a use outside the terms; both together correct a receipt
        by a record beside it. Records are never changed, only added to, and nothing here counts as a
        permitted use, nor gives one back.
"""

from interfaces import IAuthorizations
from interfaces import ILeases
from interfaces import IMembers
import addresses
import signatures
import usage
import vocabulary

APPROVER: constant(uint256) = 1 << vocabulary.ROLE_APPROVER
GATEWAY: constant(uint256) = 1 << vocabulary.ROLE_GATEWAY
RANGES_MAX: constant(uint256) = 256
PROOF_MAX: constant(uint256) = 40
UINT32: constant(uint256) = 2**32 - 1
# In the word of a range: it closes the lease.
CLOSES: constant(uint256) = 1 << 96

# Fixed positions: node/spec/registry.py reads them from storage proofs.
voids: HashMap[bytes32, bool]
# By the hash of a receipt, the digest of its one correction; zero for none.
corrections: HashMap[bytes32, bytes32]

event ReceiptVoided:
    lease: indexed(bytes32)
    receipt: indexed(bytes32)
    batch: indexed(bytes32)
    flaw: String[usage.FLAW_MAX]


event ForkProved:
    lease: indexed(bytes32)
    number: uint256
    signer: indexed(address)
    first: bytes32
    second: bytes32


event ReceiptCorrected:
    lease: indexed(bytes32)
    number: uint256
    receipt: indexed(bytes32)
    replacement: bytes32
    cause: uint256


event BreachReported:
    authorization: indexed(bytes32)
    member: indexed(uint256)
    lease: bytes32
    evidence: bytes32


@deploy
def __init__():
    """
    @notice Nothing is void at genesis.
    """
    pass


@view
@external
def receiptHash(receipt: usage.Receipt) -> bytes32:
    """
    @notice The EIP-712 digest of a receipt: what both sides sign, and a leaf of a batch.
    """
    return usage.receipt_hash(receipt)


@view
@external
def requestHash(request: usage.Request) -> bytes32:
    """
    @notice The EIP-712 digest of a request, which the consumer signs (R9).
    """
    return usage.request_hash(request)


@view
@external
def batchId(batch: usage.Batch) -> bytes32:
    """
    @notice The EIP-712 digest of a batch: what both sides sign, and its id.
    """
    return usage.batch_id(batch)


@view
@external
def closeHash(lease: bytes32, number: uint64, last: bytes32) -> bytes32:
    """
    @notice The EIP-712 digest of a close, which both sides sign.
    """
    return usage.close_hash(lease, number, last)


@view
@external
def correctionHash(correction: usage.Correction) -> bytes32:
    """
    @notice The EIP-712 digest of a correction, which both sides sign.
    """
    return usage.correction_hash(correction)


@view
@external
def correctionOf(receipt: bytes32) -> bytes32:
    """
    @notice The digest of the correction of a receipt; zero for none.
    """
    return self.corrections[receipt]


@view
@external
def isVoid(receipt: bytes32) -> bool:
    """
    @notice Whether a challenge showed that an anchored receipt contradicts its lease or batch.
    """
    return self.voids[receipt]


@view
@external
def isAnchored(
    batch: usage.Batch,
    receipt: usage.Receipt,
    index: uint256,
    proof: DynArray[bytes32, PROOF_MAX],
) -> bool:
    """
    @notice Whether a receipt is leaf `index` of an anchored batch and was not voided.
    """
    hashed: bytes32 = usage.receipt_hash(receipt)
    signed: bytes32 = usage.batch_id(batch)
    return (
        staticcall ILeases(addresses.LEASES).anchoredAt(signed) != 0
        and self._root(hashed, index, convert(batch.count, uint256), proof) == batch.root
        and not self.voids[hashed]
        and not self.voids[self._stranger(signed, hashed)]
    )


@external
def challenge(
    batch: usage.Batch,
    authorizations: DynArray[bytes32, RANGES_MAX],
    ranges: DynArray[uint256, RANGES_MAX],
    lasts: DynArray[bytes32, RANGES_MAX],
    receipt: usage.Receipt,
    index: uint256,
    proof: DynArray[bytes32, PROOF_MAX],
):
    """
    @notice Prove that a leaf of an anchored batch contradicts its lease or its batch (R13). It is
            marked void. Anyone who holds the leaf may.
    """
    signed: bytes32 = usage.batch_id(batch)
    assert (
        staticcall ILeases(addresses.LEASES).anchoredAt(signed) != 0
    ), "challenges: batch is not anchored"
    assert (
        keccak256(abi_encode(authorizations, ranges, lasts)) == batch.ranges
    ), "challenges: not the batch's ranges"
    hashed: bytes32 = usage.receipt_hash(receipt)
    assert (
        self._root(hashed, index, convert(batch.count, uint256), proof) == batch.root
    ), "challenges: not a leaf of the batch"
    entry: uint256 = 0
    number: uint256 = 0
    expected: bytes32 = empty(bytes32)
    entry, number, expected = self._place(ranges, lasts, index)
    authorization: bytes32 = authorizations[entry >> 112]
    lease: bytes32 = usage.id(authorization, entry & UINT32)
    flaw: String[usage.FLAW_MAX] = self._flaw(batch, receipt, lease, number)
    if len(flaw) == 0:
        flaw = usage.standing_flaw(authorization, receipt)
    if len(flaw) == 0 and expected != empty(bytes32) and hashed != expected:
        flaw = "challenges: not the range's last receipt"
    assert len(flaw) != 0, "challenges: nothing contradicts the leaf"
    # A leaf of another lease says nothing of that lease's own receipt, which may be anchored rightly.
    mark: bytes32 = hashed if receipt.lease == lease else self._stranger(signed, hashed)
    assert not self.voids[mark], "challenges: void already"
    self.voids[mark] = True
    log ReceiptVoided(lease=receipt.lease, receipt=hashed, batch=signed, flaw=flaw)


@external
def proveFork(
    first: usage.Receipt,
    second: usage.Receipt,
    firstSignature: Bytes[65],
    secondSignature: Bytes[65],
):
    """
    @notice Put on record that a key of a lease signed two receipts with the same number.
    """
    assert (
        first.lease == second.lease and first.number == second.number
    ), "challenges: not the same use"
    one: bytes32 = usage.receipt_hash(first)
    other: bytes32 = usage.receipt_hash(second)
    assert one != other, "challenges: the same receipt"
    signer: address = signatures.signer(one, firstSignature)
    word: uint256 = 0
    last: bytes32 = empty(bytes32)
    word, last = staticcall ILeases(addresses.LEASES).place(first.lease)
    provider: uint256 = 0
    consumer: uint256 = 0
    provider, consumer = usage.keys(word)
    assert signer != empty(address) and (
        signer == usage.account(provider) or signer == usage.account(consumer)
    ), "challenges: not a key of the lease"
    assert signer == signatures.signer(other, secondSignature), "challenges: two signers"
    log ForkProved(
        lease=first.lease,
        number=convert(first.number, uint256),
        signer=signer,
        first=one,
        second=other,
    )


@external
def correct(
    receipt: usage.Receipt,
    correction: usage.Correction,
    providerSignature: Bytes[usage.SIGNATURES_MAX],
    consumerSignature: Bytes[usage.SIGNATURES_MAX],
):
    """
    @notice Both sides say, once, that a settled or claimed receipt is not what it should be: its use is
            void, or another receipt that both hold stands in its place. The receipt stays on record,
            and what was counted stays counted. Anyone may carry it in.
    """
    hashed: bytes32 = usage.receipt_hash(receipt)
    cause: uint256 = convert(correction.cause, uint256)
    number: uint256 = convert(receipt.number, uint256)
    assert correction.receipt == hashed, "challenges: correction of another receipt"
    assert correction.replacement != hashed, "challenges: replaced by itself"
    assert (
        cause != 0 and cause <= vocabulary.CORRECTION_CAUSE_LAST
    ), "challenges: unknown cause"
    assert self.corrections[hashed] == empty(bytes32), "challenges: corrected already"
    word: uint256 = 0
    last: bytes32 = empty(bytes32)
    word, last = staticcall ILeases(addresses.LEASES).place(receipt.lease)
    assert (
        number != 0 and number <= usage.settled(word) + usage.claimed(word)
    ), "challenges: receipt is not settled"
    provider: uint256 = 0
    consumer: uint256 = 0
    provider, consumer = usage.keys(word)
    signed: bytes32 = usage.correction_hash(correction)
    usage.check_signatures(
        provider, signed, providerSignature, consumer, signed, consumerSignature
    )
    self.corrections[hashed] = signed
    log ReceiptCorrected(
        lease=receipt.lease,
        number=number,
        receipt=hashed,
        replacement=correction.replacement,
        cause=cause,
    )


@external
def reportBreach(authorization: bytes32, lease: bytes32, evidence: bytes32):
    """
    @notice A side records a use outside the terms, by the hash of its evidence. Nothing recorded so
            ever counts as permitted (R13).
    """
    assert evidence != empty(bytes32), "challenges: no evidence"
    member: uint256 = 0
    kind: uint256 = 0
    roles: uint256 = 0
    member, kind, roles = staticcall IMembers(addresses.MEMBERS).standing(msg.sender)
    assert roles & (GATEWAY | APPROVER) != 0, "challenges: neither gateway nor approver"
    deadlines: IAuthorizations.Deadlines = staticcall IAuthorizations(
        addresses.AUTHORIZATIONS
    ).deadlines(authorization, 0)
    assert (
        member == deadlines.provider or member == deadlines.consumer
    ), "challenges: not a party"
    log BreachReported(
        authorization=authorization, member=member, lease=lease, evidence=evidence
    )


@pure
@internal
def _place(
    ranges: DynArray[uint256, RANGES_MAX], lasts: DynArray[bytes32, RANGES_MAX], index: uint256
) -> (uint256, uint256, bytes32):
    """
    @dev The range that leaf `index` stands in, the number the leaf must have, and the hash it must
         have when the batch says so: it is the last of a range that does not close.
    """
    offset: uint256 = 0
    followed: uint256 = 0
    for entry: uint256 in ranges:
        before: uint256 = (entry >> 32) & UINT32
        last: uint256 = (entry >> 64) & UINT32
        count: uint256 = last - before
        if index < offset + count:
            number: uint256 = before + 1 + index - offset
            if number == last and entry & CLOSES == 0:
                return entry, number, lasts[followed]
            return entry, number, empty(bytes32)
        offset += count
        if entry & CLOSES == 0:
            followed += 1
    raise "challenges: not a leaf of the batch"


@pure
@internal
def _stranger(batch: bytes32, receipt: bytes32) -> bytes32:
    """
    @dev What marks a leaf that is void in one batch alone, because its lease is another's.
    """
    return keccak256(concat(batch, receipt))


@view
@internal
def _flaw(
    batch: usage.Batch, receipt: usage.Receipt, lease: bytes32, number: uint256
) -> String[usage.FLAW_MAX]:
    """
    @dev What in a leaf contradicts its batch or its lease; nothing when it fits.
    """
    if receipt.lease != lease:
        return "challenges: leaf of another lease"
    if convert(receipt.number, uint256) != number:
        return "challenges: leaf out of order"
    if number == 1 and receipt.previous != lease:
        return "challenges: first receipt does not start the chain"
    if receipt.stateBlock > batch.highestStateBlock:
        return "challenges: state block above the batch's highest"
    word: uint256 = 0
    last: bytes32 = empty(bytes32)
    word, last = staticcall ILeases(addresses.LEASES).place(lease)
    return usage.flaw(receipt, word)


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
