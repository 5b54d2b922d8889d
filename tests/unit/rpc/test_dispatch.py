"""Whatever bytes a client sends, it gets the answer JSON-RPC 2.0 names, and the node goes on."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import DecodeError, InvalidTransaction, NotReady
from node.rpc import dispatch, turns
from node.rpc.dispatch import BATCH_MAX, DEPTH_MAX, Dispatcher, Params, RpcError, parse
from node.telemetry import Metrics


async def echo(params: Params) -> Any:
    return params


async def fail(params: Params) -> Any:
    raise {
        "rpc": RpcError(-32000, "told", "0x01"),
        "decode": DecodeError("malformed", why="at byte 3"),
        "transaction": InvalidTransaction("nonce too low", why="next 3"),
        "expected": NotReady("not yet"),
        "fault": ZeroDivisionError("secret"),
    }[params[0]]


def dispatcher() -> Dispatcher:
    refused = {"eth_sign": "no keys", "miner_*": "no mining"}
    return Dispatcher({"echo": echo, "fail": fail}, refused, Metrics())


async def answered(body: bytes | str) -> Any:
    data = body.encode() if isinstance(body, str) else body
    found = await dispatcher().answer(data)
    return json.loads(found) if found else None


async def code(body: bytes | str) -> int:
    return int((await answered(body))["error"]["code"])


async def test_a_call_gets_its_result_under_its_id() -> None:
    for identifier in (0, 7, "a", None, 1.5):
        request = {"jsonrpc": "2.0", "id": identifier, "method": "echo", "params": [1, "x"]}
        assert await answered(json.dumps(request)) == {
            "jsonrpc": "2.0",
            "id": identifier,
            "result": [1, "x"],
        }


async def test_params_may_be_left_out_but_not_named() -> None:
    assert (await answered('{"id":1,"method":"echo"}'))["result"] == []
    assert (await answered('{"id":1,"method":"echo","params":null}'))["result"] == []
    assert await code('{"id":1,"method":"echo","params":{"a":1}}') == -32602


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"nul", b'{"id":1,}', b"[" * 2_000])
async def test_what_is_no_json_is_a_parse_error(body: bytes) -> None:
    found = await answered(body)
    assert found["error"]["code"] == -32700
    assert found["id"] is None


@pytest.mark.parametrize("body", ["{}", '{"id":1}', '{"id":1,"method":5}', "5", '"x"', "null"])
async def test_what_is_no_request_is_invalid(body: str) -> None:
    assert await code(body) == -32600


async def test_a_notification_gets_no_answer() -> None:
    assert await answered('{"jsonrpc":"2.0","method":"echo","params":[]}') is None
    assert await answered('[{"method":"echo"},{"method":"nothing"}]') is None


async def test_a_batch_keeps_order_and_ids() -> None:
    parts = [{"id": n, "method": "echo", "params": [n]} for n in (3, 1, 2)]
    mixed = [*parts[:1], {"method": "echo"}, 5, *parts[1:]]
    found = await answered(json.dumps(mixed))
    assert [part["id"] for part in found] == [3, None, 1, 2]
    assert found[1]["error"]["code"] == -32600


async def test_calls_that_stand_together_are_made_together() -> None:
    made: list[Any] = []

    async def send_many(calls: Sequence[Params]) -> list[Any]:
        made.append(list(calls))
        return [RpcError(-32000, "no") if call == ["bad"] else call[0] for call in calls]

    async def send(params: Params) -> Any:
        return (await send_many([params]))[0]

    many = Dispatcher({"echo": echo, "send": send}, {}, Metrics(), {"send": send_many})
    names = ["send", "send", "echo", "send"]
    params: list[Any] = [["a"], ["bad"], ["b"], ["c"]]
    body: list[Any] = [
        {"jsonrpc": "2.0", "id": place, "method": name, "params": params[place]}
        for place, name in enumerate(names)
    ]
    del body[3]["id"]
    body.append({"jsonrpc": "2.0", "id": 9, "method": "send", "params": {"not": "a list"}})
    found = json.loads(await many.answer(json.dumps(body).encode()))
    assert made == [[["a"], ["bad"]], [["c"]]], "neighbours together, the notification too"
    assert [item["id"] for item in found] == [0, 1, 2, 9]
    assert found[0]["result"] == "a"
    assert found[1]["error"] == {"code": -32000, "message": "no"}
    assert found[3]["error"]["code"] == -32602


async def test_a_fault_in_many_calls_is_each_ones_internal_error() -> None:
    async def broken(_calls: Sequence[Params]) -> list[Any]:
        raise ZeroDivisionError("secret")

    many = Dispatcher({}, {}, Metrics(), {"send": broken})
    body = [{"jsonrpc": "2.0", "id": n, "method": "send", "params": []} for n in range(2)]
    found = json.loads(await many.answer(json.dumps(body).encode()))
    assert [item["error"]["code"] for item in found] == [-32603, -32603]
    assert "secret" not in json.dumps(found)


async def test_a_batch_has_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    part = '{"id":1,"method":"echo"}'
    assert await code("[]") == -32600
    assert len(await answered("[" + ",".join([part] * BATCH_MAX) + "]")) == BATCH_MAX
    assert await code("[" + ",".join([part] * (BATCH_MAX + 1)) + "]") == -32600
    monkeypatch.setattr(dispatch, "ANSWER_BYTES_MAX", 100)
    found = await answered("[" + ",".join([part] * 4) + "]")
    assert [part.get("error", {}).get("code") for part in found] == [None, None, -32005, -32005]


async def test_an_answer_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "ANSWER_BYTES_MAX", 100)
    body = json.dumps({"id": 1, "method": "echo", "params": ["x" * 100]})
    assert await code(body) == -32005


@pytest.mark.parametrize("batches", [1, 8])
async def test_batches_give_way_to_others(batches: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many batches there are, the rest of the node runs after each turn of one of them."""
    monkeypatch.setattr(turns, "TURN_SECONDS_MAX", 0.0)
    many, calls, most, since = dispatcher(), 0, 0, 0

    async def count(_params: Params) -> int:
        nonlocal calls, most, since
        calls, since = calls + 1, since + 1
        most = max(most, since)
        return calls

    async def other() -> None:
        nonlocal since
        while True:
            since = 0
            await asyncio.sleep(0)

    many.methods = {"count": count}
    task = asyncio.create_task(other())
    body = ("[" + ",".join(['{"id":1,"method":"count"}'] * 20) + "]").encode()
    await asyncio.gather(*(many.answer(body) for _ in range(batches)))
    task.cancel()
    assert calls == 20 * batches
    assert most <= 2, "a turn, and one that just began"


