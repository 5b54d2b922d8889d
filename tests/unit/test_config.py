"""A node that starts with a misread configuration is worse than one that does not start."""

from pathlib import Path

import pytest

from node.config import (
    PEERS_MAX,
    GatewayConfig,
    NodeConfig,
    load_gateway_config,
    load_node_config,
    read_private_key,
)
from node.errors import ConfigError

PROJECT = Path(__file__).parents[2]
NODE = (PROJECT / "config" / "node.toml").read_text(encoding="utf-8")
GATEWAY = (PROJECT / "config" / "gateway.toml").read_text(encoding="utf-8")


def node_config(folder: Path, text: str) -> NodeConfig:
    path = folder / "node.toml"
    path.write_text(text, encoding="utf-8")
    return load_node_config(path)


def test_the_annotated_examples_load(tmp_path: Path) -> None:
    config = node_config(tmp_path, NODE)
    assert config.genesis == tmp_path / "genesis.json", "relative to the file's folder"
    assert (config.rpc.http_port, config.rpc.host) == (8545, "127.0.0.1")
    assert config.p2p.peers[0].url == "wss://127.0.0.1:30313/"
    assert config.p2p.record_frames is None
    (tmp_path / "gateway.toml").write_text(GATEWAY, encoding="utf-8")
    gateway: GatewayConfig = load_gateway_config(tmp_path / "gateway.toml")
    assert gateway.sources[0].file == tmp_path / "records.csv"


def test_the_examples_show_every_key_with_its_default(tmp_path: Path) -> None:
    shown = NODE.replace("# log", "log").replace("# host", "host").replace("# record", "record")
    config = node_config(tmp_path, shown)
    plain = node_config(tmp_path, NODE)
    assert (config.log_level, config.log_format) == (plain.log_level, plain.log_format)
    assert (config.rpc, config.metrics) == (plain.rpc, plain.metrics)
    assert config.p2p.record_frames == tmp_path / "frames.bin"


def test_absolute_paths_stay(tmp_path: Path) -> None:
    config = node_config(tmp_path, NODE.replace('"genesis.json"', '"/etc/genesis.json"'))
    assert config.genesis == Path("/etc/genesis.json")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("genesis =", "genesys =", "unknown key 'genesys'"),
        ("http_port", "http_prt", "rpc: unknown key 'http_prt'"),
        ('data_dir = "db"', "", "data_dir is missing"),
        ("[metrics]", "[metric]", "unknown key 'metric'"),
        ("http_port = 8545", 'http_port = "8545"', "expected int, found str"),
        ("http_port = 8545", "http_port = true", "expected int, found bool"),
        ("http_port = 8545", "http_port = 65536", "65536 is no port"),
        ("port = 9545", "port = -1", "-1 is no port"),
        ('node_key = "node.key"', "node_key = 5", "expected str, found int"),
        ("[[p2p.peers]]", "[p2p.peers]", "expected a list"),
        ("[rpc]", "rpc = 5\n[other]", "unknown key 'other'|expected a table"),
        ("genesis =", "genesis", "not valid TOML"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in NODE
    with pytest.raises(ConfigError, match=words) as caught:
        node_config(tmp_path, NODE.replace(old, new, 1))
    assert str(tmp_path / "node.toml") in caught.value.what
    assert caught.value.next_command


def test_the_nearest_key_is_offered(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as near:
        node_config(tmp_path, NODE.replace("genesis =", "genesys =", 1))
    assert near.value.why == "did you mean 'genesis'?"
    with pytest.raises(ConfigError) as far:
        node_config(tmp_path, "zzzzzz = 1\n" + NODE)
    assert far.value.why.startswith("known keys: genesis")


def test_peers_are_bounded(tmp_path: Path) -> None:
    peer = '[[p2p.peers]]\nid = "0x00"\nurl = "wss://127.0.0.1:1/"\n'
    start = NODE[: NODE.index("[[p2p.peers]]")]
    assert len(node_config(tmp_path, start + peer * PEERS_MAX).p2p.peers) == PEERS_MAX
    with pytest.raises(ConfigError, match="at most"):
        node_config(tmp_path, start + peer * (PEERS_MAX + 1))


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_node_config(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_node_config(tmp_path / "binary.toml")


def key_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "key"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


@pytest.mark.parametrize("form", ["{}", "0x{}", "{}\n", "  {}  "])
def test_a_key_file_holds_hex(tmp_path: Path, form: str) -> None:
    key = bytes(range(1, 33))
    assert read_private_key(key_file(tmp_path, form.format(key.hex()))) == key


@pytest.mark.parametrize(
    "text", ["", "zz", "00" * 32, "11" * 31, "11" * 33, "ff" * 32, "é" * 32, "0x"]
)
def test_what_is_no_key(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="holds no private key") as caught:
        read_private_key(key_file(tmp_path, text))
    assert text not in (caught.value.why, caught.value.next_command) or not text


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigError, match="other users") as caught:
        read_private_key(key_file(tmp_path, "11" * 32, mode))
    assert caught.value.next_command.startswith("chmod 600")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_private_key(tmp_path / "none")
