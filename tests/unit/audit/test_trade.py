"""Disputes, duties, freezes and lists: what a file proves of them, and each smallest lie."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node.audit.bundle import Bundle, decode_bundle
from node.audit.export import describe, export
from node.audit.report import to_text
from node.audit.result import Status
from node.audit.timeline import timeline_lines, timeline_of
from node.errors import IntegrityError
from node.sdk.client import Client
from node.sdk.light import LightClient
from node.spec.obligations import end_id, obligation_id
from node.spec.registry import TEMPLATES
from node.spec.usage import lease_id
from node.spec.vocabulary import (
    FreezeGround,
    ObligationKind,
    ObligationStatus,
    Reason,
    Ruling,
    Zone,
    label,
    purpose,
)
from tests.chaincode import world
from tests.chaincode.world import REGULATOR, A, B, account
from tests.unit.audit.forger import forged
from tests.unit.audit.trade import (
    APPEAL_SECONDS,
    CASE,
    OFFICERS,
    PROOF,
    RULING_SECONDS,
    Trade,
    check,
    failing,
    lacking,
    shown,
    without,
)


@pytest.fixture(scope="module")
def trade(tmp_path_factory: pytest.TempPathFactory) -> Trade:
    return Trade(tmp_path_factory.mktemp("trade") / "journal.db")


@pytest.fixture(scope="module")
def bundle(trade: Trade) -> Bundle:
    return decode_bundle(asyncio.run(trade.export(*trade.wanted)))


def test_whole_trade_is_proved(trade: Trade, bundle: Bundle) -> None:
    report = check(trade, bundle)
    assert [(r.check, r.subject, r.what, r.why) for r in report.failures] == []
    assert {result.status for result in report.results} == {Status.PROVED}
    fees = {r.about: r.details for r in report.results if r.check == "fees"}
    assert fees["0x" + trade.platform.hex()] == {
        "statements": 2,
        "paid": 1,
        "charged": 5,
        "amounts": "CNY 600",
    }


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_says_all_of_it(trade: Trade, bundle: Bundle, language: str) -> None:
    report = check(trade, bundle)
    text = to_text(report, language)
    assert "CNY 600" in text
    assert {"en": "certified, it was due by", "zh": "已出具证明"}[language] in text
    assert {"en": "none is due", "zh": "未终止，尚无删除义务"}[language] in text
    unopened = to_text(check(trade, replace(bundle, openings=(), plans=())), language)
    assert {"en": "2 of 2 fee statements", "zh": "2 份结算单中有 2 份"}[language] in unopened
    assert {"en": "every check holds", "zh": "各项均已证明。\n"}[language] not in unopened.lower()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_timeline_has_disputes_and_duties(trade: Trade, bundle: Bundle, language: str) -> None:
    cases = {case.identifier: case for case in check(trade, bundle).cases}
    lines = "\n".join(timeline_lines(timeline_of(cases[trade.over], language)))
    lines += "\n".join(timeline_lines(timeline_of(cases[trade.platform], language)))
    for event in ("DisputeOpened", "DisputeEnded", "DeletionCertified", "ObligationFulfilled"):
        assert event in lines
    for table, index in (
        ("ruling", Ruling.DISMISSED),
        ("obligation_kind", ObligationKind.INFORM),
        ("obligation_status", ObligationStatus.FULFILLED),
    ):
        assert label(table, index, language) in lines


@pytest.mark.parametrize(
    ("part", "change", "caught"),
    [
        ("fees", 1, "fees"),
        ("held", 1, None),
        ("ruling", -1, "disputes"),
        ("disputed", 1, "disputes"),
        ("until", 1_000, "disputes"),
        ("count", -1, "disputes"),
        ("template", -(1 << 104 + purpose("CreditChecking")), "lists"),
        ("template", -(1 << 100), "lists"),
        ("template", -((2**32 - 2) << 16), "lists"),
        ("lists", -1, "lists"),
        ("lists", -(1 << 128), "lists"),
        ("deleted", -1, "deletion"),
        ("deleted", 1, "deletion"),
        ("deleted", 2, "deletion"),
        ("due", -(86_400 * 40), "deletion"),
        ("informed", 1, "duties"),
    ],
)
def test_a_forged_state(
    trade: Trade, bundle: Bundle, part: str, change: int, caught: str | None
) -> None:
    assert failing(check(trade, forged(trade, bundle, part, change))) == ({caught} - {None})


# Disputes, freezes, lists, duties ---------------------------------------------------------------


def test_an_event_that_is_left_out(trade: Trade, bundle: Bundle) -> None:
    """Of a dispute and of a duty state knows; of a list it knows the number of changes."""
    wanted = {
        "DisputeOpened": {"disputes"},
        "DisputeEnded": {"disputes"},
        "ObligationFulfilled": {"deletion", "duties"},
        "PurposesRefused": {"list-changes"},
        "CautionSet": {"list-changes"},
        "TemplateAdopted": {"template"},
    }
    for name, caught in wanted.items():
        report = check(trade, without(trade, bundle, name))
        assert failing(report) | {r.lacks for r in report.unshown} >= caught, name


def test_a_use_while_a_member_was_frozen(tmp_path: Path) -> None:
    """Both sides recorded it as if nothing lay over the consumer; the chain cannot see it."""
    trade = Trade(tmp_path / "journal.db", stated=False)
    lease = trade.open(trade.platform, 2)
    trade.freeze_member(B, 1_000, OFFICERS[1])
    trade.seal([])
    trade.use(lease, 1)
    trade.seal([])
    trade.send(OFFICERS[1], "supervision", "lift", "member", B)
    trade.use(lease, 1)
    trade.anchor(trade.range(trade.platform, 2, 1, 2, True))
    trade.seal([])
    bundle = decode_bundle(asyncio.run(trade.export(trade.platform, trade.direct)))
    report = check(trade, bundle)
    assert failing(report) == {"freezes"}
    assert "receipt 1" in report.failures[0].subject
    hidden = check(trade, without(trade, bundle, "MemberFrozen"))
    assert "freezes" in failing(hidden)
    assert "frozen in block" in hidden.failures[0].what
    assert "freezes" in failing(check(trade, replace(bundle, past=())))


@pytest.mark.parametrize(
    ("events", "what"),
    [
        (("AuthorizationFrozen",), "authorization was frozen in block"),
        (("AuthorizationSuspended", "AuthorizationResumed"), "it was suspended in block"),
    ],
)
def test_a_use_that_what_was_left_out_forbids(
    tmp_path: Path, events: tuple[str, ...], what: str
) -> None:
    """Freeze and lift, or suspension and resumption: without both, the last state is the same."""
    trade = Trade(tmp_path / "journal.db", stated=False)
    lease = trade.open(trade.platform, 2)
    if events == ("AuthorizationFrozen",):
        freeze = (trade.platform, FreezeGround.FRAUD, CASE, trade.time + 1_000)
        trade.send(OFFICERS[0], "supervision", "freezeAuthorization", *freeze)
    else:
        reason = (int(Reason.BREACH_OF_TERMS), PROOF)
        trade.send("a.approver", "authorizations", "suspend", trade.platform, *reason)
    trade.seal([])
    trade.use(lease, 1)
    trade.seal([])
    if events == ("AuthorizationFrozen",):
        target = int.from_bytes(trade.platform, "big")
        trade.send(OFFICERS[1], "supervision", "lift", "authorization", target)
    else:
        trade.send("a.approver", "authorizations", "resume", trade.platform)
    trade.anchor(trade.range(trade.platform, 2, 1, 1, True))
    trade.seal([])
    light = LightClient(trade.client(), trade.genesis.hash)
    with pytest.raises(IntegrityError, match="used while"):
        asyncio.run(export(light, [trade.journal], [trade.platform]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("node.audit.export._require_proved", lambda *_: None)
        bundle = decode_bundle(asyncio.run(trade.export(trade.platform)))
    assert {"revocation", "freezes"} & failing(check(trade, bundle))
    report = check(trade, without(trade, bundle, *events))
    found = {failure.check: failure.what for failure in report.failures}
    assert what in found["freezes"]


def test_a_lease_right_after_a_freeze_was_lifted(tmp_path: Path) -> None:
    """In one block with the lift: the state before shows the freeze, the block's events its end."""
    trade = Trade(tmp_path / "journal.db", stated=False)
    trade.freeze_member(B, 1_000, OFFICERS[1])
    opening = world.opening(trade.platform, trade)
    calls = (
        (OFFICERS[1], "supervision", "lift", "member", B),
        ("b.gateway", "leases", "open", opening, account("a.gateway")),
    )
    trade.send_together(*calls)
    lease = lease_id(trade.platform, 2)
    trade.use(lease, 1)
    trade.anchor(trade.range(trade.platform, 2, 1, 1, True))
    trade.seal([])
    bundle = decode_bundle(asyncio.run(trade.export(trade.platform)))
    assert failing(check(trade, bundle)) == set()
    assert "freezes" in failing(check(trade, without(trade, bundle, "MemberFrozen")))


