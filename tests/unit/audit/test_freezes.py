"""What lay over a grant, a lease or a use is asked of the terms that were in force then."""

from dataclasses import replace
from pathlib import Path

import pytest

from node.sdk.governance import set_mandate
from node.spec.pricing import plan_hash
from node.spec.terms import Terms, words
from node.spec.types import Hash32
from node.spec.vocabulary import FreezeGround, MemberKind, Reason, Zone, mask, purpose
from tests.chaincode import world
from tests.chaincode.world import EXCHANGE, REGULATOR, B, account
from tests.unit.audit.factory import Chain, agreed
from tests.unit.audit.test_versions import amend, proved
from tests.unit.audit.trade import CASE, OFFICERS, Trade, failing, shown

SUSPENDING = (Reason.FRAUD_SUSPECTED, bytes(32))


@pytest.fixture
def trade(tmp_path: Path) -> Trade:
    return Trade(tmp_path / "journal.db", stated=False)


def moved(trade: Trade, terms: Terms) -> Terms:
    """The next version of terms, whose product is in the zone of transit."""
    names, fields = world.schema()
    plan = trade.plan
    priced = {"price_class": int(plan.price_class), "price_plan": plan_hash(plan)}
    offered = world.offering(zone=Zone.TRANSIT, **priced)
    trade.send("a.approver", "catalog", "publish", world.SALT, offered, names, fields)
    trade.send("exchange.approver", "catalog", "approve", world.product(), 2)
    later = replace(terms, amends=world.identifier(terms), product_version=2)
    amend(trade, later, terms)
    return later


def freeze_transit(trade: Trade, seconds: int) -> None:
    zones = mask(Zone.FINANCE, Zone.TRANSIT)
    trade.govern(set_mandate(REGULATOR, zones, mask(MemberKind.BANK)))
    frozen = (Zone.TRANSIT, world.PURPOSES, FreezeGround.FRAUD, CASE, trade.time + seconds)
    for name in OFFICERS:
        trade.send(name, "supervision", "freezeZone", *frozen)


def used_alone(trade: Trade, authorization: Hash32) -> None:
    lease = trade.open(authorization, 1)
    trade.use(lease, 1)
    trade.settle(authorization, 1, 1)


def test_a_freeze_of_the_zone_it_moves_to_later_does_not_bite(trade: Trade) -> None:
    first = agreed(9, **trade.priced())
    authorization = trade.approve(first)
    freeze_transit(trade, 100)
    used_alone(trade, authorization)
    trade.wait(200)
    moved(trade, first)
    trade.seal([])
    assert not shown(trade, authorization).failures


def test_a_use_in_a_zone_that_was_frozen_then_is_found_after_it_moved(trade: Trade) -> None:
    """Both sides signed the leaf under a root: no contract saw it."""
    first = agreed(9, **trade.priced())
    authorization = trade.approve(first)
    lease = trade.open(authorization, 1)
    trade.freeze_zone(world.PURPOSES, 100)
    trade.use(lease, 1)
    trade.wait(200)
    trade.anchor(trade.range(authorization, 1, 1, 1, True))
    moved(trade, first)
    trade.seal([])
    assert failing(shown(trade, authorization)) == {"freezes"}


def test_a_use_is_not_dated_behind_a_freeze_that_outlasts_its_anchoring(trade: Trade) -> None:
    authorization = trade.approve(agreed(9, **trade.priced()))
    lease = trade.open(authorization, 1)
    trade.freeze_member(B, 300, OFFICERS[1])
    trade.use(lease, 1, used_at=trade.time + 400)
    trade.anchor(trade.range(authorization, 1, 1, 1, True))
    trade.wait(300)
    trade.seal([])
    assert failing(shown(trade, authorization)) == {"freezes"}


def test_the_list_of_the_zone_it_moves_to_later_does_not_bite(trade: Trade) -> None:
    first = agreed(9, **trade.priced())
    trade.list_both("refuse", int(Zone.TRANSIT), 0, world.PURPOSES)
    authorization = trade.approve(first)
    used_alone(trade, authorization)
    trade.list_both("refuse", int(Zone.TRANSIT), 0, 0)
    moved(trade, first)
    trade.seal([])
    assert not shown(trade, authorization).failures


def test_an_amendment_is_held_to_its_own_purpose(trade: Trade) -> None:
    first = agreed(9, **trade.priced())
    authorization = trade.approve(first)
    trade.freeze_zone(1 << first.purpose, 500)
    amend(trade, replace(first, amends=authorization, purpose=purpose("FraudManagement")), first)
    trade.seal([])
    assert not shown(trade, authorization).failures


def test_resumed_is_what_all_approve_whom_the_terms_then_required(tmp_path: Path) -> None:
    """Resumed and leased in one block, before the exchange became a party."""
    chain = Chain(tmp_path / "journal.db")
    chain.market()
    first = agreed(1)
    authorization = chain.grant(first)
    chain.send("a.approver", "authorizations", "suspend", authorization, *SUSPENDING)
    opening = world.opening(authorization, chain)
    chain.send_together(
        ("a.approver", "authorizations", "resume", authorization),
        ("b.gateway", "leases", "open", opening, account("a.gateway")),
    )
    later = replace(first, amends=authorization, exchange=EXCHANGE, exchange_share=250)
    chain.send("b.approver", "grants", "requestUpon", words(later), [words(first)], ())
    for name in ("exchange", "a"):
        chain.send(f"{name}.approver", *world.approving(later))
    chain.seal([])
    proved(chain, authorization)
