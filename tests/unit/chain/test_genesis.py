"""A genesis is the chain's name: both ways through the file it must be Besu's to the byte."""

import json
from pathlib import Path
from typing import Any

import pytest

import chaincode
from node.chain.genesis import (
    AccountGrant,
    Founder,
    NodeGrant,
    build_genesis,
    load_genesis,
    parse_genesis,
)
from node.chain.genesis_file import Genesis, render_genesis
from node.chain.predeploys import initcode_of, predeploys
from node.errors import ConfigError
from node.execution.system import HISTORY_ADDRESS, HISTORY_CODE_HASH
from node.spec import registry
from node.spec.crypto import address_of, keccak256
from node.spec.types import Address
from node.spec.vocabulary import MemberKind, Role

VECTORS = json.loads(Path("tests/vectors/qbft.json").read_text(encoding="utf-8"))["genesis"]
WHOLE = [vector for vector in VECTORS if "genesis" in vector]

KEYS = [keccak256(b"genesis %d" % n) for n in range(4)]
NODES = sorted(address_of(key) for key in KEYS)
GOVERNOR = address_of(keccak256(b"governor"))
MULTICALL3 = Address(bytes.fromhex("ca11bde05977b3631167028862be2a173976ca11"))
FACTORY = Address(bytes.fromhex("4e59b44847b379578588920ca78fbf26c0b4956c"))


def composed(**changes: Any) -> str:
    given: dict[str, Any] = {
        "chain_id": 31337,
        "timestamp": 1_700_000_000,
        "founders": [Founder("DEMO00CONSUMERBANK15", int(MemberKind.BANK), "Bank", b"\x30\x01")],
        "accounts": [AccountGrant(1, GOVERNOR, 1 << Role.SENDER | 1 << Role.GOVERNOR)],
        "nodes": [NodeGrant(1, node, True) for node in NODES],
        "funds": {GOVERNOR: 10**20},
    }
    return build_genesis(**{**given, **changes})


def edited(**changes: Any) -> str:
    document = json.loads(composed())
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = document
        for part in parents:
            place = place[part]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return json.dumps(document)


@pytest.mark.parametrize("vector", WHOLE, ids=lambda vector: vector["name"])
def test_besus_files_give_besus_hashes(vector: dict[str, Any]) -> None:
    genesis = parse_genesis(json.dumps(vector["genesis"]))
    assert "0x" + genesis.header.state_root.hex() == vector["derived_state_root"]
    assert "0x" + genesis.hash.hex() == vector["derived_genesis_hash"]


@pytest.mark.parametrize("vector", WHOLE, ids=lambda vector: vector["name"])
def test_reading_what_was_written_gives_the_same_block(vector: dict[str, Any]) -> None:
    genesis = parse_genesis(json.dumps(vector["genesis"]))
    text = render_genesis(genesis.header, genesis.accounts, genesis.config)
    assert parse_genesis(text) == genesis


@pytest.mark.parametrize("vector", WHOLE, ids=lambda vector: vector["name"])
def test_other_rules_are_refused_by_name(vector: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="Prague must be active"):
        parse_genesis(json.dumps(vector["genesis"])).parameters()


def test_a_changed_balance_changes_the_name(tmp_path: Path) -> None:
    path = tmp_path / "genesis.json"
    path.write_text(composed(), encoding="utf-8")
    genesis = load_genesis(path)
    assert genesis == parse_genesis(composed())
    other = parse_genesis(composed(funds={GOVERNOR: 10**20 + 1}))
    assert genesis.hash != other.hash


def reader(genesis: Genesis, address: Address) -> registry.ReadSlot:
    return lambda slot: genesis.accounts[address].storage.get(slot, 0)


def test_the_composed_genesis_holds_the_consortium() -> None:
    genesis = parse_genesis(composed())
    parameters = genesis.parameters()
    assert (parameters.chain_id, parameters.block_period) == (31337, 1)
    assert (parameters.empty_block_period, parameters.request_timeout) == (10, 4)
    assert genesis.header.gas_limit == 200_000_000
    assert genesis.header.base_fee == 0
    assert genesis.header.extra_data == bytes.fromhex("e5a0" + "00" * 32 + "c0c080c0")
    read = reader(genesis, registry.MEMBERS)
    assert list(registry.validators(read)) == NODES
    assert registry.may_send(read, GOVERNOR)
    assert not registry.may_send(read, NODES[0])
    assert registry.certificates(read, 1) == (b"\x30\x01",)
    for name in chaincode.CONTRACTS:
        artifact = chaincode.load(name)
        assert genesis.accounts[Address(artifact.address)].code == artifact.runtime


