"""The command line is the auditor's only tool: its exit codes are the verdict scripts act on."""

import json
from pathlib import Path

import pytest

from node.cli import main
from scripts import tamper
from tests.unit.audit.factory import Story


@pytest.fixture
def file(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "trail.evidence"
    path.write_bytes(data)
    return path


def genesis(story: Story) -> str:
    return "0x" + story.genesis.hash.hex()


def test_verify_by_exit_code(story: Story, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify", str(file), "--genesis-hash", genesis(story)]) == 0
    assert "Proved: every check holds." in capsys.readouterr().out
    assert main(["audit", "verify", str(file)]) == 4
    assert "not compared" in capsys.readouterr().out
    assert main(["audit", "verify", str(file), "--genesis-hash", "0x" + "00" * 32]) == 5
    assert "genesis" in capsys.readouterr().out
    assert main(["audit", "verify", str(file), "--lang", "zh"]) == 4
    assert "任何文件都无法证明的事项" in capsys.readouterr().out


def test_a_file_may_be_too_old(
    story: Story, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["audit", "verify", str(file), "--genesis-hash", genesis(story)]
    assert main([*given, "--not-before", "2001-01-01T00:00:00Z"]) == 0
    assert "as of block" in capsys.readouterr().out
    assert main([*given, "--not-before", "2999-01-01"]) == 4
    assert "which is before 2999-01-01T00:00:00Z" in capsys.readouterr().out
    with pytest.raises(SystemExit) as error:
        main([*given, "--not-before", "yesterday"])
    assert error.value.code == 2


def test_verify_as_json(story: Story, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(file.read_bytes()[:-1])
    given = ["audit", "verify", str(file), "--genesis-hash", genesis(story), "--json"]
    assert main(given) == 5
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == 5
    assert document["checks"][0]["status"] == "failed"


def test_missing_file_and_bad_hash(tmp_path: Path, file: Path) -> None:
    assert main(["audit", "verify", str(tmp_path / "none")]) == 3
    with pytest.raises(SystemExit) as error:
        main(["audit", "verify", str(file), "--genesis-hash", "0x12"])
    assert error.value.code == 2


def test_trail_of_a_proved_file(
    story: Story, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["audit", "trail", str(file), "--genesis-hash", genesis(story)]
    assert main(given) == 0
    assert "LeaseOpened" in capsys.readouterr().out
    personal = ["--authorization", "0x" + story.personal.hex(), "--json"]
    assert main([*given, *personal]) == 0
    trails = json.loads(capsys.readouterr().out)["trails"]
    assert [trail["authorization"] for trail in trails] == ["0x" + story.personal.hex()]
    assert main([*given, "--authorization", "0x" + "11" * 32]) == 1


def test_trail_of_a_failed_file_shows_the_failure(
    story: Story, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_bytes(file.read_bytes()[:-1])
    assert main(["audit", "trail", str(file), "--genesis-hash", genesis(story)]) == 5
    assert "LeaseOpened" not in capsys.readouterr().out


def test_export_needs_to_know_what(tmp_path: Path) -> None:
    given = ["audit", "export", "--rpc", "http://127.0.0.1:1", "--genesis-hash", "0x" + "00" * 32]
    out = ["--out", str(tmp_path / "out")]
    assert main([*given, *out]) == 2
    assert main([*given, *out, "--journal", str(tmp_path / "none.db")]) == 3
    assert not (tmp_path / "none.db").exists()


def test_tampering_is_caught_every_time(
    story: Story, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(file), "--genesis-hash", genesis(story), "--seed", "7"]
    assert tamper.main([*given, "--flips", "10", "--values", "60"]) == 0
    first = capsys.readouterr().out
    assert "every change was caught" in first
    assert tamper.main([*given, "--flips", "10", "--values", "60"]) == 0
    assert first.split(" checks beside")[0] == capsys.readouterr().out.split(" checks beside")[0]


def test_tampering_notices_a_verifier_that_misses(
    story: Story, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = tamper.verify

    def blind(data: bytes, trusted: object) -> object:
        return honest(file.read_bytes(), story.genesis.hash)

    monkeypatch.setattr(tamper, "verify", blind)
    given = [str(file), "--genesis-hash", genesis(story), "--flips", "2", "--values", "2"]
    assert tamper.main(given) == 1
