"""Watching a node under load: its new heads, what stands in them, and how soon it answers.

Heads come by a WebSocket subscription and are timed as they are read; another task fetches their
transactions' hashes, so that a big block does not delay the next head's time. A head that the
subscription misses is fetched by its number.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from operator import itemgetter
from typing import Any, Final

import aiohttp
import orjson

from scripts.bench.flight import Flight
from scripts.bench.sending import JSON_HEADERS
from scripts.loads import BATCH, LoadFailed

PROBE_SECONDS: Final = 0.5
ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024
RECEIPTS_AT_ONCE_MAX: Final = 10_000
"""A node refuses an answer of more than 25 MiB: about 19,000 receipts."""


class Door:
    """One node's JSON-RPC over HTTP, over a connection of its own."""

    def __init__(self, rpc: str) -> None:
        self.rpc = rpc
        timeout = aiohttp.ClientTimeout(total=60.0)
        self._session = aiohttp.ClientSession(timeout=timeout, headers=JSON_HEADERS)

    async def call(self, method: str, *params: Any) -> Any:
        """Return a call's result; raise `LoadFailed` where there is an error instead."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        async with self._session.post(self.rpc, data=orjson.dumps(request)) as response:
            answer = orjson.loads(await response.read())
        if "error" in answer:
            raise LoadFailed(f"{self.rpc}: {method}: {answer['error']}")
        return answer["result"]

    async def each(self, method: str, values: Sequence[Any]) -> list[Any]:
        """Return one method's results for many values, asked in batches."""
        found: list[Any] = []
        for start in range(0, len(values), BATCH):
            part = list(enumerate(values[start : start + BATCH]))
            asked = [{"jsonrpc": "2.0", "id": i, "method": method, "params": [v]} for i, v in part]
            async with self._session.post(self.rpc, data=orjson.dumps(asked)) as response:
                answers = orjson.loads(await response.read())
            if len(answers) != len(part) or any("error" in answer for answer in answers):
                raise LoadFailed(f"{self.rpc}: {method}: {answers[:1]}")
            found += [answer["result"] for answer in sorted(answers, key=itemgetter("id"))]
        return found

    async def height(self) -> int:
        """Return the newest block's number."""
        return int(await self.call("eth_blockNumber"), 16)

    async def close(self) -> None:
        """Release the connection."""
        await self._session.close()


@contextlib.asynccontextmanager
async def open_door(rpc: str) -> AsyncIterator[Door]:
    """Open a door and close it in the end."""
    door = Door(rpc)
    try:
        yield door
    finally:
        await door.close()


async def subscribe(url: str, flight: Flight, numbers: "asyncio.Queue[int]") -> None:
    """Note each new head's time, and hand its number on."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, max_msg_size=ANSWER_BYTES_MAX) as socket,
    ):
        await socket.send_str(
            '{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}'
        )
        async for message in socket:
            at = time.monotonic()
            found = orjson.loads(message.data)
            if "params" in found:
                flight.head_times.append(at)
                numbers.put_nowait(int(found["params"]["result"]["number"], 16))
    raise LoadFailed(f"{url}: the subscription ended")


async def follow(door: Door, flight: Flight, first: int, numbers: "asyncio.Queue[int]") -> None:
    """Note what every block from `first` on holds, as soon as its number is known."""
    number = first
    while True:
        head = await numbers.get()
        while number <= head:
            block = await door.call("eth_getBlockByNumber", hex(number), False)
            flight.arrive(number, block["transactions"], time.monotonic())
            number += 1


async def probe(door: Door, answers: list[float]) -> None:
    """Ask for the height twice a second; note how long each answer took, in seconds."""
    due = time.monotonic()
    while True:
        start = time.monotonic()
        await door.call("eth_blockNumber")
        answers.append(time.monotonic() - start)
        due = max(due + PROBE_SECONDS, time.monotonic())
        await asyncio.sleep(due - time.monotonic())


async def records_made(door: Door, contract: str, slots: list[str]) -> int:
    """Return how many records succeeded so far, from the contract's own counters."""
    return sum(
        [int(await door.call("eth_getStorageAt", contract, slot, "latest"), 16) for slot in slots]
    )


async def failures(door: Door, numbers: range) -> tuple[int, int]:
    """Return how many receipts these blocks have, and how many are not of status 1."""
    count = bad = 0
    for number in numbers:
        block = await door.call("eth_getBlockByNumber", hex(number), False)
        if len(block["transactions"]) > RECEIPTS_AT_ONCE_MAX:
            receipts = await door.each("eth_getTransactionReceipt", block["transactions"])
        else:
            receipts = await door.call("eth_getBlockReceipts", hex(number))
        count += len(receipts)
        bad += sum(receipt["status"] != "0x1" for receipt in receipts)
    return count, bad
