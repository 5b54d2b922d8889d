"""A grant on application, or in a sandbox, is proved with what let it through, or not at all."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node.audit.bundle import decode_bundle
from node.audit.checks_conditions import check_conditions
from node.audit.evidence import CheckFailed, Evidence
from node.audit.report import to_text
from node.audit.result import Report
from node.audit.verify import verify
from node.sdk import applications as applying
from node.sdk import sandboxes as trying
from node.sdk.contracts import Call
from node.sdk.governance import set_holidays, set_mandate
from node.spec import applications, registry, sandboxes
from node.spec.crypto import keccak256
from node.spec.slots import mapping_slot
from node.spec.terms import Terms, words
from node.spec.types import Address, Hash32
from node.spec.vocabulary import MemberKind, RefusalReason, Role, Zone, mask, purpose
from node.spec.working_days import year_table
from tests.chaincode import sandboxed, world
from tests.unit.audit.factory import A, B, Chain, agreed

DOCUMENT = keccak256(b"document")
CHECKING, SCORE = purpose("CreditChecking"), purpose("CreditScoreEvaluation")
TERMS = agreed(1, purpose=SCORE)
UNTIL = TERMS.valid_until + 1
OFFICERS = sandboxed.OFFICERS


def carry(chain: Chain, sender: str, call: Call) -> None:
    chain.send_data(sender, call.to, call.data)


def verified(chain: Chain, data: bytes) -> Report:
    report = verify(data, chain.genesis.hash)
    assert report.exit_code == 0, report.failures
    return report


def shares(chain: Chain, terms: Terms) -> Hash32:
    """A grant with a lease that is used and closed."""
    identity = chain.grant(terms)
    lease = chain.open(identity, 1, uses=2, purpose=terms.purpose)
    chain.use(lease, 2)
    chain.anchor(chain.range(identity, 1, 1, 2, True))
    return identity


# On application ----


@pytest.fixture
def office(tmp_path: Path) -> Chain:
    chain = Chain(tmp_path / "journal.db", {A: MemberKind.GOVERNMENT_OFFICE})
    chain.govern(set_holidays(2027, year_table(2027, ())))
    chain.market(on_application=True)
    return chain


def apply(chain: Chain, wanted: int) -> int:
    carry(chain, "b.approver", applying.apply_for_data(world.product(), 1, wanted, DOCUMENT))
    number = chain.ledger.state_of(chain.ledger.head).storage(applications.APPLICATIONS, 0)
    reviewer = applying.assign_reviewer(number, world.account("a.approver"))
    carry(chain, "a.approver", reviewer)
    return number


def approve(chain: Chain, wanted: int, until: int = UNTIL) -> int:
    number = apply(chain, wanted)
    carry(chain, "a.approver", applying.approve_application(number, until, DOCUMENT))
    return number


def test_the_application_is_proved_with_the_grant(office: Chain) -> None:
    refused = apply(office, CHECKING)
    reason = RefusalReason.MATERIAL_INCOMPLETE
    carry(office, "a.approver", applying.refuse_application(refused, reason, DOCUMENT))
    approve(office, CHECKING)
    shares(office, TERMS)
    # What is decided afterwards takes nothing away.
    approve(office, CHECKING, office.time + 100)
    approve(office, SCORE, office.time + 100)
    data = asyncio.run(office.export())
    report = verified(office, data)
    assert not report.statements
    records = [r for r in decode_bundle(data).state if r.address == applications.APPLICATIONS]
    # The newest of both purposes, and three or one applications on the way to the one in force.
    assert sum(len(record.proof.slots) for record in records) == 2 + 3 * applications.WORDS


def test_an_amendment_is_held_to_the_application_of_its_own_time(office: Chain) -> None:
    approve(office, SCORE, TERMS.valid_until)
    identity = shares(office, TERMS)
    more = replace(TERMS, amends=identity, valid_until=UNTIL, nonce=2)
    approve(office, SCORE, UNTIL)
    office.send("b.approver", "grants", "requestUpon", words(more), [words(TERMS)], ())
    office.send("a.approver", *world.approving(more))
    verified(office, asyncio.run(office.export()))


def test_what_was_only_asked_for_is_proved_too(office: Chain) -> None:
    approve(office, SCORE)
    identity = world.identifier(TERMS)
    office.send("b.approver", *world.requesting(TERMS))
    verified(office, asyncio.run(office.export(identity)))


def evidence_of(chain: Chain, *wanted: Hash32) -> Evidence:
    """The evidence of a chain's one grant over state that a test may change."""
    data = asyncio.run(chain.export(*wanted))
    evidence = Evidence(decode_bundle(data))
    report = verify(data, chain.genesis.hash)
    evidence.cases = report.cases
    evidence.happenings = [h for case in report.cases for h in case.events]
    held = chain.ledger.state_of(chain.ledger.head)
    for record in evidence.bundle.state:
        known = evidence.words.setdefault(record.address, {})
        for part in record.proof.slots:
            known[part.slot] = held.storage(record.address, part.slot)
    return evidence


def judged(evidence: Evidence) -> None:
    case = evidence.cases[0]
    slot = mapping_slot(mapping_slot(0, case.terms.product), case.terms.product_version)
    check_conditions(evidence, case, case, evidence.words[registry.CATALOG][slot])


def changing(evidence: Evidence, contract: Address, changes: dict[int, int]) -> None:
    evidence.words[contract] = {**evidence.words[contract], **changes}


STATUS, PROVIDER, APPLICANT, LAST, DECIDED = 0, 2, 1, 12, 15
"""Words of an application."""