def test_a_use_while_its_purpose_was_frozen_in_the_zone(tmp_path: Path) -> None:
    trade = Trade(tmp_path / "journal.db", stated=False)
    lease = trade.open(trade.platform, 2)
    trade.freeze_zone(1 << purpose("CreditScoreEvaluation"), 1_000)
    trade.use(lease, 1)
    trade.wait(2_000)
    trade.use(lease, 1)
    trade.anchor(trade.range(trade.platform, 2, 1, 2, True))
    trade.seal([])
    report = shown(trade, trade.platform, trade.direct)
    assert failing(report) == {"freezes"}
    assert "receipt 1" in report.failures[0].subject


@pytest.mark.parametrize(
    ("frozen", "caught"), [("CreditScoreEvaluation", {"freezes"}), ("FraudManagement", set())]
)
def test_a_use_for_a_parent_of_what_was_frozen(
    tmp_path: Path, frozen: str, caught: set[str]
) -> None:
    """What is served under a lease for a parent may be for its child, and the receipt is silent."""
    trade = Trade(tmp_path / "journal.db", stated=False)
    lease = trade.open(trade.platform, 2, purpose=purpose("CreditChecking"))
    trade.freeze_zone(1 << purpose(frozen), 1_000)
    trade.seal([])
    trade.use(lease, 1)
    trade.wait(2_000)
    trade.anchor(trade.range(trade.platform, 2, 1, 1, True))
    trade.seal([])
    bundle = decode_bundle(asyncio.run(trade.export(trade.platform, trade.direct)))
    assert failing(check(trade, bundle)) == caught
    assert failing(check(trade, without(trade, bundle, "ZoneFrozen"))) == caught


