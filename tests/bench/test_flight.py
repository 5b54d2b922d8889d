"""Latency and throughput are read from what is noted here, so each note is tried."""

from scripts.bench.flight import Flight


def test_a_transaction_counts_once_from_its_departure() -> None:
    flight = Flight()
    flight.depart(["a", "b"], 10.0)
    flight.arrive(1, ["a", "stranger"], 11.5)
    flight.arrive(2, ["a", "b"], 13.0)
    assert list(flight.latencies) == [1.5, 3.0]
    assert flight.blocks == [(1, 1, 11.5), (2, 1, 13.0)]
    assert flight.seconds == 3.0
    assert not flight.waiting


def test_an_empty_block_does_not_lengthen_the_load() -> None:
    flight = Flight()
    flight.depart(["a"], 10.0)
    flight.arrive(1, ["a"], 11.0)
    flight.arrive(2, [], 21.0)
    assert flight.seconds == 1.0


def test_a_refused_one_is_not_waited_for() -> None:
    flight = Flight()
    flight.depart(["a", "b"], 10.0)
    flight.refuse("a", "nonce too low")
    flight.refuse("a", "nonce too low")
    assert flight.refused == {"nonce too low": 1}
    assert list(flight.waiting) == ["b"]


def test_the_sustained_rate_is_that_of_the_blocks_between() -> None:
    flight = Flight(blocks=[(1, 5, 10.0), (2, 100, 11.0), (3, 0, 12.0), (4, 200, 13.0)])
    assert flight.sustained == 100.0
    flight.blocks.append((5, 7, 13.1))
    assert flight.sustained == 100.0
    del flight.blocks[1:]
    assert flight.sustained is None


def test_gaps_are_those_within_the_load() -> None:
    flight = Flight(first_sent=10.0, last_seen=14.0)
    flight.head_times = [2.0, 10.5, 11.5, 13.75, 30.0]
    assert flight.gaps == [1.0, 2.25]
