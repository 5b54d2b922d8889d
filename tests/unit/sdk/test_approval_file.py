"""A file that is carried by hand passes many hands, so every way to alter it must be refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node.errors import DecodeError, Refused, SignatureError
from node.sdk import approval_file
from node.sdk.approval_file import ApprovalFile
from node.spec.crypto import sign
from node.spec.terms import authorization_id
from tests.chaincode import world as w

CHAIN = 31337
FILE = ApprovalFile(CHAIN, w.personal_terms())


def changed(**members: Any) -> str:
    return json.dumps({**json.loads(approval_file.encode(signed())), **members})


def signed() -> ApprovalFile:
    return approval_file.approve(FILE, w.key("a.approver"))


def refused(text: str, chain_id: int = CHAIN) -> str:
    with pytest.raises(Refused) as caught:
        approval_file.decode(text, chain_id)
    return caught.value.reason


def test_it_comes_back_as_it_was_written_with_each_approval(tmp_path: Path) -> None:
    file = approval_file.approve(signed(), w.key("subject"))
    path = tmp_path / "share.approval"
    path.write_text(approval_file.encode(file))
    assert approval_file.read(path, CHAIN) == file
    assert file.digest == authorization_id(FILE.terms, CHAIN)
    assert [account for account, _ in file.approvals] == [
        w.account("a.approver"),
        w.account("subject"),
    ]
    assert file.signatures == [sign(w.key(name), file.digest) for name in ("a.approver", "subject")]


def test_approving_twice_counts_once() -> None:
    assert approval_file.approve(signed(), w.key("a.approver")) == signed()


def test_another_chain_contract_or_version_is_refused() -> None:
    assert refused(changed(), 1) == "approval file: another chain"
    assert refused(changed(contract="0x" + "11" * 20)) == "approval file: another contract"
    assert refused(changed(version="2")) == "approval file: another version"
    assert refused(changed(name="Dataccord2")) == "approval file: another version"


@pytest.mark.parametrize("name", list(json.loads(changed())["terms"]))
def test_terms_altered_in_any_member_are_refused(name: str) -> None:
    terms = json.loads(changed())["terms"]
    value = terms[name]
    if isinstance(value, int):
        terms[name] = value + 1
    else:
        terms[name] = value[:-1] + ("1" if value[-1] != "1" else "2")
    assert refused(changed(terms=terms)) == "approval file: terms differ from the digest"


def test_terms_and_digest_altered_together_leave_the_approvals_void() -> None:
    other = ApprovalFile(CHAIN, replace(FILE.terms, maximum_uses=1_000_000))
    text = json.loads(approval_file.encode(other))
    text["approvals"] = json.loads(changed())["approvals"]
    with pytest.raises(SignatureError):
        approval_file.decode(json.dumps(text), CHAIN)


def test_an_approval_of_another_is_refused() -> None:
    entry = json.loads(changed())["approvals"][0]
    with pytest.raises(SignatureError):
        approval_file.decode(
            changed(approvals=[{**entry, "account": "0x" + w.account("b.approver").hex()}]), CHAIN
        )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "5",
        changed(format="dataccord-approval/9"),
        changed(more=1),
        changed(approvals={}),
        changed(approvals=[5]),
        changed(approvals=[{}]),
        changed(approvals=[{"account": "0x12", "signature": "0x34"}]),
        changed(approvals=[{"account": 5, "signature": "zz"}]),
        changed(approvals=[{}] * 17),
        changed(terms={}),
        changed(terms=[]),
    ],
)
def test_a_malformed_file_is_one_error(text: str) -> None:
    with pytest.raises(DecodeError):
        approval_file.decode(text, CHAIN)


def test_a_file_that_is_too_long_or_not_there_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "long.approval"
    path.write_text(" " * (approval_file.FILE_BYTES_MAX + 1))
    for place in (path, tmp_path / "none"):
        with pytest.raises(DecodeError):
            approval_file.read(place, CHAIN)


def test_other_terms_than_the_signers_are_refused_by_name() -> None:
    approval_file.require_terms(FILE, FILE.terms)
    ours = replace(FILE.terms, maximum_uses=3, purpose=1)
    with pytest.raises(Refused, match="other terms") as caught:
        approval_file.require_terms(FILE, ours)
    assert caught.value.why == "they differ in purpose, maximumUses"


def test_approvals_are_no_more_than_one_call_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approval_file, "APPROVALS_MAX", 1)
    with pytest.raises(Refused, match="too many approvals"):
        approval_file.approve(signed(), w.key("subject"))


def test_the_contract_takes_what_a_file_carried(tmp_path: Path) -> None:
    world = w.market()
    agreed = w.personal_terms(exchange=w.EXCHANGE)
    file = ApprovalFile(w.CHAIN_ID, agreed)
    for name in ("subject", "a.approver", "exchange.approver"):
        path = tmp_path / "carried"
        path.write_text(approval_file.encode(approval_file.approve(file, w.key(name))))
        file = approval_file.read(path, w.CHAIN_ID)
    world.send("b.approver", *w.requesting(agreed, *file.signatures))
    state = world.authorization(file.digest)
    assert state is not None
    assert state.status == 3
