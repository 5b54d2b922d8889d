"""Other systems act on these renderings, so each must be whole, and bound to what was signed."""

import json
from dataclasses import replace
from typing import Any

import pytest

from chaincode.vocabulary import load
from node.errors import DecodeError, Refused
from node.render import consent_record, directory, dpv, iri, odrl
from node.render.consent_record import Event
from node.render.directory import Directory, PartyCard
from node.spec.terms import authorization_id
from node.spec.vocabulary import AuthorizationStatus, LegalBasis, Reason
from tests.chaincode import world as w

CHAIN = 31337
TERMS = w.personal_terms(recipients=1 << w.C, rate_period=2, rate_limit=4)
GROUP = w.terms()
NAMES = Directory(
    {index: PartyCard(f"Bank {index}", f"{index} Road", f"tel:{index}") for index in (1, 2, 5)},
    w.FIELDS,
    w.FIELDS,
    "https://bank.example/notice",
    ("Shanghai",),
    "at any branch",
)
GIVEN = [Event(1_800_000_000, 2, "request", "ConsentRequested"), Event(1_800_000_100, 0, "a", "b")]
DIGEST = "0x" + authorization_id(TERMS, CHAIN).hex()


def all_of(terms: Any = TERMS, chain: int = CHAIN) -> list[dict[str, Any]]:
    return [
        odrl.agreement(terms, chain, NAMES),
        dpv.record(terms, chain, "ConsentGiven", NAMES),
        consent_record.record(terms, chain, GIVEN, NAMES),
    ]


def test_each_carries_the_digest_that_was_signed() -> None:
    for document in all_of():
        assert document["dcd:digest"] == DIGEST
        assert document["dcd:chain"] == CHAIN
        assert document["dcd:contract"] == "0x" + "00" * 18 + "da05"
        assert document["dcd:domain"] == "Dataccord 1"
        json.dumps(document)
    other = replace(TERMS, nonce=TERMS.nonce + 1)
    for ours, theirs in zip(all_of(), all_of(other), strict=True):
        assert ours["dcd:digest"] != theirs["dcd:digest"]
    for ours, theirs in zip(all_of(), all_of(chain=1), strict=True):
        assert ours["dcd:digest"] != theirs["dcd:digest"]


def prefixed(value: Any) -> set[str]:
    """Every compact IRI of a document, in keys and in values that name things."""
    found: set[str] = set()
    if isinstance(value, dict):
        for name, inner in value.items():
            found |= {name} if ":" in name else set()
            found |= prefixed(inner)
    elif isinstance(value, list):
        for inner in value:
            found |= prefixed(inner)
    elif isinstance(value, str) and value.partition(":")[0] in iri.PREFIXES:
        found.add(value)
    return found


def test_every_name_is_of_a_vocabulary_that_the_context_names() -> None:
    for document in (all_of()[0], all_of()[1], all_of()[2]):
        body = {name: inner for name, inner in document.items() if name != "@context"}
        names = prefixed(body)
        assert names
        assert {name.partition(":")[0] for name in names} <= set(iri.PREFIXES)


# ODRL ----

OPERANDS = {"purpose", "dateTime", "count", "spatial", "recipient", "delayPeriod"}
OPERATORS = {"eq", "gteq", "lt", "lteq", "isA", "isAnyOf", "isNoneOf"}
ACTIONS = {"use", "distribute", "delete", "inform", "obtainConsent"}
"""Terms of the ODRL 2.2 core and common vocabulary that an agreement may use."""


def rules(agreement: dict[str, Any]) -> list[dict[str, Any]]:
    found = [
        rule for kind in ("permission", "prohibition", "obligation") for rule in agreement[kind]
    ]
    return found + [duty for rule in found for duty in rule.get("duty", ())]


