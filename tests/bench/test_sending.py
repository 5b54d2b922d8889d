"""What the load sends must be what a client would send, in order, and again when a node is full."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from scripts.bench import sending
from scripts.bench.flight import Flight
from scripts.bench.sending import CONNECTIONS, Batch, Work, deliver, is_transient, send_all
from scripts.loads import BATCH, SENDERS, LoadFailed

Answer = Callable[[list[dict[str, Any]]], Any]


@asynccontextmanager
async def node(answer: Answer, status: int = 200) -> AsyncIterator[tuple[str, list[list[Any]]]]:
    """Run a node that answers batches as told; yield its URL and the transactions it was sent."""
    bodies: list[list[Any]] = []

    async def post(request: web.Request) -> web.Response:
        requests = orjson.loads(await request.read())
        bodies.append([item["params"][0] for item in requests])
        return web.json_response(answer(requests), status=status)

    application = web.Application()
    application.router.add_post("/", post)
    async with TestServer(application) as server:
        yield str(server.make_url("/")), bodies


def admitted(requests: list[dict[str, Any]]) -> Any:
    return [{"id": item["id"], "result": "0x00"} for item in requests]


def file_of(folder: Path, count: int) -> Path:
    path = folder / "lines"
    path.write_text("".join(f"0x{i:04x} h{i}\n" for i in range(count)), encoding="ascii")
    return path


def test_a_body_is_a_batch_of_requests() -> None:
    body = orjson.loads(Batch(0, ["0x01", "0x02"], ["a", "b"]).body)
    assert [(item["id"], item["params"]) for item in body] == [(0, ["0x01"]), (1, ["0x02"])]
    assert {item["method"] for item in body} == {"eth_sendRawTransaction"}
    assert {item["jsonrpc"] for item in body} == {"2.0"}


def test_each_sender_has_one_connection_and_keeps_its_order(tmp_path: Path) -> None:
    count = SENDERS * 40
    work = Work(file_of(tmp_path, count), range(count))
    sent: list[str] = []
    for connection in range(CONNECTIONS):
        batches = list(work.batches(connection))
        indices = [int(raw, 16) for batch in batches for raw in batch.raws]
        assert indices == sorted(indices)
        assert {index % SENDERS % CONNECTIONS for index in indices} == {connection}
        assert {len(batch.raws) for batch in batches[:-1]} == {BATCH}
        assert [batch.first for batch in batches] == [int(batch.raws[0], 16) for batch in batches]
        sent += [raw for batch in batches for raw in batch.raws]
    assert len(sent) == len(set(sent)) == count


async def test_all_is_sent_over_all_ports(tmp_path: Path) -> None:
    flight, work = Flight(), Work(file_of(tmp_path, 400), range(100, 400))
    async with node(admitted) as (first, some), node(admitted) as (second, others):
        await send_all((first, second), work, flight)
    sent = [raw for body in some + others for raw in body]
    assert sorted(sent) == [f"0x{index:04x}" for index in range(100, 400)]
    assert some
    assert others
    assert len(flight.waiting) == 300


async def test_at_a_rate_a_transaction_counts_from_when_it_was_due(tmp_path: Path) -> None:
    flight, work = Flight(), Work(file_of(tmp_path, 400), range(400), rate=100_000.0)
    async with node(admitted) as (url, _):
        await send_all((url,), work, flight)
    start = flight.waiting["h0"]
    for connection in range(CONNECTIONS):
        for batch in work.batches(connection):
            due = start + batch.first / work.rate
            [at] = {flight.waiting[item] for item in batch.hashes}
            assert at == pytest.approx(due)


async def test_what_a_full_node_refuses_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "PAUSE_SECONDS", 0.0)
    full = {"code": -32000, "message": "txpool is full"}
    answers = [
        lambda requests: [{"id": 0, "result": "0x00"}, {"id": 1, "error": full}],
        admitted,
    ]
    flight = Flight()
    async with (
        node(lambda requests: answers.pop(0)(requests)) as (url, bodies),
        aiohttp.ClientSession() as session,
    ):
        await deliver(session, url, Batch(0, ["0x01", "0x02"], ["a", "b"]), flight)
    assert bodies == [["0x01", "0x02"], ["0x02"]]
    assert flight.retried == 1
    assert not flight.refused


async def test_what_is_wrong_is_refused_for_good() -> None:
    wrong = {"code": -32000, "message": "nonce too low"}
    flight = Flight(waiting={"a": 1.0, "b": 1.0})
    async with (
        node(lambda requests: [{"id": 0, "error": wrong}, {"id": 1, "result": "0x"}]) as (
            url,
            sent,
        ),
        aiohttp.ClientSession() as session,
    ):
        await deliver(session, url, Batch(0, ["0x01", "0x02"], ["a", "b"]), flight)
    assert len(sent) == 1
    assert flight.refused == {"nonce too low": 1}
    assert list(flight.waiting) == ["b"]


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_node_is_asked_again_until_patience_ends(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(sending, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(sending, "ATTEMPTS_MAX", 3)
    async with node(lambda _: "busy", status) as (url, bodies), aiohttp.ClientSession() as session:
        with pytest.raises(LoadFailed, match="took no more"):
            await deliver(session, url, Batch(0, ["0x01"], ["a"]), Flight())
    assert len(bodies) == 3


async def test_an_answer_that_is_no_batch_ends_the_load() -> None:
    async with (
        node(lambda _: {"id": None, "error": {"code": -32600, "message": "no"}}) as (url, _),
        aiohttp.ClientSession() as session,
    ):
        with pytest.raises(LoadFailed, match="status 200"):
            await deliver(session, url, Batch(0, ["0x01"], ["a"]), Flight())


def test_only_fullness_is_transient() -> None:
    assert is_transient({"code": -32005, "message": "limit exceeded"})
    assert is_transient({"code": -32000, "message": "txpool is full"})
    assert not is_transient({"code": -32000, "message": "nonce too low"})
