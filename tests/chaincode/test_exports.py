"""Persons whose data leave are counted one by one, and none past a mechanism's limit (R20)."""

from dataclasses import replace

import pytest

from node.sdk import exports as sdk
from node.spec import exports as e
from node.spec.crypto import keccak256
from node.spec.terms import words
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import DeliveryMode, LegalBasis, Mechanism, SubjectMode, mask
from tests.chaincode import world as w

YEAR = e.year_of(w.GENESIS_TIME)
PLAIN, SENSITIVE = 0b001, 0b111
"""Fields of class C1 alone, and with some of class C2."""
PEOPLE = [keccak256(b"person %d" % number) for number in range(300)]


def abroad(mechanism=Mechanism.STANDARD_CONTRACT, fields=PLAIN, **changes):
    standard = {
        **w.ABROAD,
        "mechanism": mechanism,
        "fields": fields,
        "subject_mode": SubjectMode.PER_USE,
        "legal_basis": LegalBasis.CONSENT,
        "minimum_group": 0,
        "notice": keccak256(b"notice"),
        "modes": mask(DeliveryMode.QUERY),
        "valid_until": w.GENESIS_TIME + 390 * w.DAY,
    }
    return w.terms(**{**standard, **changes})


@pytest.fixture
def world():
    return w.market()


def granted(world, terms):
    w.request(world, terms)
    signed = [
        w.signature(name, w.identifier(terms))
        for name in ("a.approver", "regulator.approver", "subject")
        if name != "subject" or terms.subject_mode == SubjectMode.ONE
    ]
    world.send("c.gateway", *w.approving(terms, *signed))
    return w.identifier(terms)


def recording(terms, references):
    return ("exports", "record", words(terms), references)


def declare(world, ordinary, sensitive=0, year=YEAR):
    return world.send("a.approver", "exports", "declareElsewhere", year, ordinary, sensitive)


def counts(world, year=YEAR):
    return world.view("exports", "countsOf", w.A, year)


def opening(world, authorization, **changes):
    return ("leases", "open", w.opening(authorization, world, **changes), w.account("a.gateway"))


def test_nothing_leaves_before_it_is_on_record(world):
    authorization = granted(world, abroad())
    refused = world.refused("b.gateway", *opening(world, authorization))
    assert refused == "authorizations: no export on record for the year"
    told = world.send("a.gateway", *recording(abroad(), PEOPLE[:2]))
    assert w.events(told) == ["PersonExported", "PersonExported", "ExportRecorded"]
    assert world.view("exports", "isRecorded", authorization)
    world.send("b.gateway", *opening(world, authorization))
    read = world.reader("exports")
    assert read(e.slot_of_record(authorization, YEAR)) == told_block(world, authorization)
    for person in PEOPLE[:2]:
        slot = e.slot_of_person(w.A, YEAR, person, is_sensitive=False)
        assert read(slot) == world.view("exports", "countedAt", w.A, YEAR, False, person) > 0


def told_block(world, authorization):
    return world.reader("exports")(e.slot_of_record(authorization, YEAR))


def test_a_new_year_asks_for_a_new_record(world):
    authorization = granted(world, abroad())
    world.send("a.gateway", *recording(abroad(), PEOPLE[:1]))
    world.time = w.GENESIS_TIME + 345 * w.DAY
    late = opening(world, authorization, expires_at=world.time + 10 * w.DAY)
    assert e.year_of(world.time) == YEAR
    assert e.year_of(world.time + 10 * w.DAY) == YEAR + 1
    refused = world.refused("b.gateway", *late)
    assert refused == "authorizations: lease ends after its export's year"
    world.time += 10 * w.DAY
    refused = world.refused("b.gateway", *opening(world, authorization))
    assert refused == "authorizations: no export on record for the year"
    world.send("a.gateway", *recording(abroad(), PEOPLE[:1]))
    assert counts(world, YEAR + 1)[0] == 1
    world.send("b.gateway", *opening(world, authorization))


def test_groups_abroad_name_no_person_and_need_no_record(world):
    terms = abroad(
        subject_mode=SubjectMode.NONE,
        legal_basis=LegalBasis.CONTRACT,
        minimum_group=5,
        notice=ZERO_HASH,
    )
    world.send("b.gateway", *opening(world, granted(world, terms)))
    assert not e.needs_record(terms)
    assert e.needs_record(abroad())


def test_one_subject_is_recorded_once_a_year(world):
    terms = abroad(**w.PERSON)
    granted(world, terms)
    two = recording(terms, PEOPLE[:2])
    assert world.refused("a.gateway", *two) == "exports: the terms have one subject"
    world.send("a.gateway", *recording(terms, PEOPLE[:1]))
    again = recording(terms, PEOPLE[1:2])
    assert world.refused("a.gateway", *again) == "exports: the terms have one subject"


def test_a_person_counts_once_a_year_and_kind_of_data(world):
    plain, sensitive = abroad(), abroad(fields=SENSITIVE, nonce=1)
    granted(world, plain)
    granted(world, sensitive)
    world.send("a.gateway", *recording(plain, PEOPLE[:3]))
    told = world.send("a.gateway", *recording(plain, [*PEOPLE[1:4], PEOPLE[3]]))
    assert w.events(told) == ["PersonExported", "ExportRecorded"]
    assert counts(world) == (4, 0, 0, 0)
    world.send("a.gateway", *recording(sensitive, PEOPLE[:2]))
    assert counts(world) == (4, 2, 0, 0)


