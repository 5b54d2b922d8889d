"""Clients compute with these answers: each is compared with the ledger it stands for.

The ledger is real (four blocks, a contract, transfers, events); every method is also asked for what
is not there.
"""

from typing import Any

import pytest

from node.rpc import eth
from node.rpc.whole import WholeBlocks
from node.spec.account import encode_account
from node.spec.crypto import keccak256
from node.spec.header import encode_header
from node.spec.receipt import encode_receipt
from node.spec.seal import hash_for_block
from node.spec.state_proof import SlotProof, StorageProof, verify_account, verify_storage
from node.spec.types import EMPTY_CODE_HASH
from tests.unit.chain.kit import GOVERNOR, SENDER, STRANGER_KEY, VALIDATORS, call, grow, transfer

from .kit import RECEIPT_TOPIC, RECORD, Node, hexed, record, record_data

NOBODY = "0x" + "99" * 20
NO_HASH = "0x" + "99" * 32


async def test_the_constants(node: Node) -> None:
    assert await node.result("eth_chainId") == "0x7a69"
    assert await node.result("net_version") == "31337"
    assert await node.result("eth_blockNumber") == "0x4"
    assert await node.result("eth_syncing") is False
    assert await node.result("eth_accounts") == []
    assert await node.result("net_listening") is True
    assert await node.result("net_peerCount") == "0x3"
    assert await node.result("web3_clientVersion") == "dataccord/test"
    assert await node.result("web3_sha3", "0x") == hexed(keccak256(b""))
    assert await node.result("eth_coinbase") == hexed(node.chain.head.coinbase)
    for free in ("eth_gasPrice", "eth_maxPriorityFeePerGas", "eth_blobBaseFee"):
        assert await node.result(free) == "0x0"
    assert "eth" in await node.result("rpc_modules")


async def test_syncing_says_how_far_behind(fresh: Node) -> None:
    fresh.best = 90
    found = await fresh.result("eth_syncing")
    assert (found["currentBlock"], found["highestBlock"]) == ("0x4", "0x5a")


@pytest.mark.parametrize("tag", ["latest", "pending", "safe", "finalized", "0x4"])
async def test_tags_name_the_head(node: Node, tag: str) -> None:
    block = await node.result("eth_getBlockByNumber", tag, False)
    assert block["number"] == "0x4"
    assert (await node.result("eth_getBlockByNumber", "earliest", False))["number"] == "0x0"


async def test_a_block_by_number_and_hash(node: Node) -> None:
    block = node.blocks[1]
    by_number = await node.result("eth_getBlockByNumber", "0x2", False)
    by_hash = await node.result("eth_getBlockByHash", hexed(hash_for_block(block.header)), False)
    assert by_number == by_hash
    assert by_number["transactions"] == [hexed(keccak256(raw)) for raw in block.transactions]
    assert by_number["stateRoot"] == hexed(block.header.state_root)
    assert by_number["extraData"] == hexed(block.header.extra_data)
    whole = await node.result("eth_getBlockByNumber", "0x2", True)
    assert [entry["from"] for entry in whole["transactions"]] == [hexed(SENDER)] * 2
    assert whole["transactions"][1]["input"] == hexed(record_data(1))


async def test_blocks_that_are_not_there(node: Node) -> None:
    assert await node.result("eth_getBlockByNumber", "0x5", False) is None
    assert await node.result("eth_getBlockByHash", NO_HASH, False) is None
    assert await node.result("eth_getBlockReceipts", "0x5") is None
    assert await node.result("eth_getBlockTransactionCountByNumber", "0x5") is None
    assert await node.result("eth_getBlockTransactionCountByHash", NO_HASH) is None
    assert await node.code("eth_getBlockByNumber", "newest", False) == -32602
    assert await node.code("eth_getBlockByNumber", "0x1", "yes") == -32602


