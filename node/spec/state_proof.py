"""Reading accounts and slots from proofs: a state root in, values out, nobody trusted.

Keys of both tries are hashed (yellow paper, section 4.1), and an absent slot is the value 0, shown
by exclusion. A `StorageProof` names its slots in ascending order and proves each once, so that a
set of facts has one form.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from node.errors import DecodeError, ProofError
from node.spec.account import decode_account
from node.spec.codec import decode, to_int
from node.spec.crypto import keccak256
from node.spec.slots import ReadSlot
from node.spec.trie import verify
from node.spec.types import Account, Address, Hash32

SLOTS_MAX: Final = 512


@dataclass(frozen=True, slots=True)
class SlotProof:
    """A slot and the nodes from its account's storage root down."""

    slot: int
    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class StorageProof:
    """The nodes from a state root to an account, and the proofs of some of its slots."""

    account: tuple[bytes, ...]
    slots: tuple[SlotProof, ...]


def verify_account(
    state_root: Hash32, address: Address, nodes: tuple[bytes, ...]
) -> Account | None:
    """Return the account that `nodes` prove, None where they prove that there is none."""
    value = verify(state_root, keccak256(address), nodes)
    if value is None:
        return None
    try:
        return decode_account(value)
    except DecodeError as error:
        raise ProofError(f"account 0x{address.hex()}: {error.what}") from error


def verify_storage(state_root: Hash32, address: Address, proof: StorageProof) -> Mapping[int, int]:
    """Return the values of the proved slots.

    Raises:
        ProofError: a node does not hold, or slots are not strictly ascending.
    """
    slots = [part.slot for part in proof.slots]
    if len(slots) > SLOTS_MAX or any(a >= b for a, b in pairwise(slots)):
        raise ProofError("storage proof: slots are not strictly ascending")
    account = verify_account(state_root, address, proof.account)
    if account is None:
        raise ProofError(f"storage proof: no account 0x{address.hex()}")
    return {part.slot: _verify_slot(account.storage_root, part) for part in proof.slots}


def _verify_slot(storage_root: Hash32, part: SlotProof) -> int:
    value = verify(storage_root, keccak256(part.slot.to_bytes(32, "big")), part.nodes)
    if value is None:
        return 0
    try:
        number = to_int(decode(value), "slot value", 256)
    except DecodeError as error:
        raise ProofError(f"slot 0x{part.slot:x}: {error.what}") from error
    if number == 0:
        raise ProofError(f"slot 0x{part.slot:x}: a stored zero")
    return number


def reader(values: Mapping[int, int]) -> ReadSlot:
    """Return a function that reads proved slots and raises `ProofError` for others."""

    def read(slot: int) -> int:
        if slot not in values:
            raise ProofError(f"slot 0x{slot:x} is not proved")
        return values[slot]

    return read
