"""What an authorization came to, in plain data, from values that its checks have proved."""

import unicodedata
from datetime import UTC, datetime
from typing import Any

from node.audit.calldata import direct_call
from node.audit.checks_counts import uses_counted
from node.audit.evidence import Case, LeaseCase, text_of
from node.audit.texts import ENDINGS, SUMMARY, say
from node.spec.registry import status_at
from node.spec.vocabulary import DeliveryMode, LeaseStatus, ReceiptKind, label

Json = dict[str, Any]


def summary_of(case: Case, timestamp: int, language: str) -> Json:
    """Return an authorization's summary as of a block's time, labels in one language."""
    terms = case.in_force
    return {
        "authorization": text_of(case.identifier),
        "parties": _parties(case, language),
        "purpose": label("purpose", terms.purpose, language),
        "fields": _fields(case, language),
        "delivery": [
            label("delivery_mode", mode, language)
            for mode in DeliveryMode
            if terms.modes >> mode & 1
        ],
        "destination": label("jurisdiction", terms.destination, language),
        "valid_from": moment(terms.valid_from),
        "valid_until": moment(terms.valid_until),
        "status": _status(case, timestamp, language),
        "uses": _uses(case),
        "leases": [_lease(lease, language) for lease in case.leases],
        "corrections": _corrections(case, language),
        "ended": _ended(case, language),
    }


def moment(seconds: int) -> str:
    """Return a time as ISO 8601 in UTC."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return f"{seconds} s"


def padded(text: str, width: int) -> str:
    """Return text filled up to a width on screen, where a Chinese character takes two places."""
    used = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
    return text + " " * max(0, width - used)


def _parties(case: Case, language: str) -> list[Json]:
    terms = case.in_force
    roles = [("provider", terms.provider), ("consumer", terms.consumer)]
    roles += [("exchange", terms.exchange)] if terms.exchange else []
    roles += [("regulator", index) for index in case.regulators]
    return [
        {
            "role": role,
            "member": index,
            "identifier": case.members[index].identifier,
            "name": case.members[index].name,
            "kind": label("member_kind", case.members[index].kind, language),
        }
        for role, index in roles
    ]


def _fields(case: Case, language: str) -> list[Json]:
    """Return how many granted fields there are of each level (JR/T 0197)."""
    newest = (case, *case.amendments)[-1]
    counts = [(newest.terms.fields & mask).bit_count() for mask in newest.levels]
    return [
        {"level": level, "label": label("level", level, language), "count": count}
        for level, count in enumerate(counts, 1)
        if count
    ]


def _status(case: Case, timestamp: int, language: str) -> str:
    return label("authorization_status", status_at(case.state, timestamp), language)


def _uses(case: Case) -> Json:
    return {
        "granted": case.in_force.maximum_uses,
        "counted": sum(map(uses_counted, case.leases)),
        "settled": sum(lease.state.settled for lease in case.leases),
        "claimed": sum(lease.state.claimed for lease in case.leases),
        "void": sum(
            use.receipt.kind == ReceiptKind.VOID for lease in case.leases for use in lease.receipts
        ),
        "corrected": sum(len(lease.corrections) for lease in case.leases),
    }


def _corrections(case: Case, language: str) -> list[Json]:
    """Return the receipts that both sides corrected, and as what."""
    return [
        {
            "lease": lease.number,
            "number": number,
            "receipt": text_of(found.receipt),
            "replacement": text_of(found.replacement) if any(found.replacement) else None,
            "cause": label("correction_cause", found.cause, language),
        }
        for lease in case.leases
        for number, found in sorted(lease.corrections.items())
    ]


def _lease(lease: LeaseCase, language: str) -> Json:
    state = lease.state
    return {
        "number": lease.number,
        "lease": text_of(state.lease),
        "block": state.opened_at,
        "uses": state.uses,
        "settled": state.settled,
        "claimed": state.claimed,
        "returned": state.uses - uses_counted(lease),
        "purpose": label("purpose", state.purpose, language),
        "delivery": label("delivery_mode", state.mode, language),
        "ending": ending_of(lease),
        "ending_text": say(ENDINGS[ending_of(lease)], language),
    }


def ending_of(lease: LeaseCase) -> str:
    """Return how a lease ended, by its key in the texts."""
    match lease.state.status:
        case LeaseStatus.OPEN:
            return "open"
        case LeaseStatus.CLOSING:
            return "closing"
        case LeaseStatus.LAPSED:
            return "lapsed"
    closed = next((h for h in lease.events if h.name == "LeaseClosed"), None)
    if closed is None:
        return "batch"
    call = closed.call() or direct_call("closings", closed.transaction)
    ways = {"close": "both", "finalize": "alone"}
    return ways.get("" if call is None else call.name, "closed")


def _ended(case: Case, language: str) -> Json | None:
    state = case.state
    if state.ended is None:
        return None
    return {
        "block": state.ended,
        "status": label("authorization_status", state.status, language),
        "reason": label("reason", state.reason, language),
    }


def summary_lines(summary: Json, language: str) -> list[str]:
    """Return a summary as the lines of a small table."""
    rows = [
        (say(SUMMARY[party["role"]], language), _party_text(party)) for party in summary["parties"]
    ]
    field_text = ", ".join(say(SUMMARY["field-count"], language, **f) for f in summary["fields"])
    uses = say(SUMMARY["use-counts"], language, **summary["uses"])
    rows += [
        (say(SUMMARY["purpose"], language), summary["purpose"]),
        (say(SUMMARY["fields"], language), field_text),
        (say(SUMMARY["modes"], language), ", ".join(summary["delivery"])),
        (say(SUMMARY["destination"], language), summary["destination"]),
        (
            say(SUMMARY["validity"], language),
            f"{summary['valid_from']} .. {summary['valid_until']}",
        ),
        (say(SUMMARY["status"], language), _status_text(summary, language)),
        (say(SUMMARY["uses"], language), uses),
    ]
    for lease in summary["leases"]:
        text = say(SUMMARY["lease-line"], language, **lease | {"ending": lease["ending_text"]})
        rows.append((say(SUMMARY["lease"], language, number=lease["number"]), text))
    for found in summary["corrections"]:
        key = "corrected-void" if found["replacement"] is None else "corrected-replaced"
        name = say(SUMMARY["correction"], language, **found)
        rows.append((name, say(SUMMARY[key], language, **found)))
    return [f"    {padded(name, 12)} {text}" for name, text in rows]


def _party_text(party: Json) -> str:
    return f"{party['identifier']}  {party['name']} ({party['kind']})"


def _status_text(summary: Json, language: str) -> str:
    ended = summary["ended"]
    return summary["status"] if ended is None else say(SUMMARY["ended"], language, **ended)
