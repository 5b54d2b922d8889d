"""Real Besu headers must hash and verify here byte for byte: finality stands on these rules."""

import json
from pathlib import Path

import pytest

from node.errors import DecodeError, SealError
from node.spec import seal
from node.spec.codec import encode
from node.spec.crypto import address_of, sign
from node.spec.header import decode_header, encode_header, header_items
from node.spec.seal import ExtraData, Vote

VECTORS = json.loads(Path("tests/vectors/qbft.json").read_text())
HEADERS = {vector["name"]: vector for vector in VECTORS["headers"]}
KEYS = [bytes([n]) * 32 for n in range(1, 8)]


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


@pytest.mark.parametrize("name", HEADERS)
def test_headers_decode_hash_and_verify(name):
    vector = HEADERS[name]
    header = decode_header(unhex(vector["header_rlp"]))
    assert encode_header(header) == unhex(vector["header_rlp"])
    assert len(header_items(header)) == vector["fields"]
    assert seal.hash_for_block(header) == unhex(vector["block_hash"])
    assert seal.hash_for_commit_seal(header) == unhex(vector["commit_seal_hash"])
    assert seal.round_of(header) == vector["round"]
    validators = [unhex(address) for address in vector["validators"]]
    signers = [unhex(address) for address in vector["signers_in_seal_order"]]
    if vector["seals_valid"]:
        assert list(seal.verify_seals(header, validators)) == signers
    else:
        with pytest.raises(SealError, match="seals of"):
            seal.verify_seals(header, validators)


def test_genesis_hashes_as_it_stands():
    for vector in VECTORS["genesis"]:
        if "derived_header_rlp" in vector:
            header = decode_header(unhex(vector["derived_header_rlp"]))
            assert seal.hash_for_block(header) == unhex(vector["derived_genesis_hash"])


@pytest.mark.parametrize("vector", VECTORS["extra_data"], ids=lambda v: v["name"])
def test_extra_data_vectors(vector):
    if "derived_example" in vector:
        with pytest.raises(DecodeError, match="leading zero"):
            seal.decode_extra_data(unhex(vector["derived_example"]))
        return
    if "outdated" in vector["status"]:
        with pytest.raises(DecodeError):
            seal.decode_extra_data(unhex(vector["rlp"]))
        return
    data = unhex(vector["rlp"])
    extra = seal.decode_extra_data(data)
    assert seal.encode_extra_data(extra) == data
    if "decoded" in vector:
        assert extra.round == vector["decoded"]["round"]
        assert [s.hex() for s in extra.seals] == [s[2:] for s in vector["decoded"]["seals"]]
        assert extra.vote == Vote(unhex(vector["decoded"]["vote"]["recipient"]), adds=True)


@pytest.mark.parametrize(
    ("items", "complaint"),
    [
        ([b"", [], [], 0], "expected 5 items"),
        ([b"", [], [], 0, [], []], "expected 5 items"),
        ([b"", [b"x"], [], 0, []], "expected 20 bytes"),
        ([b"", [], [b"a" * 20], 0, []], "an address and a type"),
        ([b"", [], [b"a" * 20, b"\x01"], 0, []], "unknown type"),
        ([b"", [], [], 2**31, []], "above 31 bits"),
        ([b"", [], [], 0, [b"s"]], "expected 65 bytes"),
    ],
)
def test_malformed_extra_data_is_named(items, complaint):
    with pytest.raises(DecodeError, match=complaint):
        seal.decode_extra_data(encode(items))


def test_a_drop_vote_is_the_empty_string():
    extra = ExtraData(vote=Vote(b"a" * 20, adds=False))
    assert seal.decode_extra_data(seal.encode_extra_data(extra)) == extra


def test_quorum_and_f_by_table():
    for count, expected in VECTORS["rules"]["quorum_ceil_2n_3"].items():
        assert seal.quorum(int(count)) == expected
    for count, expected in VECTORS["rules"]["early_round_change_f_plus_1"].items():
        assert seal.f(int(count)) + 1 == expected


def test_proposers_by_table():
    for vector in VECTORS["rules"]["proposer"]:
        names = vector["validators"]
        address = {name: bytes([ord(name[0])]) * 20 for name in [*names, vector["prev_proposer"]]}
        chosen = seal.proposer(
            [address[name] for name in names], address[vector["prev_proposer"]], vector["round"]
        )
        assert chosen == bytes([ord(vector["next"][0])]) * 20


def sealed(keys, *, round_number=0):
    header = decode_header(unhex(HEADERS["besu_26.4.0_block113"]["header_rlp"]))
    header = seal.with_round(header, round_number)
    digest = seal.hash_for_commit_seal(header)
    return seal.with_seals(header, [sign(key, digest) for key in keys])


def test_a_quorum_of_distinct_validators_seals():
    validators = [address_of(key) for key in KEYS[:4]]
    header = sealed(KEYS[:3], round_number=2)
    assert set(seal.verify_seals(header, validators)) == set(validators[:3])
    assert seal.round_of(header) == 2
    for keys, complaint in [
        (KEYS[:2], "2 seals of 4"),
        ([KEYS[0], KEYS[1], KEYS[1]], "sealed twice"),
        ([KEYS[0], KEYS[1], KEYS[6]], "no validator"),
    ]:
        with pytest.raises(SealError, match=complaint):
            seal.verify_seals(sealed(keys), validators)


def test_a_seal_that_recovers_to_nobody_is_named():
    header = seal.with_seals(sealed([]), [bytes(65)])
    with pytest.raises(SealError, match="signature"):
        seal.verify_seals(header, [address_of(KEYS[0])])


def test_seals_of_another_round_do_not_count():
    validators = [address_of(key) for key in KEYS[:4]]
    header = sealed(KEYS[:3], round_number=1)
    moved = seal.with_seals(
        seal.with_round(header, 0), seal.decode_extra_data(header.extra_data).seals
    )
    with pytest.raises(SealError):
        seal.verify_seals(moved, validators)
