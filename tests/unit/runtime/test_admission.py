"""Everything enters the pool by this queue: order, errors and back-pressure are its promises."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import pytest_asyncio

from node.errors import DecodeError, InvalidTransaction, SignatureError
from node.runtime import admission as module
from node.runtime.admission import Admission
from node.runtime.pool import PoolDoor
from tests.unit.chain.kit import ledger, transfer


class Desk:
    """An admission over a real ledger that counts its worker's batches."""

    def __init__(self, worker: ThreadPoolExecutor) -> None:
        self.chain = ledger()
        self.pool = PoolDoor(self.chain)
        self.batches: list[int] = []
        self.admission = Admission(self._resolve, self.pool, worker)

    def _resolve(self, raws: Sequence[bytes]) -> Any:
        self.batches.append(len(raws))
        return self.chain.transactions.resolve_each(raws)


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    with ThreadPoolExecutor(1) as worker:
        yield Desk(worker)


async def test_each_item_is_answered_in_its_place(desk: Desk) -> None:
    first, second = transfer(nonce=0), transfer(nonce=1)
    nobody = first.raw.replace(first.r.to_bytes(32, "big"), b"\xff" * 32)
    stranger = transfer(key=b"\x11" * 32)
    raws = [second.raw, b"\x03\xc0", first.raw, nobody, stranger.raw, first.raw]
    found = await desk.admission.admit(raws)
    assert (found[0], found[2]) == (second.hash, first.hash)
    kinds = [DecodeError, SignatureError, InvalidTransaction, InvalidTransaction]
    assert [type(found[place]) for place in (1, 3, 4, 5)] == kinds
    assert desk.pool.candidates() == [first, second]
    assert await desk.admission.admit([]) == []


async def test_what_waits_goes_to_the_worker_together(desk: Desk) -> None:
    sent = [transfer(nonce=nonce) for nonce in range(6)]
    answers = await asyncio.gather(*(desk.admission.admit([item.raw]) for item in sent))
    assert answers == [[item.hash] for item in sent]
    assert desk.batches == [6]


async def test_a_batch_has_a_bound(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_MAX", 4)
    sent = [transfer(nonce=nonce) for nonce in range(6)]
    parts = [[item.raw for item in sent[place : place + 2]] for place in (0, 2, 4)]
    await asyncio.gather(*(desk.admission.admit(part) for part in parts))
    assert desk.batches == [4, 2]
    assert desk.pool.candidates() == sent


async def test_who_brings_too_much_waits(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_MAX", 2)
    sent = [transfer(nonce=nonce) for nonce in range(3)]
    first = asyncio.create_task(desk.admission.admit([item.raw for item in sent[:2]]))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(desk.admission.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    await first
    await waiting
    assert await desk.admission.admit([sent[2].raw]) == [sent[2].hash]


async def test_a_fault_of_our_own_reaches_everyone_who_waits() -> None:
    def fail(_raws: Sequence[bytes]) -> Any:
        raise LookupError("ours")

    with ThreadPoolExecutor(1) as worker:
        admission = Admission(fail, PoolDoor(ledger()), worker)
        answers = await asyncio.gather(
            *(admission.admit([b"x"]) for _ in range(2)), return_exceptions=True
        )
    assert [type(answer) for answer in answers] == [LookupError, LookupError]
