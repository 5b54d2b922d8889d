"""The vocabulary: one versioned table of every closed list that contracts, nodes and people share.

The source is `vocabulary.json`, with English and Chinese labels. An index never changes its meaning
and is never used again: a new entry takes the next free index and raises `version`; a test pins
every index handed out so far. What contracts need of it is generated into `vocabulary.vy` by
`python -m chaincode.build`; what Python needs is read through `node.spec.vocabulary`.

Purposes form a tree by `parent`: a granted parent purpose covers its children, never the reverse
(R6). A field kind names the floor of level and personal-information class that a product is held to
(R4). A reason names the parties that may give it.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

TABLES: Final = (
    "purpose",
    "field_kind",
    "level",
    "personal_class",
    "terms_member",
    "delivery_mode",
    "subject_mode",
    "legal_basis",
    "party",
    "reason",
    "member_kind",
    "role",
    "zone",
    "jurisdiction",
    "payment_kind",
    "freeze_ground",
    "contract_kind",
    "rate_period",
    "mechanism",
    "owner_right",
    "price_class",
    "delegation_kind",
    "authorization_status",
    "lease_status",
    "product_status",
    "receipt_kind",
    "correction_cause",
    "proposal_kind",
    "proposal_status",
    "ballot",
    "parameter",
    "version_status",
    "obligation_kind",
    "obligation_status",
    "erasure_ground",
    "dispute_status",
    "ruling",
    "acceptance_status",
    "application_status",
    "refusal_reason",
)
"""Every table there is; `vocabulary.json` holds exactly these."""


@dataclass(frozen=True, slots=True)
class Term:
    """One entry: its index on chain, its name in code, its two labels.

    Only the tables that need them fill the rest: `parent` (purposes), `level` and `personal_class`
    (field kinds), `by` (reasons: names of the parties that may give it).
    """

    index: int
    name: str
    en: str
    zh: str
    parent: int = 0
    level: int = 0
    personal_class: int = 0
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The whole vocabulary; `home` is the ISO 3166 numeric code of the home jurisdiction."""

    version: int
    home: int
    tables: dict[str, tuple[Term, ...]]

    def __getitem__(self, table: str) -> tuple[Term, ...]:
        return self.tables[table]

    def index(self, table: str, name: str) -> int:
        """Return the index of the entry called `name`; KeyError when there is none."""
        for term in self.tables[table]:
            if term.name == name:
                return term.index
        raise KeyError(f"{table}: no entry {name!r}")

    def term(self, table: str, index: int) -> Term:
        """Return the entry at `index`; KeyError when there is none."""
        for term in self.tables[table]:
            if term.index == index:
                return term
        raise KeyError(f"{table}: no index {index}")


@cache
def load() -> Vocabulary:
    """Return the vocabulary that ships with this version of the contracts."""
    text = resources.files("chaincode").joinpath("vocabulary.json").read_text("utf-8")
    return parse(json.loads(text))


def parse(document: dict[str, Any]) -> Vocabulary:
    """Return the vocabulary a parsed document holds; ValueError names what is wrong with it."""
    tables = {name: tuple(_term(row) for row in rows) for name, rows in document["tables"].items()}
    if tuple(tables) != TABLES:
        raise ValueError(f"vocabulary: tables are {tuple(tables)}")
    for name, terms in tables.items():
        for key in ("index", "name"):
            if len({getattr(term, key) for term in terms}) != len(terms):
                raise ValueError(f"vocabulary: table {name} repeats an {key}")
    vocabulary = Vocabulary(document["version"], document["home"], tables)
    _check_purposes(vocabulary)
    vocabulary.term("jurisdiction", vocabulary.home)
    return vocabulary


def _term(row: dict[str, Any]) -> Term:
    return Term(**{**row, "by": tuple(row.get("by", ()))})


def _check_purposes(vocabulary: Vocabulary) -> None:
    for term in vocabulary["purpose"]:
        if len(ancestors(vocabulary, term.index)) > DEPTH_MAX:
            raise ValueError(f"vocabulary: purpose {term.name} is nested too deep")


DEPTH_MAX: Final = 4
"""Longest chain of parents; the contract's loop over parents ends there."""


def ancestors(vocabulary: Vocabulary, purpose: int) -> tuple[int, ...]:
    """Return the parents of a purpose, nearest first, at most `DEPTH_MAX + 1` of them."""
    found: list[int] = []
    parent = vocabulary.term("purpose", purpose).parent
    while parent and len(found) <= DEPTH_MAX:
        found.append(parent)
        parent = vocabulary.term("purpose", parent).parent
    return tuple(found)


def covered(vocabulary: Vocabulary, purpose: int) -> int:
    """Return the mask of a purpose and all that it covers, bit i for purpose i (R6)."""
    below = (t.index for t in vocabulary["purpose"] if purpose in ancestors(vocabulary, t.index))
    return sum((1 << index for index in below), 1 << purpose)


