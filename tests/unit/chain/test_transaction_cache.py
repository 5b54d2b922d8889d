"""Recovering senders is the dearest step of a small transaction: it must happen once."""

from collections.abc import Sequence

import pytest

from node.chain.transaction_cache import TransactionCache
from node.errors import DecodeError
from node.execution.engine import Recovered
from tests.engines import engine

from .kit import GOVERNOR, GOVERNOR_KEY, SENDER, transfer


class Counting:
    """An engine's recovery that counts."""

    count = 0

    def recover(self, raws: Sequence[bytes]) -> Sequence[Recovered]:
        found = engine().recover(raws)
        self.count += sum(not isinstance(item, DecodeError) for item in found)
        return found


def test_each_transaction_is_recovered_once() -> None:
    engine = Counting()
    cache = TransactionCache(engine)
    one, other = transfer(), transfer(GOVERNOR_KEY)
    assert cache.resolve([one.raw]) == [(one, SENDER)]
    assert cache.resolve([other.raw, one.raw]) == [(other, GOVERNOR), (one, SENDER)]
    assert engine.count == 2


def test_the_oldest_leave_when_it_is_full() -> None:
    engine = Counting()
    cache = TransactionCache(engine, size_max=2)
    items = [transfer(nonce=n) for n in range(3)]
    cache.resolve([item.raw for item in items])
    cache.resolve([items[2].raw])
    assert engine.count == 3
    cache.resolve([items[0].raw])
    assert engine.count == 4


def test_a_batch_larger_than_the_cache_is_whole() -> None:
    cache = TransactionCache(Counting(), size_max=1)
    items = [transfer(nonce=n) for n in range(3)]
    assert [found for found, _ in cache.resolve([item.raw for item in items])] == items


def test_a_reader_leaves_nothing_behind() -> None:
    engine = Counting()
    cache = TransactionCache(engine)
    one, other = transfer(), transfer(GOVERNOR_KEY)
    cache.resolve([one.raw])
    for _ in range(2):
        assert cache.read([other.raw, one.raw]) == [(other, GOVERNOR), (one, SENDER)]
    assert engine.count == 3


def test_what_is_no_transaction_is_an_error() -> None:
    cache = TransactionCache(Counting())
    for way in (cache.resolve, cache.read):
        with pytest.raises(DecodeError):
            way([transfer().raw, b"\x03\xc0"])


def test_each_item_has_its_own_answer() -> None:
    engine = Counting()
    good, other = transfer(), transfer(GOVERNOR_KEY)
    found = TransactionCache(engine).resolve_each([good.raw, b"\x03\xc0", other.raw])
    assert (found[0], found[2]) == ((good, SENDER), (other, GOVERNOR))
    assert isinstance(found[1], DecodeError)
    assert engine.count == 2


def test_what_is_forgotten_is_recovered_anew() -> None:
    engine = Counting()
    cache = TransactionCache(engine)
    one = transfer()
    cache.resolve([one.raw])
    cache.forget([one.raw, b"never met"])
    assert cache.resolve([one.raw]) == [(one, SENDER)]
    assert engine.count == 2
