"""What a rendering needs and the signed structure does not hold: names, addresses, field names.

It is given by whoever renders, is not signed, and renderings say so. One JSON object holds it:

    {"members": {"1": {"name": "…", "address": "…", "contact": "…"}},
     "fields": ["…"], "kinds": ["…"], "privacyNotice": "…", "storageLocations": ["…"],
     "withdrawal": "…"}
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from node.errors import DecodeError

_MEMBERS: Final = frozenset(
    {"members", "fields", "kinds", "privacyNotice", "storageLocations", "withdrawal"}
)
_PARTY: Final = frozenset({"name", "address", "contact"})
ENTRIES_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class PartyCard:
    """How a member is named and reached."""

    name: str
    address: str
    contact: str


@dataclass(frozen=True, slots=True)
class Directory:
    """Facts beside the terms; `fields` are the product's in their order, `kinds` their kinds."""

    members: Mapping[int, PartyCard] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    privacy_notice: str = ""
    storage_locations: tuple[str, ...] = ()
    withdrawal: str = ""
    """How consent is withdrawn, in words or as an address."""

    def name_of(self, member: int) -> str:
        """Return a member's name, empty where it is not known."""
        card = self.members.get(member)
        return card.name if card is not None else ""


NO_DIRECTORY: Final = Directory()


def from_json(document: object) -> Directory:
    """Return the directory that a JSON object holds.

    Raises:
        DecodeError: it has another shape.
    """
    if not isinstance(document, dict) or not set(document) <= _MEMBERS:
        raise DecodeError(f"directory: expected an object of {', '.join(sorted(_MEMBERS))}")
    try:
        cards = {int(index): _card(card) for index, card in document.get("members", {}).items()}
        lists = {name: _texts(document, name) for name in ("fields", "kinds", "storageLocations")}
        texts = {name: _text(document.get(name, "")) for name in ("privacyNotice", "withdrawal")}
    except (TypeError, ValueError, AttributeError) as error:
        raise DecodeError("directory: a member has another shape than specified") from error
    return Directory(
        cards,
        lists["fields"],
        lists["kinds"],
        texts["privacyNotice"],
        lists["storageLocations"],
        texts["withdrawal"],
    )


def _card(value: Any) -> PartyCard:
    if set(value) != _PARTY:
        raise ValueError
    return PartyCard(*(_text(value[name]) for name in ("name", "address", "contact")))


def _texts(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = document.get(name, [])
    if not isinstance(value, list) or len(value) > ENTRIES_MAX:
        raise ValueError
    return tuple(_text(part) for part in value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
