"""Exports: distinct persons whose data leave the country, by references that tell nobody (R20).

The Python twin of `chaincode/exports.vy`. An exporter keeps a key for each calendar year (UTC+8)
and a register of which person each reference stands for; the ledger counts references.
"""

import hashlib
import hmac
from typing import Final

from node.spec.calendar import window_of
from node.spec.crypto import keccak256
from node.spec.slots import mapping_slot
from node.spec.terms import Terms
from node.spec.types import Hash32
from node.spec.vocabulary import HOME, Mechanism, RatePeriod, SubjectMode

SEEN: Final = 0
RECORDED: Final = 1
"""Where Exports keeps persons counted and exports recorded; a test holds both."""

REFERENCES_MAX: Final = 256
"""Most references of one transaction."""

EXEMPT_LIMIT: Final = 100_000
CONTRACT_LIMIT: Final = 1_000_000
SENSITIVE_LIMIT: Final = 10_000
"""Fewer persons than these a year, of ordinary data and of sensitive."""

_UNLIMITED: Final = (Mechanism.SECURITY_ASSESSMENT, Mechanism.FREE_TRADE_ZONE_LIST)


def export_reference(key: bytes, year: int, person: bytes) -> Hash32:
    """Return what the ledger knows a person by, of one exporter and calendar year."""
    return Hash32(hmac.digest(key, year.to_bytes(4, "big") + person, hashlib.sha256))


def year_of(time: int) -> int:
    """Return the calendar year (UTC+8) that a time, Unix seconds, lies in."""
    return window_of(RatePeriod.YEAR, time)


def limit_of(mechanism: Mechanism, *, is_sensitive: bool) -> int | None:
    """Return how many persons a year a mechanism does not reach, None for no limit."""
    if mechanism in _UNLIMITED:
        return None
    if is_sensitive:
        return 0 if mechanism == Mechanism.EXEMPT else SENSITIVE_LIMIT
    return EXEMPT_LIMIT if mechanism == Mechanism.EXEMPT else CONTRACT_LIMIT


def needs_record(terms: Terms) -> bool:
    """Whether data of single persons leave the country under terms."""
    return terms.destination != HOME and terms.subject_mode != SubjectMode.NONE


def slot_of_person(exporter: int, year: int, reference: Hash32, *, is_sensitive: bool) -> int:
    """Return the slot that holds the block which counted a person, 0 for none."""
    words = b"".join(word.to_bytes(32, "big") for word in (exporter, year, int(is_sensitive)))
    return mapping_slot(mapping_slot(SEEN, keccak256(words)), reference)


def slot_of_record(terms: Hash32, year: int) -> int:
    """Return the slot that holds the block that first recorded an export under terms."""
    return mapping_slot(mapping_slot(RECORDED, terms), year)
