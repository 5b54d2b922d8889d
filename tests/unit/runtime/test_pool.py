"""The pool's door decides on the head's state; a stale or second answer would waste blocks."""

import pytest

from node.chain.ledger import Ledger
from node.errors import InvalidTransaction
from node.runtime.pool import PoolDoor
from node.spec.block import Block
from node.spec.transaction import Transaction, recover_sender
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


def put(door: PoolDoor, transaction: Transaction) -> None:
    door.add(transaction, recover_sender(transaction))


@pytest.fixture
def door() -> PoolDoor:
    return PoolDoor(ledger())


def test_a_transaction_is_admitted_once(door: PoolDoor) -> None:
    assert not door.executable
    sent = transfer()
    put(door, sent)
    assert (len(door), door.executable, door.sizes()) == (1, True, (1, 0))
    assert door.candidates() == [sent]
    assert door.raws() == [sent.raw]
    with pytest.raises(InvalidTransaction, match="already known"):
        put(door, sent)


def test_who_has_no_permission_is_refused(door: PoolDoor) -> None:
    with pytest.raises(InvalidTransaction):
        put(door, call(STRANGER_KEY, 0, GOVERNOR, b""))
    assert len(door) == 0


def test_a_gap_waits_and_is_filled(door: PoolDoor) -> None:
    put(door, transfer(nonce=1))
    assert (door.executable, door.sizes()) == (False, (0, 1))
    assert door.candidates() == []
    put(door, transfer(nonce=0))
    assert [entry.nonce for entry in door.candidates()] == [0, 1]
    assert door.next_nonce(SENDER, 0) == 2
    assert door.next_nonce(GOVERNOR, 5) == 5


def test_a_block_takes_its_transactions_out() -> None:
    chain = ledger()
    door = PoolDoor(chain)
    first, second = transfer(nonce=0), transfer(nonce=1)
    put(door, first)
    put(door, second)
    timestamp = chain.head.timestamp + 1
    block = sealed(chain.build(timestamp, VALIDATORS[0], [first]).block, chain.validators[:3])
    door.head_changed(chain.commit(block))
    assert door.candidates() == [second]
    with pytest.raises(InvalidTransaction, match="nonce too low"):
        put(door, first)


def test_what_waits_can_be_looked_up_and_dropped(door: PoolDoor) -> None:
    sent = transfer()
    put(door, sent)
    assert door.pending(sent.hash) == (sent, SENDER)
    assert door.pending(Hash32(bytes(32))) is None
    door.drop([sent.hash, Hash32(bytes(32))])
    assert door.pending(sent.hash) is None
    assert not door.executable


def test_a_senders_standing_is_read_once_a_head(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = ledger()
    door = PoolDoor(chain)
    asked: list[bytes] = []
    read = door._read_standing
    monkeypatch.setattr(
        door, "_read_standing", lambda view, sender: asked.append(sender) or read(view, sender)
    )
    put(door, transfer(nonce=0))
    put(door, transfer(nonce=1))
    assert asked == [SENDER]
    door.head_changed(chain.commit(grown(chain)))
    put(door, transfer(nonce=2))
    assert asked == [SENDER, SENDER]


def grown(chain: Ledger) -> Block:
    built = chain.build(chain.head.timestamp + 1, VALIDATORS[0], [])
    return sealed(built.block, chain.validators[:3])
