"""What banks share against money laundering in the open: counts of groups, through the gateway."""

from typing import Any, Final

from node.sdk.query import Measure, aggregate_query
from node.spec.vocabulary import DeliveryMode, LegalBasis, mask, purpose
from scripts.scenarios.stage import Stage

GROUPS: Final = ("purpose",)
MEASURED: Final = "credit_amount"


async def query_typologies(stage: Stage) -> None:
    """Ask for measures of groups, which name nobody, under terms that everybody may read."""
    changes: dict[str, Any] = {}
    if stage.gateway is not None:
        changes = stage.gateway.offered(*GROUPS, MEASURED)
    terms = stage.terms(
        purpose=purpose("AntiMoneyLaunderingCompliance"),
        modes=mask(DeliveryMode.QUERY),
        legal_basis=LegalBasis.LEGAL_OBLIGATION,
        **changes,
    )
    await stage.grant(terms)
    lease = await stage.lease(terms, 2, DeliveryMode.QUERY)
    measure = Measure("average", MEASURED)
    query = aggregate_query("AntiMoneyLaunderingCompliance", list(GROUPS), [measure])
    uses = await stage.use(lease, query, 2)
    await stage.settle([(lease, uses)], close=True)
    stage.prove(
        len(uses) == 2,
        "typologies, which name nobody, are asked for in the open",
        "不指明任何人的类型分析公开查询",
    )
