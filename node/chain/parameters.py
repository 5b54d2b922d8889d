"""What a genesis fixes for the life of a chain, as the node uses it (N1).

The names in a genesis are Besu's (`config.qbft`); a key whose effect this node does not have is
refused by name instead of being ignored, because nodes that disagree on it would part ways.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from node.chain.genesis_values import address_value, integer_value
from node.errors import ConfigError
from node.spec.registry import MEMBERS
from node.spec.types import ZERO_ADDRESS, Address

GAS_LIMIT: Final = 200_000_000
BLOCK_PERIOD_SECONDS: Final = 1
EMPTY_BLOCK_PERIOD_SECONDS: Final = 10
REQUEST_TIMEOUT_SECONDS: Final = 4


@dataclass(frozen=True, slots=True)
class ChainParameters:
    """A chain's constants; times in seconds."""

    chain_id: int
    block_period: int = BLOCK_PERIOD_SECONDS
    empty_block_period: int = EMPTY_BLOCK_PERIOD_SECONDS
    request_timeout: int = REQUEST_TIMEOUT_SECONDS
    beneficiary: Address | None = None
    """Who gets all fees and is the COINBASE of contracts; None for the proposer itself."""
    base_fee: int = 0

    def fees_to(self, coinbase: Address) -> Address:
        """Return who gets the fees of a block that `coinbase` proposed."""
        return coinbase if self.beneficiary is None else self.beneficiary


def read_parameters(config: Mapping[str, Any]) -> ChainParameters:
    """Return the parameters in a genesis' `config`, whose keys are in lower case.

    Raises:
        ConfigError: something is missing, out of range, or has no effect here.
    """
    qbft = config.get("qbft")
    if not isinstance(qbft, Mapping):
        raise ConfigError("genesis: config.qbft is missing", why="this node runs QBFT only")
    _refuse_what_has_no_effect(config, qbft)
    beneficiary = qbft.get("miningbeneficiary")
    return ChainParameters(
        chain_id=integer_value(config.get("chainid"), "config.chainId"),
        block_period=_seconds(qbft, "blockperiodseconds", BLOCK_PERIOD_SECONDS),
        empty_block_period=_seconds(qbft, "emptyblockperiodseconds", EMPTY_BLOCK_PERIOD_SECONDS),
        request_timeout=_seconds(qbft, "requesttimeoutseconds", REQUEST_TIMEOUT_SECONDS),
        beneficiary=None if not beneficiary else address_value(beneficiary, "miningbeneficiary"),
    )


def _seconds(qbft: Mapping[str, Any], key: str, default: int) -> int:
    value = integer_value(qbft.get(key, default), f"config.qbft.{key}")
    if not 0 < value <= 86_400:
        raise ConfigError(f"genesis: config.qbft.{key} is {value}", why="1 to 86400 seconds")
    return value


def _refuse_what_has_no_effect(config: Mapping[str, Any], qbft: Mapping[str, Any]) -> None:
    if config.get("transitions"):
        raise ConfigError("genesis: config.transitions are not supported")
    for key in ("xblockperiodmilliseconds", "startblock", "pertxgaslimit"):
        if qbft.get(key):
            raise ConfigError(f"genesis: config.qbft.{key} is not supported")
    if integer_value(qbft.get("blockreward", 0), "config.qbft.blockreward"):
        raise ConfigError("genesis: config.qbft.blockreward must be 0")
    if not config.get("zerobasefee"):
        raise ConfigError("genesis: config.zeroBaseFee must be true")
    contract = address_value(qbft.get("validatorcontractaddress", ZERO_ADDRESS.hex()), "contract")
    if contract != MEMBERS:
        raise ConfigError(
            f"genesis: config.qbft.validatorcontractaddress is 0x{contract.hex()}",
            why=f"validators are read from the Members contract at 0x{MEMBERS.hex()}",
        )
