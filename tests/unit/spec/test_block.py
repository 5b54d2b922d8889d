"""Blocks and receipts are what proofs end in, so their bytes admit one reading only."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from eth.rlp.logs import Log as PyEvmLog
from eth.rlp.receipts import Receipt as PyEvmReceipt

from node.errors import DecodeError
from node.spec.block import (
    BLOCK_LENGTH_MAX,
    Block,
    decode_block,
    encode_block,
    receipts_root,
    transactions_root,
)
from node.spec.codec import decode, encode
from node.spec.header import Header, decode_header, encode_header, header_from_item
from node.spec.receipt import (
    EMPTY_BLOOM,
    Log,
    Receipt,
    decode_receipt,
    encode_receipt,
    logs_bloom,
    merge_blooms,
)
from node.spec.transaction import sign_dynamic_fee
from node.spec.types import EMPTY_ROOT

VECTORS = json.loads(Path("tests/vectors/qbft.json").read_text())


def header(name="besu_26.4.0_block113") -> Header:
    text = next(v["header_rlp"] for v in VECTORS["headers"] if v["name"] == name)
    return decode_header(bytes.fromhex(text[2:]))


LOG = Log(b"\x01" * 20, (b"\x02" * 32, b"\x03" * 32), b"data")
RECEIPT = Receipt(2, True, 51_000, (LOG,))
RAW = sign_dynamic_fee(b"\x07" * 32, chain_id=1, nonce=0, gas=21_000, to=b"\x01" * 20)
LEGACY = encode([b"", b"", b"", b"\x01" * 20, b"", b"", b"\x26", b"\x01", b"\x01"])


def test_a_block_round_trips_with_typed_and_legacy_transactions():
    block = Block(header(), (RAW, LEGACY))
    data = encode_block(block)
    assert decode_block(data) == block
    assert len(decode(data)) == 4
    older = Block(header("besu_25.4.1_block27"), (RAW,))
    assert len(decode(encode_block(older))) == 3
    assert decode_block(encode_block(older)) == older


def parts(**changes):
    made = dict(enumerate(decode(encode_block(Block(header(), (RAW,))))))
    made |= {int(key[1:]): value for key, value in changes.items()}
    return encode([made[index] for index in sorted(made)])


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (encode([]), "fewer than three parts"),
        (parts(_2=[b"x"]), "must be empty"),
        (parts(_3=[b"x"]), "must be empty"),
        (parts(_4=[]), "more than 4 items"),
        (parts(_1=[b""]), "legacy transaction inside a string"),
        (parts(_1=[LEGACY]), "legacy transaction inside a string"),
        (encode(decode(parts())[:3]), "belong together"),
        (bytes(BLOCK_LENGTH_MAX + 1), "more than"),
    ],
)
def test_malformed_blocks_are_named(data, complaint):
    with pytest.raises(DecodeError, match=complaint):
        decode_block(data)


def test_headers_are_of_15_to_21_fields():
    items = decode(encode_header(header()))
    with pytest.raises(DecodeError, match="14 fields"):
        header_from_item(items[:14])
    with pytest.raises(DecodeError, match="more than 21"):
        header_from_item([*items, b"", b""])
    with pytest.raises(DecodeError, match="follows an absent one"):
        encode_header(replace(header(), base_fee=None))
    for index, value in [
        (0, b"x"),
        (2, b"x"),
        (6, b"x"),
        (8, b"\x00"),
        (14, b"x"),
        (12, bytes(20_000)),
    ]:
        with pytest.raises(DecodeError):
            header_from_item([*items[:index], value, *items[index + 1 :]])


def test_receipts_agree_with_py_evm():
    logs = [PyEvmLog(LOG.address, [int.from_bytes(t, "big") for t in LOG.topics], LOG.data)]
    theirs = PyEvmReceipt(
        state_root=b"\x01", gas_used=51_000, bloom=int.from_bytes(RECEIPT.bloom, "big"), logs=logs
    )
    assert encode_receipt(RECEIPT) == b"\x02" + theirs.encode()
    assert decode_receipt(encode_receipt(RECEIPT)) == RECEIPT
    failed = Receipt(0, False, 21_000, ())
    assert decode_receipt(encode_receipt(failed)) == failed
    assert failed.bloom == EMPTY_BLOOM


def test_blooms_merge():
    assert merge_blooms([]) == EMPTY_BLOOM
    other = Log(b"\x09" * 20, (), b"")
    assert merge_blooms([logs_bloom([LOG]), logs_bloom([other])]) == logs_bloom([LOG, other])


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"\x03" + encode([1, 1, EMPTY_BLOOM, []]), "unknown type"),
        (b"\x00" + encode([1, 1, EMPTY_BLOOM, []]), "unknown type"),
        (encode([2, 1, EMPTY_BLOOM, []]), "above 1 bits"),
        (encode([1, 1, EMPTY_BLOOM]), "expected 4 items"),
        (encode([1, 1, b"\x01" + bytes(255), []]), "bloom does not match"),
        (encode([1, 1, EMPTY_BLOOM, [[b"a" * 20, [b"t" * 32] * 5, b""]]]), "more than 4"),
        (b"", "no bytes"),
    ],
)
def test_malformed_receipts_are_named(data, complaint):
    with pytest.raises(DecodeError, match=complaint):
        decode_receipt(data)


def test_roots_of_nothing_and_of_something():
    assert transactions_root(()) == EMPTY_ROOT
    assert receipts_root(()) == EMPTY_ROOT
    assert transactions_root((RAW,)) != receipts_root((RECEIPT,))
