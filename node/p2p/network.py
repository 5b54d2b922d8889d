"""The network: accept and dial permissioned peers, and carry frames between them.

Every pinned peer is dialed until connected; both ends may dial, and the connection whose dialer has
the lower address stays. Consensus messages are forwarded once, so that a missing link does not cut
anyone off. What frames mean is the `deliver` callback's business.
"""

import asyncio
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import structlog
from aiohttp import web

from node.config import P2PConfig, PeerConfig
from node.errors import AddressInUse, ConfigError, DataccordError, DecodeError
from node.p2p.identity import (
    HelloRefused,
    Registry,
    check_hello,
    check_membership,
    make_hello,
    read_certificate,
    read_certificate_pem,
)
from node.p2p.session import CLOSE_SECONDS_MAX, Deliver, Session, Socket, close_socket
from node.p2p.tls import AcceptingContext, dialing_context
from node.p2p.wire import FRAME_LENGTH_MAX, Frame, Hello, decode_frame, encode_frame
from node.spec.crypto import address_of
from node.spec.types import Address, Hash32

HELLO_SECONDS_MAX: Final = 5.0
GREETING_MAX: Final = 32
"""Connections that have not said hello yet."""

SESSIONS_MAX: Final = 128
DIAL_SECONDS: Final = 0.5
DIAL_SECONDS_MAX: Final = 8.0
HEARTBEAT_SECONDS: Final = 5.0
BAN_SECONDS: Final = 30.0

log = structlog.get_logger()


