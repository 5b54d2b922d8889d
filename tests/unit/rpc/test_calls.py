"""Contracts are asked by calls before money or data moves: result, revert and gas must be true."""

import asyncio

import pytest
from eth_abi import encode

from node.execution.pyevm import PyEvmEngine
from node.rpc.calls import CALLS_MAX, CallMethods
from node.rpc.dispatch import RpcError
from node.sdk.abi import encode_call
from node.spec.registry import MEMBERS
from tests import engines
from tests.unit.chain.kit import GOVERNOR, SENDER, VALIDATORS, grow

from .kit import RECORD, Node, hexed, record, record_data

PEOPLE = {"from": hexed(SENDER), "to": hexed(RECORD)}


async def test_a_call_returns_what_the_contract_says(node: Node) -> None:
    data = encode_call("members", "getValidators")
    found = await node.result("eth_call", {"to": hexed(MEMBERS), "data": hexed(data)}, "latest")
    listed = ["0x" + address.hex() for address in VALIDATORS]
    assert bytes.fromhex(found[2:]) == encode(["address[]"], [listed])


@pytest.mark.parametrize("names", [("input",), ("data",), ("input", "data")])
async def test_input_and_data_are_one(node: Node, names: tuple[str, ...]) -> None:
    message = PEOPLE | dict.fromkeys(names, hexed(record_data(77)))
    assert await node.result("eth_call", message) == "0x"
    assert await node.result("eth_call", message | {"input": None, "data": hexed(record_data(7))})


async def test_two_different_inputs_are_refused(node: Node) -> None:
    message = PEOPLE | {"input": hexed(record_data(1)), "data": hexed(record_data(2))}
    assert await node.code("eth_call", message) == -32602


async def test_a_revert_carries_its_reason_and_data(node: Node) -> None:
    answer = await node.ask("eth_call", PEOPLE | {"data": hexed(record_data(1))})
    error = answer["error"]
    assert (error["code"], error["message"]) == (3, "execution reverted: dup")
    assert error["data"].startswith("0x08c379a0")
    bare = await node.ask("eth_call", PEOPLE | {"data": "0x12345678"})
    assert bare["error"] == {"code": 3, "message": "execution reverted", "data": "0x"}


async def test_a_call_leaves_nothing_behind(node: Node) -> None:
    root = node.chain.head.state_root
    message = PEOPLE | {"data": hexed(record_data(50))}
    for _ in range(2):
        assert await node.result("eth_call", message) == "0x"
    assert node.chain.head.state_root == root


async def test_a_call_sees_the_state_of_its_block(node: Node) -> None:
    message = PEOPLE | {"data": hexed(record_data(1))}
    assert await node.result("eth_call", message, "0x1") == "0x"
    assert await node.code("eth_call", message, "0x2") == 3
    assert await node.code("eth_call", message, "0x99") == -32000


async def test_running_out_of_gas_is_an_error(node: Node) -> None:
    message = PEOPLE | {"data": hexed(record_data(51)), "gas": "0x6000"}
    assert await node.code("eth_call", message) == -32000


async def test_an_estimate_is_enough_and_hardly_more(fresh: Node) -> None:
    message = PEOPLE | {"data": hexed(record_data(60))}
    estimate = int(await fresh.result("eth_estimateGas", message), 16)
    block = grow(fresh.chain, record(5, 60))
    assert block.header.gas_used <= estimate <= block.header.gas_used * 1.1
    transfer = {"from": hexed(SENDER), "to": hexed(GOVERNOR), "value": "0x1"}
    assert await fresh.result("eth_estimateGas", transfer) == "0x5208"
    assert await fresh.code("eth_estimateGas", message) == 3, "it is recorded by now"


async def test_an_estimate_holds_the_floor_that_data_costs(fresh: Node) -> None:
    transfer = {"from": hexed(SENDER), "to": hexed(GOVERNOR), "data": "0x" + "ff" * 1_000}
    estimate = int(await fresh.result("eth_estimateGas", transfer), 16)
    assert estimate == 21_000 + 40 * 1_000  # EIP-7623: 10 for each of 4 tokens a byte


