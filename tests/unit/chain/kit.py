"""A small consortium with its ledger in memory: four validators, a governor, one sender more."""

from collections.abc import Sequence
from dataclasses import replace

from node.chain.genesis import (
    AccountGrant,
    Founder,
    Genesis,
    NodeGrant,
    build_genesis,
    parse_genesis,
)
from node.chain.ledger import Ledger
from node.execution.engine import Engine
from node.spec.block import Block
from node.spec.crypto import address_of, keccak256, sign
from node.spec.seal import hash_for_commit_seal, with_round, with_seals
from node.spec.transaction import Transaction, decode_transaction, sign_dynamic_fee
from node.spec.types import Address
from node.spec.vocabulary import MemberKind, Role
from node.storage.chain_store import ChainStore
from node.storage.kv import KeyValue, MemoryKeyValue
from tests import engines

CHAIN_ID = 31337
GENESIS_TIME = 1_700_000_000

_NODE_KEYS = [keccak256(b"node %d" % n) for n in range(4)]
NODE_KEYS = dict(sorted((address_of(key), key) for key in _NODE_KEYS))
VALIDATORS = tuple(NODE_KEYS)
GOVERNOR_KEY, SENDER_KEY, STRANGER_KEY = (keccak256(n) for n in (b"governor", b"sender", b"nobody"))
GOVERNOR, SENDER, STRANGER = (address_of(k) for k in (GOVERNOR_KEY, SENDER_KEY, STRANGER_KEY))

SENDER_ROLE = 1 << Role.SENDER


def genesis(**changes: object) -> Genesis:
    """Return the consortium's genesis; keyword arguments go to `build_genesis`."""
    given: dict[str, object] = {
        "chain_id": CHAIN_ID,
        "timestamp": GENESIS_TIME,
        "founders": [Founder("DEMO00CONSUMERBANK15", int(MemberKind.BANK), "Bank")],
        "accounts": [
            AccountGrant(1, GOVERNOR, SENDER_ROLE | 1 << Role.GOVERNOR),
            AccountGrant(1, SENDER, SENDER_ROLE),
        ],
        "nodes": [NodeGrant(1, node, True) for node in VALIDATORS],
        "funds": {GOVERNOR: 10**20, SENDER: 10**20, STRANGER: 10**20},
    }
    return parse_genesis(build_genesis(**{**given, **changes}))  # type: ignore[arg-type]


def ledger(kv: KeyValue | None = None, engine: Engine | None = None, **changes: object) -> Ledger:
    """Return a ledger of the consortium over a store."""
    store = ChainStore(MemoryKeyValue() if kv is None else kv)
    return Ledger(store, genesis(**changes), engine or engines.engine(), engines.trie())


def transfer(
    key: bytes = SENDER_KEY,
    nonce: int = 0,
    value: int = 1,
    to: Address = GOVERNOR,
    gas: int = 21_000,
) -> Transaction:
    """Return a signed transfer."""
    raw = sign_dynamic_fee(key, chain_id=CHAIN_ID, nonce=nonce, gas=21_000, to=to, value=value)
    return decode_transaction(raw)


def call(key: bytes, nonce: int, to: Address, data: bytes) -> Transaction:
    """Return a signed contract call."""
    raw = sign_dynamic_fee(key, chain_id=CHAIN_ID, nonce=nonce, gas=500_000, to=to, data=data)
    return decode_transaction(raw)


def sealed(
    block: Block, signers: Sequence[Address] = VALIDATORS[:3], round_number: int = 0
) -> Block:
    """Return the block with commit seals by `signers`."""
    header = with_round(block.header, round_number)
    digest = hash_for_commit_seal(header)
    seals = [sign(NODE_KEYS[signer], digest) for signer in signers]
    return Block(with_seals(header, seals), block.transactions)


def grow(chain: Ledger, *transactions: Transaction) -> Block:
    """Build, seal and commit the next block; return it."""
    timestamp = chain.head.timestamp + 1
    block = sealed(chain.build(timestamp, VALIDATORS[0], transactions).block, chain.validators[:3])
    chain.commit(block)
    return block


def with_header(block: Block, **changes: object) -> Block:
    """Return the block with header fields replaced."""
    return Block(replace(block.header, **changes), block.transactions)  # type: ignore[arg-type]
