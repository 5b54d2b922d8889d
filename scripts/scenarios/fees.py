"""A period's fees as its sides make them up: from evidence to the ledger and back, by commands."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any, Final

from node.sdk.client import TransactionReceipt
from node.sdk.reverts import statements
from node.sdk.statements import state_uses_of_period
from node.spec.pricing import PricePlan, Tier, canonical, encode_plan
from node.spec.types import Hash32
from node.spec.vocabulary import PriceClass
from scripts.demo.world import DATA, dataccord
from scripts.scenarios.stage import NotProved, Stage

PLAN: Final = PricePlan(PriceClass.PER_USE, "CNY", (Tier(0, 150),))
"""One yuan and a half for each use."""

SHARE: Final = 500
"""The exchange's part, in basis points."""

_TRIES: Final = 40
_PAUSE_SECONDS: Final = 0.5
_SIDES: Final = ("provider", "consumer", "exchange")


def priced_product(folder: Path) -> Path:
    """Write the demo's product at a price of its own; return the folder of its files."""
    place = folder / "product"
    place.mkdir()
    for name in ("template.md", "SOURCE.md", "quality.md"):
        shutil.copy(DATA / name, place)
    value = json.loads((DATA / "product.json").read_text(encoding="utf-8"))
    value["price"] = {"class": PLAN.price_class.name.lower(), "plan": "price.json"}
    (place / "product.json").write_bytes(canonical(value))
    (place / "price.json").write_bytes(encode_plan(PLAN))
    return place


async def time_of(stage: Stage, receipt: TransactionReceipt) -> int:
    """Return the time of a transaction's block, Unix seconds."""
    return (await stage.client.header(receipt.block_number)).timestamp


async def state_uses(stage: Stage, since: int, until: int, counts: dict[Hash32, int]) -> None:
    """Have both sides state their uses of a period, once a block is later than its end."""
    for side in (stage.provider, stage.consumer):
        await _once_over(stage, f"{side}.gateway", (*stage.sides, since, until), counts)


async def _once_over(
    stage: Stage, name: str, period: tuple[int, int, int, int], counts: dict[Hash32, int]
) -> None:
    for _ in range(_TRIES):
        try:
            await stage.send(name, state_uses_of_period(*period, counts))
            return
        except statements.PeriodIsNotOver:
            await asyncio.sleep(_PAUSE_SECONDS)
    raise NotProved("no block is later than the end of the period")


async def state_fees(stage: Stage, authorization: Hash32, since: int, until: int) -> Any:
    """Compute, sign by all sides and anchor a period's fees; return the report that proves them."""
    folder, members = stage.folder, stage.network.members
    genesis = ("--genesis-hash", stage.network.genesis_hash)
    file, proof = str(folder / "period.fees"), str(folder / "period.evidence")
    journals = {
        "provider": folder / "gateway" / "uses.sqlite",
        "consumer": folder / "consumer" / "uses.sqlite",
        "exchange": folder / "exchange.sqlite",
    }
    journal = ("--journal", str(journals["consumer"]))
    named = ("--authorization", "0x" + authorization.hex(), "--out", proof)
    asked = ("--rpc", stage.network.nodes[2].rpc, *genesis, *journal, *named)
    export = ("audit", "export", *asked)
    await _run(*export)
    parties = ("--provider", str(members["provider"]), "--consumer", str(members["consumer"]))
    period = ("--since", str(since), "--until", str(until))
    plan = ("--plan", str(folder / "product" / "price.json"), "--out", file)
    evidence = ("--evidence", proof, *genesis)
    await _run("statement", "compute-fees", *evidence, *parties, *period, *plan)
    for side in _SIDES:
        key = stage.network.member_folder(side) / "approver.key"
        own = ("--side", side, "--journal", str(journals[side]), "--key", str(key), "--yes")
        await _run("statement", "sign-fees", "--file", file, *evidence, *own)
    carried = ("--key", str(stage.network.member_folder("consumer") / "approver.key"))
    rpc = ("--rpc", stage.network.nodes[1].rpc)
    await _run("statement", "submit-fees", "--file", file, *carried, *rpc)
    await _run(*export)
    return await _run("audit", "verify", proof, *genesis)


async def _run(*arguments: str) -> Any:
    """Run a command beside this process, which goes on following the chain."""
    return await asyncio.to_thread(dataccord, *arguments)
