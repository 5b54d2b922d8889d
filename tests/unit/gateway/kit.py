"""A lease that permits everything asked of it, so that a test can take one permission away."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import eth_abi

import chaincode
from node.gateway.guard import Grant
from node.gateway.meter import Meter
from node.gateway.service import Service
from node.gateway.sources import CsvSource
from node.sdk.abi import event_topic
from node.sdk.journal import Journal
from node.sdk.product import Field, Manifest
from node.sdk.query import Measure, Query, aggregate_query, record_query
from node.spec.crypto import address_of, keccak256, sign
from node.spec.registry import GRANTS, AuthorizationState, LeaseState
from node.spec.terms import Terms, authorization_id, words
from node.spec.types import Address, Hash32
from node.spec.usage import Request, lease_id, receipt_hash, request_digest
from node.spec.vocabulary import (
    AuthorizationStatus,
    DeliveryMode,
    LeaseStatus,
    OwnerRight,
    Zone,
    purpose,
)

CHAIN_ID = 31337
NOW = 1_800_000_000
PROVIDER_KEY, CONSUMER_KEY, OTHER_KEY = (keccak256(n) for n in (b"provider", b"consumer", b"x"))
SUBJECT = Hash32(b"\x05" * 32)
PRODUCT = Hash32(b"\x06" * 32)
PURPOSE = "CreditChecking"
NARROWER = "CreditScoreEvaluation"
MANIFEST = Manifest(
    "product",
    next(iter(Zone)),
    (DeliveryMode.FIELDS, DeliveryMode.QUERY),
    "Terms.",
    tuple(Field(name, "kind", 1, 0) for name in ("subject", "job", "age", "secret")),
)
TERMS = Terms(
    provider=1,
    consumer=2,
    exchange=0,
    exchange_share=0,
    operator=0,
    approver=0,
    product=PRODUCT,
    product_version=1,
    right=OwnerRight.PROCESSING,
    subject_mode=1,
    subject=Address(b"\x09" * 20),
    subject_reference=SUBJECT,
    agent=Address(bytes(20)),
    delegation=Hash32(bytes(32)),
    notice=Hash32(bytes(32)),
    legal_basis=1,
    purpose=purpose(PURPOSE),
    fields=MANIFEST.mask_of("job", "age"),
    modes=1 << DeliveryMode.FIELDS | 1 << DeliveryMode.QUERY,
    destination=156,
    mechanism=0,
    mechanism_reference=Hash32(bytes(32)),
    mechanism_until=0,
    recipients=0,
    parent=Hash32(bytes(32)),
    amends=Hash32(bytes(32)),
    minimum_group=5,
    maximum_uses=10,
    rate_period=0,
    rate_limit=0,
    look_back_days=0,
    retention_days=30,
    valid_from=NOW - 100,
    valid_until=NOW + 1_000,
    unsigned_maximum=1,
    answer_within=60,
    settle_within=60,
    acknowledge_within=60,
    price_class=0,
    price_plan=Hash32(bytes(32)),
    template=Hash32(bytes(32)),
    nonce=1,
)


def grant(terms: Terms = TERMS, mode: DeliveryMode = DeliveryMode.FIELDS, **lease: Any) -> Grant:
    """Return a grant that permits; keyword arguments change the lease."""
    identifier = authorization_id(terms, CHAIN_ID)
    number = lease_id(identifier, 1)
    state = LeaseState(
        lease=number,
        uses=5,
        settled=0,
        claimed=0,
        purpose=terms.purpose,
        mode=mode,
        fields=0,
        opened_at=3,
        expires_at=NOW + 500,
        status=LeaseStatus.OPEN,
        version=1,
        last=number,
        deadline=NOW + 560,
        is_rated=False,
        is_per_use=bool(terms.subject_mode == 2),
        stated=(None, None),
        provider=terms.provider,
        consumer=terms.consumer,
        provider_key=address_of(PROVIDER_KEY),
        consumer_key=address_of(CONSUMER_KEY),
    )
    return Grant(replace(state, **lease), standing(terms), terms, identifier)


def standing(terms: Terms = TERMS, **changes: Any) -> AuthorizationState:
    """Return an active authorization's state."""
    state = AuthorizationState(
        fields=terms.fields,
        ended=None,
        purpose=terms.purpose,
        modes=terms.modes,
        destination=terms.destination,
        subject_mode=terms.subject_mode,
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
        answer_within=terms.answer_within,
        settle_within=terms.settle_within,
        acknowledge_within=terms.acknowledge_within,
        unsigned_maximum=terms.unsigned_maximum,
        provider=terms.provider,
        consumer=terms.consumer,
        exchange=0,
        maximum_uses=terms.maximum_uses,
        counted=5,
        leases=1,
        open=1,
        unaccounted=0,
        required=3,
        approved=3,
        status=AuthorizationStatus.ACTIVE,
        reason=0,
        was_interrupted=0,
        rate_period=0,
        rate_limit=0,
        zone=0,
        is_onward=0,
        is_shared=0,
        is_delegated=0,
        retention_days=terms.retention_days,
        frozen_until=0,
        window=0,
        window_used=0,
        version=1,
    )
    return replace(state, **changes)


RECORD = record_query(PURPOSE, ["job", "age"])
COUNTS = aggregate_query(PURPOSE, ["job"], [Measure("count", "")])


def asked(query: Query = RECORD, number: int = 1, previous: Hash32 | None = None) -> Request:
    """Return a request of the lease of `grant()`."""
    identifier = grant().lease.lease
    return Request(identifier, number, query.hash, previous or identifier)


