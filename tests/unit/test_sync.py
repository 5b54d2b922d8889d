"""Catching up believes nobody: a lie costs the liar its connection, and no honest peer its own."""

from dataclasses import replace

import pytest

from node.spec.block import Block
from node.spec.types import Address
from node.sync import (
    RANGE_BLOCKS_MAX,
    RANGES_MAX,
    REQUEST_TIMEOUT_MS,
    STRIKES_MAX,
    BlocksReceived,
    DropPeer,
    Effect,
    Event,
    HeadAdvanced,
    ImportBlocks,
    ImportDone,
    PeerGone,
    PeerHead,
    RequestBlocks,
    Sync,
    Tick,
)
from tests.unit.consensus.kit import PARENT

ALICE, BOB, CAROL = (Address(name * 20) for name in (b"a", b"b", b"c"))
BLOCKS = [Block(replace(PARENT, number=number)) for number in range(1_000)]


def blocks(first: int, last: int) -> tuple[Block, ...]:
    return tuple(BLOCKS[first : last + 1])


class Bench:
    """A machine under test, with the last request made of each peer."""

    def __init__(self, head: int = 0, patience_ms: int = 1_000) -> None:
        self.sync = Sync(head, patience_ms)
        self.now_ms = 1_000
        self.requests: dict[Address, RequestBlocks] = {}

    def give(self, event: Event) -> list[Effect]:
        effects = list(self.sync.handle(event))
        for effect in effects:
            if isinstance(effect, RequestBlocks):
                self.requests[effect.peer] = effect
        return effects

    def head(self, peer: Address, number: int) -> list[Effect]:
        return self.give(PeerHead(self.now_ms, peer, number))

    def answer(self, peer: Address, *given: Block) -> list[Effect]:
        request = self.requests[peer].request
        return self.give(BlocksReceived(self.now_ms, peer, request, given))

    def honestly(self, peer: Address) -> list[Effect]:
        asked = self.requests[peer]
        return self.answer(peer, *blocks(asked.first, asked.first + asked.count - 1))

    def imported(self, head: int, valid: bool = True) -> list[Effect]:
        followed = self.give(HeadAdvanced(self.now_ms, head))
        return followed + self.give(ImportDone(self.now_ms, valid))

    def later(self, delay_ms: int) -> list[Effect]:
        self.now_ms += delay_ms
        return self.give(Tick(self.now_ms))


def drops(effects: list[Effect]) -> list[Address]:
    return [effect.peer for effect in effects if isinstance(effect, DropPeer)]


def requests(effects: list[Effect]) -> list[tuple[Address, int, int]]:
    found = [effect for effect in effects if isinstance(effect, RequestBlocks)]
    return [(effect.peer, effect.first, effect.count) for effect in found]


def test_a_peer_ahead_is_asked_and_its_blocks_are_imported() -> None:
    bench = Bench()
    assert requests(bench.head(ALICE, 5)) == [(ALICE, 1, 5)]
    assert bench.honestly(ALICE) == [ImportBlocks(blocks(1, 5))]
    assert bench.imported(5) == []
    assert (bench.sync.head, bench.sync.target, bench.sync.buffered_count) == (5, 5, 0)


def test_a_peer_not_ahead_is_not_asked() -> None:
    bench = Bench(5)
    assert bench.head(ALICE, 5) == []
    assert bench.head(BOB, 3) == []
    assert bench.sync.target == 5


def test_one_block_ahead_is_given_time_to_come_by_consensus() -> None:
    bench = Bench()
    assert bench.head(ALICE, 1) == []
    assert bench.later(999) == []
    assert requests(bench.later(1)) == [(ALICE, 1, 1)]


def test_one_block_that_came_by_consensus_is_not_asked_for() -> None:
    bench = Bench()
    bench.head(ALICE, 1)
    bench.give(HeadAdvanced(bench.now_ms, 1))
    assert bench.later(5_000) == []
    assert bench.head(ALICE, 2) == []
    assert requests(bench.later(1_000)) == [(ALICE, 2, 1)]


def test_an_observer_asks_at_once() -> None:
    assert requests(Bench(patience_ms=0).head(ALICE, 1)) == [(ALICE, 1, 1)]


def test_ranges_are_shared_among_peers_and_imported_in_order() -> None:
    bench = Bench()
    bench.head(ALICE, 200)
    bench.head(BOB, 200)
    assert bench.requests[ALICE].first == 1
    assert bench.requests[BOB].first == 1 + RANGE_BLOCKS_MAX
    followed = bench.honestly(BOB)
    assert [type(effect) for effect in followed] == [RequestBlocks]
    followed = bench.honestly(ALICE)
    assert ImportBlocks(blocks(1, 64)) in followed
    assert ImportBlocks(blocks(65, 128)) in bench.imported(64)


def test_a_thousand_blocks_arrive_through_bounded_windows() -> None:
    bench = Bench()
    bench.head(ALICE, 999)
    bench.head(BOB, 999)
    for _ in range(100):
        effects = bench.honestly(ALICE) + bench.honestly(BOB)
        assert bench.sync.buffered_count <= 2 * RANGES_MAX * RANGE_BLOCKS_MAX
        while effects:
            effect = effects.pop()
            if isinstance(effect, ImportBlocks):
                effects += bench.imported(effect.blocks[-1].header.number)
    assert bench.sync.head == 999


