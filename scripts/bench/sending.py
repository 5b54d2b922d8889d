"""Sending signed transactions in JSON-RPC batches, cheaply enough not to be what is measured.

A body is joined from bytes that were signed before; no transaction is encoded or looked at. Each
sender belongs to one connection and each connection to one port, so nonces arrive in order. A
connection sends its next batch when the last one was answered: a node that answers late slows it
(back-pressure). With a rate, a batch goes out no earlier than it is due, and its time counts from
when it was due: a node that stalls pays for what it kept from being sent.

A transaction refused because the node is full comes again after a pause; any other refusal counts.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson

from scripts.bench.flight import Flight
from scripts.bench.presign import lines
from scripts.loads import BATCH, SENDERS, LoadFailed

CONNECTIONS: Final = 4
PAUSE_SECONDS: Final = 0.1
ATTEMPTS_MAX: Final = 600
BUSY_STATUS: Final = (429, 503)
LIMIT_EXCEEDED: Final = -32005
JSON_HEADERS: Final = {"content-type": "application/json"}
_PREFIXES: Final = tuple(
    f'{{"jsonrpc":"2.0","id":{place},"method":"eth_sendRawTransaction","params":["'
    for place in range(BATCH)
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some transactions of one connection."""

    first: int
    """The first one's index in the file."""
    raws: list[str]
    hashes: list[str]

    @property
    def body(self) -> bytes:
        """The request."""
        parts = map("".join, zip(_PREFIXES, self.raws, ('"]}',) * len(self.raws), strict=False))
        return f"[{','.join(parts)}]".encode("ascii")


@dataclass(frozen=True, slots=True)
class Work:
    """Which lines of a file to send, and how: transactions a second, 0 as fast as answers come."""

    file: Path
    span: range
    rate: float = 0.0

    def batches(self, connection: int) -> Iterator[Batch]:
        """Yield one connection's share in the order of the file."""
        raws: list[str] = []
        hashes: list[str] = []
        first = 0
        for index, raw, transaction_hash in lines(self.file, self.span):
            if index % SENDERS % CONNECTIONS != connection:
                continue
            first = index if not raws else first
            raws.append(raw)
            hashes.append(transaction_hash)
            if len(raws) == BATCH:
                yield Batch(first, raws, hashes)
                raws, hashes = [], []
        if raws:
            yield Batch(first, raws, hashes)


async def send_all(rpcs: tuple[str, ...], work: Work, flight: Flight) -> None:
    """Send all of the work over connections that take the ports by turns."""
    timeout = aiohttp.ClientTimeout(total=120.0)
    async with aiohttp.ClientSession(timeout=timeout, headers=JSON_HEADERS) as session:
        start = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for connection in range(CONNECTIONS):
                rpc = rpcs[connection % len(rpcs)]
                group.create_task(_send(session, rpc, work, connection, start, flight))


async def _send(
    session: aiohttp.ClientSession,
    rpc: str,
    work: Work,
    connection: int,
    start: float,
    flight: Flight,
) -> None:
    for batch in work.batches(connection):
        at = time.monotonic()
        if work.rate:
            at = start + (batch.first - work.span.start) / work.rate
            await asyncio.sleep(max(0.0, at - time.monotonic()))
        flight.depart(batch.hashes, at)
        await deliver(session, rpc, batch, flight)


async def deliver(session: aiohttp.ClientSession, rpc: str, batch: Batch, flight: Flight) -> None:
    """Send a batch until each of its transactions is admitted or refused for good."""
    left = batch
    for _ in range(ATTEMPTS_MAX):
        left = await _attempt(session, rpc, left, flight)
        if not left.raws:
            return
        flight.retried += len(left.raws)
        await asyncio.sleep(PAUSE_SECONDS)
    raise LoadFailed(f"{rpc} took no more for {ATTEMPTS_MAX * PAUSE_SECONDS:.0f} s")


async def _attempt(session: aiohttp.ClientSession, rpc: str, batch: Batch, flight: Flight) -> Batch:
    """Send a batch once; return what is to come again."""
    async with session.post(rpc, data=batch.body) as response:
        raw = await response.read()
    if response.status in BUSY_STATUS:
        return batch
    if response.status == 200 and raw.startswith(b"[") and b'"error"' not in raw:
        return Batch(batch.first, [], [])
    answers = _answers(raw, response.status, rpc)
    again = []
    for place, error in answers:
        if is_transient(error):
            again.append(place)
        else:
            flight.refuse(batch.hashes[place], str(error.get("message"))[:120])
    again.sort()
    return Batch(
        batch.first, [batch.raws[place] for place in again], [batch.hashes[p] for p in again]
    )


def _answers(raw: bytes, status: int, rpc: str) -> list[tuple[int, dict[str, Any]]]:
    """Return the errors of a batch's answer by their place in it."""
    try:
        found = orjson.loads(raw)
        return [(answer["id"], answer["error"]) for answer in found if "error" in answer]
    except (orjson.JSONDecodeError, TypeError, KeyError) as error:
        raise LoadFailed(f"{rpc} answered a batch with status {status}: {raw[:200]!r}") from error


def is_transient(error: dict[str, Any]) -> bool:
    """Whether an error says that the node is full rather than the transaction wrong."""
    return error.get("code") == LIMIT_EXCEEDED or "full" in str(error.get("message"))
