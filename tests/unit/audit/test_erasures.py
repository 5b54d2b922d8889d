"""A person's wish to be erased: proved with who had it, and nothing else hastens a deletion."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node.audit.checks_erasures import require_wishes
from node.audit.evidence import Case, CheckFailed, Evidence
from node.audit.summary import moment
from node.audit.verify import verify
from node.sdk.abi import encode_call
from node.spec.obligations import OBLIGATIONS, erasure_digest
from node.spec.terms import words
from node.spec.vocabulary import Reason
from tests.chaincode import world
from tests.chaincode.world import signature
from tests.unit.audit.factory import Chain, personal
from tests.unit.audit.test_conditions import evidence_of
from tests.unit.audit.test_obligations import PROOF, WITHIN, certify, deletion
from tests.unit.audit.test_paths import MULTICALL, carried, keys

TERMS = replace(personal(1), retention_days=100)
IDENTITY = world.identifier(TERMS)


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    grown = Chain(tmp_path / "journal.db")
    grown.market()
    grown.grant(TERMS)
    revoke = (IDENTITY, int(Reason.PROVIDER_WITHDREW), PROOF)
    grown.send("a.approver", "authorizations", "revoke", *revoke)
    return grown


def asking() -> tuple[Any, ...]:
    half = signature("subject", erasure_digest(IDENTITY, world.CHAIN_ID))
    return "obligations", "askErasure", words(TERMS), half


def test_a_wish_brings_the_deletion_forward_and_is_proved(chain: Chain) -> None:
    assert deletion(chain, IDENTITY).details["due"] == moment(
        chain.time - 1 + 100 * world.DAY + WITHIN
    )
    chain.send("c.gateway", *asking())
    assert deletion(chain, IDENTITY).details["due"] == moment(chain.time - 1 + WITHIN)
    certify(chain, 0, IDENTITY)
    assert deletion(chain, IDENTITY).details["fulfilled"]


def test_a_wish_that_is_not_done_in_time_is_found(chain: Chain) -> None:
    chain.send("c.gateway", *asking())
    chain.wait(WITHIN)
    assert "it was not done by" in deletion(chain, IDENTITY).what


def test_a_wish_through_another_contract_is_said_not_to_be_shown(chain: Chain) -> None:
    data = encode_call(*asking())
    chain.send_data("c.gateway", MULTICALL, carried(OBLIGATIONS, data))
    report = verify(asyncio.run(chain.export(IDENTITY)), chain.genesis.hash)
    assert report.exit_code == 0
    assert keys(report) == {"indirect"}


def wished(chain: Chain) -> tuple[Evidence, Case]:
    """A case with a wish, as a check sees it."""
    chain.send("c.gateway", *asking())
    evidence = evidence_of(chain, IDENTITY)
    case = evidence.cases[0]
    require_wishes(evidence, case)
    return evidence, case


def other(account: bytes) -> str:
    return "0x" + account.hex()


@pytest.mark.parametrize(
    ("account", "found"),
    [
        (world.account("b.approver"), "neither the subject nor its agent asked"),
        (world.account("agent"), "another asked to be erased"),
    ],
)
def test_a_wish_is_the_subjects_own(chain: Chain, account: bytes, found: str) -> None:
    evidence, case = wished(chain)
    case.terms = replace(case.terms, agent=world.account("agent"))
    for place, happening in enumerate(case.events):
        if happening.name == "ErasureAnswered":
            values = {**happening.event.values, "account": other(account)}
            changed = replace(happening, event=replace(happening.event, values=values))
            case.events = (*case.events[:place], changed, *case.events[place + 1 :])
    with pytest.raises(CheckFailed, match=found):
        require_wishes(evidence, case)


def test_nothing_else_hastens_a_deletion(chain: Chain) -> None:
    """State as no contract leaves it: brought forward where the subject said nothing."""
    evidence, case = wished(chain)
    kept = tuple(h for h in case.events if h.name != "ErasureAnswered")
    case.events, evidence.happenings = kept, list(kept)
    with pytest.raises(CheckFailed, match="no wish of the subject hastens it"):
        require_wishes(evidence, case)


def test_a_wish_about_what_stood_on_another_ground_hastens_nothing(chain: Chain) -> None:
    evidence, case = wished(chain)
    case.terms = replace(case.terms, legal_basis=2)
    with pytest.raises(CheckFailed, match="no wish of the subject hastens it"):
        require_wishes(evidence, case)
