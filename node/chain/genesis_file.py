"""`genesis.json` in Besu's form, read and written.

A genesis is block 0's header and the accounts below its state root. Header fields follow Besu's
`GenesisState`: the base fee is there if named or if `londonBlock` is 0 (1 gwei by default, even
with `zeroBaseFee`), the later ones from the fork that added them, and a header ends at its first
absent field. Keys outside `alloc` are read in any case; keys that make no part of block 0 are kept
in `config` or ignored, as Besu does.

Any Besu genesis can be read; `Genesis.parameters` judges whether this node can run it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from node.chain.genesis_values import address_value, bytes_value, integer_value
from node.chain.parameters import ChainParameters, read_parameters
from node.errors import ConfigError
from node.execution.state_trie import PythonStateTrie
from node.execution.system import check_system_contracts
from node.spec.block import EMPTY_OMMERS_HASH, Block
from node.spec.crypto import keccak256
from node.spec.header import FIELDS_PRAGUE, Header, header_items
from node.spec.seal import hash_for_block
from node.spec.types import (
    EMPTY_ROOT,
    AccountChange,
    Address,
    BlockDiff,
    Hash32,
)

GENESIS_BYTES_MAX: Final = 64 * 1024 * 1024
GWEI: Final = 10**9
NO_REQUESTS_HASH: Final = Hash32(sha256(b"").digest())
"""EIP-7685's hash of no requests."""

_ZERO_HASH_TEXT: Final = "0x" + "00" * 32
_ZERO_ADDRESS_TEXT: Final = "0x" + "00" * 20


@dataclass(frozen=True, slots=True)
class GenesisAccount:
    """An account that block 0 holds."""

    nonce: int = 0
    balance: int = 0
    code: bytes = b""
    storage: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Genesis:
    """Block 0 with its state."""

    header: Header
    accounts: Mapping[Address, GenesisAccount]
    config: Mapping[str, Any]
    """The `config` object, keys in lower case."""

    @property
    def block(self) -> Block:
        """Block 0."""
        return Block(self.header)

    @property
    def hash(self) -> Hash32:
        """The chain's name."""
        return hash_for_block(self.header)

    @property
    def diff(self) -> BlockDiff:
        """The diff that makes the state out of nothing."""
        return state_of(self.accounts)

    def parameters(self) -> ChainParameters:
        """Return what the chain fixes; raise `ConfigError` where this node can not run it."""
        if len(header_items(self.header)) != FIELDS_PRAGUE:
            raise ConfigError("genesis: Prague must be active from block 0")
        if self.header.base_fee != 0:
            raise ConfigError('genesis: baseFeePerGas must be "0x0"')
        check_system_contracts({address: item.code for address, item in self.accounts.items()})
        return read_parameters(self.config)


def state_of(accounts: Mapping[Address, GenesisAccount]) -> BlockDiff:
    """Return the diff that makes these accounts out of nothing."""
    changes = {
        address: AccountChange(
            item.nonce,
            item.balance,
            keccak256(item.code),
            {slot: value for slot, value in item.storage.items() if value},
        )
        for address, item in accounts.items()
    }
    return BlockDiff(changes, {keccak256(item.code): item.code for item in accounts.values()})


def state_root_of(accounts: Mapping[Address, GenesisAccount]) -> Hash32:
    """Return the state root of these accounts alone."""
    return PythonStateTrie().update(EMPTY_ROOT, state_of(accounts), _no_nodes).root


def _no_nodes(hashes: object) -> list[bytes]:
    raise LookupError(f"a genesis has no older nodes: {hashes}")


def load_genesis(path: Path) -> Genesis:
    """Return the genesis that a file holds; raise `ConfigError` naming what is wrong."""
    try:
        if path.stat().st_size > GENESIS_BYTES_MAX:
            raise ConfigError(f"{path}: more than {GENESIS_BYTES_MAX} bytes")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read", why=str(error)) from error
    return parse_genesis(text)


