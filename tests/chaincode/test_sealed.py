"""Sealed authorizations keep counts and validity like any other, and tell nothing else (R19)."""

from dataclasses import replace
from typing import Any

import pytest

from node.sdk import sealed as sdk
from node.sdk.contracts import Call
from node.sdk.governance import enact, halt_version, set_version
from node.spec import sealed as s
from node.spec.crypto import keccak256
from node.spec.types import ZERO_ADDRESS, ZERO_HASH
from node.spec.usage import lease_id
from node.spec.vocabulary import FreezeGround, LeaseStatus, Reason, VersionStatus
from tests.chaincode import sealed as kit
from tests.chaincode import world as w

CARRIER = "regulator.officer"
APPROVER = "regulator.approver"


@pytest.fixture(scope="module")
def started() -> w.World:
    return kit.consortium()


@pytest.fixture
def world(started: w.World) -> w.World:
    return started.copy()


def refused(world: w.World, sender: str, call: Call) -> str:
    before = world.state.copy()
    with pytest.raises(w.Refusal) as found:
        world.carry_out(sender, call)
    assert world.state == before
    return str(found.value)


# Grant ----


def test_what_is_granted_is_kept_as_the_reader_says(world: w.World) -> None:
    terms = kit.sealed_terms()
    outcome = world.carry_out(APPROVER, kit.granting(terms))
    assert w.events(outcome) == ["SealedGranted"]
    authorization = kit.identity(terms)
    assert world.view("sealed", "sealedId", w.plain(terms)) == authorization
    assert kit.state(world, authorization) == s.SealedState(
        maximum_uses=terms.maximum_uses,
        counted=0,
        settled=0,
        leases=0,
        open=0,
        regulator=w.REGULATOR,
        ended=None,
        valid_from=terms.valid_from,
        settle_within=terms.settle_within,
        valid_until=terms.valid_until,
        provider=kit.PROVIDER.address,
        consumer=kit.CONSUMER.address,
        ground=ZERO_HASH,
    )
    assert world.view("sealed", "isAvailable", authorization)
    assert kit.state(world, authorization).is_available(world.time)
    assert any(world.view("sealed", "sealedRecord", authorization))


@pytest.mark.parametrize("sender", ["a.approver", "b.gateway", "regulator.gateway", "x"])
def test_only_a_regulators_people_carry(world: w.World, sender: str) -> None:
    said = refused(world, sender, kit.granting(kit.sealed_terms()))
    assert said == "sealed: not a regulator's approver or officer"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"regulator": w.A}, "of another regulator"),
        ({"commitment": ZERO_HASH}, "no commitment"),
        ({"maximum_uses": 0}, "no uses"),
        ({"valid_from": w.GENESIS_TIME + 30 * w.DAY}, "validity out of range"),
        ({"valid_until": w.GENESIS_TIME}, "validity out of range"),
        ({"valid_until": w.GENESIS_TIME + 3_700 * w.DAY}, "validity out of range"),
        ({"valid_until": 2**64 - 1}, "validity out of range"),
        ({"settle_within": w.FLOOR - 1}, "settling time out of range"),
        ({"settle_within": 7 * w.DAY + 1}, "settling time out of range"),
        ({"consumer": kit.PROVIDER.address}, "one key on both sides"),
        ({"provider": ZERO_ADDRESS}, "not a fresh key"),
        ({"consumer": w.account("b.gateway")}, "a member's key"),
    ],
)
def test_terms_out_of_bounds_are_refused(
    world: w.World, changes: dict[str, Any], reason: str
) -> None:
    said = refused(world, APPROVER, kit.granting(kit.sealed_terms(**changes)))
    assert said == f"sealed: {reason}"


