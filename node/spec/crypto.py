"""Hashing and signing: keccak256, and secp256k1 with recoverable signatures.

A signature is 65 bytes, r ‖ s ‖ v with v 0 or 1, as QBFT messages and commit seals carry it. Only
the lower half of s is valid (EIP-2), so one digest and one key admit one signature's form.
"""

from typing import Final

import coincurve
from tiny_keccak import keccak256 as _keccak256

from node.errors import SignatureError
from node.spec.types import Address, Hash32

SIGNATURE_LENGTH: Final = 65
CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
HALF_ORDER: Final = CURVE_ORDER // 2


def keccak256(data: bytes) -> Hash32:
    """Return the original Keccak-256 digest, as Ethereum uses it (not FIPS 202 SHA3-256)."""
    return Hash32(_keccak256(data))


def sign(private_key: bytes, digest: bytes) -> bytes:
    """Return the deterministic low-s signature (RFC 6979) over a 32-byte digest."""
    signature: bytes = coincurve.PrivateKey(private_key).sign_recoverable(digest, hasher=None)
    return signature


def recover(digest: bytes, signature: bytes) -> Address:
    """Return the address whose key signed `digest`.

    Raises:
        SignatureError: wrong length, r or s out of range, high s, v not 0 or 1, or no such key.
    """
    if len(signature) != SIGNATURE_LENGTH or signature[64] > 1:
        raise SignatureError("signature: not 65 bytes ending in 0 or 1")
    if not is_low_s(int.from_bytes(signature[32:64], "big")):
        raise SignatureError("signature: s is zero or in the upper half of the order")
    try:
        key = coincurve.PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except Exception as error:  # coincurve raises bare Exception and ValueError alike
        raise SignatureError("signature: recovers to no key") from error
    return public_key_address(key.format(compressed=False)[1:])


def is_low_s(s: int) -> bool:
    """Whether s is the one accepted form: 0 < s <= n/2 (EIP-2)."""
    return 0 < s <= HALF_ORDER


def public_key_address(public_key: bytes) -> Address:
    """Return the address of an uncompressed 64-byte public key."""
    return Address(keccak256(public_key)[12:])


def address_of(private_key: bytes) -> Address:
    """Return the address of a private key."""
    key = coincurve.PrivateKey(private_key).public_key
    return public_key_address(key.format(compressed=False)[1:])
