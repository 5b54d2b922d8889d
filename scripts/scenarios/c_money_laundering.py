"""C: banks share red flags by legal obligation, without consent and without tipping off."""

from typing import Any

from node.sdk.query import Measure, aggregate_query
from node.sdk.reverts import grants
from node.spec.vocabulary import DeliveryMode, LegalBasis, SubjectMode, mask, purpose
from scripts.scenarios.stage import Stage

TITLE = ("Anti-money-laundering sharing", "反洗钱信息共享")
MODE = "query: gateway / 网关"
GROUPS = ("purpose",)


async def play(stage: Stage) -> None:
    """No subject takes part, so none is told; consent is no ground without a subject."""
    gateway = stage.gateway
    changes: dict[str, Any] = {
        "purpose": purpose("AntiMoneyLaunderingCompliance"),
        "modes": mask(DeliveryMode.QUERY),
        "legal_basis": LegalBasis.LEGAL_OBLIGATION,
    }
    if gateway is not None:
        changes |= gateway.offered(*GROUPS, "credit_amount")
    terms = stage.terms(**changes)
    await stage.prove_refused(
        stage.grant(stage.terms(**{**changes, "legal_basis": LegalBasis.CONSENT})),
        grants.ConsentNeedsASubject,
        "without a subject consent is no ground",
        "无主体时不得以同意为依据",
    )
    await stage.grant(terms)
    lease = await stage.lease(terms, 2, DeliveryMode.QUERY)
    measure = Measure("average", "credit_amount")
    query = aggregate_query("AntiMoneyLaunderingCompliance", list(GROUPS), [measure])
    uses = await stage.use(lease, query, 2)
    stage.prove(len(uses) == 2, "two inquiries between two banks", "两家银行间两次查询")
    await stage.settle([(lease, uses)], close=True)
    stage.prove(
        terms.subject_mode == SubjectMode.NONE and not any(terms.subject_reference),
        "no subject is named on chain, so none can be told",
        "链上不指明主体，主体无从得知",
    )
