"""Receipts lose their blooms on the way to the disk: nothing else may be lost with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import DecodeError
from node.spec.receipt import Log, Receipt, encode_receipt
from node.spec.types import Address, Hash32
from node.storage.receipts import decode_receipts, encode_receipts

LOGS = st.builds(
    Log,
    st.binary(min_size=20, max_size=20).map(Address),
    st.lists(st.binary(min_size=32, max_size=32).map(Hash32), max_size=4).map(tuple),
    st.binary(max_size=400),
)
RECEIPTS = st.builds(
    Receipt,
    st.sampled_from([0, 1, 2, 4]),
    st.booleans(),
    st.integers(0, 2**64 - 1),
    st.lists(LOGS, max_size=3).map(tuple),
)


@given(st.lists(RECEIPTS, max_size=4))
def test_what_was_stored_comes_back(receipts: list[Receipt]) -> None:
    stored = encode_receipts(encode_receipt(receipt) for receipt in receipts)
    assert decode_receipts(stored) == tuple(receipts)
    assert len(stored) <= sum(len(encode_receipt(item)) - 240 for item in receipts) + 9


def test_a_bloom_in_the_data_is_no_bloom() -> None:
    """The bytes a bloom begins with may stand in gas and data too."""
    prefix = b"\xb9\x01\x00"
    log = Log(Address(prefix + bytes(17)), (), prefix + bytes(256))
    receipts = (Receipt(2, True, int.from_bytes(prefix, "big"), (log,)), Receipt(0, False, 0, ()))
    assert decode_receipts(encode_receipts(map(encode_receipt, receipts))) == receipts


@pytest.mark.parametrize("data", [b"", b"\xc1\xc0", b"\xc2\x02\x80", b"\xc5\x84\x02\xc2\x01\x80"])
def test_what_is_damaged_is_an_error(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_receipts(data)
