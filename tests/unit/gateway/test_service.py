"""The order of a use is its safety: guard, number, read, guard again, record, and only then answer.

The view is a fake whose state moves between two reads of it; journal, meter and data are real.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node.errors import NotReady, ProofError, Refused, RemoteError
from node.gateway import service as module
from node.gateway.guard import HEAD_AGE_SECONDS_MAX
from node.sdk.query import record_query
from node.sdk.settlement import RangeRequest, build_batch
from node.spec.crypto import address_of, keccak256, recover, sign
from node.spec.types import Hash32
from node.spec.usage import batch_id, close_digest, receipt_hash
from node.spec.vocabulary import AuthorizationStatus, LeaseStatus, ReceiptKind

from .kit import (
    CHAIN_ID,
    CONSUMER_KEY,
    COUNTS,
    NOW,
    OTHER_KEY,
    PRODUCT,
    PROVIDER_KEY,
    PURPOSE,
    RECORD,
    TERMS,
    FakeView,
    Gateway,
    asked,
    grant,
    signed,
    standing,
)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.time, "time", lambda: float(NOW))


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    return Gateway(tmp_path)


async def test_a_permitted_use_is_recorded_and_opens_to_its_result(gateway: Gateway) -> None:
    use = await gateway.use()
    receipt = use.receipt
    assert receipt.kind == ReceiptKind.DELIVERED
    assert (receipt.number, receipt.previous, receipt.state_block) == (1, receipt.lease, 7)
    assert receipt.output_commitment == keccak256(use.salt + keccak256(use.result.encode()))
    signer = recover(receipt_hash(receipt, CHAIN_ID), use.provider_signature)
    assert signer == address_of(PROVIDER_KEY)
    assert gateway.journal.uses(receipt.lease) == (use,)


async def test_the_same_request_gets_the_same_answer(gateway: Gateway) -> None:
    first = await gateway.use()
    assert await gateway.use() == first
    with pytest.raises(Refused, match="number given before"):
        await gateway.use(record_query(PURPOSE, ["job"]))


async def test_uses_follow_each_other_once_countersigned(gateway: Gateway) -> None:
    first = await gateway.use()
    last = receipt_hash(first.receipt, CHAIN_ID)
    with pytest.raises(Refused, match="countersignature outstanding"):
        await gateway.use(number=2, previous=last)
    with pytest.raises(Refused, match="not the consumer's"):
        await gateway.countersign(first, OTHER_KEY)
    await gateway.countersign(first)
    second = await gateway.use(number=2, previous=last)
    assert second.receipt.previous == last
    with pytest.raises(Refused, match="no such receipt"):
        await gateway.countersign(replace(second, request=replace(second.request, number=9)))


async def refused(gateway: Gateway, words: str, **changes: Any) -> None:
    """Check a refusal, and that nothing was read, numbered or recorded."""
    with pytest.raises(Refused, match=words):
        await gateway.use(**changes)
    assert gateway.journal.uses(gateway.grant.lease.lease) == ()


async def test_a_refusal_gives_no_number_away(gateway: Gateway) -> None:
    await refused(gateway, "number skipped", number=2)
    await refused(gateway, "field not granted", query=record_query(PURPOSE, ["secret"]))
    await refused(gateway, "mode not granted", query=COUNTS)
    await refused(gateway, "another lease", request=replace(asked(), lease=Hash32(bytes(32))))
    request = asked()
    with pytest.raises(Refused, match="not signed by"):
        await gateway.service.use(
            gateway.grant.authorization_id, 1, request, signed(request, OTHER_KEY), RECORD
        )
    assert (await gateway.use()).receipt.number == 1


CHANGES: dict[str, tuple[str, Callable[[FakeView], None]]] = {
    "revoked": (
        "has ended",
        lambda view: setattr(
            view,
            "grant",
            replace(
                view.grant,
                authorization=standing(ended=8, status=AuthorizationStatus.REVOKED),
            ),
        ),
    ),
    "closing": (
        "lease is not open",
        lambda view: setattr(view, "grant", grant(status=LeaseStatus.CLOSING)),
    ),
    "expired": ("lease has expired", lambda view: setattr(view, "grant", grant(expires_at=NOW))),
    "consumer revoked": (
        "consumer's key",
        lambda view: (
            view.gateways.clear() or view.gateways.add((address_of(PROVIDER_KEY), TERMS.provider))
        ),
    ),
    "provider revoked": ("provider's key", lambda view: view.gateways.clear()),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_what_ended_before_serves_nothing(gateway: Gateway, change: str) -> None:
    words, move = CHANGES[change]
    gateway.view.moves = [move]
    await refused(gateway, words)


@pytest.mark.parametrize("change", CHANGES)
async def test_what_ends_while_the_data_is_read_makes_the_use_void(
    gateway: Gateway, change: str
) -> None:
    gateway.view.moves = [None, CHANGES[change][1]]
    use = await gateway.use()
    assert use.receipt.kind == ReceiptKind.VOID
    assert (use.result, use.receipt.record_count) == ("", 0)
    assert use.receipt.state_block == 7, "of the block that still permitted it"


async def test_a_stale_ledger_serves_nothing(gateway: Gateway) -> None:
    gateway.view.moves = [lambda view: setattr(view, "timestamp", NOW - HEAD_AGE_SECONDS_MAX - 1)]
    await refused(gateway, "head is stale")


@pytest.mark.parametrize("error", [ProofError("false proof"), RemoteError("nobody answers")])
async def test_a_ledger_that_cannot_be_verified_serves_nothing(
    gateway: Gateway, error: Exception
) -> None:
    def fail(_view: FakeView) -> None:
        raise error

    gateway.view.moves = [fail]
    await refused(gateway, "cannot be verified")
    gateway.view.moves = [None, fail]
    with pytest.raises(NotReady, match="cannot release now"):
        await gateway.use()
    held = gateway.journal.last(gateway.grant.lease.lease)
    assert held is not None
    assert held.receipt is None, "numbered, not released"
    assert (await gateway.use()).receipt.number == 1, "the very same request completes it"


async def test_what_is_unknown_is_refused(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.view.grant = replace(grant(), lease=replace(grant().lease, lease=Hash32(bytes(32))))
    await refused(gateway, "no lease")
    gateway.view.grant = replace(grant(), authorization_id=Hash32(bytes(32)))
    await refused(gateway, "no authorization")
    gateway.view.grant = grant(replace(TERMS, product=Hash32(bytes(32))))
    await refused(gateway, "no lease")
    assert Hash32(bytes(32)) != PRODUCT


async def test_terms_that_do_not_hash_to_their_id_are_refused(gateway: Gateway) -> None:
    async def others(*_args: Any, **_named: Any) -> list[Any]:
        from .kit import requested_log

        return [requested_log(replace(TERMS, minimum_group=1))]

    gateway.view.client.logs = others
    with pytest.raises(ProofError, match="shows no such terms"):
        await gateway.use()


async def test_a_query_that_fails_makes_a_void_use(gateway: Gateway) -> None:
    (gateway.source._subjects_file).write_text("{}", encoding="utf-8")
    use = await gateway.use()
    assert use.receipt.kind == ReceiptKind.VOID


async def test_of_two_requests_at_once_one_gets_the_number(gateway: Gateway) -> None:
    other = record_query(PURPOSE, ["job"])
    found = await asyncio.gather(gateway.use(), gateway.use(other), return_exceptions=True)
    assert sum(isinstance(part, Refused) for part in found) == 1
    assert len(gateway.journal.uses(gateway.grant.lease.lease)) == 1


# Settling and closing ----


async def test_a_batch_is_signed_for_who_signed_it_first(gateway: Gateway) -> None:
    await gateway.countersign(await gateway.use())
    wish = RangeRequest(gateway.grant.authorization_id, 1, 1, 1, closes=False)
    built = build_batch(gateway.journal, TERMS.provider, TERMS.consumer, [wish], CHAIN_ID)
    digest = batch_id(built.batch, CHAIN_ID)
    again, ours = await gateway.service.sign_batch([wish], sign(CONSUMER_KEY, digest))
    assert again == built
    assert recover(digest, ours) == address_of(PROVIDER_KEY)
    with pytest.raises(Refused, match="not the consumer's"):
        await gateway.service.sign_batch([wish], sign(OTHER_KEY, digest))
    with pytest.raises(Refused, match="more uses than"):
        await gateway.service.sign_batch([replace(wish, last=6)], sign(CONSUMER_KEY, digest))
    with pytest.raises(Refused, match="no lease"):
        await gateway.service.sign_batch([replace(wish, lease=2)], sign(CONSUMER_KEY, digest))


async def test_a_close_is_signed_once_all_is_settled(gateway: Gateway) -> None:
    use = await gateway.use()
    await gateway.countersign(use)
    last = receipt_hash(use.receipt, CHAIN_ID)
    digest = close_digest(use.receipt.lease, 1, last, CHAIN_ID)
    identifier, half = gateway.grant.authorization_id, sign(CONSUMER_KEY, digest)
    with pytest.raises(Refused, match="not all uses are settled"):
        await gateway.service.sign_close(identifier, 1, half)
    gateway.view.grant = grant(settled=1)
    number, shown, ours = await gateway.service.sign_close(identifier, 1, half)
    assert (number, shown) == (1, last)
    assert recover(digest, ours) == address_of(PROVIDER_KEY)
    with pytest.raises(Refused, match="not the consumer's"):
        await gateway.service.sign_close(identifier, 1, sign(OTHER_KEY, digest))
