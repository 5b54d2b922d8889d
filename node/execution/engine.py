"""The seam between the ledger and whatever executes it: three protocols and their data.

`PreState` is all that execution reads, `BlockDiff` (in `node.spec.types`) all that it writes. An
`Engine` turns an environment, transactions and a pre-state into an `Execution`; a `StateTrie` turns
a root and a diff into the new root and the nodes made for it. Both are free of storage: they see
callables and return data, so a block that is never decided leaves no trace (N4).

Outcome is data, fault is exception: a reverted transaction is an `Outcome`; `InvalidTransaction`
says that a transaction may not stand in this block, and was raised by the rules that all engines
share (`node.spec.transaction`, judged in `node.execution.transition`). Anything an engine raises
after those rules had said "valid" is an `EngineFault`: ours, never the transaction's (N2).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, runtime_checkable

from node.errors import DecodeError, InvalidTransaction, NotReady
from node.spec.receipt import Log, Receipt
from node.spec.transaction import AccessList, Transaction
from node.spec.types import (
    ZERO_ADDRESS,
    ZERO_HASH,
    Account,
    Address,
    BlockDiff,
    Hash32,
    NodeReference,
    StateUpdate,
)

Cancel = Callable[[], bool]
"""Asked cheaply and often while executing; True abandons the work (N5)."""

GetNodes = Callable[[Sequence[NodeReference]], Sequence[bytes]]
"""Returns the trie nodes at these places, in order; raises StoreError where one is missing."""

Recovered = tuple[Transaction, Address | None] | DecodeError
"""A decoded transaction with its sender (None where the signature recovers to nobody), or why the
bytes are no transaction: data, so that one bad item does not lose the rest of a batch."""


def never() -> bool:
    """Never cancel."""
    return False


class ExecutionAbandoned(NotReady):
    """An execution was given up because its caller no longer wants the result."""


class PreState(Protocol):
    """What execution reads: the state after the parent block."""

    def account(self, address: Address) -> Account | None:
        """Return the account, None where there is none."""
        ...

    def storage(self, address: Address, slot: int) -> int:
        """Return the slot's value, 0 where it was never set."""
        ...

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash."""
        ...

    def block_hash(self, number: int) -> Hash32:
        """Return the hash of an earlier block of this chain."""
        ...


@dataclass(frozen=True, slots=True)
class BlockEnvironment:
    """What opcodes and system contracts can know of the block they run in."""

    number: int
    timestamp: int
    coinbase: Address
    """Where fees go and what COINBASE answers: the proposer, or the genesis' beneficiary."""
    gas_limit: int
    prev_randao: Hash32
    chain_id: int
    parent_hash: Hash32
    base_fee: int = 0
    parent_beacon_block_root: Hash32 = ZERO_HASH


@dataclass(frozen=True, slots=True)
class Message:
    """A call outside any block: `eth_call`, `eth_estimateGas`. Nonce and fees play no part."""

    sender: Address = ZERO_ADDRESS
    to: Address | None = None
    data: bytes = b""
    value: int = 0
    gas: int = 30_000_000
    access_list: tuple[tuple[Address, tuple[int, ...]], ...] = ()


class Status(Enum):
    """How a transaction or call ended."""

    SUCCESS = "success"
    REVERT = "revert"
    HALT = "halt"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one transaction or call did."""

    status: Status
    gas_used: int
    """After refunds and the calldata floor (EIP-3529, EIP-7623)."""
    logs: tuple[Log, ...] = ()
    return_data: bytes = b""
    """What the code returned, or the revert's data."""
    created: Address | None = None
    """The contract a successful creation left."""
    reason: str = ""
    """Why it halted, in the engine's words; for people only."""

    @property
    def succeeded(self) -> bool:
        """Whether the receipt's status is 1."""
        return self.status is Status.SUCCESS


