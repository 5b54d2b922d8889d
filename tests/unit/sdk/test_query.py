"""A query's hash is what the consumer signed, so a text has one meaning and a meaning one text."""

import json
from typing import Any

import pytest

from node.errors import DecodeError
from node.sdk.query import (
    FIELDS_MAX,
    TEXT_BYTES_MAX,
    Measure,
    aggregate_query,
    canonical,
    parse_query,
    record_query,
)
from node.spec.crypto import keccak256
from node.spec.vocabulary import DeliveryMode

RECORD = {"fields": ["age"], "kind": "record", "purpose": "credit"}
MEASURE = {"equals": "", "field": "age", "function": "average"}
AGGREGATE = {"fields": ["job"], "kind": "aggregate", "measures": [MEASURE], "purpose": "credit"}


def test_a_record_query_there_and_back() -> None:
    query = record_query("credit", ["age"])
    assert query.text == canonical(RECORD)
    assert parse_query(query.text) == query
    assert query.mode == DeliveryMode.FIELDS
    assert query.hash == keccak256(query.text.encode())
    assert query.used_fields == {"age"}


def test_an_aggregate_names_all_fields_it_depends_on() -> None:
    measures = [Measure("share", "good", "1"), Measure("count", "")]
    query = aggregate_query("credit", ["job"], measures)
    assert parse_query(query.text) == query
    assert query.mode == DeliveryMode.QUERY
    assert query.used_fields == {"job", "good"}


def test_another_text_of_the_same_query_is_refused() -> None:
    text = canonical(RECORD)
    assert parse_query(text)
    spaced, unsorted = json.dumps(RECORD), json.dumps(RECORD | {}, separators=(",", ":"))[:-1]
    for other in (spaced, unsorted, text + " ", text.replace("age", "\\u0061ge"), "\ufeff" + text):
        with pytest.raises(DecodeError):
            parse_query(other)
    twice = text.replace('"kind"', '"fields":["age"],"kind"')
    with pytest.raises(DecodeError, match="canonical"):
        parse_query(twice)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        5,
        "x",
        RECORD | {"kind": "everything"},
        RECORD | {"kind": 5},
        RECORD | {"more": 1},
        {"fields": ["age"], "kind": "record"},
        RECORD | {"purpose": 5},
        RECORD | {"fields": "age"},
        RECORD | {"fields": [5]},
        RECORD | {"fields": []},
        RECORD | {"fields": ["age", "age"]},
        RECORD | {"fields": [f"f{n}" for n in range(FIELDS_MAX + 1)]},
        AGGREGATE | {"measures": {}},
        AGGREGATE | {"measures": [5]},
        AGGREGATE | {"measures": [{"function": "average"}]},
        AGGREGATE | {"measures": [MEASURE | {"function": "drop table"}]},
        AGGREGATE | {"measures": [MEASURE | {"field": 5}]},
        AGGREGATE | {"measures": [MEASURE | {"field": ""}]},
        AGGREGATE | {"measures": [MEASURE | {"equals": "1"}]},
        AGGREGATE | {"measures": [MEASURE | {"function": "share"}]},
        AGGREGATE | {"measures": [MEASURE | {"function": "count"}]},
        AGGREGATE | {"measures": [MEASURE] * (FIELDS_MAX + 1)},
    ],
)
def test_what_is_no_query(body: Any) -> None:
    with pytest.raises(DecodeError, match="query"):
        parse_query(canonical(body))


def test_size_and_depth_are_bounded() -> None:
    long = canonical(RECORD | {"purpose": "x" * TEXT_BYTES_MAX})
    with pytest.raises(DecodeError, match="bytes"):
        parse_query(long)
    with pytest.raises(DecodeError):
        parse_query("[" * 8_000 + "]" * 8_000)
