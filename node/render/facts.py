"""Each member of the signed structure as a labelled fact in Chinese and English.

Every member gives a fact, one that this version cannot interpret too, so no rendering for a signer
can leave out what is signed. Labels come from the vocabulary.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from chaincode.vocabulary import load
from node.render.directory import Directory
from node.spec.calendar import ZONE
from node.spec.terms import Terms, to_json, words
from node.spec.typed_data import Word
from node.spec.vocabulary import label

LANGUAGES: Final = ("zh", "en")
_NONE: Final = {"zh": "无", "en": "none"}
_UNITS: Final = {
    "day": {"zh": "天", "en": "days"},
    "hour": {"zh": "小时", "en": "hours"},
    "second": {"zh": "秒", "en": "seconds"},
}
_SECONDS: Final = (("day", 86_400), ("hour", 3_600), ("second", 1))

_TABLES: Final = {
    "subjectMode": "subject_mode",
    "legalBasis": "legal_basis",
    "purpose": "purpose",
    "destination": "jurisdiction",
    "mechanism": "mechanism",
    "ratePeriod": "rate_period",
    "right": "owner_right",
    "priceClass": "price_class",
}
"""Members that are an index of a table of the vocabulary."""

Show = Callable[[int, str, Directory], str]


@dataclass(frozen=True, slots=True)
class Fact:
    """One member of the terms: its name as signed, its value, and both for a reader."""

    name: str
    value: Word
    label: str
    shown: str


def facts_of(terms: Terms, language: str, directory: Directory) -> tuple[Fact, ...]:
    """Return all members of the terms in the order that is signed."""
    return tuple(
        Fact(name, value, label_of(name, language), _show(name, value, language, directory))
        for name, value in zip(to_json(terms), words(terms), strict=True)
    )


def label_of(name: str, language: str) -> str:
    """Return the label of a member of the terms; one without a label by its name."""
    for term in load()["terms_member"]:
        if term.name == name:
            return term.zh if language == "zh" else term.en
    return name


def bits_of(mask: int) -> tuple[int, ...]:
    """Return the places of a mask's bits, lowest first."""
    return tuple(place for place in range(mask.bit_length()) if mask >> place & 1)


def moment(seconds: int) -> str:
    """Return a time of UTC+8 for people; one beyond the calendar as its second."""
    try:
        return datetime.fromtimestamp(seconds, ZONE).strftime("%Y-%m-%d %H:%M:%S UTC+8")
    except (OverflowError, ValueError, OSError):
        return f"second {seconds}"


def instant(seconds: int) -> str:
    """Return a time as xsd:dateTime in UTC; one beyond the calendar as its last second."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return "9999-12-31T23:59:59Z"


def member_name(index: int, language: str, directory: Directory) -> str:
    """Return a member by its number, and by its name where that is known."""
    if not index:
        return _NONE[language]
    number = f"成员{index}" if language == "zh" else f"member {index}"
    name = directory.name_of(index)
    return f"{number} ({name})" if name else number


def field_name(place: int, directory: Directory) -> str:
    """Return a field's name, where it is not known its place."""
    return directory.fields[place] if place < len(directory.fields) else f"#{place}"


def _show(name: str, value: Word, language: str, directory: Directory) -> str:
    if isinstance(value, bytes):
        return "0x" + value.hex() if any(value) else _NONE[language]
    table = _TABLES.get(name)
    if table in load().tables:
        return label(table, value, language)
    return _SHOWN.get(name, _count)(value, language, directory)


def _count(value: int, _language: str, _directory: Directory) -> str:
    return f"{value:,}" if value < 1 << 64 else hex(value)


def _members(value: int, language: str, directory: Directory) -> str:
    found = [member_name(index, language, directory) for index in bits_of(value)]
    return _joined(found, language)


def _fields(value: int, language: str, directory: Directory) -> str:
    return _joined([field_name(place, directory) for place in bits_of(value)], language)


def _modes(value: int, language: str, _directory: Directory) -> str:
    return _joined([label("delivery_mode", mode, language) for mode in bits_of(value)], language)


def _moment(value: int, language: str, _directory: Directory) -> str:
    return moment(value) if value else _NONE[language]


def _seconds(value: int, language: str, _directory: Directory) -> str:
    unit, each = next(item for item in _SECONDS if value % item[1] == 0)
    return f"{value // each} {_UNITS[unit][language]}"


def _days(value: int, language: str, _directory: Directory) -> str:
    return f"{value} {_UNITS['day'][language]}" if value else _NONE[language]


def _share(value: int, _language: str, _directory: Directory) -> str:
    return f"{value // 100}.{value % 100:02d} %"


def _joined(parts: list[str], language: str) -> str:
    return ("、" if language == "zh" else ", ").join(parts) or _NONE[language]


_SHOWN: Final[Mapping[str, Show]] = {
    **dict.fromkeys(("provider", "consumer", "exchange", "operator", "approver"), member_name),
    **dict.fromkeys(("validFrom", "validUntil", "mechanismUntil"), _moment),
    **dict.fromkeys(("answerWithin", "settleWithin", "acknowledgeWithin"), _seconds),
    **dict.fromkeys(("lookBackDays", "retentionDays"), _days),
    "recipients": _members,
    "fields": _fields,
    "modes": _modes,
    "exchangeShare": _share,
}
"""How the members that are no plain count are shown."""
