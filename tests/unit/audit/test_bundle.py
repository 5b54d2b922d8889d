"""A bundle has one encoding: whoever can write the same evidence twice can hide a difference."""

import hashlib

import pytest

from node.audit import bundle as form
from node.audit.bundle import DIGEST_LENGTH, Bundle, decode_bundle, encode_bundle
from node.audit.verify import verify
from node.errors import DecodeError
from node.spec.codec import decode, encode
from node.spec.pricing import PLAN_BYTES_MAX
from tests.unit.audit.factory import Story


def with_digest(body: bytes) -> bytes:
    return body + hashlib.sha256(body).digest()


def test_encoding_is_the_only_one(data: bytes, bundle: Bundle) -> None:
    assert encode_bundle(bundle) == data
    assert encode_bundle(decode_bundle(data)) == data


def test_digest_covers_every_byte(data: bytes) -> None:
    for position in (0, len(data) // 2, len(data) - DIGEST_LENGTH, len(data) - 1):
        changed = bytearray(data)
        changed[position] ^= 1
        with pytest.raises(DecodeError, match="SHA-256"):
            decode_bundle(bytes(changed))


def test_file_that_is_cut_or_empty(data: bytes) -> None:
    for cut in (b"", data[:10], data[:-1], data + b"\0"):
        with pytest.raises(DecodeError):
            decode_bundle(cut)


def test_limit_on_the_file(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form, "FILE_BYTES_MAX", len(data) - 1)
    with pytest.raises(DecodeError, match="more than"):
        decode_bundle(data)


def items(data: bytes) -> list:
    found = decode(data[:-DIGEST_LENGTH])
    assert isinstance(found, list)
    return found


def test_other_shapes_are_refused(data: bytes) -> None:
    good = items(data)
    assert with_digest(encode(good)) == data
    shapes = [
        [b"dataccord-evidence-1", *good[1:]],
        good[:-1],
        [*good, b""],
        [good[0], b"\0\1", *good[2:]],
        [*good[:2], b"header", *good[3:]],
        [*good[:7], [[b"lease", []]], *good[8:]],
        [*good[:7], [[bytes(32), [[b""] * 14]]], *good[8:]],
        [*good[:7], [[bytes(32), [[b""] * 15]]], *good[8:]],
        [*good[:6], [[bytes(19), good[3]]], *good[7:]],
        [*good[:8], [[b"\1", bytes(19), good[3]]], *good[9:]],
        [*good[:8], [[b"\1" * 9, bytes(20), good[3]]], *good[9:]],
        [*good[:9], [[bytes(32), bytes(31), b""]], good[10]],
        [*good[:9], [[bytes(31), bytes(32), b""]], good[10]],
        [*good[:10], [bytes(PLAN_BYTES_MAX + 1)]],
        [*good[:10], [[]]],
    ]
    for shape in shapes:
        with pytest.raises(DecodeError):
            decode_bundle(with_digest(encode(shape)))


def test_consumer_signature_has_65_bytes_or_none(data: bytes) -> None:
    good = items(data)
    trail = good[7][0]
    for length in (1, 64, 66):
        use = [*trail[1][0][:-2], b"\1" * length, []]
        changed = [*good[:7], [[trail[0], [use]]], *good[8:]]
        with pytest.raises(DecodeError, match="65 bytes or none"):
            decode_bundle(with_digest(encode(changed)))


def test_malformed_file_is_a_report_not_a_traceback(story: Story, data: bytes) -> None:
    for wrong in (b"", b"\xc0", with_digest(b"\xc0"), with_digest(b"\xff" * 100), data[1:]):
        report = verify(wrong, story.genesis.hash)
        assert report.exit_code == 5
        assert [failure.check for failure in report.failures] == ["form"]
        assert report.cases == ()
