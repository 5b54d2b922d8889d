"""The doors are the node's skin towards browsers and programs: hosts, sizes and pushes are held."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from node.config import MetricsConfig, RpcConfig
from node.errors import AddressInUse
from node.rpc import server
from node.rpc.server import (
    Readiness,
    http_application,
    metrics_application,
    serve,
    websocket_application,
)
from node.rpc.subscriptions import Subscriptions
from node.telemetry import Metrics

from .kit import Node

BLOCK_NUMBER = '{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}'


@pytest.fixture
async def http(node: Node) -> AsyncIterator[TestClient]:
    async with TestClient(TestServer(http_application(node.dispatcher))) as client:
        yield client


class Doors:
    """The WebSocket door with its hub."""

    def __init__(self, node: Node) -> None:
        self.hub = Subscriptions()
        self.application = websocket_application(node.dispatcher, self.hub)


async def test_a_request_over_http(http: TestClient) -> None:
    async with http.post("/", data=BLOCK_NUMBER) as response:
        assert (response.status, await response.json()) == (
            200,
            {"jsonrpc": "2.0", "id": 1, "result": "0x4"},
        )
    async with http.get("/") as response:
        assert response.status == 405


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8545", 200),
        ("localhost", 200),
        ("[::1]:8545", 200),
        ("evil.example:8545", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example:1", 403),
        ("", 403),
    ],
)
async def test_only_loopback_hosts_are_answered(http: TestClient, host: str, status: int) -> None:
    async with http.post("/", data=BLOCK_NUMBER, headers={"Host": host}) as response:
        assert response.status == status


async def test_a_body_has_a_bound(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "BODY_BYTES_MAX", 100)
    async with TestClient(TestServer(http_application(node.dispatcher))) as client:
        async with client.post("/", data=b" " * 101) as response:
            assert response.status == 413
        async with client.post("/", data=BLOCK_NUMBER) as response:
            assert response.status == 200


async def test_requests_and_subscriptions_over_websocket(node: Node) -> None:
    doors = Doors(node)
    async with TestClient(TestServer(doors.application)) as client:
        socket = await client.ws_connect("/")
        await socket.send_str(BLOCK_NUMBER)
        assert (await socket.receive_json())["result"] == "0x4"
        await socket.send_bytes(b'{"id":2,"method":"eth_subscribe","params":["newHeads"]}')
        identifier = (await socket.receive_json())["result"]
        doors.hub.announce("newHeads", {"number": "0x5"})
        pushed = await socket.receive_json()
        assert pushed["params"] == {"subscription": identifier, "result": {"number": "0x5"}}
        await socket.send_str("{")
        assert (await socket.receive_json())["error"]["code"] == -32700
        await socket.close()
    assert doors.hub.wanted == frozenset()


async def test_subscriptions_need_a_websocket(http: TestClient) -> None:
    body = '{"id":1,"method":"eth_subscribe","params":["newHeads"]}'
    async with http.post("/", data=body) as response:
        assert (await response.json())["error"]["code"] == -32601


async def test_websockets_have_bounds(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "SOCKETS_MAX", 1)
    monkeypatch.setattr(server, "MESSAGE_BYTES_MAX", 100)
    async with TestClient(TestServer(Doors(node).application)) as client:
        socket = await client.ws_connect("/")
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await client.ws_connect("/")
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await client.ws_connect("/", headers={"Host": "evil.example"})
        await socket.send_str(" " * 101)
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_a_subscriber_that_fell_behind_loses_its_connection(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.rpc.subscriptions.QUEUE_MAX", 1)
    doors = Doors(node)
    async with TestClient(TestServer(doors.application)) as client:
        socket = await client.ws_connect("/")
        await socket.send_str('{"id":2,"method":"eth_subscribe","params":["newHeads"]}')
        await socket.receive_json()
        for number in range(3):
            doors.hub.announce("newHeads", number)
        async with asyncio.timeout(5):
            while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                continue
        assert message.type is aiohttp.WSMsgType.CLOSE


async def test_health_and_metrics() -> None:
    problems: list[str] = []
    application = metrics_application(Metrics(), Readiness(lambda: problems))
    async with TestClient(TestServer(application)) as client:
        async with client.get("/readiness") as response:
            assert (response.status, (await response.json())["status"]) == (200, "UP")
        problems.append("no peers")
        async with client.get("/readiness") as response:
            assert response.status == 503
            assert (await response.json())["failed_checks"] == ["no peers"]
        async with client.get("/liveness") as response:
            assert response.status == 200
        async with client.get("/metrics") as response:
            text = await response.text()
    assert "ethereum_blockchain_height" in text


async def test_a_taken_port_is_named(node: Node) -> None:
    async with TestServer(http_application(node.dispatcher)) as taken:
        port = taken.port
        assert port is not None
        with pytest.raises(AddressInUse, match=str(port)):
            await serve(
                RpcConfig(http_port=port, ws_port=0),
                MetricsConfig(port=0),
                node.dispatcher,
                Subscriptions(),
                Readiness(list),
            )
