"""E: a financier checks that an invoice is not pledged twice; a wrong answer is disputed."""

import time

from node.sdk import disputes
from node.sdk.consumer import LeaseHandle
from node.sdk.reverts import disputes as refused
from node.sdk.reverts import leases
from node.spec.crypto import keccak256
from node.spec.disputes import DISPUTES
from node.spec.types import Hash32
from node.spec.vocabulary import (
    AuthorizationStatus,
    DeliveryMode,
    LeaseStatus,
    Ruling,
    mask,
    purpose,
)
from scripts.scenarios.stage import Stage

TITLE = ("Supply-chain finance", "供应链金融")
MODE = "psi: record only / 仅记录"
SECONDS_MAX = 5.0
"""For one receipt to be final, where blocks come each second on a machine that others use."""


async def play(stage: Stage) -> None:
    """One receipt is final within seconds; the same again, or one forged, is not."""
    terms = stage.terms(
        purpose=purpose("FraudManagement"), modes=mask(DeliveryMode.PSI), fields=0b100
    )
    await stage.grant(terms)
    lease = await stage.lease(terms, 3, DeliveryMode.PSI)
    invoice = {"input_commitment": keccak256(b"invoice 4711, salted")}
    first, second = await stage.record(lease, 2, **invoice)
    began = time.monotonic()
    await stage.send("consumer.gateway", stage.settling(lease, first))
    took = time.monotonic() - began
    stage.prove(
        took < SECONDS_MAX, f"a check is final after {took:.1f} s", f"核验{took:.1f}秒内终局"
    )
    await stage.prove_refused(
        stage.send("consumer.gateway", stage.settling(lease, first)),
        leases.NotTheNextUse,
        "the same check does not count twice",
        "同一核验不得重复计数",
    )
    await stage.send("consumer.gateway", stage.settling(lease, second))
    await stage.send("provider.gateway", stage.closing(lease, [first, second]))
    record = await stage.lease_state(lease)
    stage.prove(
        (record.status, record.settled) == (LeaseStatus.CLOSED, 2),
        "both close the lease after two checks",
        "双方两次核验后关闭租约",
    )
    await _dispute(stage, lease)


async def _dispute(stage: Stage, lease: LeaseHandle) -> None:
    """The second answer was wrong, the invoice was pledged: one ruling, one appeal, and an end."""
    members = stage.network.members
    evidence = Hash32(keccak256(b"both pledges, salted"))
    opening = disputes.open_dispute(
        lease.authorization, lease.number, range(2, 3), members["exchange"], evidence
    )
    await stage.send("consumer.approver", opening)
    number = await stage.ask("disputes", DISPUTES, "disputeCount")
    excluded = ("disputes", DISPUTES, "excludes", number, lease.number)
    stage.prove(
        await stage.ask(*excluded, 2) and not await stage.ask(*excluded, 1),
        "a double pledge is disputed: that check, and no other, is left out of fees",
        "双重质押提出争议：仅该次核验不计费",
    )
    await stage.prove_refused(
        stage.send("exchange.approver", disputes.rule_dispute(number, Ruling.UPHELD, evidence)),
        refused.TheAnswerMayStillCome,
        "nobody rules before the answer",
        "答辩前不得裁决",
    )
    await stage.send("provider.approver", disputes.answer_dispute(number, evidence))
    await stage.send(
        "exchange.approver", disputes.rule_dispute(number, Ruling.UPHELD_ENDING, evidence)
    )
    appeal = disputes.appeal_dispute(number, members["regulator"], evidence)
    await stage.send("provider.approver", appeal)
    final = disputes.rule_dispute(number, Ruling.UPHELD_ENDING, evidence)
    await stage.send("regulator.approver", final)
    status = (await stage.state(lease.authorization)).status
    stage.prove(
        status == AuthorizationStatus.REVOKED and await stage.ask(*excluded, 2),
        "on appeal the regulator's ruling is final and ends the authorization",
        "申诉后监管裁决为终局并终止授权",
    )
