"""A version that is closed or halted must refuse just what R23 says, and nothing else."""

import pytest

from node.errors import IntegrityError
from node.sdk.governance import enact, halt_version, set_version
from node.spec import versions
from node.spec.proposals import Proposal, encode_proposal
from node.spec.types import ZERO_ADDRESS, ZERO_HASH
from node.spec.usage import UseRange, close_digest
from node.spec.versions import Halt
from node.spec.vocabulary import ProposalKind, Reason, VersionStatus
from tests.chaincode import world as w

CLOSE = set_version(1, VersionStatus.CLOSED)
OPEN = set_version(1, VersionStatus.OPEN)
HOUR = 3_600


@pytest.fixture
def world():
    return w.market()


def state(world, number=1):
    found = versions.version_state(world.reader("versions"), number)
    shown = world.view("versions", "version", number)
    assert (0 if found is None else found.status) == shown[0]
    return found


def halt(world, seconds=HOUR):
    """A halt waits for no time lock."""
    number = w.carry(world, halt_version(1, seconds), ("a", "b"))
    done = world.carry_out("c.governor", enact(number, halt_version(1, seconds)))
    assert w.events(done) == ["ProposalEnacted", "VersionHalted", "GateSet", "SettlingHalted"]
    return world.time


def asked(world, proposal, reason):
    call = ("governance", "propose", int(proposal.kind), proposal.content)
    assert world.refused("a.governor", *call) == f"versions: {reason}"


def opening(world, authorization):
    return ("leases", "open", w.opening(authorization, world), w.account("a.gateway"))


def test_a_closed_version_grants_and_leases_nothing_and_settles_all(world):
    authorization = w.grant(world)
    lease = w.open_lease(world, authorization)
    pending = w.terms(nonce=1)
    w.request(world, pending)
    done = w.govern(world, CLOSE)
    assert w.events(done) == ["ProposalEnacted", "VersionClosed", "GateSet", "SettlingHalted"]
    assert state(world).status == VersionStatus.CLOSED
    closed = "templates: this version is closed"
    assert world.refused("b.approver", *w.requesting(w.terms(nonce=2))) == closed
    assert world.refused("a.approver", *w.approving(pending)) == closed
    assert world.refused("b.gateway", *opening(world, authorization)) == closed
    receipts = w.chain(world, lease, 2, state_block=world.number - 1)
    for receipt in receipts:
        call = ("settle", authorization, 1, w.plain(receipt), *w.both(w.hashed(receipt)))
        world.send("a.gateway", "leases", *call)
    digest = close_digest(lease, 2, w.hashed(receipts[1]), w.CHAIN_ID)
    close = (authorization, 1, 2, w.hashed(receipts[1]), *w.both(digest))
    world.send("a.gateway", "leases", "close", *close)
    revoke = ("authorizations", "revoke", authorization, Reason.PROVIDER_WITHDREW, ZERO_HASH)
    world.send("a.approver", *revoke)
    w.govern(world, OPEN)
    world.send("a.approver", *w.approving(pending))
    world.send("b.gateway", *opening(world, w.identifier(pending)))


def test_a_closed_version_leaves_the_lists_to_others(world):
    """Lists and freezes live outside versions: whoever else asks them gets an answer."""
    w.govern(world, CLOSE)
    assert world.view("templates", "isRefused", 1, 5, 156) is False
    second = w.account("regulator.second")
    world.send("regulator.governor", "members", "admitAccount", second, 0b11)
    for sender in ("regulator.approver", "regulator.second"):
        world.send(sender, "templates", "refuse", 1, 156, 1 << 5)
    assert world.view("templates", "isRefused", 1, 5, 156) is True
    assert world.view("templates", "versions") == (1, 0)
    closed = "templates: this version is closed"
    assert world.refused("b.approver", *w.requesting(w.terms(nonce=2))) == closed


