"""qbft_, debug_getRaw* and what says plainly that it is refused."""

from typing import Any, Final

from node.rpc.backend import Backend
from node.rpc.dispatch import Method, Params
from node.rpc.params import argument, to_hash
from node.rpc.shapes import data
from node.spec.block import encode_block
from node.spec.header import encode_header
from node.spec.receipt import encode_receipt

MODULES: Final = ("debug", "eth", "net", "qbft", "rpc", "txpool", "web3")

REFUSED: Final = {
    "eth_sign": "a node holds no keys; sign in the client or with Web3Signer",
    "eth_signTransaction": "a node holds no keys; sign in the client or with Web3Signer",
    "eth_sendTransaction": "a node holds no keys; sign first, then eth_sendRawTransaction",
    "personal_*": "a node holds no keys",
    "miner_*": "blocks are proposed by QBFT in turn",
    "engine_*": "there is no separate consensus client",
    "qbft_proposeValidatorVote": "validators are kept by the Members contract",
    "qbft_discardValidatorVote": "validators are kept by the Members contract",
    "qbft_getPendingVotes": "validators are kept by the Members contract",
}


class LedgerMethods:
    """Raw bytes whose hashes a client can check, and validator sets."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._blocks = backend.store.blocks

    def methods(self) -> dict[str, Method]:
        """Return the method table."""
        return {
            "debug_getRawHeader": self.raw_header,
            "debug_getRawBlock": self.raw_block,
            "debug_getRawReceipts": self.raw_receipts,
            "debug_getRawTransaction": self.raw_transaction,
            "qbft_getValidatorsByBlockNumber": self.validators_by_number,
            "qbft_getValidatorsByBlockHash": self.validators_by_hash,
            "rpc_modules": self.modules,
        }

    async def raw_header(self, params: Params) -> str:
        """Return a header's RLP, seals included."""
        return data(encode_header(self._backend.header(argument(params, 0, "block"))))

    async def raw_block(self, params: Params) -> str:
        """Return a block's RLP, seals included."""
        header = self._backend.header(argument(params, 0, "block"))
        found = self._backend.block(header.number)
        assert found is not None, "a block whose header exists"
        return data(encode_block(found[0]))

    async def raw_receipts(self, params: Params) -> list[str]:
        """Return the envelopes of a block's receipts."""
        header = self._backend.header(argument(params, 0, "block"))
        receipts = self._blocks.receipts(header.number) or ()
        return [data(encode_receipt(receipt)) for receipt in receipts]

    async def raw_transaction(self, params: Params) -> str | None:
        """Return a transaction's raw bytes."""
        found = self._blocks.transaction(to_hash(argument(params, 0, "hash")))
        return None if found is None else data(found[0].raw)

    async def validators_by_number(self, params: Params) -> list[str]:
        """Return the set that sealed a block; at `pending`, the one for the next block."""
        value: Any = argument(params, 0, "block")
        number = self._backend.head + 1 if value == "pending" else self._backend.number(value)
        return [data(address) for address in self._backend.validators_at(number)]

    async def validators_by_hash(self, params: Params) -> list[str]:
        """Return the set that sealed the block with a hash."""
        number = self._backend.number_of_hash(to_hash(argument(params, 0, "hash")))
        return [data(address) for address in self._backend.validators_at(number)]

    async def modules(self, _params: Params) -> dict[str, str]:
        """Return the namespaces served."""
        return dict.fromkeys(MODULES, "1.0")
