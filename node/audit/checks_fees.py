"""Fees: each anchored statement is just what terms, plan and receipts come to (R15, R18, A60, A61).

The ledger holds of a statement a salted commitment. Where the file has its opening, the lines are
computed again from the proved trail; where it has not, nothing is said of them. That a pair made no
other statements no file proves: those shown do not overlap.
"""

from collections.abc import Sequence
from itertools import pairwise

from node.audit.bundle import FeeOpening
from node.audit.calldata import ContractCall, direct_call, plain_signature
from node.audit.evidence import Case, CheckFailed, Evidence, Happening, NotShown, naming, require
from node.audit.fees import statements_of, versions_of
from node.audit.result import Details
from node.spec import registry
from node.spec.crypto import keccak256, recover
from node.spec.fees import FeeLine, Fees, VersionUses, decode_fees, fee_line
from node.spec.pricing import PricePlan, decode_plan
from node.spec.statements import (
    STATEMENTS_OF_PERIODS,
    FeeStatement,
    fee_commitment,
    slot_of_fees,
    slot_of_payment,
    statement_id,
)
from node.spec.types import Address, Hash32
from node.spec.vocabulary import PriceClass


def check_fees(evidence: Evidence, case: Case) -> Details:
    """Every fee statement of the pair has for this authorization the lines that follow from it."""
    stated = statements_of(evidence, (case.terms.provider, case.terms.consumer))
    paid = 0
    for happening in stated:
        with naming(f"{case.name}, {evidence.note(happening).where}"):
            paid += _require_anchored(evidence, case, happening)
    _require_apart(case, stated)
    opened = _openings(evidence, stated)
    if len(opened) < len(stated):
        raise NotShown("opening", statements=len(stated), missing=len(stated) - len(opened))
    priced = any(v.terms.price_class != PriceClass.FREE for v in (case, *case.amendments))
    if not stated and priced:
        raise NotShown("fee-statement")
    versions = list(versions_of(case, lambda name: find_plan(evidence, name))) if stated else []
    lines = []
    for happening, opening in zip(stated, opened, strict=True):
        with naming(f"{case.name}, {happening.where}"):
            lines += _require_lines(evidence, case, happening, opening, versions)
    net = sum(line.charged - line.credited for line in lines)
    return {
        "statements": len(stated),
        "paid": paid,
        "charged": net,
        "amounts": _amounts(lines),
    }


def find_plan(evidence: Evidence, name: Hash32) -> PricePlan | None:
    """Return a price plan of the file by its hash, and note that it was needed."""
    for document in evidence.bundle.plans:
        if keccak256(document) == name:
            evidence.opened.add(name)
            return decode_plan(document)
    return None


def statement_of(happening: Happening) -> FeeStatement:
    """Return the statement that a `FeesStated` anchors."""
    names = ("provider", "consumer", "exchange", "since", "until", "commitment")
    return FeeStatement(*(happening.value(name) for name in names))


def signers_of(evidence: Evidence, happening: Happening) -> tuple[Address, ...] | None:
    """Return who signed a statement, by side; None where it came through another contract."""
    call = direct_call("statements", happening.transaction)
    match call:
        case ContractCall("stateFees", (_, *signatures)):
            digest = statement_id(statement_of(happening), evidence.chain_id)
            wanted = signatures if happening.value("exchange") else signatures[:2]
            return tuple(recover(digest, plain_signature(part)) for part in wanted)
        case _:
            return None


