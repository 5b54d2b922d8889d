"""What a batch says is held to its leases; what it hides, its leaves, is open to challenge."""

from dataclasses import replace

import pytest

from node.spec import merkle, registry, usage
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import LeaseStatus, Reason
from tests.chaincode import world as w


@pytest.fixture
def world():
    return w.market()


class Pair:
    """Two authorizations with a lease each, and receipts of 3 and 2 uses."""

    def __init__(self, world):
        self.world = world
        self.grants = [w.grant(world, nonce=nonce) for nonce in (0, 1)]
        self.leases = [w.open_lease(world, grant) for grant in self.grants]
        self.receipts = [
            w.chain(world, lease, count) for lease, count in zip(self.leases, (3, 2), strict=True)
        ]

    def ranges(self, closes=False):
        return [
            usage.UseRange(grant, 1, 1, len(receipts), w.hashed(receipts[-1]), closes)
            for grant, receipts in zip(self.grants, self.receipts, strict=True)
        ]

    def batch(self, ranges, /, **changes):
        return w.batch_of(ranges, [*self.receipts[0], *self.receipts[1]], **changes)

    def call(self, batch, ranges):
        return w.settling(batch, ranges)

    def state(self, number):
        return self.world.lease(self.leases[number])


@pytest.fixture
def pair(world):
    return Pair(world)


def test_one_root_settles_many_leases(world, pair):
    ranges = pair.ranges()
    batch = pair.batch(ranges)
    outcome = world.send("a.gateway", *pair.call(batch, ranges))
    assert w.events(outcome) == ["BatchAnchored"]
    for number, count in enumerate((3, 2)):
        assert pair.state(number).settled == count
        assert pair.state(number).last == w.hashed(pair.receipts[number][-1])
    identity = usage.batch_id(batch, w.CHAIN_ID)
    assert world.view("leases", "anchoredAt", identity) == world.number
    assert world.state.storage(registry.LEASES, registry.slot_of_batch(identity)) == world.number
    assert world.refused("a.gateway", *pair.call(batch, ranges)) == (
        "leases: batch is anchored already"
    )


def test_a_batch_closes_what_it_says(world, pair):
    ranges = pair.ranges(closes=True)
    world.send("a.gateway", *pair.call(pair.batch(ranges), ranges))
    assert [pair.state(number).status for number in (0, 1)] == [LeaseStatus.CLOSED] * 2
    found = world.authorization(pair.grants[0])
    assert (found.counted, found.open) == (3, 0)


def test_a_batch_may_only_close(world, pair):
    ranges = [usage.UseRange(pair.grants[0], 1, 1, 0, pair.leases[0], True)]
    world.send("a.gateway", *pair.call(w.batch_of(ranges, []), ranges))
    assert pair.state(0).status == LeaseStatus.CLOSED
    idle = [usage.UseRange(pair.grants[1], 1, 1, 0, pair.leases[1], False)]
    assert world.refused("a.gateway", *pair.call(w.batch_of(idle, []), idle)) == (
        "leases: empty range"
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ranges": ZERO_HASH}, "not the batch's ranges"),
        ({"count": 4}, "count differs from the ranges"),
        ({"count": 6}, "count differs from the ranges"),
        ({"highest_state_block": 10**6}, "state block in the future"),
        ({"highest_state_block": 1}, "state block before the lease opened"),
        ({"provider": w.C}, "not the pair's provider"),
        ({"consumer": w.C}, "not the pair's consumer"),
    ],
)
def test_a_header_that_does_not_fit(world, pair, changes, reason):
    ranges = pair.ranges()
    batch = pair.batch(ranges, **changes)
    assert world.refused("a.gateway", *pair.call(batch, ranges)) == f"leases: {reason}"


