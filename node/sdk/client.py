"""A node's JSON-RPC as typed calls. What comes back is a claim until `light` has proved it.

Every answer is parsed at this edge: a shape that is not as specified is one `RemoteError`. Bytes of
headers, blocks, receipts and transactions are fetched raw, so that their hashes can be checked.
"""

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from node.errors import DecodeError, NotReady, RemoteError
from node.sdk.abi import revert_reason
from node.sdk.reverts import error_of
from node.sdk.transport import HttpTransport, Transport
from node.spec.header import Header, decode_header
from node.spec.receipt import Log, Receipt, decode_receipt
from node.spec.types import Address, Hash32

RECEIPT_POLL_S: Final = 0.1
REVERTED: Final = 3


@dataclass(frozen=True, slots=True)
class TransactionReceipt:
    """Where a transaction went, whether it succeeded, and what it said."""

    hash: Hash32
    block_number: int
    index: int
    succeeded: bool
    gas_used: int
    logs: tuple[Log, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountProof:
    """`eth_getProof`: nodes from the state root to an account, and from it to some slots."""

    account: tuple[bytes, ...]
    storage: dict[int, tuple[bytes, ...]]


class Client:
    """One node, asked over one transport."""

    def __init__(self, url: str | Transport, *, timeout_s: float = 20.0) -> None:
        self._transport: Transport = (
            HttpTransport(url, timeout_s=timeout_s) if isinstance(url, str) else url
        )
        self._next_id = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._transport.close()

    async def call(self, method: str, *params: Any) -> Any:
        """Return a method's result.

        Raises:
            RemoteError: the node answered with an error, with its number and data.
        """
        self._next_id += 1
        identifier = self._next_id  # calls overlap, so the counter may move on while one waits
        request = {"jsonrpc": "2.0", "id": identifier, "method": method, "params": params}
        answer = await self._transport.post(request)
        if not isinstance(answer, dict) or answer.get("id") != identifier:
            raise RemoteError(f"{method}: the answer is not one to this request")
        if "error" in answer:
            raise _remote_error(method, answer["error"])
        return answer.get("result")

    async def chain_id(self) -> int:
        """Return the chain's id."""
        return _number(await self.call("eth_chainId"))

    async def block_number(self) -> int:
        """Return the height of the node's head."""
        return _number(await self.call("eth_blockNumber"))

    async def nonce(self, account: Address) -> int:
        """Return the account's next nonce, pending transactions counted."""
        return _number(await self.call("eth_getTransactionCount", _hex(account), "pending"))

    async def header(self, number: int) -> Header:
        """Return the header at a height, seals included."""
        return decode_header(_data(await self.call("debug_getRawHeader", hex(number))))

    async def receipts(self, number: int) -> tuple[Receipt, ...]:
        """Return all receipts of a block, in order."""
        found = await self.call("debug_getRawReceipts", hex(number))
        if not isinstance(found, list):
            raise RemoteError("debug_getRawReceipts: the answer is no list")
        return tuple(decode_receipt(_data(part)) for part in found)

    async def block(self, number: int) -> bytes:
        """Return the encoded block at a height."""
        return _data(await self.call("debug_getRawBlock", hex(number)))

    async def proof(self, address: Address, slots: tuple[int, ...], number: int) -> AccountProof:
        """Return the proof of an account and of `slots` in it at a height."""
        keys = [f"0x{slot:064x}" for slot in slots]
        found = await self.call("eth_getProof", _hex(address), keys, hex(number))
        try:
            storage = {
                slot: tuple(_data(node) for node in part["proof"])
                for slot, part in zip(slots, found["storageProof"], strict=True)
            }
            return AccountProof(tuple(_data(node) for node in found["accountProof"]), storage)
        except (KeyError, TypeError, ValueError) as error:
            raise RemoteError("eth_getProof: malformed answer") from error

    async def view(self, to: Address, data: bytes, *, sender: Address, at: str = "latest") -> bytes:
        """Return what a call returns.

        Raises:
            Reverted: the contract reverted, of its reason's class where that is known.
        """
        message = {"to": _hex(to), "from": _hex(sender), "data": _hex(data)}
        try:
            return _data(await self.call("eth_call", message, at))
        except RemoteError as error:
            if error.number == REVERTED:
                raise error_of(revert_reason(error.data)) from error
            raise

    async def send_raw(self, raw: bytes) -> Hash32:
        """Hand a signed transaction to the node's pool and return its hash."""
        return Hash32(_data(await self.call("eth_sendRawTransaction", _hex(raw))))

    async def receipt(self, transaction_hash: Hash32) -> TransactionReceipt | None:
        """Return the receipt of a transaction, None while it is in no block."""
        found = await self.call("eth_getTransactionReceipt", _hex(transaction_hash))
        if found is None:
            return None
        try:
            return TransactionReceipt(
                transaction_hash,
                _number(found["blockNumber"]),
                _number(found["transactionIndex"]),
                _number(found["status"]) == 1,
                _number(found["gasUsed"]),
                tuple(log_from_json(entry) for entry in found["logs"]),
            )
        except (KeyError, TypeError) as error:
            raise RemoteError("eth_getTransactionReceipt: malformed answer") from error

    async def wait(self, transaction_hash: Hash32, *, timeout_s: float = 60) -> TransactionReceipt:
        """Return the receipt once the transaction is in a block: with QBFT, that is final.

        Raises:
            NotReady: it is in no block after `timeout_s` seconds.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while (found := await self.receipt(transaction_hash)) is None:
                    await asyncio.sleep(RECEIPT_POLL_S)
                return found
        except TimeoutError as error:
            raise NotReady(
                f"transaction {_hex(transaction_hash)} is in no block after {timeout_s:.0f} s",
                next_command="dataccord net status",
            ) from error

    async def logs(
        self, address: Address, topics: list[str | None], first: int = 0
    ) -> list[dict[str, Any]]:
        """Return the logs of a contract from block `first` on."""
        found = await self.call(
            "eth_getLogs",
            {"address": _hex(address), "topics": topics, "fromBlock": hex(first)},
        )
        if not isinstance(found, list):
            raise RemoteError("eth_getLogs: the answer is no list")
        return found


def log_from_json(entry: Any) -> Log:
    """Return a log from its JSON shape."""
    try:
        return Log(
            Address(bytes.fromhex(entry["address"][2:])),
            tuple(Hash32(bytes.fromhex(topic[2:])) for topic in entry["topics"]),
            bytes.fromhex(entry["data"][2:]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RemoteError("a log has another shape than specified") from error


def _remote_error(method: str, error: Any) -> RemoteError:
    body = error if isinstance(error, dict) else {}
    number = body.get("code")
    text = str(body.get("message"))[:300]
    data = body.get("data")
    return RemoteError(
        f"{method}: {text}",
        number=number if isinstance(number, int) else 0,
        data=_data(data) if isinstance(data, str) else b"",
    )


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _number(value: Any) -> int:
    try:
        return int(value, 16)
    except (TypeError, ValueError) as error:
        raise RemoteError(f"expected a quantity, found {str(value)[:80]!r}") from error


def _data(value: Any) -> bytes:
    try:
        return bytes.fromhex(value.removeprefix("0x"))
    except (AttributeError, TypeError, ValueError) as error:
        raise DecodeError(f"expected hex data, found {str(value)[:80]!r}") from error
