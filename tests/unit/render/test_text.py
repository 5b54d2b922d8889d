"""What a signer reads must be what is signed: every member, in both languages, with the digest."""

from dataclasses import fields, replace

import pytest

from chaincode.vocabulary import load
from node.render import text
from node.render.directory import Directory, PartyCard
from node.render.facts import facts_of, instant, label_of, moment
from node.spec.terms import Terms, authorization_id, to_json
from node.spec.vocabulary import DeliveryMode, mask
from tests.chaincode import world as w

CHAIN = 31337
TERMS = w.personal_terms(maximum_uses=12_000, rate_period=2, rate_limit=4, recipients=0b10100)
NAMES = Directory({1: PartyCard("第一银行", "", "")}, ("reference", "history"))


def test_every_member_of_the_terms_has_a_label() -> None:
    known = {term.name for term in load()["terms_member"]}
    assert set(to_json(TERMS)) <= known, "add it to the table terms_member of vocabulary.json"


@pytest.mark.parametrize("field", [field.name for field in fields(Terms)])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_member_that_changes_changes_the_text(field: str, language: str) -> None:
    value = getattr(TERMS, field)
    if isinstance(value, int):
        other = replace(TERMS, **{field: value ^ 1})
    else:
        other = replace(TERMS, **{field: bytes(len(value) - 1) + b"\x07"})
    ours = facts_of(TERMS, language, NAMES)
    theirs = facts_of(other, language, NAMES)
    assert [a.name for a, b in zip(ours, theirs, strict=True) if a.shown != b.shown] == [
        name for name, told in to_json(other).items() if told != to_json(TERMS)[name]
    ]
    assert text.text_of(TERMS, CHAIN, language) != text.text_of(other, CHAIN, language)


def test_the_text_names_digest_chain_and_contract() -> None:
    for language in ("zh", "en"):
        shown = text.text_of(TERMS, CHAIN, language)
        assert "0x" + authorization_id(TERMS, CHAIN).hex() in shown
        assert "31337" in shown
        assert "da05, " not in shown
        assert "da05" in shown
        assert "Dataccord 1" in shown


def test_values_read_like_the_domain() -> None:
    english, chinese = (text.text_of(TERMS, CHAIN, language, NAMES) for language in ("en", "zh"))
    for line in (
        "Provider: member 1 (第一银行)",
        "Consumer: member 2",
        "Exchange of a platform trade: none",
        "Purpose, with those below it: Credit checking",
        "Fields: reference, history, #2",
        "Delivery modes: One consenting subject's record",
        "Uses in all: 12,000",
        "Window of the rate: Each day",
        "Valid from: 2027-01-15 16:00:00 UTC+8",
        "Time to answer a close by one side: 1 hours",
        "Members it may be shared onward to: member 2, member 4",
        "Where results may go: Mainland China",
    ):
        assert line in english.splitlines()
    for line in (
        "提供方: 成员1 (第一银行)",
        "使用目的（含下级目的）: 信用核查",
        "字段: reference、history、#2",
        "总使用次数: 12,000",
    ):
        assert line in chinese.splitlines()


def test_chinese_comes_first_and_prevails() -> None:
    both = text.bilingual(TERMS, CHAIN)
    assert both.startswith("数据授权条款")
    assert both.index("数据授权条款") < both.index("Terms of a data authorization")
    assert "以中文为准" in both
    assert "Chinese prevails" in both


def test_what_this_version_does_not_know_is_shown_all_the_same() -> None:
    assert label_of("nothingKnown", "zh") == "nothingKnown"
    assert "purpose 999" in text.text_of(replace(TERMS, purpose=999), CHAIN, "en")
    far = text.text_of(replace(TERMS, valid_until=2**64 - 1), CHAIN, "en")
    assert f"second {2**64 - 1}" in far
    assert moment(0).startswith("1970-01-01 08:00:00")
    assert instant(2**63) == "9999-12-31T23:59:59Z"
    modes = replace(TERMS, modes=mask(DeliveryMode.MPC) | 1 << 7)
    assert "delivery_mode 7" in text.text_of(modes, CHAIN, "en")