class Network:
    """All sessions of one node."""

    def __init__(
        self,
        config: P2PConfig,
        node_key: bytes,
        genesis_hash: Hash32,
        registry: Registry,
        *,
        deliver: Deliver,
        joined: Callable[[Session], None],
        left: Callable[[Session], None],
    ) -> None:
        self.sessions: dict[Address, Session] = {}
        self.address = address_of(node_key)
        self._config = config
        self._peers = {_node_address(peer): peer for peer in config.peers}
        self._key = node_key
        self._genesis = genesis_hash
        self._registry = registry
        self._deliver, self._joined, self._left = deliver, joined, left
        self._certificate = read_certificate_pem(_read(config.certificate), str(config.certificate))
        self._accepting = AcceptingContext(config.certificate, config.private_key, self._trusted())
        self._greeting = 0
        self._banned: OrderedDict[Address, float] = OrderedDict()

    @property
    def certificate_expiry(self) -> int:
        """When the node's TLS certificate ends, in Unix seconds."""
        return self._certificate.not_after

    async def run(self) -> None:
        """Listen and dial until cancelled."""
        application = web.Application()
        application.router.add_get("/", self._accept)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(
            runner, self._config.host, self._config.port, ssl_context=self._accepting.entrance
        )
        try:
            await _start(site, self._config.port)
            async with aiohttp.ClientSession() as client, asyncio.TaskGroup() as group:
                for node, peer in self._peers.items():
                    group.create_task(self._keep_dialing(client, peer, node))
                await asyncio.Event().wait()
        finally:
            for session in list(self.sessions.values()):
                session.close("node is stopping")
            await runner.cleanup()

    def registry_changed(self) -> None:
        """Apply the registry anew: trust its authorities, cut off nodes it no longer has."""
        self._accepting.update(self._trusted())
        for session in list(self.sessions.values()):
            if not self._registry.member_of_node(session.node):
                session.close("no longer registered")

    def broadcast(self, frame: Frame, *, skip: Iterable[Address] = ()) -> None:
        """Queue a frame for every peer but those in `skip`."""
        left_out = frozenset(skip)
        data = encode_frame(frame)
        for session in list(self.sessions.values()):
            if session.node not in left_out:
                session.send(data)

    def send(self, node: Address, frame: Frame) -> bool:
        """Queue a frame for one peer; return whether it is connected and keeps up."""
        session = self.sessions.get(node)
        return session is not None and session.send(encode_frame(frame))

    def _trusted(self) -> list[bytes]:
        return [der for found in self._registry.authorities().values() for der in found]

    async def _accept(self, request: web.Request) -> web.StreamResponse:
        if self._greeting >= GREETING_MAX or len(self.sessions) >= SESSIONS_MAX:
            raise web.HTTPServiceUnavailable(text="too many connections")
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_SECONDS,
            max_msg_size=FRAME_LENGTH_MAX,
            compress=False,
            timeout=CLOSE_SECONDS_MAX,
        )
        await socket.prepare(request)
        await self._serve(socket, request.get_extra_info("ssl_object"), expected=None)
        return socket

    async def _keep_dialing(
        self, client: aiohttp.ClientSession, peer: PeerConfig, node: Address
    ) -> None:
        wait = DIAL_SECONDS
        while True:
            if node not in self.sessions and node != self.address:
                wait = DIAL_SECONDS if await self._dial(client, peer, node) else wait * 2
            await asyncio.sleep(min(wait, DIAL_SECONDS_MAX))
            wait = min(wait, DIAL_SECONDS_MAX)

    async def _dial(self, client: aiohttp.ClientSession, peer: PeerConfig, node: Address) -> bool:
        context = dialing_context(self._config.certificate, self._config.private_key)
        try:
            socket = await client.ws_connect(
                peer.url,
                ssl=context,
                heartbeat=HEARTBEAT_SECONDS,
                max_msg_size=FRAME_LENGTH_MAX,
                compress=0,
                timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.debug("dial_failed", peer=peer.id, url=peer.url, error=str(error))
            return False
        return await self._serve(socket, socket.get_extra_info("ssl_object"), expected=node)

    async def _serve(
        self, socket: Socket, tls: ssl.SSLObject | None, expected: Address | None
    ) -> bool:
        """Greet, then run a session; return whether the peer was accepted."""
        self._greeting += 1
        try:
            async with asyncio.timeout(HELLO_SECONDS_MAX):
                session = await self._greet(socket, tls, expected)
        except (DataccordError, TimeoutError, ConnectionError, aiohttp.ClientError) as error:
            log.warning("hello_refused", error=str(error) or "no hello in time")
            await close_socket(socket)
            return False
        finally:
            self._greeting -= 1
        if not self._admit(session):
            await close_socket(socket)
            return True
        try:
            await session.run(self._deliver)
        except ConnectionError as error:
            session.close(str(error))
        finally:
            self._dismiss(session)
        return True

    async def _greet(
        self, socket: Socket, tls: ssl.SSLObject | None, expected: Address | None
    ) -> Session:
        der = tls.getpeercert(binary_form=True) if tls else None
        if not der:
            raise HelloRefused("peer shows no certificate")
        peer = read_certificate(der)
        hello = make_hello(self._genesis, self._certificate, self._key)
        await socket.send_bytes(encode_frame(hello))
        message = await socket.receive()
        if message.type is not aiohttp.WSMsgType.BINARY:
            raise HelloRefused("peer closed without hello")
        frame = decode_frame(message.data)
        if not isinstance(frame, Hello):
            raise DecodeError("first frame is no hello")
        node = check_hello(frame, peer, self._genesis)
        if expected is not None:
            if node != expected:
                raise HelloRefused(f"dialed 0x{expected.hex()}, met 0x{node.hex()}")
            return Session(socket, node, self._registry.member_of_node(node), dialed=True)
        member = check_membership(node, peer, self._registry)
        if self._banned.get(node, 0.0) > time.monotonic():
            raise HelloRefused(f"node 0x{node.hex()} was cut off a moment ago")
        return Session(socket, node, member, dialed=False)

    def _admit(self, session: Session) -> bool:
        """Keep one connection a peer: that whose dialer has the lower address, else the newer."""
        if session.node == self.address:
            return False
        other = self.sessions.get(session.node)
        if other is not None and other.dialed != session.dialed:
            lower_dials = self.address < session.node
            if session.dialed != lower_dials:
                return False
        if other is not None:
            other.close("replaced by another connection")
        self.sessions[session.node] = session
        log.info("peer_connected", peer=session.name, member=session.member, dialed=session.dialed)
        self._joined(session)
        return True

    def _dismiss(self, session: Session) -> None:
        log.info("peer_disconnected", peer=session.name, reason=session.closing)
        if session.closing.startswith("too many faults"):
            self._banned[session.node] = time.monotonic() + BAN_SECONDS
            while len(self._banned) > SESSIONS_MAX:
                self._banned.popitem(last=False)
        if self.sessions.get(session.node) is session:
            del self.sessions[session.node]
            self._left(session)


def _node_address(peer: PeerConfig) -> Address:
    try:
        address = bytes.fromhex(peer.id.removeprefix("0x"))
    except ValueError:
        address = b""
    if len(address) != 20:
        raise ConfigError(f"p2p peers: {peer.id!r} is no node address (0x and 40 hex digits)")
    if not _is_wss(peer.url):
        raise ConfigError(f"p2p peers: {peer.url!r} is no address of the form wss://host:port/")
    return Address(address)


def _is_wss(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "wss" and bool(parts.hostname) and parts.port is not None
    except ValueError:
        return False


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read", why=str(error.strerror)) from error


async def _start(site: web.TCPSite, port: int) -> None:
    try:
        await site.start()
    except OSError as error:
        raise AddressInUse.on(port, error) from error
