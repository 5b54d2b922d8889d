"""An account's leaf in the state trie: `[nonce, balance, storage root, code hash]`."""

from node.spec.codec import decode, encode, to_hash, to_int, to_list
from node.spec.types import Account


def encode_account(account: Account) -> bytes:
    """Return the account's RLP (yellow paper, section 4.1)."""
    return encode([account.nonce, account.balance, account.storage_root, account.code_hash])


def decode_account(data: bytes) -> Account:
    """Return the account that `data` encodes."""
    nonce, balance, storage_root, code_hash = to_list(decode(data), "account", 4)
    return Account(
        to_int(nonce, "account nonce"),
        to_int(balance, "account balance", 256),
        to_hash(storage_root, "account storage root"),
        to_hash(code_hash, "account code hash"),
    )