def test_each_side_signs_with_its_own_one_time_key(world: w.World) -> None:
    other = sdk.fresh_key(keccak256(b"another bank")).private
    terms = kit.sealed_terms()
    for side in ("provider", "consumer"):
        said = refused(world, APPROVER, kit.granting(terms, **{side: other}))
        assert said == f"sealed: not the {side}'s signature"
    elsewhere = replace(terms, maximum_uses=1)
    signatures = (
        sdk.sign_terms(elsewhere, key.private, w.CHAIN_ID) for key in (kit.PROVIDER, kit.CONSUMER)
    )
    call = sdk.carry_grant(terms, *signatures)
    assert refused(world, APPROVER, call) == "sealed: not the provider's signature"


def test_a_key_serves_one_authorization_only(world: w.World) -> None:
    kit.grant(world)
    again = kit.sealed_terms(commitment=keccak256(b"other terms"))
    assert refused(world, APPROVER, kit.granting(again)) == "sealed: not a fresh key"


def test_the_regulators_approvers_agree_as_many_as_it_demands(world: w.World) -> None:
    terms = kit.sealed_terms()
    second = sdk.sign_terms(terms, w.key("regulator.second"), w.CHAIN_ID)
    assert refused(world, CARRIER, kit.granting(terms)) == "sealed: too few approvers"
    world.send("regulator.governor", "members", "setApprovals", 2)
    assert refused(world, APPROVER, kit.granting(terms)) == "sealed: too few approvers"
    assert refused(world, CARRIER, kit.granting(terms, second)) == "sealed: too few approvers"
    twice = kit.granting(terms, second, second)
    assert refused(world, CARRIER, twice) == "sealed: approver counted twice"
    stranger = sdk.sign_terms(terms, w.key("a.approver"), w.CHAIN_ID)
    for signature in (stranger, b"", bytes(65)):
        said = refused(world, APPROVER, kit.granting(terms, signature))
        assert said == "sealed: not the regulator's approver"
    world.carry_out(APPROVER, kit.granting(terms, second))


def test_a_regulator_without_a_mandate_seals_nothing() -> None:
    said = refused(w.market(), APPROVER, kit.granting(kit.sealed_terms()))
    assert said == "sealed: no mandate"


# Leases ----


def test_a_lease_is_counted_at_once_and_numbered(world: w.World) -> None:
    authorization = kit.grant(world)
    outcome = world.carry_out(CARRIER, kit.leasing(world, authorization, 1, uses=7))
    assert w.events(outcome) == ["SealedLeaseOpened"]
    state, lease = kit.state(world, authorization), lease_id(authorization, 1)
    assert (state.counted, state.settled, state.leases, state.open) == (7, 0, 1, 1)
    kept = kit.lease_state(world, lease)
    assert kept == s.SealedLeaseState(
        7, 0, LeaseStatus.OPEN, world.number, kept.expires_at, kept.deadline, ZERO_HASH
    )
    assert kept.deadline == kept.expires_at + state.settle_within
    assert world.view("sealed", "sealedLease", lease)[1] == ZERO_HASH
    said = refused(world, CARRIER, kit.leasing(world, authorization, 1))
    assert said == "sealed: not the next lease"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"uses": 0}, "more uses than are left"),
        ({"uses": 101}, "more uses than are left"),
        ({"uses": 2**32 - 1}, "more uses than are left"),
        ({"expires_at": w.GENESIS_TIME}, "lease outside the validity"),
        ({"expires_at": w.GENESIS_TIME + 31 * w.DAY}, "lease outside the validity"),
        ({"expires_at": 2**64 - 1}, "lease outside the validity"),
        ({"number": 2}, "not the next lease"),
        ({"number": 2**64 - 1}, "not the next lease"),
        ({"key": kit.PROVIDER.private}, "not the consumer's signature"),
    ],
)
def test_a_lease_out_of_bounds_is_refused(
    world: w.World, changes: dict[str, Any], reason: str
) -> None:
    authorization = kit.grant(world)
    values = {"number": 1, **changes}
    said = refused(world, CARRIER, kit.leasing(world, authorization, **values))
    assert said == f"sealed: {reason}"


