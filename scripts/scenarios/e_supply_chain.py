"""E: a financier checks that an invoice is not pledged twice; each check is provable by itself."""

import time

from node.sdk.reverts import leases
from node.spec.crypto import keccak256
from node.spec.vocabulary import DeliveryMode, LeaseStatus, mask, purpose
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
