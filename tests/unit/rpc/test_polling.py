"""Clients without a WebSocket live by polled filters: nothing twice or missed, all bounded."""

import time

import pytest

from node.rpc import polling
from node.spec.seal import hash_for_block
from tests.unit.chain.kit import grow

from .kit import RECORD, Node, hexed, record


async def test_a_log_filter_brings_each_log_once(fresh: Node) -> None:
    identifier = await fresh.result("eth_newFilter", {"address": hexed(RECORD)})
    assert await fresh.result("eth_getFilterChanges", identifier) == []
    grow(fresh.chain, record(5, 9))
    found = await fresh.result("eth_getFilterChanges", identifier)
    assert [entry["blockNumber"] for entry in found] == ["0x5"]
    assert await fresh.result("eth_getFilterChanges", identifier) == []
    grow(fresh.chain)
    assert await fresh.result("eth_getFilterChanges", identifier) == []


async def test_all_logs_of_a_filters_range(fresh: Node) -> None:
    identifier = await fresh.result("eth_newFilter", {"address": hexed(RECORD), "fromBlock": "0x0"})
    assert len(await fresh.result("eth_getFilterLogs", identifier)) == 3
    blocks = await fresh.result("eth_newBlockFilter")
    assert await fresh.code("eth_getFilterLogs", blocks) == -32000


async def test_a_block_filter_brings_hashes(fresh: Node) -> None:
    identifier = await fresh.result("eth_newBlockFilter")
    blocks = [grow(fresh.chain), grow(fresh.chain)]
    wanted = [hexed(hash_for_block(block.header)) for block in blocks]
    assert await fresh.result("eth_getFilterChanges", identifier) == wanted
    assert await fresh.result("eth_getFilterChanges", identifier) == []


async def test_a_pending_filter_brings_what_was_sent(fresh: Node) -> None:
    identifier = await fresh.result("eth_newPendingTransactionFilter")
    sent = await fresh.result("eth_sendRawTransaction", hexed(record(5, 9).raw))
    assert await fresh.result("eth_getFilterChanges", identifier) == [sent]
    assert await fresh.result("eth_getFilterChanges", identifier) == []


async def test_an_uninstalled_filter_is_gone(fresh: Node) -> None:
    identifier = await fresh.result("eth_newBlockFilter")
    assert await fresh.result("eth_uninstallFilter", identifier) is True
    assert await fresh.result("eth_uninstallFilter", identifier) is False
    assert await fresh.code("eth_getFilterChanges", identifier) == -32000
    assert await fresh.code("eth_getFilterChanges") == -32602


async def test_filters_are_bounded_and_the_oldest_goes(
    fresh: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "FILTERS_MAX", 2)
    kept = [await fresh.result("eth_newBlockFilter") for _ in range(3)]
    assert await fresh.code("eth_getFilterChanges", kept[0]) == -32000
    assert await fresh.result("eth_getFilterChanges", kept[2]) == []


async def test_pending_filters_are_few(fresh: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "PENDING_FILTERS_MAX", 2)
    blocks = await fresh.result("eth_newBlockFilter")
    kept = [await fresh.result("eth_newPendingTransactionFilter") for _ in range(3)]
    assert await fresh.code("eth_getFilterChanges", kept[0]) == -32000
    sent = await fresh.result("eth_sendRawTransaction", hexed(record(5, 9).raw))
    assert await fresh.result("eth_getFilterChanges", kept[1]) == [sent]
    assert await fresh.result("eth_uninstallFilter", kept[2]) is True
    assert await fresh.result("eth_getFilterChanges", blocks) == []


async def test_idle_filters_are_forgotten(fresh: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    identifier = await fresh.result("eth_newBlockFilter")
    later = time.monotonic() + polling.IDLE_SECONDS_MAX + 1
    monkeypatch.setattr(polling.time, "monotonic", lambda: later)
    await fresh.result("eth_newBlockFilter")
    assert await fresh.code("eth_getFilterChanges", identifier) == -32000