def test_a_short_answer_is_imported_and_the_rest_asked_for_again() -> None:
    bench = Bench()
    bench.head(ALICE, 100)
    followed = bench.answer(ALICE, *blocks(1, 10))
    assert ImportBlocks(blocks(1, 10)) in followed
    assert requests(followed) == [(ALICE, 11, 54)]


@pytest.mark.parametrize(
    "lie",
    [
        (),
        blocks(2, 5),
        blocks(1, 6),
        blocks(1, 2)[::-1],
        (BLOCKS[1], BLOCKS[1]),
        (BLOCKS[1], BLOCKS[3]),
    ],
    ids=["nothing", "other blocks", "too many", "reversed", "repeated", "with a hole"],
)
def test_a_useless_answer_drops_the_peer_and_asks_another(lie: tuple[Block, ...]) -> None:
    bench = Bench()
    bench.head(ALICE, 5)
    bench.head(BOB, 5)
    followed = bench.answer(ALICE, *lie)
    assert drops(followed) == [ALICE]
    assert requests(followed) == [(BOB, 1, 5)]


def test_a_block_that_fails_import_drops_who_sent_it() -> None:
    bench = Bench()
    bench.head(ALICE, 5)
    bench.honestly(ALICE)
    bench.head(BOB, 5)
    followed = bench.imported(2, valid=False)
    assert drops(followed) == [ALICE]
    assert requests(followed) == [(BOB, 3, 3)]


def test_what_a_dropped_peer_sent_before_is_asked_for_again() -> None:
    bench = Bench()
    bench.head(ALICE, 128)
    bench.honestly(ALICE)
    bench.honestly(ALICE)
    assert bench.sync.buffered_count == 128
    followed = bench.imported(0, valid=False)
    assert drops(followed) == [ALICE]
    assert bench.sync.buffered_count == 0
    assert bench.sync.target == 0
    assert requests(bench.head(BOB, 128)) == [(BOB, 1, 64)]


def test_a_head_that_is_a_lie_costs_the_liar_its_connection() -> None:
    bench = Bench()
    bench.head(ALICE, 10**12)
    assert requests(bench.head(BOB, 3)) == []
    followed = bench.answer(ALICE)
    assert drops(followed) == [ALICE]
    assert bench.sync.target == 3
    assert requests(followed) == [(BOB, 1, 3)]


def test_silence_passes_the_range_on_and_drops_at_the_third_time() -> None:
    bench = Bench()
    bench.head(ALICE, 5)
    bench.head(BOB, 5)
    assert bench.later(REQUEST_TIMEOUT_MS - 1) == []
    assert requests(bench.later(1)) == [(BOB, 1, 5)]
    lost: list[Address] = []
    for _ in range(2 * STRIKES_MAX):
        lost += drops(bench.later(REQUEST_TIMEOUT_MS))
    assert lost == [ALICE, BOB]
    assert requests(bench.head(CAROL, 5)) == [(CAROL, 1, 5)]


def test_an_answer_in_time_forgives() -> None:
    bench = Bench()
    bench.head(ALICE, 300)
    for _ in range(STRIKES_MAX):
        assert drops(bench.later(REQUEST_TIMEOUT_MS)) == []
        bench.honestly(ALICE)


def test_late_and_unasked_answers_are_ignored() -> None:
    bench = Bench()
    bench.head(ALICE, 5)
    bench.head(BOB, 5)
    asked = bench.requests[ALICE]
    wrong_peer = BlocksReceived(bench.now_ms, BOB, asked.request, blocks(1, 5))
    unasked = BlocksReceived(bench.now_ms, ALICE, 99, blocks(1, 5))
    assert bench.give(wrong_peer) == bench.give(unasked) == []
    bench.later(REQUEST_TIMEOUT_MS)
    late = BlocksReceived(bench.now_ms, ALICE, asked.request, blocks(1, 5))
    assert bench.give(late) == []
    assert bench.give(ImportDone(bench.now_ms, True)) == []


def test_a_peer_that_leaves_frees_its_range() -> None:
    bench = Bench()
    bench.head(ALICE, 5)
    bench.head(BOB, 5)
    assert requests(bench.give(PeerGone(bench.now_ms, ALICE))) == [(BOB, 1, 5)]
    assert bench.give(PeerGone(bench.now_ms, CAROL)) == []


def test_blocks_that_consensus_brought_meanwhile_are_not_imported_again() -> None:
    bench = Bench()
    bench.head(ALICE, 5)
    followed = bench.give(HeadAdvanced(bench.now_ms, 5))
    assert followed == []
    late = BlocksReceived(bench.now_ms, ALICE, bench.requests[ALICE].request, blocks(1, 5))
    assert bench.give(late) == []


def test_a_range_not_yet_asked_for_is_shortened_by_what_consensus_brought() -> None:
    bench = Bench()
    bench.head(ALICE, 70)
    bench.head(BOB, 5)
    assert requests(bench.give(HeadAdvanced(bench.now_ms, 66))) == [(ALICE, 67, 4)]


def test_the_import_under_way_is_waited_for_even_if_its_blocks_came_otherwise() -> None:
    bench = Bench()
    bench.head(ALICE, 5)
    bench.honestly(ALICE)
    assert bench.give(HeadAdvanced(bench.now_ms, 9)) == []
    assert requests(bench.head(ALICE, 20)) == [(ALICE, 10, 11)]
    assert bench.honestly(ALICE) == []
    assert bench.give(ImportDone(bench.now_ms, True)) == [ImportBlocks(blocks(10, 20))]
