"""Plays the scenarios on four validators with the provider's gateway; exit code 0 if all held."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from node.spec.crypto import keccak256
from node.spec.types import Hash32
from scripts.demo.world import World, dataccord
from scripts.scenarios.fees import priced_product
from scripts.scenarios.play import SCENARIOS, play, prepare
from scripts.scenarios.stage import Gateway, Stage

SUBJECT_ROWS: Final = (42, 77, 101)
"""Rows of the demo's data that belong to the subjects of scenarios B, D and H."""


async def run(folder: Path, port_offset: int, letters: str) -> int:
    """Start the network and the gateway, play, and stop them whatever happens."""
    async with World(folder, port_offset, product_folder=priced_product(folder)) as world:
        place = ("--dir", str(folder / "net"), "--port-offset", str(port_offset))
        dataccord("net", "up", "--validators", "4", *place)
        await world.connect()
        stage = Stage(folder, world.network, world.client)
        await prepare(stage, world.manifest.template)
        product = await stage.publish(world.manifest)
        references = tuple(Hash32(keccak256(b"subject of row %d" % row)) for row in SUBJECT_ROWS)
        rows = {
            "0x" + reference.hex(): row
            for reference, row in zip(references, SUBJECT_ROWS, strict=True)
        }
        await world.start_gateway(product, rows)
        stage.gateway = Gateway(world.consumer, world.manifest, product, references)
        return await play(stage, letters)


def main() -> int:
    """Play in a fresh folder, which is kept where something did not hold."""
    every = "".join(letter for letter, _ in SCENARIOS)
    parser = argparse.ArgumentParser(prog="scenarios", description=__doc__)
    parser.add_argument("--port-offset", type=int, default=0, help="added to every port")
    parser.add_argument("--only", default=every, help=f"letters of scenarios; default {every}")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="dataccord-scenarios-"))
    code = asyncio.run(run(folder, arguments.port_offset, arguments.only))
    if code == 0:
        shutil.rmtree(folder)
    else:
        print(f"logs and stores are kept in {folder}")
    return code


if __name__ == "__main__":
    sys.exit(main())
