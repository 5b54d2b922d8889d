"""eth_, net_ and web3_: blocks, transactions, receipts, state, logs and filters."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from node.errors import DataccordError
from node.rpc.backend import Backend
from node.rpc.dispatch import (
    INVALID_PARAMS,
    LIMIT_EXCEEDED,
    SERVER_ERROR,
    Many,
    Method,
    Params,
    RpcError,
    refusal,
)
from node.rpc.filters import LogRequest, parse_log_request
from node.rpc.params import (
    argument,
    optional,
    to_address,
    to_bool,
    to_data,
    to_hash,
    to_quantity,
)
from node.rpc.shapes import (
    Json,
    block_json,
    data,
    log_json,
    quantity,
    receipt_json,
    transaction_json,
)
from node.rpc.whole import WholeBlock, WholeBlocks
from node.spec.crypto import keccak256
from node.spec.types import EMPTY_CODE_HASH, EMPTY_ROOT, Account, Address
from node.storage.blocks import FoundLog

LOG_BLOCKS_MAX: Final = 5_000
LOGS_MAX: Final = 20_000
FEE_HISTORY_MAX: Final = 1_024
PERCENTILES_MAX: Final = 100
PROOF_KEYS_MAX: Final = 1_024


class EthMethods:
    """Methods that read the chain, and the one that adds to it."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._blocks = backend.store.blocks
        self._whole = WholeBlocks(backend.store.blocks, backend.resolve)

    def methods(self) -> dict[str, Method]:
        """Return the method table."""
        table = {
            "eth_chainId": self.chain_id,
            "eth_blockNumber": self.block_number,
            "eth_syncing": self.syncing,
            "eth_gasPrice": self.zero,
            "eth_maxPriorityFeePerGas": self.zero,
            "eth_blobBaseFee": self.zero,
            "eth_feeHistory": self.fee_history,
            "eth_accounts": self.no_accounts,
            "eth_coinbase": self.coinbase,
            "eth_getBalance": self.balance,
            "eth_getCode": self.code,
            "eth_getStorageAt": self.storage_at,
            "eth_getTransactionCount": self.transaction_count,
            "eth_getProof": self.proof,
            "eth_getBlockByHash": self.block_by_hash,
            "eth_getBlockByNumber": self.block_by_number,
            "eth_getBlockReceipts": self.block_receipts,
            "eth_getBlockTransactionCountByHash": self.count_by_hash,
            "eth_getBlockTransactionCountByNumber": self.count_by_number,
            "eth_getTransactionByHash": self.transaction_by_hash,
            "eth_getTransactionByBlockHashAndIndex": self.transaction_by_block_hash,
            "eth_getTransactionByBlockNumberAndIndex": self.transaction_by_block_number,
            "eth_getTransactionReceipt": self.transaction_receipt,
            "eth_getUncleByBlockHashAndIndex": self.nothing,
            "eth_getUncleByBlockNumberAndIndex": self.nothing,
            "eth_getUncleCountByBlockHash": self.zero,
            "eth_getUncleCountByBlockNumber": self.zero,
            "eth_sendRawTransaction": self.send_raw,
            "eth_getLogs": self.logs,
            "net_version": self.net_version,
            "net_listening": self.listening,
            "net_peerCount": self.peer_count,
            "web3_clientVersion": self.client_version,
            "web3_sha3": self.sha3,
            "txpool_status": self.pool_status,
        }
        return dict(table)

    def many(self) -> dict[str, Many]:
        """Return the methods that a batch calls together."""
        return {"eth_sendRawTransaction": self.send_raw_many}

    async def chain_id(self, _params: Params) -> str:
        """Return the chain's id (EIP-695)."""
        return quantity(self._backend.chain_id)

    async def block_number(self, _params: Params) -> str:
        """Return the head's number."""
        return quantity(self._backend.head)

    async def syncing(self, _params: Params) -> bool | Json:
        """Return false, or how far behind the peers this node is."""
        head, best = self._backend.head, self._backend.best_known()
        if best <= head + 1:
            return False
        return {
            "startingBlock": quantity(0),
            "currentBlock": quantity(head),
            "highestBlock": quantity(best),
        }

    async def zero(self, _params: Params) -> str:
        """Return zero: gas is free, and there are neither tips, blobs nor ommers."""
        return "0x0"

    async def nothing(self, _params: Params) -> None:
        """Return null: there are no ommers."""
        return

    async def no_accounts(self, _params: Params) -> list[str]:
        """Return no accounts: a node holds no keys of clients."""
        return []

    async def coinbase(self, _params: Params) -> str:
        """Return the head's proposer."""
        return data(self._backend.header("latest").coinbase)

    async def fee_history(self, params: Params) -> Json:
        """Return base fees (all 0) and how full blocks were."""
        count = min(to_quantity(argument(params, 0, "count"), "count"), FEE_HISTORY_MAX)
        newest = self._backend.header(optional(params, 1, "latest")).number
        first = max(0, newest + 1 - count)
        percentiles = optional(params, 2, [])
        if not isinstance(percentiles, list) or len(percentiles) > PERCENTILES_MAX:
            raise RpcError(INVALID_PARAMS, "invalid argument: reward percentiles")
        headers = [self._backend.header(hex(number)) for number in range(first, newest + 1)]
        history: Json = {
            "oldestBlock": quantity(first),
            "baseFeePerGas": ["0x0"] * (len(headers) + 1),
            "gasUsedRatio": [header.gas_used / header.gas_limit for header in headers],
            "baseFeePerBlobGas": ["0x0"] * (len(headers) + 1),
            "blobGasUsedRatio": [0.0] * len(headers),
        }
        if percentiles:
            history["reward"] = [["0x0"] * len(percentiles)] * len(headers)
        return history

    async def balance(self, params: Params) -> str:
        """Return an account's balance in wei."""
        return quantity(self._account(params).balance)

    async def code(self, params: Params) -> str:
        """Return an account's code."""
        state = self._backend.state(optional(params, 1, "latest"))
        account = state.account(to_address(argument(params, 0, "address")))
        return data(b"" if account is None else state.code(account.code_hash))

    async def storage_at(self, params: Params) -> str:
        """Return a slot of an account's storage."""
        address = to_address(argument(params, 0, "address"))
        slot = _slot(argument(params, 1, "slot"))
        return f"0x{self._backend.state(optional(params, 2, 'latest')).storage(address, slot):064x}"

    async def transaction_count(self, params: Params) -> str:
        """Return an account's nonce; at `pending`, the next one with the pool counted."""
        nonce = self._account(params).nonce
        if optional(params, 1) == "pending":
            address = to_address(argument(params, 0, "address"))
            nonce = self._backend.next_nonce(address, nonce)
        return quantity(nonce)

    async def proof(self, params: Params) -> Json:
        """Return the Merkle proof of an account and of some of its slots (EIP-1186)."""
        address = to_address(argument(params, 0, "address"))
        keys = argument(params, 1, "storage keys")
        if not isinstance(keys, list) or len(keys) > PROOF_KEYS_MAX:
            raise RpcError(LIMIT_EXCEEDED, f"more than {PROOF_KEYS_MAX} storage keys")
        slots = [_slot(key) for key in keys]
        number = self._backend.number(optional(params, 2, "latest"))
        return await asyncio.to_thread(self._prove, address, slots, number)

    def _prove(self, address: Address, slots: list[int], number: int) -> Json:
        state = self._backend.trie_state(number)
        account = state.account(address)
        shown = account or Account(0, 0, EMPTY_ROOT, EMPTY_CODE_HASH)
        return {
            "address": data(address),
            "accountProof": [data(node) for node in state.prove_account(address)],
            "balance": quantity(shown.balance),
            "codeHash": data(shown.code_hash),
            "nonce": quantity(shown.nonce),
            "storageHash": data(shown.storage_root),
            "storageProof": [
                {
                    "key": quantity(slot),
                    "value": quantity(state.storage(address, slot)),
                    "proof": [data(node) for node in state.prove_storage(address, slot)],
                }
                for slot in slots
            ],
        }

    async def block_by_hash(self, params: Params) -> Json | None:
        """Return a block by its hash."""
        number = self._blocks.number_of(to_hash(argument(params, 0, "hash")))
        return None if number is None else await self._block(number, params)

    async def block_by_number(self, params: Params) -> Json | None:
        """Return a block by its number or tag."""
        return await self._block(self._backend.number(argument(params, 0, "block")), params)

    async def _block(self, number: int, params: Params) -> Json | None:
        in_full = to_bool(optional(params, 1, False), "whole transactions")
        if in_full:
            whole = await self._whole.get(number)
            return None if whole is None else await asyncio.to_thread(_full_block, whole)
        return await asyncio.to_thread(self._bare_block, number)

    def _bare_block(self, number: int) -> Json | None:
        """Return a block that names its transactions by their hashes, which needs none decoded."""
        found = self._backend.block(number)
        if found is None:
            return None
        block, block_hash = found
        return block_json(block, block_hash, [data(keccak256(raw)) for raw in block.transactions])

    async def block_receipts(self, params: Params) -> list[Json] | None:
        """Return all receipts of a block."""
        whole = await self._whole.get(self._backend.number(argument(params, 0, "block")))
        return None if whole is None else await asyncio.to_thread(_all_receipts, whole)

    async def count_by_hash(self, params: Params) -> str | None:
        """Return how many transactions a block holds."""
        number = self._blocks.number_of(to_hash(argument(params, 0, "hash")))
        return None if number is None else self._count(number)

    async def count_by_number(self, params: Params) -> str | None:
        """Return how many transactions a block holds."""
        return self._count(self._backend.number(argument(params, 0, "block")))

    def _count(self, number: int) -> str | None:
        transactions = self._blocks.transactions(number)
        return None if transactions is None else quantity(len(transactions))

    async def transaction_by_hash(self, params: Params) -> Json | None:
        """Return a transaction, in a block or pending."""
        wanted = to_hash(argument(params, 0, "hash"))
        place = self._blocks.place_of(wanted)
        if place is not None:
            return await self._transaction_at(place.number, place.index)
        pending = self._backend.pending(wanted)
        if pending is None:
            return None
        return transaction_json(pending.transaction, pending.sender, None)

    async def transaction_by_block_hash(self, params: Params) -> Json | None:
        """Return a block's transaction by its index."""
        number = self._blocks.number_of(to_hash(argument(params, 0, "hash")))
        index = to_quantity(argument(params, 1, "index"), "index")
        return None if number is None else await self._transaction_at(number, index)

    async def transaction_by_block_number(self, params: Params) -> Json | None:
        """Return a block's transaction by its index."""
        number = self._backend.number(argument(params, 0, "block"))
        index = to_quantity(argument(params, 1, "index"), "index")
        return await self._transaction_at(number, index)

    async def _transaction_at(self, number: int, index: int) -> Json | None:
        whole = await self._whole.get(number)
        if whole is None or index >= len(whole.transactions):
            return None
        return _transaction(whole, index)

    async def transaction_receipt(self, params: Params) -> Json | None:
        """Return a receipt; null until its block is final."""
        place = self._blocks.place_of(to_hash(argument(params, 0, "hash")))
        whole = None if place is None else await self._whole.get(place.number)
        return None if place is None or whole is None else _receipt(whole, place.index)

    async def send_raw(self, params: Params) -> str:
        """Admit a signed transaction to the pool and return its hash."""
        (found,) = await self.send_raw_many([params])
        if isinstance(found, RpcError):
            raise found
        return found

    async def send_raw_many(self, calls: Sequence[Params]) -> list[str | RpcError]:
        """Admit the signed transactions of many calls together; return each call's answer."""
        answers: dict[int, str | RpcError] = {}
        raws: dict[int, bytes] = {}
        for place, params in enumerate(calls):
            try:
                raws[place] = to_data(argument(params, 0, "transaction"), "transaction")
            except RpcError as error:
                answers[place] = error
        sent = await self._backend.send(list(raws.values())) if raws else ()
        for place, found in zip(raws, sent, strict=True):
            answers[place] = refusal(found) if isinstance(found, DataccordError) else data(found)
        return [answers[place] for place in range(len(calls))]

    async def logs(self, params: Params) -> list[Json]:
        """Return the logs a filter wants, in bounded ranges."""
        request = parse_log_request(argument(params, 0, "filter"))
        first, last = self.log_range(request)
        return await asyncio.to_thread(self.find_logs, request, first, last)

    def log_range(self, request: LogRequest) -> tuple[int, int]:
        """Return the first and last block of a filter."""
        if request.block_hash is not None:
            number = self._backend.number_of_hash(request.block_hash)
            return number, number
        first = self._backend.number(request.first)
        return first, min(self._backend.number(request.last), self._backend.head)

    def find_logs(self, request: LogRequest, first: int, last: int) -> list[Json]:
        """Return the wanted logs of blocks first to last; an error where they are too many."""
        if first > last:
            return []
        narrow = request.wanted.addresses or any(request.wanted.topics)
        if last - first >= LOG_BLOCKS_MAX and not narrow:
            raise RpcError(LIMIT_EXCEEDED, f"query exceeds max block range {LOG_BLOCKS_MAX}")
        found: list[Json] = []
        for entry in self._blocks.logs(request.wanted, first, last):
            found.append(self._log(entry))
            if len(found) > LOGS_MAX:
                raise RpcError(LIMIT_EXCEEDED, f"query returned more than {LOGS_MAX} results")
        return found

    def _log(self, entry: FoundLog) -> Json:
        whole = self._whole.read(entry.number)
        if whole is None:
            raise RpcError(SERVER_ERROR, "block of a log not found")
        transaction, _ = whole.transactions[entry.transaction_index]
        place = (whole.block.header, whole.hash, entry.transaction_index)
        return log_json(entry.log, transaction.hash, place, entry.log_index)

    async def net_version(self, _params: Params) -> str:
        """Return the network's id in decimal."""
        return str(self._backend.chain_id)

    async def listening(self, _params: Params) -> bool:
        """Return true: the node listens for peers."""
        return True

    async def peer_count(self, _params: Params) -> str:
        """Return how many peers are connected."""
        return quantity(self._backend.peer_count())

    async def client_version(self, _params: Params) -> str:
        """Return name and version of this node."""
        return self._backend.client_version

    async def sha3(self, params: Params) -> str:
        """Return keccak256 of the given data."""
        return data(keccak256(to_data(argument(params, 0, "data"), "data")))

    async def pool_status(self, _params: Params) -> Json:
        """Return how many transactions wait."""
        pending, queued = self._backend.pool_size()
        return {"pending": quantity(pending), "queued": quantity(queued)}

    def _account(self, params: Params) -> Account:
        address = to_address(argument(params, 0, "address"))
        return self._backend.state(optional(params, 1, "latest")).account(address) or Account()


def _slot(value: Any) -> int:
    """Return a storage slot, given as a quantity or as padded 32 bytes."""
    return to_quantity(value, "storage slot")


def _transaction(whole: WholeBlock, index: int) -> Json:
    transaction, sender = whole.transactions[index]
    return transaction_json(transaction, sender, (whole.block.header, whole.hash, index))


def _full_block(whole: WholeBlock) -> Json:
    listed = [_transaction(whole, index) for index in range(len(whole.transactions))]
    return block_json(whole.block, whole.hash, listed)


def _all_receipts(whole: WholeBlock) -> list[Json]:
    return [_receipt(whole, index) for index in range(len(whole.receipts))]


def _receipt(whole: WholeBlock, index: int) -> Json:
    transaction, sender = whole.transactions[index]
    receipt = whole.receipts[index]
    before = whole.receipts[index - 1].cumulative_gas if index else 0
    return receipt_json(
        transaction,
        sender,
        receipt,
        (whole.block.header, whole.hash, index),
        gas_used=receipt.cumulative_gas - before,
        first_log=whole.first_logs[index],
    )
