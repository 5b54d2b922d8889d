"""No use made in a suspension or a freeze is recorded as permitted, whoever agrees (R11)."""

import random

import pytest

from node.spec import usage
from node.spec.interruptions import ENDLESS, Interruption, covering, interruptions_of
from node.spec.merkle import prove
from node.spec.registry import REASON_MAX
from node.spec.types import ZERO_HASH
from node.spec.usage import UseRange
from node.spec.vocabulary import Reason
from tests.chaincode import world as w
from tests.chaincode.seen import SEEN
from tests.chaincode.test_supervision import HOUR, freeze, officer
from tests.chaincode.test_supervision import world as supervised

__all__ = ["supervised"]

REFUSED = "usage: used while suspended or frozen"


@pytest.fixture
def world(supervised):
    return supervised


@pytest.fixture
def lease(world):
    """A lease of the one authorization of this world."""
    return w.open_lease(world, w.grant(world))


def authorization():
    return w.identifier(w.terms())


def suspend(world, name="a"):
    reason = Reason.CONSUMER_TERMINATED if name == "b" else Reason.FRAUD_SUSPECTED
    call = ("authorizations", "suspend", authorization(), reason, ZERO_HASH)
    world.send(f"{name}.approver", *call)
    return world.number


def resume(world, name="a"):
    world.send(f"{name}.approver", "authorizations", "resume", authorization())
    return world.number


def lift(world):
    number = int.from_bytes(authorization(), "big")
    officer(world, "lift", "authorization", number)
    return world.number


def kept(world):
    found = interruptions_of(world.reader("authorizations"), authorization())
    for number, entry in enumerate(found, 1):
        word = world.view("authorizations", "interruption", authorization(), number)
        assert word == entry.begun | (entry.ended or 0) << 32 | entry.until << 64
    state = world.authorization(authorization())
    assert bool(state.was_interrupted) == bool(found)
    return found


def settling(world, lease, number=1, previous=None, /, **changes):
    receipt = w.receipt(world, lease, number, previous or lease, **changes)
    halves = w.both(w.hashed(receipt))
    return ("leases", "settle", authorization(), 1, w.plain(receipt), *halves)


def batch(world, lease, *blocks):
    """A batch of one receipt of the lease for each of these state blocks."""
    receipts, last = [], lease
    for number, block in enumerate(blocks, 1):
        receipts.append(w.receipt(world, lease, number, last, state_block=block))
        last = w.hashed(receipts[-1])
    ranges = [UseRange(authorization(), 1, 1, len(receipts), last, False)]
    return receipts, w.batch_of(ranges, receipts), ranges


def challenging(receipts, header, ranges, index):
    lists = w.plain(usage.pack_ranges(ranges))
    proof = prove([w.hashed(receipt) for receipt in receipts], index)
    leaf = (w.plain(receipts[index]), index, proof)
    return ("challenges", "challenge", w.plain(header), *lists, *leaf)


def test_a_suspension_is_kept_from_its_block_to_the_one_that_ends_it(world, lease):
    assert kept(world) == ()
    begun = suspend(world)
    assert kept(world) == (Interruption(begun, None, ENDLESS),)
    ended = resume(world)
    again = suspend(world)
    assert kept(world) == (
        Interruption(begun, ended, ENDLESS),
        Interruption(again, None, ENDLESS),
    )


def test_it_lasts_until_all_have_resumed(world, lease):
    begun = suspend(world)
    suspend(world, "b")
    resume(world)
    assert kept(world) == (Interruption(begun, None, ENDLESS),)
    ended = resume(world, "b")
    assert kept(world) == (Interruption(begun, ended, ENDLESS),)


def test_a_freeze_is_over_by_itself_or_by_being_lifted(world, lease):
    first = world.time + HOUR
    freeze(world, authorization())
    begun = world.number
    world.time = first
    second = world.time + HOUR
    freeze(world, authorization(), name="second")
    again = world.number
    ended = lift(world)
    assert kept(world) == (
        Interruption(begun, None, first),
        Interruption(again, ended, second),
    )