async def test_transactions_by_hash_and_by_place(node: Node) -> None:
    raw = node.blocks[2].transactions[1]
    by_hash = await node.result("eth_getTransactionByHash", hexed(keccak256(raw)))
    assert (by_hash["blockNumber"], by_hash["transactionIndex"]) == ("0x3", "0x1")
    assert by_hash["to"] == hexed(RECORD)
    assert by_hash == await node.result("eth_getTransactionByBlockNumberAndIndex", "0x3", "0x1")
    block_hash = hexed(hash_for_block(node.blocks[2].header))
    assert by_hash == await node.result("eth_getTransactionByBlockHashAndIndex", block_hash, "0x1")
    assert await node.result("eth_getTransactionByBlockNumberAndIndex", "0x3", "0x2") is None
    assert await node.result("eth_getTransactionByBlockHashAndIndex", NO_HASH, "0x0") is None
    assert await node.result("eth_getTransactionByHash", NO_HASH) is None
    assert await node.result("eth_getBlockTransactionCountByNumber", "0x3") == "0x2"
    assert await node.result("eth_getBlockTransactionCountByHash", block_hash) == "0x2"


async def test_receipts_agree_with_each_other_and_with_gas(node: Node) -> None:
    listed = await node.result("eth_getBlockReceipts", "0x3")
    single = [
        await node.result("eth_getTransactionReceipt", entry["transactionHash"]) for entry in listed
    ]
    assert listed == single
    assert [entry["status"] for entry in listed] == ["0x1", "0x1"]
    gas = [int(entry["gasUsed"], 16) for entry in listed]
    assert int(listed[1]["cumulativeGasUsed"], 16) == sum(gas) == node.blocks[2].header.gas_used
    assert [entry["logs"][0]["logIndex"] for entry in listed] == ["0x0", "0x1"]
    assert listed[0]["effectiveGasPrice"] == "0x0"
    deployed = (await node.result("eth_getBlockReceipts", "0x1"))[0]
    assert (deployed["to"], deployed["contractAddress"]) == (None, hexed(RECORD))
    assert await node.result("eth_getTransactionReceipt", NO_HASH) is None