def test_at_most_eight_leases_are_open(world: w.World) -> None:
    authorization = kit.grant(world)
    for number in range(1, 9):
        kit.open_lease(world, authorization, number, uses=1)
    ninth = kit.leasing(world, authorization, 9, uses=1)
    assert refused(world, CARRIER, ninth) == "sealed: too many open leases"
    kit.settle(world, authorization, 3, [], closes=True)
    world.carry_out(CARRIER, kit.leasing(world, authorization, 9, uses=1))


def test_what_is_not_available_reads_alike(world: w.World) -> None:
    """Never granted, not begun, over, ended by whomever: one answer and one refusal."""
    later = world.copy()
    unknown = kit.identity(kit.sealed_terms())
    early = kit.grant(world, valid_from=world.time + w.DAY)
    other = kit.sealed_terms()
    later.carry_out(APPROVER, kit.granting(other))
    over = later.copy()
    over.time += 30 * w.DAY
    ended = later.copy()
    ended.carry_out(CARRIER, sdk.make_unavailable(sdk.ground_of(unknown, Reason.SUPERSEDED)))
    for place, authorization in ((world, early), (over, unknown), (ended, unknown)):
        assert place.view("sealed", "isAvailable", authorization) is False
        expires = {"expires_at": place.time + 1}
        said = refused(place, CARRIER, kit.leasing(place, authorization, 1, **expires))
        assert said == "sealed: unavailable"
    assert world.view("sealed", "isAvailable", unknown) is False


def test_a_freeze_and_a_revocation_have_one_shape(world: w.World) -> None:
    """Same event, same words of state, same calldata but for a salted hash."""
    authorization = kit.grant(world)
    freeze = sdk.ground_of(
        authorization,
        Reason.REGULATOR_ORDER,
        freeze_ground=FreezeGround.MONEY_LAUNDERING,
        frozen_until=world.time + w.DAY,
    )
    wish = sdk.ground_of(
        authorization, Reason.PROVIDER_WITHDREW, evidence=keccak256(b"a side's signed wish")
    )
    seen = []
    for ground in (freeze, wish):
        copy = world.copy()
        outcome = copy.carry_out(CARRIER, sdk.make_unavailable(ground))
        state = kit.state(copy, authorization)
        assert state.ground == s.ground_hash(ground)
        seen.append(
            (w.events(outcome), len(outcome.logs[0].data), replace(state, ground=ZERO_HASH))
        )
    assert seen[0] == seen[1]
    assert seen[0][0] == ["SealedMadeUnavailable"]


def test_what_is_unavailable_stays_so_and_going_on_takes_fresh_keys(world: w.World) -> None:
    authorization = kit.grant(world)
    ground = sdk.ground_of(authorization, Reason.REGULATOR_ORDER)
    empty = Call(s.SEALED, sdk.make_unavailable(ground).data[:36] + bytes(32), "x")
    assert refused(world, CARRIER, empty) == "sealed: no ground"
    world.carry_out(CARRIER, sdk.make_unavailable(ground))
    said = refused(world, CARRIER, sdk.make_unavailable(ground))
    assert said == "sealed: unavailable already"
    assert refused(world, APPROVER, kit.granting(kit.sealed_terms())) == "sealed: not a fresh key"


# Settling ----


def test_receipts_settle_alone_and_under_a_root_and_close(world: w.World) -> None:
    authorization = kit.grant(world)
    lease = kit.open_lease(world, authorization)
    receipts = kit.uses(world, lease, 4)
    one = kit.settle(world, authorization, 1, receipts[:1])
    assert one.root == keccak256(b"\0" + one.last_receipt), "a root of one"
    made = sdk.settlement_of(lease, receipts, w.CHAIN_ID, before=1, closes=True)
    outcome = world.carry_out(CARRIER, kit.settling(authorization, 1, made))
    assert w.events(outcome) == ["SealedUsesSettled"]
    state, kept = kit.state(world, authorization), kit.lease_state(world, lease)
    assert (state.counted, state.settled, state.open) == (4, 4, 0)
    assert (kept.settled, kept.status, kept.last) == (4, LeaseStatus.CLOSED, made.last_receipt)
    said = refused(world, CARRIER, kit.settling(authorization, 1, made))
    assert said == "sealed: lease is not open"


