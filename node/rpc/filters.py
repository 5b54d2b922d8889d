"""Log filters: what eth_getLogs, eth_newFilter and eth_subscribe("logs") ask for."""

from dataclasses import dataclass
from typing import Any, Final

from node.rpc.dispatch import INVALID_PARAMS, RpcError
from node.rpc.params import to_address, to_hash, to_object
from node.spec.types import Hash32
from node.storage.logs import LogFilter

ADDRESSES_MAX: Final = 1_000
TOPIC_CHOICES_MAX: Final = 1_000
TOPICS_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class LogRequest:
    """A filter with its range: block parameters as the client gave them, or one block's hash."""

    wanted: LogFilter
    first: Any = None
    last: Any = None
    block_hash: Hash32 | None = None


def parse_log_request(value: Any) -> LogRequest:
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
    wanted = LogFilter(
        tuple(to_address(part) for part in listed), tuple(_choices(part) for part in topics)
    )
    return LogRequest(
        wanted,
        fields.get("fromBlock"),
        fields.get("toBlock"),
        None if block_hash is None else to_hash(block_hash, "blockHash"),
    )


def _choices(part: Any) -> tuple[Hash32, ...]:
    if part is None:
        return ()
    listed = part if isinstance(part, list) else [part]
    if len(listed) > TOPIC_CHOICES_MAX:
        raise RpcError(INVALID_PARAMS, "invalid argument: too many topic choices")
    return tuple(to_hash(choice, "topic") for choice in listed)
