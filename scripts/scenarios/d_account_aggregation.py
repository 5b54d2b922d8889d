"""D: a customer lets a bank read an account again and again, and withdraws."""

from typing import Any

from node.sdk import contracts
from node.sdk.query import record_query
from node.sdk.reverts import authorizations
from node.spec.crypto import keccak256, sign
from node.spec.terms import authorization_id, revocation_digest
from node.spec.types import Hash32
from node.spec.vocabulary import DeliveryMode, RatePeriod, Reason, purpose
from scripts.scenarios.stage import Stage

TITLE = ("Account aggregation", "账户信息聚合")
MODE = "fields: gateway / 网关"
FIELDS = ("savings_account_bonds", "credit_amount")


async def play(stage: Stage) -> None:
    """Four reads a day, one batch over leases; withdrawn by a signature, in the very next block."""
    gateway = stage.gateway
    changes: dict[str, Any] = {
        "purpose": purpose("AccountManagement"),
        "maximum_uses": 400,
        "rate_period": RatePeriod.DAY,
        "rate_limit": 4,
    }
    reference = Hash32(keccak256(b"a customer, salted"))
    if gateway is not None:
        reference = gateway.references[1]
        changes |= gateway.offered(*FIELDS)
    terms = stage.consented("customer", reference, **changes)
    await stage.grant(terms, "customer")
    leases = [await stage.lease(terms, 2, DeliveryMode.FIELDS) for _ in range(2)]
    query = record_query("AccountManagement", list(FIELDS))
    uses = [(lease, await stage.use(lease, query, 2)) for lease in leases]
    await stage.prove_refused(
        stage.send("consumer.gateway", stage.opening(terms, 1, DeliveryMode.FIELDS)),
        authorizations.RateExhausted,
        "a fifth read of the day is not reserved",
        "当日第五次读取不予预留",
    )
    digest = revocation_digest(
        authorization_id(terms, stage.chain_id), Reason.SUBJECT_WITHDREW, stage.chain_id
    )
    signature = sign(stage.key("customer"), digest)
    carried = contracts.carry_revocation(terms, Reason.SUBJECT_WITHDREW, signature)
    ended = await stage.send("exchange.approver", carried)
    stage.prove(ended.succeeded, "the customer withdraws by a signature alone", "客户仅凭签名撤回")
    await stage.prove_refused(
        stage.send("consumer.gateway", stage.opening(terms, 1, DeliveryMode.FIELDS)),
        authorizations.NotActive,
        "no lease opens after it",
        "撤回后不得再开租约",
    )
    batch = await stage.settle(uses, close=True)
    stage.prove(batch.count == 4, "uses made before it settle all the same", "撤回前的使用照常结清")
