"""The simulator must be right itself: repeatable by seed, and able to fail.

A few stories run here on every test run; `make sim` tells thousands.
"""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from node.consensus.encoding import encode_message, signing_hash
from node.consensus.intake import Intake
from node.consensus.messages import (
    Kind,
    P,
    Prepare,
    PreparePayload,
    Proposal,
    Signed,
    proposal_payload,
)
from node.spec.block import Block
from node.spec.seal import hash_for_block, hash_for_commit_seal, with_seals
from node.spec.types import Hash32
from tests.sim.chain import Chain, genesis_of, new_store
from tests.sim.checker import Checker, Violation
from tests.sim.engine import toy_engines
from tests.sim.keys import CheapKey, cheap_keys, recover_cheap
from tests.sim.liars import other_block
from tests.sim.story import HEIGHTS_MIN, tell
from tests.sim.world import START_MS, World

ROOT = Path(__file__).resolve().parents[2]
KEYS = cheap_keys(4)
ADDRESSES = tuple(key.address for key in KEYS)


@pytest.mark.parametrize("seed", range(24))
def test_a_story_keeps_every_property(seed: int) -> None:
    report = tell(seed)
    assert report.heights >= HEIGHTS_MIN


def test_the_same_seed_is_the_same_history_whatever_the_hash_seed() -> None:
    program = "from tests.sim.story import tell; print(*(tell(seed).trace for seed in (4, 7, 9)))"
    traces = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(traces) == 1
    assert tell(4).trace != tell(5).trace


def test_time_jumps_to_the_next_event_and_stops_at_the_limit() -> None:
    world = World(1)
    seen: list[int] = []
    world.after(30, seen.append, 2)
    world.after(10, seen.append, 1)
    world.after(5_000, seen.append, 3)
    assert not world.run(lambda: False, 1_000)
    assert seen == [1, 2]
    assert world.now_ms == START_MS + 1_000


class TestChecker:
    """Each property is broken on purpose once, and the checker says so."""

    def checker(self) -> Checker:
        return Checker(
            ADDRESSES, {0, 1, 2}, genesis_of(ADDRESSES).header, recover_cheap, Intake(recover_cheap)
        )

    def block(self, *sealers: CheapKey) -> Block:
        chain = Chain(new_store(ADDRESSES), ADDRESSES, toy_engines()[0])
        block = chain.build(START_MS // 1000 + 1, ADDRESSES[0], [])
        digest = hash_for_commit_seal(block.header)
        seals = [key.sign(digest) for key in sealers]
        return replace(block, header=with_seals(block.header, seals))

    def test_accepts_a_quorum(self) -> None:
        checker = self.checker()
        checker.upon_commit(0, self.block(*KEYS[:3]))
        checker.upon_commit(1, self.block(*KEYS[1:]))
        assert checker.decided[1][0] == hash_for_block(self.block().header)

    def test_refuses_fewer_seals(self) -> None:
        with pytest.raises(Violation, match="seals"):
            self.checker().upon_commit(0, self.block(*KEYS[:2]))

    def test_refuses_one_sealer_three_times(self) -> None:
        with pytest.raises(Violation, match="seals"):
            self.checker().upon_commit(0, self.block(KEYS[0], KEYS[0], KEYS[0]))

    def test_refuses_two_blocks_at_one_height(self) -> None:
        checker = self.checker()
        checker.upon_commit(0, self.block(*KEYS[:3]))
        other = other_block(self.block())
        with pytest.raises(Violation, match="agreement"):
            checker.upon_commit(1, other)

    def test_refuses_another_parent(self) -> None:
        block = self.block(*KEYS[:3])
        lost = replace(block.header, parent_hash=Hash32(bytes(32)))
        with pytest.raises(Violation, match="links"):
            self.checker().upon_commit(0, replace(block, header=lost))

    def prepare(self, round_number: int, digest: bytes) -> bytes:
        payload = PreparePayload(1, round_number, Hash32(digest))
        return encode_message(Prepare(_signed(KEYS[0], payload)))

    def test_refuses_two_values_of_one_place(self) -> None:
        checker = self.checker()
        checker.upon_sent(0, Kind.PREPARE, self.prepare(0, b"a" * 32))
        checker.upon_sent(0, Kind.PREPARE, self.prepare(0, b"a" * 32))
        with pytest.raises(Violation, match="sign-state"):
            checker.upon_sent(0, Kind.PREPARE, self.prepare(0, b"b" * 32))

    def test_refuses_a_step_back(self) -> None:
        checker = self.checker()
        checker._justified.add((1, 2, b"a" * 32))
        checker.upon_sent(0, Kind.PREPARE, self.prepare(2, b"a" * 32))
        with pytest.raises(Violation, match="order"):
            checker.upon_sent(0, Kind.PREPARE, self.prepare(1, b"a" * 32))

    def test_refuses_an_unjustified_prepare(self) -> None:
        block = self.block()
        proposal = Proposal(_signed(KEYS[3], proposal_payload(1, 1, block)))
        checker = self.checker()
        checker.upon_sent(3, Kind.PROPOSAL, encode_message(proposal))
        with pytest.raises(Violation, match="justification"):
            checker.upon_sent(0, Kind.PREPARE, self.prepare(1, proposal.digest))


def _signed(key: CheapKey, payload: P) -> Signed[P]:
    return Signed(payload, key.sign(signing_hash(payload)), key.address)