def test_a_freeze_that_is_extended_is_one(world, lease):
    freeze(world, authorization())
    begun, until = world.number, world.time + 20 * w.DAY
    officer(world, "freezeAuthorization", authorization(), 1, w.TEMPLATE, until, name="second")
    assert kept(world) == (Interruption(begun, None, until),)


def test_a_suspension_outlasts_a_freeze_under_it(world, lease):
    freeze(world, authorization())
    begun = world.number
    suspend(world)
    assert kept(world) == (Interruption(begun, None, ENDLESS),)
    lift(world)
    freeze(world, authorization(), name="second")
    assert kept(world) == (Interruption(begun, None, ENDLESS),), "suspended all the while"
    world.time += HOUR
    ended = resume(world)
    assert kept(world) == (Interruption(begun, ended, ENDLESS),)


def test_a_freeze_lifted_after_an_end_leaves_a_suspension_as_it_was(world, lease):
    begun = suspend(world)
    freeze(world, authorization())
    revoke = ("authorizations", "revoke", authorization(), Reason.PROVIDER_WITHDREW, ZERO_HASH)
    world.send("a.approver", *revoke)
    lift(world)
    assert kept(world) == (Interruption(begun, None, ENDLESS),)


def test_while_it_lasts_only_what_was_used_before_settles(world, lease):
    before = w.receipt(world, lease, 1, lease)
    begun = suspend(world)
    assert world.refused("a.gateway", *settling(world, lease, state_block=begun)) == REFUSED
    halves = w.both(w.hashed(before))
    world.send("a.gateway", "leases", "settle", authorization(), 1, w.plain(before), *halves)


def test_while_it_lasts_no_batch_reaches_into_it(world, lease):
    opened = world.number
    begun = suspend(world)
    _, header, ranges = batch(world, lease, opened, begun)
    reason = "leases: state block at which no use was permitted"
    assert world.refused("a.gateway", *w.settling(header, ranges)) == reason
    closing = [w.replace(ranges[0], closes=True)]
    header = w.replace(header, ranges=usage.ranges_hash(usage.pack_ranges(closing)))
    assert world.refused("a.gateway", *w.settling(header, closing)) == reason
    _, header, ranges = batch(world, lease, opened, begun - 1)
    w.anchor(world, header, ranges)


def test_while_it_lasts_nobody_closes_alone_on_it(world, lease):
    before = w.receipt(world, lease, 1, lease)
    begun = suspend(world)
    within = w.receipt(world, lease, 2, w.hashed(before), state_block=begun)
    for receipt, said in ((within, REFUSED), (before, "")):
        halves = w.both(w.hashed(receipt))
        call = ("closings", "closeAlone", authorization(), 1, w.plain(receipt), *halves)
        assert world.attempt("a.gateway", *call) == said
    halves = w.both(w.hashed(within))
    call = ("closings", "answer", authorization(), 1, w.plain(within), *halves)
    assert world.refused("b.gateway", *call) == REFUSED


def test_nor_is_a_use_in_it_claimed(world, lease):
    begun = suspend(world)
    resume(world)
    empty = w.plain(w.receipt(world, lease, 0, ZERO_HASH))
    world.send("a.gateway", "closings", "closeAlone", authorization(), 1, empty, b"", b"")
    world.time += w.FLOOR
    receipt = w.receipt(world, lease, 1, lease, state_block=begun)
    request = usage.Request(lease, 1, receipt.request_hash, lease)
    asked = w.signature("b.gateway", usage.request_digest(request, w.CHAIN_ID))
    given = w.signature("a.gateway", w.hashed(receipt))
    call = ("closings", "claim", authorization(), 1, w.plain(request), asked)
    assert world.refused("a.gateway", *call, w.plain(receipt), given) == REFUSED


def test_after_it_a_use_within_is_refused_and_one_outside_settles(world, lease):
    begun = suspend(world)
    world.number += 10
    ended = resume(world)
    for block in (begun, begun + 3, ended - 1):
        assert world.refused("a.gateway", *settling(world, lease, state_block=block)) == REFUSED
    world.send("a.gateway", *settling(world, lease, state_block=ended))


