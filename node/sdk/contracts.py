"""Chaincode as methods: each builds the call of one contract function, or reads what one says.

A `Call` is data; `node.sdk.sender` signs and sends it. Nothing is estimated: what a call needs is
known, and gas has no price. Terms are found in the event of their request and prove themselves,
because their digest is the authorization's id.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final

from node.errors import ProofError
from node.sdk.abi import decode_event, encode_call, event_topic
from node.sdk.client import Client, log_from_json
from node.sdk.product import Manifest
from node.spec.registry import (
    AUTHORIZATIONS,
    CATALOG,
    CLOSINGS,
    GRANTS,
    LEASES,
    MEMBERS,
    REFUSALS,
)
from node.spec.terms import Terms, authorization_id, words
from node.spec.types import ZERO_HASH, Address, Hash32
from node.spec.usage import Batch, Receipt, Request, UseRange, pack_ranges
from node.spec.vocabulary import DeliveryMode, Reason

NO_SIGNATURE: Final = bytes(65)
_NO_RECEIPT: Final = Receipt(
    lease=ZERO_HASH,
    number=0,
    previous=ZERO_HASH,
    request_hash=ZERO_HASH,
    kind=0,
    state_block=0,
    used_at=0,
    record_count=0,
    data_since=0,
    consent=ZERO_HASH,
    input_commitment=ZERO_HASH,
    output_commitment=ZERO_HASH,
)
"""Stands for "all co-signed receipts are settled" when one side closes."""


@dataclass(frozen=True, slots=True)
class Call:
    """A contract call: to whom, which data, and a name for logs and errors."""

    to: Address
    data: bytes
    name: str


@dataclass(frozen=True, slots=True)
class Opening:
    """What a lease fixes (R7); `fields` 0 stands for all that the authorization grants."""

    authorization: Hash32
    uses: int
    purpose: int
    fields: int
    mode: DeliveryMode
    expires_at: int


def _call(contract: str, to: Address, function: str, *values: Any) -> Call:
    return Call(to, encode_call(contract, function, *values), f"{contract}.{function}")


def publish_product(manifest: Manifest) -> Call:
    """Propose a product's next version (R4)."""
    return _call(
        "catalog",
        CATALOG,
        "publish",
        manifest.salt,
        manifest.offering(),
        manifest.published_names(),
        manifest.published_fields(),
    )


def approve_product(product: Hash32, version: int) -> Call:
    """Let a product version be granted, as an exchange (R4)."""
    return _call("catalog", CATALOG, "approve", product, version)


def request_authorization(terms: Terms, approvals: Sequence[bytes] = ()) -> Call:
    """Ask for an authorization, as an approver of the consumer, with approvals given beforehand."""
    return _call("grants", GRANTS, "request", words(terms), list(approvals))


def approve_authorization(terms: Terms, approvals: Sequence[bytes] = ()) -> Call:
    """Approve as what the sender is, and carry in other parties' signatures over the terms (R3)."""
    return _call("grants", GRANTS, "approve", words(terms), list(approvals))


def request_upon(
    terms: Terms,
    *,
    before: Terms | None = None,
    parent: Terms | None = None,
    approvals: Sequence[bytes] = (),
) -> Call:
    """Ask for terms that stand on others, as an approver of the consumer.

    `before` are those in force that they amend: changed or renewed, under the same id. `parent` are
    those in force of the authorization that they share onward, from its consumer.
    """
    shown = [words(other) for other in (before, parent) if other is not None]
    return _call("grants", GRANTS, "requestUpon", words(terms), shown, list(approvals))


def mark_overdue(authorization: Hash32) -> Call:
    """Put on record, as anyone, that an end was not acknowledged in time (R12)."""
    return _call("authorizations", AUTHORIZATIONS, "markOverdue", authorization)


def suspend_authorization(authorization: Hash32, reason: Reason, evidence: bytes) -> Call:
    """Take an approval back, as a party, until it resumes."""
    return _call("authorizations", AUTHORIZATIONS, "suspend", authorization, int(reason), evidence)


def resume_authorization(authorization: Hash32) -> Call:
    """Approve again, as a party that suspended."""
    return _call("authorizations", AUTHORIZATIONS, "resume", authorization)


def approve_by_contract(terms: Terms, account: Address, signature: bytes) -> Call:
    """Carry in the approval of an account that is a contract (ERC-1271)."""
    return _call("grants", GRANTS, "approveByContract", words(terms), _text(account), signature)


def decline_authorization(terms: Terms, reason: Reason) -> Call:
    """Decline terms, as a party, before they are in force."""
    return _call("refusals", REFUSALS, "decline", words(terms), int(reason))


