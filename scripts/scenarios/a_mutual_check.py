"""A: a lender asks others whether an applicant borrows elsewhere, without showing who."""

from node.sdk.reverts import authorizations
from node.spec.vocabulary import DeliveryMode, RatePeriod, mask, purpose
from scripts.scenarios.stage import Stage

TITLE = ("Multi-lending and fraud check", "多头借贷与反欺诈核查")
MODE = "psi: record only / 仅记录"


async def play(stage: Stage) -> None:
    """A standing authorization with a daily rate, two batches of a pair, and one too many."""
    terms = stage.terms(
        purpose=purpose("FraudManagement"),
        modes=mask(DeliveryMode.PSI),
        maximum_uses=1_000,
        rate_period=RatePeriod.DAY,
        rate_limit=6,
    )
    authorization = await stage.grant(terms)
    first = await stage.lease(terms, 3, DeliveryMode.PSI)
    second = await stage.lease(terms, 3, DeliveryMode.PSI)
    uses = [(lease, await stage.record(lease, 3, record_count=40)) for lease in (first, second)]
    await stage.prove_refused(
        stage.send("consumer.gateway", stage.opening(terms, 1, DeliveryMode.PSI)),
        authorizations.RateExhausted,
        "a seventh check of the day is not reserved",
        "当日第七次核查不予预留",
    )
    batch = await stage.settle(uses, close=True)
    stage.prove(
        batch.count == 6,
        "six checks of two leases are anchored under one root",
        "两笔租约的六次核查以同一根上链",
    )
    record = await stage.state(authorization)
    stage.prove(
        (record.counted, record.open) == (6, 0),
        "six uses are counted and no lease is open",
        "计数六次，无未关租约",
    )