@pytest.mark.parametrize("depth", [DEPTH_MAX, DEPTH_MAX + 1])
def test_depth_is_bounded_before_parsing(depth: int) -> None:
    body = b"[" * depth + b"]" * depth
    if depth <= DEPTH_MAX:
        assert isinstance(parse(body), list)
        return
    with pytest.raises(RpcError, match="nested too deep"):
        parse(body)


def test_many_flat_brackets_are_no_depth() -> None:
    assert len(parse(b"[" + b",".join([b"[]"] * 500) + b"]")) == 500


async def test_unknown_and_refused_methods_say_so() -> None:
    found = await answered('{"id":1,"method":"eth_nothing"}')
    assert found["error"]["code"] == -32601
    assert found["error"]["message"].endswith("does not exist/is not available")
    assert "no keys" in (await answered('{"id":1,"method":"eth_sign"}'))["error"]["message"]
    assert "no mining" in (await answered('{"id":1,"method":"miner_start"}'))["error"]["message"]


async def test_errors_get_their_codes_and_faults_tell_nothing() -> None:
    async def failed(kind: str) -> dict[str, Any]:
        body = json.dumps({"id": 1, "method": "fail", "params": [kind]})
        return dict((await answered(body))["error"])

    assert await failed("rpc") == {"code": -32000, "message": "told", "data": "0x01"}
    assert await failed("decode") == {"code": -32000, "message": "malformed: at byte 3"}
    assert await failed("transaction") == {"code": -32000, "message": "nonce too low: next 3"}
    assert await failed("expected") == {"code": -32000, "message": "not yet"}
    assert await failed("fault") == {"code": -32603, "message": "internal error"}


@given(st.binary(max_size=100))
def test_any_body_gets_an_answer(body: bytes) -> None:
    found = asyncio.run(dispatcher().answer(body))
    assert found == b"" or json.loads(found)
