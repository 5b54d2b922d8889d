"""What a node says is a claim; the client must turn every malformed claim into one typed error."""

import asyncio
from typing import Any

import pytest

from node.errors import DecodeError, NotReady, RemoteError, Reverted
from node.sdk import client as module
from node.sdk.client import Client
from node.sdk.contracts import Call
from node.sdk.sender import Sender
from node.spec.seal import hash_for_block
from node.spec.types import Hash32
from tests.unit.chain.kit import CHAIN_ID, GOVERNOR, SENDER, SENDER_KEY, STRANGER_KEY, grow
from tests.unit.rpc.kit import RECORD, Node, record, record_data

from .kit import DeadTransport, MemoryTransport


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def client(node: Node) -> Client:
    return Client(MemoryTransport(node))


async def test_typed_answers(node: Node, client: Client) -> None:
    assert await client.chain_id() == CHAIN_ID
    assert await client.block_number() == 4
    assert await client.nonce(SENDER) == 5
    assert hash_for_block(await client.header(2)) == node.chain.store.blocks.hash_of(2)
    assert len(await client.receipts(3)) == 2
    assert len(await client.block(3)) > 500
    assert len(await client.logs(RECORD, [])) == 3
    proof = await client.proof(RECORD, (1, 2), 4)
    assert set(proof.storage) == {1, 2}


async def test_a_receipt_is_there_once_final(node: Node, client: Client) -> None:
    sent = await client.send_raw(record(5, 9).raw)
    assert await client.receipt(sent) is None
    waiting = asyncio.create_task(client.wait(sent))
    await asyncio.sleep(0)
    grow(node.chain, record(5, 9))
    found = await waiting
    assert (found.hash, found.block_number, found.index, found.succeeded) == (sent, 5, 0, True)


async def test_waiting_ends(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECEIPT_POLL_S", 0.001)
    with pytest.raises(NotReady, match="in no block"):
        await client.wait(Hash32(bytes(32)), timeout_s=0.02)


async def test_a_revert_carries_its_reason(client: Client) -> None:
    assert await client.view(RECORD, record_data(99), sender=SENDER) == b""
    with pytest.raises(Reverted) as caught:
        await client.view(RECORD, record_data(1), sender=SENDER)
    assert caught.value.reason == "dup"
    with pytest.raises(RemoteError, match="header not found"):
        await client.view(RECORD, b"", sender=SENDER, at="0x99")


class Slow(MemoryTransport):
    """Answers the first request last."""

    async def post(self, body: Any) -> Any:
        await asyncio.sleep(0.01 if body["id"] == 1 else 0)
        return await super().post(body)


async def test_calls_may_overlap(node: Node) -> None:
    client = Client(Slow(node))
    found = await asyncio.gather(*(client.header(number) for number in (1, 2, 3)))
    assert [header.number for header in found] == [1, 2, 3]


@pytest.mark.parametrize(
    "answer",
    [
        [],
        5,
        {"result": None},
        {"result": 5},
        {"result": "five"},
        {"error": "no"},
        {"error": {}},
        {"error": {"code": "x", "message": None, "data": "0x12"}},
    ],
)
async def test_a_malformed_answer_is_a_remote_error(answer: Any) -> None:
    with pytest.raises(RemoteError):
        await Client(DeadTransport(answer)).block_number()


@pytest.mark.parametrize("result", [None, 5, "zz", {}, ["0x"]])
async def test_malformed_data_is_one_error(result: Any) -> None:
    client = Client(DeadTransport({"result": result}))
    for ask in (client.header(1), client.block(1), client.receipts(1)):
        with pytest.raises((DecodeError, RemoteError)):
            await ask
    with pytest.raises(RemoteError):
        await client.proof(RECORD, (1,), 1)


@pytest.mark.parametrize("result", [5, "x", {}, {"blockNumber": "0x1"}, []])
async def test_a_malformed_receipt_is_a_remote_error(result: Any) -> None:
    with pytest.raises(RemoteError):
        await Client(DeadTransport({"result": result})).receipt(Hash32(bytes(32)))


async def test_an_answer_to_another_request_is_refused(node: Node) -> None:
    class Confused(MemoryTransport):
        async def post(self, body: Any) -> Any:
            return await super().post(body) | {"id": body["id"] + 1}

    with pytest.raises(RemoteError, match="not one to this request"):
        await Client(Confused(node)).block_number()


async def test_leaving_closes_the_transport(node: Node) -> None:
    transport = MemoryTransport(node)
    async with Client(transport):
        pass
    assert transport.closed


# Sender ----


class Mining(MemoryTransport):
    """Puts each transaction into a block at once."""

    async def post(self, body: Any) -> Any:
        answer = await super().post(body)
        if body["method"] == "eth_sendRawTransaction" and "result" in answer:
            self.node.mine()
        return answer


def call(number: int) -> Call:
    return Call(RECORD, record_data(number), "record")


async def test_a_sender_counts_its_nonces(node: Node) -> None:
    sender = Sender(Client(Mining(node)), SENDER_KEY, CHAIN_ID)
    receipts = [await sender.send(call(number)) for number in (10, 11)]
    assert [receipt.block_number for receipt in receipts] == [5, 6]
    assert all(receipt.succeeded for receipt in receipts)


async def test_a_reverted_call_names_its_reason(node: Node) -> None:
    sender = Sender(Client(Mining(node)), SENDER_KEY, CHAIN_ID)
    with pytest.raises(Reverted) as caught:
        await sender.send(call(1))
    assert caught.value.reason == "dup"
    assert "block 5" in caught.value.why
    assert (await sender.send(call(12))).succeeded, "the next nonce fits"
    with pytest.raises(Reverted, match="dup"):
        await sender.ask(call(12))


async def test_a_refused_transaction_does_not_shift_nonces(node: Node) -> None:
    stranger = Sender(Client(Mining(node)), STRANGER_KEY, CHAIN_ID)
    for _ in range(2):
        with pytest.raises(RemoteError):
            await stranger.submit(Call(GOVERNOR, b"", "nothing"))
