"""Settlement: what is anchored is just the receipts in the bundle, alone, in batches or as claims.

The contract sees of a batch its root, ranges and counts, never a leaf (R13). Here every leaf is at
hand, so the root is computed again from them and each leaf is held to its batch's header.
"""

from dataclasses import dataclass
from typing import Any

from node.audit.calldata import is_seconded, plain_signature
from node.audit.evidence import Case, Evidence, Happening, LeaseCase, naming, require, text_of
from node.audit.result import Details
from node.errors import SignatureError
from node.spec import merkle
from node.spec.crypto import recover
from node.spec.types import Address, Hash32
from node.spec.usage import Batch, Ranges, Request, batch_id, ranges_hash, verify_request
from node.spec.versions import settling_deadline


@dataclass(slots=True)
class _Progress:
    """How far a lease's anchoring has got, event by event."""

    settled: int = 0
    claimed: int = 0
    answer_until: int | None = None
    closed_by_batch: bool = False
    """Then state keeps an earlier receipt's hash, because none follows the last."""


def check_settlement(evidence: Evidence, case: Case) -> Details:
    """Anchored numbers and hashes are those of the receipts, up to what state holds."""
    for lease in case.leases:
        progress = _Progress()
        for happening in lease.events:
            with naming(f"{case.name}, {lease.name}, {happening.where}"):
                _advance(evidence, case, lease, progress, happening)
        _require_end(case, lease, progress)
    batches = batches_of(evidence, case)
    for happening in batches:
        with naming(f"{case.name}, batch {text_of(happening.value('batch'))}"):
            _check_batch(evidence, case, happening)
    settled = sum(lease.state.settled for lease in case.leases)
    claimed = sum(lease.state.claimed for lease in case.leases)
    return {"settled": settled, "claimed": claimed, "batches": len(batches)}


def _require_end(case: Case, lease: LeaseCase, progress: _Progress) -> None:
    state, subject = lease.state, f"{case.name}, {lease.name}"
    anchored, shown = state.settled + state.claimed, len(lease.receipts)
    settled, claimed = progress.settled, progress.claimed
    require(
        subject,
        (settled == state.settled, f"{settled} settled, {state.settled} in state"),
        (claimed == state.claimed, f"{claimed} claimed, {state.claimed} in state"),
        (shown == anchored, f"{shown} receipts in the bundle, {anchored} anchored"),
        (
            progress.closed_by_batch or lease.hash_of(shown) == state.last,
            "the last receipt is not the one in state",
        ),
    )


def _advance(
    evidence: Evidence, case: Case, lease: LeaseCase, progress: _Progress, happening: Happening
) -> None:
    """Apply an event that anchors receipts; others of the lease change nothing here."""
    subject = f"{case.name}, {lease.name}, {happening.where}"
    before = progress.settled
    match happening.name:
        case "ReceiptSettled":
            number = happening.value("number")
            require(subject, (number == before + 1, "it is not the next use"))
            _require_hash(subject, lease, number, happening.value("receipt"))
        case "RangeSettled":
            number = happening.value("last")
            first = happening.value("first")
            goes_on = first == before + 1 <= number
            only_closes = happening.value("closes") and first == number + 1 == before + 1
            require(subject, (goes_on or only_closes, "it does not begin at the next use"))
            if happening.value("closes"):
                progress.closed_by_batch = True
            else:
                _require_hash(subject, lease, number, happening.value("lastReceipt"))
        case "LeaseAnswered":
            number = happening.value("settled")
            require(subject, (number > before, "it shows no higher use"))
            _require_hash(subject, lease, number, happening.value("receipt"))
        case "LeaseClosing":
            number = happening.value("settled")
            require(subject, (number >= before, "it goes back"))
            progress.answer_until = happening.value("answerUntil")
        case "UseClaimed":
            _claim(evidence, case, lease, progress, happening)
            return
        case _:
            return
    _require_dates(subject, case, lease, progress, happening, (before, number))
    progress.settled = number


def _require_hash(subject: str, lease: LeaseCase, number: int, anchored: bytes) -> None:
    same = lease.hash_of(number) == anchored
    require(subject, (same, f"it anchors another receipt {number} than the bundle's"))


def _require_dates(
    subject: str,
    case: Case,
    lease: LeaseCase,
    progress: _Progress,
    happening: Happening,
    span: tuple[int, int],
) -> None:
    """Anchored in time (A20), and no receipt names a state later than the block it stands in.

    Whether an answer came in time is the check of closes.
    """
    deadline = lease.state.expires_at + case.terms_under(lease).settle_within
    if progress.answer_until is not None and happening.name != "LeaseClosing":
        deadline = progress.answer_until - 1
    deadline = settling_deadline(lease.halts, deadline, happening.time)
    in_time = happening.name == "LeaseAnswered" or happening.time <= deadline
    shown = lease.receipts[span[0] : span[1]]
    latest = max((use.receipt.state_block for use in shown), default=0)
    require(
        subject,
        (in_time, "it is past the deadline for settling"),
        (latest <= happening.block, "a receipt names a state block of the future"),
    )