def revoke_authorization(authorization: Hash32, reason: Reason, evidence: bytes) -> Call:
    """End an authorization as what the sender is."""
    return _call("authorizations", AUTHORIZATIONS, "revoke", authorization, int(reason), evidence)


def carry_revocation(terms: Terms, reason: Reason, signature: bytes) -> Call:
    """Carry in a party's signed revocation."""
    return _call("refusals", REFUSALS, "revokeSigned", words(terms), int(reason), signature)


def open_lease(opening: Opening, provider_key: Address) -> Call:
    """Open a lease, as a gateway of the consumer (R7)."""
    return _call("leases", LEASES, "open", _opening(opening), _text(provider_key))


def open_leases(openings: Sequence[Opening], provider_key: Address) -> Call:
    """Open many leases of one pair."""
    listed = [_opening(opening) for opening in openings]
    return _call("leases", LEASES, "openMany", listed, _text(provider_key))


def _opening(opening: Opening) -> tuple[Any, ...]:
    return tuple(int(part) if isinstance(part, int) else part for part in astuple(opening))


def settle_receipt(
    authorization: Hash32, number: int, receipt: Receipt, provider: bytes, consumer: bytes
) -> Call:
    """Anchor the next receipt of lease `number`."""
    values = (authorization, number, astuple(receipt), provider, consumer)
    return _call("leases", LEASES, "settle", *values)


def settle_batch(
    batch: Batch, ranges: Sequence[UseRange], provider: bytes, consumer: bytes
) -> Call:
    """Anchor the receipts of many leases under one root."""
    lists = astuple(pack_ranges(ranges))
    return _call("leases", LEASES, "settleBatch", astuple(batch), *lists, provider, consumer)


def close_lease(
    authorization: Hash32, number: int, used: int, last: Hash32, provider: bytes, consumer: bytes
) -> Call:
    """Close by both, final at once (R12a)."""
    values = (authorization, number, used, last, provider, consumer)
    return _call("leases", LEASES, "close", *values)


def close_lease_alone(
    authorization: Hash32, number: int, receipt: Receipt | None, provider: bytes, consumer: bytes
) -> Call:
    """Begin to close by one side, with its highest co-signed receipt if not settled (R12b)."""
    shown = receipt or _NO_RECEIPT
    values = (authorization, number, astuple(shown), provider, consumer)
    return _call("closings", CLOSINGS, "closeAlone", *values)


def claim_use(
    authorization: Hash32,
    number: int,
    request: Request,
    consumer: bytes,
    receipt: Receipt,
    provider: bytes,
) -> Call:
    """Claim a use that the consumer requested and never countersigned (R12b)."""
    values = (authorization, number, astuple(request), consumer, astuple(receipt), provider)
    return _call("closings", CLOSINGS, "claim", *values)


def finalize_lease(authorization: Hash32, number: int) -> Call:
    """End a close by one side, once the time to answer is over."""
    return _call("closings", CLOSINGS, "finalize", authorization, number)


def lapse_lease(authorization: Hash32, number: int) -> Call:
    """Record that nobody closed a lease in time (R12c)."""
    return _call("leases", LEASES, "lapse", authorization, number)


def state_uses(authorization: Hash32, number: int, used: int) -> Call:
    """State how many uses of a lapsed lease were made, as one of its sides (R12c)."""
    return _call("closings", CLOSINGS, "stateUses", authorization, number, used)


def admit_account(account: Address, roles: int) -> Call:
    """Give an account of the sender's own member roles, by bit; its governor asks."""
    return _call("members", MEMBERS, "admitAccount", _text(account), roles)


def revoke_account(account: Address, reason: Reason) -> Call:
    """Revoke an account of the sender's own member."""
    return _call("members", MEMBERS, "revokeAccount", _text(account), int(reason))


def _text(address: Address) -> str:
    return "0x" + address.hex()


async def find_terms(client: Client, authorization: Hash32, chain_id: int) -> Terms:
    """Return the terms of a digest: an authorization's first, by its id, or those of an amendment.

    Raises:
        ProofError: the node gives none, or others.
    """
    topic = event_topic("grants", "AuthorizationRequested")
    found = await client.logs(GRANTS, ["0x" + topic.hex(), "0x" + authorization.hex()], first=0)
    for entry in found:
        event = decode_event("grants", log_from_json(entry))
        if event is not None:
            terms = terms_from_event(event.values["terms"])
            if authorization_id(terms, chain_id) == authorization:
                return terms
    raise ProofError(f"authorization 0x{authorization.hex()}: the node shows no such terms")


def terms_from_event(values: Sequence[Any]) -> Terms:
    """Return terms from the tuple that an event holds."""
    parts: list[Any] = [
        bytes.fromhex(part.removeprefix("0x")) if isinstance(part, str) else part for part in values
    ]
    return Terms(*parts)
