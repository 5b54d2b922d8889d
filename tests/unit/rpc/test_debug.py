"""A trace explains a charge or a refusal: it must tell what the block did, and stay bounded."""

from collections.abc import Callable

import pytest

from node.execution.choice import NATIVE
from node.rpc.debug import DebugMethods
from tests.engines import needs_native
from tests.unit.chain.kit import GOVERNOR, SENDER

from .kit import RECORD, Node, hexed, record_data

pytestmark = [
    needs_native,
    pytest.mark.parametrize("engine_name", [NATIVE], indirect=True, scope="session"),
]
LOOP = {"0x" + "77" * 20: {"code": "0x5b600056"}}


def hash_of(node: Node, block: int, index: int) -> str:
    (found, _) = node.chain.transactions.resolve([node.blocks[block].transactions[index]])[0]
    return hexed(found.hash)


async def test_a_call_tree_tells_what_the_receipt_tells(node: Node) -> None:
    wanted = hash_of(node, 1, 1)
    options = {"tracer": "callTracer", "tracerConfig": {"withLog": True}}
    trace = await node.result("debug_traceTransaction", wanted, options)
    receipt = await node.result("eth_getTransactionReceipt", wanted)
    assert (trace["type"], trace["from"], trace["to"]) == ("CALL", hexed(SENDER), hexed(RECORD))
    assert trace["gasUsed"] == receipt["gasUsed"]
    assert [log["topics"] for log in trace["logs"]] == [log["topics"] for log in receipt["logs"]]


async def test_state_before_and_after(node: Node) -> None:
    wanted = hash_of(node, 1, 0)
    before = await node.result("debug_traceTransaction", wanted, {"tracer": "prestateTracer"})
    assert int(before[hexed(GOVERNOR)]["balance"], 16) == 10**20
    options = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}
    diff = await node.result("debug_traceTransaction", wanted, options)
    assert int(diff["post"][hexed(GOVERNOR)]["balance"], 16) == 10**20 + 1
    assert diff["post"][hexed(SENDER)]["nonce"] == 2
    assert int(diff["pre"][hexed(GOVERNOR)]["balance"], 16) == 10**20


async def test_struct_logs_are_the_default(node: Node) -> None:
    trace = await node.result("debug_traceTransaction", hash_of(node, 1, 1))
    assert trace["failed"] is False
    assert trace["structLogs"][0]["pc"] == 0
    assert {"SSTORE", "SLOAD"} <= {step["op"] for step in trace["structLogs"]}
    short = await node.result("debug_traceTransaction", hash_of(node, 1, 1), {"limit": 5})
    assert len(short["structLogs"]) == 5


async def test_a_blocks_traces_stand_in_its_order(node: Node) -> None:
    options = {"tracer": "callTracer"}
    number = hexed(bytes([node.blocks[2].header.number])).replace("0x0", "0x")
    by_number = await node.result("debug_traceBlockByNumber", number, options)
    assert [item["txHash"] for item in by_number] == [hash_of(node, 2, n) for n in (0, 1)]
    block = await node.result("eth_getBlockByNumber", number, False)
    assert by_number == await node.result("debug_traceBlockByHash", block["hash"], options)
    one = await node.result("debug_traceTransaction", hash_of(node, 2, 1), options)
    assert by_number[1]["result"] == one
    assert await node.result("debug_traceBlockByNumber", "0x4", options) == []


async def test_a_call_that_nobody_sent(node: Node) -> None:
    message = {"from": hexed(SENDER), "to": hexed(RECORD), "data": hexed(record_data(70))}
    trace = await node.result("debug_traceCall", message, "latest", {"tracer": "callTracer"})
    assert trace["to"] == hexed(RECORD)
    assert "error" not in trace
    again = {**message, "data": hexed(record_data(2))}
    failed = await node.result("debug_traceCall", again, "latest", {"tracer": "callTracer"})
    assert failed["error"] == "execution reverted"
    target = "0x" + "77" * 20
    options = {
        "tracer": "prestateTracer",
        "stateOverrides": {target: {"code": "0x43600055"}},
        "blockOverrides": {"number": "0x55"},
        "tracerConfig": {"diffMode": True},
    }
    told = await node.result("debug_traceCall", {"to": target}, "latest", options)
    assert int(told["post"][target]["storage"]["0x" + "00" * 32], 16) == 0x55


@pytest.mark.parametrize(
    "options",
    [{"tracer": "noSuchTracer"}, {"tracer": "callTracer", "tracerConfig": 5}, {"tracer": 5}, 5],
)
async def test_an_unknown_tracer_is_refused(node: Node, options: object) -> None:
    assert await node.code("debug_traceTransaction", hash_of(node, 1, 1), options) in (
        -32000,
        -32602,
    )


async def test_what_is_not_there_is_said(node: Node) -> None:
    assert await node.code("debug_traceTransaction", "0x" + "11" * 32) == -32000
    assert await node.code("debug_traceTransaction", "0x11") == -32602
    assert await node.code("debug_traceBlockByNumber", "0x0") == -32000
    assert await node.code("debug_traceBlockByNumber", "0x99") == -32000
    assert await node.code("debug_traceBlockByHash", "latest") == -32602


async def test_a_trace_is_bounded_in_steps_and_time(node: Node) -> None:
    options = {"stateOverrides": LOOP}
    assert await node.code("debug_traceCall", {"to": "0x" + "77" * 20}, "latest", options) == -32000

    def at_once(_seconds: float) -> Callable[[], bool]:
        return lambda: True

    late = DebugMethods(node.backend, at_once)
    with pytest.raises(Exception, match="abandoned"):
        await late.trace_call([{"to": hexed(RECORD)}, "latest", {"tracer": "callTracer"}])
