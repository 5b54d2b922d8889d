"""Ways through the contracts that the story does not take: each must be proved or said not to be.

An approval may come through another contract, where its signature cannot be read from calldata; one
transaction may open leases of authorizations that the bundle does not speak of; parties may be
more than two.
"""

import asyncio
from dataclasses import replace
from pathlib import Path

import eth_abi
import pytest

from node.audit import checks_chain, export, slots
from node.audit.bundle import decode_bundle
from node.audit.checks_ending import interruptions_in
from node.audit.report import to_json, to_text
from node.audit.result import Report
from node.audit.verify import verify
from node.sdk.abi import encode_call
from node.sdk.contracts import Call
from node.sdk.corrections import correct_receipt
from node.sdk.governance import halt_version, set_mandate
from node.spec import registry, usage
from node.spec.crypto import keccak256
from node.spec.interruptions import ENDLESS, Interruption
from node.spec.terms import words
from node.spec.types import Address, Hash32
from node.spec.usage import Receipt
from node.spec.versions import HALT_SECONDS_MAX
from node.spec.vocabulary import (
    CorrectionCause,
    DeliveryMode,
    FreezeGround,
    OwnerRight,
    RatePeriod,
    Reason,
    Role,
    mask,
)
from tests.chaincode import world
from tests.chaincode.world import EXCHANGE, B, account, both, hashed, plain, signature
from tests.unit.audit.factory import Chain, agreed, personal

MULTICALL = Address(bytes.fromhex("ca11bde05977b3631167028862be2a173976ca11"))
LEVEL_FIVE = 0b10000


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    grown = Chain(tmp_path / "journal.db")
    grown.market()
    return grown


def proved(chain: Chain, *wanted: Hash32) -> Report:
    report = verify(asyncio.run(chain.export(*wanted)), chain.genesis.hash)
    assert report.exit_code == 0, report.failures
    return report


def carried(address: Address, data: bytes) -> bytes:
    """Multicall3's aggregate((address,bytes)[]) with one call."""
    selector = keccak256(b"aggregate((address,bytes)[])")[:4]
    return selector + eth_abi.encode(["(address,bytes)[]"], [[("0x" + address.hex(), data)]])


def keys(report: Report) -> set[str]:
    return {statement.key for statement in report.statements}


def test_approval_through_another_contract_is_said_not_to_be_shown(chain: Chain) -> None:
    terms = personal(1)
    identifier = world.identifier(terms)
    chain.send("b.approver", *world.requesting(terms))
    half = signature("subject", identifier)
    data = encode_call(*world.approving(terms, half))
    chain.send_data("c.approver", MULTICALL, carried(registry.GRANTS, data))
    chain.send("a.approver", *world.approving(terms))
    report = proved(chain, identifier)
    assert keys(report) == {"indirect"}
    assert "came through another contract" in to_text(report)
    assert "经由其他合约" in to_text(report, "zh")


def test_settling_and_closing_through_another_contract(chain: Chain) -> None:
    authorization = chain.grant(agreed(1))
    lease = chain.open(authorization, 1)
    chain.use(lease, 1)
    entry = chain.range(authorization, 1, 1, 1, True)
    batch = world.batch_of([entry], chain.receipts(lease))
    data = encode_call(*world.settling(batch, [entry]))
    chain.send_data("c.gateway", MULTICALL, carried(registry.LEASES, data))
    report = proved(chain, authorization)
    assert keys(report) == {"indirect"}
    assert to_json(report)["authorizations"][0]["leases"][0]["ending"] == "batch"


def test_leases_opened_with_those_of_others(chain: Chain) -> None:
    """One transaction opens leases of two authorizations; a bundle speaks of one."""
    one, other = chain.grant(agreed(1)), chain.grant(agreed(2))
    openings = [world.opening(authorization, chain) for authorization in (one, other)]
    chain.send("b.gateway", "leases", "openMany", openings, account("a.gateway"))
    report = proved(chain, one)
    assert [case.identifier for case in report.cases] == [one]
    assert keys(report) == {"open"}


