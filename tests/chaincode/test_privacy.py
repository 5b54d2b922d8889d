"""Nothing personal may reach the chain in any form, or throwing a salt away would forget nobody.

A person's values are planted in everything that stays with the parties: the record delivered, the
query, the salts, a fee's text, a case's text, evidence. A whole story is then played with the
product's own code, and every event, slot and calldata of it is searched for each value: as text,
number or hex, reversed, and as an unsalted hash, which anyone could find by trying.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from node.execution.engine import Outcome
from node.gateway.meter import Basis, Meter
from node.gateway.sources import Answer
from node.sdk import contracts, statements, supervision
from node.sdk.contracts import Call, Opening
from node.sdk.governance import set_mandate
from node.sdk.journal import Journal
from node.sdk.query import record_query
from node.sdk.settlement import RangeRequest
from node.spec import usage
from node.spec.crypto import keccak256, sign
from node.spec.statements import FeeStatement, fee_commitment
from node.spec.terms import Terms, revocation_digest
from node.spec.types import Hash32
from node.spec.vocabulary import (
    DeliveryMode,
    FreezeGround,
    MemberKind,
    PaymentKind,
    Reason,
    Role,
    Zone,
    mask,
    purpose,
)
from tests.chaincode import world as w

PERSON = {
    "name": "欧阳慧敏",
    "identity": "110101199003074258",
    "phone": "13912345678",
    "account": "6222021234567890123",
    "address": "上海市黄浦区中山东一路12号",
    "mail": "huimin.ouyang@bank.example",
    "income": "48213.57",
}
PRICE = "17 uses at 3.49 CNY"
CASE = "case 2027-118 against 欧阳慧敏"
SALTS = {name: hashlib.sha256(b"salt of " + name.encode()).digest() for name in ("a", "b", "c")}
PERIOD = (w.GENESIS_TIME - 40 * w.DAY, w.GENESIS_TIME - 10 * w.DAY)


def forms(value: bytes) -> Iterator[bytes]:
    """How a value may be written: as it is, or as what anyone can compute from it."""
    yield value
    yield value[::-1]
    yield value.hex().encode()
    yield base64.b64encode(value).rstrip(b"=")
    yield keccak256(value)
    yield hashlib.sha256(value).digest()
    yield keccak256(value.rjust(32, b"\0"))
    text = value.decode("utf-8", "replace")
    if "\ufffd" not in text:
        yield text.encode("utf-16-be")
        digits = text.replace(".", "")
        if digits.isdigit() and len(digits) >= 7:
            number = int(digits)
            yield number.to_bytes(-(-number.bit_length() // 8), "big")
            yield bytes.fromhex(digits if len(digits) % 2 == 0 else "0" + digits)
            yield keccak256(number.to_bytes(32, "big"))


PLANTED = [value.encode() for value in (*PERSON.values(), PRICE, CASE)] + list(SALTS.values())
NEEDLES = {form for value in PLANTED for form in forms(value)}


@dataclass
class Watched(w.World):
    """A chain that remembers every byte that is public: calldata, topics and data of events."""

    public: list[bytes] = field(default_factory=list)

    def carry_out(self, sender: str, call: Call) -> Outcome:
        outcome = super().carry_out(sender, call)
        self.public.append(call.data)
        for log in outcome.logs:
            self.public += [*log.topics, log.data]
        return outcome

    def everything(self) -> Iterator[bytes]:
        """All that is public, and every slot of every account with its key."""
        yield from self.public
        for slots in self.state.slots.values():
            for slot, word in slots.items():
                yield slot.to_bytes(32, "big") + word.to_bytes(32, "big")
            # Strings span slots, so neighbours are searched as one.
            yield b"".join(slots[slot].to_bytes(32, "big") for slot in sorted(slots))


def found(world: Watched) -> set[bytes]:
    return {needle for public in world.everything() for needle in NEEDLES if needle in public}


def terms() -> Terms:
    reference = hmac.digest(SALTS["a"], PERSON["identity"].encode(), "sha256")
    return w.personal_terms(subject_reference=Hash32(reference), exchange=w.EXCHANGE)


def story(folder: Path) -> Watched:
    """A grant, uses by the gateway's own meter, settling, statements, a freeze and a withdrawal."""
    start = w.market()
    world = Watched(start.state, start.number, start.time)
    agreed = terms()
    identity = w.identifier(agreed)
    approvals = [w.signature(name, identity) for name in ("a.approver", "subject")]
    approvals.append(w.signature("exchange.approver", identity))
    world.carry_out("b.approver", contracts.request_authorization(agreed, approvals))
    uses(world, folder, identity)
    account_for(world)
    supervise(world, identity)
    digest = revocation_digest(identity, Reason.SUBJECT_WITHDREW, w.CHAIN_ID)
    signed = sign(w.key("subject"), digest)
    world.carry_out(
        "exchange.approver",
        contracts.carry_revocation(agreed, Reason.SUBJECT_WITHDREW, signed),
    )
    return world


