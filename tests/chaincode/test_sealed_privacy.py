"""What is sealed tells nobody who shares what with whom (R19), not in any byte on chain.

A whole story is played with the product's own code: grant, lease, receipts settled and closed, an
end. It is searched for what would name a bank, a product or a purpose, then played again by other
banks for other data: but for hashes and signatures, the two look the same. And it touches one
contract only, so no list, view or event of another can show it.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from chaincode import ADDRESSES
from node.execution.engine import Outcome
from node.sdk import sealed as sdk
from node.sdk.contracts import Call
from node.spec import sealed as s
from node.spec.crypto import keccak256
from node.spec.terms import Terms
from node.spec.usage import lease_id
from node.spec.vocabulary import FreezeGround, LegalBasis, Reason, purpose
from tests.chaincode import sealed as kit
from tests.chaincode import world as w
from tests.chaincode.members import IDENTIFIERS
from tests.chaincode.test_privacy import NEEDLES, Watched, forms

ONE = kit.clear_terms()
OTHER = kit.clear_terms(
    provider=w.C,
    consumer=w.A,
    product=keccak256(b"another product"),
    product_version=7,
    purpose=purpose("CounterMoneyLaundering"),
    legal_basis=LegalBasis.OFFICIAL_AUTHORITY,
    fields=1 << 200,
    modes=1,
    look_back_days=99,
)
HASH_BITS_MIN = 200
"""Words shorter than this are numbers; longer ones are hashes, keys or parts of signatures."""


@dataclass
class Sealed(Watched):
    """A chain that also remembers who sent and which contracts spoke."""

    senders: set[str] = field(default_factory=set)
    speakers: set[bytes] = field(default_factory=set)

    def carry_out(self, sender: str, call: Call) -> Outcome:
        outcome = super().carry_out(sender, call)
        self.senders.add(sender)
        self.speakers |= {bytes(log.address) for log in outcome.logs} | {bytes(call.to)}
        return outcome


@dataclass
class Play:
    """A story of clear terms that was played: what was there before it, and all that it left."""

    before: w.World
    after: Sealed


def play(start: w.World, clear: Terms, until: int) -> Play:
    world = Sealed(start.state.copy(), start.number, start.time)
    keys = (kit.PROVIDER.address, kit.CONSUMER.address)
    terms = sdk.seal(clear, kit.SALT, *keys, w.REGULATOR, w.CHAIN_ID)
    world.carry_out("regulator.approver", kit.granting(terms))
    authorization = kit.identity(terms)
    lease = kit.open_lease(world, authorization, expires_at=until)
    receipts = kit.uses(world, lease, 3)
    kit.settle(world, authorization, 1, receipts[:1])
    kit.settle(world, authorization, 1, receipts, before=1, closes=True)
    ground = sdk.ground_of(
        authorization,
        Reason.REGULATOR_ORDER,
        freeze_ground=FreezeGround.MONEY_LAUNDERING,
        frozen_until=until,
    )
    world.carry_out("regulator.officer", sdk.make_unavailable(ground))
    return Play(start, world)


@pytest.fixture(scope="module")
def stories() -> tuple[Play, Play]:
    start = kit.consortium()
    return play(start, ONE, start.time + w.DAY), play(start, OTHER, start.time + w.DAY)


def telling(clear: Terms) -> set[bytes]:
    """Whatever would name what the terms say, in all forms in which anyone can compute it."""
    accounts = [
        w.account(f"{name}.{role}")
        for name in ("a", "b", "c")
        for role in ("governor", "approver", "gateway", "node")
    ]
    values = [*accounts, *(IDENTIFIERS[index] for index in (w.A, w.B, w.C))]
    values += [clear.product, w.identifier(clear), clear.template, kit.SALT]
    return {form for value in values for form in forms(value)}


def words(data: bytes) -> list[int]:
    """The 32-byte words of calldata or of an event, a selector left out."""
    body = data[len(data) % 32 :]
    return [int.from_bytes(body[at : at + 32], "big") for at in range(0, len(body), 32)]


def are_hashes(one: int, other: int) -> bool:
    """Whether two words are no numbers; the last byte of a signature stands first in its word."""
    ends = {0, 1 << 248}
    return {one, other} == ends or min(one.bit_length(), other.bit_length()) >= HASH_BITS_MIN


def left(story: Play) -> list[bytes]:
    """All that the story made public: calldata, topics, data, and the slots that it wrote."""
    address = ADDRESSES["sealed"]
    before = story.before.state.slots.get(address, {})
    slots = story.after.state.slots[address].items()
    return [
        *story.after.public,
        *(value.to_bytes(32, "big") for slot, value in slots if before.get(slot) != value),
        *(slot.to_bytes(32, "big") for slot, value in slots if before.get(slot) != value),
    ]


def test_nothing_names_a_bank_a_product_or_a_person(stories: tuple[Play, Play]) -> None:
    for story, clear in zip(stories, (ONE, OTHER), strict=True):
        searched = left(story)
        assert len(searched) > 20, "the story was played"
        for needle in telling(clear) | NEEDLES:
            assert not any(needle in public for public in searched)


def test_the_search_finds_what_an_open_grant_tells() -> None:
    """The same clear terms, granted openly, are found at once."""
    start = w.market()
    world = Watched(start.state, start.number, start.time)
    world.send("b.approver", *w.requesting(ONE))
    everything = b"".join(world.public)
    assert ONE.product in everything
    assert w.identifier(ONE) in everything


def test_other_banks_for_other_data_look_the_same(stories: tuple[Play, Play]) -> None:
    """No number on chain depends on who, what or why: only hashes and signatures differ."""
    one, other = (story.after.public for story in stories)
    assert [len(data) for data in one] == [len(data) for data in other]
    differing = 0
    for ours, theirs in zip(one, other, strict=True):
        for pair in zip(words(ours), words(theirs), strict=True):
            if pair[0] != pair[1]:
                differing += 1
                assert are_hashes(*pair), f"numbers differ: {pair}"
    assert differing > 10, "hashes differ"
    kept = [kit.state(story.after, granted(story)) for story in stories]
    hidden: dict[str, Any] = {"ground": kept[0].ground}
    assert kept[0] == kit.replace(kept[1], **hidden)


def granted(story: Play) -> Any:
    topics = {
        topic
        for topic in story.after.public
        if len(topic) == 32 and s.sealed_state(story.after.reader("sealed"), topic) is not None
    }
    assert len(topics) == 1
    return topics.pop()


def test_only_the_regulator_sends_and_only_one_contract_speaks(
    stories: tuple[Play, Play],
) -> None:
    for story in stories:
        assert story.after.senders == {"regulator.approver", "regulator.officer"}
        assert story.after.speakers == {ADDRESSES["sealed"]}


def test_no_other_contract_keeps_a_trace(stories: tuple[Play, Play]) -> None:
    """So no list of authorizations, no view of a subject and no `who used` can find one."""
    for story in stories:
        before, after = story.before.state.slots, story.after.state.slots
        others = {to: slots for to, slots in after.items() if slots and to != s.SEALED}
        assert others == {to: slots for to, slots in before.items() if slots and to != s.SEALED}
        authorization = granted(story)
        assert story.after.authorization(authorization) is None
        assert story.after.lease(lease_id(authorization, 1)) is None


def test_the_regulators_own_index_is_all_that_is_told(stories: tuple[Play, Play]) -> None:
    state = kit.state(stories[0].after, granted(stories[0]))
    assert state.regulator == w.REGULATOR
    members = {state.provider, state.consumer} & {
        w.account(f"{name}.{role}") for name in ("a", "b", "c") for role in ("approver", "gateway")
    }
    assert not members