def test_what_a_batch_hid_is_challenged_after_it(world, lease):
    opened = world.number
    begun = suspend(world)
    ended = resume(world)
    receipts, header, ranges = batch(world, lease, begun - 1, begun, ended)
    w.anchor(world, header, ranges)
    assert opened < begun
    fits = "challenges: nothing contradicts the leaf"
    for index in (0, 2):
        assert world.refused("c.gateway", *challenging(receipts, header, ranges, index)) == fits
    outcome = world.send("c.gateway", *challenging(receipts, header, ranges, 1))
    assert w.events(outcome) == ["ReceiptVoided"]
    assert world.view("challenges", "isVoid", w.hashed(receipts[1]))
    assert REFUSED in SEEN


def test_a_freeze_that_is_over_by_itself_is_told_by_the_receipts_own_time(world, lease):
    until = world.time + HOUR
    freeze(world, authorization())
    begun = world.number
    world.time = until
    before = settling(world, lease, state_block=begun + 1, used_at=until - 1)
    world.number += 5
    assert world.refused("a.gateway", *before) == REFUSED
    world.send("a.gateway", *settling(world, lease, state_block=begun + 1, used_at=until))


def test_a_freeze_that_is_over_by_itself_is_over_at_its_second(world, lease):
    freeze(world, authorization())
    begun, until = world.number, kept(world)[0].until
    for second, bound in ((until - 1, begun), (until, 2**64 - 1)):
        tried = world.copy()
        tried.time = second - 1
        use = settling(tried, lease, state_block=begun, used_at=until)
        assert tried.attempt("a.gateway", *use) == ("" if second == until else REFUSED)
        tried.time = second
        assert tried.view("authorizations", "boundOf", authorization()) == bound


def test_what_was_ended_in_it_keeps_both(world, lease):
    opened = world.number
    begun = suspend(world)
    revoke = ("authorizations", "revoke", authorization(), Reason.PROVIDER_WITHDREW, ZERO_HASH)
    world.send("a.approver", *revoke)
    state = world.authorization(authorization())
    assert (state.ended, state.reason) == (world.number, Reason.PROVIDER_WITHDREW)
    assert world.view("authorizations", "boundOf", authorization()) == begun
    assert world.view("authorizations", "endOf", authorization()) == state.ended
    assert world.refused("a.gateway", *settling(world, lease, state_block=begun)) == REFUSED
    receipts, header, ranges = batch(world, lease, opened)
    w.anchor(world, header, ranges)
    leaf = world.refused("c.gateway", *challenging(receipts, header, ranges, 0))
    assert leaf == "challenges: nothing contradicts the leaf"


def test_the_bound_after_it_is_the_end_alone(world, lease):
    suspend(world)
    resume(world)
    assert world.view("authorizations", "boundOf", authorization()) == 2**64 - 1
    revoke = ("authorizations", "revoke", authorization(), Reason.PROVIDER_WITHDREW, ZERO_HASH)
    world.send("a.approver", *revoke)
    assert world.view("authorizations", "boundOf", authorization()) == world.number


def test_among_many_the_one_that_matters_is_found(world, lease):
    """The contract halves; the twin looks through all of them. Both agree on every block."""
    chance = random.Random(5)
    for _ in range(23):
        world.number += chance.randint(0, 4)
        suspend(world)
        world.number += chance.randint(0, 4)
        resume(world)
    found = kept(world)
    assert len(found) == 23
    inside = 0
    for block in range(found[0].begun - 3, world.number + 1):
        bound = world.view("authorizations", "boundFor", authorization(), block, world.time)
        within = covering(found, block, world.time) is not None
        inside += within
        assert bound == (0 if within else 2**64 - 1)
    assert inside > 23


def test_every_reason_leaves_room_for_the_flag():
    assert max(Reason) <= REASON_MAX == 31
