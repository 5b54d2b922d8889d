"""A lost reply, a restart, a stranger with the same key: none may double a record, nor lose one."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from node.errors import NotReady, Refused, RemoteError, Reverted
from node.sdk import sender as module
from node.sdk.client import Client
from node.sdk.contracts import Call
from node.sdk.outbox import Outbox
from node.sdk.sender import Sender
from node.spec.transaction import sign_dynamic_fee
from tests.unit.chain.kit import CHAIN_ID, GOVERNOR, SENDER, SENDER_KEY
from tests.unit.rpc.kit import RECORD, Node, record_data

from .kit import MemoryTransport

SEND = "eth_sendRawTransaction"


class Net(MemoryTransport):
    """A node that mines what it takes; `lose` replies and then `refusals` are given first."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self.lose_replies = 0
        self.lose_requests = 0
        self.refusals: list[tuple[int, str]] = []
        self.mines = True
        self.sent: list[str] = []

    async def post(self, body: Any) -> Any:
        if body["method"] != SEND:
            return await super().post(body)
        self.sent.append(body["params"][0])
        if self.refusals:
            code, text = self.refusals.pop(0)
            return {"id": body["id"], "error": {"code": code, "message": text}}
        if self.lose_requests:
            self.lose_requests -= 1
            raise RemoteError("the request went nowhere")
        answer = await super().post(body)
        if "result" in answer and self.mines:
            self.node.mine()
        if self.lose_replies:
            self.lose_replies -= 1
            raise RemoteError("the reply was lost")
        return answer


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECEIPT_POLL_S", 0.001)
    monkeypatch.setattr(module, "POLLS_BEFORE_RESEND", 3)


@pytest.fixture
def net() -> Net:
    return Net(Node())


def sender(net: Net, outbox: Outbox | None = None) -> Sender:
    return Sender(Client(net), SENDER_KEY, CHAIN_ID, outbox)


def call(number: int) -> Call:
    return Call(RECORD, record_data(number), "record")


async def test_a_lost_reply_doubles_nothing(net: Net) -> None:
    net.lose_replies = 1
    receipt = await sender(net).send(call(20))
    assert receipt.succeeded
    assert len(receipt.logs) == 1
    assert len(set(net.sent)) == 1


async def test_a_lost_request_is_sent_again_byte_for_byte(net: Net) -> None:
    net.lose_requests = 2
    account = sender(net)
    assert (await account.send(call(20))).succeeded
    assert len(net.sent) == 3
    assert len(set(net.sent)) == 1
    assert (await account.send(call(21))).succeeded


async def test_a_client_that_died_before_its_reply_takes_its_wish_up(
    net: Net, tmp_path: Path
) -> None:
    net.lose_replies, net.mines = 1, False
    path = tmp_path / "outbox"
    with pytest.raises(NotReady, match="in no block"):
        await sender(net, Outbox(path)).send(call(20), timeout_s=0.05)
    net.node.mine()
    net.mines = True
    restarted = sender(net, Outbox(path))
    receipt = await restarted.send(call(20))
    assert receipt.block_number == 5, "the record made before the restart"
    assert len(set(net.sent)) == 1
    assert (await restarted.send(call(21))).succeeded
    assert Outbox(path).standing(CHAIN_ID, SENDER) == ()


async def test_what_another_process_left_is_finished_on_request(net: Net, tmp_path: Path) -> None:
    net.lose_requests = 1_000
    path = tmp_path / "outbox"
    for number in (20, 21):
        with pytest.raises(NotReady):
            await sender(net, Outbox(path)).send(call(number), timeout_s=0.02)
    net.lose_requests = 0
    receipts = await sender(net, Outbox(path)).resume()
    assert [receipt.succeeded for receipt in receipts] == [True, True]
    assert [receipt.block_number for receipt in receipts] == [5, 6]


async def test_two_equal_calls_of_one_process_are_two_wishes(net: Net) -> None:
    account = sender(net)
    first = await account.submit(call(20))
    second = await account.submit(call(21))
    third = await account.submit(call(21))
    assert len({first, second, third}) == 3


