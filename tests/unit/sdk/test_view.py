"""A gateway decides from this view: what it remembers must go once a block changed it (R16)."""

from typing import Any

import pytest

from node.chain.genesis import AccountGrant
from node.errors import DataccordError, ProofError
from node.sdk import view as module
from node.sdk.abi import encode_call
from node.sdk.client import Client
from node.sdk.light import LightClient
from node.sdk.view import LedgerView
from node.spec.registry import MEMBERS
from node.spec.types import Hash32
from node.spec.vocabulary import Reason, Role
from tests.unit.chain.kit import (
    GOVERNOR,
    GOVERNOR_KEY,
    SENDER,
    SENDER_ROLE,
    STRANGER,
    call,
    grow,
    ledger,
    transfer,
)
from tests.unit.rpc import kit

from .kit import MemoryTransport, flipped

ACCOUNTS = [
    AccountGrant(1, GOVERNOR, SENDER_ROLE | 1 << Role.GOVERNOR),
    AccountGrant(1, SENDER, SENDER_ROLE | 1 << Role.GATEWAY),
]


class World:
    """A node whose consortium has a gateway account, and a view of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(kit, "ledger", lambda: ledger(accounts=ACCOUNTS))
        self.node = kit.Node()
        self.transport = MemoryTransport(self.node)
        genesis = self.node.chain.store.blocks.hash_of(0)
        assert genesis is not None
        self.light = LightClient(Client(self.transport), genesis)
        self.view = LedgerView(self.light)

    def revoke(self) -> None:
        data = encode_call(
            "members", "revokeAccount", "0x" + SENDER.hex(), int(Reason.KEY_COMPROMISED)
        )
        grow(self.node.chain, call(GOVERNOR_KEY, 0, MEMBERS, data))


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> World:
    found = World(monkeypatch)
    await found.light.start()
    await found.view.advance()
    return found


async def test_a_gateway_is_one_until_it_is_revoked(world: World) -> None:
    assert await world.view.is_gateway_of(SENDER, 1)
    assert not await world.view.is_gateway_of(SENDER, 2)
    assert not await world.view.is_gateway_of(GOVERNOR, 1)
    assert not await world.view.is_gateway_of(STRANGER, 1)
    world.revoke()
    assert await world.view.is_gateway_of(SENDER, 1), "the view has not moved yet"
    await world.view.advance()
    assert not await world.view.is_gateway_of(SENDER, 1)


async def test_what_no_event_names_is_remembered(world: World) -> None:
    assert await world.view.is_gateway_of(SENDER, 1)
    world.transport.asked.clear()
    grow(world.node.chain, transfer(nonce=5))
    await world.view.advance()
    world.transport.asked.clear()
    assert await world.view.is_gateway_of(SENDER, 1)
    assert world.transport.asked == []


async def test_after_a_long_gap_everything_is_read_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FOLLOW_BLOCKS_MAX", 1)
    assert await world.view.is_gateway_of(SENDER, 1)
    world.revoke()
    for _ in range(3):
        grow(world.node.chain)
    await world.view.advance()
    assert not await world.view.is_gateway_of(SENDER, 1)


def without_logs(_result: Any, _params: list[Any]) -> Any:
    return []


def with_a_flip(result: Any, _params: list[Any]) -> Any:
    return [flipped(part, 20) for part in result]


@pytest.mark.parametrize("lie", [without_logs, with_a_flip])
async def test_hidden_or_false_receipts_do_not_hide_a_revocation(world: World, lie: Any) -> None:
    assert await world.view.is_gateway_of(SENDER, 1)
    before = world.view.head
    world.revoke()
    world.transport.lies["debug_getRawReceipts"] = lie
    for _ in range(2):
        with pytest.raises(DataccordError):
            await world.view.advance()
    assert world.view.head == before, "it stays where it was, and grows stale"
    del world.transport.lies["debug_getRawReceipts"]
    await world.view.advance()
    assert not await world.view.is_gateway_of(SENDER, 1)


async def test_nothing_is_there_where_nothing_was_made(world: World) -> None:
    assert await world.view.lease(Hash32(b"\1" * 32)) is None
    assert await world.view.authorization(Hash32(b"\1" * 32)) is None
    assert await world.view.authorities(1) == ()


async def test_memory_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READS_MAX", 3)
    for number in range(8):
        await world.view.lease(Hash32(bytes([number]) * 32))
    assert len(world.view._reads) == 3


async def test_a_false_slot_is_refused(world: World) -> None:
    def lie(result: Any, _params: list[Any]) -> Any:
        result["accountProof"][-1] = flipped(result["accountProof"][-1])
        return result

    world.transport.lies["eth_getProof"] = lie
    with pytest.raises(ProofError):
        await world.view.lease(Hash32(b"\1" * 32))
