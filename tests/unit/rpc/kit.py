"""The methods over a small real ledger: genesis, a deployed contract, some transfers and events."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson

from node.chain.ledger import Ledger
from node.rpc.backend import Backend, Pending
from node.rpc.calls import CallMethods
from node.rpc.debug import DebugMethods
from node.rpc.dispatch import Dispatcher
from node.rpc.eth import EthMethods
from node.rpc.ledger import REFUSED, LedgerMethods
from node.rpc.polling import PollingMethods
from node.runtime.admission import Admission, Admitted
from node.runtime.pool import PoolDoor
from node.spec.transaction import Transaction, created_address, decode_transaction, sign_dynamic_fee
from node.spec.types import Address, Hash32
from node.telemetry import Metrics
from scripts.plain_web3 import RECORD_CODE
from tests.unit.chain.kit import (
    CHAIN_ID,
    SENDER,
    SENDER_KEY,
    VALIDATORS,
    call,
    grow,
    ledger,
    sealed,
    transfer,
)

WORKER = ThreadPoolExecutor(1, "recover")
RECORD = created_address(SENDER, 0)
RECEIPT_TOPIC = "0x99adfad43c99e0531fb77c4cefb21c6b94d306000e311b33ba8aa12f46639121"


def hexed(data: bytes) -> str:
    return "0x" + data.hex()


def deployment() -> Transaction:
    return decode_transaction(
        sign_dynamic_fee(
            SENDER_KEY,
            chain_id=CHAIN_ID,
            nonce=0,
            gas=1_500_000,
            to=None,
            data=bytes.fromhex(RECORD_CODE[2:]),
        )
    )


def record_data(number: int) -> bytes:
    return bytes.fromhex("cda1c3b9") + number.to_bytes(32, "big") + b"\xee" * 32


def record(nonce: int, number: int) -> Transaction:
    return call(SENDER_KEY, nonce, RECORD, record_data(number))


class Node:
    """A node's surface without its sockets."""

    def __init__(self) -> None:
        self.chain: Ledger = ledger()
        self.blocks = [
            grow(self.chain, deployment()),
            grow(self.chain, transfer(nonce=1), record(2, 1)),
            grow(self.chain, record(3, 2), record(4, 3)),
            grow(self.chain),
        ]
        self.pool = PoolDoor(self.chain)
        self.admission = Admission(self.chain.transactions.resolve_each, self.pool, WORKER)
        self.backend = Backend(
            store=self.chain.store,
            engine=self.chain.engine,
            head_state=lambda: (self.chain.head.number, self.chain.view.state),
            environment=self.chain.environment_of,
            chain_id=CHAIN_ID,
            client_version="dataccord/test",
            resolve=self.chain.transactions.read,
            validators_at=lambda _number: VALIDATORS,
            send=self._send,
            pending=self._pending,
            next_nonce=self.pool.next_nonce,
            pool_size=self.pool.sizes,
            peer_count=lambda: 3,
            best_known=lambda: self.best,
        )
        self.best = 0
        self.eth = EthMethods(self.backend)
        self.polling = PollingMethods(
            self.eth, lambda: self.backend.head, self.chain.store.blocks.hash_of
        )
        methods = {
            **self.eth.methods(),
            **CallMethods(self.backend, lambda _seconds: lambda: False).methods(),
            **DebugMethods(self.backend, lambda _seconds: lambda: False).methods(),
            **self.polling.methods(),
            **LedgerMethods(self.backend).methods(),
        }
        self.dispatcher = Dispatcher(methods, REFUSED, Metrics(), self.eth.many())

    async def _send(self, raws: Sequence[bytes]) -> list[Admitted]:
        found = await self.admission.admit(raws)
        for item in found:
            if isinstance(item, bytes):
                self.polling.announce_pending(item)
        return found

    def _pending(self, transaction_hash: Hash32) -> Pending | None:
        found = self.pool.pending(transaction_hash)
        return None if found is None else Pending(*found)

    def mine(self) -> None:
        """Take what waits in the pool into the next block."""
        chain = self.chain
        built = chain.build(chain.head.timestamp + 1, VALIDATORS[0], self.pool.candidates())
        self.pool.head_changed(chain.commit(sealed(built.block, chain.validators[:3])))

    async def ask(self, method: str, *params: Any) -> Any:
        """Return the whole response object."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        return json.loads(await self.dispatcher.answer(orjson.dumps(body)))

    async def result(self, method: str, *params: Any) -> Any:
        """Return a result; a failure fails the test."""
        answer = await self.ask(method, *params)
        assert "error" not in answer, answer
        return answer["result"]

    async def code(self, method: str, *params: Any) -> int:
        """Return the code of an error; a success fails the test."""
        answer = await self.ask(method, *params)
        assert "error" in answer, answer
        return int(answer["error"]["code"])


def address(text: str) -> Address:
    return Address(bytes.fromhex(text[2:]))
