"""One transaction has one hash, one sender and one verdict, whichever engine runs it."""

import pytest
from eth_account import Account

from node.errors import DecodeError, InvalidTransaction, SignatureError
from node.spec.codec import decode, encode
from node.spec.crypto import CURVE_ORDER, address_of
from node.spec.transaction import (
    TRANSACTION_LENGTH_MAX,
    created_address,
    decode_transaction,
    join_signature,
    recover_sender,
    sign_dynamic_fee,
)
from node.spec.transaction_rules import (
    INITCODE_LENGTH_MAX,
    TransactionRules,
    check_against_account,
    check_transaction,
    floor_gas,
    intrinsic_gas,
)
from node.spec.types import Account as LedgerAccount

KEY = bytes.fromhex("07" * 32)
SIGNER = Account.from_key(KEY)
RULES = TransactionRules(chain_id=31337)
ACCESS = [{"address": "0x" + "33" * 20, "storageKeys": ["0x" + "44" * 32]}]
BASE = {
    "nonce": 3,
    "gas": 90_000,
    "to": "0x" + "11" * 20,
    "value": 5,
    "data": "0xabcdef0000",
    "chainId": 31337,
}
FEES = {"maxFeePerGas": 9, "maxPriorityFeePerGas": 2}


def authorization(**changes):
    fields = {"chainId": 31337, "address": "0x" + "22" * 20, "nonce": 4} | changes
    return SIGNER.sign_authorization(fields)


KINDS = {
    0: {"gasPrice": 7},
    1: {"gasPrice": 7, "accessList": ACCESS, "type": 1},
    2: {**FEES, "accessList": ACCESS, "type": 2},
    4: {**FEES, "type": 4, "authorizationList": [authorization()]},
}


def signed(kind=2, **changes):
    return bytes(SIGNER.sign_transaction(BASE | KINDS[kind] | changes).raw_transaction)


@pytest.mark.parametrize("kind", KINDS)
def test_eth_account_transactions_decode_with_hash_and_sender(kind):
    made = SIGNER.sign_transaction(BASE | KINDS[kind])
    transaction = decode_transaction(bytes(made.raw_transaction))
    assert transaction.type == kind
    assert transaction.hash == bytes(made.hash)
    assert transaction.chain_id == 31337
    assert transaction.nonce == 3
    assert transaction.gas == 90_000
    assert transaction.data == bytes.fromhex("abcdef0000")
    assert recover_sender(transaction) == address_of(KEY)
    check_transaction(transaction, RULES)


def test_our_signer_writes_what_eth_account_writes():
    made = SIGNER.sign_transaction(BASE | FEES | {"type": 2})
    ours = sign_dynamic_fee(
        KEY,
        chain_id=31337,
        nonce=3,
        gas=90_000,
        to=b"\x11" * 20,
        data=bytes.fromhex("abcdef0000"),
        value=5,
        max_fee=9,
        max_priority_fee=2,
    )
    assert ours == bytes(made.raw_transaction)
    creation = decode_transaction(
        sign_dynamic_fee(KEY, chain_id=1, nonce=0, gas=60_000, to=None, data=b"\x00")
    )
    assert creation.to is None
    assert creation.authorizations == ()


def test_authorizations_name_their_signer():
    transaction = decode_transaction(signed(4))
    assert transaction.authorizations[0].authority() == address_of(KEY)
    with pytest.raises(SignatureError):
        join_signature(1, 1, 2)


def remade(raw: bytes, index: int, value) -> bytes:
    """Return a typed transaction with one item replaced."""
    items = decode(raw[1:])
    items[index] = value
    return raw[:1] + encode(items)


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b"", "0 bytes"),
        (b"\x03" + signed()[1:], "type 3"),
        (b"\x00" + signed()[1:], "type 0"),
        (b"\x7f" + signed()[1:], "type 127"),
        (b"\x02" + bytes(TRANSACTION_LENGTH_MAX), "bytes"),
        (signed()[:-1], "RLP"),
        (signed() + b"\x00", "after the end"),
        (remade(signed(), 9, b"\x02"), "above 1 bits"),
        (remade(signed(), 5, b"\x11" * 19), "expected 20 bytes"),
        (remade(signed(), 1, b"\x00\x03"), "leading zero"),
        (remade(signed(), 8, [[b"\x11" * 20]]), "expected 2 items"),
        (remade(signed(4), 9, [[b"", b"\x11" * 20]]), "expected 6 items"),
    ],
)
def test_malformed_transactions_are_named(raw, complaint):
    with pytest.raises(DecodeError, match=complaint):
        decode_transaction(raw)


