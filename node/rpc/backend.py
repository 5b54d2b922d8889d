"""What methods read and do: the store, the engine, and the two doors into the runtime.

Reads go straight to the store, which any thread may use; only sending and the pool's view pass
through the event loop. With QBFT every stored block is final, so `safe`, `finalized`, `pending` and
`latest` are one block.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from node.errors import DataccordError
from node.execution.engine import BlockEnvironment, Engine, PreState
from node.rpc.dispatch import INVALID_PARAMS, SERVER_ERROR, RpcError
from node.rpc.params import TAGS, to_hash, to_quantity
from node.rpc.whole import Resolve
from node.spec.block import Block
from node.spec.header import Header
from node.spec.transaction import Transaction
from node.spec.types import Address, Hash32
from node.storage.chain_store import ChainStore
from node.storage.state import TrieState

NUMBER_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Pending:
    """A transaction that waits in the pool."""

    transaction: Transaction
    sender: Address


@dataclass(frozen=True, slots=True)
class Backend:
    """Everything the methods stand on."""

    store: ChainStore
    engine: Engine
    head_state: Callable[[], tuple[int, PreState]]
    """The newest block's number and the state after it."""
    environment: Callable[[Header], BlockEnvironment]
    """What opcodes know in a block with this header; a call sees it on the state after it."""
    chain_id: int
    client_version: str
    resolve: Resolve
    """Raw transactions to decoded ones with their senders, from memory where they are known."""
    validators_at: Callable[[int], tuple[Address, ...]]
    """The validator set that sealed a block; of head + 1, the one for the next."""
    send: Callable[[Sequence[bytes]], Awaitable[Sequence[Hash32 | DataccordError]]]
    """Admit raw transactions to the pool and announce them; say what became of each."""
    pending: Callable[[Hash32], Pending | None]
    next_nonce: Callable[[Address, int], int]
    """An account's next nonce, given its nonce in the head's state, pool counted."""
    pool_size: Callable[[], tuple[int, int]]
    """Transactions that are executable, and that wait for an earlier nonce."""
    peer_count: Callable[[], int]
    best_known: Callable[[], int]
    """The highest head any peer told of."""

    @property
    def head(self) -> int:
        """The newest block's number."""
        return self.store.head().number

    def number(self, value: Any) -> int:
        """Return the number of the block a parameter names: tag, quantity, hash or object."""
        if value is None or (isinstance(value, str) and value in TAGS):
            return 0 if value == "earliest" else self.head
        if isinstance(value, dict):
            return self._number_of_object(value)
        if isinstance(value, str) and len(value) == 66:
            return self.number_of_hash(to_hash(value, "block hash"))
        return to_quantity(value, "block number", NUMBER_MAX)

    def _number_of_object(self, value: dict[str, Any]) -> int:
        if "blockHash" in value:
            return self.number_of_hash(to_hash(value["blockHash"], "blockHash"))
        if "blockNumber" in value:
            return self.number(value["blockNumber"])
        raise RpcError(INVALID_PARAMS, "invalid argument: blockNumber or blockHash expected")

    def number_of_hash(self, block_hash: Hash32) -> int:
        """Return the number of the block with a hash; an error where there is none."""
        number = self.store.blocks.number_of(block_hash)
        if number is None:
            raise RpcError(SERVER_ERROR, "header for hash not found")
        return number

    def header(self, value: Any) -> Header:
        """Return the header of an existing block."""
        header = self.store.blocks.header(self.number(value))
        if header is None:
            raise RpcError(SERVER_ERROR, "header not found")
        return header

    def block(self, number: int) -> tuple[Block, Hash32] | None:
        """Return a block with its hash, None where the chain is shorter."""
        block, block_hash = self.store.blocks.block(number), self.store.blocks.hash_of(number)
        return None if block is None or block_hash is None else (block, block_hash)

    def state(self, value: Any) -> PreState:
        """Return the state after a block: the head's is flat, which a read costs far less."""
        number = self.number(value)
        head, state = self.head_state()
        return state if number == head else self.trie_state(number)

    def trie_state(self, value: Any) -> TrieState:
        """Return the state after a block with its trie, which proves what it holds."""
        return self.store.state_at(self.header(value).state_root)