def test_freezes_are_not_provable_without_the_state_of_the_time(
    trade: Trade, bundle: Bundle
) -> None:
    kept = {r.final.header.number for r in bundle.blocks if r.inclusions}
    blocks = tuple(r for r in bundle.blocks if r.inclusions or r is bundle.blocks[-1])
    assert lacking(check(trade, replace(bundle, past=(), blocks=blocks))) == {"freezes"}
    some = tuple(p for p in bundle.past[2:] if p.number in kept or p.number + 1 in kept)
    assert lacking(check(trade, replace(bundle, past=some, blocks=blocks))) == {"freezes"}


def test_a_node_without_the_state_of_the_time(tmp_path: Path) -> None:
    """What it does not keep is left out and said, and all else is exported."""
    trade = Trade(tmp_path / "journal.db", stated=False)

    class Forgetful:
        """A node that proves nothing of Templates but in its newest state."""

        def __init__(self, honest: Client) -> None:
            self._honest = honest._transport

        async def post(self, body: Any) -> Any:
            asked = body["params"]
            old = body["method"] == "eth_getProof" and int(asked[2], 16) < trade.number
            if old and asked[0] == "0x" + TEMPLATES.hex():
                error = {"code": -32000, "message": "missing trie node"}
                return {"jsonrpc": "2.0", "id": body["id"], "error": error}
            return await self._honest.post(body)

        async def close(self) -> None:
            await self._honest.close()

    light = LightClient(Client(Forgetful(trade.client())), trade.genesis.hash)
    data, report = asyncio.run(export(light, [trade.journal], trade.wanted))
    assert not report.failures
    assert {"freezes"} <= set(describe(report)["not_provable"])
    assert decode_bundle(data).past == ()


@pytest.mark.parametrize("place", ["number", "order", "slot", "header", "block twice"])
def test_a_past_state_that_was_changed(trade: Trade, bundle: Bundle, place: str) -> None:
    first, second, *rest = bundle.past
    changed = {
        "number": (replace(first, number=first.number + 1), second, *rest),
        "order": (second, first, *rest),
        "slot": (replace(first, proof=replace(first.proof, slots=())), second, *rest),
        "header": (replace(first, number=10**6), second, *rest),
        "block twice": (first, *bundle.past),
    }
    assert failing(check(trade, replace(bundle, past=changed[place]))) & {"state", "freezes"}


def test_a_list_and_a_template_may_change_afterwards(tmp_path: Path) -> None:
    """What they forbid now they did not forbid then."""
    trade = Trade(tmp_path / "journal.db", stated=False)
    trade.list_both("refuse", int(Zone.FINANCE), 0, world.PURPOSES)
    trade.list_both("caution", 0, 0, (world.PURPOSES, 1 << 16))
    retire = (world.TEMPLATE, Reason.TEMPLATE_RETIRED)
    trade.send("regulator.approver", "templates", "retire", *retire)
    trade.seal([])
    report = shown(trade, *trade.wanted)
    assert not report.failures
    details = next(r.details for r in report.results if r.check == "lists")
    assert details == {"refusals": 2, "cautions": 2}


