"""What a consumer asks of a gateway, in one canonical text that both sides hash.

A query names its purpose and fields. `record` asks one person's granted fields (mode `fields`),
`aggregate` asks groups of at least the terms' minimum size (mode `query`). The request hash is
keccak256 of the text, so nothing in it can be denied or changed later.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from node.errors import DecodeError
from node.spec.crypto import keccak256
from node.spec.types import Hash32
from node.spec.vocabulary import DeliveryMode

TEXT_BYTES_MAX: Final = 16_384
FIELDS_MAX: Final = 256
FUNCTIONS: Final = frozenset({"count", "average", "sum", "share"})


@dataclass(frozen=True, slots=True)
class Measure:
    """One number per group: `share` is the part of rows where the field equals `equals`."""

    function: str
    field: str
    equals: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query with the very text it came from."""

    text: str
    kind: str
    purpose: str
    fields: tuple[str, ...]
    """For `record`: what to deliver; for `aggregate`: what to group by."""
    measures: tuple[Measure, ...] = ()

    @property
    def mode(self) -> DeliveryMode:
        """The delivery mode this kind of query needs."""
        return DeliveryMode.FIELDS if self.kind == "record" else DeliveryMode.QUERY

    @property
    def hash(self) -> Hash32:
        """What the consumer's request signs."""
        return keccak256(self.text.encode("utf-8"))

    @property
    def used_fields(self) -> frozenset[str]:
        """Every field that the answer depends on."""
        return frozenset(self.fields) | {part.field for part in self.measures if part.field}


def canonical(value: Any) -> str:
    """Return the one JSON text of a value: keys sorted, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def record_query(purpose: str, fields: list[str]) -> Query:
    """Return the query for one person's fields."""
    return parse_query(canonical({"fields": fields, "kind": "record", "purpose": purpose}))


def aggregate_query(purpose: str, group_by: list[str], measures: list[Measure]) -> Query:
    """Return the query for groups and their measures."""
    listed = [
        {"function": part.function, "field": part.field, "equals": part.equals} for part in measures
    ]
    body = {"fields": group_by, "kind": "aggregate", "measures": listed, "purpose": purpose}
    return parse_query(canonical(body))


def parse_query(text: str) -> Query:
    """Return the query that a canonical text holds.

    Raises:
        DecodeError: not canonical, unknown kind or function, or a wrong shape.
    """
    if len(text.encode("utf-8")) > TEXT_BYTES_MAX:
        raise DecodeError(f"query: more than {TEXT_BYTES_MAX} bytes")
    try:
        body = json.loads(text)
        is_canonical = canonical(body) == text
    except (ValueError, RecursionError) as error:
        raise DecodeError("query: not JSON") from error
    if not isinstance(body, dict) or not is_canonical:
        raise DecodeError("query: not a canonical object (keys sorted, no spaces)")
    expected = {"record": {"fields", "kind", "purpose"}}
    expected["aggregate"] = expected["record"] | {"measures"}
    kind = body.get("kind")
    if not isinstance(kind, str) or set(body) != expected.get(kind):
        raise DecodeError(
            "query: unknown kind or members", why="record: fields, purpose; aggregate: + measures"
        )
    if not isinstance(body["purpose"], str):
        raise DecodeError("query: purpose is no text")
    measures = body.get("measures", [])
    if not isinstance(measures, list) or len(measures) > FIELDS_MAX:
        raise DecodeError("query: measures is no list")
    return Query(
        text,
        kind,
        body["purpose"],
        _names(body["fields"]),
        tuple(_measure(part) for part in measures),
    )


def _names(value: Any) -> tuple[str, ...]:
    fits = isinstance(value, list) and 0 < len(value) <= FIELDS_MAX
    if not fits or not all(isinstance(name, str) for name in value):
        raise DecodeError("query: fields is no list of names")
    if len(set(value)) != len(value):
        raise DecodeError("query: a field is named twice")
    return tuple(value)


def _measure(value: Any) -> Measure:
    if not isinstance(value, dict) or set(value) != {"function", "field", "equals"}:
        raise DecodeError("query: a measure has function, field and equals")
    function, field, equals = value["function"], value["field"], value["equals"]
    if not all(isinstance(part, str) for part in (function, field, equals)):
        raise DecodeError("query: a measure holds texts")
    if function not in FUNCTIONS:
        raise DecodeError(f"query: unknown function {function!r}", why=", ".join(sorted(FUNCTIONS)))
    if (function == "count") != (field == "") or (function == "share") != (equals != ""):
        raise DecodeError(f"query: {function} does not take these members")
    return Measure(function, field, equals)
