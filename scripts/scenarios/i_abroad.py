"""I: a branch in Hong Kong asks the head office; results leave on a ground that must hold."""

from typing import Any

from node.sdk.reverts import authorizations, grants
from node.spec.crypto import keccak256
from node.spec.types import Hash32
from node.spec.vocabulary import DeliveryMode, Mechanism, mask
from scripts.scenarios.stage import Stage

TITLE = ("Cross-border group query", "跨境集团查询")
MODE = "psi: record only / 仅记录"
HONG_KONG = 344
SECTOR = 0b1000
"""The field of important data, level 5."""


async def play(stage: Stage) -> None:
    """Abroad only with a mechanism and the regulator's approval; important data never."""
    changes: dict[str, Any] = {"modes": mask(DeliveryMode.PSI), "destination": HONG_KONG}
    await stage.prove_refused(
        stage.grant(stage.terms(**changes), "regulator.approver"),
        grants.ExportWithoutMechanism,
        "without a mechanism nothing leaves",
        "无出境机制不得出境",
    )
    changes |= {
        "mechanism": Mechanism.STANDARD_CONTRACT,
        "mechanism_reference": Hash32(keccak256(b"filing 2027-001")),
        "mechanism_until": stage.terms().valid_until + 86_400,
    }
    await stage.prove_refused(
        stage.grant(stage.terms(**{**changes, "fields": SECTOR}), "regulator.approver"),
        grants.Level5NeverAbroad,
        "important data never leaves",
        "重要数据不得出境",
    )
    waiting = stage.terms(**changes)
    await stage.grant(waiting)
    await stage.prove_refused(
        stage.send("consumer.gateway", stage.opening(waiting, 1, DeliveryMode.PSI)),
        authorizations.NotActive,
        "without the regulator's approval it is not in force",
        "未经监管批准不生效",
    )
    terms = stage.terms(**changes)
    await stage.grant(terms, "regulator.approver")
    lease = await stage.lease(terms, 2, DeliveryMode.PSI)
    uses = await stage.record(lease, 2)
    batch = await stage.settle([(lease, uses)], close=True)
    stage.prove(batch.count == 2, "with both it is, and uses settle", "二者齐备后生效并结清")
