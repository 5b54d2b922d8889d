"""A priced trade with disputes, duties, freezes and lists, and the fees of two periods stated.

Uses 1 to 6 of the first lease are anchored in the first period, of which 3 is void, and 1 and 2 are
disputed: they are charged in the second, when the dispute was dismissed.
"""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from node.audit.bundle import Bundle, encode_bundle
from node.audit.checks_chain import check_inclusion
from node.audit.evidence import Evidence
from node.audit.fees import fees_in
from node.audit.result import Report
from node.audit.verify import verify
from node.sdk import fee_file
from node.sdk.governance import set_mandate
from node.sdk.statements import mark_paid
from node.spec.crypto import keccak256
from node.spec.fees import Fees, encode_fees
from node.spec.obligations import end_id, obligation_id
from node.spec.pricing import PricePlan, Tier, encode_plan, plan_hash
from node.spec.terms import Terms
from node.spec.types import Hash32
from node.spec.vocabulary import (
    FreezeGround,
    MemberKind,
    ObligationKind,
    PaymentKind,
    PriceClass,
    Reason,
    ReceiptKind,
    Role,
    Ruling,
    Zone,
    mask,
    purpose,
)
from tests.chaincode import world
from tests.chaincode.world import EXCHANGE, REGULATOR, A, B, C, account, key
from tests.unit.audit.factory import Chain, agreed, personal

PLAN = PricePlan(PriceClass.TIERED, "CNY", (Tier(2, 150), Tier(0, 100)))
CASE = keccak256(b"a case")
PROOF = keccak256(b"proof")
OFFICERS = ("regulator.first", "regulator.second")
SIGNERS = {"provider": "a.approver", "consumer": "b.approver", "exchange": "exchange.approver"}
SHARE = 500
PERIOD_SECONDS = 500
APPEAL_SECONDS = 7_000
RULING_SECONDS = 50_000
"""More than the times to answer and to rule together."""