def test_legacy_v_says_whether_replay_is_possible():
    unprotected = decode(signed(0))
    unprotected[6] = b"\x1b"
    transaction = decode_transaction(encode(unprotected))
    assert transaction.chain_id is None
    with pytest.raises(InvalidTransaction, match="replay-protected"):
        check_transaction(transaction, RULES)
    unprotected[6] = b"\x24"
    with pytest.raises(DecodeError, match="v of 36"):
        decode_transaction(encode(unprotected))


HIGH_S = (CURVE_ORDER - 1).to_bytes(32, "big")


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (signed(chainId=1), "invalid chain id"),
        (remade(signed(), 11, HIGH_S), "invalid transaction v, r, s"),
        (remade(signed(), 10, b""), "invalid transaction v, r, s"),
        (signed(nonce=2**64 - 1), "nonce has max value"),
        (signed(maxPriorityFeePerGas=10), "max priority fee per gas higher"),
        (signed(gas=21_000, accessList=[]), "intrinsic gas too low"),
        (signed(gas=22_000, data="0x" + "ff" * 40, accessList=[]), "floor data gas"),
        (
            sign_dynamic_fee(
                KEY,
                chain_id=31337,
                nonce=0,
                gas=10**7,
                to=None,
                data=bytes(INITCODE_LENGTH_MAX + 1),
            ),
            "max initcode size",
        ),
        (remade(signed(4), 9, []), "empty auth list"),
        (remade(signed(4), 5, b""), "input string too short"),
    ],
)
def test_invalid_transactions_have_geths_words(raw, complaint):
    with pytest.raises(InvalidTransaction, match=complaint):
        check_transaction(decode_transaction(raw), RULES)


@pytest.mark.parametrize(("index", "value"), [(3, b"\x02"), (5, HIGH_S), (4, b"")])
def test_authorizations_must_be_of_the_one_form(index, value):
    items = decode(signed(4)[1:])
    items[9][0][index] = value
    with pytest.raises(InvalidTransaction):
        check_transaction(decode_transaction(b"\x04" + encode(items)), RULES)


def test_base_fee_is_a_floor():
    with pytest.raises(InvalidTransaction, match="less than block base fee"):
        check_transaction(decode_transaction(signed()), TransactionRules(31337, base_fee=10))


def test_gas_by_kind():
    assert intrinsic_gas(decode_transaction(signed(0))) == 21_000 + 3 * 16 + 2 * 4
    assert intrinsic_gas(decode_transaction(signed(2))) == 21_056 + 2_400 + 1_900
    assert intrinsic_gas(decode_transaction(signed(4))) == 21_056 + 25_000
    assert floor_gas(decode_transaction(signed(0))) == 21_000 + 10 * (3 * 4 + 2)


def test_state_validity_is_judged_on_the_senders_account():
    transaction = decode_transaction(signed())
    rich = LedgerAccount(nonce=3, balance=10**18)
    check_against_account(transaction, rich, b"")
    check_against_account(transaction, rich, b"\xef\x01\x00" + bytes(20))
    for account, code, complaint in [
        (LedgerAccount(nonce=4, balance=10**18), b"", "nonce too low"),
        (LedgerAccount(nonce=2, balance=10**18), b"", "nonce too high"),
        (rich, b"\x00", "sender not an eoa"),
        (LedgerAccount(nonce=3, balance=90_000 * 9 + 4), b"", "insufficient funds"),
    ]:
        with pytest.raises(InvalidTransaction, match=complaint):
            check_against_account(transaction, account, code)
    check_against_account(transaction, LedgerAccount(nonce=3, balance=90_000 * 9 + 5), b"")


def test_created_address_is_the_known_one():
    # The first contract of the first account of the well-known development mnemonic.
    sender = bytes.fromhex("f39fd6e51aad88f6f4ce6ab8827279cfffb92266")
    assert created_address(sender, 0).hex() == "5fbdb2315678afecb367f032d93f642f64180aa3"
