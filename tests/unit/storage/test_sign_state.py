"""A validator that forgets what it signed can break safety: nothing may undo or double a record."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import EquivocationRefused, StoreError
from node.spec.crypto import keccak256
from node.storage.kv import Batch, MemoryKeyValue
from node.storage.sign_state import SCHEMA_VERSION, SignedRecord, SignState

PROPOSAL, PREPARE, COMMIT, ROUND_CHANGE = 0x12, 0x13, 0x14, 0x15
ORDER = (ROUND_CHANGE, PROPOSAL, PREPARE, COMMIT)


def entry(height: int, round_number: int, kind: int, value: bytes = b"v") -> SignedRecord:
    return SignedRecord(height, round_number, kind, keccak256(value), b"bytes of " + value)


def test_exact_bytes_come_back_after_a_crash() -> None:
    kv = MemoryKeyValue()
    state = SignState(kv)
    signed = [entry(5, 0, PROPOSAL), entry(5, 0, PREPARE), entry(5, 0, COMMIT)]
    for item in signed[:2]:
        state.record(item)
    state.record(signed[2], b"certificate")
    again = SignState(kv.crash())
    assert again.records(5) == tuple(signed)
    assert again.certificate(5) == b"certificate"
    assert again.last_height() == 5
    assert again.records(4) == ()
    assert again.certificate(4) == b""


def test_a_second_value_is_refused_before_and_after_a_restart() -> None:
    kv = MemoryKeyValue()
    SignState(kv).record(entry(5, 0, PREPARE, b"one"))
    for state in (SignState(kv), SignState(kv.crash())):
        with pytest.raises(EquivocationRefused, match="code 0x13 at height 5 round 0"):
            state.record(entry(5, 0, PREPARE, b"two"))
        state.record(entry(5, 0, PREPARE, b"one"))
        assert [item.message for item in state.records(5)] == [b"bytes of one"]


@pytest.mark.parametrize(
    "lower",
    [entry(5, 2, PROPOSAL), entry(5, 2, ROUND_CHANGE), entry(5, 1, COMMIT), entry(4, 9, COMMIT)],
)
def test_nothing_lower_is_signed(lower: SignedRecord) -> None:
    state = SignState(MemoryKeyValue())
    state.record(entry(5, 2, PREPARE))
    with pytest.raises(EquivocationRefused, match="refused to sign"):
        state.record(lower)


def test_a_new_height_forgets_the_older_ones() -> None:
    kv = MemoryKeyValue()
    state = SignState(kv)
    state.record(entry(5, 0, PREPARE))
    state.record(entry(5, 0, COMMIT), b"old")
    state.record(entry(6, 0, ROUND_CHANGE))
    for held in (state, SignState(kv.crash())):
        assert held.records(5) == ()
        assert held.certificate(5) == b""
        assert held.last_height() == 6
    with pytest.raises(EquivocationRefused):
        state.record(entry(5, 0, PREPARE))


class FailingDisk(MemoryKeyValue):
    """A disk that stops taking writes."""

    broken = False

    def write(self, batch: Batch, *, sync: bool) -> None:
        if self.broken:
            raise StoreError("no space left")
        super().write(batch, sync=sync)


def test_what_was_not_written_was_not_recorded() -> None:
    kv = FailingDisk()
    state = SignState(kv)
    kv.broken = True
    with pytest.raises(StoreError):
        state.record(entry(5, 0, PREPARE, b"one"))
    kv.broken = False
    assert state.records(5) == ()
    state.record(entry(5, 0, PREPARE, b"two"))
    assert SignState(kv.crash()).records(5) == (entry(5, 0, PREPARE, b"two"),)


def test_a_newer_schema_is_refused() -> None:
    kv = MemoryKeyValue({b"schema": (SCHEMA_VERSION + 1).to_bytes(4, "big")})
    with pytest.raises(StoreError, match="newer version"):
        SignState(kv)


def test_unknown_codes_are_refused() -> None:
    with pytest.raises(StoreError, match="unknown message code"):
        SignState(MemoryKeyValue()).record(replace(entry(1, 0, PREPARE), kind=0x16))


@given(
    st.lists(
        st.tuples(
            st.integers(1, 3),
            st.integers(0, 2),
            st.sampled_from(ORDER),
            st.sampled_from([b"x", b"y"]),
        ),
        max_size=25,
    ),
    st.data(),
)
def test_no_history_of_tries_and_crashes_signs_two_values(
    tries: list[tuple[int, int, int, bytes]], data: st.DataObject
) -> None:
    kv = MemoryKeyValue()
    signed: dict[tuple[int, int, int], bytes] = {}
    highest = (0, 0, 0)
    for height, round_number, kind, value in tries:
        if data.draw(st.booleans(), label="crash"):
            kv = kv.crash()
        place = (height, round_number, ORDER.index(kind))
        try:
            SignState(kv).record(entry(height, round_number, kind, value))
        except EquivocationRefused:
            assert place < highest or signed.get(place) != value
            continue
        assert signed.setdefault(place, value) == value
        highest = max(highest, place)
