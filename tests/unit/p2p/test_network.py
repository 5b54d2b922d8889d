"""Only over real TLS can be shown whom the network lets in, and that a revoked node is cut off."""

import asyncio
import ssl
from pathlib import Path

import aiohttp
import pytest

from node.config import P2PConfig, PeerConfig
from node.errors import AddressInUse, ConfigError
from node.p2p.identity import make_hello
from node.p2p.network import Network
from node.p2p.tls import AcceptingContext, dialing_context
from node.p2p.wire import Consensus, Goodbye, Hello, Status, decode_frame, encode_frame
from node.spec.types import Hash32

from .kit import GENESIS, Book, Identity, Running, authority, identity, running

WORD = Hash32(bytes(32))


class World:
    """Two members, a node of each, and the book that knows them."""

    def __init__(self, folder: Path) -> None:
        self.bank, self.utility = authority(folder, "bank"), authority(folder, "utility")
        self.one = identity(folder, "one", self.bank)
        self.two = identity(folder, "two", self.utility)
        self.folder = folder
        self.book = Book(
            {self.one.address: 1, self.two.address: 2},
            {1: (self.bank.der,), 2: (self.utility.der,)},
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def raw_session(
    client: aiohttp.ClientSession, caller: Identity, target: Identity
) -> aiohttp.ClientWebSocketResponse:
    """Connect by TLS only; hello is the caller's business."""
    context = dialing_context(caller.folder / "tls-cert.pem", caller.folder / "tls-key.pem")
    return await client.ws_connect(f"wss://127.0.0.1:{target.port}/", ssl=context)


async def test_two_nodes_meet_and_talk(world: World) -> None:
    first, second = Running(world.one, world.book), Running(world.two, world.book, world.one)
    async with running(first, second):
        assert await first.joined.get() == world.two.address
        assert await second.joined.get() == world.one.address
        assert first.network.send(world.two.address, Status(5, WORD))
        assert await second.frames.get() == (world.one.address, Status(5, WORD))
        second.network.broadcast(Consensus(0x12, b"\xc0"))
        assert await first.frames.get() == (world.two.address, Consensus(0x12, b"\xc0"))
        first.network.broadcast(Status(6, WORD), skip=[world.two.address])
        first.network.broadcast(Status(7, WORD))
        assert await second.frames.get() == (world.one.address, Status(7, WORD))
        assert not first.network.send(world.one.address, Status(5, WORD))


async def test_both_dial_and_one_connection_stays(world: World) -> None:
    first = Running(world.one, world.book, world.two)
    second = Running(world.two, world.book, world.one)
    async with running(first, second):
        await first.joined.get()
        await second.joined.get()
        for _ in range(50):
            await asyncio.sleep(0.01)
            if first.network.send(world.two.address, Status(1, WORD)):
                break
        assert (await second.frames.get())[1] == Status(1, WORD)
        assert len(first.network.sessions) == len(second.network.sessions) == 1


@pytest.mark.parametrize("why", ["unknown node", "other member's authority", "other chain"])
async def test_who_does_not_belong_is_refused(world: World, why: str) -> None:
    theirs = Book(dict(world.book.nodes), dict(world.book.trusted))
    genesis = GENESIS
    if why == "unknown node":
        del world.book.nodes[world.two.address]
    elif why == "other member's authority":
        world.book.nodes[world.two.address] = 1
    else:
        genesis = Hash32(b"\x99" * 32)
    first = Running(world.one, world.book)
    second = Running(world.two, theirs, world.one, genesis=genesis)
    async with running(first, second), aiohttp.ClientSession() as client:
        for _ in range(100):
            await asyncio.sleep(0.01)
            if second.joined.qsize() and second.left.qsize():
                break
        assert not first.network.sessions
        assert first.joined.empty()
        socket = await raw_session(client, world.two, world.one)
        await socket.send_bytes(encode_frame(Status(1, WORD)))  # no hello at all
        while (message := await socket.receive()).type is aiohttp.WSMsgType.BINARY:
            continue
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
        assert first.joined.empty()


async def test_tls_lets_in_only_certificates_of_registered_authorities(world: World) -> None:
    stranger = identity(world.folder, "stranger", authority(world.folder, "nobody"))
    first = Running(world.one, world.book)
    async with running(first), aiohttp.ClientSession() as client:
        with pytest.raises((aiohttp.ClientError, ConnectionError, ssl.SSLError)):
            await raw_session(client, stranger, world.one)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with pytest.raises((aiohttp.ClientError, ConnectionError, ssl.SSLError)):
            await client.ws_connect(f"wss://127.0.0.1:{world.one.port}/", ssl=context)
        context.load_cert_chain(world.two.folder / "tls-cert.pem", world.two.folder / "tls-key.pem")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((aiohttp.ClientError, ConnectionError, ssl.SSLError)):
            await client.ws_connect(f"wss://127.0.0.1:{world.one.port}/", ssl=context)


async def test_a_revoked_node_is_cut_and_stays_out(world: World) -> None:
    first, second = Running(world.one, world.book), Running(world.two, world.book, world.one)
    async with running(first, second):
        await first.joined.get()
        first.network.registry_changed()
        assert world.two.address in first.network.sessions, "a change that spares it"
        del world.book.nodes[world.two.address]
        first.network.registry_changed()
        assert await first.left.get() == (world.two.address, "no longer registered")
        assert not first.network.sessions


async def test_a_new_authority_is_trusted_without_restart(world: World) -> None:
    newer = authority(world.folder, "newer")
    third = identity(world.folder, "third", newer)
    first = Running(world.one, world.book)
    async with running(first), aiohttp.ClientSession() as client:
        with pytest.raises((aiohttp.ClientError, ConnectionError, ssl.SSLError)):
            await raw_session(client, third, world.one)
        world.book.trusted[3] = (newer.der,)
        world.book.nodes[third.address] = 3
        first.network.registry_changed()
        second = Running(third, world.book, world.one)
        async with running(second):
            assert await first.joined.get() == third.address


async def test_a_dialed_node_must_be_the_pinned_one(world: World) -> None:
    liar = identity(world.folder, "liar", world.utility)
    posing = Identity(world.two.folder, world.two.address, liar.port)
    first = Running(world.one, world.book, posing)
    second = Running(liar, world.book)
    async with running(second, first):
        await asyncio.sleep(0.3)
        assert first.joined.empty()


async def test_a_peer_that_breaks_rules_is_cut_at_the_tenth_and_kept_away(world: World) -> None:
    first = Running(world.one, world.book)
    hello = Running(world.two, world.book).network  # only to say hello as the second node
    async with running(first), aiohttp.ClientSession() as client:
        socket = await raw_session(client, world.two, world.one)
        await socket.send_bytes(encode_frame(_hello_of(world.two)))
        assert await first.joined.get() == hello.address
        for _ in range(10):
            await socket.send_bytes(b"\x63\xc0")
        heard = []
        while (message := await socket.receive()).type is aiohttp.WSMsgType.BINARY:
            heard.append(decode_frame(message.data))
        assert [frame for frame in heard if isinstance(frame, Goodbye)]
        _, reason = await first.left.get()
        assert reason.startswith("too many faults")
        again = await raw_session(client, world.two, world.one)
        await again.send_bytes(encode_frame(_hello_of(world.two)))
        while (message := await again.receive()).type is aiohttp.WSMsgType.BINARY:
            continue
        assert first.joined.empty()


def _hello_of(node: Identity) -> Hello:
    return make_hello(GENESIS, node.certificate, node.key)


async def test_a_port_in_use_is_named(world: World) -> None:
    first = Running(world.one, world.book)
    async with running(first):
        second = Running(world.one, world.book)
        with pytest.raises(AddressInUse, match=str(world.one.port)):
            await second.network.run()


@pytest.mark.parametrize(
    "peer",
    [
        PeerConfig("0x12", "wss://127.0.0.1:1/"),
        PeerConfig("nobody", "wss://127.0.0.1:1/"),
        PeerConfig("0x" + "12" * 20, "ws://127.0.0.1:1/"),
        PeerConfig("0x" + "12" * 20, "wss://127.0.0.1/"),
    ],
)
def test_a_malformed_peer_is_refused_at_once(world: World, peer: PeerConfig) -> None:
    base = world.one.config()
    config = P2PConfig(base.host, base.port, base.certificate, base.private_key, (peer,))
    nothing = {"deliver": lambda *_: None, "joined": lambda _: None, "left": lambda _: None}
    with pytest.raises(ConfigError, match="p2p peers"):
        Network(config, world.one.key, GENESIS, world.book, **nothing)  # type: ignore[arg-type]


def test_an_accepting_context_changes_only_with_its_authorities(world: World) -> None:
    files = (world.one.folder / "tls-cert.pem", world.one.folder / "tls-key.pem")
    context = AcceptingContext(*files, [world.bank.der])
    assert not context.update([world.bank.der, world.bank.der])
    assert context.update([world.utility.der])
    with pytest.raises(ConfigError, match="cannot be used"):
        AcceptingContext(files[0], world.two.folder / "tls-key.pem", [])