@dataclass(frozen=True, slots=True)
class Execution:
    """What a block's transactions did, with every root but the state's."""

    transactions: tuple[Transaction, ...]
    """Those that ran: all that were given, or what a build chose."""
    senders: tuple[Address, ...]
    outcomes: Sequence[Outcome]
    receipts: Sequence[Receipt]
    receipt_envelopes: Sequence[bytes]
    """The receipts as they are stored and sent."""
    log_index: Sequence[tuple[int, bytes]]
    """What finds the block by its logs: see `node.spec.receipt.log_index`."""
    diff: BlockDiff
    gas_used: int
    bloom: bytes
    transactions_root: Hash32
    receipts_root: Hash32
    refused: Mapping[Hash32, InvalidTransaction] = field(default_factory=dict)
    """Candidates of a build that can not run, by transaction hash; empty for a check."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds by phase, where the engine measures them."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How long a proposer may fill its block (N5)."""

    seconds: float
    clock: Callable[[], float]
    """Seconds from a monotonic clock."""


class Engine(Protocol):
    """Executes whole blocks and single calls; holds no state of the ledger."""

    name: str
    heavy_gas_max: int | None
    """Gas a transaction may spend in precompiles 0x06 to 0x11 (N5); None where they are quick."""

    def recover(self, raws: Sequence[bytes]) -> Sequence[Recovered]:
        """Decode raw transactions and recover their senders, in the order given."""
        ...

    def execute(
        self,
        env: BlockEnvironment,
        transactions: Sequence[Transaction],
        senders: Sequence[Address],
        pre: PreState,
        *,
        cancel: Cancel = never,
    ) -> Execution:
        """Run a whole block.

        Raises:
            InvalidTransaction: one of them may not stand in this block.
            ExecutionAbandoned: `cancel` answered True.
            EngineFault: the engine failed.
        """
        ...

    def build(
        self,
        env: BlockEnvironment,
        candidates: Sequence[Transaction],
        senders: Sequence[Address],
        pre: PreState,
        *,
        budget: Budget,
        cancel: Cancel = never,
    ) -> Execution:
        """Run as many candidates as fit gas limit and budget; name those that can not run."""
        ...

    def call(
        self, env: BlockEnvironment, message: Message, pre: PreState, *, cancel: Cancel = never
    ) -> Outcome:
        """Run one message and forget what it wrote."""
        ...

    def trace(
        self, env: BlockEnvironment, message: Message, pre: PreState, *, cancel: Cancel = never
    ) -> tuple[Outcome, AccessList]:
        """Run one message; return its outcome and the addresses and slots it touched.

        Bare addresses that are warm in any case (sender, recipient, proposer, precompiles) are left
        out.
        """
        ...

    def estimate(
        self, env: BlockEnvironment, message: Message, pre: PreState, *, cancel: Cancel = never
    ) -> int | Outcome:
        """Return gas, within a 64th of the least, with which a message succeeds.

        The message's own gas is the most that is tried; an outcome says how it fails with that.
        """
        ...

    def committed(self, parent_root: Hash32, root: Hash32, diff: BlockDiff) -> None:
        """Learn that the head's state is now the one under `root`, made by `diff`.

        What an engine keeps of the head's state follows; it is a matter of speed alone.
        """
        ...


@runtime_checkable
class Tracer(Protocol):
    """An engine that can also say how it came to an outcome, as geth's tracers do.

    Options are geth's, as JSON; traces are JSON too.

    Raises:
        InvalidTransaction: no such tracer, or a wrong configuration of it.
        ExecutionAbandoned: `cancel` answered True, or the trace is too long to be told.
    """

    def trace_block(
        self,
        env: BlockEnvironment,
        transactions: Sequence[Transaction],
        senders: Sequence[Address],
        pre: PreState,
        options: str,
        traced: range,
        *,
        cancel: Cancel = never,
    ) -> list[str]:
        """Run a block's transactions over its pre-state and trace those in a range."""
        ...

    def trace_call(
        self,
        env: BlockEnvironment,
        message: Message,
        pre: PreState,
        options: str,
        *,
        cancel: Cancel = never,
    ) -> str:
        """Trace one message."""
        ...


class StateTrie(Protocol):
    """Computes state roots."""

    def update(self, root: Hash32, diff: BlockDiff, get_nodes: GetNodes) -> StateUpdate:
        """Return the root after `diff`, the nodes made for it, and those it does without.

        Raises:
            EngineFault: the nodes contradict themselves.
        """
        ...