def test_the_deadline_floor_is_that_of_the_kind_of_network() -> None:
    layout = chaincode.load("grants").layout
    slot = next(slot for name, slot in layout.items() if "floor" in name)
    floors = [
        reader(parse_genesis(composed(development=kind)), registry.GRANTS)(slot)
        for kind in (False, True)
    ]
    assert floors == [3_600, 20]


def test_predeploys_are_the_known_codes() -> None:
    accounts = parse_genesis(composed()).accounts
    hashes = {address: keccak256(accounts[address].code).hex() for address in (MULTICALL3, FACTORY)}
    assert hashes == {
        MULTICALL3: "d5c15df687b16f2ff992fc8d767b4216323184a2bbc6ee2f9c398c318e770891",
        FACTORY: "2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989",
    }
    assert keccak256(accounts[HISTORY_ADDRESS].code) == HISTORY_CODE_HASH
    known = "6e49e66782037c0555897870e29fa5e552daf4719552131a0abce779daec0a5d"
    assert HISTORY_CODE_HASH.hex() == known
    assert set(predeploys()) == {MULTICALL3, FACTORY}


def test_a_predeploy_must_create_its_address() -> None:
    text = Path("node/chain/predeploys.json").read_text(encoding="utf-8")
    raw = bytearray.fromhex(json.loads(text)["create2_factory"]["transaction"][2:])
    assert initcode_of("factory", FACTORY, bytes(raw)).startswith(b"\x60\x45")
    raw[40] ^= 1
    with pytest.raises(ConfigError, match="does not create"):
        initcode_of("factory", FACTORY, bytes(raw))


def test_keys_are_read_in_any_case() -> None:
    document = json.loads(composed())
    document["EXTRADATA"] = document.pop("extraData")
    document["config"]["qbft"]["BlockPeriodSeconds"] = document["config"]["qbft"].pop(
        "blockperiodseconds"
    )
    assert parse_genesis(json.dumps(document)).hash == parse_genesis(composed()).hash
    assert parse_genesis(json.dumps(document)).parameters().block_period == 1


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"config__transitions": {"qbft": [{"block": 5}]}}, "transitions"),
        ({"config__qbft__blockreward": "1"}, "blockreward"),
        ({"config__qbft__blockperiodseconds": 0}, "blockperiodseconds"),
        ({"config__qbft__xblockperiodmilliseconds": 100}, "xblockperiodmilliseconds"),
        ({"config__qbft__validatorcontractaddress": "0x" + "11" * 20}, "validatorcontractaddress"),
        ({"config__zeroBaseFee": False}, "zeroBaseFee"),
        ({"config__qbft": None}, "config.qbft is missing"),
        ({"config__chainId": None}, "config.chainId"),
        ({"config__pragueTime": None}, "Prague must be active"),
        ({"config__pragueTime": 1_700_000_001}, "Prague must be active"),
        ({"baseFeePerGas": None}, "baseFeePerGas"),
    ],
)
def test_what_this_node_can_not_run_is_named(changes: dict[str, Any], text: str) -> None:
    genesis = parse_genesis(edited(**changes))
    with pytest.raises(ConfigError, match=text):
        genesis.parameters()


def test_unknown_code_at_a_system_address_is_refused() -> None:
    document = json.loads(composed())
    document["alloc"]["0x" + HISTORY_ADDRESS.hex()]["code"] = "0x00"
    with pytest.raises(ConfigError, match="system address"):
        parse_genesis(json.dumps(document)).parameters()


def alloc(**fields: Any) -> str:
    return json.dumps({"alloc": {"00" * 20: fields}})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{", "not valid JSON"),
        ("[]", "not a JSON object"),
        ("[" * 100_000, "not valid JSON"),
        ('{"alloc": []}', "alloc"),
        ('{"alloc": {"0x01": {}}}', "alloc address has 1 bytes"),
        ('{"gasLimit": true}', "gasLimit is no number"),
        ('{"gasLimit": "0x1", "extraData": "0xzz"}', "extraData is not hexadecimal"),
        ('{"gasLimit": "0x8000000000000000"}', "gasLimit is out of range"),
        (alloc(balance="-1"), "balance"),
        (alloc(storage={"0x" + "11" * 33: "1"}), "slot"),
    ],
)
def test_malformed_files_are_named(text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        parse_genesis(text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_genesis(tmp_path / "nothing.json")


def test_founders_that_the_contract_refuses_are_named() -> None:
    with pytest.raises(ConfigError, match="constructor"):
        composed(nodes=[])
    with pytest.raises(ConfigError, match="takes no funds"):
        composed(funds={MULTICALL3: 1})
