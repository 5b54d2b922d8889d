"""Composing block 0: the consortium's contracts with their founders, and what tools expect.

Each contract's constructor is run by the reference engine at its fixed address, with the founding
content as arguments; what it leaves (code and storage) becomes an account of the genesis. Beside
them stand EIP-2935's history contract, so that a header proves earlier ones, Multicall3 and the
CREATE2 factory. The result is a plain Besu genesis: the same file starts a Besu network.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import eth_abi

import chaincode
from node.chain.genesis_file import (
    NO_REQUESTS_HASH,
    Genesis,
    GenesisAccount,
    load_genesis,
    parse_genesis,
    render_genesis,
    state_root_of,
)
from node.chain.parameters import (
    BLOCK_PERIOD_SECONDS,
    EMPTY_BLOCK_PERIOD_SECONDS,
    GAS_LIMIT,
    REQUEST_TIMEOUT_SECONDS,
)
from node.chain.predeploys import predeploys
from node.errors import ConfigError
from node.execution.engine import BlockEnvironment
from node.execution.memory_state import MemoryState
from node.execution.pyevm import PyEvmEngine
from node.execution.system import HISTORY_ADDRESS, HISTORY_CODE
from node.spec.block import EMPTY_OMMERS_HASH
from node.spec.header import Header
from node.spec.registry import MEMBERS
from node.spec.seal import MIX_HASH, ExtraData, encode_extra_data
from node.spec.types import EMPTY_ROOT, ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from node.spec.vocabulary import HOME, Parameter, ProposalKind

__all__ = [
    "AccountGrant",
    "Founder",
    "Genesis",
    "NodeGrant",
    "build_genesis",
    "load_genesis",
    "parse_genesis",
]

DEADLINE_FLOOR_SECONDS: Final = 3_600
"""Least time to answer or settle that terms may give (R12)."""
DEVELOPMENT_DEADLINE_FLOOR_SECONDS: Final = 20
TIME_LOCK_SECONDS: Final = 86_400
"""Between carrying and enacting a proposal: members see what comes and may change ballots."""
DEVELOPMENT_TIME_LOCK_SECONDS: Final = 2

MORE_THAN_HALF: Final = 5_000
MORE_THAN_TWO_THIRDS: Final = 6_667
"""Shares of the electors in ten-thousandths: more than the share carries a proposal."""
SHARES: Final[Mapping[ProposalKind, int]] = dict.fromkeys(ProposalKind, MORE_THAN_TWO_THIRDS) | {
    ProposalKind.ADMIT_MEMBER: MORE_THAN_HALF,
    ProposalKind.SUSPEND_MEMBER: MORE_THAN_HALF,
    ProposalKind.REINSTATE_MEMBER: MORE_THAN_HALF,
    ProposalKind.ADD_VALIDATOR: MORE_THAN_HALF,
    ProposalKind.REMOVE_VALIDATOR: MORE_THAN_HALF,
    ProposalKind.MANDATE: MORE_THAN_HALF,
    ProposalKind.HOLIDAY_TABLE: MORE_THAN_HALF,
    ProposalKind.HALT: MORE_THAN_HALF,
}
"""What carries each kind of proposal from genesis on."""


@dataclass(frozen=True, slots=True)
class Founder:
    """A founding member; they take the indices 1, 2, ... in their order."""

    identifier: str
    """LEI or USCC."""
    kind: int
    name: str
    certificate: bytes = b""
    """DER of its certificate authority."""
    jurisdiction: int = HOME
    """ISO 3166 numeric code of its home."""
    head_office: int = 0
    """The founder before it whose branch abroad it is; 0 for none."""


@dataclass(frozen=True, slots=True)
class AccountGrant:
    """An account of a founding member, with its roles as a mask."""

    member: int
    account: bytes
    roles: int


@dataclass(frozen=True, slots=True)
class NodeGrant:
    """A node of a founding member."""

    member: int
    node: bytes
    validates: bool


def build_genesis(
    *,
    chain_id: int,
    timestamp: int,
    founders: Sequence[Founder],
    accounts: Sequence[AccountGrant],
    nodes: Sequence[NodeGrant],
    funds: Mapping[bytes, int],
    development: bool = False,
    gas_limit: int = GAS_LIMIT,
    block_period: int = BLOCK_PERIOD_SECONDS,
    empty_block_period: int = EMPTY_BLOCK_PERIOD_SECONDS,
    request_timeout: int = REQUEST_TIMEOUT_SECONDS,
) -> str:
    """Return the text of a genesis file; `funds` are balances in wei by account.

    Raises:
        ConfigError: a constructor refuses what it was given.
    """
    state = MemoryState()
    state.put(HISTORY_ADDRESS, nonce=1, code=HISTORY_CODE)
    floor = DEVELOPMENT_DEADLINE_FLOOR_SECONDS if development else DEADLINE_FLOOR_SECONDS
    env = BlockEnvironment(0, timestamp, ZERO_ADDRESS, gas_limit, MIX_HASH, chain_id, ZERO_HASH)
    for address, initcode in predeploys().items():
        state.apply(PyEvmEngine().construct(env, address, initcode, state))
    lock = DEVELOPMENT_TIME_LOCK_SECONDS if development else TIME_LOCK_SECONDS
    for name, arguments in _constructor_arguments(founders, accounts, nodes, floor, lock).items():
        artifact = chaincode.load(name)
        initcode = artifact.constructor + _encode_arguments(artifact.abi, arguments)
        address = Address(artifact.address)
        state.apply(PyEvmEngine().construct(env, address, initcode, state))
    held = _accounts(state, funds)
    header = _header(timestamp, gas_limit, state_root_of(held))
    config = _config(chain_id, block_period, empty_block_period, request_timeout)
    return render_genesis(header, held, config)


def _constructor_arguments(
    founders: Sequence[Founder],
    accounts: Sequence[AccountGrant],
    nodes: Sequence[NodeGrant],
    deadline_floor: int,
    time_lock: int,
) -> dict[str, tuple[Any, ...]]:
    members = (
        [_founder(item) for item in founders],
        [(item.member, item.account, item.roles) for item in accounts],
        [(item.member, item.node, item.validates) for item in nodes],
    )
    given: dict[str, tuple[Any, ...]] = {
        "members": members,
        "grants": (deadline_floor,),
        "governance": ([SHARES[kind] for kind in ProposalKind],),
        "parameters": (deadline_floor, parameter_values(time_lock, deadline_floor)),
    }
    return {name: given.get(name, ()) for name in chaincode.CONTRACTS}


def parameter_values(time_lock: int, deadline_floor: int) -> list[int]:
    """Return what Parameters is constructed with: each parameter's value, from the first.

    Deadlines are 168 times the floor: a week, and about an hour on a development network. Those of
    applications are in working days everywhere: the time to answer of the public-information rules.
    """
    week = 168 * deadline_floor
    values = {
        Parameter.TIME_LOCK: time_lock,
        Parameter.DELETION_WITHIN: 2 * week,
        Parameter.ANSWER_WITHIN: week,
        Parameter.APPEAL_WITHIN: 2 * week,
        Parameter.DECIDE_WITHIN: 20,
        Parameter.EXTEND_BY: 20,
        Parameter.SUPPLEMENT_WITHIN: 10,
        Parameter.REAFFIRM_WITHIN: 52 * week,
        Parameter.RULING_WITHIN: 13 * week,
    }
    return [values[parameter] for parameter in Parameter]


def _founder(founder: Founder) -> tuple[Any, ...]:
    named = (_identifier(founder), founder.kind, founder.name, founder.certificate)
    return (*named, founder.jurisdiction, founder.head_office)


def _identifier(founder: Founder) -> bytes:
    data = founder.identifier.encode("ascii", "replace")
    if not 0 < len(data) <= 32:
        raise ConfigError(f"genesis: {founder.identifier!r} is no LEI or USCC")
    return data.ljust(32, b"\0")


def _encode_arguments(abi: Sequence[Mapping[str, Any]], values: tuple[Any, ...]) -> bytes:
    types = [
        _type(part) for item in abi if item["type"] == "constructor" for part in item["inputs"]
    ]
    return bytes(eth_abi.encode(types, values))


def _type(part: Mapping[str, Any]) -> str:
    kind: str = part["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_type(inner) for inner in part['components'])}){kind[5:]}"


def _accounts(state: MemoryState, funds: Mapping[bytes, int]) -> dict[Address, GenesisAccount]:
    held = {
        address: GenesisAccount(
            account.nonce, account.balance, state.code(account.code_hash), state.slots[address]
        )
        for address, account in state.accounts.items()
    }
    for account_address, balance in funds.items():
        address = Address(account_address)
        if address in held:
            raise ConfigError(f"genesis: 0x{address.hex()} is a contract and takes no funds")
        held[address] = GenesisAccount(balance=balance)
    return held


def _header(timestamp: int, gas_limit: int, state_root: Hash32) -> Header:
    return Header(
        parent_hash=ZERO_HASH,
        ommers_hash=EMPTY_OMMERS_HASH,
        coinbase=ZERO_ADDRESS,
        state_root=state_root,
        transactions_root=EMPTY_ROOT,
        receipts_root=EMPTY_ROOT,
        logs_bloom=bytes(256),
        difficulty=1,
        number=0,
        gas_limit=gas_limit,
        gas_used=0,
        timestamp=timestamp,
        extra_data=encode_extra_data(ExtraData(vanity=bytes(32))),
        mix_hash=MIX_HASH,
        nonce=bytes(8),
        base_fee=0,
        withdrawals_root=EMPTY_ROOT,
        blob_gas_used=0,
        excess_blob_gas=0,
        parent_beacon_block_root=ZERO_HASH,
        requests_hash=NO_REQUESTS_HASH,
    )


def _config(chain_id: int, period: int, empty_period: int, timeout: int) -> dict[str, Any]:
    return {
        "chainId": chain_id,
        "londonBlock": 0,
        "shanghaiTime": 0,
        "cancunTime": 0,
        "pragueTime": 0,
        "zeroBaseFee": True,
        "qbft": {
            "blockperiodseconds": period,
            "emptyblockperiodseconds": empty_period,
            "requesttimeoutseconds": timeout,
            "epochlength": 30_000,
            "validatorcontractaddress": "0x" + MEMBERS.hex(),
        },
    }
