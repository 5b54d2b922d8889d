"""The pool's door decides on the head's state; a stale or second answer would waste blocks."""

import pytest

from node.errors import DecodeError, InvalidTransaction
from node.runtime.pool import PoolDoor
from node.spec.types import Hash32
from tests.unit.chain.kit import (
    GOVERNOR,
    SENDER,
    STRANGER_KEY,
    VALIDATORS,
    call,
    ledger,
    sealed,
    transfer,
)


@pytest.fixture
def door() -> PoolDoor:
    return PoolDoor(ledger())


def test_a_transaction_is_admitted_once(door: PoolDoor) -> None:
    assert not door.executable
    sent = transfer()
    assert door.submit(sent.raw) == sent.hash
    assert (len(door), door.executable, door.sizes()) == (1, True, (1, 0))
    assert door.candidates() == [sent]
    assert door.raws() == [sent.raw]
    with pytest.raises(InvalidTransaction, match="already known"):
        door.submit(sent.raw)
    assert door.admit(sent.raw) is False, "a peer may tell it again"


@pytest.mark.parametrize("raw", [b"", b"\x02\xc0", b"\xff" * 200])
def test_what_is_no_transaction(door: PoolDoor, raw: bytes) -> None:
    with pytest.raises(DecodeError):
        door.submit(raw)
    with pytest.raises(DecodeError):
        door.admit(raw)


def test_who_has_no_permission_is_refused(door: PoolDoor) -> None:
    with pytest.raises(InvalidTransaction):
        door.submit(call(STRANGER_KEY, 0, GOVERNOR, b"").raw)
    assert len(door) == 0


def test_a_gap_waits_and_is_filled(door: PoolDoor) -> None:
    door.submit(transfer(nonce=1).raw)
    assert (door.executable, door.sizes()) == (False, (0, 1))
    assert door.candidates() == []
    door.submit(transfer(nonce=0).raw)
    assert [entry.nonce for entry in door.candidates()] == [0, 1]
    assert door.next_nonce(SENDER, 0) == 2
    assert door.next_nonce(GOVERNOR, 5) == 5


def test_a_block_takes_its_transactions_out() -> None:
    chain = ledger()
    door = PoolDoor(chain)
    first, second = transfer(nonce=0), transfer(nonce=1)
    door.submit(first.raw)
    door.submit(second.raw)
    timestamp = chain.head.timestamp + 1
    block = sealed(chain.build(timestamp, VALIDATORS[0], [first]).block, chain.validators[:3])
    door.head_changed(chain.commit(block))
    assert door.candidates() == [second]
    assert door.admit(first.raw) is False, "it is in a block"
    with pytest.raises(InvalidTransaction, match="nonce too low"):
        door.submit(first.raw)


def test_what_waits_can_be_looked_up_and_dropped(door: PoolDoor) -> None:
    sent = transfer()
    door.submit(sent.raw)
    assert door.pending(sent.hash) == (sent, SENDER)
    assert door.pending(Hash32(bytes(32))) is None
    door.drop([sent.hash, Hash32(bytes(32))])
    assert door.pending(sent.hash) is None
    assert not door.executable