def test_exchange_and_regulator_are_parties_where_the_terms_need_them(chain: Chain) -> None:
    terms = agreed(1, fields=LEVEL_FIVE, exchange=EXCHANGE)
    identifier = world.identifier(terms)
    chain.send("b.approver", *world.requesting(terms))
    for name in ("exchange", "a"):
        chain.send(f"{name}.approver", *world.approving(terms))
    waiting = proved(chain, identifier)
    assert to_json(waiting)["authorizations"][0]["status"] == "Partially approved"
    chain.send("regulator.approver", *world.approving(terms))
    summary = to_json(proved(chain, identifier))["authorizations"][0]
    roles = [party["role"] for party in summary["parties"]]
    assert roles == ["provider", "consumer", "exchange", "regulator"]
    assert [(field["level"], field["count"]) for field in summary["fields"]] == [(5, 1)]


def test_rates_and_suspensions_are_followed(chain: Chain) -> None:
    terms = agreed(1, rate_period=RatePeriod.HOUR, rate_limit=12)
    authorization = chain.grant(terms)
    first = chain.open(authorization, 1, uses=8, expires_at=chain.time + 90)
    chain.use(first, 3)
    chain.anchor(chain.range(authorization, 1, 1, 3, True))
    chain.open(authorization, 2, uses=9, expires_at=chain.time + 90)
    end = (authorization, Reason.FRAUD_SUSPECTED, bytes(32))
    chain.send("a.approver", "authorizations", "suspend", *end)
    waiting = to_json(proved(chain, authorization))["authorizations"][0]
    assert waiting["status"] == "Suspended"
    chain.send("a.approver", "authorizations", "resume", authorization)
    case = proved(chain, authorization).cases[0]
    assert (case.state.window_used, case.state.counted) == (12, 12)


def test_use_while_suspended_is_found(chain: Chain) -> None:
    """Under a root the contract does not see it; both sides' own receipts do."""
    authorization = chain.grant(agreed(1))
    lease = chain.open(authorization, 1)
    end = (authorization, Reason.FRAUD_SUSPECTED, bytes(32))
    chain.send("a.approver", "authorizations", "suspend", *end)
    chain.use(lease, 1)
    chain.send("a.approver", "authorizations", "resume", authorization)
    chain.anchor(chain.range(authorization, 1, 1, 1, False))
    with pytest.raises(Exception, match="used while suspended or frozen"):
        asyncio.run(chain.export(authorization))


@pytest.mark.parametrize("together", [False, True])
def test_use_on_the_state_of_its_own_block_is_found(chain: Chain, together: bool) -> None:
    """No gateway can have known that state; what ended in that block would lie behind the use."""
    authorization = chain.grant(agreed(1))
    lease = chain.open(authorization, 1)
    chain.use(lease, 1, state_block=chain.number + 1)
    if together:
        chain.anchor(chain.range(authorization, 1, 1, 1, False))
    else:
        chain.settle(authorization, 1, 1)
    with pytest.raises(Exception, match="future"):
        asyncio.run(chain.export(authorization))


def frozen(chain: Chain, authorization: Hash32, seconds: int) -> None:
    """A freeze by one of two officers whom the banks gave a mandate over everything."""
    for name in ("regulator.officer", "regulator.other"):
        officer = (account(name), mask(Role.SENDER, Role.OFFICER))
        chain.send("regulator.governor", "members", "admitAccount", *officer)
    chain.govern(set_mandate(world.REGULATOR, 0xFFFF, 0xFF))
    ordered = (authorization, FreezeGround.FRAUD, keccak256(b"case"), chain.time + seconds)
    chain.send("regulator.officer", "supervision", "freezeAuthorization", *ordered)


