"""Log filters: what eth_getLogs, eth_newFilter and eth_subscribe("logs") ask for."""

from dataclasses import dataclass
from typing import Any, Final

from node.rpc.dispatch import INVALID_PARAMS, RpcError
from node.rpc.params import to_address, to_hash, to_object
from node.spec.receipt import Log, bloom_bits
from node.spec.types import Address, Hash32

ADDRESSES_MAX: Final = 1_000
TOPIC_CHOICES_MAX: Final = 1_000
TOPICS_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Addresses, any of which fits, and for each topic the choices, () for any.

    `first` and `last` are block parameters as the client gave them; `block_hash` replaces both.
    """

    addresses: frozenset[Address]
    topics: tuple[frozenset[Hash32], ...]
    first: Any = None
    last: Any = None
    block_hash: Hash32 | None = None

    def matches(self, log: Log) -> bool:
        """Whether a log fits."""
        if self.addresses and log.address not in self.addresses:
            return False
        if len(self.topics) > len(log.topics):
            return False
        pairs = zip(self.topics, log.topics, strict=False)
        return all(not choices or topic in choices for choices, topic in pairs)

    def matches_json(self, log: dict[str, Any]) -> bool:
        """Whether a log in its JSON shape fits."""
        topics = tuple(Hash32(bytes.fromhex(topic[2:])) for topic in log["topics"])
        return self.matches(Log(Address(bytes.fromhex(log["address"][2:])), topics, b""))

    def may_match(self, bloom: bytes) -> bool:
        """Whether a block with this bloom can hold a fitting log."""
        bits = int.from_bytes(bloom, "big")
        groups: list[frozenset[Address] | frozenset[Hash32]] = [self.addresses, *self.topics]
        return all(
            not group or any(bits & (need := bloom_bits(value)) == need for value in group)
            for group in groups
        )


def parse_log_filter(value: Any) -> LogFilter:
    """Return the filter that a client's object describes."""
    fields = to_object(value, "filter")
    addresses = fields.get("address")
    listed = addresses if isinstance(addresses, list) else [addresses] if addresses else []
    topics = fields.get("topics") or []
    if not isinstance(topics, list) or len(topics) > TOPICS_MAX or len(listed) > ADDRESSES_MAX:
        raise RpcError(INVALID_PARAMS, "invalid argument: too many addresses or topics")
    block_hash = fields.get("blockHash")
    if block_hash is not None and (fields.get("fromBlock") or fields.get("toBlock")):
        raise RpcError(INVALID_PARAMS, "cannot specify both blockHash and fromBlock/toBlock")
    return LogFilter(
        frozenset(to_address(part) for part in listed),
        tuple(_choices(part) for part in topics),
        fields.get("fromBlock"),
        fields.get("toBlock"),
        None if block_hash is None else to_hash(block_hash, "blockHash"),
    )


def _choices(part: Any) -> frozenset[Hash32]:
    if part is None:
        return frozenset()
    listed = part if isinstance(part, list) else [part]
    if len(listed) > TOPIC_CHOICES_MAX:
        raise RpcError(INVALID_PARAMS, "invalid argument: too many topic choices")
    return frozenset(to_hash(choice, "topic") for choice in listed)
