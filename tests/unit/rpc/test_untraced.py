"""The reference engine does not trace, and must say so instead of answering something else."""

import pytest

from node.execution.choice import PY_EVM

from .kit import RECORD, Node, hexed

pytestmark = pytest.mark.parametrize("engine_name", [PY_EVM], indirect=True, scope="session")
SERVER_ERROR = -32000


async def test_a_transactions_and_a_blocks_trace_are_refused(node: Node) -> None:
    (found, _) = node.chain.transactions.resolve([node.blocks[1].transactions[0]])[0]
    assert await node.code("debug_traceTransaction", hexed(found.hash)) == SERVER_ERROR
    assert await node.code("debug_traceBlockByNumber", "0x2") == SERVER_ERROR


async def test_a_calls_trace_is_refused(node: Node) -> None:
    assert await node.code("debug_traceCall", {"to": hexed(RECORD)}, "latest") == SERVER_ERROR
