"""The gateway's door: HTTPS in TLS 1.3, JSON in, JSON out, refusals with their reason.

Who may ask is decided by signatures over each request, not by the connection. Status 403 is a
refusal by a rule, 400 a malformed request; both carry one typed error. Nothing else leaves.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson
import structlog
from aiohttp import web

from node.config import GatewayConfig, read_private_key
from node.errors import AddressInUse, ConfigError, DataccordError, DecodeError, Refused
from node.gateway.meter import Meter
from node.gateway.service import Service
from node.gateway.sources import CsvSource, Source
from node.sdk import wire
from node.sdk.client import Client
from node.sdk.journal import Journal, Use
from node.sdk.light import LightClient
from node.sdk.product import Manifest, load_manifest
from node.sdk.query import parse_query
from node.sdk.settlement import RangeRequest
from node.sdk.view import LedgerView
from node.spec.crypto import SIGNATURE_LENGTH
from node.spec.types import Hash32
from node.spec.usage import Request

BODY_BYTES_MAX: Final = 256 * 1024
RANGES_MAX: Final = 256
WORK_MAX: Final = 32
"""Requests in work at once."""

Handler = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]
log = structlog.get_logger()


class Door:
    """Turns bodies into calls of the service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._slots = asyncio.Semaphore(WORK_MAX)

    def application(self) -> web.Application:
        """Return the HTTP application."""
        application = web.Application(client_max_size=BODY_BYTES_MAX)
        handlers: dict[str, Handler] = {
            "/use": self._use,
            "/countersign": self._countersign,
            "/sign-batch": self._sign_batch,
            "/sign-close": self._sign_close,
        }
        for path, handler in handlers.items():
            application.router.add_post(path, self._wrapped(handler))
        return application

    def _wrapped(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def respond(request: web.Request) -> web.Response:
            try:
                async with self._slots:
                    body = orjson.loads(await request.read())
                    return _json(await handler(wire.mapping(body, "request")), 200)
            except orjson.JSONDecodeError:
                return _error(DecodeError("request: not JSON"), 400)
            except Refused as error:
                log.info("refused", path=request.path, reason=error.reason, why=error.why)
                return _error(error, 403)
            except DecodeError as error:
                return _error(error, 400)
            except DataccordError as error:
                log.error("gateway_failed", path=request.path, error=error.what, why=error.why)
                return _json({"error": "gateway: cannot serve now", "retry": True}, 503)

        return respond

    async def _use(self, body: Mapping[str, Any]) -> dict[str, Any]:
        request = wire.from_json(Request, body.get("request"))
        use = await self._service.use(
            wire.hash_of(body, "authorization"),
            wire.number(body, "lease"),
            request,
            wire.data(body, "signature", SIGNATURE_LENGTH),
            parse_query(wire.text(body, "query")),
            wire.consent(body),
        )
        return _use_json(use)

    async def _countersign(self, body: Mapping[str, Any]) -> dict[str, Any]:
        await self._service.countersign(
            wire.hash_of(body, "authorization"),
            wire.number(body, "lease"),
            wire.number(body, "use"),
            wire.data(body, "signature", SIGNATURE_LENGTH),
        )
        return {}

    async def _sign_batch(self, body: Mapping[str, Any]) -> dict[str, Any]:
        listed = body.get("ranges")
        if not isinstance(listed, list) or not 0 < len(listed) <= RANGES_MAX:
            raise DecodeError(f"ranges: expected 1 to {RANGES_MAX}")
        wishes = [wire.from_json(RangeRequest, entry) for entry in listed]
        theirs = wire.data(body, "signature", SIGNATURE_LENGTH)
        built, signature = await self._service.sign_batch(wishes, theirs)
        return {"root": wire.to_hex(built.batch.root), "signature": wire.to_hex(signature)}

    async def _sign_close(self, body: Mapping[str, Any]) -> dict[str, Any]:
        number, last, signature = await self._service.sign_close(
            wire.hash_of(body, "authorization"),
            wire.number(body, "lease"),
            wire.data(body, "signature", SIGNATURE_LENGTH),
        )
        return {"used": number, "last": wire.to_hex(last), "signature": wire.to_hex(signature)}


def _use_json(use: Use) -> dict[str, Any]:
    assert use.receipt is not None, "a served use has its receipt"
    return {
        "receipt": wire.to_json(use.receipt),
        "signature": wire.to_hex(use.provider_signature),
        "salt": wire.to_hex(use.salt),
        "result": use.result,
    }


def _json(value: dict[str, Any], status: int) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


def _error(error: DataccordError, status: int) -> web.Response:
    reason = error.reason if isinstance(error, Refused) else error.what
    return _json({"error": reason, "why": error.why}, status)


def load_products(config: GatewayConfig) -> dict[Hash32, tuple[Manifest, Source]]:
    """Return each product's manifest and data, by its id."""
    found: dict[Hash32, tuple[Manifest, Source]] = {}
    for source in config.sources:
        manifest = load_manifest(source.manifest)
        data = CsvSource(source.file, manifest.names, source.subjects, manifest.date)
        found[_hash(source.product)] = (manifest, data)
    return found


async def run_gateway(config: GatewayConfig) -> None:
    """Serve until cancelled."""
    products = load_products(config)
    key = read_private_key(config.account_key)
    tls = _tls(config.certificate, config.private_key)
    async with Client(config.rpc) as client:
        light = LightClient(client, _hash(config.genesis_hash))
        await light.start()
        chain_id = await client.chain_id()
        journal = Journal(config.store)
        try:
            service = Service(LedgerView(light), Meter(journal, key, chain_id), products, chain_id)
            await _serve(Door(service).application(), config, tls)
        finally:
            journal.close()


async def _serve(application: web.Application, config: GatewayConfig, tls: ssl.SSLContext) -> None:
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, config.host, config.port, ssl_context=tls).start()
        except OSError as error:
            raise AddressInUse.on(config.port, error) from error
        log.info("gateway_ready", host=config.host, port=config.port)
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def _tls(certificate: Path, private_key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_cert_chain(certificate, private_key)
    except OSError as error:
        raise ConfigError(
            f"TLS: {certificate} with {private_key} cannot be used", why=str(error)
        ) from error
    return context


def _hash(value: str) -> Hash32:
    try:
        data = bytes.fromhex(value.removeprefix("0x"))
    except ValueError:
        data = b""
    if len(data) != 32:
        raise ConfigError(f"{value!r} is no 32-byte hash")
    return Hash32(data)
