"""Members with their own authorities and nodes with keys and certificates, in a folder."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from node.cli.credentials import Authority, issue_certificate, new_authority, new_key
from node.config import P2PConfig, PeerConfig, read_private_key
from node.p2p.identity import Certificate, read_certificate_pem
from node.p2p.network import Network
from node.p2p.session import Session
from node.p2p.wire import Frame
from node.spec.types import Address, Hash32

GENESIS = Hash32(b"\x11" * 32)


@dataclass
class Book:
    """A registry in memory: node to member, member to authorities."""

    nodes: dict[Address, int] = field(default_factory=dict)
    trusted: dict[int, tuple[bytes, ...]] = field(default_factory=dict)

    def member_of_node(self, node: Address) -> int:
        return self.nodes.get(node, 0)

    def authorities(self) -> Mapping[int, tuple[bytes, ...]]:
        return self.trusted


@dataclass(frozen=True)
class Identity:
    """A node's files and what they say."""

    folder: Path
    address: Address
    port: int

    @property
    def key(self) -> bytes:
        return read_private_key(self.folder / "node.key")

    @property
    def certificate(self) -> Certificate:
        return read_certificate_pem((self.folder / "tls-cert.pem").read_bytes(), "test")

    @property
    def peer(self) -> PeerConfig:
        return PeerConfig("0x" + self.address.hex(), f"wss://127.0.0.1:{self.port}/")

    def config(self, *peers: "Identity") -> P2PConfig:
        return P2PConfig(
            "127.0.0.1",
            self.port,
            self.folder / "tls-cert.pem",
            self.folder / "tls-key.pem",
            tuple(other.peer for other in peers),
        )


def authority(folder: Path, name: str) -> Authority:
    place = folder / name
    place.mkdir()
    return new_authority(place, name)


def identity(folder: Path, name: str, issuer: Authority) -> Identity:
    """Make a node whose certificate `issuer` signs."""
    place = folder / name
    place.mkdir()
    address = new_key(place / "node.key")
    issue_certificate(place, issuer, name)
    return Identity(place, address, free_port())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """A network with what it told of."""

    def __init__(self, own: Identity, book: Book, *peers: Identity, **changes: Any) -> None:
        self.frames: asyncio.Queue[tuple[Address, Frame]] = asyncio.Queue()
        self.joined: asyncio.Queue[Address] = asyncio.Queue()
        self.left: asyncio.Queue[tuple[Address, str]] = asyncio.Queue()
        self.port = own.port
        self.network = Network(
            own.config(*peers),
            changes.get("key", own.key),
            changes.get("genesis", GENESIS),
            book,
            deliver=self._deliver,
            joined=lambda session: self.joined.put_nowait(session.node),
            left=self._left,
        )

    async def _deliver(self, session: Session, frame: Frame) -> None:
        self.frames.put_nowait((session.node, frame))

    def _left(self, session: Session) -> None:
        self.left.put_nowait((session.node, session.closing))


async def _listens(port: int) -> None:
    """Return once a port accepts connections."""
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()
                return
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running(*networks: Running) -> AsyncIterator[None]:
    """Run networks, the first listening before the next dials, all stopped in the end."""
    tasks = []
    try:
        for one in networks:
            tasks.append(asyncio.create_task(one.network.run()))
            await _listens(one.port)
        async with asyncio.timeout(20):
            yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
