"""A network under measure differs from the product's own in nothing but the gas limit asked for."""

import json
from pathlib import Path

from node.chain.genesis_file import load_genesis
from node.cli.devnet import create_network, load_network
from scripts.bench.target import target_of
from scripts.preload import revise_genesis


def test_a_gas_limit_changes_genesis_and_its_hash_alone(tmp_path: Path) -> None:
    folder = tmp_path / "net"
    before = create_network(folder, 1, 1_200)
    was = json.loads((folder / "genesis.json").read_text(encoding="utf-8"))
    revise_genesis(folder, gas_limit=1_000_000_000)
    genesis, after = load_genesis(folder / "genesis.json"), load_network(folder)
    assert genesis.header.gas_limit == 1_000_000_000
    assert after.genesis_hash == "0x" + genesis.hash.hex() != before.genesis_hash
    now = json.loads((folder / "genesis.json").read_text(encoding="utf-8"))
    assert {**now, "gasLimit": was["gasLimit"]} == was


def test_a_network_that_does_not_run_has_doors_but_no_processes(tmp_path: Path) -> None:
    held = create_network(tmp_path / "net", 4, 1_200)
    found = target_of(held)
    assert found.processes == ()
    assert found.rpcs == tuple(plan.rpc for plan in held.nodes)
    assert len(found.folders) == 4
