"""Signs calls, sends them, and waits until they are final; a revert becomes its own exception.

A call is signed once, under a nonce counted here, and kept in an `Outbox` before it leaves. From
then on only the same bytes are sent, as often as replies are lost, so one wish is one record. A
client that starts again finds what it had signed: the same call is then taken up, never doubled.
"""

import asyncio
from typing import Final

from node.errors import NotReady, Refused, RemoteError, Reverted
from node.sdk.client import RECEIPT_POLL_S, Client, TransactionReceipt
from node.sdk.contracts import Call
from node.sdk.outbox import Outbox, Signed
from node.sdk.reverts import error_of
from node.spec.crypto import address_of, keccak256
from node.spec.transaction import sign_dynamic_fee
from node.spec.types import Address, Hash32

CALL_GAS: Final = 15_000_000
"""Room for every call of chaincode; unused gas costs nothing and fills no block."""

FINAL_SECONDS: Final = 60.0
"""How long `send` waits for a block before it says that the transaction still stands."""

POLLS_BEFORE_RESEND: Final = 30
"""How often a receipt is asked for before the same bytes are sent again."""

NONCES_MAX: Final = 4
"""How many nonces one call may try, where others sign with the same key at the same time."""

NONCE_TAKEN: Final = "sender: nonce used by another transaction"
WISH_DIFFERS: Final = "sender: that name stands for another call"
_KNOWN: Final = ("already known", "already imported", "known transaction")
"""What nodes say of bytes that they hold already: geth and this node, anvil, Besu."""

_MAY_PASS: Final = (-32005, -32603)
"""Error codes after which the same bytes may be taken: a limit of requests, a fault of the node."""


