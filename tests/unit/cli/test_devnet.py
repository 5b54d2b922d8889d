"""A development network is what everyone meets first: its files must be whole, private and free."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from eth_account import Account

from node.chain.genesis import load_genesis
from node.cli import main, processes
from node.cli.credentials import new_authority, new_key, write_secret
from node.cli.devnet import PORT_OFFSET_MAX, create_network, load_network
from node.cli.mnemonic import DEVELOPMENT_MNEMONIC, derive_keys
from node.config import load_node_config, read_private_key
from node.errors import ConfigError, NotReady, UsageError
from node.p2p.identity import check_membership, read_certificate_pem
from node.spec.crypto import address_of
from tests.unit.p2p.kit import Book


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("devnet") / "net"
    create_network(place, 4, 2_005)  # between the offsets that running networks take
    return place


def test_what_was_made_is_loaded(folder: Path) -> None:
    network = load_network(folder)
    assert [plan.http for plan in network.nodes] == [10_550, 10_560, 10_570, 10_580]
    assert network.nodes[0].metrics == 11_550
    assert network.nodes[0].p2p == 32_308
    assert network.nodes[0].rpc == "http://127.0.0.1:10550"
    assert {plan.member for plan in network.nodes} <= set(network.members)
    genesis = load_genesis(folder / "genesis.json")
    assert network.genesis_hash == "0x" + genesis.hash.hex()


def test_each_node_has_a_configuration_that_fits_its_place(folder: Path) -> None:
    network = load_network(folder)
    for plan in network.nodes:
        place = network.node_folder(plan.index)
        config = load_node_config(place / "node.toml")
        assert (config.rpc.http_port, config.rpc.ws_port) == (plan.http, plan.ws)
        assert "0x" + address_of(read_private_key(config.node_key)).hex() == plan.address
        assert len(config.p2p.peers) == 3
        assert plan.address not in [peer.id for peer in config.p2p.peers]


def test_certificates_are_their_members(folder: Path) -> None:
    network = load_network(folder)
    for plan in network.nodes:
        pem = (network.node_folder(plan.index) / "tls-cert.pem").read_bytes()
        issuer = (network.member_folder(plan.member) / "ca-cert.pem").read_bytes()
        der = read_certificate_pem(issuer, "ca").der
        address, index = bytes.fromhex(plan.address[2:]), network.members[plan.member]
        book = Book({address: index}, {index: (der,)})  # type: ignore[dict-item]
        assert check_membership(address, read_certificate_pem(pem, "tls"), book) == index  # type: ignore[arg-type]
        names = x509.load_pem_x509_certificate(pem).extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
        assert "localhost" in names.value.get_values_for_type(x509.DNSName)


def test_secrets_are_their_owners_alone(folder: Path) -> None:
    secrets = [*folder.rglob("*.key"), *folder.rglob("*-key.pem")]
    assert len(secrets) == 4 * 2 + 5 * (3 + 2) - 1
    assert all(not stat.S_IMODE(path.stat().st_mode) & 0o077 for path in secrets)
    shown = (folder / "network.json").read_text(encoding="utf-8")
    for path in folder.rglob("*.key"):
        assert path.read_text(encoding="ascii").strip() not in shown


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    address = new_key(tmp_path / "key")
    with pytest.raises(ConfigError, match="cannot be written"):
        new_key(tmp_path / "key")
    assert address_of(read_private_key(tmp_path / "key")) == address
    with pytest.raises(ConfigError, match="cannot be written"):
        write_secret(tmp_path / "none" / "key", b"x")
    new_authority(tmp_path, "bank")
    with pytest.raises(ConfigError):
        new_authority(tmp_path, "bank")


@pytest.mark.parametrize(
    ("validators", "offset", "words"),
    [
        (0, 0, "1 to 16"),
        (17, 0, "1 to 16"),
        (4, -1, "port offset"),
        (4, PORT_OFFSET_MAX + 1, "port offset"),
    ],
)
def test_impossible_networks_are_refused(
    tmp_path: Path, validators: int, offset: int, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        create_network(tmp_path / "net", validators, offset)
    assert not (tmp_path / "net").exists()


def test_every_offset_leaves_ports_that_exist(tmp_path: Path) -> None:
    network = create_network(tmp_path / "net", 16, PORT_OFFSET_MAX)
    assert max(plan.p2p for plan in network.nodes) <= 65_535


def test_a_folder_in_use_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not empty"):
        create_network(folder, 4)
    (tmp_path / "file").write_text("x", encoding="ascii")
    with pytest.raises(ConfigError, match="cannot be made"):
        create_network(tmp_path / "file", 4)
    with pytest.raises(NotReady, match="no network here"):
        load_network(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"nodes": [{}]}', '{"nodes": 5}'])
def test_a_damaged_description_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "network.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="damaged"):
        load_network(tmp_path)


def test_the_mnemonics_keys_are_everyones() -> None:
    Account.enable_unaudited_hdwallet_features()
    for index, key in enumerate(derive_keys(DEVELOPMENT_MNEMONIC, 3)):
        path = f"m/44'/60'/0'/0/{index}"
        assert Account.from_mnemonic(DEVELOPMENT_MNEMONIC, account_path=path).key == key
    first = derive_keys(DEVELOPMENT_MNEMONIC, 1)[0]
    assert address_of(first).hex() == "f39fd6e51aad88f6f4ce6ab8827279cfffb92266"


# Commands on a network that does not run ----


def ran(capsys: pytest.CaptureFixture[str], *given: str) -> tuple[int, Any]:
    code = main([*given, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_status_of_a_stopped_network_is_not_ready(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, value = ran(capsys, "net", "status", "--dir", str(folder))
    assert code == 4
    assert [node["running"] for node in value["nodes"]] == [False] * 4
    assert [node["height"] for node in value["nodes"]] == [None] * 4
    assert main(["net", "status", "--dir", str(folder)]) == 4
    assert "stopped" in capsys.readouterr().out


def test_down_and_reset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "net"
    create_network(place, 1)
    assert ran(capsys, "net", "down", "--dir", str(place)) == (0, {"stopped": 1})
    assert ran(capsys, "net", "reset", "--dir", str(place)) == (0, {"deleted": str(place)})
    assert not place.exists()
    for verb in ("down", "reset", "status"):
        code, value = ran(capsys, "net", verb, "--dir", str(place))
        assert (code, value["code"]) == (4, 4)
        assert value["next"].startswith("dataccord net up")


def test_only_processes_started_here_are_ours(tmp_path: Path) -> None:
    assert processes.running(tmp_path) is None
    for text in ("", "x", "999999999", str(os.getpid())):
        (tmp_path / "node.pid").write_text(text, encoding="ascii")
        assert processes.running(tmp_path) is None
    processes.stop([tmp_path])
    assert processes.last_words(tmp_path) == "no log"
    with pytest.raises(NotReady, match="node 0 has stopped"):
        processes.require_alive(tmp_path, "node 0")
