"""Finding by events which blocks and transactions a trail needs, at the word of one node.

A node that leaves an event out is found out: state counts leases, uses and approvals, and the
bundle would not prove itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from node.audit.evidence import text_of
from node.errors import Refused, RemoteError
from node.sdk.abi import Event, decode_event, event_topic
from node.sdk.client import Client, log_from_json
from node.sdk.contracts import terms_from_event
from node.sdk.journal import Journal
from node.spec.disputes import DISPUTES
from node.spec.obligations import OBLIGATIONS
from node.spec.receipt import Log
from node.spec.registry import (
    AUTHORIZATIONS,
    CHALLENGES,
    CLOSINGS,
    GRANTS,
    LEASES,
    MEMBERS,
    STATEMENTS_OF_PERIODS,
    TEMPLATES,
)
from node.spec.terms import Terms
from node.spec.types import Address, Hash32

_CONTRACTS = {
    GRANTS: "grants",
    AUTHORIZATIONS: "authorizations",
    LEASES: "leases",
    CLOSINGS: "closings",
    CHALLENGES: "challenges",
    MEMBERS: "members",
    TEMPLATES: "templates",
    STATEMENTS_OF_PERIODS: "statements",
    OBLIGATIONS: "obligations",
    DISPUTES: "disputes",
}


@dataclass(slots=True)
class Found:
    """What a search has come upon."""

    head: int
    """The last block looked at."""
    authorizations: dict[Hash32, Terms] = field(default_factory=dict)
    leases: dict[Hash32, Hash32] = field(default_factory=dict)
    """Each lease's authorization."""
    places: dict[int, frozenset[int]] = field(default_factory=dict)
    """Indices of the needed transactions, by block."""
    asked: set[tuple[Address, tuple[str | None, ...]]] = field(default_factory=set)
    """What bears on many authorizations and was asked for already."""

    def add(self, number: int, index: int) -> bool:
        """Note a transaction; return whether it is new."""
        known = self.places.get(number, frozenset())
        self.places[number] = known | {index}
        return index not in known


@dataclass(frozen=True, slots=True)
class _Entry:
    """A log with where it stands."""

    event: Event
    block: int
    index: int


async def authorizations_of_journals(client: Client, journals: Sequence[Journal]) -> list[Hash32]:
    """Return the authorizations with a lease of which one of the journals holds uses."""
    found: dict[Hash32, None] = {}
    for entry in await _entries(client, LEASES, [_topic("leases", "LeaseOpened")]):
        lease = Hash32(entry.event.values["lease"])
        if any(journal.last(lease) is not None for journal in journals):
            found[Hash32(entry.event.values["authorization"])] = None
    return list(found)


async def search(client: Client, wanted: Iterable[Hash32], head: int, maximum: int) -> Found:
    """Return all that concerns some authorizations up to block `head`, closed over batches.

    Raises:
        Refused: one of them does not exist, or too many are drawn in.
    """
    found, waiting = Found(head), list(dict.fromkeys(wanted))
    while waiting:
        authorization = waiting.pop()
        if authorization in found.authorizations:
            continue
        if len(found.authorizations) == maximum:
            raise Refused("bundle too large", why=f"more than {maximum} authorizations hang on it")
        for entry in await _of_authorization(client, found, authorization):
            if entry.block <= head and found.add(entry.block, entry.index):
                waiting += await _drawn_in(client, entry)
    return found


async def _of_authorization(client: Client, found: Found, authorization: Hash32) -> list[_Entry]:
    """Return the events of an authorization and of its leases."""
    named = text_of(authorization)
    requested = await _entries(client, GRANTS, [None, named])
    for entry in requested:
        if entry.event.name == "AuthorizationRequested":
            found.authorizations[authorization] = terms_from_event(entry.event.values["terms"])
    if authorization not in found.authorizations:
        raise Refused("no such authorization", why=f"the node shows no request of {named}")
    terms = found.authorizations[authorization]
    entries = requested + await _entries(client, AUTHORIZATIONS, [None, named])
    entries += await _amendments(client, entries)
    entries += await _batches(client, authorization, terms)
    opened = await _entries(client, LEASES, [_topic("leases", "LeaseOpened"), None, named])
    for entry in opened:
        lease = Hash32(entry.event.values["lease"])
        if entry.block <= found.head:
            found.leases[lease] = authorization
            for address in (LEASES, CLOSINGS, CHALLENGES):
                entries += await _entries(client, address, [None, text_of(lease)])
    breaches: list[str | None] = [_topic("challenges", "BreachReported"), named]
    entries += await _entries(client, CHALLENGES, breaches)
    return entries + await _around(client, found, named, entries)