@pytest.mark.parametrize(
    ("mechanism", "fields", "limit"),
    [
        (Mechanism.EXEMPT, PLAIN, 100_000),
        (Mechanism.STANDARD_CONTRACT, PLAIN, 1_000_000),
        (Mechanism.CERTIFICATION, PLAIN, 1_000_000),
        (Mechanism.STANDARD_CONTRACT, SENSITIVE, 10_000),
        (Mechanism.CERTIFICATION, SENSITIVE, 10_000),
    ],
)
def test_the_last_person_below_a_limit_is_recorded_and_the_next_is_not(
    world, mechanism, fields, limit
):
    terms = abroad(mechanism, fields)
    granted(world, terms)
    is_sensitive = fields == SENSITIVE
    assert e.limit_of(mechanism, is_sensitive=is_sensitive) == limit
    elsewhere = (0, limit - 3) if is_sensitive else (limit - 3, 0)
    declare(world, *elsewhere)
    past = "exports: past the mechanism's limit"
    assert world.refused("a.gateway", *recording(terms, PEOPLE[:3])) == past
    world.send("a.gateway", *recording(terms, PEOPLE[:1]))
    world.send("a.gateway", *recording(terms, PEOPLE[1:2]))
    assert world.refused("a.gateway", *recording(terms, PEOPLE[2:3])) == past
    world.send("a.gateway", *recording(terms, PEOPLE[:2]))
    declare(world, *((0, limit) if is_sensitive else (limit, 0)))
    assert world.refused("a.gateway", *recording(terms, PEOPLE[:1])) == past


@pytest.mark.parametrize(
    "mechanism", [Mechanism.SECURITY_ASSESSMENT, Mechanism.FREE_TRADE_ZONE_LIST]
)
def test_an_assessment_has_no_limit(world, mechanism):
    terms = abroad(mechanism, SENSITIVE)
    granted(world, terms)
    declare(world, 2**64 - 1, 2**63)
    world.send("a.gateway", *recording(terms, PEOPLE[:256]))
    assert counts(world)[1] == 256
    assert e.limit_of(mechanism, is_sensitive=True) is None


def test_sensitive_data_are_never_exempt(world):
    terms = abroad(Mechanism.EXEMPT, SENSITIVE)
    granted(world, terms)
    refused = world.refused("a.gateway", *recording(terms, PEOPLE[:1]))
    assert refused == "exports: sensitive data are not exempt"
    assert e.limit_of(Mechanism.EXEMPT, is_sensitive=True) == 0


def test_what_cannot_be_recorded(world):
    terms = abroad()
    record = recording(terms, PEOPLE[:1])
    assert world.refused("a.gateway", *record) == "exports: not terms in force"
    granted(world, terms)
    for sender in ("b.gateway", "a.governor", "regulator.approver", "x"):
        assert world.refused(sender, *record) == "exports: not the exporter's gateway or approver"
    assert world.refused("a.gateway", *recording(terms, [])) == "exports: no references"
    assert world.refused("a.gateway", *recording(terms, [PEOPLE[0], ZERO_HASH])) == (
        "exports: empty reference"
    )
    home = w.terms(nonce=5)
    w.request(world, home)
    world.send("a.approver", *w.approving(home))
    assert world.refused("a.gateway", *recording(home, PEOPLE[:1])) == (
        "exports: nothing leaves under these terms"
    )
    other = replace(terms, nonce=77)
    assert world.refused("a.gateway", *recording(other, PEOPLE[:1])) == (
        "exports: not terms in force"
    )


def test_declarations_only_grow_and_are_the_exporters(world):
    call = ("exports", "declareElsewhere")
    assert world.refused("a.gateway", *call, YEAR, 1, 1) == "exports: not an approver"
    assert world.refused("a.approver", *call, YEAR + 1, 1, 1) == "exports: the year has not begun"
    assert world.refused("a.approver", *call, YEAR, 2**64, 1) == "exports: count out of range"
    assert world.refused("a.approver", *call, YEAR, 1, 2**64) == "exports: count out of range"
    assert w.events(declare(world, 5, 6)) == ["ExportsDeclared"]
    for fewer in ((4, 6), (5, 5)):
        assert world.refused("a.approver", *call, YEAR, *fewer) == (
            "exports: fewer than were declared"
        )
    declare(world, 5, 7)
    assert counts(world) == (0, 0, 5, 7)
    assert world.view("exports", "countsOf", w.B, YEAR) == (0, 0, 0, 0)


def test_the_calls_of_the_sdk_do_the_same(world):
    terms = abroad()
    granted(world, terms)
    reference = e.export_reference(b"a key of the year", YEAR, b"someone")
    assert reference != e.export_reference(b"a key of the year", YEAR + 1, b"someone")
    world.carry_out("a.gateway", sdk.record_export(terms, [reference]))
    world.carry_out("a.approver", sdk.declare_exports_elsewhere(YEAR, 3, 2))
    assert counts(world) == (1, 0, 3, 2)
