"""A frame is the first thing a stranger's bytes become: one encoding each, and every bound held."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import DecodeError
from node.p2p import wire
from node.p2p.wire import (
    BLOCKS_MAX,
    FRAME_LENGTH_MAX,
    TRANSACTIONS_MAX,
    Blocks,
    Consensus,
    Frame,
    GetBlocks,
    Goodbye,
    Hello,
    Status,
    Transactions,
    decode_frame,
    encode_frame,
    transaction_frames,
)
from node.spec.codec import encode
from node.spec.types import Hash32

WORD = Hash32(b"\x22" * 32)
FRAMES: list[Frame] = [
    Hello(WORD, bytes(32), 2**64 - 1, 1, bytes(65)),
    Status(0, WORD),
    Status(2**64 - 1, WORD),
    Consensus(0x12, b"\xc0"),
    Transactions(()),
    Transactions((b"a", b"bb")),
    GetBlocks(7, 1, BLOCKS_MAX),
    Blocks(7, (b"x",) * BLOCKS_MAX),
    Goodbye("so long"),
]


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: type(frame).__name__)
def test_every_kind_there_and_back(frame: Frame) -> None:
    data = encode_frame(frame)
    assert decode_frame(data) == frame
    assert encode_frame(decode_frame(data)) == data


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 bytes"),
        (b"\x01", "1 bytes"),
        (bytes([7]) + encode([]), "unknown kind 7"),
        (bytes([1]) + b"\x80", "frame"),
        (bytes([1]) + encode([1]), "status"),
        (bytes([1]) + encode([1, bytes(31)]), "status hash"),
        (bytes([1]) + encode([2**64, bytes(32)]), "status height"),
        (bytes([1]) + encode([1, WORD]) + b"\x00", "rlp|bytes|trailing|canonical"),
        (bytes([0]) + encode([WORD, WORD, 1, 1, bytes(64)]), "hello signature"),
        (bytes([0]) + encode([WORD, WORD, 1, 2**16, bytes(65)]), "hello version"),
        (bytes([2]) + encode([256, b""]), "consensus code"),
        (bytes([3]) + encode([[b"x"]]), "transaction"),
        (bytes([3]) + encode([b""] * (TRANSACTIONS_MAX + 1)), "frame"),
        (bytes([4]) + encode([1, 1, 0]), "0 blocks"),
        (bytes([4]) + encode([1, 1, BLOCKS_MAX + 1]), f"{BLOCKS_MAX + 1} blocks"),
        (bytes([5]) + encode([1, [b""] * (BLOCKS_MAX + 1)]), "blocks"),
        (bytes([6]) + encode([b"x" * 257]), "goodbye"),
        (bytes([6]) + encode([b"x", b"y"]), "goodbye"),
        (bytes([1]) + bytes(FRAME_LENGTH_MAX), "bytes"),
        (bytes([1]) + b"\xc1" * 50, "nested|deep|depth|rlp|bytes"),
    ],
)
def test_what_is_no_frame_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        decode_frame(data)


def test_a_number_has_one_form() -> None:
    canonical = bytes([1]) + encode([1, WORD])
    padded = bytes([1]) + encode([b"\x00\x01", WORD])
    assert decode_frame(canonical) == Status(1, WORD)
    with pytest.raises(DecodeError):
        decode_frame(padded)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_in_its_one_form_or_a_decode_error(data: bytes) -> None:
    try:
        frame = decode_frame(data)
    except DecodeError:
        return
    if not isinstance(frame, Goodbye):  # its text is for a log: unreadable bytes are replaced
        assert encode_frame(frame) == data


def test_a_goodbye_is_cut_to_its_bound() -> None:
    frame = decode_frame(encode_frame(Goodbye("é" * 300)))
    assert isinstance(frame, Goodbye)
    assert len(frame.reason) <= 128 + 1


def test_a_hello_signs_every_one_of_its_facts() -> None:
    base = Hello(WORD, bytes(32), 1, 1)
    others = [
        Hello(Hash32(bytes(32)), bytes(32), 1, 1),
        Hello(WORD, b"\1" * 32, 1, 1),
        Hello(WORD, bytes(32), 2, 1),
        Hello(WORD, bytes(32), 1, 2),
    ]
    assert base.digest() not in [other.digest() for other in others]
    assert base.digest() == Hello(WORD, bytes(32), 1, 1, bytes(65)).digest()


def test_transactions_travel_in_frames_a_peer_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(transaction_frames([])) == []
    many = [b"x"] * (TRANSACTIONS_MAX + 1)
    assert [len(frame.raws) for frame in transaction_frames(many)] == [TRANSACTIONS_MAX, 1]
    monkeypatch.setattr(wire, "TRANSACTION_BYTES_MAX", 10)
    found = list(transaction_frames([b"1234", b"123456", b"1", b"1" * 20, b"22"]))
    assert [frame.raws for frame in found] == [
        (b"1234", b"123456"),
        (b"1",),
        (b"1" * 20,),
        (b"22",),
    ]