def _require_anchored(evidence: Evidence, case: Case, happening: Happening) -> bool:
    """State has this commitment, under the digest that an account of each side signed.

    Returns whether the provider has marked it paid.
    """
    statement = statement_of(happening)
    read = evidence.reader(STATEMENTS_OF_PERIODS)
    held = read(slot_of_fees(statement))
    paid = read(slot_of_payment(Hash32(happening.value("statement")))) != 0
    subject = f"{case.name}, {happening.where}"
    require(
        subject,
        (
            statement_id(statement, evidence.chain_id) == happening.value("statement"),
            "its id is not the digest of what it says",
        ),
        (held == int.from_bytes(statement.commitment, "big"), "state holds another commitment"),
    )
    signers = signers_of(evidence, happening)
    if signers is None:
        case.cannot_show("indirect", event=happening.where)
        return paid
    members = (statement.provider, statement.consumer, statement.exchange)
    for account, member in zip(signers, members, strict=False):
        found = registry.member_of(evidence.reader(registry.MEMBERS), account)
        require(subject, (found == member, f"member {member} did not sign it"))
    return paid


def _require_apart(case: Case, stated: Sequence[Happening]) -> None:
    periods = sorted((h.value("since"), h.value("until")) for h in stated)
    for (_, until), (since, _) in pairwise(periods):
        require(case.name, (until <= since, "two fee statements are of overlapping periods"))


def _openings(evidence: Evidence, stated: Sequence[Happening]) -> list[FeeOpening]:
    """Return the openings of statements that the file has, in their order."""
    known = {opening.statement: opening for opening in evidence.bundle.openings}
    found = []
    for happening in stated:
        name = Hash32(happening.value("statement"))
        if name in known:
            evidence.opened.add(name)
            found.append(known[name])
    return found


def _require_lines(
    evidence: Evidence,
    case: Case,
    happening: Happening,
    opening: FeeOpening,
    versions: list[VersionUses],
) -> list[FeeLine]:
    """The opening is that of the commitment, and has the lines that the trail comes to."""
    statement, subject = statement_of(happening), f"{case.name}, {happening.where}"
    committed = fee_commitment(opening.salt, opening.content) == statement.commitment
    require(subject, (committed, "its opening does not fit its commitment"))
    content = decode_fees(opening.content)
    told = (content.provider, content.consumer, content.exchange, content.since, content.until)
    parts = (statement.provider, statement.consumer, statement.exchange)
    same = told == (*parts, statement.since, statement.until)
    require(subject, (same, "its content is of another pair or period"))
    lines = []
    for version in versions:
        expected = fee_line(version, statement.since, statement.until)
        shown = _line(content, case.identifier, version.version)
        _require_line(f"{subject}, version {version.version}", expected, shown)
        if expected is not None:
            exchange = version.terms.exchange in (0, content.exchange)
            require(subject, (exchange, "the exchange of the terms is not the one that signed"))
            lines.append(expected)
    own = sum(line.authorization == case.identifier for line in content.lines)
    require(subject, (own == len(lines), "it has a line of a version that is not the terms'"))
    known = {other.identifier for other in evidence.cases}
    others = sum(line.authorization not in known for line in content.lines)
    if others:
        case.cannot_show("fees-of-others", event=happening.where, lines=others)
    return lines


def _line(content: Fees, authorization: Hash32, version: int) -> FeeLine | None:
    keyed = {(line.authorization, line.version): line for line in content.lines}
    return keyed.get((authorization, version))


def _require_line(subject: str, expected: FeeLine | None, shown: FeeLine | None) -> None:
    if expected == shown:
        return
    if expected is None or shown is None:
        what = "nothing is due" if expected is None else "it has no line"
        raise CheckFailed(subject, f"{what}, the statement or the trail says otherwise")
    raise CheckFailed(
        subject,
        f"it charges {shown.charged} and credits {shown.credited} uses for {shown.amount}, "
        f"the trail comes to {expected.charged}, {expected.credited} and {expected.amount}",
        why="disputed, voided and claimed uses do not count until they are ruled on",
    )


def _amounts(lines: list[FeeLine]) -> str:
    """Return the sums in minor units, by currency."""
    found = Fees(0, 0, 0, 0, 0, tuple(lines)).totals
    return ", ".join(f"{currency} {amount}" for currency, (amount, _) in found.items()) or "0"