async def test_an_access_list_names_what_is_touched(node: Node) -> None:
    found = await node.result("eth_createAccessList", PEOPLE | {"data": hexed(record_data(61))})
    (entry,) = found["accessList"]
    assert entry["address"] == hexed(RECORD)
    assert len(entry["storageKeys"]) == 2


async def test_an_overridden_state_is_seen(node: Node) -> None:
    message = {"to": "0x" + "77" * 20}
    code = "0x602a60005260206000f3"  # returns 42
    override = {"0x" + "77" * 20: {"code": code}}
    assert await node.result("eth_call", message, "latest", override) == hexed(
        (42).to_bytes(32, "big")
    )
    assert await node.result("eth_call", message, "latest") == "0x"
    assert await node.code("eth_call", message, "latest", {"0x12": {}}) == -32602
    assert await node.code("eth_call", message, "latest", {"0x" + "77" * 20: {"x": 1}}) == -32602


async def test_an_overridden_block_is_seen(node: Node) -> None:
    override = {"0x" + "77" * 20: {"code": "0x43600052416020524260405260606000f3"}}
    block = {"number": "0x77", "time": "0x99", "feeRecipient": hexed(SENDER)}
    message = {"to": "0x" + "77" * 20}
    found = await node.result("eth_call", message, "latest", override, block)
    words = [(0x77).to_bytes(32, "big"), SENDER.rjust(32, b"\0"), (0x99).to_bytes(32, "big")]
    assert found == hexed(b"".join(words))
    priced = {"0x" + "77" * 20: {"code": "0x4860005260206000f3"}}
    fee = {"baseFeePerGas": "0x7"}
    assert int(await node.result("eth_call", message, "latest", priced, fee), 16) == 7
    assert int(await node.result("eth_call", message, "latest", priced), 16) == 0
    for wrong in ({"difficulty": "0x1"}, {"time": "soon"}, {"feeRecipient": "0x12"}, 5):
        assert await node.code("eth_call", message, "latest", override, wrong) == -32602


async def test_an_estimate_sees_replaced_state(node: Node) -> None:
    target = "0x" + "77" * 20
    message = {"to": target}
    plain = int(await node.result("eth_estimateGas", message), 16)
    code = {target: {"code": "0x6001600055"}}
    written = int(await node.result("eth_estimateGas", message, "latest", code), 16)
    assert plain == 21_000
    assert 21_000 + 22_100 <= written < 45_000
    listed = await node.result("eth_createAccessList", message, "latest", code)
    assert listed["accessList"] == [{"address": target, "storageKeys": ["0x" + "00" * 32]}]


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        {"to": "0x12"},
        {"from": 5},
        {"data": "zz"},
        {"gas": "many"},
        {"value": "-0x1"},
        {"accessList": 5},
        {"accessList": [5]},
        {"accessList": [{"address": "0x12"}]},
        {"accessList": [{"address": "0x" + "00" * 20, "storageKeys": 5}]},
        {"accessList": [{"address": "0x" + "00" * 20, "storageKeys": [[]]}]},
    ],
)
async def test_a_malformed_message_is_refused(node: Node, message: object) -> None:
    assert await node.code("eth_call", message) == -32602


async def test_a_call_that_takes_too_long_is_given_up(node: Node) -> None:
    loop = "0x5b600056"  # jumps to itself until its gas is gone
    slow = CallMethods(node.backend, lambda _seconds: lambda: True)
    override = {"0x" + "77" * 20: {"code": loop}}
    with pytest.raises(Exception, match="abandoned"):
        await slow.call([{"to": "0x" + "77" * 20}, "latest", override])


async def test_only_some_calls_run_at_once(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    methods = CallMethods(node.backend, lambda _seconds: lambda: False)
    running = most = 0
    gate = asyncio.Event()

    async def held(*_args: object, **_named: object) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await gate.wait()
        running -= 1
        raise RpcError(-32000, "held")

    monkeypatch.setattr(asyncio, "to_thread", held)
    tasks = [asyncio.create_task(methods.call([PEOPLE])) for _ in range(3 * CALLS_MAX)]
    for _ in range(50):
        await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert most == CALLS_MAX


def test_the_engine_under_test_is_the_real_one(node: Node) -> None:
    assert node.backend.engine is engines.engine()
    assert isinstance(node.backend.engine, PyEvmEngine) == (node.backend.engine.name == "py-evm")