def uses(world: Watched, folder: Path, identity: Hash32) -> None:
    """Two uses whose results are the person's whole record, one settled alone, one in a batch."""
    opening = Opening(
        identity, 3, purpose("CreditScoreEvaluation"), 0, DeliveryMode.FIELDS, world.time + w.DAY
    )
    world.carry_out("b.gateway", contracts.open_lease(opening, w.account("a.gateway")))
    lease = usage.lease_id(identity, 1)
    meter = Meter(Journal(folder / "uses.sqlite"), w.key("a.gateway"), w.CHAIN_ID)
    query = record_query("CreditScoreEvaluation", ["CreditHistory"])
    previous = lease
    for number in (1, 2):
        request = usage.Request(lease, number, query.hash, previous)
        signature = sign(w.key("b.gateway"), usage.request_digest(request, w.CHAIN_ID))
        meter.begin(request, query, signature, None)
        made = meter.complete(
            request,
            query,
            signature,
            Answer(json.dumps(PERSON, ensure_ascii=False), 1),
            data=keccak256(json.dumps(PERSON).encode()),
            state_block=world.number,
            basis=Basis(used_at=world.time),
        )
        assert made.receipt is not None
        previous = usage.receipt_hash(made.receipt, w.CHAIN_ID)
        state = world.lease(lease)
        assert state is not None
        meter.countersign(state, number, sign(w.key("b.gateway"), previous))
        if number == 1:
            halves = w.both(previous)
            call = contracts.settle_receipt(identity, 1, made.receipt, *halves)
            world.carry_out("a.gateway", call)
    state = world.lease(lease)
    assert state is not None
    wishes = [RangeRequest(identity, 1, 2, 2, True)]
    built = w.batch_of([usage.UseRange(identity, 1, 2, 2, previous, True)], [made.receipt])
    ours = sign(w.key("b.gateway"), usage.batch_id(built, w.CHAIN_ID))
    batch, theirs = meter.sign_batch(state, wishes, ours)
    assert batch.batch == built
    world.carry_out("a.gateway", contracts.settle_batch(built, batch.ranges, theirs, ours))


def account_for(world: Watched) -> None:
    """Uses and fees of a period, and their payment, by salted commitments."""
    fees = FeeStatement(w.A, w.B, 0, *PERIOD, fee_commitment(SALTS["b"], PRICE.encode()))
    counts = {keccak256(b"an authorization"): 2}
    for name in ("a.gateway", "b.gateway"):
        stated = statements.state_uses_of_period(w.A, w.B, *PERIOD, counts)
        world.carry_out(name, stated)
    digest = world.view("statements", "statementId", w.plain(fees))
    halves = (w.signature(name, digest) for name in ("a.approver", "b.approver"))
    world.carry_out("a.approver", statements.state_fees(fees, *halves))
    reference = fee_commitment(SALTS["c"], PERSON["account"].encode())
    world.carry_out("a.approver", statements.mark_paid(fees, PaymentKind.TRANSFER, reference))


def supervise(world: Watched, identity: Hash32) -> None:
    """A freeze and its lifting, under a salted hash of the case."""
    roles = mask(Role.SENDER, Role.OFFICER)
    world.send("regulator.governor", "members", "admitAccount", w.account("regulator.first"), roles)
    w.govern(world, set_mandate(w.REGULATOR, mask(Zone.FINANCE), mask(MemberKind.BANK)))
    case = fee_commitment(SALTS["c"], CASE.encode())
    until = world.time + 3_600
    freeze = supervision.freeze_authorization(identity, FreezeGround.FRAUD, case, until)
    world.carry_out("regulator.first", freeze)
    number = int.from_bytes(identity, "big")
    world.carry_out("regulator.first", supervision.lift_freeze("authorization", number))


def test_no_event_slot_or_calldata_holds_a_planted_value(tmp_path: Path) -> None:
    world = story(tmp_path)
    assert found(world) == set()
    assert len(world.public) > 60, "the story was played"
    assert world.authorization(w.identifier(terms())).status == 5  # type: ignore[union-attr]


@pytest.mark.parametrize("value", [*PERSON.values(), PRICE, CASE])
def test_the_search_finds_a_value_in_calldata_event_or_slot(value: str) -> None:
    start = w.market()
    world = Watched(start.state, start.number, start.time)
    plain = value.encode()
    assert not found(world)
    for form in forms(plain):
        hidden = Watched(start.state, start.number, start.time, public=[b"\x01" + form + b"\x02"])
        assert form in found(hidden)
    address = next(iter(world.state.slots))
    words = [plain[start : start + 32].ljust(32, b"\0") for start in range(0, len(plain), 32)]
    kept = world.state.copy()
    kept.slots[address] = dict(enumerate((int.from_bytes(word, "big") for word in words), 10**9))
    assert plain in found(Watched(kept))


def test_an_unsalted_reference_would_be_found() -> None:
    start = w.market()
    world = Watched(start.state, start.number, start.time)
    agreed = w.personal_terms(subject_reference=keccak256(PERSON["identity"].encode()))
    world.carry_out("b.approver", contracts.request_authorization(agreed))
    assert keccak256(PERSON["identity"].encode()) in found(world)
