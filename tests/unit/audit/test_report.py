"""A report is what people act on: it must not say more than was proved, in either language."""

from dataclasses import replace

import pytest

from node.audit.bundle import Bundle, encode_bundle
from node.audit.report import to_json, to_text
from node.audit.result import Status
from node.audit.texts import (
    CLOSING,
    DETAILS,
    ENDINGS,
    HEADINGS,
    STATEMENTS,
    STATUSES,
    SUMMARY,
    TITLES,
    say,
)
from node.audit.timeline import timeline_lines, timeline_of
from node.audit.verify import CHECKS, verify
from tests.chaincode import world
from tests.unit.audit.factory import Story


def test_every_check_and_status_has_both_languages() -> None:
    assert set(TITLES) == set(CHECKS)
    assert set(CHECKS) <= set(DETAILS)
    assert set(STATUSES) == {status.value for status in Status}
    tables = (TITLES, DETAILS, STATUSES, STATEMENTS, HEADINGS, SUMMARY, ENDINGS)
    for table in tables:
        for key, (english, chinese) in table.items():
            assert bool(english) == bool(chinese), key
            if not english.startswith("{genesis"):
                assert english.isascii(), key
            assert not chinese.isascii() or chinese in ("", "{genesis}"), key
    assert all(english.isascii() and not chinese.isascii() for english, chinese in CLOSING)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_proved_report_says_so_and_what_it_cannot(story: Story, data: bytes, language: str) -> None:
    text = to_text(verify(data, story.genesis.hash), language)
    lines = text.splitlines()
    assert lines[1] == say(HEADINGS["proved"], language)
    for check in CHECKS:
        assert f"[{check}] {say(TITLES[check], language)}" in text
    assert [line[4:] for line in lines[-len(CLOSING) :]] == [say(t, language) for t in CLOSING]
    assert say(STATUSES["failed"], language) not in text
    for identifier in (world.IDENTIFIERS[world.A], world.IDENTIFIERS[world.B]):
        assert identifier.decode() in text
    for key in ("both", "batch", "alone", "lapsed", "open"):
        assert say(ENDINGS[key], language) in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_without_anchor_the_conclusion_is_conditional(
    story: Story, data: bytes, language: str
) -> None:
    report = verify(data, None)
    text = to_text(report, language)
    genesis = "0x" + story.genesis.hash.hex()
    assert say(HEADINGS["uncompared"], language, genesis=genesis) in text
    assert say(HEADINGS["proved"], language) not in text
    assert to_json(report)["conclusion"].startswith("Proved only under genesis 0x")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_failed_report_names_check_object_and_what_stands_on_it(
    story: Story, bundle: Bundle, language: str
) -> None:
    report = verify(encode_bundle(replace(bundle, changes=())), story.genesis.hash)
    text = to_text(report, language)
    assert say(HEADINGS["failed"], language, count=1) in text
    assert "validator set 5 is not proved" in text
    assert say(HEADINGS["stands-on"], language, check="finality") in text
    assert say(SUMMARY["purpose"], language) + " " not in text
    assert text.endswith(say(CLOSING[-1], language))


def test_json_has_each_check_with_its_object(story: Story, bundle: Bundle) -> None:
    report = verify(encode_bundle(replace(bundle, changes=())), story.genesis.hash)
    document = to_json(report)
    assert (document["exit_code"], document["failures"]) == (5, 1)
    failed = [entry for entry in document["checks"] if entry["status"] == "failed"]
    assert [entry["check"] for entry in failed] == ["finality"]
    assert failed[0]["object"].startswith("block ")
    assert failed[0]["what"]
    blocked = [entry for entry in document["checks"] if entry["status"] == "not provable"]
    assert all(entry["stands_on"] for entry in blocked)
    assert document["authorizations"] == []
    assert len(document["no_file_proves"]) == len(CLOSING)


def test_summary_counts_what_the_story_did(story: Story, data: bytes) -> None:
    found = {
        summary["authorization"]: summary
        for summary in to_json(verify(data, story.genesis.hash))["authorizations"]
    }
    plain = found["0x" + story.plain.hex()]
    assert plain["uses"] == {
        "granted": 100,
        "counted": 6,
        "settled": 6,
        "claimed": 0,
        "void": 1,
        "corrected": 0,
    }
    assert [lease["ending"] for lease in plain["leases"]] == ["both", "batch"]
    assert [lease["returned"] for lease in plain["leases"]] == [7, 2]
    assert [(field["level"], field["count"]) for field in plain["fields"]] == [(2, 1), (3, 2)]
    assert plain["purpose"] == "Credit checking"
    personal = found["0x" + story.personal.hex()]
    assert personal["ended"]["reason"] == "The subject withdrew"
    assert personal["uses"]["claimed"] == 1
    lapsing = found["0x" + story.lapsing.hex()]
    assert [lease["ending"] for lease in lapsing["leases"]] == ["lapsed", "open"]
    assert lapsing["uses"]["counted"] == 6
    assert found["0x" + story.declined.hex()]["leases"] == []


def test_timeline_is_in_the_chains_order(story: Story, data: bytes) -> None:
    case = verify(data, story.genesis.hash).cases[0]
    entries = timeline_of(case)
    assert entries[0]["event"] == "AuthorizationRequested"
    assert [entry["block"] for entry in entries] == sorted(entry["block"] for entry in entries)
    opened = next(entry for entry in entries if entry["event"] == "LeaseOpened")
    assert opened["values"]["lease"] == 1
    assert opened["values"]["purpose"] == "Credit score evaluation"
    assert len(timeline_lines(entries)) == len(entries)
