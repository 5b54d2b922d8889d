"""A trail is what an auditor believes, so each way to break one must be found."""

from dataclasses import replace

import pytest

from node.errors import ProofError, SignatureError
from node.spec import usage as u
from node.spec.crypto import address_of, keccak256, sign
from node.spec.interruptions import ENDLESS, Interruption, covering
from node.spec.types import ZERO_HASH

CHAIN = 20_260
PROVIDER, CONSUMER, STRANGER = (keccak256(name) for name in (b"provider", b"consumer", b"x"))
LEASE = u.lease_id(keccak256(b"authorization"), 1)
FACTS = u.LeaseFacts(
    LEASE,
    uses=5,
    mode=2,
    opened_at=100,
    expires_at=5_000,
    provider_key=address_of(PROVIDER),
    consumer_key=address_of(CONSUMER),
)
HOLE = Interruption(begun=140, ended=151, until=ENDLESS)


def signed(receipt: u.Receipt, *, provider=PROVIDER, consumer=CONSUMER) -> u.SignedReceipt:
    digest = u.receipt_hash(receipt, CHAIN)
    countersigned = sign(consumer, digest) if consumer else None
    return u.SignedReceipt(receipt, sign(provider, digest), countersigned)


def trail(count: int) -> list[u.SignedReceipt]:
    found, last = [], LEASE
    for number in range(1, count + 1):
        hashes = (ZERO_HASH, ZERO_HASH, ZERO_HASH)
        receipt = u.Receipt(LEASE, number, last, ZERO_HASH, 0, 150, 4_000, 9, 0, *hashes)
        last = u.receipt_hash(receipt, CHAIN)
        found.append(signed(receipt))
    return found


def test_a_whole_trail():
    receipts = trail(5)
    last = u.receipt_hash(receipts[-1].receipt, CHAIN)
    assert u.verify_trail(FACTS, receipts, CHAIN) == (5, last)
    assert u.verify_trail(FACTS, [], CHAIN) == (0, LEASE)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_gap(missing):
    receipts = trail(4)
    del receipts[missing]
    with pytest.raises(ProofError, match="does not follow"):
        u.verify_trail(FACTS, receipts, CHAIN)


def test_order_repetition_and_another_chain():
    one, two, three = trail(3)
    for broken in ([two, one], [one, one], [one, three]):
        with pytest.raises(ProofError, match="does not follow"):
            u.verify_trail(FACTS, broken, CHAIN)
    with pytest.raises(SignatureError):
        u.verify_trail(FACTS, [one, two], CHAIN + 1)


@pytest.mark.parametrize(
    ("facts", "changes", "flaw"),
    [
        ({}, {"lease": ZERO_HASH}, "receipt of another lease"),
        ({"uses": 0}, {}, "more uses than the lease reserved"),
        ({}, {"kind": 2}, "unknown kind of receipt"),
        ({}, {"state_block": 99}, "state block before the lease opened"),
        ({"ended": 150}, {}, "state block after the authorization ended"),
        ({"interruptions": (HOLE,)}, {}, "used while suspended or frozen"),
        ({}, {"used_at": 5_000}, "used after the lease expired"),
        ({}, {"kind": 1}, "a void use delivered records"),
        ({"mode": 0}, {}, "more than one record in a use of fields"),
    ],
)
def test_a_receipt_that_contradicts_its_lease(facts, changes, flaw):
    receipt = replace(trail(1)[0].receipt, **changes)
    with pytest.raises(ProofError) as caught:
        u.verify_trail(replace(FACTS, **facts), [signed(receipt)], CHAIN)
    assert caught.value.why == f"usage: {flaw}"
    assert u.contradiction(trail(1)[0].receipt, replace(FACTS, ended=151)) is None


@pytest.mark.parametrize(
    ("block", "at", "begun"),
    [
        (139, 0, None),
        (140, 0, 140),
        (150, 0, 140),
        (151, 0, None),
        (200, 899, 200),
        (299, 900, None),
        (300, 899, 300),
        (10_000, 2**39, 300),
    ],
)
def test_only_the_last_interruption_begun_before_covers_a_use(block, at, begun):
    frozen, suspended = Interruption(200, None, 900), Interruption(300, None, ENDLESS)
    found = covering((HOLE, frozen, suspended), block, at)
    assert (found and found.begun) == begun
    assert covering((), block, at) is None
    assert frozen.is_open(899)
    assert not frozen.is_open(900)
    assert not HOLE.is_open(0)


def test_signatures_are_the_leases_keys():
    receipt = trail(1)[0].receipt
    for keys in ({"provider": STRANGER}, {"consumer": STRANGER}, {"provider": CONSUMER}):
        with pytest.raises(SignatureError, match="not signed by"):
            u.verify_trail(FACTS, [signed(receipt, **keys)], CHAIN)


def test_only_a_tail_may_await_the_consumer():
    receipts = trail(3)
    for index in (1, 2):
        receipts[index] = signed(receipts[index].receipt, consumer=None)
    assert u.verify_trail(FACTS, receipts, CHAIN, unsigned_maximum=2)[0] == 3
    with pytest.raises(SignatureError, match="lacks the consumer's signature"):
        u.verify_trail(FACTS, receipts, CHAIN, unsigned_maximum=1)
    receipts[2] = trail(3)[2]
    with pytest.raises(ProofError, match="countersigned after"):
        u.verify_trail(FACTS, receipts, CHAIN, unsigned_maximum=2)


def test_requests_are_the_consumers():
    request = u.Request(LEASE, 1, ZERO_HASH, LEASE)
    digest = u.request_digest(request, CHAIN)
    u.verify_request(request, CHAIN, sign(CONSUMER, digest), FACTS.consumer_key)
    with pytest.raises(SignatureError):
        u.verify_request(request, CHAIN, sign(PROVIDER, digest), FACTS.consumer_key)
    with pytest.raises(SignatureError):
        u.verify_request(request, CHAIN, b"", FACTS.consumer_key)
