"""Part of G: two officers let a product be tried within bounds, and end it before its time."""

import time
from dataclasses import replace
from typing import Final

from node.sdk import contracts, sandboxes
from node.sdk.reverts import authorizations
from node.sdk.reverts import sandboxes as refused
from node.sdk.sandboxes import SandboxPlan
from node.spec.crypto import address_of, keccak256
from node.spec.registry import AUTHORIZATIONS
from node.spec.sandboxes import SANDBOXES
from node.spec.types import Hash32
from node.spec.vocabulary import AuthorizationStatus, DeliveryMode, Role, Zone, mask
from scripts.scenarios.stage import Stage

SECOND: Final = "second-officer"
CASE: Final = Hash32(keccak256(b"trial 3, salted"))
DAYS: Final = 30 * 86_400


async def show(stage: Stage, officer: str) -> None:
    """Opened by two, used within its caps, closed early: what was in force is revoked."""
    second = address_of(stage.key(SECOND))
    admitting = contracts.admit_account(second, mask(Role.SENDER, Role.OFFICER))
    await stage.send("regulator.governor", admitting)
    number = await _open(stage, officer)
    manifest = replace(stage.offered, name="Trial of indicators", sandbox=number)
    product = await stage.publish(manifest)
    terms = stage.terms(product=product, modes=mask(DeliveryMode.PSI), maximum_uses=2)
    authorization = await stage.grant(terms)
    lease = await stage.lease(terms, 1, DeliveryMode.PSI)
    uses = await stage.record(lease, 1)
    kept = await stage.ask("sandboxes", SANDBOXES, "sandbox", number)
    stage.prove(kept[6:8] == (1, 2), "what is tried is counted", "试点授权与次数均计数")
    await stage.prove_refused(
        stage.grant(replace(terms, maximum_uses=3, nonce=terms.nonce + 1)),
        refused.UsesExhausted,
        "its cap on uses holds",
        "沙盒次数上限有效",
    )
    await stage.send(officer, sandboxes.close_sandbox(number, CASE))
    status = await stage.ask("authorizations", AUTHORIZATIONS, "statusOf", authorization)
    stage.prove(
        status == AuthorizationStatus.REVOKED,
        "closed early, what was in force is revoked",
        "提前关闭即撤回在效授权",
    )
    await stage.prove_refused(
        stage.send("consumer.gateway", stage.opening(terms, 1, DeliveryMode.PSI)),
        authorizations.NotActive,
        "and no lease opens",
        "且不得再开租约",
    )
    batch = await stage.settle([(lease, uses)], close=True)
    stage.prove(batch.count == 1, "the use made before it settles", "关闭前的使用照常结清")


async def _open(stage: Stage, officer: str) -> int:
    """Open a sandbox by both officers and admit both sides; return its number."""
    until = int(time.time()) + DAYS
    call = sandboxes.open_sandbox(SandboxPlan(Zone.FINANCE, 0, 3, 4, 4, until, CASE))
    await stage.send(officer, call)
    await stage.prove_refused(
        stage.send(officer, call),
        refused.ASecondOfficerIsNeeded,
        "one officer opens no sandbox",
        "一名监管人员不得开设沙盒",
    )
    await stage.send(SECOND, call)
    number: int = await stage.ask("sandboxes", SANDBOXES, "sandboxCount")
    for name in ("provider", "consumer"):
        member = stage.network.members[name]
        await stage.send(officer, sandboxes.admit_to_sandbox(number, member))
    return number
