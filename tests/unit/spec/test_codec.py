"""RLP decides what a hash means: two encodings of one value would be two hashes of one thing."""

import pytest
import rlp
from hypothesis import given
from hypothesis import strategies as st

from node.errors import DecodeError
from node.spec.codec import (
    decode,
    encode,
    int_to_bytes,
    to_address,
    to_bytes,
    to_hash,
    to_int,
    to_list,
)

ITEMS = st.recursive(
    st.binary(max_size=70), lambda inner: st.lists(inner, max_size=6), max_leaves=30
)


@given(ITEMS)
def test_round_trip_agrees_with_pyrlp(item):
    data = encode(item)
    assert data == rlp.encode(item)
    assert decode(data) == item


@given(st.binary(max_size=80))
def test_whatever_decodes_is_canonical(data):
    try:
        item = decode(data)
    except DecodeError:
        with pytest.raises(rlp.exceptions.RLPException):
            rlp.decode(data)
    else:
        assert encode(item) == data


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "no bytes"),
        (b"\x81", "truncated"),
        (b"\x81\x7f", "single byte behind a prefix"),
        (b"\xb8\x37" + b"x" * 55, "truncated or not minimal"),
        (b"\xb9\x00\x38" + b"x" * 56, "truncated or not minimal"),
        (b"\xb8", "truncated or not minimal"),
        (b"\xbf" + b"\xff" * 8, "truncated"),
        (b"\xc1", "truncated"),
        (b"\x01\x01", "bytes after the end"),
        (b"\xc1\xc1", "truncated"),
        (b"\xc1\xb8", "truncated or not minimal"),
    ],
)
def test_malformed_bytes_are_named(data, complaint):
    with pytest.raises(DecodeError, match=complaint):
        decode(data)


def test_nesting_is_bounded_without_recursion():
    assert decode(encode([[[b"x"]]]), depth_max=3) == [[[b"x"]]]
    with pytest.raises(DecodeError, match="nested too deep"):
        decode(encode([[[[b"x"]]]]), depth_max=3)
    deep: list = []
    for _ in range(500):
        deep = [deep]
    with pytest.raises(DecodeError, match="nested too deep"):
        decode(encode(deep))


def test_integers_are_minimal_and_bounded():
    assert int_to_bytes(0) == b""
    assert to_int(b"\x01\x00", "n") == 256
    assert to_int(b"\xff" * 8, "n") == 2**64 - 1
    with pytest.raises(ValueError, match="no negative"):
        int_to_bytes(-1)
    for item, complaint in [
        (b"\x00", "leading zero"),
        (b"\x01" + bytes(8), "above 64 bits"),
        (b"\x01" * 40, "above 64 bits"),
        ([], "expected a string"),
    ]:
        with pytest.raises(DecodeError, match=complaint):
            to_int(item, "n")
    with pytest.raises(DecodeError, match="above 1 bits"):
        to_int(b"\x02", "n", 1)


def test_shapes_are_named():
    assert to_list([b""], "l", 1) == [b""]
    assert to_bytes(b"ab", "b", 2) == b"ab"
    assert to_address(b"a" * 20, "a") == b"a" * 20
    assert to_hash(b"a" * 32, "h") == b"a" * 32
    for check, complaint in [
        (lambda: to_list(b"", "l"), "expected a list"),
        (lambda: to_list([b""], "l", 2), "expected 2 items"),
        (lambda: to_list([b""] * 3, "l", None, 2), "more than 2 items"),
        (lambda: to_bytes(b"a", "b", 2), "expected 2 bytes"),
        (lambda: to_bytes(b"abc", "b", None, 2), "more than 2 bytes"),
        (lambda: to_address(b"", "a"), "expected 20 bytes"),
        (lambda: to_hash(b"", "h"), "expected 32 bytes"),
    ]:
        with pytest.raises(DecodeError, match=complaint):
            check()