async def test_a_block_is_decoded_once_for_all_its_receipts(
    fresh: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    inner = fresh.chain.store.blocks.receipts

    def counted(number: int) -> Any:
        nonlocal reads
        reads += 1
        return inner(number)

    monkeypatch.setattr(fresh.chain.store.blocks, "receipts", counted, raising=False)
    for raw in fresh.blocks[2].transactions:
        await fresh.result("eth_getTransactionReceipt", hexed(keccak256(raw)))
    await fresh.result("eth_getBlockReceipts", "0x3")
    assert reads == 1


async def test_few_decoded_transactions_are_held(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.rpc.whole.HELD_MAX", 2)
    whole = WholeBlocks(node.chain.store.blocks, node.chain.transactions.read)
    for number in (*range(5), 1):
        found = await whole.get(number)
        assert found is not None
        assert found is await whole.get(number), "the newest is held, however large"
        held = sum(len(block.transactions) for block in whole._held.values())
        assert held <= max(2, len(found.transactions))
    assert list(whole._held)[-1] == 1
    assert await whole.get(5) is None


async def test_accounts(node: Node) -> None:
    assert await node.result("eth_getTransactionCount", hexed(SENDER)) == "0x5"
    assert await node.result("eth_getTransactionCount", hexed(SENDER), "0x1") == "0x1"
    assert await node.result("eth_getTransactionCount", NOBODY) == "0x0"
    before = int(await node.result("eth_getBalance", hexed(GOVERNOR), "0x1"), 16)
    assert int(await node.result("eth_getBalance", hexed(GOVERNOR), "0x2"), 16) == before + 1
    assert await node.result("eth_getBalance", NOBODY) == "0x0"
    assert len(await node.result("eth_getCode", hexed(RECORD))) > 100
    assert await node.result("eth_getCode", hexed(RECORD), "0x0") == "0x"
    block = {"blockHash": hexed(hash_for_block(node.blocks[0].header))}
    assert await node.result("eth_getTransactionCount", hexed(SENDER), block) == "0x1"
    assert await node.code("eth_getBalance", hexed(SENDER), "0x5") == -32000
    assert await node.code("eth_getBalance", hexed(SENDER), {"blockHash": NO_HASH}) == -32000
    assert await node.code("eth_getBalance", hexed(SENDER), {}) == -32602
    assert await node.code("eth_getBalance", "0x12") == -32602


async def test_proofs_prove_what_is_there_and_what_is_not(node: Node) -> None:
    slot = keccak256((1).to_bytes(32, "big") + bytes(32))
    root = node.blocks[3].header.state_root
    found = await node.result("eth_getProof", hexed(RECORD), [hexed(slot), "0x77"], "latest")
    nodes = tuple(bytes.fromhex(part[2:]) for part in found["accountProof"])
    account = verify_account(root, RECORD, nodes)
    assert account is not None
    assert hexed(account.storage_root) == found["storageHash"]
    assert encode_account(account)
    slots = [
        SlotProof(int(part["key"], 16), tuple(bytes.fromhex(n[2:]) for n in part["proof"]))
        for part in sorted(found["storageProof"], key=lambda part: int(part["key"], 16))
    ]
    values = verify_storage(root, RECORD, StorageProof(nodes, tuple(slots)))
    assert values[0x77] == 0
    assert {hex(value) for value in values.values()} == {
        part["value"] for part in found["storageProof"]
    }
    absent = await node.result("eth_getProof", NOBODY, [], "latest")
    nobody = tuple(bytes.fromhex(part[2:]) for part in absent["accountProof"])
    assert verify_account(root, bytes.fromhex(NOBODY[2:]), nobody) is None  # type: ignore[arg-type]
    assert absent["codeHash"] == hexed(EMPTY_CODE_HASH)
    too_many = ["0x1"] * (eth.PROOF_KEYS_MAX + 1)
    assert await node.code("eth_getProof", NOBODY, too_many, "latest") == -32005


async def test_storage_at(node: Node) -> None:
    slot = hexed(keccak256((1).to_bytes(32, "big") + bytes(32)))
    padded = await node.result("eth_getStorageAt", hexed(RECORD), slot, "latest")
    assert len(padded) == 66
    assert await node.result("eth_getStorageAt", NOBODY, "0x0") == "0x" + "00" * 32
    assert await node.code("eth_getStorageAt", hexed(RECORD), "slot") == -32602


async def test_logs_by_range_address_topic_and_block(node: Node) -> None:
    everything = {"fromBlock": "0x0", "toBlock": "latest"}
    found = await node.result("eth_getLogs", everything | {"topics": [RECEIPT_TOPIC]})
    assert [entry["blockNumber"] for entry in found] == ["0x2", "0x3", "0x3"]
    second = [None, hexed((2).to_bytes(32, "big"))]
    one = await node.result("eth_getLogs", everything | {"topics": second})
    assert one == [found[1]]
    assert await node.result("eth_getLogs", everything | {"address": NOBODY}) == []
    block_hash = hexed(hash_for_block(node.blocks[2].header))
    assert await node.result("eth_getLogs", {"blockHash": block_hash}) == found[1:]
    assert await node.result("eth_getLogs", {"fromBlock": "0x3", "toBlock": "0x2"}) == []
    assert await node.code("eth_getLogs", {"blockHash": NO_HASH}) == -32000
    receipt = await node.result("eth_getTransactionReceipt", found[0]["transactionHash"])
    assert receipt["logs"] == [found[0]]


async def test_logs_have_bounds(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eth, "LOGS_MAX", 2)
    everything = {"fromBlock": "0x0", "address": hexed(RECORD)}
    assert await node.code("eth_getLogs", everything) == -32005
    monkeypatch.setattr(eth, "LOGS_MAX", 3)
    assert len(await node.result("eth_getLogs", everything)) == 3
    monkeypatch.setattr(eth, "LOG_BLOCKS_MAX", 2)
    assert await node.code("eth_getLogs", {"fromBlock": "0x0"}) == -32005
    assert len(await node.result("eth_getLogs", everything)) == 3, "the index answers at any range"


async def test_fee_history(node: Node) -> None:
    found = await node.result("eth_feeHistory", 3, "latest", [10, 50])
    assert found["oldestBlock"] == "0x2"
    assert found["baseFeePerGas"] == ["0x0"] * 4
    assert len(found["gasUsedRatio"]) == len(found["reward"]) == 3
    assert found["reward"][0] == ["0x0", "0x0"]
    assert None not in found["gasUsedRatio"]
    assert "reward" not in await node.result("eth_feeHistory", "0x2", "0x1")
    assert await node.code("eth_feeHistory", 1, "latest", [1] * 101) == -32602
    assert await node.code("eth_feeHistory", 1, "latest", 5) == -32602
    assert await node.code("eth_feeHistory", -1, "latest") == -32602


async def test_sending_and_what_is_pending(fresh: Node) -> None:
    wanted = record(5, 9)
    sent = await fresh.result("eth_sendRawTransaction", hexed(wanted.raw))
    assert sent == hexed(wanted.hash)
    waiting = await fresh.result("eth_getTransactionByHash", sent)
    assert (waiting["blockNumber"], waiting["from"]) == (None, hexed(SENDER))
    assert await fresh.result("eth_getTransactionReceipt", sent) is None
    assert await fresh.result("eth_getTransactionCount", hexed(SENDER), "pending") == "0x6"
    assert await fresh.result("eth_getTransactionCount", hexed(SENDER), "latest") == "0x5"
    assert await fresh.result("txpool_status") == {"pending": "0x1", "queued": "0x0"}
    grow(fresh.chain, wanted)
    assert (await fresh.result("eth_getTransactionReceipt", sent))["status"] == "0x1"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("again", "already known"),
        ("old", "nonce too low"),
        ("stranger", "not"),
        ("0x02c0", ""),
        ("0x", "transaction"),
    ],
)
async def test_sending_is_refused_in_geths_words(fresh: Node, raw: str, words: str) -> None:
    await fresh.result("eth_sendRawTransaction", hexed(record(5, 9).raw))
    given = {
        "again": hexed(record(5, 9).raw),
        "old": hexed(transfer(nonce=0).raw),
        "stranger": hexed(call(STRANGER_KEY, 0, GOVERNOR, b"").raw),
    }.get(raw, raw)
    answer = await fresh.ask("eth_sendRawTransaction", given)
    assert answer["error"]["code"] == -32000
    assert words in answer["error"]["message"]