def parse_genesis(text: str) -> Genesis:
    """Return the genesis that JSON text describes; raise `ConfigError` naming what is wrong."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError("genesis: not valid JSON", why=str(error)) from error
    if not isinstance(document, dict):
        raise ConfigError("genesis: not a JSON object")
    top = _lower(document)
    config = _lower(_object(top.get("config", {}), "config"))
    if isinstance(config.get("qbft"), dict):
        config["qbft"] = _lower(config["qbft"])
    accounts = _accounts(_object(top.get("alloc", {}), "alloc"))
    return Genesis(_header(top, config, state_root_of(accounts)), accounts, config)


def _lower(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key.lower(): item for key, item in value.items()}


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"genesis: {where} is no object")
    return value


def _accounts(alloc: Mapping[str, Any]) -> dict[Address, GenesisAccount]:
    accounts: dict[Address, GenesisAccount] = {}
    for name, entry in alloc.items():
        address = address_value(name, "alloc address")
        where = f"alloc 0x{address.hex()}"
        if address in accounts:
            raise ConfigError(f"genesis: {where} stands there twice")
        held = _object(entry, where)
        accounts[address] = GenesisAccount(
            integer_value(held.get("nonce", 0), f"{where} nonce", 64),
            integer_value(held.get("balance", 0), f"{where} balance"),
            bytes_value(held.get("code", ""), f"{where} code"),
            {
                _word(slot, f"{where} slot"): _word(value, f"{where} value")
                for slot, value in _object(held.get("storage", {}), f"{where} storage").items()
            },
        )
    return accounts


def _word(value: Any, where: str) -> int:
    data = bytes_value(value if len(str(value)) % 2 == 0 else _even(str(value)), where)
    if len(data.lstrip(b"\0")) > 32:
        raise ConfigError(f"genesis: {where} is longer than 32 bytes")
    return int.from_bytes(data, "big")


def _even(text: str) -> str:
    """Return hexadecimal with a digit put before the first, as short storage words need."""
    return "0x0" + text[2:] if text[:2].lower() == "0x" else "0" + text


def _header(top: Mapping[str, Any], config: Mapping[str, Any], state_root: Hash32) -> Header:
    timestamp = integer_value(top.get("timestamp", 0), "timestamp", 64)
    base_fee = _base_fee(top, config)
    # A header ends at its first absent field, so later ones need a base fee before them.
    cancun, prague = (base_fee is not None and _active(config, n, timestamp) for n in (1, 2))
    shanghai = base_fee is not None and _active(config, 0, timestamp)
    return Header(
        parent_hash=Hash32(bytes_value(top.get("parenthash", _ZERO_HASH_TEXT), "parentHash", 32)),
        ommers_hash=EMPTY_OMMERS_HASH,
        coinbase=address_value(top.get("coinbase", _ZERO_ADDRESS_TEXT), "coinbase"),
        state_root=state_root,
        transactions_root=EMPTY_ROOT,
        receipts_root=EMPTY_ROOT,
        logs_bloom=bytes(256),
        difficulty=integer_value(top.get("difficulty", 0), "difficulty"),
        number=0,
        gas_limit=integer_value(top.get("gaslimit"), "gasLimit", 63),
        gas_used=0,
        timestamp=timestamp,
        extra_data=bytes_value(top.get("extradata", ""), "extraData"),
        mix_hash=Hash32(bytes_value(top.get("mixhash", _ZERO_HASH_TEXT), "mixHash", 32)),
        nonce=integer_value(top.get("nonce", 0), "nonce", 64).to_bytes(8, "big"),
        base_fee=base_fee,
        withdrawals_root=EMPTY_ROOT if shanghai else None,
        blob_gas_used=_optional(top, "blobGasUsed") if cancun else None,
        excess_blob_gas=_optional(top, "excessBlobGas") if cancun else None,
        parent_beacon_block_root=_beacon_root(top) if cancun else None,
        requests_hash=NO_REQUESTS_HASH if prague else None,
    )


def _optional(top: Mapping[str, Any], name: str) -> int:
    return integer_value(top.get(name.lower(), 0), name, 64)


def _beacon_root(top: Mapping[str, Any]) -> Hash32:
    name = "parentBeaconBlockRoot"
    return Hash32(bytes_value(top.get(name.lower(), _ZERO_HASH_TEXT), name, 32))


def _base_fee(top: Mapping[str, Any], config: Mapping[str, Any]) -> int | None:
    if "basefeepergas" in top:
        return integer_value(top["basefeepergas"], "baseFeePerGas")
    is_london = integer_value(config.get("londonblock", 1), "config.londonBlock") == 0
    return GWEI if is_london else None


_TIMED_FORKS: Final = ("shanghaitime", "cancuntime", "praguetime")


def _active(config: Mapping[str, Any], fork: int, timestamp: int) -> bool:
    """Whether a fork is active at genesis: named and reached, or implied by a later one."""
    for name in _TIMED_FORKS[fork:]:
        if name in config:
            return timestamp >= integer_value(config[name], f"config.{name}", 64)
    return False


def render_genesis(
    header: Header, accounts: Mapping[Address, GenesisAccount], config: Mapping[str, Any]
) -> str:
    """Return a genesis as JSON text that Besu and `parse_genesis` read alike."""
    document: dict[str, Any] = {
        "config": config,
        "nonce": "0x" + header.nonce.hex(),
        "timestamp": hex(header.timestamp),
        "gasLimit": hex(header.gas_limit),
        "difficulty": hex(header.difficulty),
        "mixHash": "0x" + header.mix_hash.hex(),
        "coinbase": "0x" + header.coinbase.hex(),
        "extraData": "0x" + header.extra_data.hex(),
    }
    if header.base_fee is not None:
        document["baseFeePerGas"] = hex(header.base_fee)
    document["alloc"] = {
        "0x" + address.hex(): _rendered(item) for address, item in sorted(accounts.items())
    }
    return json.dumps(document, indent=2) + "\n"


def _rendered(item: GenesisAccount) -> dict[str, Any]:
    entry: dict[str, Any] = {"balance": hex(item.balance)}
    if item.nonce:
        entry["nonce"] = hex(item.nonce)
    if item.code:
        entry["code"] = "0x" + item.code.hex()
    if item.storage:
        entry["storage"] = {
            f"0x{slot:064x}": f"0x{value:064x}" for slot, value in sorted(item.storage.items())
        }
    return entry
