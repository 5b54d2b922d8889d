"""A subscriber gets what it asked for and no more; one that falls behind must not fill memory."""

import asyncio
import json
from typing import Any

import pytest

from node.rpc import subscriptions as module
from node.rpc.dispatch import RpcError
from node.rpc.subscriptions import Subscriber, Subscriptions
from node.spec.receipt import Log
from node.spec.types import Address, Hash32

TOPIC = Hash32(b"\xbb" * 32)
LOG = Log(Address(b"\xaa" * 20), (TOPIC,), b"")


class Client:
    """One connection of a subscriber."""

    def __init__(self, hub: Subscriptions) -> None:
        self.heard: list[Any] = []
        self.subscriber = Subscriber(self._take)
        self.methods = hub.methods(self.subscriber)

    async def _take(self, text: str) -> None:
        self.heard.append(json.loads(text))

    async def subscribe(self, *params: Any) -> str:
        return str(await self.methods["eth_subscribe"](list(params)))

    async def drain(self) -> list[Any]:
        pump = asyncio.create_task(self.subscriber.pump())
        for _ in range(20):
            await asyncio.sleep(0)
        pump.cancel()
        await asyncio.gather(pump, return_exceptions=True)
        return [(part["params"]["subscription"], part["params"]["result"]) for part in self.heard]


async def test_each_gets_what_it_asked_for() -> None:
    hub = Subscriptions()
    one, two = Client(hub), Client(hub)
    heads = await one.subscribe("newHeads")
    logs = await two.subscribe("logs", {"address": "0x" + "aa" * 20})
    others = await two.subscribe("logs", {"topics": ["0x" + "cc" * 32]})
    assert hub.wanted == {"newHeads", "logs"}
    hub.announce("newHeads", {"number": "0x1"})
    hub.announce("logs", {"data": "0x"}, LOG)
    hub.announce("newPendingTransactions", "0x12")
    assert await one.drain() == [(heads, {"number": "0x1"})]
    assert await two.drain() == [(logs, {"data": "0x"})]
    assert others not in [identifier for identifier, _ in await two.drain()]


async def test_unsubscribing_and_leaving_end_it() -> None:
    hub = Subscriptions()
    client = Client(hub)
    identifier = await client.subscribe("newHeads")
    assert await client.methods["eth_unsubscribe"]([identifier]) is True
    assert await client.methods["eth_unsubscribe"]([identifier]) is False
    hub.announce("newHeads", 1)
    await client.subscribe("newHeads")
    hub.forget(client.subscriber)
    hub.announce("newHeads", 2)
    assert await client.drain() == []
    assert hub.wanted == frozenset()


async def test_unknown_kinds_and_too_many_are_refused() -> None:
    client = Client(Subscriptions())
    with pytest.raises(RpcError, match="no 'syncing' subscription"):
        await client.subscribe("syncing")
    with pytest.raises(RpcError):
        await client.subscribe("logs", {"address": "0x12"})
    for _ in range(module.SUBSCRIPTIONS_MAX):
        await client.subscribe("newHeads")
    with pytest.raises(RpcError, match="more than"):
        await client.subscribe("newHeads")


async def test_who_falls_too_far_behind_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUEUE_MAX", 2)
    hub = Subscriptions()
    client = Client(hub)
    await client.subscribe("newHeads")
    hub.announce("newHeads", 1)
    hub.announce("newHeads", 2)
    assert not client.subscriber.overflowed
    hub.announce("newHeads", 3)
    assert client.subscriber.overflowed
    async with asyncio.timeout(5):
        await client.subscriber.pump()