def test_digests_are_the_contracts_own(world: w.World) -> None:
    lease = s.SealedLease(keccak256(b"some"), 3, 4, 5)
    settlement = s.SealedSettlement(
        keccak256(b"a"), 1, 2, keccak256(b"b"), keccak256(b"c"), 7, True
    )
    pairs = (
        ("sealedLeaseHash", lease, s.sealed_lease_digest),
        ("sealedSettlementHash", settlement, s.sealed_settlement_digest),
    )
    for method, value, digest in pairs:
        assert world.view("sealed", method, w.plain(value)) == digest(value, w.CHAIN_ID)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lease": keccak256(b"another")}, "settlement of another lease"),
        ({"before": 1}, "not the next use"),
        ({"before": 0, "last": 11}, "more uses than the lease reserved"),
        ({"last": 0}, "nothing to settle"),
        ({"root": ZERO_HASH}, "no receipts"),
        ({"last_receipt": ZERO_HASH}, "no receipts"),
        ({"highest_state_block": 0}, "state block before the lease opened"),
        ({"highest_state_block": 2**64 - 1}, "state block in the future"),
    ],
)
def test_a_settlement_that_does_not_fit_is_refused(
    world: w.World, changes: dict[str, Any], reason: str
) -> None:
    authorization = kit.grant(world)
    lease = kit.open_lease(world, authorization)
    made = sdk.settlement_of(lease, kit.uses(world, lease, 2), w.CHAIN_ID, before=0, closes=False)
    said = refused(world, CARRIER, kit.settling(authorization, 1, replace(made, **changes)))
    assert said == f"sealed: {reason}"
    backwards = replace(made, before=1, last=0)
    kit.settle(world, authorization, 1, kit.uses(world, lease, 1))
    assert refused(world, CARRIER, kit.settling(authorization, 1, backwards)) == (
        "sealed: not the next use"
    )


def test_a_settlement_needs_both_keys(world: w.World) -> None:
    authorization = kit.grant(world)
    lease = kit.open_lease(world, authorization)
    made = sdk.settlement_of(lease, kit.uses(world, lease, 1), w.CHAIN_ID, before=0, closes=True)
    for side, other in (("provider", kit.CONSUMER), ("consumer", kit.PROVIDER)):
        call = kit.settling(authorization, 1, made, **{side: other.private})
        assert refused(world, CARRIER, call) == f"sealed: not the {side}'s signature"


def test_uses_before_the_end_settle_after_it_and_later_ones_do_not(world: w.World) -> None:
    """R11: what was used before the ending block can always be recorded."""
    authorization = kit.grant(world)
    lease = kit.open_lease(world, authorization)
    before = kit.uses(world, lease, 1)
    ground = sdk.ground_of(authorization, Reason.REGULATOR_ORDER)
    world.carry_out(CARRIER, sdk.make_unavailable(ground))
    ended = kit.state(world, authorization).ended
    assert ended == world.number
    after = kit.uses(world, lease, 1, state_block=ended)
    made = sdk.settlement_of(lease, after, w.CHAIN_ID, before=0, closes=True)
    said = refused(world, CARRIER, kit.settling(authorization, 1, made))
    assert said == "sealed: state block after it became unavailable"
    kit.settle(world, authorization, 1, before, closes=True)


def test_nobody_else_carries_what_was_granted(world: w.World) -> None:
    authorization = kit.grant(world)
    kit.open_lease(world, authorization)
    unknown = keccak256(b"never granted")
    calls = (
        kit.leasing(world, unknown, 1),
        sdk.lapse_sealed(unknown, 1),
        sdk.make_unavailable(sdk.ground_of(unknown, Reason.SUPERSEDED)),
    )
    for call in calls:
        assert refused(world, CARRIER, call) == "sealed: of another regulator"
        assert refused(world, "a.approver", call) == "sealed: not a regulator's approver or officer"