@pytest.mark.parametrize(
    ("word", "value", "found"),
    [
        (STATUS, 4, "no application approved by block"),
        (DECIDED, 10_000, "no application approved by block"),
        (LAST, TERMS.valid_until - 1, "no application approved by block"),
        (PROVIDER, B, "another provider's to decide"),
        (APPLICANT, A, "is not of its place"),
        (STATUS, 9, "status 9"),
    ],
)
def test_another_application_proves_nothing(
    office: Chain, word: int, value: int, found: str
) -> None:
    number = approve(office, SCORE)
    shares(office, TERMS)
    evidence = evidence_of(office)
    judged(evidence)
    slot = applications.slots_of_application(number)[word]
    parents = {applications.slot_of_newest(place): 0 for place in places()[1:]}
    changing(evidence, applications.APPLICATIONS, {**parents, slot: value})
    with pytest.raises(CheckFailed, match=found):
        judged(evidence)


def places() -> tuple[Hash32, ...]:
    return applications.places(world.product(), 1, B, SCORE)


def test_too_many_applications_are_said_not_to_be_looked_through(
    office: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    approve(office, SCORE)
    shares(office, TERMS)
    for _ in range(2):
        approve(office, SCORE, UNTIL)
    evidence = evidence_of(office)
    parents = {applications.slot_of_newest(place): 0 for place in places()[1:]}
    changing(evidence, applications.APPLICATIONS, parents)
    monkeypatch.setattr(applications, "CHAIN_MAX", 2)
    judged(evidence)
    assert {statement.key for statement in evidence.cases[0].statements} == {"applications"}


# In a sandbox ----


@pytest.fixture
def tried(tmp_path: Path) -> Chain:
    chain = Chain(tmp_path / "journal.db")
    roles = mask(Role.SENDER, Role.OFFICER)
    for name in OFFICERS:
        account = world.account(name)
        chain.send("regulator.governor", "members", "admitAccount", account, roles)
    chain.govern(set_mandate(world.REGULATOR, mask(Zone.FINANCE), 0))
    for name in OFFICERS:
        carry(chain, name, trying.open_sandbox(sandboxed.plan()))
    for member in (A, B):
        carry(chain, OFFICERS[0], trying.admit_to_sandbox(1, member))
    chain.market(sandbox=1)
    return chain


def test_what_is_tried_is_proved_within_its_sandbox(tried: Chain) -> None:
    identity = shares(tried, TERMS)
    more = replace(TERMS, amends=identity, maximum_uses=110, nonce=2)
    tried.send("b.approver", "grants", "requestUpon", words(more), [words(TERMS)], ())
    tried.send("a.approver", *world.approving(more))
    report = verified(tried, asyncio.run(tried.export()))
    assert {statement.key for statement in report.statements} == {"admitted"}
    for language, said in (("en", "sandbox 1"), ("zh", "沙盒 1")):
        assert said in to_text(report, language)


@pytest.mark.parametrize("order", ["close", "expel"])
def test_an_early_close_is_an_end_by_an_officer(tried: Chain, order: str) -> None:
    shares(tried, TERMS)
    call = trying.close_sandbox(1, sandboxed.CASE)
    if order == "expel":
        call = trying.expel_from_sandbox(1, B, sandboxed.CASE)
    carry(tried, OFFICERS[1], call)
    report = verified(tried, asyncio.run(tried.export()))
    assert report.cases[0].state.ended == tried.number
    assert {statement.key for statement in report.statements} == {"admitted"}


UNTIL_WORD, USES_MAX, USES_EACH, LISTED, COUNTED, CLOSED = 2, 4, 5, 6, 7, 9
"""Words of a sandbox."""


@pytest.mark.parametrize(
    ("word", "value", "found"),
    [
        (0, 0, "there is no sandbox 1"),
        (UNTIL_WORD, TERMS.valid_until - 1, "it outlasts sandbox 1"),
        (USES_EACH, TERMS.maximum_uses - 1, "more uses than sandbox 1 allows one"),
        (USES_MAX, TERMS.maximum_uses - 1, "more uses than its cap"),
        (LISTED, 4, "more authorizations than its cap"),
        (CLOSED, 5, "was closed early, and it stands"),
    ],
)
def test_another_sandbox_proves_nothing(tried: Chain, word: int, value: int, found: str) -> None:
    identity = shares(tried, TERMS)
    evidence = evidence_of(tried)
    judged(evidence)
    slot = sandboxes.slots_of_sandbox(1)[word]
    assert sandboxes.counted(evidence.reader(sandboxes.SANDBOXES), identity) == TERMS.maximum_uses
    changing(evidence, sandboxes.SANDBOXES, {slot: value})
    with pytest.raises(CheckFailed, match=found):
        judged(evidence)


def test_what_its_sandbox_does_not_count_is_not_proved(tried: Chain) -> None:
    identity = shares(tried, TERMS)
    evidence = evidence_of(tried)
    changing(evidence, sandboxes.SANDBOXES, {sandboxes.slot_of_counted(identity): 99})
    with pytest.raises(CheckFailed, match="does not count its uses"):
        judged(evidence)


def test_names_of_words_are_those_of_the_contracts() -> None:
    fields: Any = list(applications.Application.__dataclass_fields__)
    named = [fields[word] for word in (STATUS, APPLICANT, PROVIDER, LAST, DECIDED)]
    assert named == ["status", "applicant", "provider", "until", "decided_in"]
    fields = list(sandboxes.Sandbox.__dataclass_fields__)
    words_ = (UNTIL_WORD, USES_MAX, USES_EACH, LISTED, COUNTED, CLOSED)
    assert [fields[word] for word in words_] == [
        *("until", "uses_maximum", "uses_each", "authorizations", "uses", "closed_in"),
    ]