class Sender:
    """One account's way to the ledger."""

    def __init__(
        self, client: Client, key: bytes, chain_id: int, outbox: Outbox | None = None
    ) -> None:
        self.address: Address = address_of(key)
        self.client = client
        self._key = key
        self._chain_id = chain_id
        self._outbox = outbox or Outbox()
        self._next: int | None = None
        self._lock = asyncio.Lock()
        self._found = list(self._outbox.standing(chain_id, self.address))
        self._doubtful = {signed.hash for signed in self._found}

    async def send(
        self, call: Call, *, once: str = "", timeout_s: float = FINAL_SECONDS
    ) -> TransactionReceipt:
        """Send a call and return its receipt once final.

        What an earlier client signed for the same call, or under the same name `once`, is taken up
        and not signed anew; a named wish that is final returns its receipt again.

        Raises:
            Reverted: the contract refused, with its reason; the call is on record as failed.
            NotReady: it is in no block after `timeout_s`; sending it again takes it up.
            RemoteError: the node takes no such transaction.
        """
        signed, receipt = await self._carry(call, once, timeout_s)
        if receipt.succeeded:
            self._outbox.finish(signed)
            return receipt
        self._outbox.forget(signed)
        raise await self._revert(call, receipt)

    async def _carry(
        self, call: Call, once: str, timeout_s: float
    ) -> tuple[Signed, TransactionReceipt]:
        """Sign and deliver a call; sign anew where another's transaction was first at its nonce.

        That is safe only for bytes whose every answer came back: they are in no block, and a used
        nonce keeps them out for ever. After silence the matter is told instead.
        """
        for _ in range(NONCES_MAX - 1):
            signed = await self._signed(call, once)
            try:
                return signed, await self._deliver(signed, timeout_s)
            except Refused as error:
                if error.reason != NONCE_TAKEN or signed.hash in self._doubtful:
                    raise
        signed = await self._signed(call, once)
        return signed, await self._deliver(signed, timeout_s)

    async def submit(self, call: Call) -> Hash32:
        """Send a call and return its hash at once; its nonce is given away."""
        signed = await self._signed(call, "")
        await self._hand_over(signed)
        return signed.hash

    async def resume(self, *, timeout_s: float = FINAL_SECONDS) -> tuple[TransactionReceipt, ...]:
        """Send again what an earlier client signed; return the receipts once all are final."""
        found, self._found = self._found, []
        receipts = []
        for signed in found:
            receipts.append(await self._deliver(signed, timeout_s))
            self._outbox.finish(signed)
        return tuple(receipts)

    async def ask(self, call: Call) -> bytes:
        """Run a call without sending it; raises `Reverted` with its reason where it would fail."""
        return await self.client.view(call.to, call.data, sender=self.address)

    async def _signed(self, call: Call, once: str) -> Signed:
        """Return the transaction of a call: found where an earlier client signed it, else new."""
        wish = keccak256(call.to + call.data)
        async with self._lock:
            named = self._outbox.named(self._chain_id, self.address, once) if once else None
            if named is not None and named.wish != wish:
                raise Refused(WISH_DIFFERS, why=f"{once!r} was {named.name}")
            for signed in [named] if named is not None else self._found:
                if signed.wish == wish:
                    self._found = [other for other in self._found if other != signed]
                    return signed
            signed = self._sign(call, wish, once, await self._nonce())
            self._outbox.add(signed)
            self._next = signed.nonce + 1
            return signed

    async def _nonce(self) -> int:
        """Return the next nonce that is not given away; gaps are filled first."""
        if self._next is None:
            self._next = await self.client.nonce(self.address)
        taken, nonce = self._outbox.taken(self._chain_id, self.address), self._next
        while nonce in taken:
            nonce += 1
        return nonce

    def _sign(self, call: Call, wish: Hash32, once: str, nonce: int) -> Signed:
        raw = sign_dynamic_fee(
            self._key,
            chain_id=self._chain_id,
            nonce=nonce,
            gas=CALL_GAS,
            to=call.to,
            data=call.data,
        )
        return Signed(self._chain_id, self.address, nonce, wish, call.name, once, raw)

    async def _deliver(self, signed: Signed, timeout_s: float) -> TransactionReceipt:
        """Send the same bytes until a block holds them."""
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    await self._hand_over(signed)
                    receipt = await self._look(signed)
                    if receipt is not None:
                        return receipt
        except TimeoutError as error:
            raise NotReady(
                f"transaction 0x{signed.hash.hex()} is in no block after {timeout_s:.0f} s",
                why=f"{signed.name}: it is signed and kept, and may still come into one",
                next_command="send the same again: it is taken up, never doubled",
            ) from error

    async def _hand_over(self, signed: Signed) -> None:
        """Hand the bytes to the node once; silence and what may pass leave them standing."""
        try:
            await self.client.send_raw(signed.raw)
            return
        except RemoteError as error:
            text = error.what.casefold()
            if error.number == 0 or error.number in _MAY_PASS:
                self._doubtful.add(signed.hash)
                return
            if any(known in text for known in _KNOWN):
                return
            if "nonce too low" in text:
                await self._require_own(signed)
                return
            if signed.hash in self._doubtful:
                return
            self._drop(signed)
            raise

    async def _require_own(self, signed: Signed) -> None:
        """Accept that a nonce is used only where it was by this very transaction."""
        if await self.client.receipt(signed.hash) is None:
            self._drop(signed)
            raise Refused(
                NONCE_TAKEN,
                why=f"{signed.name} with nonce {signed.nonce} is not on record, and never will be",
                next_command="find out who else signs with this key, then send it again",
            )

    def _drop(self, signed: Signed) -> None:
        self._outbox.forget(signed)
        self._next = None

    async def _look(self, signed: Signed) -> TransactionReceipt | None:
        """Ask for the receipt for a while; None where no block holds it yet."""
        for _ in range(POLLS_BEFORE_RESEND):
            try:
                found = await self.client.receipt(signed.hash)
            except RemoteError:
                found = None
            if found is not None:
                return found
            await asyncio.sleep(RECEIPT_POLL_S)
        return None

    async def _revert(self, call: Call, receipt: TransactionReceipt) -> Reverted:
        """Return the error, found by running the call again on the state before its block."""
        before, why = hex(receipt.block_number - 1), f"{call.name}, block {receipt.block_number}"
        try:
            await self.client.view(call.to, call.data, sender=self.address, at=before)
        except Reverted as error:
            return error_of(error.reason, why)
        return Reverted("reason depends on its block's other transactions", why=why)
