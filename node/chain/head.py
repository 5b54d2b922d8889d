"""What the ledger hands out: the head with its state, executed blocks, and what became of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from node.errors import InvalidTransaction
from node.execution.engine import Execution
from node.spec import registry
from node.spec.block import Block
from node.spec.header import Header
from node.spec.types import Address, Hash32, StateUpdate
from node.storage.state import FlatState


@dataclass(frozen=True, slots=True)
class HeadView:
    """The head with what follows from its state."""

    header: Header
    hash: Hash32
    state: FlatState
    validators: tuple[Address, ...]
    """Who validates the next block, ascending."""

    def read_members(self, slot: int) -> int:
        """Return a slot of the Members contract."""
        return self.state.storage(registry.MEMBERS, slot)

    def may_send(self, account: Address) -> bool:
        """Whether the account may send transactions in the next block (N9)."""
        return registry.may_send(self.read_members, account)


@dataclass(frozen=True, slots=True)
class Overlay:
    """An executed block that is not committed."""

    execution: Execution
    update: StateUpdate


@dataclass(frozen=True, slots=True)
class Built:
    """A block made upon the head, and the candidates that can not run, by transaction hash."""

    block: Block
    refused: Mapping[Hash32, InvalidTransaction]


@dataclass(frozen=True, slots=True)
class NewHead:
    """A block that has just become the head."""

    block: Block
    hash: Hash32
    execution: Execution


Listener = Callable[[NewHead], None]