def test_a_last_receipt_of_no_range_is_refused(world, pair):
    packed = usage.pack_ranges(pair.ranges())
    more = replace(packed, lasts=(*packed.lasts, packed.lasts[0]))
    batch = replace(pair.batch(pair.ranges()), ranges=usage.ranges_hash(more))
    signed = w.both(usage.batch_id(batch, w.CHAIN_ID))
    call = ("leases", "settleBatch", w.plain(batch), *w.plain(more), *signed)
    assert world.refused("a.gateway", *call) == "leases: no last receipt"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"first": 2}, "not the next use"),
        ({"last": 11}, "more uses than the lease reserved"),
        ({"first": 1, "last": 0}, "empty range"),
        ({"first": 5, "last": 4}, "not the next use"),
        ({"first": 4, "last": 2}, "not the next use"),
        ({"lease": 2}, "not open"),
        ({"authorization": ZERO_HASH}, "not open"),
        ({"last_receipt": ZERO_HASH}, "no last receipt"),
    ],
)
def test_a_range_that_does_not_fit(world, pair, changes, reason):
    ranges = pair.ranges()
    ranges[1] = replace(ranges[1], **changes)
    assert world.refused("a.gateway", *pair.call(pair.batch(ranges), ranges)) == (
        f"leases: {reason}"
    )


def test_one_pair_of_keys_a_batch(world, pair):
    world.send("b.governor", "members", "admitAccount", w.account("b.other"), 0b101)
    opening = w.opening(pair.grants[0], world)
    world.send("b.other", "leases", "open", opening, w.account("a.gateway"))
    other = usage.lease_id(pair.grants[0], 2)
    receipt = w.receipt(world, other, 1, other)
    ranges = [
        pair.ranges()[0],
        usage.UseRange(pair.grants[0], 2, 1, 1, w.hashed(receipt), False),
    ]
    batch = w.batch_of(ranges, [*pair.receipts[0], receipt])
    assert world.refused("a.gateway", *pair.call(batch, ranges)) == (
        "leases: lease of another pair of keys"
    )


def test_a_batch_needs_both_signatures_and_some_range(world, pair):
    ranges = pair.ranges()
    call = list(pair.call(pair.batch(ranges), ranges))
    call[-1] = call[-2]
    assert world.refused("a.gateway", *call) == "usage: not the consumer's signature"
    assert world.refused("a.gateway", *pair.call(w.batch_of([], []), [])) == "leases: no ranges"


def test_no_batch_reaches_past_the_end_of_an_authorization(world, pair):
    revoke = ("authorizations", "revoke", pair.grants[1], Reason.PROVIDER_WITHDREW, ZERO_HASH)
    world.send("a.approver", *revoke)
    ranges = pair.ranges()
    late = pair.batch(ranges, highest_state_block=world.number)
    assert world.refused("a.gateway", *pair.call(late, ranges)) == (
        "leases: state block at which no use was permitted"
    )
    world.send("a.gateway", *pair.call(pair.batch(ranges), ranges))


def test_the_largest_batch_fits_in_a_block(world):
    grants = [w.grant(world, nonce=nonce) for nonce in range(32)]
    openings = [w.opening(grant, world, uses=1) for grant in grants for _ in range(4)]
    for _ in range(2):
        world.send("b.gateway", "leases", "openMany", openings, w.account("a.gateway"))
    ranges, receipts = [], []
    for grant in grants:
        for number in range(1, 9):
            lease = usage.lease_id(grant, number)
            receipts.append(w.receipt(world, lease, 1, lease))
            ranges.append(usage.UseRange(grant, number, 1, 1, w.hashed(receipts[-1]), True))
    assert len(ranges) == usage.RANGES_MAX
    outcome = w.anchor(world, w.batch_of(ranges, receipts), ranges)
    assert outcome.gas_used < 30_000_000


def challenge(pair, batch, ranges, leaves, index, receipt=None):
    hashes = [w.hashed(leaf) for leaf in leaves]
    shown = receipt or leaves[index]
    return (
        "challenges",
        "challenge",
        w.plain(batch),
        *w.plain(usage.pack_ranges(ranges)),
        w.plain(shown),
        index,
        list(merkle.prove(hashes, index)),
    )