def test_freeze_is_followed_and_a_use_under_it_is_found(chain: Chain) -> None:
    authorization = chain.grant(agreed(1))
    lease = chain.open(authorization, 1)
    frozen(chain, authorization, 30)
    assert proved(chain, authorization).cases[0].state.frozen_until == chain.time - 1 + 30
    chain.wait(40)
    chain.use(lease, 1)
    chain.settle(authorization, 1, 1)
    proved(chain, authorization)
    other = chain.grant(agreed(2))
    lease = chain.open(other, 1)
    ordered = (other, FreezeGround.FRAUD, keccak256(b"case"), chain.time + 30)
    chain.send("regulator.officer", "supervision", "freezeAuthorization", *ordered)
    chain.use(lease, 1)
    chain.wait(40)
    chain.anchor(chain.range(other, 1, 1, 1, False))
    with pytest.raises(Exception, match="used while suspended or frozen"):
        asyncio.run(chain.export(other))


def test_interruptions_over_each_other_are_followed(chain: Chain) -> None:
    """Frozen, suspended by both under it, lifted, resumed by one and the other, frozen anew."""
    authorization = chain.grant(agreed(1))
    lease = chain.open(authorization, 1)
    chain.use(lease, 1)
    frozen(chain, authorization, 3_600)
    first = chain.number
    for name, reason in (("a", Reason.FRAUD_SUSPECTED), ("b", Reason.CONSUMER_TERMINATED)):
        end = (authorization, reason, bytes(32))
        chain.send(f"{name}.approver", "authorizations", "suspend", *end)
    number = int.from_bytes(authorization, "big")
    chain.send("regulator.officer", "supervision", "lift", "authorization", number)
    for name in ("b", "a"):
        chain.send(f"{name}.approver", "authorizations", "resume", authorization)
    second, until = chain.number, chain.time + 30
    ordered = (authorization, FreezeGround.FRAUD, keccak256(b"case"), until)
    chain.send("regulator.other", "supervision", "freezeAuthorization", *ordered)
    case = proved(chain, authorization).cases[0]
    assert interruptions_in(case) == (
        Interruption(first, second, ENDLESS),
        Interruption(second + 1, None, until),
    )


def onward(chain: Chain) -> tuple[Hash32, Hash32]:
    """An authorization and a share of it that bank C has from bank B."""
    parent = agreed(1, recipients=1 << world.C, right=OwnerRight.OPERATING)
    child = agreed(
        2, provider=B, consumer=world.C, parent=world.identifier(parent), maximum_uses=30
    )
    chain.grant(parent)
    chain.send("c.approver", "grants", "requestUpon", words(child), [words(parent)], ())
    chain.send("b.approver", *world.approving(child))
    opening = world.opening(world.identifier(child), chain)
    chain.send("c.gateway", "leases", "open", opening, account("b.gateway"))
    return world.identifier(parent), world.identifier(child)


def test_what_is_shared_onward_is_proved_with_its_parent(chain: Chain) -> None:
    parent, child = onward(chain)
    report = proved(chain, child)
    assert {case.identifier for case in report.cases} == {parent, child}
    alone = proved(chain, parent)
    assert [case.identifier for case in alone.cases] == [parent]
    assert alone.cases[0].state.counted == 30


def test_use_of_a_share_while_its_parent_is_suspended_is_found(chain: Chain) -> None:
    """Under a root the contract does not see it; the parent's own interruptions tell."""
    parent, child = onward(chain)
    end = (parent, Reason.FRAUD_SUSPECTED, bytes(32))
    chain.send("a.approver", "authorizations", "suspend", *end)
    lease = usage.lease_id(child, 1)
    chain.use(lease, 1, sides=("b", "c"))
    chain.send("a.approver", "authorizations", "resume", parent)
    ranges = [chain.range(child, 1, 1, 1, False)]
    batch = world.batch_of(ranges, chain.receipts(lease), provider=B, consumer=world.C)
    lists, signed = plain(usage.pack_ranges(ranges)), usage.batch_id(batch, world.CHAIN_ID)
    signatures = both(signed, ("b", "c"))
    chain.send("b.gateway", "leases", "settleBatch", plain(batch), *lists, *signatures)
    with pytest.raises(Exception, match="used while suspended or frozen"):
        asyncio.run(chain.export(child))


