"""Fees of a proved trail: each statement by its opening, and each smallest lie about money."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from node.audit.bundle import Bundle, decode_bundle, encode_bundle
from node.audit.report import to_json
from node.audit.result import Report, Status
from node.audit.verify import verify
from node.cli import main
from node.sdk.corrections import correct_receipt
from node.sdk.fee_file import FeeFile
from node.spec.fees import decode_fees, encode_fees
from node.spec.pricing import PricePlan, Tier, encode_plan
from node.spec.terms import words
from node.spec.types import Hash32
from node.spec.usage import correction_digest, correction_of
from node.spec.vocabulary import CorrectionCause, PriceClass, RatePeriod
from tests.chaincode import world
from tests.chaincode.world import EXCHANGE
from tests.unit.audit.factory import agreed
from tests.unit.audit.trade import PLAN, SHARE, Trade, check, failing, lacking, shown


@pytest.fixture(scope="module")
def trade(tmp_path_factory: pytest.TempPathFactory) -> Trade:
    return Trade(tmp_path_factory.mktemp("trade") / "journal.db")


@pytest.fixture(scope="module")
def bundle(trade: Trade) -> Bundle:
    return decode_bundle(asyncio.run(trade.export(*trade.wanted)))


def test_each_period_has_what_counts_at_its_end(trade: Trade) -> None:
    """The void use never, the two disputed ones in the period in which the dispute was over."""
    first, second = trade.first.fees, trade.second.fees
    charged = {line.authorization: (line.charged, line.amount) for line in first.lines}
    assert charged == {trade.platform: (3, 400), trade.direct: (2, 300)}
    assert [(line.charged, line.amount) for line in second.lines] == [(2, 200)]
    assert [line.exchange_amount for line in second.lines] == [10]
    assert trade.first.fees.totals == {"CNY": (700, 20)}


def test_fees_without_their_opening_are_not_provable(trade: Trade, bundle: Bundle) -> None:
    report = check(trade, replace(bundle, openings=(), plans=()))
    assert lacking(report) == {"opening"}
    assert report.exit_code == 0
    document = to_json(report)
    assert document["unshown"] == 3
    assert "every check holds" not in document["conclusion"]
    assert {c["status"] for c in document["checks"] if c["check"] == "fees"} == {"not provable"}
    unopened = encode_bundle(replace(bundle, openings=(), plans=()))
    for language, text in (("en", "does not let be proved"), ("zh", "本文件无法证明")):
        assert text in to_json(verify(unopened, None), language)["conclusion"]
    one = replace(bundle, openings=bundle.openings[:1], plans=())
    assert lacking(check(trade, one)) == {"opening"}
    assert lacking(check(trade, replace(bundle, plans=()))) == {"plan"}


def test_a_file_that_lacks_something_can_be_refused(
    trade: Trade, bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--genesis-hash", "0x" + trade.genesis.hash.hex(), "--complete"]
    for openings, plans, code in ((bundle.openings, bundle.plans, 0), ((), (), 4)):
        path = tmp_path / "trail.evidence"
        path.write_bytes(encode_bundle(replace(bundle, openings=openings, plans=plans)))
        assert main(["audit", "verify", str(path), *given]) == code
        assert main(["audit", "verify", str(path), *given[:2]]) == 0
    assert "not provable" in capsys.readouterr().out


def test_a_price_without_a_statement_is_not_provable(tmp_path: Path) -> None:
    trade = Trade(tmp_path / "journal.db", stated=False)
    report = shown(trade, *trade.wanted)
    assert lacking(report) == {"fee-statement"}


LIES: dict[str, Callable[[Bundle], Bundle]] = {
    "salt": lambda b: opening(b, salt=bytes(32)),
    "amount": lambda b: opening(b, content=with_line(b, amount=399)),
    "charged": lambda b: opening(b, content=with_line(b, charged=4)),
    "no line": lambda b: opening(b, content=with_lines(b, ())),
    "not canonical": lambda b: opening(b, content=b.openings[0].content + b" "),
    "another statement's": lambda b: opening(b, statement=b.openings[1].statement),
    "order": lambda b: replace(b, openings=b.openings[::-1]),
    "plan": lambda b: replace(b, plans=(encode_plan(replace(PLAN, tiers=(Tier(0, 1),))),)),
    "plan twice": lambda b: replace(b, plans=b.plans * 2),
    "opening twice": lambda b: replace(b, openings=(b.openings[0], *b.openings)),
    "plan of nobody": lambda b: replace(b, plans=(*b.plans, encode_plan(PLAN) + b" ")),
}


def opening(bundle: Bundle, **changes: object) -> Bundle:
    changed = replace(bundle.openings[0], **changes)
    return replace(bundle, openings=(changed, *bundle.openings[1:]))


def with_lines(bundle: Bundle, lines: tuple[object, ...]) -> bytes:
    content = decode_fees(bundle.openings[0].content)
    return encode_fees(replace(content, lines=lines))


def with_line(bundle: Bundle, **changes: int) -> bytes:
    content = decode_fees(bundle.openings[0].content)
    return with_lines(bundle, (replace(content.lines[0], **changes), *content.lines[1:]))


@pytest.mark.parametrize("lie", LIES)
def test_an_opening_that_was_changed(trade: Trade, bundle: Bundle, lie: str) -> None:
    assert failing(check(trade, LIES[lie](bundle))) & {"fees", "surplus", "form"}


def anchored(folder: Path, change: Callable[[Trade, FeeFile], FeeFile]) -> Report:
    """The report of a trade whose sides signed other fees than they owe."""
    trade = Trade(folder / "journal.db", stated=False)
    owed = trade.compute(trade.began, trade.next_period())
    trade.anchor_fees(change(trade, trade.signed(owed)))
    trade.seal([])
    return shown(trade, *trade.wanted)


def test_fees_that_charge_a_disputed_use(tmp_path: Path) -> None:
    """Both sides and the exchange signed it: audit finds it nevertheless, and names the line."""

    def charging(trade: Trade, file: FeeFile) -> FeeFile:
        lines = [
            replace(line, charged=4, amount=500) if line.authorization == trade.platform else line
            for line in file.fees.lines
        ]
        return trade.signed(replace(file.fees, lines=tuple(lines)))

    report = anchored(tmp_path, charging)
    assert failing(report) == {"fees"}
    (failure,) = report.failures
    assert "charges 4" in failure.what
    assert "comes to 3" in failure.what
    assert "disputed" in failure.why


def test_a_line_too_many_or_too_few(tmp_path: Path) -> None:
    def fewer(trade: Trade, file: FeeFile) -> FeeFile:
        lines = tuple(x for x in file.fees.lines if x.authorization != trade.direct)
        return trade.signed(replace(file.fees, lines=lines))

    assert failing(anchored(tmp_path, fewer)) == {"fees"}


def test_lines_of_others_are_said_not_to_be_shown(tmp_path: Path) -> None:
    """What another authorization is charged is not in this file, and is not called proved."""

    def more(trade: Trade, file: FeeFile) -> FeeFile:
        other = replace(file.fees.lines[0], authorization=Hash32(b"\xff" * 32))
        return trade.signed(replace(file.fees, lines=(*file.fees.lines, other)))

    report = anchored(tmp_path, more)
    assert not report.failures
    assert "fees-of-others" in {statement.key for statement in report.statements}


def test_a_use_that_both_corrected_as_void_costs_nothing(tmp_path: Path) -> None:
    trade = Trade(tmp_path / "journal.db", stated=False)
    receipt = trade.receipts(trade.lease)[4]
    correction = correction_of(receipt, None, CorrectionCause.RECORDED_IN_ERROR, world.CHAIN_ID)
    halves = world.both(correction_digest(correction, world.CHAIN_ID))
    call = correct_receipt(receipt, correction, *halves)
    trade.send_data("c.approver", call.to, call.data)
    file = trade.state_fees(trade.began, trade.next_period())
    charged = {line.authorization: line.charged for line in file.fees.lines}
    assert charged == {trade.platform: 2, trade.direct: 2}
    trade.seal([])
    report = shown(trade, *trade.wanted)
    assert {r.status for r in report.results if r.check == "fees"} == {Status.PROVED}


def test_periods_that_overlap(tmp_path: Path) -> None:
    trade = Trade(tmp_path / "journal.db")
    trade.state_fees(trade.first.fees.since + 1, trade.next_period())
    trade.seal([])
    report = shown(trade, *trade.wanted)
    assert failing(report) == {"fees"}
    assert "overlapping" in report.failures[0].what


def test_a_subscription_is_paid_by_the_day_under_the_version_in_force(tmp_path: Path) -> None:
    """Three days: the second one's price is that of the terms at its beginning (R23)."""
    daily = PricePlan(PriceClass.PERIOD, "CNY", (Tier(0, 1_000),), window=RatePeriod.DAY)
    trade = Trade(tmp_path / "journal.db", stated=False, plan=daily)
    first = agreed(2, **trade.priced())
    second = replace(first, amends=trade.direct, exchange=EXCHANGE, exchange_share=SHARE)
    trade.wait(world.DAY)
    asking = ("grants", "requestUpon", words(second), [words(first)], ())
    trade.send("b.approver", *asking)
    for name in ("exchange", "a"):
        trade.send(f"{name}.approver", *world.approving(second))
    trade.wait(world.DAY)
    file = trade.state_fees(trade.began, trade.time)
    charged = {(x.authorization, x.version): (x.amount, x.exchange_amount) for x in file.fees.lines}
    assert charged == {
        (trade.platform, 1): (3_000, 150),
        (trade.direct, 1): (2_000, 0),
        (trade.direct, 2): (1_000, 50),
        (trade.over, 1): (1_000, 0),
    }
    trade.seal([])
    report = shown(trade, *trade.wanted)
    assert [(r.check, r.what) for r in report.failures] == []
    assert {r.status for r in report.results if r.check == "fees"} == {Status.PROVED}
