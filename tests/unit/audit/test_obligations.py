"""A trail whose terms were renewed owes one deletion for each end, and no file leaves one out."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from node.audit.checks_obligations import check_deletion, check_records
from node.audit.evidence import CheckFailed
from node.audit.result import Result
from node.audit.summary import moment
from node.audit.verify import verify
from node.chain.genesis import DEVELOPMENT_DEADLINE_FLOOR_SECONDS
from node.spec.crypto import keccak256
from node.spec.obligations import OBLIGATIONS, end_id, slots_of_obligation
from node.spec.terms import Terms, words
from node.spec.types import Hash32
from node.spec.vocabulary import ObligationKind, ObligationStatus, Reason
from tests.chaincode import world
from tests.chaincode.world import REGULATOR, A, B, signature
from tests.unit.audit.factory import Chain, agreed, personal
from tests.unit.audit.test_conditions import changing, evidence_of
from tests.unit.audit.test_versions import amend

PROOF = keccak256(b"proof")
WITHIN = 2 * 168 * DEVELOPMENT_DEADLINE_FLOOR_SECONDS
FIRST = agreed(1, maximum_uses=1, retention_days=2)
IDENTITY = world.identifier(FIRST)
RENEWED = replace(FIRST, amends=IDENTITY, maximum_uses=2)
DELETE, SALT = ObligationKind.DELETE_DATA, ObligationKind.DESTROY_SALT
DUE, STATUS = 3, 5
"""Words of an obligation."""


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    grown = Chain(tmp_path / "journal.db")
    grown.market()
    return grown


def use_up(chain: Chain, number: int, *, opens: bool = True) -> None:
    """Make one use under a lease of its own, and open what the end by exhaustion obliges to."""
    lease = chain.open(IDENTITY, number, uses=1)
    chain.use(lease, 1)
    chain.settle(IDENTITY, number, 1)
    chain.close(IDENTITY, number)
    if opens:
        chain.send("c.approver", "obligations", "openDeletion", IDENTITY)


def dispute(chain: Chain) -> None:
    """A dispute of the consumer over the one receipt."""
    over = (IDENTITY, 1, 1, 1, REGULATOR, PROOF)
    chain.send("b.approver", "disputes", "open", *over)


def certify(chain: Chain, leases: int, identity: Hash32 = IDENTITY) -> None:
    chain.send("b.approver", "obligations", "certifyDeletion", identity, leases, PROOF, PROOF)


def revoke(chain: Chain, identity: Hash32, reason: Reason, sender: str = "a.approver") -> None:
    chain.send(sender, "authorizations", "revoke", identity, int(reason), PROOF)


def deletion(chain: Chain, identity: Hash32 = IDENTITY) -> Result:
    """What a bundle of one authorization proves of its deletions."""
    chain.seal([])
    report = verify(asyncio.run(chain.export(identity)), chain.genesis.hash)
    return next(r for r in report.results if r.check == "deletion")


def renewed(chain: Chain, *, certified: bool) -> None:
    """An authorization used up, whose deletion was opened, and which was renewed after that."""
    chain.grant(FIRST)
    use_up(chain, 1)
    if certified:
        certify(chain, 1)
    amend(chain, RENEWED, FIRST)


@pytest.mark.parametrize("certified", [False, True])
def test_each_end_has_its_deletion_or_gave_way_to_the_next(chain: Chain, certified: bool) -> None:
    renewed(chain, certified=certified)
    assert deletion(chain).details == {"due": None, "fulfilled": False}
    use_up(chain, 2)
    certify(chain, 2)
    assert deletion(chain).details["fulfilled"]


@pytest.mark.parametrize("opens", [False, True])
def test_a_deletion_of_renewed_terms_that_is_missing_is_found(chain: Chain, opens: bool) -> None:
    """What was certified under the terms before does not stand for it."""
    renewed(chain, certified=True)
    use_up(chain, 2, opens=opens)
    assert not deletion(chain).what
    chain.wait(2 * world.DAY + WITHIN)
    missing = "it was not done by" if opens else "nobody opened what its end obliges to"
    assert missing in deletion(chain).what


def test_a_duty_that_was_late_when_it_was_superseded_is_found(chain: Chain) -> None:
    chain.grant(FIRST)
    use_up(chain, 1)
    chain.wait(2 * world.DAY + WITHIN)
    amend(chain, RENEWED, FIRST)
    assert deletion(chain).what == "it was late when it was superseded"


@pytest.mark.parametrize("by", ["use", "time"])
def test_a_duty_that_nobody_opened_is_missed_after_a_renewal_too(chain: Chain, by: str) -> None:
    chain.grant(FIRST)
    renewal = RENEWED
    if by == "use":
        use_up(chain, 1, opens=False)
    else:
        chain.wait(FIRST.valid_until - chain.time)
        renewal = replace(RENEWED, valid_until=FIRST.valid_until + 90 * world.DAY)
    chain.wait(2 * world.DAY + WITHIN + 1)
    late = deletion(chain).what
    assert "nobody opened what its end obliges to" in late
    amend(chain, renewal, FIRST)
    assert deletion(chain).what == late


def test_a_renewal_in_time_leaves_nothing_due(chain: Chain) -> None:
    chain.grant(FIRST)
    use_up(chain, 1, opens=False)
    chain.wait(2 * world.DAY)
    amend(chain, RENEWED, FIRST)
    assert deletion(chain).details == {"due": None, "fulfilled": False}


def test_what_is_used_up_while_suspended_ends_once_it_is_resumed(chain: Chain) -> None:
    """Until then nobody may open what its end obliges to."""
    chain.grant(FIRST)
    lease = chain.open(IDENTITY, 1, uses=1)
    chain.use(lease, 1)
    chain.settle(IDENTITY, 1, 1)
    suspending = (IDENTITY, int(Reason.FRAUD_SUSPECTED), bytes(32))
    chain.send("a.approver", "authorizations", "suspend", *suspending)
    chain.close(IDENTITY, 1)
    chain.wait(2 * world.DAY + WITHIN)
    chain.send("a.approver", "authorizations", "resume", IDENTITY)
    assert deletion(chain).details["due"] == moment(chain.time - 1 + 2 * world.DAY + WITHIN)


def test_what_was_used_up_does_not_end_again_when_its_time_is_over(chain: Chain) -> None:
    chain.grant(FIRST)
    use_up(chain, 1, opens=False)
    chain.wait(FIRST.valid_until - chain.time)
    assert "nobody opened what its end obliges to" in deletion(chain).what


@pytest.mark.parametrize("opens", [False, True])
def test_a_hold_excuses_nothing_that_was_late_before_it(chain: Chain, opens: bool) -> None:
    chain.grant(FIRST)
    use_up(chain, 1, opens=opens)
    chain.wait(2 * world.DAY + WITHIN)
    dispute(chain)
    assert deletion(chain).what


def test_holds_stop_the_clock_of_what_nobody_opened(chain: Chain) -> None:
    """Two disputes over each other, and a third when the data might have been kept no longer."""
    chain.grant(FIRST)
    use_up(chain, 1, opens=False)
    dispute(chain)
    chain.wait(3 * world.DAY)
    dispute(chain)
    for number in (1, 2):
        chain.wait(world.DAY)
        chain.send("b.approver", "disputes", "withdraw", number)
    chain.wait(2 * world.DAY)
    assert not deletion(chain).what
    dispute(chain)
    chain.wait(WITHIN)
    amend(chain, RENEWED, FIRST)
    assert deletion(chain).details == {"due": None, "fulfilled": False}


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (None, "state holds no duty that is shown to be opened"),
        (ObligationStatus.OWED, "event and state differ in whether it was superseded"),
        (ObligationStatus.FULFILLED, "event and state differ in whether it was done"),
    ],
)
def test_an_earlier_duty_is_not_dropped(
    chain: Chain, status: ObligationStatus | None, found: str
) -> None:
    renewed(chain, certified=False)
    evidence = evidence_of(chain)
    check_deletion(evidence, evidence.cases[0])
    slots = slots_of_obligation(end_id(DELETE, IDENTITY, B, 1))
    gone = dict.fromkeys(slots, 0)
    changing(evidence, OBLIGATIONS, gone if status is None else {slots[STATUS]: status})
    with pytest.raises(CheckFailed, match=found):
        check_deletion(evidence, evidence.cases[0])


def test_a_duty_is_superseded_with_its_terms_alone(chain: Chain) -> None:
    """State as no contract leaves it: superseded beside the renewal, or standing open after it."""
    renewed(chain, certified=False)
    evidence = evidence_of(chain)
    case = evidence.cases[0]
    case.events = tuple(h for h in case.events if h.name != "ObligationSuperseded")
    slots = slots_of_obligation(end_id(DELETE, IDENTITY, B, 1))
    changing(evidence, OBLIGATIONS, {slots[STATUS]: ObligationStatus.OWED})
    with pytest.raises(CheckFailed, match="stands open under terms that were replaced"):
        check_deletion(evidence, case)
    evidence = evidence_of(chain)
    case = evidence.cases[0]
    case.amendments[0].amended = case.requested
    with pytest.raises(CheckFailed, match="no next version of the terms superseded it"):
        check_deletion(evidence, case)


def test_a_duty_opened_before_somebody_ended_it_counts_from_its_opening(chain: Chain) -> None:
    """All uses were made, and the consumer ended it long after: nothing is due too early."""
    chain.grant(FIRST)
    use_up(chain, 1)
    chain.wait(WITHIN)
    revoke(chain, IDENTITY, Reason.CONSUMER_TERMINATED, "b.approver")
    certify(chain, 1)
    assert deletion(chain).details["fulfilled"]


PERSONAL = replace(personal(3), retention_days=100)
PERSON = world.identifier(PERSONAL)


def renewing(chain: Chain, terms: Terms, before: Terms) -> None:
    half = signature("subject", world.identifier(terms))
    asking = ("grants", "requestUpon", words(terms), [words(before)], (half,))
    chain.send("b.approver", *asking)
    chain.send("a.approver", *world.approving(terms))


@pytest.mark.parametrize("opened", [False, True])
def test_a_withdrawal_after_expiry_is_proved(chain: Chain, opened: bool) -> None:
    """Open or not, deletion is due from the withdrawal, and salts from the end of validity."""
    chain.grant(PERSONAL)
    chain.wait(PERSONAL.valid_until - chain.time)
    if opened:
        chain.send("c.approver", "obligations", "openDeletion", PERSON)
    chain.wait(30 * world.DAY)
    revoke(chain, PERSON, Reason.SUBJECT_WITHDREW)
    withdrawn = chain.time
    evidence = evidence_of(chain, PERSON)
    check_records(evidence, evidence.cases[0])
    slots = slots_of_obligation(end_id(DELETE, PERSON, B, 1))
    assert evidence.words[OBLIGATIONS][slots[DUE]] == withdrawn + WITHIN
    certify(chain, 0, PERSON)
    assert deletion(chain, PERSON).details["fulfilled"]
    changing(evidence, OBLIGATIONS, {slots[DUE]: withdrawn + WITHIN + 1})
    with pytest.raises(CheckFailed, match="state holds it otherwise"):
        check_deletion(evidence, evidence.cases[0])


def test_salts_of_renewed_terms_are_owed_by_each_version(chain: Chain) -> None:
    chain.grant(PERSONAL)
    chain.wait(PERSONAL.valid_until - chain.time)
    chain.send("c.approver", "obligations", "openDeletion", PERSON)
    longer = PERSONAL.valid_until + 30 * world.DAY
    renewing(chain, replace(PERSONAL, amends=PERSON, valid_until=longer), PERSONAL)
    revoke(chain, PERSON, Reason.PROVIDER_WITHDREW)
    evidence = evidence_of(chain, PERSON)
    assert check_records(evidence, evidence.cases[0]) == {"salts": 2}
    salt = end_id(SALT, PERSON, A, 2)
    chain.send("a.approver", "obligations", "fulfil", salt, PROOF)
    report = verify(asyncio.run(chain.export(PERSON)), chain.genesis.hash)
    assert [failure.check for failure in report.failures] == ["records"]


def test_a_request_that_nobody_approved_obliges_to_nothing_once_its_time_is_over(
    chain: Chain,
) -> None:
    chain.send("b.approver", *world.requesting(FIRST))
    chain.wait(FIRST.valid_until + 400 * world.DAY - chain.time)
    assert deletion(chain).details == {"due": None, "fulfilled": False}
