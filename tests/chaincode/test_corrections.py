"""A receipt is corrected by a record beside it, by both sides, once, and no count moves."""

from dataclasses import replace

import pytest

from node.errors import ProofError
from node.sdk.corrections import correct_receipt, sign_correction
from node.spec import registry, usage
from node.spec.crypto import keccak256
from node.spec.types import ZERO_HASH, Hash32
from node.spec.usage import Correction, UseRange, correction_digest, correction_of
from node.spec.vocabulary import CorrectionCause, Reason
from tests.chaincode import world as w

CAUSE = CorrectionCause.RECORDED_IN_ERROR


@pytest.fixture
def world():
    return w.market()


def settled(world, count=1):
    """Receipts of one lease, the first settled alone, the others under a root."""
    authorization = w.grant(world)
    lease = w.open_lease(world, authorization)
    receipts = w.chain(world, lease, count)
    halves = w.both(w.hashed(receipts[0]))
    call = ("leases", "settle", authorization, 1, w.plain(receipts[0]), *halves)
    world.send("a.gateway", *call)
    if count > 1:
        ranges = [UseRange(authorization, 1, 2, count, w.hashed(receipts[-1]), False)]
        w.anchor(world, w.batch_of(ranges, receipts[1:]), ranges)
    return receipts


def call_of(receipt, correction, *names):
    keys = [w.key(name) for name in names or ("a.gateway", "b.gateway")]
    halves = (sign_correction(correction, key, w.CHAIN_ID) for key in keys)
    return correct_receipt(receipt, correction, *halves)


def refused(world, receipt, correction, *names):
    before = world.state.copy()
    with pytest.raises(w.Refusal) as found:
        world.carry_out("c.gateway", call_of(receipt, correction, *names))
    assert world.state == before
    return str(found.value)


def kept(world, receipt):
    slot = registry.slot_of_correction(w.hashed(receipt))
    word = world.reader("challenges")(slot).to_bytes(32, "big")
    assert word == world.view("challenges", "correctionOf", w.hashed(receipt))
    return Hash32(word)


def test_both_sides_void_a_receipt_and_no_count_moves(world):
    (receipt,) = settled(world)
    correction = correction_of(receipt, None, CAUSE, w.CHAIN_ID)
    digest = correction_digest(correction, w.CHAIN_ID)
    assert world.view("challenges", "correctionHash", w.plain(correction)) == digest
    authorization = w.identifier(w.terms())
    before = world.authorization(authorization), world.lease(receipt.lease)
    assert kept(world, receipt) == ZERO_HASH
    outcome = world.carry_out("c.gateway", call_of(receipt, correction))
    assert w.events(outcome) == ["ReceiptCorrected"]
    assert kept(world, receipt) == digest
    assert (world.authorization(authorization), world.lease(receipt.lease)) == before
    assert not world.view("challenges", "isVoid", w.hashed(receipt)), "that is for a challenge"


def test_one_under_a_root_is_replaced_by_what_both_hold(world):
    receipts = settled(world, 3)
    right = replace(receipts[1], record_count=2)
    correction = correction_of(receipts[1], right, CAUSE, w.CHAIN_ID)
    assert correction.replacement == w.hashed(right)
    world.carry_out("a.gateway", call_of(receipts[1], correction))
    assert kept(world, receipts[1]) == correction_digest(correction, w.CHAIN_ID)
    assert kept(world, receipts[0]) == kept(world, receipts[2]) == ZERO_HASH


def test_a_receipt_is_corrected_once(world):
    (receipt,) = settled(world)
    world.carry_out("a.gateway", call_of(receipt, correction_of(receipt, None, CAUSE, w.CHAIN_ID)))
    right = replace(receipt, record_count=2)
    again = correction_of(receipt, right, CAUSE, w.CHAIN_ID)
    assert refused(world, receipt, again) == "challenges: corrected already"


@pytest.mark.parametrize(
    ("names", "side"),
    [
        (("b.gateway", "b.gateway"), "provider"),
        (("a.gateway", "a.gateway"), "consumer"),
        (("c.gateway", "b.gateway"), "provider"),
    ],
)
def test_one_side_alone_corrects_nothing(world, names, side):
    (receipt,) = settled(world)
    correction = correction_of(receipt, None, CAUSE, w.CHAIN_ID)
    said = refused(world, receipt, correction, *names)
    assert said == f"usage: not the {side}'s signature"


def test_what_does_not_fit_is_refused(world):
    receipts = settled(world, 2)
    hashed = w.hashed(receipts[0])
    cases = (
        (Correction(w.hashed(receipts[1]), ZERO_HASH, CAUSE), "correction of another receipt"),
        (Correction(hashed, hashed, CAUSE), "replaced by itself"),
        (Correction(hashed, ZERO_HASH, 0), "unknown cause"),
        (Correction(hashed, ZERO_HASH, max(CorrectionCause) + 1), "unknown cause"),
    )
    for correction, reason in cases:
        assert refused(world, receipts[0], correction) == f"challenges: {reason}"


def test_only_what_is_settled_is_corrected(world):
    (receipt,) = settled(world)
    following = w.receipt(world, receipt.lease, 2, w.hashed(receipt))
    numberless = replace(receipt, number=0)
    elsewhere = replace(receipt, lease=keccak256(b"no lease"))
    for other in (following, numberless, elsewhere):
        correction = correction_of(other, None, CAUSE, w.CHAIN_ID)
        assert refused(world, other, correction) == "challenges: receipt is not settled"


def test_after_the_end_a_receipt_can_still_be_corrected(world):
    """R11: what was used before an end can always be put right."""
    (receipt,) = settled(world)
    end = (w.identifier(w.terms()), Reason.PROVIDER_WITHDREW, ZERO_HASH)
    world.send("a.approver", "authorizations", "revoke", *end)
    digest = usage.close_digest(receipt.lease, 1, w.hashed(receipt), w.CHAIN_ID)
    close = ("leases", "close", end[0], 1, 1, w.hashed(receipt), *w.both(digest))
    world.send("a.gateway", *close)
    world.carry_out("x", call_of(receipt, correction_of(receipt, None, CAUSE, w.CHAIN_ID)))


def test_a_replacement_is_of_the_same_use(world):
    (receipt,) = settled(world)
    for changes in ({"number": 2}, {"lease": ZERO_HASH}, {"previous": ZERO_HASH}):
        with pytest.raises(ProofError, match="same use"):
            correction_of(receipt, replace(receipt, **changes), CAUSE, w.CHAIN_ID)
    with pytest.raises(ProofError, match="does not replace itself"):
        correction_of(receipt, receipt, CAUSE, w.CHAIN_ID)
