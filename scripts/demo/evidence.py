"""The auditor's part: one file, every node stopped."""

import random
from pathlib import Path

from scripts.demo.world import World, dataccord, require, say


async def export_bundle(world: World) -> None:
    """One evidence bundle is written from a node and the provider's journal."""
    journal = world.folder / "gateway" / "uses.sqlite"
    arguments = ["--rpc", world.network.nodes[2].rpc, "--genesis-hash", world.network.genesis_hash]
    for identifier in world.authorizations.values():
        arguments += ["--authorization", "0x" + identifier.hex()]
    dataccord("audit", "export", *arguments, "--journal", str(journal), "--out", str(world.bundle))
    say(f"{world.bundle.name}: {world.bundle.stat().st_size:,} bytes")


async def stop_everything(world: World) -> None:
    """All processes stop: from here on there is a file, and nobody to ask."""
    world.stop_gateway()
    dataccord("net", "down", "--dir", str(world.network.folder))
    status = dataccord("net", "status", "--dir", str(world.network.folder), expect=4)
    require(not any(node["running"] for node in status["nodes"]), "a validator still runs")
    say("gateway and validators are down")


async def verify_bundle(world: World) -> None:
    """The trail is proved offline, under the genesis hash alone."""
    genesis = ["--genesis-hash", world.network.genesis_hash]
    report = dataccord("audit", "verify", str(world.bundle), *genesis)
    checks = report["checks"]
    for check in checks:
        say(f"{check['status']:8} {check['check']:15} {check['about'][:14]:15} {check['title']}")
    require(bool(checks), "no check was made")
    require(all(check["status"] == "proved" for check in checks), "a check is not proved")
    dataccord("audit", "verify", str(world.bundle), expect=4)
    say("without a genesis hash: exit 4, proved only under a genesis that nobody compared")


async def flip_one_byte(world: World) -> None:
    """After one flipped byte anywhere, verification names what broke and exits 5."""
    data = bytearray(world.bundle.read_bytes())
    offset = random.Random(world.network.genesis_hash).randrange(len(data))
    data[offset] ^= 0x01
    flipped = Path(str(world.bundle) + ".flipped")
    flipped.write_bytes(data)
    genesis = ["--genesis-hash", world.network.genesis_hash]
    report = dataccord("audit", "verify", str(flipped), *genesis, expect=5)
    failed = [check for check in report["checks"] if check["status"] == "failed"]
    require(bool(failed), "no failed check is named")
    say(f"byte {offset} flipped: check {failed[0]['check']}: {failed[0]['what']}")