async def test_raw_bytes_hash_to_what_they_claim(node: Node) -> None:
    block = node.blocks[2]
    header = await node.result("debug_getRawHeader", "0x3")
    assert header == hexed(encode_header(block.header))
    receipts = await node.result("debug_getRawReceipts", "0x3")
    stored = node.chain.store.blocks.receipts(3)
    assert receipts == [hexed(encode_receipt(part)) for part in stored or ()]
    raw = await node.result("debug_getRawTransaction", hexed(keccak256(block.transactions[0])))
    assert raw == hexed(block.transactions[0])
    assert (await node.result("debug_getRawBlock", "0x3")).startswith("0xf9")
    assert await node.code("debug_getRawHeader", "0x9") == -32000
    assert await node.result("debug_getRawTransaction", NO_HASH) is None


async def test_validators(node: Node) -> None:
    listed = [hexed(address) for address in VALIDATORS]
    assert await node.result("qbft_getValidatorsByBlockNumber", "latest") == listed
    assert await node.result("qbft_getValidatorsByBlockNumber", "pending") == listed
    block_hash = hexed(hash_for_block(node.blocks[0].header))
    assert await node.result("qbft_getValidatorsByBlockHash", block_hash) == listed
    assert await node.code("qbft_getValidatorsByBlockHash", NO_HASH) == -32000
    assert await node.code("qbft_proposeValidatorVote", NOBODY, True) == -32601


async def test_there_are_no_ommers(node: Node) -> None:
    assert await node.result("eth_getUncleByBlockNumberAndIndex", "0x1", "0x0") is None
    assert await node.result("eth_getUncleCountByBlockNumber", "0x1") == "0x0"


@pytest.mark.parametrize(
    "method", ["eth_sendTransaction", "eth_sign", "personal_unlockAccount", "engine_newPayloadV4"]
)
async def test_what_needs_keys_is_refused_with_a_reason(node: Node, method: str) -> None:
    answer = await node.ask(method)
    assert answer["error"]["code"] == -32601
    assert ": " in answer["error"]["message"]