def test_an_agreement_has_what_odrl_demands() -> None:
    agreement = odrl.agreement(TERMS, CHAIN, NAMES)
    assert agreement["@type"] == "Agreement"
    assert agreement["uid"].endswith(DIGEST)
    assert agreement["profile"] == iri.PROFILE
    assert agreement["conflict"] == "prohibit"
    assert agreement["assigner"]["uid"] == "urn:dataccord:31337:member:1"
    assert agreement["assignee"]["uid"] == "urn:dataccord:31337:member:2"
    for rule in rules(agreement):
        assert rule["action"] in ACTIONS
        for constraint in rule.get("constraint", ()):
            operand = constraint["leftOperand"]
            assert operand in OPERANDS or operand.startswith("dcd:")
            assert constraint["operator"] in OPERATORS
            assert "rightOperand" in constraint
    targets = {rule["target"] for rule in agreement["permission"] + agreement["prohibition"]}
    assert targets == {f"urn:dataccord:31337:product:0x{TERMS.product.hex()}:1"}


def constraints(terms: Any) -> dict[str, Any]:
    agreement = odrl.agreement(terms, CHAIN, NAMES)
    listed = agreement["permission"][0]["constraint"]
    return {
        f"{entry['leftOperand']} {entry['operator']}": entry["rightOperand"] for entry in listed
    }


def test_constraints_are_those_of_the_terms() -> None:
    found = constraints(TERMS)
    assert found["purpose isA"] == {"@id": "dpv-finance:CreditChecking"}
    assert found["count lteq"] == {"@value": "100", "@type": "xsd:integer"}
    assert found["spatial eq"] == "CN"
    assert found["dateTime gteq"]["@value"] == "2027-01-15T08:00:00Z"
    assert found["dateTime lt"]["@value"] == "2027-02-14T08:00:00Z"
    assert found["dcd:deliveryMode isAnyOf"] == ["dcd:Fields"]
    assert found["dcd:field isAnyOf"] == list(w.FIELDS[:3])
    assert found["dcd:ratePerWindow lteq"]["@value"] == "4"
    assert "dcd:kMinimum gteq" not in found
    group = constraints(GROUP)
    assert group["dcd:kMinimum gteq"]["@value"] == "5"
    assert "dcd:ratePerWindow lteq" not in group


def test_a_subject_is_a_duty_to_obtain_consent() -> None:
    permission = odrl.agreement(TERMS, CHAIN)["permission"][0]
    reference = "0x" + TERMS.subject_reference.hex()
    assert permission["duty"][0]["action"] == "obtainConsent"
    assert permission["duty"][0]["consentingParty"]["uid"].endswith(reference)
    assert "duty" not in odrl.agreement(GROUP, CHAIN)["permission"][0]


def test_onward_sharing_is_prohibited_but_to_recipients() -> None:
    limited = odrl.agreement(TERMS, CHAIN)["prohibition"][0]
    assert limited["constraint"][0]["rightOperand"] == ["urn:dataccord:31337:member:5"]
    assert "constraint" not in odrl.agreement(GROUP, CHAIN)["prohibition"][0]


# DPV ----


def test_a_dpv_record_names_purpose_basis_parties_and_status() -> None:
    record = dpv.record(TERMS, CHAIN, "ConsentGiven", NAMES)
    assert record["@type"] == "dpv:Process"
    assert record["dpv:hasPurpose"] == {"@id": "dpv-finance:CreditChecking"}
    assert record["dpv:hasLegalBasis"] == {"@id": "dpv:ExplicitlyExpressedConsent"}
    assert record["dpv:hasConsentStatus"] == {"@id": "dpv:ConsentGiven"}
    assert [party["@id"][-1] for party in record["dpv:hasRecipient"]] == ["2", "5"]
    assert record["dpv:hasDataController"][0]["dcd:unsignedName"] == "Bank 1"
    assert record["dpv:hasData"] == list(w.FIELDS[:3])
    plain = dpv.record(GROUP, CHAIN)
    assert "dpv:hasDataSubject" not in plain
    assert "dpv:hasConsentStatus" not in plain
    assert plain["dpv:hasLegalBasis"] == {"@id": "dpv:Contract"}