FALSE_LEAVES = [
    (1, {"number": 3}, "leaf out of order"),
    (1, {"lease": ZERO_HASH}, "leaf of another lease"),
    (0, {"previous": ZERO_HASH}, "first receipt does not start the chain"),
    (1, {"state_block": 10**6}, "state block above the batch's highest"),
    (1, {"state_block": 1}, "state block before the lease opened"),
    (1, {"used_at": w.GENESIS_TIME + 9 * w.DAY}, "used after the lease expired"),
    (1, {"kind": 7}, "unknown kind of receipt"),
    (2, {"record_count": 99}, "not the range's last receipt"),
    (4, {"record_count": 99}, "not the range's last receipt"),
]


@pytest.mark.parametrize(("index", "changes", "flaw"), FALSE_LEAVES)
def test_a_false_leaf_is_voided_by_whoever_holds_it(world, pair, index, changes, flaw):
    ranges = pair.ranges()
    leaves = [*pair.receipts[0], *pair.receipts[1]]
    leaves[index] = replace(leaves[index], **changes)
    highest = max(receipt.state_block for receipt in pair.receipts[0])
    batch = w.batch_of(ranges, leaves, highest_state_block=highest)
    world.send("a.gateway", *pair.call(batch, ranges))
    outcome = world.send("c.gateway", *challenge(pair, batch, ranges, leaves, index))
    assert w.events(outcome) == ["ReceiptVoided"]
    assert flaw.encode() in outcome.logs[0].data
    receipt = w.hashed(leaves[index])
    # Another lease's own receipt may be anchored rightly elsewhere: here alone it is void.
    everywhere = flaw != "leaf of another lease"
    assert world.view("challenges", "isVoid", receipt) is everywhere
    slot = registry.slot_of_void(receipt)
    assert world.state.storage(registry.CHALLENGES, slot) == everywhere
    again = world.refused("c.gateway", *challenge(pair, batch, ranges, leaves, index))
    assert again == "challenges: void already"


def test_a_true_leaf_cannot_be_voided(world, pair):
    ranges, leaves = pair.ranges(), [*pair.receipts[0], *pair.receipts[1]]
    batch = pair.batch(ranges)
    early = world.refused("c.gateway", *challenge(pair, batch, ranges, leaves, 0))
    assert early == "challenges: batch is not anchored"
    world.send("a.gateway", *pair.call(batch, ranges))
    for index in range(5):
        refused = world.refused("c.gateway", *challenge(pair, batch, ranges, leaves, index))
        assert refused == "challenges: nothing contradicts the leaf"
    stranger = replace(leaves[1], number=9)
    refused = world.refused("c.gateway", *challenge(pair, batch, ranges, leaves, 1, stranger))
    assert refused == "challenges: not a leaf of the batch"
    call = challenge(pair, batch, ranges, leaves, 1)
    for index in (0, 2, 5, 2**255):
        refused = world.refused("c.gateway", *call[:7], index, call[8])
        assert refused == "challenges: not a leaf of the batch"
    for proof in ([], call[8][:-1], [*call[8], ZERO_HASH]):
        refused = world.refused("c.gateway", *call[:8], proof)
        assert refused == "challenges: not a leaf of the batch"
    refused = world.refused("c.gateway", *call[:3], call[3][:1], *call[4:])
    assert refused == "challenges: not the batch's ranges"