def test_a_halt_stops_settling_too_and_ends_by_itself(world):
    authorization = w.grant(world)
    lease = w.open_lease(world, authorization)
    until = halt(world) + HOUR
    assert state(world).is_halted(world.time)
    assert world.view("versions", "isHalted", 1) is True
    refused = {
        world.refused("b.gateway", *opening(world, authorization)),
        world.refused("b.approver", *w.requesting(w.terms(nonce=2))),
    }
    assert refused == {"templates: this version is halted"}
    receipt = w.receipt(world, lease, 1, lease)
    digest = w.hashed(receipt)
    settle = ("leases", "settle", authorization, 1, w.plain(receipt), *w.both(digest))
    close = close_digest(lease, 0, lease, w.CHAIN_ID)
    empty = w.plain(w.receipt(world, ZERO_HASH, 0, ZERO_HASH))
    ranges = [UseRange(authorization, 1, 1, 1, digest, False)]
    for call in (
        settle,
        ("leases", "close", authorization, 1, 0, lease, *w.both(close)),
        ("leases", "lapse", authorization, 1),
        w.settling(w.batch_of(ranges, [receipt]), ranges),
        ("closings", "closeAlone", authorization, 1, empty, b"", b""),
    ):
        assert world.refused("a.gateway", *call) == "leases: this version is halted"
    world.time = until - 2
    assert world.refused("a.gateway", *settle) == "leases: this version is halted"
    world.send("a.gateway", *settle)
    world.send("b.gateway", *opening(world, authorization))
    assert not state(world).is_halted(world.time)


def test_a_halt_costs_nobody_time_to_settle(world):
    """A deadline within the halt is as far behind its end as it was behind its beginning."""
    authorization = w.grant(world)
    lease = w.open_lease(world, authorization, expires_at=world.time + 60, uses=3)
    kept = world.lease(lease).deadline
    since = halt(world, 3 * HOUR)
    halts = versions.halts_of(world.reader("versions"), 1)
    assert halts == (Halt(since, since + 3 * HOUR),)
    assert versions.settling_deadline(halts, kept, since - 1) == kept
    deadline = versions.settling_deadline(halts, kept, since)
    assert deadline == kept + 3 * HOUR
    world.time = deadline - 3
    receipts = w.chain(world, lease, 3, used_at=since - 1, state_block=world.number)
    first = ("settle", authorization, 1, w.plain(receipts[0]), *w.both(w.hashed(receipts[0])))
    assert world.refused("b.gateway", "leases", "lapse", authorization, 1) == (
        "leases: settling deadline is not over"
    )
    world.time = deadline - 2
    world.send("a.gateway", "leases", *first)
    ranges = [UseRange(authorization, 1, 2, 2, w.hashed(receipts[1]), False)]
    batch = w.settling(w.batch_of(ranges, receipts[1:2]), ranges)
    world.send("a.gateway", *batch)
    ranges = [UseRange(authorization, 1, 3, 3, w.hashed(receipts[2]), False)]
    late = w.settling(w.batch_of(ranges, receipts[2:]), ranges)
    assert world.refused("a.gateway", *late) == "leases: past the settling deadline"
    world.send("b.gateway", "leases", "lapse", authorization, 1)


@pytest.mark.parametrize("seconds", [0, 72 * HOUR + 1, 2**256 - 1])
def test_a_halt_is_at_most_72_hours(world, seconds):
    asked(world, halt_version(1, seconds), "halt out of range")


def test_a_halt_is_not_renewed_for_as_long_again(world):
    until = halt(world, 72 * HOUR) + 72 * HOUR
    asked(world, halt_version(1, HOUR), "halted lately")
    world.time = until + 72 * HOUR - 2
    asked(world, halt_version(1, HOUR), "halted lately")
    halt(world)
    assert len(versions.halts_of(world.reader("versions"), 1)) == 2


