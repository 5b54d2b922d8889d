"""I: a branch in Hong Kong asks the head office; results leave on a ground that must hold."""

from typing import Any

from node.sdk import exports
from node.sdk.reverts import authorizations, grants
from node.sdk.reverts import exports as refused
from node.spec.calendar import window_of
from node.spec.crypto import keccak256
from node.spec.registry import EXPORTS
from node.spec.terms import Terms
from node.spec.types import Hash32
from node.spec.vocabulary import DeliveryMode, Mechanism, RatePeriod, mask
from scripts.scenarios.stage import Stage

TITLE = ("Cross-border group query", "跨境集团查询")
MODE = "psi: record only / 仅记录"
HONG_KONG = 344
SECTOR = 0b1000
"""The field of important data, level 5."""
CONTRACT_LIMIT = 1_000_000
"""Persons a year under a standard contract: an assessment is needed from here."""


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
    await _count_persons(stage, changes)


async def _count_persons(stage: Stage, changes: dict[str, Any]) -> None:
    """Each person counts once a year, and at the mechanism's limit nobody else leaves."""
    one = Hash32(keccak256(b"a person in the exporter's register of the year"))
    terms = stage.consented("traveller", one, **changes)
    await stage.grant(terms, "regulator.approver", "traveller")
    await stage.prove_refused(
        stage.send("consumer.gateway", stage.opening(terms, 1, DeliveryMode.PSI)),
        authorizations.NoExportOnRecordForTheYear,
        "nobody leaves uncounted",
        "未经计数不得出境",
    )
    before = await _persons(stage)
    again = stage.consented("traveller", one, **changes)
    await stage.grant(again, "regulator.approver", "traveller")
    for same in (terms, again):
        await stage.send("provider.gateway", exports.record_export(same, [one]))
    await stage.lease(terms, 1, DeliveryMode.PSI)
    stage.prove(
        await _persons(stage) == before + 1,
        "one person under two authorizations counts once",
        "同一人两份授权计一次",
    )
    await _reach_limit(stage, stage.consented("last", one, **changes))


async def _reach_limit(stage: Stage, terms: Terms) -> None:
    here = await _persons(stage)
    elsewhere = exports.declare_exports_elsewhere(_year(stage), CONTRACT_LIMIT - 1 - here, 0)
    await stage.send("provider.approver", elsewhere)
    await stage.grant(terms, "regulator.approver", "last")
    other = Hash32(keccak256(b"another person"))
    await stage.prove_refused(
        stage.send("provider.gateway", exports.record_export(terms, [other])),
        refused.PastTheMechanismsLimit,
        "the person that reaches 1,000,000 of the year does not leave",
        "年度第1000000人不得出境",
    )
    await stage.send("provider.gateway", exports.record_export(terms, [terms.subject_reference]))
    stage.prove(
        await _persons(stage) == here,
        "who is counted already still may",
        "已计数者仍可出境",
    )


async def _persons(stage: Stage) -> int:
    """Return the persons of ordinary data that the provider has on record for the year."""
    provider = stage.network.members["provider"]
    ordinary, *_ = await stage.ask("exports", EXPORTS, "countsOf", provider, _year(stage))
    return int(ordinary)


def _year(stage: Stage) -> int:
    return window_of(RatePeriod.YEAR, stage.terms().valid_from + 60)