class Trade(Chain):
    """`platform` has an exchange, `direct` none; `over` has ended, its data deleted."""

    def __init__(self, journal: Path, *, stated: bool = True, plan: PricePlan = PLAN) -> None:
        super().__init__(journal)
        self.plan = plan
        self.began = self.time
        self._offer()
        self._rule()
        self.platform = self.approve(agreed(1, **self.priced(exchange=EXCHANGE)))
        self.direct = self.approve(agreed(2, **self.priced()))
        self.lease = self.open(self.platform, 1)
        self.other = self.open(self.direct, 1, uses=4)
        self.use(self.lease, 2)
        self.use(self.lease, 1, kind=ReceiptKind.VOID, record_count=0)
        self.use(self.lease, 3)
        self.use(self.other, 2)
        self.anchor(
            *sorted(
                (
                    self.range(self.platform, 1, 1, 6, True),
                    self.range(self.direct, 1, 1, 2, True),
                ),
                key=lambda part: part.authorization,
            )
        )
        dispute = (self.platform, 1, 1, 2, REGULATOR, PROOF)
        self.send("b.approver", "disputes", "open", *dispute)
        self._freeze()
        self._end()
        if not stated:
            return
        self.first = self.state_fees(self.began, self.next_period())
        paid = mark_paid(self.first.statement, PaymentKind.TRANSFER, Hash32(CASE))
        self.send_data("a.approver", paid.to, paid.data)
        self._settle_dispute()
        self.second = self.state_fees(self.first.fees.until, self.next_period())
        self.seal([])

    def priced(self, **changes: Any) -> dict[str, Any]:
        share = SHARE if "exchange" in changes else 0
        plan = self.plan
        price = {"price_class": int(plan.price_class), "price_plan": plan_hash(plan)}
        return {**price, "exchange_share": share, **changes}

    def approve(self, terms: Terms) -> Hash32:
        self.send("b.approver", *world.requesting(terms))
        self.send("a.approver", *world.approving(terms))
        if terms.exchange:
            self.send("exchange.approver", *world.approving(terms))
        return world.identifier(terms)

    def next_period(self) -> int:
        """The end of a period, once it is over."""
        self.wait(PERIOD_SECONDS)
        return self.time

    def compute(self, since: int, until: int) -> Fees:
        """The fees of a period as each side finds them, from its own evidence."""
        report = verify(asyncio.run(self.export(*self.wanted)), self.genesis.hash)
        assert report.exit_code == 0
        known = {plan_hash(self.plan): self.plan}
        return fees_in(report.cases, (A, B), (since, until), known.get)

    @property
    def wanted(self) -> tuple[Hash32, ...]:
        return (self.platform, self.direct, self.over)

    def signed(self, fees: Fees) -> fee_file.FeeFile:
        file = fee_file.propose_fees(world.CHAIN_ID, fees, [self.plan])
        for side in fee_file.SIDES if fees.exchange else fee_file.SIDES[:2]:
            file = fee_file.sign_fees(file, fees, side, key(SIGNERS[side]))
        return file

    def state_fees(self, since: int, until: int) -> fee_file.FeeFile:
        """Anchor the fees of a period, and keep what opens them."""
        self.seal([])
        return self.anchor_fees(self.signed(self.compute(since, until)))

    def anchor_fees(self, file: fee_file.FeeFile, *, keep: bool = True) -> fee_file.FeeFile:
        call = fee_file.anchoring(file)
        self.send_data("c.approver", call.to, call.data)
        if keep:
            self.keep(file)
        return file

    def keep(self, file: fee_file.FeeFile) -> None:
        content = encode_fees(file.fees)
        self.journal.keep_fees(file.digest, file.salt, content, map(encode_plan, file.plans))

    # What others do -------------------------------------------------------------------------------

    def _offer(self) -> None:
        names, fields = world.schema()
        plan = self.plan
        offered = world.offering(price_class=int(plan.price_class), price_plan=plan_hash(plan))
        self.send("a.approver", "catalog", "publish", world.SALT, offered, names, fields)
        self.send("exchange.approver", "catalog", "approve", world.product(), 1)
        self.send("exchange.approver", "templates", "propose", world.TEMPLATE, world.CLAUSES)
        self.send("regulator.approver", "templates", "adopt", world.TEMPLATE)

    def _rule(self) -> None:
        """Officers with a mandate, and an entry of either list that does not concern the terms."""
        admit = ("members", "admitAccount")
        roles = mask(Role.SENDER, Role.OFFICER)
        for name in OFFICERS:
            self.send("regulator.governor", *admit, account(name), roles)
        approver = (account("regulator.other"), mask(Role.SENDER, Role.APPROVER))
        self.send("regulator.governor", *admit, *approver)
        self.govern(set_mandate(REGULATOR, mask(Zone.FINANCE), mask(MemberKind.BANK)))
        self.list_both("refuse", int(Zone.FINANCE), 0, 1 << purpose("TaxReportingCompliance"))
        entry = (1 << purpose("CreditChecking"), 1_000 << 16)
        self.list_both("caution", int(Zone.FINANCE), 0, entry)

    def list_both(self, method: str, *values: Any) -> None:
        """An entry of a list, said by two approvers of the regulator."""
        for name in ("regulator.approver", "regulator.other"):
            self.send(name, "templates", method, *values)

    def freeze_member(self, index: int, seconds: int, officer: str = OFFICERS[0]) -> None:
        until = self.time + seconds
        freeze = (index, FreezeGround.FRAUD, CASE, until)
        self.send(officer, "supervision", "freezeMember", *freeze)

    def freeze_zone(self, purposes: int, seconds: int) -> None:
        freeze = (Zone.FINANCE, purposes, FreezeGround.FRAUD, CASE, self.time + seconds)
        for name in OFFICERS:
            self.send(name, "supervision", "freezeZone", *freeze)

    def _freeze(self) -> None:
        """Freezes that come and go while nothing is used."""
        self.freeze_member(B, 50)
        self.freeze_member(C, 50)
        self.send(OFFICERS[1], "supervision", "lift", "member", B)
        self.freeze_zone(1 << purpose("CreditChecking"), 50)
        self.wait(60)

    def _end(self) -> None:
        """An authorization of a person ends; its data are deleted, and the person is told."""
        self.over = self.grant(replace(personal(3), **self.priced()))
        reason = (Reason.PROVIDER_WITHDREW, bytes(32))
        self.send("a.approver", "authorizations", "revoke", self.over, *reason)
        self.send("b.approver", "obligations", "certifyDeletion", self.over, 0, PROOF, PROOF)
        self.deletion = end_id(ObligationKind.DELETE_DATA, self.over, B, 1)
        self.impose(self.over, ObligationKind.INFORM, B)
        self.duty = obligation_id(ObligationKind.INFORM, self.over, B, PROOF)
        self.send("b.approver", "obligations", "fulfil", self.duty, PROOF)

    def impose(self, authorization: Hash32, kind: ObligationKind, member: int) -> None:
        values = (int(kind), authorization, member, self.time + 100, PROOF)
        self.send("regulator.approver", "obligations", "impose", *values)

    def _settle_dispute(self) -> None:
        self.send("a.approver", "disputes", "answer", 1, PROOF)
        self.send("regulator.approver", "disputes", "rule", 1, int(Ruling.DISMISSED), PROOF)
        self.wait(APPEAL_SECONDS)
        self.send("c.approver", "disputes", "end", 1)


def check(trade: Trade, bundle: Bundle) -> Report:
    return verify(encode_bundle(bundle), trade.genesis.hash)


def shown(trade: Trade, *wanted: Hash32) -> Report:
    return verify(asyncio.run(trade.export(*wanted)), trade.genesis.hash)


def failing(report: Report) -> set[str]:
    return {result.check for result in report.failures}


def lacking(report: Report) -> set[str]:
    assert not report.failures
    return {result.lacks for result in report.unshown}


def without(trade: Trade, bundle: Bundle, *names: str) -> Bundle:
    """The bundle without the transactions in which some events happened."""
    evidence = Evidence(bundle)
    check_inclusion(evidence)
    gone = {(h.block, h.index) for h in evidence.happenings if h.name in names}
    assert gone
    blocks = []
    for record in bundle.blocks:
        number = record.final.header.number
        kept = tuple(i for i in record.inclusions if (number, i.index) not in gone)
        if kept or not record.inclusions or record is bundle.blocks[-1]:
            blocks.append(replace(record, inclusions=kept))
    numbers = {record.final.header.number for record in blocks}
    known = numbers | {number - 1 for number in numbers}
    past = tuple(record for record in bundle.past if record.number in known)
    return replace(bundle, blocks=tuple(blocks), past=past)