def test_a_key_that_signed_twice_is_on_record(world, pair):
    one = pair.receipts[0][0]
    other = replace(one, record_count=0, kind=1)
    signed = [w.signature("a.gateway", w.hashed(receipt)) for receipt in (one, other)]
    prove = ("challenges", "proveFork", w.plain(one))
    outcome = world.send("c.gateway", *prove, w.plain(other), *signed)
    assert w.events(outcome) == ["ForkProved"]
    assert world.refused("c.gateway", *prove, w.plain(one), signed[0], signed[0]) == (
        "challenges: the same receipt"
    )
    assert world.refused("c.gateway", *prove, w.plain(pair.receipts[0][1]), *signed) == (
        "challenges: not the same use"
    )
    by_b = w.signature("b.gateway", w.hashed(other))
    assert world.refused("c.gateway", *prove, w.plain(other), signed[0], by_b) == (
        "challenges: two signers"
    )
    by_c = [w.signature("c.gateway", w.hashed(receipt)) for receipt in (one, other)]
    assert world.refused("c.gateway", *prove, w.plain(other), *by_c) == (
        "challenges: not a key of the lease"
    )


def test_either_side_reports_a_breach(world, pair):
    report = ("challenges", "reportBreach", pair.grants[0], pair.leases[0])
    assert world.refused("c.approver", *report, b"\x01" * 32) == "challenges: not a party"
    assert world.refused("a.approver", *report, ZERO_HASH) == "challenges: no evidence"
    outcome = world.send("b.approver", *report, b"\x01" * 32)
    assert w.events(outcome) == ["BreachReported"]


def test_one_digest_for_contract_and_python(world, pair):
    receipt, ranges = pair.receipts[0][0], pair.ranges()
    batch = pair.batch(ranges)
    request = usage.Request(pair.leases[0], 1, ZERO_HASH, pair.leases[0])
    assert world.view("challenges", "receiptHash", w.plain(receipt)) == w.hashed(receipt)
    assert world.view("challenges", "batchId", w.plain(batch)) == usage.batch_id(batch, w.CHAIN_ID)
    assert world.view("challenges", "requestHash", w.plain(request)) == usage.request_digest(
        request, w.CHAIN_ID
    )
    assert world.view(
        "challenges", "closeHash", pair.leases[0], 3, ZERO_HASH
    ) == usage.close_digest(pair.leases[0], 3, ZERO_HASH, w.CHAIN_ID)


def test_ranges_of_one_authorization_stand_together(world, pair):
    ranges = pair.ranges()
    call = list(pair.call(pair.batch(ranges), ranges))
    authorizations, words = call[3], call[4]
    for listed, places in (
        (authorizations[::-1], words[::-1]),
        (authorizations, (words[0], words[1] + (1 << 112))),
        ((*authorizations, ZERO_HASH), words),
    ):
        wrong = [*call[:3], listed, places, *call[5:]]
        assert world.refused("a.gateway", *wrong) == "leases: ranges out of order"
    again = [*call[:4], (words[0], words[1] & (1 << 112) - 1), *call[5:]]
    assert world.refused("a.gateway", *again) == "leases: not the next use"


def test_only_closings_moves_a_lease_on_the_one_sided_way(world, pair):
    for method, values in (
        ("advance", (pair.leases[0], 1, 0, pair.leases[0], world.time)),
        ("finish", (pair.grants[0], 1)),
    ):
        assert world.refused("a.gateway", "leases", method, *values) == "leases: only closings"


def test_a_stranger_to_both_sides_reports_nothing(world, pair):
    report = ("challenges", "reportBreach", pair.grants[0], pair.leases[0], b"\x01" * 32)
    assert world.refused("a.governor", *report) == "challenges: neither gateway nor approver"


def test_a_receipt_is_proved_against_its_anchored_batch(world, pair):
    ranges, leaves = pair.ranges(), [*pair.receipts[0], *pair.receipts[1]]
    batch = pair.batch(ranges)
    proof = list(merkle.prove([w.hashed(leaf) for leaf in leaves], 1))
    view = ("challenges", "isAnchored", w.plain(batch), w.plain(leaves[1]))
    assert not world.view(*view, 1, proof), "not anchored yet"
    world.send("a.gateway", *pair.call(batch, ranges))
    assert world.view(*view, 1, proof)
    assert not world.view(*view, 2, proof)
    assert not world.view(*view[:3], w.plain(leaves[0]), 1, proof)