def test_each_status_has_its_name_in_dpv() -> None:
    assert set(dpv.STATUS) == set(AuthorizationStatus)
    assert dpv.status_of(AuthorizationStatus.REVOKED) == "ConsentRevoked"
    withdrawn = dpv.status_of(AuthorizationStatus.REVOKED, Reason.SUBJECT_WITHDREW)
    assert withdrawn == "ConsentWithdrawn"


@pytest.mark.parametrize("basis", LegalBasis)
def test_each_basis_and_purpose_has_its_name_in_dpv(basis: LegalBasis) -> None:
    assert dpv.record(replace(GROUP, legal_basis=basis), CHAIN)["dpv:hasLegalBasis"]
    for term in load()["purpose"]:
        prefix = iri.purpose(term.index).partition(":")[0]
        assert prefix == ("dpv" if term.index > 43 else "dpv-finance")


# Consent records ----


def test_a_consent_record_has_every_mandatory_field() -> None:
    record = consent_record.record(TERMS, CHAIN, GIVEN, NAMES)
    sections = (
        ([record["record"]], consent_record.HEADER),
        ([record["pii_processing"]], consent_record.PROCESSING),
        (record["pii_processing"]["pii_information"], consent_record.DATA),
        (record["party_identification"], consent_record.PARTY),
        (record["consent_events"], consent_record.EVENT),
    )
    for entries, mandatory in sections:
        assert entries
        for entry in entries:
            assert all(entry.get(name) for name in mandatory), entry
    assert len(record["party_identification"]) == 3
    assert record["consent_events"][1]["entity_id"].startswith("urn:dataccord:31337:subject:")
    assert record["dcd:notSigned"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"privacy_notice": ""}, "privacy notice"),
        ({"storage_locations": ()}, "storage location"),
        ({"withdrawal": ""}, "withdraw"),
        ({"members": {}}, "member 1 is not"),
        ({"members": {**NAMES.members, 5: PartyCard("Bank 5", "", "tel:5")}}, "party_address"),
        ({"kinds": ()}, "field 0 has no kind"),
        ({"kinds": ("Nothing",) * 3}, "no kind of the vocabulary"),
    ],
)
def test_a_record_with_a_gap_is_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused, match="incomplete") as caught:
        consent_record.record(TERMS, CHAIN, GIVEN, replace(NAMES, **changes))
    assert why in caught.value.why


def test_a_record_without_subject_or_events_is_refused() -> None:
    with pytest.raises(Refused, match="incomplete"):
        consent_record.record(GROUP, CHAIN, GIVEN, NAMES)
    with pytest.raises(Refused, match="incomplete"):
        consent_record.record(TERMS, CHAIN, [], NAMES)


@pytest.mark.parametrize(
    "changes", [{"purpose": 999}, {"legal_basis": 99}, {"destination": 1}, {"modes": 1 << 7}]
)
def test_what_this_version_does_not_know_is_one_error(changes: dict[str, int]) -> None:
    with pytest.raises(DecodeError, match="not in the vocabulary"):
        all_of(replace(TERMS, **changes))


# Directories ----


def test_a_directory_comes_from_json() -> None:
    document = {
        "members": {"1": {"name": "一", "address": "a", "contact": "c"}},
        "fields": ["x"],
        "kinds": ["Income"],
        "privacyNotice": "n",
        "storageLocations": ["s"],
        "withdrawal": "w",
    }
    found = directory.from_json(document)
    assert found == Directory({1: PartyCard("一", "a", "c")}, ("x",), ("Income",), "n", ("s",), "w")
    assert found.name_of(2) == ""


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"more": 1},
        {"members": []},
        {"members": {"x": {}}},
        {"members": {"1": {"name": 5, "address": "", "contact": ""}}},
        {"members": {"1": {"name": ""}}},
        {"fields": "x"},
        {"fields": [5]},
        {"fields": ["x"] * 257},
        {"withdrawal": 5},
    ],
)
def test_a_malformed_directory_is_one_error(document: Any) -> None:
    with pytest.raises(DecodeError):
        directory.from_json(document)