def test_a_lease_that_nobody_closed_lapses_and_ends_the_authorization(world: w.World) -> None:
    authorization = kit.grant(world)
    lease = kit.open_lease(world, authorization, uses=5)
    kit.open_lease(world, authorization, 2, uses=5, expires_at=world.time + 2 * w.DAY)
    receipts = kit.uses(world, lease, 1)
    kit.settle(world, authorization, 1, receipts)
    early = refused(world, CARRIER, sdk.lapse_sealed(authorization, 1))
    assert early == "sealed: settling deadline is not over"
    world.time = kit.lease_state(world, lease).deadline - 1
    trial = world.copy()
    kit.settle(trial, authorization, 1, receipts, before=1, closes=True)
    world.time += 1
    close = sdk.settlement_of(lease, receipts, w.CHAIN_ID, before=1, closes=True)
    said = refused(world, CARRIER, kit.settling(authorization, 1, close))
    assert said == "sealed: past the settling deadline"
    outcome = world.carry_out(CARRIER, sdk.lapse_sealed(authorization, 1))
    assert w.events(outcome) == ["SealedLeaseLapsed"]
    state = kit.state(world, authorization)
    assert (state.counted, state.settled, state.open, state.ended) == (10, 1, 1, world.number)
    again = refused(world, CARRIER, sdk.lapse_sealed(authorization, 1))
    assert again == "sealed: lease is not open"
    said = refused(world, CARRIER, kit.leasing(world, authorization, 3, uses=1))
    assert said == "sealed: unavailable"
    world.time += 2 * w.DAY
    world.carry_out(CARRIER, sdk.lapse_sealed(authorization, 2))
    assert kit.state(world, authorization).ended == state.ended, "the first ending counts"


# Versions of the contracts ----


def test_a_closed_version_grants_and_leases_nothing_and_still_settles(world: w.World) -> None:
    authorization = kit.grant(world)
    lease = kit.open_lease(world, authorization)
    receipts = kit.uses(world, lease, 1)
    w.govern(world, set_version(1, VersionStatus.CLOSED))
    closed = "sealed: this version is closed"
    assert refused(world, CARRIER, kit.leasing(world, authorization, 2)) == closed
    fresh = kit.sealed_terms(commitment=keccak256(b"others"))
    assert refused(world, APPROVER, kit.granting(fresh)) == closed
    kit.settle(world, authorization, 1, receipts, closes=True)


def test_a_halt_stops_settling_and_moves_the_deadline(world: w.World) -> None:
    authorization = kit.grant(world)
    lease = kit.open_lease(world, authorization, expires_at=world.time + w.FLOOR)
    receipts = kit.uses(world, lease, 1)
    proposal = halt_version(1, 3 * w.FLOOR)
    number = w.carry(world, proposal, ("a", "b"))
    world.carry_out("a.governor", enact(number, proposal))
    made = sdk.settlement_of(lease, receipts, w.CHAIN_ID, before=0, closes=True)
    halted = "sealed: this version is halted"
    deadline = kit.lease_state(world, lease).deadline
    world.time = deadline
    assert refused(world, CARRIER, kit.settling(authorization, 1, made)) == halted
    assert refused(world, CARRIER, sdk.lapse_sealed(authorization, 1)) == halted
    assert refused(world, CARRIER, kit.leasing(world, authorization, 2)) == halted
    world.time += 3 * w.FLOOR - 60
    world.carry_out(CARRIER, kit.settling(authorization, 1, made))


def test_a_key_is_derived_again_from_secret_and_nonce() -> None:
    secret = keccak256(b"a bank's secret")
    key = sdk.fresh_key(secret)
    assert sdk.derive_key(secret, key.nonce).address == key.address
    assert sdk.fresh_key(secret).address != key.address
    assert key.private.hex() not in repr(key)
    with pytest.raises(Exception, match="too short"):
        sdk.fresh_key(secret[:31])
