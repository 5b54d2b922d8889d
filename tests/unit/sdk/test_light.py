"""A light client is worth what it refuses: every answer of the node is falsified once.

The node is real, in memory, behind the transport seam; its lies are single changed answers.
"""

from dataclasses import replace
from typing import Any

import pytest

from node.errors import DataccordError, ProofError, RemoteError, SealError
from node.sdk.client import Client
from node.sdk.light import LightClient
from node.sdk.view import LedgerView
from node.spec.crypto import keccak256, sign
from node.spec.header import decode_header, encode_header
from node.spec.registry import MEMBERS, VALIDATOR_SET_VERSION, VALIDATORS
from node.spec.seal import (
    ExtraData,
    decode_extra_data,
    encode_extra_data,
    hash_for_block,
    hash_for_commit_seal,
    with_seals,
)
from node.spec.types import Hash32
from tests.unit.chain.kit import NODE_KEYS, grow
from tests.unit.chain.kit import VALIDATORS as NODES
from tests.unit.rpc.kit import Node

from .kit import MemoryTransport, flipped


@pytest.fixture
def node() -> Node:
    return Node()


def light_of(node: Node) -> tuple[LightClient, MemoryTransport]:
    transport = MemoryTransport(node)
    genesis = node.chain.store.blocks.hash_of(0)
    assert genesis is not None
    return LightClient(Client(transport), genesis), transport


async def started(node: Node) -> tuple[LightClient, MemoryTransport]:
    light, transport = light_of(node)
    await light.start()
    return light, transport


async def test_an_honest_node_is_followed(node: Node) -> None:
    light, _ = await started(node)
    assert light.sets == {0: NODES} or list(light.sets.values()) == [NODES]
    assert (await light.advance()).number == 4
    grow(node.chain)
    assert (await light.advance()).number == 5
    values = await light.read(MEMBERS, (VALIDATORS, VALIDATOR_SET_VERSION, 0x7777))
    assert values[VALIDATORS] == 4
    assert values[0x7777] == 0


async def test_heads_never_go_back(node: Node) -> None:
    light, transport = await started(node)
    head = await light.advance()
    transport.lies["eth_blockNumber"] = lambda *_: "0x2"
    assert await light.advance() == head


async def test_another_genesis_is_refused(node: Node) -> None:
    _, transport = light_of(node)
    light = LightClient(Client(transport), Hash32(b"\1" * 32))
    with pytest.raises(ProofError, match="not that of the trusted chain"):
        await light.start()


async def test_nothing_is_current_before_the_start(node: Node) -> None:
    light, _ = light_of(node)
    with pytest.raises(ProofError, match="no header is proved"):
        _ = light.current


def header_lie(change: Any, number: int) -> Any:
    """Return a lie that changes one height's header."""

    def lie(result: str, params: list[Any]) -> str:
        if int(params[0], 16) != number:
            return result
        return "0x" + encode_header(change(decode_header(bytes.fromhex(result[2:])))).hex()

    return lie


def seals_of(header: Any, keys: list[bytes]) -> Any:
    digest = hash_for_commit_seal(header)
    return with_seals(header, [sign(key, digest) for key in keys])


STRANGER_KEYS = [keccak256(b"stranger %d" % n) for n in range(4)]
OWN_KEYS = list(NODE_KEYS.values())
HEADER_LIES: dict[str, Any] = {
    "another state": lambda header: replace(header, state_root=Hash32(b"\2" * 32)),
    "another parent": lambda header: replace(header, parent_hash=Hash32(b"\2" * 32)),
    "another number": lambda header: replace(header, number=3),
    "no seals": lambda header: with_seals(header, []),
    "too few seals": lambda header: seals_of(header, OWN_KEYS[:2]),
    "one seal thrice": lambda header: seals_of(header, OWN_KEYS[:1] * 3),
    "strangers' seals": lambda header: seals_of(header, STRANGER_KEYS),
    "a stranger among them": lambda header: seals_of(header, OWN_KEYS[:3] + STRANGER_KEYS[:1]),
    "rubbish for extra data": lambda header: replace(header, extra_data=b"\xc0"),
}


@pytest.mark.parametrize("kind", HEADER_LIES)
async def test_a_false_header_is_refused(node: Node, kind: str) -> None:
    light, transport = await started(node)
    transport.lies["debug_getRawHeader"] = header_lie(HEADER_LIES[kind], 4)
    with pytest.raises((ProofError, SealError, RemoteError, DataccordError)):
        await light.advance()
    assert light.current.number == 0
    del transport.lies["debug_getRawHeader"]
    assert (await light.advance()).number == 4


async def test_other_seals_of_a_quorum_are_as_good(node: Node) -> None:
    light, transport = await started(node)
    others = header_lie(lambda header: seals_of(header, OWN_KEYS[1:]), 4)
    transport.lies["debug_getRawHeader"] = others
    assert (await light.advance()).number == 4
    extra: ExtraData = decode_extra_data(light.current.extra_data)
    assert len(extra.seals) == 3
    assert encode_extra_data(extra) == light.current.extra_data


async def test_validators_who_were_replaced_seal_nothing_later(node: Node) -> None:
    light, _ = await started(node)
    light.sets[99], light._proved_at[99] = NODES[:3], 2
    assert (await light.prove(2)).number == 2
    with pytest.raises(ProofError, match="which was replaced"):
        await light.advance()
    assert light.current.number == 0


@pytest.mark.parametrize("part", ["accountProof", "storageProof"])
@pytest.mark.parametrize("how", ["flip", "drop", "add", "swap"])
async def test_a_false_proof_is_refused(node: Node, part: str, how: str) -> None:
    light, transport = await started(node)
    await light.advance()

    def lie(result: Any, _params: list[Any]) -> Any:
        nodes = result[part] if part == "accountProof" else result[part][0]["proof"]
        if how == "flip":
            nodes[-1] = flipped(nodes[-1])
        elif how == "drop":
            nodes.pop()
        elif how == "add":
            nodes.append(nodes[0])
        else:
            nodes.reverse()
            nodes.append("0x80")
        return result

    transport.lies["eth_getProof"] = lie
    with pytest.raises(DataccordError):
        await light.read(MEMBERS, (VALIDATORS,))
    del transport.lies["eth_getProof"]
    assert (await light.read(MEMBERS, (VALIDATORS,)))[VALIDATORS] == 4


async def test_a_proof_of_another_block_is_refused(node: Node) -> None:
    light, transport = await started(node)
    await light.advance()
    older = await light.client.call(
        "eth_getProof", "0x" + MEMBERS.hex(), [f"0x{VALIDATORS:064x}"], "0x0"
    )
    transport.lies["eth_getProof"] = lambda *_: older
    with pytest.raises(ProofError):
        await light.read(MEMBERS, (VALIDATORS,))


async def test_a_chain_of_headers_links_back(node: Node) -> None:
    light, transport = await started(node)
    first = await light.prove(1)
    head = await light.advance()
    assert [header.number for header in await light.chain_to(first, head)] == [2, 3, 4]
    change = header_lie(lambda header: replace(header, gas_used=1), 3)
    transport.lies["debug_getRawHeader"] = change
    with pytest.raises(ProofError, match="not the parent"):
        await light.chain_to(first, head)
    with pytest.raises(ProofError, match="does not descend"):
        await light.chain_to(replace(first, gas_used=1), await light.prove(2))


async def test_a_view_starts_at_the_proved_head(node: Node) -> None:
    light, _ = await started(node)
    view = LedgerView(light)
    assert (await view.advance()).number == 4
    assert hash_for_block(view.head) == node.chain.store.blocks.hash_of(4)
