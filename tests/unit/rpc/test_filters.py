"""A filter decides how much a query may cost, so each of its bounds and shapes is held."""

from typing import Any

import pytest

from node.rpc.dispatch import RpcError
from node.rpc.filters import ADDRESSES_MAX, TOPIC_CHOICES_MAX, parse_log_request

ADDRESS = "0x" + "aa" * 20
TOPIC = "0x" + "bb" * 32


def test_one_or_many_addresses_and_topics() -> None:
    one = parse_log_request({"address": ADDRESS, "topics": [TOPIC, None, [TOPIC, TOPIC]]})
    assert one.wanted.addresses == (bytes.fromhex("aa" * 20),)
    assert [len(part) for part in one.wanted.topics] == [1, 0, 2]
    assert (
        parse_log_request({"address": [ADDRESS]}).wanted
        == parse_log_request({"address": ADDRESS}).wanted
    )
    assert parse_log_request({}).wanted.addresses == ()


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {"address": "0x12"},
        {"address": [5]},
        {"topics": TOPIC},
        {"topics": [TOPIC] * 5},
        {"topics": ["0x12"]},
        {"topics": [[5]]},
        {"topics": [[TOPIC] * (TOPIC_CHOICES_MAX + 1)]},
        {"address": [ADDRESS] * (ADDRESSES_MAX + 1)},
        {"blockHash": "0x12"},
        {"blockHash": TOPIC, "fromBlock": "0x1"},
    ],
)
def test_what_is_no_filter(value: Any) -> None:
    with pytest.raises(RpcError) as caught:
        parse_log_request(value)
    assert caught.value.number == -32602
