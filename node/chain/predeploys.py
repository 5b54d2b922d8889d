"""Contracts that tools expect at one address on every chain, put there by genesis.

Multicall3 (MIT, mds1/multicall) and the CREATE2 factory (MIT, Arachnid's deterministic deployment
proxy) were deployed everywhere by one signed transaction each, whose signer no one holds the key
of. `predeploys.json` carries those transactions; reading one recovers its signer, and the contract
that this signer's first transaction creates must be at the well-known address. So the bytes prove
themselves.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources

from node.errors import ConfigError
from node.spec.transaction import created_address, decode_transaction, recover_sender
from node.spec.types import Address


@cache
def predeploys() -> Mapping[Address, bytes]:
    """Return the initcode of each predeployed contract by its address."""
    text = resources.files("node.chain").joinpath("predeploys.json").read_text("utf-8")
    found = {}
    for name, entry in json.loads(text).items():
        address = Address(bytes.fromhex(entry["address"][2:]))
        found[address] = initcode_of(name, address, bytes.fromhex(entry["transaction"][2:]))
    return found


def initcode_of(name: str, address: Address, raw: bytes) -> bytes:
    """Return the initcode of a deployment transaction that provably creates `address`."""
    transaction = decode_transaction(raw)
    signer = recover_sender(transaction)
    if transaction.to is not None or created_address(signer, transaction.nonce) != address:
        raise ConfigError(f"predeploy {name}: its transaction does not create 0x{address.hex()}")
    return transaction.data
