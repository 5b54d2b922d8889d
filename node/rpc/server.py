"""HTTP and WebSocket doors to one dispatcher, and the metrics door beside them.

Bounds are named where they act: body and message sizes, connections, and the hosts that a browser
may be tricked into naming (DNS rebinding). An RPC error is answered with status 200, as every
Ethereum client expects.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import aiohttp
from aiohttp import web

from node.config import MetricsConfig, RpcConfig
from node.errors import AddressInUse
from node.rpc.dispatch import Dispatcher
from node.rpc.subscriptions import Subscriber, Subscriptions
from node.telemetry import Metrics

BODY_BYTES_MAX: Final = 5 * 1024 * 1024
MESSAGE_BYTES_MAX: Final = 1024 * 1024
SOCKETS_MAX: Final = 80
REQUESTS_MAX: Final = 64
"""HTTP requests in work at once; more wait in their connections."""

LOCAL_NAMES: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})


class Readiness:
    """Whether the node can serve, and if not, what is missing."""

    def __init__(self, problems: Callable[[], list[str]]) -> None:
        self.problems = problems


def http_application(dispatcher: Dispatcher) -> web.Application:
    """Return the HTTP door: POST / with one request or a batch."""
    slots = asyncio.Semaphore(REQUESTS_MAX)

    async def post(request: web.Request) -> web.Response:
        _check_host(request)
        body = await request.read()
        async with slots:
            answer = await dispatcher.answer(body)
        return web.Response(body=answer, content_type="application/json")

    application = web.Application(client_max_size=BODY_BYTES_MAX)
    application.router.add_post("/", post)
    return application


def websocket_application(dispatcher: Dispatcher, subscriptions: Subscriptions) -> web.Application:
    """Return the WebSocket door: requests as over HTTP, and eth_subscribe."""
    open_sockets: set[web.WebSocketResponse] = set()

    async def connect(request: web.Request) -> web.StreamResponse:
        _check_host(request)
        if len(open_sockets) >= SOCKETS_MAX:
            raise web.HTTPServiceUnavailable(text="too many connections")
        socket = web.WebSocketResponse(max_msg_size=MESSAGE_BYTES_MAX, heartbeat=30.0)
        await socket.prepare(request)
        open_sockets.add(socket)
        try:
            await _serve_socket(socket, dispatcher, subscriptions)
        finally:
            open_sockets.discard(socket)
        return socket

    application = web.Application()
    application.router.add_get("/", connect)
    return application


async def _serve_socket(
    socket: web.WebSocketResponse, dispatcher: Dispatcher, subscriptions: Subscriptions
) -> None:
    subscriber = Subscriber(socket.send_str)
    local = dispatcher.with_methods(subscriptions.methods(subscriber))
    pump = asyncio.create_task(_pump(subscriber, socket))
    try:
        async for message in socket:
            if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                break
            body = message.data.encode() if isinstance(message.data, str) else message.data
            answer = await local.answer(body)
            if answer:
                await socket.send_str(answer.decode())
    finally:
        subscriptions.forget(subscriber)
        pump.cancel()
        await asyncio.gather(pump, return_exceptions=True)
        await socket.close()


async def _pump(subscriber: Subscriber, socket: web.WebSocketResponse) -> None:
    """Send notifications; a subscriber that fell too far behind loses its connection."""
    await subscriber.pump()
    await socket.close(code=aiohttp.WSCloseCode.TRY_AGAIN_LATER, message=b"too slow")


def metrics_application(metrics: Metrics, readiness: Readiness) -> web.Application:
    """Return the operators' door: /metrics, /liveness and /readiness."""

    async def show(_request: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), content_type="text/plain", charset="utf-8")

    async def liveness(_request: web.Request) -> web.Response:
        return web.json_response({"status": "UP"})

    async def ready(_request: web.Request) -> web.Response:
        problems = readiness.problems()
        body = {"status": "DOWN" if problems else "UP", "failed_checks": problems}
        return web.json_response(body, status=503 if problems else 200)

    application = web.Application()
    application.router.add_get("/metrics", show)
    application.router.add_get("/liveness", liveness)
    application.router.add_get("/readiness", ready)
    return application


def _check_host(request: web.Request) -> None:
    """Refuse a request whose Host is no name of this machine's loopback."""
    name = request.host.rpartition(":")[0] or request.host
    if name not in LOCAL_NAMES and request.host not in LOCAL_NAMES:
        raise web.HTTPForbidden(text="host not allowed")


async def serve(
    rpc: RpcConfig,
    metrics_config: MetricsConfig,
    dispatcher: Dispatcher,
    subscriptions: Subscriptions,
    readiness: Readiness,
) -> None:
    """Serve all three doors until cancelled."""
    doors = (
        (http_application(dispatcher), rpc.host, rpc.http_port),
        (websocket_application(dispatcher, subscriptions), rpc.host, rpc.ws_port),
        (
            metrics_application(dispatcher.metrics, readiness),
            metrics_config.host,
            metrics_config.port,
        ),
    )
    runners: list[web.AppRunner] = []
    try:
        for application, host, port in doors:
            runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
            runners.append(runner)
            await runner.setup()
            await _start(web.TCPSite(runner, host, port), port)
        await asyncio.Event().wait()
    finally:
        await asyncio.gather(*(runner.cleanup() for runner in runners))


async def _start(site: web.TCPSite, port: int) -> None:
    try:
        await site.start()
    except OSError as error:
        raise AddressInUse.on(port, error) from error