async def _around(
    client: Client, found: Found, named: str, entries: Sequence[_Entry]
) -> list[_Entry]:
    """Return what others did that bears on an authorization: disputes, duties, lists, freezes."""
    asked = [e.event for e in entries if e.event.name == "AuthorizationRequested"]
    versions = [terms_from_event(event.values["terms"]) for event in asked]
    wanted: list[tuple[Address, list[str | None]]] = [
        (DISPUTES, [None, None, named]),
        (OBLIGATIONS, [None, None, named]),
        (OBLIGATIONS, [_topic("obligations", "DeletionHeld"), named]),
        (TEMPLATES, [_topic("templates", "PurposesRefused")]),
        (TEMPLATES, [_topic("templates", "CautionSet")]),
        (TEMPLATES, [_topic("templates", "ZoneFrozen")]),
    ]
    for text in sorted({terms.template for terms in versions}):
        for name in ("TemplateAdopted", "TemplateRetired"):
            wanted.append((TEMPLATES, [_topic("templates", name), text_of(text)]))
    sides = [text_of(side.to_bytes(32, "big")) for side in _sides(versions[0])]
    wanted += [(MEMBERS, [_topic("members", "MemberFrozen"), side]) for side in sides]
    stated = _topic("statements", "FeesStated")
    wanted.append((STATEMENTS_OF_PERIODS, [stated, None, *sides]))
    places = {(address, tuple(topics)) for address, topics in wanted} - found.asked
    found.asked |= places
    return [
        entry
        for address, topics in wanted
        if (address, tuple(topics)) in places
        for entry in await _entries(client, address, topics)
    ]


def _sides(terms: Terms) -> tuple[int, int]:
    return terms.provider, terms.consumer


async def _amendments(client: Client, entries: list[_Entry]) -> list[_Entry]:
    """Return the events of the amendments that took effect: they stand under their own digests."""
    found: list[_Entry] = []
    for entry in entries:
        if entry.event.name == "AuthorizationAmended":
            amendment = text_of(entry.event.values["amendment"])
            for address in (GRANTS, AUTHORIZATIONS):
                found += await _entries(client, address, [None, amendment])
    return found


async def _batches(client: Client, authorization: Hash32, terms: Terms) -> list[_Entry]:
    """Return the batches of a pair that settle or close a lease of the authorization."""
    pair = [text_of(member.to_bytes(32, "big")) for member in _sides(terms)]
    topics: list[str | None] = [_topic("leases", "BatchAnchored"), None, *pair]
    anchored = await _entries(client, LEASES, topics)
    return [entry for entry in anchored if authorization in entry.event.values["authorizations"]]


async def _drawn_in(client: Client, entry: _Entry) -> list[Hash32]:
    """Return the authorizations that a transaction needs beside: of its batches and requests."""
    needed: list[Hash32] = []
    receipt = (await client.receipts(entry.block))[entry.index : entry.index + 1]
    if not receipt:
        raise RemoteError(f"block {entry.block}: the node gives no receipt {entry.index}")
    for log in receipt[0].logs:
        event = _event(log)
        if event is not None and event.name == "AmendmentRequested":
            needed.append(Hash32(event.values["authorization"]))
        elif event is not None and event.name == "AuthorizationRequested":
            terms = terms_from_event(event.values["terms"])
            needed += [] if any(terms.amends) else [Hash32(event.values["authorization"])]
            needed += [terms.parent] if any(terms.parent) else []
        elif event is not None and event.name == "BatchAnchored":
            needed += map(Hash32, event.values["authorizations"])
    return needed


async def _entries(client: Client, address: Address, topics: list[str | None]) -> list[_Entry]:
    found = []
    for shown in await client.logs(address, topics):
        event = _event(log_from_json(shown))
        if event is not None:
            found.append(_Entry(event, _number(shown, "blockNumber"), _index(shown)))
    return found


def _event(log: Log) -> Event | None:
    contract = _CONTRACTS.get(log.address)
    return None if contract is None else decode_event(contract, log)


def _index(shown: dict[str, Any]) -> int:
    return _number(shown, "transactionIndex")


def _number(shown: dict[str, Any], name: str) -> int:
    try:
        return int(shown[name], 16)
    except (KeyError, TypeError, ValueError) as error:
        raise RemoteError("a log has another shape than specified") from error


def _topic(contract: str, name: str) -> str:
    return text_of(event_topic(contract, name))
