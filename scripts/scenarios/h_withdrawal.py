"""H: a subject withdraws; closing all leases is the consumer's acknowledgement."""

from typing import Any

from node.errors import Refused
from node.sdk import contracts, obligations
from node.sdk.abi import decode_event, event_topic
from node.sdk.query import record_query
from node.sdk.reverts import authorizations, leases
from node.sdk.reverts import obligations as refused
from node.spec.crypto import keccak256, sign
from node.spec.obligations import OBLIGATIONS, end_id, erasure_digest
from node.spec.registry import AUTHORIZATIONS
from node.spec.terms import authorization_id, revocation_digest
from node.spec.types import ZERO_HASH, Hash32
from node.spec.vocabulary import (
    AuthorizationStatus,
    DeliveryMode,
    ErasureGround,
    ObligationKind,
    Reason,
)
from scripts.scenarios.stage import Stage

TITLE = ("Withdrawal and deletion", "撤回与删除")
METHOD, SCOPE = Hash32(keccak256(b"overwritten")), Hash32(keccak256(b"all copies"))
MODE = "fields: gateway / 网关"
FIELDS = ("credit_amount", "duration_in_month")
QUERY = record_query("CreditScoreEvaluation", list(FIELDS))


async def play(stage: Stage) -> None:
    """Another's signature withdraws nothing; the subject's does, once and for all."""
    gateway = stage.gateway
    reference, changes = Hash32(keccak256(b"a person, salted")), dict[str, Any]()
    if gateway is not None:
        reference = gateway.references[2]
        changes = gateway.offered(*FIELDS)
    terms = stage.consented("person", reference, **changes)
    authorization = await stage.grant(terms, "person")
    lease = await stage.lease(terms, 2, DeliveryMode.FIELDS)
    uses = await stage.use(lease, QUERY, 1)
    digest = revocation_digest(
        authorization_id(terms, stage.chain_id), Reason.SUBJECT_WITHDREW, stage.chain_id
    )
    reason = Reason.SUBJECT_WITHDREW
    forged = contracts.carry_revocation(terms, reason, sign(stage.key("stranger"), digest))
    await stage.prove_refused(
        stage.send("exchange.approver", forged),
        authorizations.NotAParty,
        "another's signature withdraws nothing",
        "他人签名无效",
    )
    signed = contracts.carry_revocation(terms, reason, sign(stage.key("person"), digest))
    await stage.send("exchange.approver", signed)
    status = await stage.ask("authorizations", AUTHORIZATIONS, "statusOf", authorization)
    stage.prove(
        status == AuthorizationStatus.REVOKED, "the subject's own does", "主体本人签名即撤回"
    )
    await stage.prove_refused(
        stage.send("consumer.gateway", stage.opening(terms, 1, DeliveryMode.FIELDS)),
        authorizations.NotActive,
        "no lease opens after it",
        "撤回后不得再开租约",
    )
    if gateway is not None:
        served = ""
        try:
            await gateway.consumer.ask(lease, QUERY)
        except Refused as error:
            served = error.reason
        stage.prove(
            bool(served),
            f"the gateway answers nothing on the lease that is open still ({served})",
            f"网关对未关租约不再应答（{served}）",
        )
    certify = obligations.certify_deletion(authorization, 1, METHOD, SCOPE)
    await stage.prove_refused(
        stage.send("consumer.approver", certify),
        refused.LeasesAreNotClosed,
        "deletion is not certified while a lease is open",
        "租约未关闭不得出具删除证明",
    )
    await stage.settle([(lease, uses)], close=True)
    await stage.prove_refused(
        stage.send("provider.gateway", stage.closing(lease, uses)),
        leases.NotOpen,
        "all leases are closed, which acknowledges it",
        "全部租约关闭即为确认",
    )
    sent = await stage.send("consumer.approver", certify)
    names = {log.topics[0] for log in sent.logs}
    stage.prove(
        event_topic("obligations", "DeletionCertified") in names,
        "the consumer certifies deletion under all leases",
        "使用方就全部租约出具删除证明",
    )
    await _ask_erasure(stage)


async def _ask_erasure(stage: Stage) -> None:
    """What a bank ended is kept as long as agreed, unless the person asks to be erased (R21)."""
    terms = stage.consented("person", Hash32(keccak256(b"a person again, salted")))
    authorization = await stage.grant(terms, "person")
    ending = contracts.revoke_authorization(authorization, Reason.PROVIDER_WITHDREW, ZERO_HASH)
    await stage.send("provider.approver", ending)
    deletion = end_id(ObligationKind.DELETE_DATA, authorization, terms.consumer, 1)
    due = ("obligations", OBLIGATIONS, "dueOf", deletion)
    agreed = await stage.ask(*due)
    wish = sign(stage.key("person"), erasure_digest(authorization, stage.chain_id))
    sent = await stage.send("exchange.approver", obligations.ask_erasure(terms, wish))
    answer = decode_event("obligations", sent.logs[-1])
    assert answer is not None, "a wish is answered"
    sooner = agreed - answer.values["dataDue"]
    grounds = answer.values["data"], answer.values["records"]
    stage.prove(
        sooner > 0 and await stage.ask(*due) == answer.values["dataDue"],
        f"asked for when the bank had ended it, erasure comes {round(sooner / 86_400)} days sooner",
        f"机构终止后主体请求删除：数据提前{round(sooner / 86_400)}天删除",
    )
    stage.prove(
        grounds == (ErasureGround.NOTHING, ErasureGround.RECORD_KEEPING),
        "and it is told on what ground records are kept longer",
        "并告知记录继续保存的事由",
    )