def signed(request: Request, key: bytes = CONSUMER_KEY) -> bytes:
    """Return a request's signature."""
    return sign(key, request_digest(request, CHAIN_ID))


@dataclass
class FakeView:
    """A view whose state a test sets; `moves` are run at each advance, one after another."""

    grant: Grant
    timestamp: int = NOW
    number: int = 7
    gateways: set[tuple[Address, int]] = field(
        default_factory=lambda: {
            (address_of(PROVIDER_KEY), TERMS.provider),
            (address_of(CONSUMER_KEY), TERMS.consumer),
        }
    )
    moves: list[Any] = field(default_factory=list)
    frozen: dict[Any, int] = field(default_factory=dict)
    revoked: set[Hash32] = field(default_factory=set)
    delegations: set[Hash32] = field(default_factory=set)
    exports: set[Any] = field(default_factory=set)
    client: Any = None

    def __post_init__(self) -> None:
        self.head = SimpleNamespace(timestamp=self.timestamp, number=self.number)
        self.client = SimpleNamespace(logs=self._logs)

    async def advance(self) -> Any:
        if self.moves:
            move = self.moves.pop(0)
            if move is not None:
                move(self)
                self.head = SimpleNamespace(timestamp=self.timestamp, number=self.number)
        return self.head

    async def lease(self, identifier: Hash32) -> LeaseState | None:
        return self.grant.lease if identifier == self.grant.lease.lease else None

    async def authorization(self, identifier: Hash32) -> AuthorizationState | None:
        return self.grant.authorization if identifier == self.grant.authorization_id else None

    async def terms_digest(self, authorization: Hash32, version: int) -> Hash32:
        assert version == 1
        return authorization

    async def has_delegation(self, delegation: Hash32, timestamp: int) -> bool:
        return delegation in self.delegations

    async def is_consent_revoked(self, authorization: Hash32, consent: Hash32) -> bool:
        return consent in self.revoked

    async def is_export_recorded(self, terms: Hash32, year: int) -> bool:
        return (terms, year) in self.exports

    async def is_person_exported(
        self, exporter: int, year: int, reference: Hash32, *, is_sensitive: bool
    ) -> bool:
        return (exporter, year, reference, is_sensitive) in self.exports

    async def is_gateway_of(self, account: Address, member: int) -> bool:
        return (account, member) in self.gateways

    async def is_frozen(self, member: int, timestamp: int) -> bool:
        return timestamp < self.frozen.get(member, 0)

    async def is_zone_frozen(self, zone: int, purpose: int, timestamp: int) -> bool:
        return timestamp < self.frozen.get((zone, purpose), 0)

    async def _logs(self, *_args: Any, **_named: Any) -> list[dict[str, Any]]:
        return [requested_log(self.grant.terms)]


def requested_log(terms: Terms) -> dict[str, Any]:
    """Return the log of AuthorizationRequested that shows some terms."""
    (entry,) = (
        part
        for part in chaincode.load("grants").abi
        if part.get("name") == "AuthorizationRequested"
    )
    topics, types, values = [event_topic("grants", "AuthorizationRequested")], [], []
    shown = [
        "0x" + word.hex() if isinstance(word, bytes) and len(word) == 20 else word
        for word in words(terms)
    ]
    for part in entry["inputs"]:
        if part["indexed"]:
            identifier = authorization_id(terms, CHAIN_ID)
            topics.append(identifier if part["type"] == "bytes32" else Hash32(bytes(32)))
        elif part["type"] == "tuple":
            types.append("(" + ",".join(inner["type"] for inner in part["components"]) + ")")
            values.append(tuple(shown))
        else:
            types.append(part["type"])
            values.append(0)
    return {
        "address": "0x" + GRANTS.hex(),
        "topics": ["0x" + topic.hex() for topic in topics],
        "data": "0x" + eth_abi.encode(types, values).hex(),
    }


ROWS = [
    f"{job},{age},s{age}" for job, count in (("A", 6), ("B", 5), ("C", 4)) for age in range(count)
]


def source(folder: Path) -> CsvSource:
    """Return a source of 15 rows in groups of 6, 5 and 4; its one subject is row 2."""
    (folder / "rows.csv").write_text("\n".join(ROWS) + "\n", encoding="utf-8")
    subjects = folder / "subjects.json"
    subjects.write_text(f'{{"0x{SUBJECT.hex()}": 2}}', encoding="utf-8")
    return CsvSource(folder / "rows.csv", MANIFEST.names, subjects)


class Gateway:
    """A service on a fake view, with the real meter, journal and source."""

    def __init__(self, folder: Path, permitted: Grant | None = None) -> None:
        self.grant = permitted or grant()
        self.view = FakeView(self.grant)
        self.journal = Journal(folder / "uses.sqlite")
        self.meter = Meter(self.journal, PROVIDER_KEY, CHAIN_ID)
        self.source = source(folder)
        products = {PRODUCT: (MANIFEST, self.source)}
        self.service = Service(self.view, self.meter, products, CHAIN_ID)  # type: ignore[arg-type]

    async def use(self, query: Query = RECORD, **changes: Any) -> Any:
        request = changes.get("request") or asked(query, **changes)
        signature = signed(request)
        return await self.service.use(self.grant.authorization_id, 1, request, signature, query)

    async def countersign(self, use: Any, key: bytes = CONSUMER_KEY) -> None:
        signature = sign(key, receipt_hash(use.receipt, CHAIN_ID))
        number = use.request.number
        await self.service.countersign(self.grant.authorization_id, 1, number, signature)
