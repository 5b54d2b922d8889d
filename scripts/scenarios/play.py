"""Prepares a stage, plays the scenarios on it one after another, and prints what each proved."""

import time
import traceback
from collections.abc import Sequence
from types import ModuleType
from typing import Final

from chaincode.vocabulary import load
from node.errors import DataccordError
from node.sdk import market
from node.sdk.market import Clauses
from node.spec.vocabulary import ContractKind, DeliveryMode, mask
from scripts.scenarios import (
    a_mutual_check,
    b_small_firms,
    c_money_laundering,
    d_account_aggregation,
    e_supply_chain,
    f_joint_model,
    g_supervision,
    h_withdrawal,
    i_abroad,
)
from scripts.scenarios.stage import NotProved, Stage, indicators

SCENARIOS: Final[tuple[tuple[str, ModuleType], ...]] = (
    ("A", a_mutual_check),
    ("B", b_small_firms),
    ("C", c_money_laundering),
    ("D", d_account_aggregation),
    ("E", e_supply_chain),
    ("F", f_joint_model),
    ("G", g_supervision),
    ("H", h_withdrawal),
    ("I", i_abroad),
)

CLAUSES: Final = Clauses(
    kind=ContractKind.PROVISION,
    purposes=sum(1 << term.index for term in load()["purpose"]),
    modes=mask(*DeliveryMode),
    maximum_uses=10_000,
    maximum_days=366,
    minimum_group=0,
    abroad=True,
    onward=True,
)
"""What terms of the scenarios may say: as much as the other rules allow."""


async def prepare(stage: Stage, template_text: str) -> None:
    """Adopt the template and publish the product of indicators."""
    product = indicators(template_text)
    stage.offered, stage.template = product, product.template_hash
    await stage.send("exchange.approver", market.propose_template(stage.template, CLAUSES))
    await stage.send("regulator.approver", market.adopt_template(stage.template))
    stage.product = await stage.publish(product)


async def play(stage: Stage, letters: str) -> int:
    """Play the scenarios named; return the exit code."""
    failed = 0
    for letter, scenario in SCENARIOS:
        if letter in letters:
            failed += not await _play_one(stage, letter, scenario)
    print(f"{len(letters) - failed} of {len(letters)} scenarios held")
    return 1 if failed else 0


async def _play_one(stage: Stage, letter: str, scenario: ModuleType) -> bool:
    """Play one and print its lines of the table; whether all of it held."""
    stage.proved = []
    began = time.monotonic()
    wrong = ""
    try:
        await scenario.play(stage)
    except (NotProved, DataccordError) as error:
        why = f" ({error.why})" if isinstance(error, DataccordError) and error.why else ""
        wrong = f"{error}{why}"
    except Exception:
        wrong = traceback.format_exc()
    mode = scenario.MODE if stage.gateway is not None else "record only / 仅记录"
    print(f"{letter}  {scenario.TITLE[0]} / {scenario.TITLE[1]}  [{mode}]")
    print("\n".join(_lines(stage)))
    if wrong:
        print(f"   FAILED: {wrong}")
    print(f"   {time.monotonic() - began:.1f} s", flush=True)
    return not wrong


def _lines(stage: Stage) -> Sequence[str]:
    return [f"   proved: {line.en} / {line.zh}" for line in stage.proved]
