"""An index of the vocabulary is signed and stored for ever, so none may change its meaning."""

import hashlib
import json
from importlib import resources

import pytest

from chaincode.vocabulary import TABLES, ancestors, load, parse
from node.spec import vocabulary
from scripts.docs import VOCABULARY_FILE, vocabulary_reference

PINNED = {
    "purpose": "51 5695ab5db01fd577",
    "field_kind": "35 4c42c58c6afcdb8d",
    "level": "5 545479a6469fef69",
    "personal_class": "4 a42401ee834fadc0",
    "terms_member": "42 ee318eed7ff56a9e",
    "delivery_mode": "6 90f6aa8746924d56",
    "subject_mode": "3 18542529267a51c8",
    "legal_basis": "7 87309a83999d3d83",
    "party": "8 5ca1c0686a7251cc",
    "reason": "12 af2d981c9be6a932",
    "member_kind": "6 daa527a271763738",
    "role": "6 1f8cd34c32913835",
    "zone": "13 582ce191017eca3b",
    "jurisdiction": "22 6be05f174b402cdd",
    "payment_kind": "3 bf10a9c27bb183f8",
    "freeze_ground": "5 5ff4ca5f52de8a2b",
    "contract_kind": "4 b58ab650f565f5ec",
    "rate_period": "6 508210881b9d6b0d",
    "mechanism": "6 e51e40c3f01f14bc",
    "owner_right": "3 d52dc86c23ecdbd6",
    "price_class": "5 11a179ff17f65ac9",
    "delegation_kind": "2 a9f4829385c872d3",
    "authorization_status": "10 d70115e3cd9d8239",
    "lease_status": "4 bb872084214dcbbb",
    "product_status": "3 44a0ae66c74b9ac6",
    "receipt_kind": "2 742e35348e2e9e18",
    "correction_cause": "4 2e508b51343c488a",
    "proposal_kind": "17 ed62ccb511c7ffbc",
    "proposal_status": "6 40c5b6dc67f48248",
    "ballot": "3 2816c16dfe6ff8c2",
    "parameter": "9 e732501bcbcdbf50",
    "version_status": "2 16afe1b9e86706d7",
    "obligation_kind": "4 1ea21adbd2ecb23a",
    "obligation_status": "5 678edd7beb567439",
    "erasure_ground": "7 e7b8164032dfdf1e",
    "dispute_status": "5 4b2947d8d9b8f34c",
    "acceptance_status": "3 54f3c3d40ffef9c0",
    "ruling": "5 7ebd96524f8d15be",
    "application_status": "7 596df99c5a85eeb0",
    "refusal_reason": "12 a82326b174d2b90c",
}
"""Number of entries and a digest over index, name and rule of each, labels aside.

A table may grow: then its line gets the new count and digest, and the diff of `vocabulary.json`
shows that only lines were added.
"""


def digest(terms) -> str:
    rows = [(t.index, t.name, t.parent, t.level, t.personal_class, t.by) for t in terms]
    return f"{len(rows)} {hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]}"


@pytest.mark.parametrize("table", TABLES)
def test_indices_keep_their_meaning(table):
    assert digest(load()[table]) == PINNED[table]


def test_every_entry_has_both_labels():
    for table in TABLES:
        for term in load()[table]:
            assert term.en
            assert term.zh
            assert any("\u4e00" <= character <= "\u9fff" for character in term.zh)


@pytest.mark.parametrize("enum", vocabulary.TABLE_OF)
def test_enums_repeat_their_tables(enum):
    table = load()[vocabulary.TABLE_OF[enum]]
    told = {member.value: member.name.replace("_", "").lower() for member in enum}
    assert told == {term.index: term.name.replace("_", "").lower() for term in table}


def test_a_parent_covers_its_children_never_the_reverse():
    checking, score = (vocabulary.purpose(n) for n in ("CreditChecking", "CreditScoreEvaluation"))
    assert vocabulary.purpose_covers(checking, score)
    assert vocabulary.purpose_covers(score, score)
    assert not vocabulary.purpose_covers(score, checking)
    assert not vocabulary.purpose_covers(0, 0)
    assert not vocabulary.purpose_covers(99, 99)
    claim = vocabulary.purpose("InsuranceClaimPayoutAssessment")
    names = [load().term("purpose", parent).name for parent in ancestors(load(), claim)]
    assert names == ["InsuranceClaimsManagement", "InsuranceManagement"]


def test_a_mask_of_purposes_holds_all_that_one_covers_and_no_more():
    indices = [term.index for term in load()["purpose"]]
    for granted in indices:
        covered = {index for index in indices if vocabulary.purpose_covers(granted, index)}
        assert vocabulary.covered_by(granted) == sum(1 << index for index in covered)
    assert vocabulary.covered_by(99) == 1 << 99, "one that this version does not know"


def test_lookups_and_labels():
    assert vocabulary.field_kind("Biometric").personal_class == 3
    assert vocabulary.label("reason", vocabulary.Reason.SUBJECT_WITHDREW, "zh") == "主体撤回"
    assert vocabulary.label("reason", vocabulary.Reason.SUBJECT_WITHDREW) == "The subject withdrew"
    assert vocabulary.label("reason", 200) == "reason 200"
    with pytest.raises(KeyError, match="no entry 'Nothing'"):
        vocabulary.purpose("Nothing")
    assert vocabulary.mask(vocabulary.Party.PROVIDER, vocabulary.Party.SUBJECT) == 0b101


def document():
    return json.loads(resources.files("chaincode").joinpath("vocabulary.json").read_text("utf-8"))


def test_a_table_that_repeats_an_index_is_refused():
    broken = document()
    broken["tables"]["role"][1]["index"] = 0
    with pytest.raises(ValueError, match="repeats an index"):
        parse(broken)


def test_a_cycle_of_purposes_is_refused():
    broken = document()
    broken["tables"]["purpose"][0]["parent"] = 1
    with pytest.raises(ValueError, match="nested too deep"):
        parse(broken)


def test_an_unknown_table_is_refused():
    broken = document()
    broken["tables"]["extra"] = []
    with pytest.raises(ValueError, match="tables are"):
        parse(broken)


def test_the_vocabulary_reference_is_current():
    written = vocabulary_reference()
    assert VOCABULARY_FILE.read_text(encoding="utf-8") == written, "run `make docs`"
    for terms in load().tables.values():
        for term in terms:
            assert f"| {term.index} | `{term.name}` | {term.zh} | {term.en} |" in written