def test_a_share_is_proved_under_the_terms_that_its_parent_had(chain: Chain) -> None:
    """The parent was renewed after both expired, to less than it had shared."""
    parent, child = onward(chain)
    before = agreed(1, recipients=1 << world.C, right=OwnerRight.OPERATING)
    chain.wait(before.valid_until - chain.time)
    later = before.valid_until + 30 * world.DAY
    narrow = replace(before, amends=parent, fields=0b1, valid_until=later)
    asking = ("grants", "requestUpon", words(narrow), [words(before)], ())
    chain.send("b.approver", *asking)
    chain.send("a.approver", *world.approving(narrow))
    report = proved(chain, child)
    assert {case.identifier for case in report.cases} == {parent, child}


def test_a_share_is_proved_after_both_were_renewed(chain: Chain) -> None:
    parent, child = onward(chain)
    before = agreed(1, recipients=1 << world.C, right=OwnerRight.OPERATING)
    shared = agreed(2, provider=B, consumer=world.C, parent=parent, maximum_uses=30)
    chain.wait(before.valid_until - chain.time)
    later = before.valid_until + 30 * world.DAY
    wider = replace(before, amends=parent, valid_until=later)
    chain.send("b.approver", "grants", "requestUpon", words(wider), [words(before)], ())
    chain.send("a.approver", *world.approving(wider))
    renewed = replace(shared, amends=child, valid_until=later, maximum_uses=40)
    shown = [words(shared), words(wider)]
    chain.send("c.approver", "grants", "requestUpon", words(renewed), shown, ())
    chain.send("b.approver", *world.approving(renewed))
    chain.send("c.gateway", "leases", "open", world.opening(child, chain), account("b.gateway"))
    report = proved(chain, child)
    versions = {case.identifier: case.state.version for case in report.cases}
    assert versions == {parent: 2, child: 2}


def test_consumer_ends_it_and_provider_ends_another(chain: Chain) -> None:
    one, other = chain.grant(agreed(1)), chain.grant(agreed(2))
    end = ("authorizations", "revoke")
    chain.send("b.approver", *end, one, Reason.CONSUMER_TERMINATED, bytes(32))
    chain.send("a.approver", *end, other, Reason.PROVIDER_WITHDREW, bytes(32))
    summaries = to_json(proved(chain, one, other))["authorizations"]
    assert {summary["status"] for summary in summaries} == {"Terminated", "Revoked"}


def test_account_that_was_revoked_since_is_still_its_members(chain: Chain) -> None:
    authorization = chain.grant(agreed(1))
    revoked = (account("a.approver"), Reason.SUPERSEDED)
    chain.send("a.governor", "members", "revokeAccount", *revoked)
    assert keys(proved(chain, authorization)) == set()


def test_lease_that_is_closing(chain: Chain) -> None:
    authorization = chain.grant(personal(1))
    lease = chain.open(authorization, 1, mode=DeliveryMode.FIELDS)
    chain.use(lease, 2, record_count=1)
    shown = chain.receipts(lease)[1]
    values = (authorization, 1, plain(shown), *both(hashed(shown)))
    chain.send("a.gateway", "closings", "closeAlone", *values)
    report = proved(chain, authorization)
    assert keys(report) == {"open"}
    assert to_json(report)["authorizations"][0]["leases"][0]["ending"] == "closing"


def test_breach_and_challenge_stand_in_the_timeline(chain: Chain) -> None:
    authorization = chain.grant(agreed(1))
    lease = chain.open(authorization, 1)
    breach = (authorization, lease, keccak256(b"evidence"))
    chain.send("b.gateway", "challenges", "reportBreach", *breach)
    case = proved(chain, authorization).cases[0]
    assert case.events[-1].name == "BreachReported"