async def test_a_named_wish_is_sent_once(net: Net, tmp_path: Path) -> None:
    path = tmp_path / "outbox"
    first = await sender(net, Outbox(path)).send(call(20), once="loan 4711")
    again = await sender(net, Outbox(path)).send(call(20), once="loan 4711")
    assert again == first
    assert len(set(net.sent)) == 1
    with pytest.raises(Refused) as caught:
        await sender(net, Outbox(path)).send(call(21), once="loan 4711")
    assert caught.value.reason == module.WISH_DIFFERS


async def test_a_named_wish_that_failed_may_be_sent_anew(net: Net) -> None:
    account = sender(net)
    for _ in range(2):
        with pytest.raises(Reverted, match="dup"):
            await account.send(call(1), once="record one")
    assert len(set(net.sent)) == 2


async def foreign(net: Net, nonce: int) -> None:
    """Another client with the same key uses a nonce."""
    raw = sign_dynamic_fee(
        SENDER_KEY, chain_id=CHAIN_ID, nonce=nonce, gas=21_000, to=GOVERNOR, value=1
    )
    await Client(net).send_raw(raw)


async def test_a_nonce_that_another_used_first_is_replaced(net: Net) -> None:
    box = Outbox()
    account = sender(net, box)
    await account.send(call(20))
    await foreign(net, 6)
    assert (await account.send(call(21))).block_number == 7
    assert box.standing(CHAIN_ID, SENDER) == ()
    with pytest.raises(Reverted, match="dup"):
        await account.ask(call(21))


async def test_after_silence_a_used_nonce_is_told_and_nothing_is_signed_anew(
    net: Net, tmp_path: Path
) -> None:
    net.lose_requests = 1_000
    path = tmp_path / "outbox"
    with pytest.raises(NotReady):
        await sender(net, Outbox(path)).send(call(20), timeout_s=0.02)
    net.lose_requests = 0
    await foreign(net, 5)
    box = Outbox(path)
    with pytest.raises(Refused) as caught:
        await sender(net, box).send(call(20))
    assert caught.value.reason == module.NONCE_TAKEN
    assert box.standing(CHAIN_ID, SENDER) == ()
    assert (await sender(net, box).send(call(20))).succeeded


async def test_a_race_for_nonces_has_an_end(net: Net) -> None:
    net.refusals = [(-32000, "nonce too low")] * 100
    with pytest.raises(Refused) as caught:
        await sender(net).send(call(20))
    assert caught.value.reason == module.NONCE_TAKEN
    assert len(net.sent) == module.NONCES_MAX


async def test_a_refusal_at_the_door_leaves_nothing_standing(net: Net) -> None:
    box = Outbox()
    account = sender(net, box)
    net.refusals = [(-32000, "sender is not permitted to send transactions")]
    with pytest.raises(RemoteError, match="not permitted"):
        await account.send(call(20))
    assert box.standing(CHAIN_ID, SENDER) == ()
    assert (await account.send(call(20))).succeeded


async def test_a_limit_of_requests_passes(net: Net) -> None:
    net.refusals = [(-32005, "too many requests"), (-32000, "already known")]
    account = sender(net)
    assert (await account.send(call(20), timeout_s=5)).succeeded


async def test_a_refusal_after_silence_does_not_forget(net: Net, tmp_path: Path) -> None:
    """The bytes may have arrived before, so only a block or a used nonce ends the matter."""
    net.lose_requests = 1
    net.refusals = []
    box = Outbox(tmp_path / "outbox")
    account = sender(net, box)
    attempt = asyncio.create_task(account.send(call(20), timeout_s=0.05))
    while not net.sent:
        await asyncio.sleep(0)
    net.refusals = [(-32000, "txpool is full")] * 1_000
    with pytest.raises(NotReady):
        await attempt
    assert len(box.standing(CHAIN_ID, SENDER)) == 1


async def test_a_gap_is_filled_first(net: Net) -> None:
    box = Outbox()
    account = sender(net, box)
    net.refusals = [(-32000, "exceeds block gas limit")]
    net.mines = False
    with pytest.raises(RemoteError):
        await account.submit(call(20))
    await account.submit(call(21))
    await account.submit(call(22))
    assert box.taken(CHAIN_ID, SENDER) == {5, 6}
