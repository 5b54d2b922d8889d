"""Commands that move the ledger are scripted by strangers: keys stay hidden, refusals have codes"""

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from node.cli import calls, completion, main
from node.cli.commands import TABLE
from node.sdk.client import Client
from node.spec.vocabulary import Role
from tests.unit.chain.kit import GOVERNOR_KEY, SENDER_KEY, STRANGER
from tests.unit.rpc.kit import Node
from tests.unit.sdk.kit import MemoryTransport


class Mining(MemoryTransport):
    """Puts each transaction into a block at once."""

    async def post(self, body: Any) -> Any:
        answer = await super().post(body)
        if body["method"] == "eth_sendRawTransaction" and "result" in answer:
            self.node.mine()
        return answer


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Node:
    node = Node()
    monkeypatch.setattr(calls, "Client", lambda _url: Client(Mining(node)))
    monkeypatch.delenv(calls.KEY_VARIABLE, raising=False)
    return node


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return key_file(tmp_path, GOVERNOR_KEY)


def key_file(folder: Path, key: bytes) -> Path:
    path = folder / f"{key.hex()[:8]}.key"
    path.write_text(key.hex())
    path.chmod(0o600)
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str, expect: int = 0) -> Any:
    code = main([*arguments, "--json"])
    printed = capsys.readouterr()
    assert code == expect, printed.err
    return json.loads(printed.out)


ADMIT = ("member", "admit-account", "--account", "0x" + STRANGER.hex())


def test_a_record_is_made_shown_and_read_back(
    node: Node, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = run(capsys, *ADMIT, "--roles", "sender,gateway", "--key", str(key))
    assert sent["call"] == "members.admitAccount"
    assert sent["block"] == 5
    assert [event["event"] for event in sent["events"]] == ["AccountAdmitted"]
    shown = run(capsys, "member", "of", "--account", "0x" + STRANGER.hex())
    assert shown == {"result": 1}
    permission = run(capsys, "member", "permission", "--account", "0x" + STRANGER.hex())
    assert int(str(permission["result"]), 0) & 0xFFFF == 1 << Role.SENDER | 1 << Role.GATEWAY
    assert not Path(f"{key}.outbox").read_bytes().count(b"AccountAdmitted")


def test_people_read_lines(node: Node, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ADMIT, "--roles", "sender", "--key", str(key)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "members.admitAccount: in block 5, final"
    assert "members.AccountAdmitted" in lines
    assert main(["member", "show", "--index", "1"]) == 0
    printed = capsys.readouterr().out
    assert "name: Bank" in printed
    assert "0x44454d4f" in printed
    assert main(["governance", "validators"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_a_refusal_is_the_contracts_own(
    node: Node, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = key_file(tmp_path, SENDER_KEY)
    body = run(capsys, *ADMIT, "--roles", "sender", "--key", str(other), expect=1)
    assert body["reason"] == "members: not a governor"
    assert "block 5" in body["why"]
    assert "role" in body["next"]
    body = run(capsys, *ADMIT, "--roles", "64", "--key", str(other), "--dry-run", expect=1)
    assert body["reason"].startswith("members: ")
    assert node.chain.head.number == 5, "the second was only asked for"


def test_a_dry_run_sends_nothing(node: Node, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = run(capsys, *ADMIT, "--roles", "sender", "--key", str(key), "--dry-run")
    assert told == {"call": "members.admitAccount", "refused": False}
    assert node.chain.head.number == 4


def test_a_named_wish_is_one_record(
    node: Node, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wish = (*ADMIT, "--roles", "sender", "--key", str(key), "--once", "ticket 12")
    first, again = run(capsys, *wish), run(capsys, *wish)
    assert again == first
    assert node.chain.head.number == 5


def test_keys_come_from_standard_input_too(
    node: Node, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(GOVERNOR_KEY.hex() + "\n"))
    assert run(capsys, *ADMIT, "--roles", "sender", "--key", "-")["block"] == 5


def test_a_key_is_never_repeated(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "f" * 64
    monkeypatch.setattr("sys.stdin", io.StringIO(secret))
    assert main([*ADMIT, "--roles", "sender", "--key", "-"]) == 3
    assert secret not in "".join(capsys.readouterr())
    open_key = key_file(tmp_path, GOVERNOR_KEY)
    open_key.chmod(0o644)
    assert main([*ADMIT, "--roles", "sender", "--key", str(open_key)]) == 3
    printed = "".join(capsys.readouterr())
    assert "chmod 600" in printed
    assert GOVERNOR_KEY.hex() not in printed


def test_no_key_is_a_matter_of_usage(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ADMIT, "--roles", "sender"]) == 2
    assert "--key FILE" in capsys.readouterr().err


@pytest.mark.parametrize(
    "given",
    [
        ("member", "show"),
        ("member", "show", "--index", "x"),
        ("member", "of", "--account", "0x12"),
        ("member", "admit-account", "--account", "0x12", "--roles", "sender"),
    ],
)
def test_what_does_not_fit_ends_with_2(
    given: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(given)
    assert caught.value.code == 2


def test_a_number_beyond_its_type_ends_with_2(
    node: Node, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["member", "show", "--index", str(2**256)]) == 2
    assert "does not fit" in capsys.readouterr().err


# Completion ----


def completed(*words: str) -> set[str]:
    script = completion.bash(completion.tree())
    line = " ".join(f'"{word}"' for word in words)
    ask = f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _dataccord\n"
    done = subprocess.run(
        ["bash", "-c", ask + 'printf "%s\\n" "${COMPREPLY[@]}"'],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_bash_completes_nouns_verbs_and_options() -> None:
    assert completed("dataccord", "mem") == {"member"}
    assert completed("dataccord", "freeze", "") == {command.verb for command in TABLE["freeze"]}
    assert completed("dataccord", "lease", "lapse", "--a") == {"--authorization"}
    assert completed("dataccord", "nothing", "") == set()


@pytest.mark.parametrize("shell", completion.SCRIPTS)
def test_every_shell_has_a_script_that_knows_every_command(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for noun, below in completion.tree().items():
        assert noun in script
        assert all(verb in script for verb in below)
    assert "provider-key" in script
