"""A proved trail as a timeline: what happened, in which block, by which transaction."""

from typing import Any

from node.audit.evidence import Case, Happening, text_of
from node.audit.summary import moment
from node.spec.vocabulary import Party, label

Json = dict[str, Any]

_HIDDEN = frozenset({"terms", "authorization"})
"""Left out of a line: the heading or the summary shows them."""


_TABLES = {
    "reason": "reason",
    "purpose": "purpose",
    "mode": "delivery_mode",
    "kind": "obligation_kind",
    "status": "obligation_status",
    "ruling": "ruling",
    "data": "erasure_ground",
    "records": "erasure_ground",
    "cause": "correction_cause",
}
"""Tables of the vocabulary by the names of values."""


def timeline_of(case: Case, language: str = "en") -> list[Json]:
    """Return the events of an authorization and its leases, and the receipts they anchor."""
    numbers = {bytes(lease.state.lease): lease.number for lease in case.leases}
    return [_entry(happening, numbers, language) for happening in case.events]


def _entry(happening: Happening, numbers: dict[bytes, int], language: str) -> Json:
    values = {
        name: _shown(name, value, numbers, language)
        for name, value in happening.event.values.items()
        if name not in _HIDDEN
    }
    return {
        "block": happening.block,
        "time": moment(happening.time),
        "transaction": text_of(happening.transaction.hash),
        "event": happening.name,
        "values": values,
    }


def _shown(name: str, value: Any, numbers: dict[bytes, int], language: str) -> Any:
    """Return a value as people read it: labels for indices, numbers for leases."""
    if name == "lease" and isinstance(value, bytes) and value in numbers:
        return numbers[value]
    if name in _TABLES:
        return label(_TABLES[name], value, language)
    if name in ("parties", "required", "approved"):
        return [label("party", party, language) for party in Party if value >> party & 1]
    if name in ("expiresAt", "answerUntil", "due", "dataDue", "recordsDue", "until", "at"):
        return moment(value) if value else None
    return text_of(value) if isinstance(value, bytes) else value


def timeline_lines(entries: list[Json]) -> list[str]:
    """Return a timeline as lines: time, block, event and its values."""
    return [_line(entry) for entry in entries]


def _line(entry: Json) -> str:
    place = f"{entry['time']}  block {entry['block']:>6}"
    return f"  {place}  {entry['event']:24} {_values(entry)}".rstrip()


def _values(entry: Json) -> str:
    return "  ".join(f"{name}={_text(value)}" for name, value in entry["values"].items())


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "+".join(map(str, value)) or "-"
    text = str(value)
    return text[:12] + "…" if text.startswith("0x") and len(text) > 42 else text
