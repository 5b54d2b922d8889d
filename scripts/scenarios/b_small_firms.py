"""B: a firm lets a bank ask its operator for derived indicators, three times in thirty days.

Each use has its price, of which the exchange has a part. Where the gateway serves, the period's
fees are made up, signed by all three, anchored and proved from one file.
"""

from dataclasses import replace
from typing import Any

from node.sdk import contracts
from node.sdk.disputes import open_dispute
from node.sdk.query import record_query
from node.sdk.reverts import authorizations, grants
from node.spec.crypto import keccak256, sign
from node.spec.terms import Terms, authorization_id
from node.spec.types import Hash32
from node.spec.vocabulary import DeliveryMode, purpose
from scripts.scenarios.fees import PLAN, SHARE, state_fees, state_uses, time_of
from scripts.scenarios.stage import Stage

TITLE = ("Credit of small firms", "小微企业信贷")
MODE = "fields: gateway / 网关"
FIELDS = ("credit_history", "duration_in_month", "credit_amount")


async def _renew(stage: Stage, terms: Terms) -> None:
    """Watch the loan for longer: new terms under the same id, signed anew by all."""
    authorization = authorization_id(terms, stage.chain_id)
    more = replace(
        terms,
        amends=authorization,
        maximum_uses=5,
        valid_until=terms.valid_until + 86_400,
        nonce=terms.nonce + 1,
    )
    digest = authorization_id(more, stage.chain_id)
    signers = ("provider.approver", "firm", *(["exchange.approver"] if more.exchange else []))
    signed = [sign(stage.key(name), digest) for name in signers]
    await stage.send(
        "consumer.approver", contracts.request_upon(more, before=terms, approvals=signed)
    )
    again = await stage.lease(more, 2, DeliveryMode.FIELDS, authorization=authorization)
    uses = await stage.use(again, record_query("CreditScoreEvaluation", list(FIELDS)), 2)
    batch = await stage.settle([(again, uses)], close=True)
    stage.prove(
        (again.number, batch.count) == (2, 2),
        "renewed under the same id, two more uses settle",
        "以同一编号续期后再结清两次使用",
    )


async def _charge(stage: Stage, terms: Terms) -> None:
    """One use is disputed; the other four are charged under the terms of their leases."""
    authorization = authorization_id(terms, stage.chain_id)
    arbiter = stage.network.members["regulator"]
    dispute = open_dispute(authorization, 1, range(3, 4), arbiter, Hash32(keccak256(b"proof")))
    opened = await stage.send("consumer.approver", dispute)
    since, until = terms.valid_from, await time_of(stage, opened) + 1
    await state_uses(stage, since, until, {authorization: 5})
    report = await state_fees(stage, authorization, since, until)
    checks = {check["check"]: check for check in report["checks"]}
    stage.prove(
        report["exit_code"] == 0 and checks["fees"]["status"] == "proved",
        "the period's fees, signed by three and only committed to on chain, are proved from a file",
        "三方签署、链上仅存承诺的期间费用，由一份文件证明",
    )
    details = checks["fees"]["details"]
    stage.prove(
        (details["charged"], details["amounts"]) == (4, f"CNY {4 * PLAN.tiers[0].price}"),
        "four of five uses are charged, the disputed one is left out until it is ruled on",
        "五次使用计费四次，争议一次裁定前不计费",
    )


async def play(stage: Stage) -> None:
    """Without the firm's approval nothing is active; with it, three uses and no fourth."""
    gateway = stage.gateway
    changes: dict[str, Any] = {"purpose": purpose("CreditScoreEvaluation"), "maximum_uses": 3}
    reference = Hash32(keccak256(b"a firm, salted"))
    if gateway is not None:
        reference = gateway.references[0]
        changes |= gateway.offered(*FIELDS)
        changes |= {"exchange": stage.network.members["exchange"], "exchange_share": SHARE}
    terms = stage.consented("firm", reference, **changes)
    await stage.prove_refused(
        stage.send("consumer.approver", contracts.request_authorization(terms, [bytes(65)])),
        grants.MalformedSignature,
        "a forged approval is refused",
        "伪造的批准被拒绝",
    )
    await stage.grant(terms, "firm", *(["exchange.approver"] if terms.exchange else []))
    lease = await stage.lease(terms, 3, DeliveryMode.FIELDS)
    query = record_query("CreditScoreEvaluation", list(FIELDS))
    uses = await stage.use(lease, query, 3)
    stage.prove(len(uses) == 3, "three indicators, each signed by both", "三次指标查询均双方签名")
    await stage.prove_refused(
        stage.send("consumer.gateway", stage.opening(terms, 1, DeliveryMode.FIELDS)),
        authorizations.UsesExhausted,
        "a fourth use is not reserved",
        "第四次使用不予预留",
    )
    await stage.settle([(lease, uses)], close=True)
    await _renew(stage, terms)
    if gateway is not None:
        await _charge(stage, terms)
    digest = authorization_id(terms, stage.chain_id)
    found = await contracts.find_terms(stage.client, digest, stage.chain_id)
    stage.prove(found == terms, "the firm's terms are on record as signed", "条款按签署原样留痕")
