"""Signs calls, sends them, and waits until they are final; a revert becomes its reason.

Nonces are counted here and taken from the node only at the start, so calls can follow each other
without waiting. Sending the same raw bytes again never doubles a record.
"""

import asyncio
from typing import Final

from node.errors import RemoteError, Reverted
from node.sdk.client import Client, TransactionReceipt
from node.sdk.contracts import Call
from node.spec.crypto import address_of
from node.spec.transaction import sign_dynamic_fee
from node.spec.types import Address, Hash32

CALL_GAS: Final = 15_000_000
"""Room for every call of chaincode; unused gas costs nothing and fills no block."""


class Sender:
    """One account's way to the ledger."""

    def __init__(self, client: Client, key: bytes, chain_id: int) -> None:
        self.address: Address = address_of(key)
        self.client = client
        self._key = key
        self._chain_id = chain_id
        self._nonce: int | None = None
        self._lock = asyncio.Lock()

    async def send(self, call: Call) -> TransactionReceipt:
        """Send a call and return its receipt once final.

        Raises:
            Reverted: the contract refused, with its reason; the call is on record as failed.
        """
        receipt = await self.client.wait(await self.submit(call))
        if not receipt.succeeded:
            raise await self._revert(call, receipt)
        return receipt

    async def submit(self, call: Call) -> Hash32:
        """Send a call and return its hash at once."""
        async with self._lock:
            if self._nonce is None:
                self._nonce = await self.client.nonce(self.address)
            raw = sign_dynamic_fee(
                self._key,
                chain_id=self._chain_id,
                nonce=self._nonce,
                gas=CALL_GAS,
                to=call.to,
                data=call.data,
            )
            try:
                transaction_hash = await self.client.send_raw(raw)
            except RemoteError:
                self._nonce = None
                raise
            self._nonce += 1
            return transaction_hash

    async def ask(self, call: Call) -> bytes:
        """Run a call without sending it; raises `Reverted` with its reason where it would fail."""
        return await self.client.view(call.to, call.data, sender=self.address)

    async def _revert(self, call: Call, receipt: TransactionReceipt) -> Reverted:
        """Return the reason, found by running the call again on the state before its block."""
        before = hex(receipt.block_number - 1)
        try:
            await self.client.view(call.to, call.data, sender=self.address, at=before)
        except Reverted as error:
            return Reverted(error.reason, why=f"{call.name}, block {receipt.block_number}")
        reason = "reason depends on its block's other transactions"
        return Reverted(reason, why=f"{call.name}, block {receipt.block_number}")