def test_batch_with_a_leaf_against_its_lease_fails_at_the_receipts(chain: Chain) -> None:
    """The contract cannot see a leaf (R13); the auditor can, and the export says so."""
    authorization = chain.grant(personal(1))
    lease = chain.open(authorization, 1, mode=DeliveryMode.FIELDS)
    chain.use(lease, 1, record_count=5)
    chain.anchor(chain.range(authorization, 1, 1, 1, True))
    with pytest.raises(Exception, match="more than one record in a use of fields"):
        asyncio.run(chain.export(authorization))


def test_state_in_more_than_one_record(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    authorization = chain.grant(agreed(1))
    for number in (1, 2, 3):
        chain.open(authorization, number)
    whole = asyncio.run(chain.export(authorization))
    for module in (slots, checks_chain):
        monkeypatch.setattr(module, "SLOTS_MAX", 8)
    parts = asyncio.run(chain.export(authorization))
    assert len(decode_bundle(parts).state) > len(decode_bundle(whole).state)
    assert verify(parts, chain.genesis.hash).exit_code == 0
    monkeypatch.setattr(checks_chain, "SLOTS_MAX", 9)
    report = verify(parts, chain.genesis.hash)
    assert [failure.check for failure in report.failures] == ["state"]


def test_more_authorizations_than_a_bundle_takes(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [chain.grant(agreed(nonce)) for nonce in (1, 2)]
    monkeypatch.setattr(export, "AUTHORIZATIONS_MAX", 1)
    with pytest.raises(Exception, match="bundle too large"):
        asyncio.run(chain.export(*wanted))


def test_a_seconded_signature_is_said_to_be_the_contracts_word(chain: Chain) -> None:
    authorization = chain.grant(agreed(1))
    lease = chain.open(authorization, 1)
    chain.use(lease, 1)
    new = (account("a.new"), mask(Role.SENDER, Role.GATEWAY))
    chain.send("a.governor", "members", "admitAccount", *new)
    revoke = (account("a.gateway"), Reason.KEY_COMPROMISED)
    chain.send("a.governor", "members", "revokeAccount", *revoke)
    first = chain.receipts(lease)[0]
    provider, consumer = both(hashed(first))
    seconded = provider + signature("a.new", hashed(first))
    values = (authorization, 1, plain(first), seconded, consumer)
    chain.send("a.new", "leases", "settle", *values)
    digest = usage.close_digest(lease, 1, hashed(first), world.CHAIN_ID)
    provider, consumer = both(digest)
    values = (authorization, 1, 1, hashed(first), provider + signature("a.new", digest), consumer)
    chain.send("a.new", "leases", "close", *values)
    assert "seconded" in keys(proved(chain, authorization))


def test_a_deadline_within_a_halt_moves_behind_it(chain: Chain) -> None:
    authorization = chain.grant(agreed(1))
    lease = chain.open(authorization, 1, expires_at=chain.time + 40)
    chain.use(lease, 2)
    chain.govern(halt_version(1, 600))
    chain.wait(600)
    chain.settle(authorization, 1, 1)
    chain.settle(authorization, 1, 2)
    chain.wait(100)
    chain.send("a.gateway", "leases", "lapse", authorization, 1)
    proved(chain, authorization)


def test_a_deadline_that_a_halt_moved_stays_moved_after_the_next(chain: Chain) -> None:
    authorization = chain.grant(agreed(1))
    lease = chain.open(authorization, 1, expires_at=chain.time + 40)
    chain.use(lease, 1)
    chain.govern(halt_version(1, 600))
    chain.wait(600)
    chain.settle(authorization, 1, 1)
    chain.wait(HALT_SECONDS_MAX)
    chain.govern(halt_version(1, 600))
    proved(chain, authorization)


@pytest.mark.parametrize("halted", ["answer", "claim"])
def test_no_second_of_a_halt_counts_in_a_one_sided_close(chain: Chain, halted: str) -> None:
    """Four hundred seconds to answer and as many to claim, and a halt of a thousand in either."""
    authorization = chain.grant(replace(agreed(1), answer_within=400))
    lease = chain.open(authorization, 1)
    chain.use(lease, 3, unsigned=1)
    chain.show("closeAlone", authorization, 1, 1)
    for method in ("answer", "claim"):
        if method == halted:
            chain.govern(halt_version(1, 1_000))
            chain.wait(1_000)
        chain.wait(300)
        if method == "answer":
            chain.show("answer", authorization, 1, 2)
            chain.wait(100)
    chain.claim(authorization, 1, 2)
    chain.send("a.gateway", "closings", "finalize", authorization, 1)
    report = proved(chain, authorization)
    ended = to_json(report)["authorizations"][0]["leases"][0]["ending"]
    assert ended == "alone"


def correcting(chain: Chain, lease: Hash32, number: int, replacement: Receipt | None) -> Call:
    receipt = chain.receipts(lease)[number - 1]
    cause = CorrectionCause.RECORDED_IN_ERROR
    correction = usage.correction_of(receipt, replacement, cause, world.CHAIN_ID)
    halves = both(usage.correction_digest(correction, world.CHAIN_ID))
    return correct_receipt(receipt, correction, *halves)


def test_corrected_receipts_are_shown_as_corrected(chain: Chain) -> None:
    authorization = chain.grant(agreed(1))
    lease = chain.open(authorization, 1)
    chain.use(lease, 3)
    chain.settle(authorization, 1, 1)
    chain.anchor(chain.range(authorization, 1, 2, 3, True))
    right = replace(chain.receipts(lease)[1], record_count=1)
    void, replaced = correcting(chain, lease, 1, None), correcting(chain, lease, 2, right)
    chain.send_data("c.gateway", void.to, void.data)
    chain.send_data("c.gateway", replaced.to, replaced.data)
    report = proved(chain, authorization)
    found = to_json(report)["authorizations"][0]
    assert found["uses"]["counted"] == found["uses"]["settled"] == 3, "no count moved"
    assert found["uses"]["corrected"] == 2
    assert [entry["replacement"] for entry in found["corrections"]] == [
        None,
        "0x" + hashed(right).hex(),
    ]
    assert keys(report) == {"replacement"}
    assert "corrected: its use is void (Recorded in error)" in to_text(report)
    assert "已更正：该次使用作废（记录有误）" in to_text(report, "zh")


def test_a_correction_through_another_contract_is_the_contracts_word(chain: Chain) -> None:
    authorization = chain.grant(agreed(1))
    lease = chain.open(authorization, 1)
    chain.use(lease, 1)
    chain.settle(authorization, 1, 1)
    chain.close(authorization, 1)
    call = correcting(chain, lease, 1, None)
    chain.send_data("c.gateway", MULTICALL, carried(registry.CHALLENGES, call.data))
    assert keys(proved(chain, authorization)) == {"indirect"}


def test_a_correction_of_another_receipt_than_is_shown_fails(chain: Chain) -> None:
    """Both sides signed it, so the contract took it: the receipt corrected was never anchored."""
    authorization = chain.grant(agreed(1))
    lease = chain.open(authorization, 1)
    chain.use(lease, 1)
    chain.settle(authorization, 1, 1)
    other = replace(chain.receipts(lease)[0], record_count=1)
    cause = CorrectionCause.RECORDED_TWICE
    correction = usage.correction_of(other, None, cause, world.CHAIN_ID)
    halves = both(usage.correction_digest(correction, world.CHAIN_ID))
    call = correct_receipt(other, correction, *halves)
    chain.send_data("c.gateway", call.to, call.data)
    with pytest.raises(Exception, match="it corrects another receipt than is shown"):
        asyncio.run(chain.export(authorization))
