"""F: two banks train a scorecard: a job is a lease, a round a receipt, an algorithm a hash."""

from node.sdk.reverts import grants, usage
from node.spec.crypto import keccak256
from node.spec.vocabulary import DeliveryMode, mask, purpose
from scripts.scenarios.stage import Stage

TITLE = ("Joint model", "联合建模")
MODE = "model: record only / 仅记录"


async def play(stage: Stage) -> None:
    """Four rounds, each with its commitments; no round beyond the job; groups of a least size."""
    terms = stage.terms(
        purpose=purpose("CreditScoreEvaluation"), modes=mask(DeliveryMode.MODEL), maximum_uses=20
    )
    await stage.grant(terms)
    job = await stage.lease(terms, 4, DeliveryMode.MODEL)
    algorithm = {"request_hash": keccak256(b"algorithm, version 3")}
    rounds = await stage.record(job, 5, **algorithm)
    for done in rounds[:4]:
        await stage.send("provider.gateway", stage.settling(job, done))
    await stage.prove_refused(
        stage.send("provider.gateway", stage.settling(job, rounds[4])),
        usage.MoreUsesThanTheLeaseReserved,
        "a fifth round is not of this job",
        "第五轮不属于该任务",
    )
    await stage.send("consumer.gateway", stage.closing(job, rounds[:4]))
    record = await stage.lease_state(job)
    stage.prove(record.settled == 4, "four rounds are on record, one by one", "四轮训练逐轮留痕")
    await stage.prove_refused(
        stage.grant(stage.terms(modes=mask(DeliveryMode.MODEL), minimum_group=2)),
        grants.MinimumGroupTooSmall,
        "a model over two subjects is refused",
        "仅两名主体的模型被拒绝",
    )
