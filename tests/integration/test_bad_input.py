"""An operator's mistakes must cost one clear line each, never a traceback or a damaged store.

Every case runs the real command as a process: what it prints and how it ends is the promise.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from node.cli import processes
from node.cli.devnet import DevelopmentNetwork, create_network
from scripts.loads import PROJECT, command, free_port_offset

pytestmark = [pytest.mark.integration, pytest.mark.slow]

Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevelopmentNetwork]:
    """One validator, running."""
    folder = tmp_path_factory.mktemp("lone") / "net"
    network = create_network(folder, 1, free_port_offset(1))
    assert command("net", "up", "--dir", str(folder)).returncode == 0
    yield network
    processes.stop([network.node_folder(0)])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentNetwork:
    """One validator's files; nothing runs."""
    return create_network(tmp_path_factory.mktemp("made") / "net", 1, free_port_offset(1))


def run_node(config: Path) -> subprocess.CompletedProcess[str]:
    """Run a node that is expected to refuse to start."""
    return subprocess.run(
        [sys.executable, "-m", "node", "node", "run", "--config", str(config)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def check(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Check an exit code and that the error is lines for a human, with these words."""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert done.returncode == code, done.stderr
    assert lines[0].startswith("error: "), done.stderr
    assert all(line.startswith(("error: ", "why: ", "next: ")) for line in lines), done.stderr
    for word in words:
        assert word in "\n".join(lines)


def changed(network: DevelopmentNetwork, name: str, *pairs: tuple[str, str]) -> Path:
    """Write a copy of the node's configuration with some text replaced."""
    folder = network.node_folder(0)
    text = (folder / "node.toml").read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_a_port_in_use(lone: DevelopmentNetwork) -> None:
    config = changed(lone, "port.toml", ('data_dir = "db"', 'data_dir = "other"'))
    done = run_node(config)
    check(done, 3, "cannot be served", "address already in use", "ss -ltnp")


def test_a_second_process_on_the_same_folder(lone: DevelopmentNetwork) -> None:
    check(run_node(lone.node_folder(0) / "node.toml"), 3, "in use by another process", "next: ")


def test_the_first_process_goes_on(lone: DevelopmentNetwork) -> None:
    assert processes.running(lone.node_folder(0)) is not None
    done = command("net", "status", "--dir", str(lone.folder), "--json")
    assert json.loads(done.stdout)["nodes"][0]["height"] >= 1


def test_the_data_folder_of_another_chain(
    lone: DevelopmentNetwork, made: DevelopmentNetwork
) -> None:
    processes.stop([lone.node_folder(0)])
    genesis = made.folder / "genesis.json"
    pairs = ('genesis = "../../genesis.json"', f'genesis = "{genesis}"')
    check(run_node(changed(lone, "chain.toml", pairs)), 5, "another chain", "next: ")
    up = command("net", "up", "--dir", str(lone.folder))
    assert up.returncode == 0, "the refused start harmed nothing"


FILES: dict[str, tuple[tuple[str, str], bytes | None, int, str]] = {
    "genesis gone": (('"../../genesis.json"', '"x"'), None, 3, "x: cannot be read"),
    "genesis no JSON": (('"../../genesis.json"', '"x"'), b"{", 3, "genesis"),
    "genesis a list": (('"../../genesis.json"', '"x"'), b"[]", 3, "genesis"),
    "genesis empty": (('"../../genesis.json"', '"x"'), b"{}", 3, "genesis"),
    "key gone": (('node_key = "node.key"', 'node_key = "x"'), None, 3, "cannot be read"),
    "key no hex": (('node_key = "node.key"', 'node_key = "x"'), b"zz", 3, "no private key"),
    "key zero": (('node_key = "node.key"', 'node_key = "x"'), b"00" * 32, 3, "no private key"),
    "key too great": (('node_key = "node.key"', 'node_key = "x"'), b"ff" * 32, 3, "no private"),
    "certificate gone": (('"tls-cert.pem"', '"x"'), None, 3, "cannot be read"),
    "certificate no PEM": (('"tls-cert.pem"', '"x"'), b"x", 3, "not a PEM certificate"),
    "TLS key of nobody": (('"tls-key.pem"', '"x"'), b"x", 3, "cannot be used"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_malformed_file(made: DevelopmentNetwork, case: str) -> None:
    pair, content, code, words = FILES[case]
    place = made.node_folder(0) / "x"
    place.unlink(missing_ok=True)
    if content is not None:
        place.touch(mode=0o600)
        place.write_bytes(content)
    check(run_node(changed(made, "file.toml", pair)), code, words)


def test_another_members_certificate(made: DevelopmentNetwork) -> None:
    theirs = made.member_folder("provider") / "tls-cert.pem"
    config = changed(made, "cert.toml", ('"tls-cert.pem"', f'"{theirs}"'))
    check(run_node(config), 3, "cannot be used", "belong together")


def test_a_key_that_others_can_read(made: DevelopmentNetwork) -> None:
    place = made.node_folder(0) / "open.key"
    place.write_bytes((made.node_folder(0) / "node.key").read_bytes())
    place.chmod(0o644)
    config = changed(made, "key.toml", ('"node.key"', '"open.key"'))
    check(run_node(config), 3, "other users can read", "chmod 600")


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        (("genesis =", "genesys ="), "did you mean 'genesis'?"),
        (("http_port = ", "http_port = -"), "is no port"),
        (("[rpc]", "[rpc"), "not valid TOML"),
        (('[p2p]\nhost = "127.0.0.1"', '[p2p]\nhost = "no.host.invalid"'), "cannot be served"),
        (('data_dir = "db"', 'data_dir = "/proc/none"'), "data_dir"),
    ],
)
def test_a_malformed_configuration(
    made: DevelopmentNetwork, pair: tuple[str, str], words: str
) -> None:
    check(run_node(changed(made, "config.toml", pair)), 3, words, "next: ")


@pytest.mark.parametrize(
    ("peer", "words"),
    [
        ('id = "0x12"\nurl = "wss://127.0.0.1:1/"', "no node address"),
        (f'id = "0x{"12" * 20}"\nurl = "http://127.0.0.1:1/"', "wss://host:port/"),
        (f'id = "0x{"12" * 20}"\nurl = "wss://[::1"', "wss://host:port/"),
    ],
)
def test_a_malformed_peer(made: DevelopmentNetwork, peer: str, words: str) -> None:
    config = changed(made, "peer.toml")
    config.write_text(f"{config.read_text(encoding='utf-8')}\n[[p2p.peers]]\n{peer}\n")
    check(run_node(config), 3, words)
