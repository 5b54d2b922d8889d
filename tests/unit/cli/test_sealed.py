"""A sealed file passes three offices by hand: what each signs, and who may read it."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from node.cli import main
from node.cli import sealed as cli
from node.errors import DecodeError, Refused
from node.sdk import sealed_file
from node.spec import sealed
from node.spec.crypto import keccak256
from node.spec.disclosure import Opened, verify_disclosure
from node.spec.terms import to_json
from tests.chaincode import sealed as kit
from tests.chaincode import world as w
from tests.unit.cli.test_calls import key_file

CHAIN = str(w.CHAIN_ID)


def run(capsys: pytest.CaptureFixture[str], *arguments: str, expect: int = 0) -> Any:
    code = main(["sealed", *arguments, "--json"])
    printed = capsys.readouterr()
    assert code == expect, printed.err
    return json.loads(printed.out), printed.err


@pytest.fixture
def draft(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A sealed file of the kit's clear terms and one-time keys, under a fresh salt."""
    terms, file = tmp_path / "terms.json", tmp_path / "share.sealed"
    terms.write_text(json.dumps(to_json(kit.clear_terms())))
    keys = ("--provider-key", "0x" + kit.PROVIDER.address.hex())
    keys += ("--consumer-key", "0x" + kit.CONSUMER.address.hex())
    more = ("--regulator", str(w.REGULATOR), "--chain-id", CHAIN, "--out", str(file))
    told, _ = run(capsys, "draft", "--terms", str(terms), *keys, *more)
    assert told["authorization"] == "0x" + sealed_file.read(file, w.CHAIN_ID).digest.hex()
    return file


def signing(tmp_path: Path, file: Path, part: str, key: bytes, *more: str) -> tuple[str, ...]:
    path = key_file(tmp_path, key)
    common = ("--chain-id", CHAIN, "--as", part, "--key", str(path))
    return ("sign", "--file", str(file), *common, *more)


def test_a_key_is_derived_into_a_file_that_only_its_owner_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret, out = tmp_path / "secret", tmp_path / "once.key"
    secret.write_bytes(keccak256(b"a bank's secret"))
    command = ("key", "--secret", str(secret), "--out", str(out))
    secret.chmod(0o644)
    told, _ = run(capsys, *command, expect=3)
    assert "chmod 600" in told["next"]
    secret.chmod(0o600)
    first, _ = run(capsys, *command)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    other, _ = run(capsys, *command)
    assert other["key"] != first["key"]
    again, _ = run(capsys, *command, "--nonce", first["nonce"])
    assert again["key"] == first["key"]
    secret.write_bytes(b"short")
    assert "too short" in run(capsys, *command, expect=1)[0]["error"]


def test_what_three_offices_signed_is_granted_and_opened(
    draft: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = {
        "provider-key": kit.PROVIDER.private,
        "consumer-key": kit.CONSUMER.private,
        "provider": w.key("a.approver"),
        "consumer": w.key("b.approver"),
        "regulator": w.key("regulator.second"),
    }
    assert stat.S_IMODE(draft.stat().st_mode) == 0o600
    for part, key in parts.items():
        told, shown = run(capsys, *signing(tmp_path, draft, part, key), expect=2)
        assert "--yes" in told["next"]
        assert "提供方: 成员1" in shown
        assert "Anti-money-laundering compliance" in shown
        assert run(capsys, *signing(tmp_path, draft, part, key, "--yes"))[0]["as"] == part
    file = sealed_file.read(draft, w.CHAIN_ID)
    world = kit.consortium()
    world.carry_out("regulator.officer", file.grant)
    opened = verify_disclosure(
        file.shown, world.reader("sealed"), world.reader("members"), w.CHAIN_ID
    )
    assert (opened.provider, opened.consumer, opened.uses) == (w.A, w.B, 0)


def test_a_one_time_key_that_is_not_named_signs_nothing(
    draft: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in ("provider-key", "consumer-key"):
        command = signing(tmp_path, draft, part, w.key("a.gateway"), "--yes")
        assert "not the" in run(capsys, *command, expect=1)[0]["error"]
    with pytest.raises(Refused, match="has not signed yet"):
        _ = sealed_file.read(draft, w.CHAIN_ID).grant


def test_a_file_keeps_all_that_a_disclosure_holds() -> None:
    world = kit.consortium()
    authorization = kit.grant(world)
    receipts = kit.uses(world, kit.open_lease(world, authorization), 2)
    ground = kit.sdk.ground_of(authorization, 4)
    shown = kit.disclosure(receipts, [], ground=ground)
    file = sealed_file.SealedFile(w.CHAIN_ID, shown, bytes(65), b"\1" * 65, (b"\2" * 65,))
    assert sealed_file.decode(sealed_file.encode(file), w.CHAIN_ID) == file


def altered(draft: Path, **changes: Any) -> str:
    return json.dumps({**json.loads(draft.read_text()), **changes})


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"chainId": 1}, Refused),
        ({"contract": "0x" + "00" * 20}, Refused),
        ({"digest": "0x" + "00" * 32}, Refused),
        ({"salt": "0x" + "00" * 32}, Refused),
        ({"salt": "0x00"}, DecodeError),
        ({"format": "dataccord-approval/1"}, DecodeError),
        ({"leases": {}}, DecodeError),
        ({"leases": [[{}]]}, DecodeError),
        ({"approvals": ["0x"] * 17}, DecodeError),
        ({"signatures": {}}, DecodeError),
        ({"more": 1}, DecodeError),
        ({"ground": {}}, DecodeError),
    ],
)
def test_an_altered_file_is_refused(
    draft: Path, changes: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        sealed_file.decode(altered(draft, **changes), w.CHAIN_ID)


def test_a_file_that_cannot_be_read_or_is_too_long_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, draft: Path
) -> None:
    with pytest.raises(DecodeError, match="cannot be read"):
        sealed_file.read(tmp_path / "nowhere", w.CHAIN_ID)
    with pytest.raises(DecodeError, match="not JSON"):
        sealed_file.decode("{", w.CHAIN_ID)
    monkeypatch.setattr(sealed_file, "FILE_BYTES_MAX", 10)
    with pytest.raises(DecodeError, match="more than 10 bytes"):
        sealed_file.read(draft, w.CHAIN_ID)


def test_no_more_approvals_are_gathered_than_one_call_takes(draft: Path) -> None:
    file = sealed_file.read(draft, w.CHAIN_ID)
    for number in range(sealed_file.APPROVALS_MAX):
        file = sealed_file.sign_as(file, "regulator", keccak256(b"approver %d" % number))
    again = sealed_file.sign_as(file, "regulator", keccak256(b"approver 0"))
    assert len(again.approvals) == sealed_file.APPROVALS_MAX
    with pytest.raises(Refused, match="too many approvals"):
        sealed_file.sign_as(file, "regulator", keccak256(b"one more"))


def test_both_languages_say_what_was_opened() -> None:
    identity = sealed.sealed_id(kit.sealed_terms(), w.CHAIN_ID)
    zh, en = cli.lines_of_opened(Opened(identity, 1, 2, 2, 3, 5, 0, 99), 12)
    assert "反洗钱合规" in zh
    assert "成员1向成员2" in zh
    assert "Anti-money-laundering compliance: 3 leases (0 lapsed), 5 uses" in en
