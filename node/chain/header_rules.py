"""When a header may follow its parent: the rules that need neither the clock nor the seals.

They are Besu's for QBFT with a validator contract (numbered as there), and what Prague with a base
fee of zero fixes beside them. Seals, the clock (N6) and everything that execution computes are
judged elsewhere.
"""

from collections.abc import Collection
from typing import Final

from node.chain.genesis_file import NO_REQUESTS_HASH
from node.chain.parameters import ChainParameters
from node.errors import DecodeError, InvalidBlock
from node.spec.block import EMPTY_OMMERS_HASH
from node.spec.header import Header
from node.spec.seal import MIX_HASH, decode_extra_data, hash_for_block
from node.spec.types import EMPTY_ROOT, ZERO_HASH, Address

GAS_LIMIT_MIN: Final = 5_000
GAS_LIMIT_MAX: Final = 2**63 - 1
GAS_LIMIT_BOUND_DIVISOR: Final = 1_024
DIFFICULTY: Final = 1


def check_header(
    header: Header,
    parent: Header,
    validators: Collection[Address],
    parameters: ChainParameters,
) -> None:
    """Raise `InvalidBlock` unless the header may follow its parent under these validators."""
    _check_place(header, parent, parameters)
    _check_gas(header, parent)
    _check_constants(header, parameters)
    _check_proposer(header, validators)


def _check_place(header: Header, parent: Header, parameters: ChainParameters) -> None:
    _demand(header.number == parent.number + 1, header, "its number does not follow its parent's")
    _demand(header.parent_hash == hash_for_block(parent), header, "another parent")  # rule 1
    earliest = parent.timestamp + parameters.block_period
    _demand(header.timestamp >= earliest, header, "too soon after its parent")  # rule 10


def _check_gas(header: Header, parent: Header) -> None:
    limit = header.gas_limit
    _demand(header.gas_used <= limit, header, "more gas used than its limit")  # rule 2
    _demand(GAS_LIMIT_MIN <= limit <= GAS_LIMIT_MAX, header, "gas limit out of range")  # rule 3
    allowed = parent.gas_limit // GAS_LIMIT_BOUND_DIVISOR
    changed = abs(limit - parent.gas_limit)
    _demand(
        changed < allowed or changed == 0, header, "gas limit too far from its parent's"
    )  # rule 3


def _check_constants(header: Header, parameters: ChainParameters) -> None:
    found = (
        header.mix_hash,  # rule 5
        header.difficulty,  # rule 6
        header.ommers_hash,
        header.base_fee,
        header.withdrawals_root,
        (header.blob_gas_used, header.excess_blob_gas),
        header.parent_beacon_block_root,
        header.requests_hash,
    )
    expected = (
        MIX_HASH,
        DIFFICULTY,
        EMPTY_OMMERS_HASH,
        parameters.base_fee,
        EMPTY_ROOT,
        (0, 0),
        ZERO_HASH,
        NO_REQUESTS_HASH,
    )
    names = (
        *("mix hash", "difficulty", "ommers hash", "base fee"),
        *("withdrawals root", "blob gas", "beacon root", "requests hash"),
    )
    for name, have, want in zip(names, found, expected, strict=True):
        _demand(have == want, header, f"wrong {name}")


def _check_proposer(header: Header, validators: Collection[Address]) -> None:
    try:
        extra = decode_extra_data(header.extra_data)
    except DecodeError as error:
        raise InvalidBlock(f"block {header.number}: {error.what}", why=error.why) from error
    _demand(not extra.validators, header, "names validators beside the contract")  # rule 7
    _demand(extra.vote is None, header, "carries a vote beside the contract")  # rule 7
    _demand(header.coinbase in validators, header, "its coinbase is no validator")  # rule 8


def _demand(holds: bool, header: Header, text: str) -> None:
    if not holds:
        raise InvalidBlock(f"block {header.number}: {text}")
