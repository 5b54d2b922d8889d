"""G: a regulator inspects, freezes an authorization, lifts the freeze, and runs a sandbox."""

import time

from node.sdk import supervision
from node.sdk.abi import decode_event
from node.sdk.contracts import admit_account
from node.sdk.governance import set_mandate
from node.sdk.reverts import authorizations
from node.spec.crypto import address_of, keccak256
from node.spec.types import Hash32
from node.spec.vocabulary import DeliveryMode, FreezeGround, MemberKind, Role, Zone, mask
from scripts.scenarios import sandbox
from scripts.scenarios.stage import Stage

TITLE = ("Inspection and freeze", "监管检查与冻结")
MODE = "psi: record only / 仅记录"
CASE = Hash32(keccak256(b"case 12, salted"))
OFFICER = mask(Role.SENDER, Role.OFFICER)


async def play(stage: Stage) -> None:
    """Frozen from its block on, settled all the same; lifted, what was there is back."""
    regulator = stage.network.members["regulator"]
    officer = address_of(stage.key("officer"))
    await stage.send("regulator.governor", admit_account(officer, OFFICER))
    await stage.govern(set_mandate(regulator, mask(Zone.FINANCE), mask(MemberKind.BANK)))
    terms = stage.terms(modes=mask(DeliveryMode.PSI))
    authorization = await stage.grant(terms)
    lease = await stage.lease(terms, 2, DeliveryMode.PSI)
    uses = await stage.record(lease, 2)
    until = int(time.time()) + 3_600
    consumer = stage.network.members["consumer"]
    opened = await stage.send("officer", supervision.open_inspection(consumer, CASE, until))
    event = decode_event("supervision", opened.logs[0])
    stage.prove(
        event is not None and event.values["caseHash"] == CASE,
        "the inspection itself is on record",
        "检查本身留痕",
    )
    freeze = supervision.freeze_authorization(authorization, FreezeGround.FRAUD, CASE, until)
    await stage.send("officer", freeze)
    await stage.prove_refused(
        stage.send("consumer.gateway", stage.opening(terms, 1, DeliveryMode.PSI)),
        authorizations.Frozen,
        "frozen, no lease opens in the next block",
        "冻结后下一区块即不得开租约",
    )
    batch = await stage.settle([(lease, uses)], close=True)
    stage.prove(batch.count == 2, "uses made before it settle under it", "冻结前的使用照常结清")
    await stage.send("officer", supervision.lift_freeze("authorization", _number(authorization)))
    again = await stage.lease(terms, 1, DeliveryMode.PSI)
    stage.prove(again.number == 2, "lifted, the authorization is as it was", "解除后恢复原状")
    await stage.send("provider.gateway", stage.closing(again, []))
    await sandbox.show(stage, "officer")


def _number(identity: Hash32) -> int:
    return int.from_bytes(identity, "big")