def _claim(
    evidence: Evidence, case: Case, lease: LeaseCase, progress: _Progress, happening: Happening
) -> None:
    """A claimed use: the consumer's signed request with the provider's half (R12b)."""
    subject = f"{case.name}, {lease.name}, {happening.where}"
    number = progress.settled + progress.claimed + 1
    require(
        subject,
        (happening.value("number") == number, "it is not the next use"),
        (
            progress.claimed < case.terms_under(lease).unsigned_maximum,
            "more claims than the terms allow",
        ),
    )
    _require_hash(subject, lease, number, happening.value("receipt"))
    progress.claimed += 1
    receipt = lease.receipts[number - 1].receipt
    require(subject, (receipt.state_block <= happening.block, "it names a future state block"))
    call = happening.call()
    if call is None or call.name != "claim":
        case.cannot_show("indirect", event=happening.where)
        return
    request = Request(receipt.lease, receipt.number, receipt.request_hash, receipt.previous)
    signature = plain_signature(call.arguments[3])
    verify_request(request, evidence.chain_id, signature, lease.state.consumer_key)
    note_seconded(case, happening, call.arguments[3], call.arguments[5])


def batches_of(evidence: Evidence, case: Case) -> list[Happening]:
    """Return the batches that settle a range of the case, or close a lease of it."""
    anchored = {h.value("batch"): h for h in evidence.happenings if h.name == "BatchAnchored"}
    named = {h.value("batch") for h in case.named("RangeSettled")}
    return [anchored[batch] for batch in anchored if batch in named]


def _check_batch(evidence: Evidence, case: Case, happening: Happening) -> None:
    """The root, count and highest state block of a batch follow from its leaves."""
    subject = f"{case.name}, batch {text_of(happening.value('batch'))}"
    leaves: list[Hash32] = []
    highest = happening.value("highestStateBlock")
    for settled in evidence.happenings:
        if settled.name == "RangeSettled" and settled.value("batch") == happening.value("batch"):
            lease = Hash32(settled.value("lease"))
            first, last = settled.value("first"), settled.value("last")
            hashes = evidence.hashes(lease)
            missing = f"lease {text_of(lease)} has uses {first} to {last} in it, not in the bundle"
            require(subject, (len(hashes) >= last, missing))
            leaves += hashes[first - 1 : last]
            uses = evidence.trail(lease)[first - 1 : last]
            late = [use.receipt.number for use in uses if use.receipt.state_block > highest]
            require(subject, (not late, f"receipts {late} name a state above the batch's highest"))
    require(
        subject,
        (len(leaves) == happening.value("count"), "it counts other leaves than its ranges"),
        (merkle.root(leaves) == happening.value("root"), "its root is not that of the receipts"),
        (highest <= happening.block, "its highest state block is in the future"),
    )
    _check_batch_signatures(evidence, case, happening)


def _check_batch_signatures(evidence: Evidence, case: Case, happening: Happening) -> None:
    subject = f"{case.name}, batch {text_of(happening.value('batch'))}"
    call = happening.call()
    if call is None or call.name != "settleBatch":
        case.cannot_show("indirect", event=happening.where)
        return
    header, authorizations, listed, lasts, provider, consumer = call.arguments
    batch, ranges = Batch(*header), Ranges(authorizations, listed, lasts)
    digest = batch_id(batch, evidence.chain_id)
    require(
        subject,
        (digest == happening.value("batch"), "its id is not the hash of its header"),
        (ranges_hash(ranges) == batch.ranges, "its header is of other ranges"),
        (batch.root == happening.value("root"), "event and header name different roots"),
    )
    keys = _keys(evidence, case, happening)
    require_both(subject, digest, (provider, consumer), keys)
    note_seconded(case, happening, provider, consumer)


def _keys(evidence: Evidence, case: Case, happening: Happening) -> tuple[Address, Address]:
    """Return the pair of keys of a batch: that of the first lease of the case in it."""
    orders = {h.order for h in evidence.of_transaction(happening)}
    for lease in case.leases:
        if any(event.order in orders for event in lease.events):
            return lease.state.provider_key, lease.state.consumer_key
    raise SignatureError("no lease of the authorization stands in the batch")


def require_both(
    subject: str, digest: Hash32, signatures: tuple[Any, Any], keys: tuple[Address, Address]
) -> None:
    """Raise unless the provider's and the consumer's key signed a digest."""
    for side, signature, key in zip(("provider", "consumer"), signatures, keys, strict=True):
        signer = recover(digest, plain_signature(signature))
        require(subject, (signer == key, f"it is not signed by the {side}'s key"))


def note_seconded(case: Case, happening: Happening, *signatures: bytes) -> None:
    """Say that whose key seconds a compromised one is the contract's word (R17)."""
    if any(map(is_seconded, signatures)):
        case.cannot_show("seconded", event=happening.where)