def render_vyper(vocabulary: Vocabulary) -> str:
    """Return the Vyper module that carries the vocabulary into the contracts.

    Tables become words of 32 one-byte entries, because a word constant costs nothing to read.
    """
    counts = "".join(
        f"{name.upper()}_LAST: constant(uint256) = {max(term.index for term in vocabulary[name])}\n"
        for name in _COUNTED
    )
    names = "".join(
        f"{table.upper()}_{_constant(term.name)}: constant(uint256) = {term.index}\n"
        for table in _NAMED
        for term in vocabulary[table]
    )
    parents = {term.index: term.parent for term in vocabulary["purpose"]}
    floors = {
        term.index: term.level << 4 | term.personal_class for term in vocabulary["field_kind"]
    }
    givers = {
        term.index: sum(1 << vocabulary.index("party", party) for party in term.by)
        for term in vocabulary["reason"]
    }
    places = sum(
        1 << (term.index % 256) << 256 * (term.index // 256) for term in _places(vocabulary)
    )
    return _MODULE.format(
        version=vocabulary.version,
        home=vocabulary.home,
        depth=DEPTH_MAX,
        counts=counts,
        names=names,
        parents=_table("parent_of", "purpose", parents),
        floors=_table("floor_of", "kind", floors),
        givers=_table("givers_of", "reason", givers),
        places=_place_words(places),
        coverage=_coverage(vocabulary),
    )


def _places(vocabulary: Vocabulary) -> tuple[Term, ...]:
    return vocabulary["jurisdiction"]


def _constant(name: str) -> str:
    words = "".join(f"_{c}" if c.isupper() and i else c for i, c in enumerate(name))
    return words.upper()


def _table(function: str, argument: str, entries: dict[int, int]) -> str:
    """Return a pure function from an index to its byte; an unknown index gives 0."""
    words = [0] * (max(entries) // 32 + 1)
    for index, value in entries.items():
        words[index // 32] |= value << 8 * (index % 32)
    lines = [f"@internal\n@pure\ndef {function}({argument}: uint256) -> uint256:"]
    for number, word in enumerate(words):
        lines.append(f"    if {argument} < {32 * (number + 1)}:")
        lines.append(f"        word: uint256 = convert({word:#066x}, uint256)")
        lines.append(f"        return (word >> (8 * ({argument} % 32))) & 255")
    return "\n".join([*lines, "    return 0"])


def _place_words(places: int) -> str:
    lines = ["@internal\n@pure\ndef is_jurisdiction(code: uint256) -> bool:"]
    for number in range(4):
        word = places >> 256 * number & (2**256 - 1)
        lines.append(f"    if code < {256 * (number + 1)}:")
        lines.append(f"        word: uint256 = convert({word:#066x}, uint256)")
        lines.append("        return (word >> (code % 256)) & 1 == 1")
    return "\n".join([*lines, "    return False"])


def _coverage(vocabulary: Vocabulary) -> str:
    """Return the lines of `covered_by`: most purposes have none below, and ask one mask only."""
    parents = sorted({term.parent for term in vocabulary["purpose"]} - {0})
    every = sum(1 << parent for parent in parents)
    lines = [f"    if ({every} >> purpose) & 1 == 1:"]
    for parent in parents:
        lines.append(f"        if purpose == {parent}:")
        lines.append(f"            return {covered(vocabulary, parent)}")
    return "\n".join([*lines, "    return 1 << purpose"])


_COUNTED: Final = (
    *("purpose", "field_kind", "legal_basis", "reason", "member_kind", "zone"),
    *("rate_period", "mechanism", "contract_kind", "freeze_ground", "payment_kind"),
    "proposal_kind",
    "ballot",
    "parameter",
    *("owner_right", "price_class", "correction_cause"),
    "refusal_reason",
)

_NAMED: Final = (
    "rate_period",
    "mechanism",
    "owner_right",
    "price_class",
    "delegation_kind",
    "delivery_mode",
    "subject_mode",
    "legal_basis",
    "party",
    "reason",
    "member_kind",
    "role",
    "authorization_status",
    "lease_status",
    "product_status",
    "receipt_kind",
    "proposal_kind",
    "proposal_status",
    "ballot",
    "parameter",
    "version_status",
    "obligation_kind",
    "obligation_status",
    "erasure_ground",
    "dispute_status",
    "ruling",
    "acceptance_status",
    "application_status",
)

_MODULE: Final = '''# pragma version 0.4.3
# pragma evm-version prague
"""
@title The vocabulary as contracts read it
@notice Generated from vocabulary.json by `python -m chaincode.build`; never edited by hand.
"""

VERSION: constant(uint256) = {version}
HOME: constant(uint256) = {home}

{counts}
{names}

{parents}


{floors}


{givers}


{places}


@internal
@pure
def purpose_covers(granted: uint256, wanted: uint256) -> bool:
    """
    @notice Whether a granted purpose covers a wanted one: itself, or an ancestor of it (R6).
    """
    purpose: uint256 = wanted
    for _: uint256 in range({depth} + 1):
        if purpose == granted:
            return granted != 0
        purpose = self.parent_of(purpose)
    return False


@internal
@pure
def covered_by(purpose: uint256) -> uint256:
    """
    @notice The mask of a purpose and all that it covers, bit i for purpose i (R6).
    """
{coverage}
'''
