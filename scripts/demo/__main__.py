"""Plays the share and says, step by step, what each proved. Exit code 0 only if all held."""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from node.errors import DataccordError
from scripts.demo import evidence, refusals, story
from scripts.demo.world import PROJECT, StepFailed, World

Step = Callable[[World], Awaitable[None]]

STEPS: Final[tuple[tuple[str, Step], ...]] = (
    ("1  network", story.start_network),
    ("2  product", story.publish_product),
    ("3  authorizations", story.grant_authorizations),
    ("4  leases and uses", story.make_uses),
    ("5a settle one", story.settle_one),
    ("6a field not granted", refusals.refuse_field),
    ("6b purpose not granted", refusals.refuse_purpose),
    ("6c the 26th use", refusals.refuse_one_too_many),
    ("6d no lease", refusals.refuse_without_lease),
    ("6e forged signature", refusals.refuse_forged_signature),
    ("6f number skipped", refusals.refuse_skipped_number),
    ("5b close by one side", story.close_alone),
    ("6g revocation", story.revoke),
    ("6h use after revocation", refusals.refuse_after_revocation),
    ("5c settle a batch", story.settle_batch),
    ("6i the 26th receipt", refusals.refuse_receipt_too_many),
    ("5d close by both", story.close_by_both),
    ("7  kill a validator", story.kill_and_return),
    ("5e close final, lapse", story.finish_leases),
    ("8a export", evidence.export_bundle),
    ("8b stop everything", evidence.stop_everything),
    ("8c verify offline", evidence.verify_bundle),
    ("8d one flipped byte", evidence.flip_one_byte),
)


MIXED: Final = ("1b two engines", story.mix_engines)
"""The step after the first where validators are to run on different engines."""


async def play(folder: Path, port_offset: int, *, mixed: bool = False) -> int:
    """Play all steps; return the exit code."""
    began = time.monotonic()
    steps = (STEPS[0], MIXED, *STEPS[1:]) if mixed else STEPS
    async with World(folder, port_offset) as world:
        for title, step in steps:
            summary = (step.__doc__ or "").split("\n")[0]
            print(f"[{time.monotonic() - began:5.1f} s] step {title}: {summary}", flush=True)
            try:
                await step(world)
            except (StepFailed, DataccordError) as error:
                why = f" ({error.why})" if isinstance(error, DataccordError) and error.why else ""
                print(f"FAILED in step {title.strip()}: {error}{why}", flush=True)
                return 1
            except Exception:
                traceback.print_exc()
                print(f"FAILED in step {title.strip()}: unexpected error", flush=True)
                return 1
        keep_bundle(world)
    print(f"[{time.monotonic() - began:5.1f} s] every step held", flush=True)
    return 0


def keep_bundle(world: World) -> None:
    """Keep the evidence where a reader can verify it again, and say how."""
    kept = PROJECT / "run" / "demo.evidence"
    kept.parent.mkdir(exist_ok=True)
    shutil.copyfile(world.bundle, kept)
    print("the bundle is kept; verify it as the auditor would:")
    print(f"  dataccord audit verify {kept} --genesis-hash {world.network.genesis_hash}")


def main() -> int:
    """Play the demo in a fresh folder."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--dir", type=Path, help="keep everything in this new folder")
    parser.add_argument("--port-offset", type=int, default=0, help="added to every port")
    parser.add_argument("--mixed", action="store_true", help="two validators on each engine")
    arguments = parser.parse_args()
    if arguments.dir is not None:
        arguments.dir.mkdir(parents=True)
        return asyncio.run(
            play(arguments.dir.absolute(), arguments.port_offset, mixed=arguments.mixed)
        )
    folder = Path(tempfile.mkdtemp(prefix="dataccord-demo-"))
    code = asyncio.run(play(folder, arguments.port_offset, mixed=arguments.mixed))
    if code == 0:
        shutil.rmtree(folder)
    else:
        print(f"logs and stores are kept in {folder}")
    return code


if __name__ == "__main__":
    sys.exit(main())
