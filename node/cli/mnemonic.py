"""Keys of a development mnemonic: BIP-39 seed, BIP-32 children along m/44'/60'/0'/0/i.

Only development networks use this: their well-known mnemonic lets any Ethereum tool send at once.
"""

import hashlib
import hmac
from typing import Final

import coincurve

from node.spec.crypto import CURVE_ORDER

DEVELOPMENT_MNEMONIC: Final = "test test test test test test test test test test test junk"
_HARDENED: Final = 1 << 31


def derive_keys(mnemonic: str, count: int) -> list[bytes]:
    """Return the first `count` private keys of a mnemonic without passphrase."""
    seed = hashlib.pbkdf2_hmac("sha512", mnemonic.encode(), b"mnemonic", 2048)
    master = hmac.digest(b"Bitcoin seed", seed, "sha512")
    key, chain = master[:32], master[32:]
    for index in (44 + _HARDENED, 60 + _HARDENED, _HARDENED, 0):
        key, chain = _child(key, chain, index)
    return [_child(key, chain, index)[0] for index in range(count)]


def _child(key: bytes, chain: bytes, index: int) -> tuple[bytes, bytes]:
    """Return the private child key and chain code (BIP-32, CKDpriv)."""
    data = b"\0" + key if index >= _HARDENED else coincurve.PrivateKey(key).public_key.format()
    digest = hmac.digest(chain, data + index.to_bytes(4, "big"), "sha512")
    number = (int.from_bytes(digest[:32], "big") + int.from_bytes(key, "big")) % CURVE_ORDER
    return number.to_bytes(32, "big"), digest[32:]