def test_duties_that_were_not_done(tmp_path: Path) -> None:
    """The file is proved and says what was neglected: those are findings, not flaws of it."""
    trade = Trade(tmp_path / "journal.db", stated=False)
    trade.impose(trade.direct, ObligationKind.COMPENSATE, A)
    salt = end_id(ObligationKind.DESTROY_SALT, trade.over, A, 1)
    trade.send("a.approver", "obligations", "fulfil", salt, PROOF)
    trade.wait(200)
    trade.seal([])
    report = shown(trade, *trade.wanted)
    assert failing(report) == {"duties", "records"}
    by_check = {failure.check: failure.what for failure in report.failures}
    assert "was not done by" in by_check["duties"]
    assert "before records need not be kept" in by_check["records"]
    duty = obligation_id(ObligationKind.COMPENSATE, trade.direct, A, PROOF)
    trade.send("a.approver", "obligations", "fulfil", duty, PROOF)
    trade.seal([])
    late = shown(trade, *trade.wanted)
    assert "it was done late" in {failure.what for failure in late.failures}


@pytest.mark.parametrize("is_held", [False, True])
def test_a_deletion_that_nobody_certified(tmp_path: Path, is_held: bool) -> None:
    """Without a hold it is late once retention is over and the time for it has run."""
    trade = Trade(tmp_path / "journal.db", stated=False)
    reason = (Reason.PROVIDER_WITHDREW, bytes(32))
    trade.send("a.approver", "authorizations", "revoke", trade.direct, *reason)
    if is_held:
        hold = (trade.direct, CASE, trade.time + 300 * world.DAY)
        trade.send(OFFICERS[0], "obligations", "hold", *hold)
    trade.wait(31 * world.DAY)
    trade.seal([])
    report = shown(trade, trade.direct)
    late = [failure.what for failure in report.failures if failure.check == "deletion"]
    assert len(late) == (not is_held)
    assert all("was not done by" in text for text in late)


def test_a_deletion_that_nobody_opened(tmp_path: Path) -> None:
    """What ends by time ends without a word, and obliges all the same."""
    trade = Trade(tmp_path / "journal.db", stated=False)
    about = "0x" + trade.direct.hex()
    trade.wait(59 * world.DAY)
    trade.seal([])
    report = shown(trade, trade.direct)
    assert not report.failures
    trade.wait(2 * world.DAY)
    trade.seal([])
    report = shown(trade, trade.direct)
    late = {r.about: r.what for r in report.failures if r.check == "deletion"}
    assert "nobody opened" in late[about]
    trade.send("c.approver", "obligations", "openDeletion", trade.direct)
    trade.send("b.approver", "obligations", "certifyDeletion", trade.direct, 1, PROOF, PROOF)
    trade.seal([])
    late = {r.about: r.what for r in shown(trade, trade.direct).failures}
    assert late[about] == "it was done late"


def test_a_dispute_that_nobody_ruled_on_leaves_nothing_out(tmp_path: Path) -> None:
    trade = Trade(tmp_path / "journal.db", stated=False)
    trade.wait(RULING_SECONDS)
    trade.send("c.approver", "disputes", "end", 1)
    until = trade.next_period()
    trade.seal([])
    charged = {x.authorization: x.charged for x in trade.compute(trade.began, until).lines}
    assert charged[trade.platform] == 5
    report = shown(trade, trade.platform)
    assert not report.failures
    details = next(r.details for r in report.results if r.check == "disputes")
    assert details == {"disputes": 1, "open": 0}


def test_a_dispute_withdrawn_in_its_own_block_leaves_no_trace(tmp_path: Path) -> None:
    trade = Trade(tmp_path / "journal.db", stated=False)
    trade.send_together(
        ("b.approver", "disputes", "open", trade.direct, 1, 1, 2, REGULATOR, PROOF),
        ("b.approver", "disputes", "withdraw", 2),
    )
    trade.seal([])
    report = shown(trade, trade.direct)
    assert not report.failures
    details = {r.about: r.details for r in report.results if r.check == "disputes"}
    assert details["0x" + trade.direct.hex()] == {"disputes": 0, "open": 0}


def test_a_ruling_that_ends_the_authorization(tmp_path: Path) -> None:
    """No party ended it: the ruling in the same transaction did, and its uses cost nothing."""
    trade = Trade(tmp_path / "journal.db", stated=False)
    trade.send("a.approver", "disputes", "answer", 1, PROOF)
    ruling = (1, int(Ruling.UPHELD_ENDING), PROOF)
    trade.send("regulator.approver", "disputes", "rule", *ruling)
    trade.wait(APPEAL_SECONDS)
    trade.send("c.approver", "disputes", "end", 1)
    until = trade.next_period()
    trade.seal([])
    charged = {x.authorization: x.charged for x in trade.compute(trade.began, until).lines}
    assert charged[trade.platform] == 3
    bundle = decode_bundle(asyncio.run(trade.export(trade.platform)))
    report = check(trade, bundle)
    assert not report.failures
    ended = {r.about: r.details for r in report.results if r.check == "revocation"}
    assert ended["0x" + trade.platform.hex()]["reason"] == label("reason", Reason.BREACH_OF_TERMS)