def test_seconds_of_halts_are_counted_from_a_time_on(world):
    """So that a time to answer may leave them out; of a halt that lasts, those up to now."""
    begun = []
    for seconds in (HOUR, 72 * HOUR, 5 * HOUR):
        begun.append(halt(world, seconds))
        world.time += 200 * HOUR
    halt(world, 9)
    world.time += 4
    read = versions.halts_of(world.reader("versions"), 1)
    for since in (0, *begun, begun[1] + 1, begun[2] + 1, world.time):
        counted = world.view("versions", "haltedSince", 1, since)
        assert counted == world.time - since - versions.running(read, since, world.time)
    assert world.view("versions", "haltedSince", 1, begun[1]) == 77 * HOUR + 4
    assert world.view("versions", "haltedSince", 2, 0) == 0


def test_of_many_halts_the_last_eight_are_counted(world):
    """They span more than any time to answer and to claim together."""
    begun = []
    for _ in range(9):
        begun.append(halt(world, HOUR))
        world.time += 73 * HOUR
    assert world.view("versions", "haltedSince", 1, 0) == 8 * HOUR
    assert world.time - begun[1] > 2 * 7 * w.DAY


def test_closing_keeps_a_halt_and_halting_a_close(world):
    w.govern(world, CLOSE)
    halt(world, 72 * HOUR)
    assert state(world).status == VersionStatus.CLOSED
    w.govern(world, OPEN)
    assert state(world).is_halted(world.time)
    refused = world.refused("b.approver", *w.requesting(w.terms()))
    assert refused == "templates: this version is halted"


GATE = bytes.fromhex("000000000000000000000000000000000000da04")


def test_a_new_version_brings_its_own_gate(world):
    """Any contract of the interface; Leases stands in, whose halt then is the later version's."""
    second = set_version(2, VersionStatus.OPEN, GATE)
    done = w.govern(world, second)
    assert w.events(done) == ["ProposalEnacted", "VersionOpened", "SettlingHalted"]
    assert state(world, 2) == versions.VersionState(VersionStatus.OPEN, GATE, Halt())
    assert world.view("versions", "versionCount") == 2
    w.govern(world, set_version(2, VersionStatus.CLOSED, GATE))
    assert state(world, 2).status == VersionStatus.CLOSED
    assert state(world).status == VersionStatus.OPEN
    w.grant(world)


@pytest.mark.parametrize(
    ("proposal", "reason"),
    [
        (OPEN, "in that status already"),
        (set_version(1, VersionStatus.CLOSED, GATE), "another gate"),
        (set_version(0, VersionStatus.CLOSED), "not the next version"),
        (set_version(3, VersionStatus.OPEN, GATE), "not the next version"),
        (set_version(2, VersionStatus.CLOSED, GATE), "a new version is open"),
        (set_version(2, VersionStatus.OPEN, ZERO_ADDRESS), "no contract at the gate"),
        (encode_proposal(ProposalKind.CONTRACT_VERSION, 1, 3, ZERO_ADDRESS), "unknown status"),
        (Proposal(ProposalKind.CONTRACT_VERSION, b"\xff" * 96), "malformed content"),
        (Proposal(ProposalKind.CONTRACT_VERSION, bytes(95)), "malformed content"),
        (Proposal(ProposalKind.HALT, bytes(65)), "malformed content"),
        (halt_version(2, HOUR), "unknown version"),
    ],
)
def test_a_version_that_cannot_be(world, proposal, reason):
    asked(world, proposal, reason)


def test_only_governance_and_versions_move_gates(world):
    assert world.refused("a.governor", "versions", "enactProposal", 14, CLOSE.content) == (
        "versions: only governance"
    )
    refused = world.refused("a.governor", "versions", "checkProposal", 1, CLOSE.content)
    assert refused == "versions: unknown kind of proposal"
    for contract in ("templates", "leases"):
        refused = world.refused("a.governor", contract, "setGate", True, 1, 2)
        assert refused == f"{contract}: only versions"


def test_slots_of_another_version_are_refused():
    with pytest.raises(IntegrityError, match="status 9"):
        versions.version_state(lambda _: 9, 1)
    assert versions.version_state(lambda _: 0, 1) is None
    assert Halt(5, 9).deadline(4) == 4
    assert Halt(5, 9).deadline(5) == 9
    assert Halt(5, 9).deadline(9) == 9
