"""Signatures are the only thing that makes a record someone's: one digest, one key, one form."""

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils import keccak

from node.errors import SignatureError
from node.spec.crypto import CURVE_ORDER, address_of, keccak256, recover, sign
from node.spec.typed_data import Domain, struct_hash, typed_digest

KEY = bytes.fromhex("11" * 32)
DIGEST = keccak256(b"digest")


def test_keccak_and_addresses_agree_with_eth_account():
    assert keccak256(b"") == keccak(b"")
    assert keccak256(b"x" * 1000) == keccak(b"x" * 1000)
    assert address_of(KEY) == bytes.fromhex(Account.from_key(KEY).address[2:])


def test_a_signature_recovers_to_its_key():
    signature = sign(KEY, DIGEST)
    assert len(signature) == 65
    assert recover(DIGEST, signature) == address_of(KEY)
    assert recover(keccak256(b"other"), signature) != address_of(KEY)


def _high_s(signature: bytes) -> bytes:
    s = CURVE_ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes([signature[64] ^ 1])


@pytest.mark.parametrize(
    "mangle",
    [
        lambda s: b"",
        lambda s: s[:64],
        lambda s: s[:64] + b"\x02",
        lambda s: s[:64] + b"\x1b",
        lambda s: bytes(65),
        lambda s: b"\xff" * 32 + s[32:],
        lambda s: bytes(32) + s[32:],
        lambda s: s[:32] + bytes(32) + s[64:],
        _high_s,
    ],
)
def test_any_other_form_is_refused(mangle):
    with pytest.raises(SignatureError):
        recover(DIGEST, mangle(sign(KEY, DIGEST)))


def test_typed_digest_is_what_wallets_sign():
    contract = bytes.fromhex("22" * 20)
    types = {
        "Sample": [
            {"name": "lease", "type": "bytes32"},
            {"name": "number", "type": "uint64"},
            {"name": "who", "type": "address"},
        ]
    }
    domain = {
        "name": "Dataccord",
        "version": "1",
        "chainId": 31337,
        "verifyingContract": "0x" + contract.hex(),
    }
    message = {"lease": b"\x07" * 32, "number": 9, "who": "0x" + "33" * 20}
    signed = Account.from_key(KEY).sign_message(encode_typed_data(domain, types, message))
    structure = struct_hash(
        "Sample(bytes32 lease,uint64 number,address who)", (b"\x07" * 32, 9, b"\x33" * 20)
    )
    digest = typed_digest(Domain("Dataccord", "1", 31337, contract), structure)
    assert digest == bytes(signed.message_hash)
    other = typed_digest(Domain("Dataccord", "1", 1, contract), structure)
    assert other != digest


def test_typed_words_have_one_of_two_lengths():
    with pytest.raises(ValueError, match="a word of 3 bytes"):
        struct_hash("Sample(bytes32 lease)", (b"abc",))
