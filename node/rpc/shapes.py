"""Spec objects as the JSON that web3 clients read, and nothing else.

Quantities are minimal hex, data is full hex (execution-apis). A block's JSON keeps Besu's
`totalDifficulty` and the whole of QBFT's extra data.
"""

from collections.abc import Sequence
from typing import Any

from node.spec.block import Block, encode_block
from node.spec.header import Header
from node.spec.receipt import Log, Receipt
from node.spec.transaction import Authorization, Transaction, created_address
from node.spec.types import Address, Hash32

Json = dict[str, Any]


def quantity(value: int) -> str:
    """Return a minimal hex quantity."""
    return hex(value)


def data(value: bytes) -> str:
    """Return full hex data."""
    return "0x" + value.hex()


def header_json(header: Header, block_hash: Hash32) -> Json:
    """Return a header as `newHeads` carries it."""
    shape = {
        "hash": data(block_hash),
        "parentHash": data(header.parent_hash),
        "sha3Uncles": data(header.ommers_hash),
        "miner": data(header.coinbase),
        "stateRoot": data(header.state_root),
        "transactionsRoot": data(header.transactions_root),
        "receiptsRoot": data(header.receipts_root),
        "logsBloom": data(header.logs_bloom),
        "difficulty": quantity(header.difficulty),
        "number": quantity(header.number),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
        "extraData": data(header.extra_data),
        "mixHash": data(header.mix_hash),
        "nonce": data(header.nonce),
    }
    later: dict[str, int | bytes | None] = {
        "baseFeePerGas": header.base_fee,
        "withdrawalsRoot": header.withdrawals_root,
        "blobGasUsed": header.blob_gas_used,
        "excessBlobGas": header.excess_blob_gas,
        "parentBeaconBlockRoot": header.parent_beacon_block_root,
        "requestsHash": header.requests_hash,
    }
    for name, value in later.items():
        if value is not None:
            shape[name] = quantity(value) if isinstance(value, int) else data(value)
    return shape


def block_json(
    block: Block,
    block_hash: Hash32,
    transactions: Sequence[Any],
) -> Json:
    """Return a block; `transactions` are their hashes or their whole JSON."""
    shape = header_json(block.header, block_hash)
    shape |= {
        "totalDifficulty": quantity(block.header.number + 1),
        "size": quantity(len(encode_block(block))),
        "transactions": list(transactions),
        "uncles": [],
    }
    if block.header.withdrawals_root is not None:
        shape["withdrawals"] = []
    return shape


def transaction_json(
    transaction: Transaction,
    sender: Address,
    place: tuple[Header, Hash32, int] | None,
) -> Json:
    """Return a transaction; `place` is (header, block hash, index), None while it is pending."""
    header, block_hash, index = place or (None, None, None)
    shape: Json = {
        "type": quantity(transaction.type),
        "hash": data(transaction.hash),
        "nonce": quantity(transaction.nonce),
        "blockHash": None if block_hash is None else data(block_hash),
        "blockNumber": None if header is None else quantity(header.number),
        "transactionIndex": None if index is None else quantity(index),
        "from": data(sender),
        "to": None if transaction.to is None else data(transaction.to),
        "value": quantity(transaction.value),
        "gas": quantity(transaction.gas),
        "gasPrice": quantity(_effective_price(transaction, header)),
        "input": data(transaction.data),
        "v": quantity(_legacy_v(transaction)),
        "r": quantity(transaction.r),
        "s": quantity(transaction.s),
    }
    if transaction.chain_id is not None:
        shape["chainId"] = quantity(transaction.chain_id)
    if transaction.type >= 1:
        shape["yParity"] = quantity(transaction.y_parity)
        shape["accessList"] = [
            {"address": data(address), "storageKeys": [f"0x{slot:064x}" for slot in slots]}
            for address, slots in transaction.access_list
        ]
    if transaction.type >= 2:
        shape["maxFeePerGas"] = quantity(transaction.max_fee)
        shape["maxPriorityFeePerGas"] = quantity(transaction.max_priority_fee)
    if transaction.authorizations:
        shape["authorizationList"] = [_authorization(part) for part in transaction.authorizations]
    return shape


def receipt_json(
    transaction: Transaction,
    sender: Address,
    receipt: Receipt,
    place: tuple[Header, Hash32, int],
    *,
    gas_used: int,
    first_log: int,
) -> Json:
    """Return a receipt; `first_log` is the index in the block of its first log."""
    header, block_hash, index = place
    created = transaction.to is None
    return {
        "type": quantity(receipt.type),
        "status": quantity(int(receipt.succeeded)),
        "cumulativeGasUsed": quantity(receipt.cumulative_gas),
        "gasUsed": quantity(gas_used),
        "effectiveGasPrice": quantity(_effective_price(transaction, header)),
        "logsBloom": data(receipt.bloom),
        "logs": [
            log_json(log, transaction.hash, place, first_log + offset)
            for offset, log in enumerate(receipt.logs)
        ],
        "transactionHash": data(transaction.hash),
        "transactionIndex": quantity(index),
        "blockHash": data(block_hash),
        "blockNumber": quantity(header.number),
        "from": data(sender),
        "to": None if transaction.to is None else data(transaction.to),
        "contractAddress": data(created_address(sender, transaction.nonce)) if created else None,
    }


def log_json(
    log: Log, transaction_hash: Hash32, place: tuple[Header, Hash32, int], log_index: int
) -> Json:
    """Return a log with its place in the chain."""
    header, block_hash, index = place
    return {
        "address": data(log.address),
        "topics": [data(topic) for topic in log.topics],
        "data": data(log.data),
        "blockNumber": quantity(header.number),
        "blockHash": data(block_hash),
        "blockTimestamp": quantity(header.timestamp),
        "transactionHash": data(transaction_hash),
        "transactionIndex": quantity(index),
        "logIndex": quantity(log_index),
        "removed": False,
    }


def _effective_price(transaction: Transaction, header: Header | None) -> int:
    base_fee = (header.base_fee or 0) if header is not None else 0
    return min(transaction.max_fee, base_fee + transaction.max_priority_fee)


def _legacy_v(transaction: Transaction) -> int:
    if transaction.type:
        return transaction.y_parity
    if transaction.chain_id is None:
        return 27 + transaction.y_parity
    return 35 + 2 * transaction.chain_id + transaction.y_parity


def _authorization(part: Authorization) -> Json:
    return {
        "chainId": quantity(part.chain_id),
        "address": data(part.address),
        "nonce": quantity(part.nonce),
        "yParity": quantity(part.y_parity),
        "r": quantity(part.r),
        "s": quantity(part.s),
    }
