"""Templates and lists, the twin of `chaincode/templates.vy`: what terms may be made, and when.

A template's clauses never change; it is proposed, adopted and retired at most once each. Entries of
the negative and the cautious list are replaced as often as regulators agree, and each list counts
its changes, so that whoever has as many changes as it counts has them all (R23).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from node.spec.calendar import DAY_SECONDS
from node.spec.slots import ReadSlot, mapping_slot
from node.spec.terms import Terms
from node.spec.types import Hash32
from node.spec.vocabulary import HOME, Party, ProductStatus, covered_by, mask

TEMPLATES_AT: Final = 0
LISTS: Final = 3
ZONE_FREEZES: Final = 5
_COUNT: Final = (1 << 64) - 1
_CAUTIONS_AT: Final = 128


@dataclass(frozen=True, slots=True)
class Template:
    """A template's clauses and where it stands."""

    status: int
    purposes: int
    modes: int
    maximum_uses: int
    maximum_days: int
    minimum_group: int
    abroad: bool
    onward: bool


def slot_of_template(text: Hash32) -> int:
    """Return where Templates holds a template, by the hash of its text."""
    return mapping_slot(TEMPLATES_AT, text)


def template(read: ReadSlot, text: Hash32) -> Template | None:
    """Return a template, None when there is none. `read` is of Templates."""
    word = read(slot_of_template(text))
    if not word:
        return None
    return Template(
        status=word >> 100 & 15,
        purposes=word >> 104,
        modes=word >> 8 & 255,
        maximum_uses=word >> 16 & 0xFFFFFFFF,
        maximum_days=word >> 48 & 0xFFFF,
        minimum_group=word >> 64 & 0xFFFFFFFF,
        abroad=bool(word >> 96 & 1),
        onward=bool(word >> 97 & 1),
    )


def list_changes(read: ReadSlot) -> tuple[int, int]:
    """Return how often the negative and the cautious list were changed. `read` is of Templates."""
    word = read(LISTS)
    return word & _COUNT, word >> _CAUTIONS_AT & _COUNT


def zone_freeze(read: ReadSlot, zone: int) -> tuple[int, int]:
    """Return the purposes frozen in a zone, 0 for every zone, and the second that is over."""
    base = mapping_slot(ZONE_FREEZES, zone)
    return read(base), read(base + 1)


def was_adopted(found: Template) -> bool:
    """Whether terms could ever be made under it."""
    return found.status in (ProductStatus.APPROVED, ProductStatus.RETIRED)


def refuse_clauses(found: Template, terms: Terms) -> str | None:
    """Return why terms lie outside a template, in the contract's words, or None (A12)."""
    seconds = terms.valid_until - terms.valid_from
    group = terms.minimum_group
    checks = (
        (found.purposes >> terms.purpose & 1 == 1, "purpose outside the template"),
        (terms.modes & ~found.modes == 0, "mode outside the template"),
        (terms.maximum_uses <= found.maximum_uses, "uses outside the template"),
        (seconds <= found.maximum_days * DAY_SECONDS, "validity outside the template"),
        (group == 0 or group >= found.minimum_group, "group outside the template"),
        (terms.destination == HOME or found.abroad, "export outside the template"),
        (terms.recipients == 0 or found.onward, "onward sharing outside the template"),
    )
    return next((f"templates: {reason}" for holds, reason in checks if not holds), None)


def entries(category: int, destination: int) -> tuple[tuple[int, int], ...]:
    """Return the entries of a list that concern a category and destination; 0 stands for all."""
    return ((category, destination), (category, 0), (0, destination), (0, 0))


def is_refused(
    refused: Mapping[tuple[int, int], int], category: int, destination: int, purpose: int
) -> bool:
    """Whether a negative list, masks of purposes by entry, refuses one or what it covers (A13)."""
    masks = (refused.get(entry, 0) for entry in entries(category, destination))
    return any(purposes & covered_by(purpose) for purposes in masks)


def refuse_careless(words: Iterable[tuple[int, int]], terms: Terms, required: int) -> str | None:
    """Return what a cautious list asks and terms do not meet, or None (A13).

    `words` are the entries that concern the terms: purposes, and what is asked of them; an entry
    bites on terms for all that covers one of its purposes (R6). `required` is the mask of parties
    that had to approve.
    """
    asked = [word for purposes, word in words if purposes & covered_by(terms.purpose)]
    sides = (terms.provider, terms.consumer, terms.exchange, terms.operator)
    for word in asked:
        named, cap, modes = word & 0xFFFF, word >> 16 & 0xFFFFFFFF, word >> 48 & 255
        by_name = terms.approver == named and required & mask(Party.APPROVER)
        checks = (
            (cap == 0 or terms.maximum_uses <= cap, "uses above the cautious list's cap"),
            (modes == 0 or terms.modes & ~modes == 0, "mode not on the cautious list"),
            (not word >> 56 & 1 or required & mask(Party.REGULATOR), "no regulator approves"),
            (not named or named in sides or by_name, "not the approver that the list names"),
        )
        flaw = next((text for holds, text in checks if not holds), None)
        if flaw is not None:
            return f"templates: {flaw}"
    return None


def slots_of_zone_freezes(zone: int) -> tuple[int, ...]:
    """Return where Templates holds the freezes of a zone, and those of every zone."""
    bases = (mapping_slot(ZONE_FREEZES, index) for index in (zone, 0))
    return tuple(base + offset for base in bases for offset in range(2))


def is_zone_frozen(read: ReadSlot, zone: int, purpose: int, timestamp: int) -> bool:
    """Whether a purpose, or one it covers, is frozen in a zone or in every zone.

    `read` is of Templates.
    """
    purposes, until, all_purposes, all_until = map(read, slots_of_zone_freezes(zone))
    covered = covered_by(purpose)
    own = bool(purposes & covered) and timestamp < until
    return own or (bool(all_purposes & covered) and timestamp < all_until)
