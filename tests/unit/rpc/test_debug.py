"""A trace explains a charge or a refusal: it must tell what the block did, and stay bounded."""

from collections.abc import Callable

import pytest

from node.execution.engine import Tracer
from node.rpc.debug import DebugMethods
from tests.unit.chain.kit import GOVERNOR, SENDER

from .kit import RECORD, Node, hexed, record_data

LOOP = {"0x" + "77" * 20: {"code": "0x5b600056"}}


@pytest.fixture
def traced(node: Node) -> Node:
    if node.backend.engine.name != "native":
        pytest.skip("this engine does not trace: see the test of its answer")
    return node


def hash_of(node: Node, block: int, index: int) -> str:
    (found, _) = node.chain.transactions.resolve([node.blocks[block].transactions[index]])[0]
    return hexed(found.hash)


async def test_an_engine_that_can_not_trace_says_so(node: Node) -> None:
    if isinstance(node.backend.engine, Tracer):
        assert (await node.result("debug_traceCall", {"to": hexed(RECORD)}, "latest"))["failed"]
        return
    for method, first in (("traceTransaction", hash_of(node, 1, 0)), ("traceBlockByNumber", "0x2")):
        assert await node.code(f"debug_{method}", first) == -32000
    assert await node.code("debug_traceCall", {"to": hexed(RECORD)}, "latest") == -32000


async def test_a_call_tree_tells_what_the_receipt_tells(traced: Node) -> None:
    wanted = hash_of(traced, 1, 1)
    options = {"tracer": "callTracer", "tracerConfig": {"withLog": True}}
    trace = await traced.result("debug_traceTransaction", wanted, options)
    receipt = await traced.result("eth_getTransactionReceipt", wanted)
    assert (trace["type"], trace["from"], trace["to"]) == ("CALL", hexed(SENDER), hexed(RECORD))
    assert trace["gasUsed"] == receipt["gasUsed"]
    assert [log["topics"] for log in trace["logs"]] == [log["topics"] for log in receipt["logs"]]


async def test_state_before_and_after(traced: Node) -> None:
    wanted = hash_of(traced, 1, 0)
    before = await traced.result("debug_traceTransaction", wanted, {"tracer": "prestateTracer"})
    assert int(before[hexed(GOVERNOR)]["balance"], 16) == 10**20
    options = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}
    diff = await traced.result("debug_traceTransaction", wanted, options)
    assert int(diff["post"][hexed(GOVERNOR)]["balance"], 16) == 10**20 + 1
    assert diff["post"][hexed(SENDER)]["nonce"] == 2
    assert int(diff["pre"][hexed(GOVERNOR)]["balance"], 16) == 10**20


async def test_struct_logs_are_the_default(traced: Node) -> None:
    trace = await traced.result("debug_traceTransaction", hash_of(traced, 1, 1))
    assert trace["failed"] is False
    assert trace["structLogs"][0]["pc"] == 0
    assert {"SSTORE", "SLOAD"} <= {step["op"] for step in trace["structLogs"]}
    short = await traced.result("debug_traceTransaction", hash_of(traced, 1, 1), {"limit": 5})
    assert len(short["structLogs"]) == 5


async def test_a_blocks_traces_stand_in_its_order(traced: Node) -> None:
    options = {"tracer": "callTracer"}
    number = hexed(bytes([traced.blocks[2].header.number])).replace("0x0", "0x")
    by_number = await traced.result("debug_traceBlockByNumber", number, options)
    assert [item["txHash"] for item in by_number] == [hash_of(traced, 2, n) for n in (0, 1)]
    block = await traced.result("eth_getBlockByNumber", number, False)
    assert by_number == await traced.result("debug_traceBlockByHash", block["hash"], options)
    one = await traced.result("debug_traceTransaction", hash_of(traced, 2, 1), options)
    assert by_number[1]["result"] == one
    assert await traced.result("debug_traceBlockByNumber", "0x4", options) == []


async def test_a_call_that_nobody_sent(traced: Node) -> None:
    message = {"from": hexed(SENDER), "to": hexed(RECORD), "data": hexed(record_data(70))}
    trace = await traced.result("debug_traceCall", message, "latest", {"tracer": "callTracer"})
    assert trace["to"] == hexed(RECORD)
    assert "error" not in trace
    again = {**message, "data": hexed(record_data(2))}
    failed = await traced.result("debug_traceCall", again, "latest", {"tracer": "callTracer"})
    assert failed["error"] == "execution reverted"
    target = "0x" + "77" * 20
    options = {
        "tracer": "prestateTracer",
        "stateOverrides": {target: {"code": "0x43600055"}},
        "blockOverrides": {"number": "0x55"},
        "tracerConfig": {"diffMode": True},
    }
    told = await traced.result("debug_traceCall", {"to": target}, "latest", options)
    assert int(told["post"][target]["storage"]["0x" + "00" * 32], 16) == 0x55


@pytest.mark.parametrize(
    "options",
    [{"tracer": "noSuchTracer"}, {"tracer": "callTracer", "tracerConfig": 5}, {"tracer": 5}, 5],
)
async def test_an_unknown_tracer_is_refused(traced: Node, options: object) -> None:
    assert await traced.code("debug_traceTransaction", hash_of(traced, 1, 1), options) in (
        -32000,
        -32602,
    )


async def test_what_is_not_there_is_said(traced: Node) -> None:
    assert await traced.code("debug_traceTransaction", "0x" + "11" * 32) == -32000
    assert await traced.code("debug_traceTransaction", "0x11") == -32602
    assert await traced.code("debug_traceBlockByNumber", "0x0") == -32000
    assert await traced.code("debug_traceBlockByNumber", "0x99") == -32000
    assert await traced.code("debug_traceBlockByHash", "latest") == -32602


async def test_a_trace_is_bounded_in_steps_and_time(traced: Node) -> None:
    options = {"stateOverrides": LOOP}
    assert (
        await traced.code("debug_traceCall", {"to": "0x" + "77" * 20}, "latest", options) == -32000
    )

    def at_once(_seconds: float) -> Callable[[], bool]:
        return lambda: True

    late = DebugMethods(traced.backend, at_once)
    with pytest.raises(Exception, match="abandoned"):
        await late.trace_call([{"to": hexed(RECORD)}, "latest", {"tracer": "callTracer"}])
