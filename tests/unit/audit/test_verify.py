"""Each check exists to refuse one kind of lie, so each is shown the smallest lie of its kind.

A lie about the chain is told by changing the bundle. Lies that no chain of this code could hold
(wrong counters, another ending) are told by forging the last block: the validators of this story
are at hand, and sign a state that the contracts never left.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from node.audit.bundle import Bundle, StateRecord, Trail, decode_bundle, encode_bundle
from node.audit.checks_chain import check_inclusion
from node.audit.collect import collect_block
from node.audit.evidence import Evidence
from node.audit.export import in_one_form
from node.audit.result import Report, Status
from node.audit.verify import CHECKS, verify
from node.execution.system import HISTORY_ADDRESS
from node.sdk.light import LightClient
from node.spec import usage
from node.spec.finality import bare
from node.spec.seal import decode_extra_data, with_seals
from node.spec.state_proof import SlotProof, StorageProof
from node.spec.types import ZERO_HASH, Hash32
from node.spec.usage import SignedReceipt
from tests.chaincode import world
from tests.chaincode.world import account
from tests.unit.audit.factory import VALIDATORS, Story
from tests.unit.audit.forger import forged


def check(story: Story, bundle: Bundle) -> Report:
    return verify(encode_bundle(bundle), story.genesis.hash)


def failing(report: Report) -> set[str]:
    assert report.exit_code == (5 if report.failures else 0)
    assert all(result.subject and result.what for result in report.failures)
    return {result.check for result in report.failures}


def test_whole_story_is_proved(story: Story, data: bytes) -> None:
    report = verify(data, story.genesis.hash)
    assert report.exit_code == 0
    assert {result.status for result in report.results} == {Status.PROVED}
    assert {result.check for result in report.results} == set(CHECKS)
    assert len(report.cases) == 4
    assert {statement.key for statement in report.statements} == {"lapsed", "open", "backdating"}


def test_without_anchor_nothing_is_called_compared(data: bytes) -> None:
    report = verify(data, None)
    assert report.exit_code == 4
    genesis = next(result for result in report.results if result.check == "genesis")
    assert genesis.status is Status.NOT_COMPARED
    assert not report.failures


def test_another_anchor_fails_and_all_else_is_not_provable(data: bytes) -> None:
    report = verify(data, ZERO_HASH)
    assert failing(report) == {"genesis"}
    others = {r.status for r in report.results if r.check not in ("form", "genesis")}
    assert others == {Status.NOT_PROVABLE}


def test_failed_check_without_anchor_is_still_a_failure(story: Story, bundle: Bundle) -> None:
    changed = encode_bundle(replace(bundle, chain_id=bundle.chain_id + 1))
    assert verify(changed, None).exit_code == 5
    assert failing(check(story, bundle)) == set()


# Lies about the chain --------------------------------------------------------------------------


def test_validator_set_whose_sealer_is_unknown(story: Story, bundle: Bundle) -> None:
    change = bundle.changes[0]
    later = bundle.blocks[-1].final
    changed = replace(bundle, changes=(replace(change, final=later),))
    assert failing(check(story, changed)) == {"validator-sets"}


def test_validator_set_shown_twice(story: Story, bundle: Bundle) -> None:
    changed = replace(bundle, changes=bundle.changes * 2)
    assert failing(check(story, changed)) == {"validator-sets"}


def test_block_without_its_validator_set(story: Story, bundle: Bundle) -> None:
    assert failing(check(story, replace(bundle, changes=()))) == {"finality"}


def seals_of(
    story: Story, bundle: Bundle, seals: Callable[[Sequence[bytes]], Sequence[bytes]]
) -> Report:
    last = bundle.blocks[-1]
    held = decode_extra_data(last.final.header.extra_data).seals
    header = with_seals(last.final.header, seals(held))
    record = replace(last, final=replace(last.final, header=header))
    return check(story, replace(bundle, blocks=(*bundle.blocks[:-1], record)))


def test_seals_are_a_quorum_in_one_order(story: Story, bundle: Bundle) -> None:
    assert failing(seals_of(story, bundle, lambda seals: seals)) == set()
    assert failing(seals_of(story, bundle, lambda seals: seals[1:])) == {"finality"}
    assert failing(seals_of(story, bundle, lambda seals: seals[::-1])) == {"finality"}


def test_more_seals_than_a_quorum_are_another_form(story: Story, bundle: Bundle) -> None:
    header = story.ledger.store.blocks.header(story.number)
    assert header is not None
    last = bundle.blocks[-1]
    record = replace(last, final=replace(last.final, header=header))
    changed = replace(bundle, blocks=(*bundle.blocks[:-1], record))
    assert failing(check(story, changed)) == {"finality"}


def test_parent_that_is_another_block(story: Story, bundle: Bundle) -> None:
    last = bundle.blocks[-1]
    parent = bare(bundle.blocks[-3].final.header)
    record = replace(last, final=replace(last.final, parent=parent))
    changed = replace(bundle, blocks=(*bundle.blocks[:-1], record))
    assert failing(check(story, changed)) == {"finality"}


def test_blocks_out_of_order(story: Story, bundle: Bundle) -> None:
    changed = replace(bundle, blocks=(bundle.blocks[1], bundle.blocks[0], *bundle.blocks[2:]))
    assert failing(check(story, changed)) == {"finality"}


def test_receipt_of_another_transaction(story: Story, bundle: Bundle) -> None:
    first, second = bundle.blocks[0], bundle.blocks[1]
    swapped = replace(first.inclusions[0], receipt=second.inclusions[0].receipt)
    changed = replace(bundle, blocks=(replace(first, inclusions=(swapped,)), *bundle.blocks[1:]))
    assert failing(check(story, changed)) == {"inclusion"}


def test_slot_left_out_of_state(story: Story, bundle: Bundle) -> None:
    for place, caught in ((0, {"approvals", "parties", "leases"}), (1, {"terms"}), (3, {"leases"})):
        record = bundle.state[place]
        cut = replace(record, proof=replace(record.proof, slots=record.proof.slots[1:]))
        state = (*bundle.state[:place], cut, *bundle.state[place + 1 :])
        found = failing(check(story, replace(bundle, state=state)))
        assert found
        assert found <= caught


def test_state_of_another_block(story: Story, bundle: Bundle) -> None:
    """Without the last block, the same proofs stand under a root that is not theirs."""
    changed = replace(bundle, blocks=bundle.blocks[:-1])
    assert failing(check(story, changed)) == {"state"}


def test_no_block_and_no_authorization(story: Story, bundle: Bundle) -> None:
    assert failing(check(story, replace(bundle, blocks=()))) == {"finality"}
    only_last = replace(bundle, blocks=bundle.blocks[-1:], past=())
    assert failing(check(story, only_last)) == {"terms"}


# Lies about the trail --------------------------------------------------------------------------


def without(bundle: Bundle, story: Story, name: str, place: int = 0) -> Bundle:
    """The bundle without the transaction of the `place`th event of a name."""
    evidence = Evidence(bundle)
    check_inclusion(evidence)
    number = [h for h in evidence.happenings if h.name == name][place].block
    return replace(
        bundle, blocks=tuple(r for r in bundle.blocks if r.final.header.number != number)
    )


@pytest.mark.parametrize(
    ("event", "place", "caught"),
    [
        ("AuthorizationApproved", 1, {"approvals"}),
        ("LeaseOpened", 0, {"leases"}),
        ("LeaseOpened", -1, {"leases"}),
        ("ReceiptSettled", 0, {"settlement"}),
        ("UseClaimed", 0, {"settlement"}),
        ("LeaseAnswered", 0, {"settlement"}),
        ("UsesStated", 0, {"closes"}),
        ("UsesStated", 1, {"closes"}),
        ("LeaseUnaccounted", 0, {"closes"}),
        ("AuthorizationRevoked", 0, {"revocation"}),
        ("AuthorizationRejected", 0, {"revocation"}),
    ],
)
def test_event_left_out(
    story: Story, bundle: Bundle, event: str, place: int, caught: set[str]
) -> None:
    assert failing(check(story, without(bundle, story, event, place))) == caught


def test_closing_left_out(story: Story, bundle: Bundle) -> None:
    report = check(story, without(bundle, story, "LeaseClosed", 1))
    assert failing(report) == {"closes"}


def test_another_chain_id(story: Story, bundle: Bundle) -> None:
    assert failing(check(story, replace(bundle, chain_id=1))) == {"terms"}


def with_trail(
    story: Story,
    bundle: Bundle,
    lease: Hash32,
    change: Callable[[tuple[SignedReceipt, ...]], tuple[SignedReceipt, ...]],
) -> Report:
    trails = tuple(
        Trail(lease, change(t.receipts)) if t.lease == lease else t for t in bundle.trails
    )
    return check(story, replace(bundle, trails=trails))


def signed(receipt: usage.Receipt) -> SignedReceipt:
    return SignedReceipt(receipt, *world.both(world.hashed(receipt)))


def rewritten(receipts: Sequence[usage.Receipt]) -> tuple[SignedReceipt, ...]:
    """Receipts chained and signed anew, as both parties together could."""
    found: list[SignedReceipt] = []
    for receipt in receipts:
        previous = world.hashed(found[-1].receipt) if found else receipt.lease
        found.append(signed(replace(receipt, previous=previous)))
    return tuple(found)


def test_receipt_left_out_or_twice_or_out_of_order(story: Story, bundle: Bundle) -> None:
    for change in (
        lambda uses: uses[1:],
        lambda uses: (uses[0], *uses),
        lambda uses: uses[::-1],
    ):
        assert failing(with_trail(story, bundle, story.fourth, change)) == {"receipts"}


@pytest.mark.parametrize(
    "change",
    [
        {"record_count": 2},
        {"kind": 7},
        {"kind": 1, "record_count": 1},
        {"state_block": 1},
        {"used_at": 2**40},
        {"number": 2**63},
    ],
)
def test_receipt_against_its_lease(story: Story, bundle: Bundle, change: dict[str, int]) -> None:
    def lie(uses: tuple[SignedReceipt, ...]) -> tuple[SignedReceipt, ...]:
        return rewritten([replace(uses[0].receipt, **change), *(u.receipt for u in uses[1:])])

    assert failing(with_trail(story, bundle, story.fourth, lie)) == {"receipts"}


def test_receipt_signed_by_others(story: Story, bundle: Bundle) -> None:
    def by_others(uses: tuple[SignedReceipt, ...]) -> tuple[SignedReceipt, ...]:
        half = world.signature("c.gateway", world.hashed(uses[0].receipt))
        return (replace(uses[0], consumer_signature=half), *uses[1:])

    def by_nobody(uses: tuple[SignedReceipt, ...]) -> tuple[SignedReceipt, ...]:
        return (*uses[:-1], replace(uses[-1], consumer_signature=None))

    assert failing(with_trail(story, bundle, story.first, by_others)) == {"signatures"}
    assert failing(with_trail(story, bundle, story.first, by_nobody)) == {"signatures"}


def test_claimed_use_has_one_form(story: Story, bundle: Bundle) -> None:
    def countersigned(uses: tuple[SignedReceipt, ...]) -> tuple[SignedReceipt, ...]:
        return (*uses[:-1], signed(uses[-1].receipt))

    assert failing(with_trail(story, bundle, story.fourth, countersigned)) == {"signatures"}


def test_receipts_both_parties_wrote_anew(story: Story, bundle: Bundle) -> None:
    """Signed by both and chained, but not what was anchored: alone, under a root, at the end."""

    def other_output(uses: tuple[SignedReceipt, ...]) -> tuple[SignedReceipt, ...]:
        receipts = [use.receipt for use in uses]
        return rewritten([*receipts[:-1], replace(receipts[-1], output_commitment=ZERO_HASH)])

    for lease in (story.first, story.second, story.third):
        assert failing(with_trail(story, bundle, lease, other_output)) == {"settlement"}


def test_receipt_inside_a_batch_that_names_a_later_state(story: Story, bundle: Bundle) -> None:
    def backdated(uses: tuple[SignedReceipt, ...]) -> tuple[SignedReceipt, ...]:
        receipts = [use.receipt for use in uses]
        later = replace(receipts[0], state_block=story.number + 1)
        return rewritten([later, *receipts[1:]])

    assert failing(with_trail(story, bundle, story.second, backdated)) == {"settlement"}


def test_trail_of_a_batch_left_out(story: Story, bundle: Bundle) -> None:
    kept = tuple(trail for trail in bundle.trails if trail.lease != story.third)
    report = check(story, replace(bundle, trails=kept))
    assert failing(report) == {"settlement"}
    assert {f.about for f in report.failures} == {
        "0x" + story.plain.hex(),
        "0x" + story.lapsing.hex(),
    }


def test_trail_nobody_needs(story: Story, bundle: Bundle) -> None:
    stray = Trail(Hash32(b"\xff" * 32), bundle.trails[0].receipts)
    changed = replace(bundle, trails=(*bundle.trails, stray))
    assert failing(check(story, changed)) == {"surplus"}
    empty = Trail(story.fifth, ())
    trails = tuple(sorted((*bundle.trails, empty), key=lambda trail: trail.lease))
    assert failing(check(story, replace(bundle, trails=trails))) == {"surplus"}
    assert failing(check(story, replace(bundle, trails=bundle.trails[::-1]))) == {"surplus"}


# Lies that the validators would have to tell too -----------------------------------------------


@pytest.mark.parametrize(
    ("part", "shift", "change", "caught"),
    [
        # Of Authorizations, the packed standing: counted, leases, open, unaccounted, window and its
        # count, status, reason, ended, required, approved, end of validity, destination, version.
        ("standing", 16, 1, {"counts"}),
        ("standing", 48, 1, {"leases"}),
        ("standing", 72, 1, {"counts"}),
        ("standing", 76, 1, {"counts"}),
        ("standing", 80, 1, {"counts"}),
        ("standing", 100, 1, {"counts"}),
        ("standing", 132, 1, {"approvals"}),
        ("standing", 136, 1, {"revocation"}),
        ("standing", 142, 9, {"revocation"}),
        ("standing", 174, 4, {"approvals"}),
        ("standing", 182, 4, {"approvals"}),
        ("standing", 190, 1, {"terms"}),
        ("standing", 226, 1, {"terms"}),
        ("standing", 248, 1, {"terms"}),
        ("standing", 0, 1, {"terms"}),
        ("limits", 0, 1, {"terms"}),
        ("limits", 54, 1, {"terms"}),
        ("limits", 126, 1, {"terms"}),
        ("limits", 201, 1, {"terms"}),
        ("limits", 214, 1, {"terms"}),
        # Of Leases, the packed word: uses, settled, claimed, status, purpose, version, block that
        # opened it, deadline.
        ("lease", 0, 1, {"leases"}),
        ("lease", 32, 1, {"settlement"}),
        ("lease", 64, 1, {"settlement"}),
        ("lease", 72, 1, {"leases"}),
        ("lease", 80, 1, {"leases"}),
        ("lease", 92, 1, {"leases"}),
        ("lease", 100, 1, {"leases"}),
        ("lease", 216, 1, {"leases"}),
        ("lease", 220, 1, {"closes"}),
    ],
)
def test_state_the_contracts_never_left(
    story: Story, bundle: Bundle, part: str, shift: int, change: int, caught: set[str]
) -> None:
    changed = forged(story, bundle, part, change << shift)
    about = {"0x" + story.plain.hex(), "bundle"}
    report = check(story, changed)
    assert failing(report) == caught
    assert {failure.about for failure in report.failures} <= about


def test_forged_block_with_true_state_is_proved(story: Story, bundle: Bundle) -> None:
    assert failing(check(story, forged(story, bundle, "standing", 0))) == set()


def test_use_after_the_end(story: Story, bundle: Bundle) -> None:
    """The end is moved before the uses: their state blocks then lie at or after it."""
    end = 20
    for block in (end - 1, end - 5):
        report = check(story, forged(story, bundle, "ended", block))
        assert failing(report) == {"revocation"}


def test_contract_code_that_nobody_knows(story: Story, bundle: Bundle) -> None:
    assert failing(check(story, forged(story, bundle, "code", 1))) == {"state"}


def test_set_that_sealed_no_block(story: Story, bundle: Bundle) -> None:
    early = decode_bundle(story.early)
    assert failing(check(story, early)) == set()
    assert failing(check(story, replace(early, changes=bundle.changes))) == {"surplus"}


def test_block_or_transaction_nobody_needs(story: Story) -> None:
    """Block 1 published the product: it is final, and says nothing of the authorization."""
    early = decode_bundle(story.early)
    light = LightClient(story.client(), story.genesis.hash)
    for indices in ((), (0,)):
        stray = asyncio.run(collect_block(light, 1, indices))
        changed = replace(early, blocks=(stray, *early.blocks))
        report = check(story, in_one_form(changed, {4: sorted(map(account, VALIDATORS))}))
        assert failing(report) == {"surplus"}
        assert report.failures[0].subject.startswith("block 1")


def test_slot_nobody_needs(story: Story) -> None:
    early = decode_bundle(story.early)
    state = story.ledger.state_of(early.blocks[-1].final.header)
    record = early.state[0]
    for slot in (0, 2**256 - 1):
        part = SlotProof(slot, tuple(state.prove_storage(record.address, slot)))
        slots = sorted((*record.proof.slots, part), key=lambda shown: shown.slot)
        more = replace(record, proof=replace(record.proof, slots=tuple(slots)))
        report = check(story, replace(early, state=(more, *early.state[1:])))
        assert failing(report) == {"surplus"}
        assert f"0x{slot:x}" in report.failures[0].what


def test_contract_nobody_needs_or_knows(story: Story) -> None:
    early = decode_bundle(story.early)
    state = story.ledger.state_of(early.blocks[-1].final.header)
    nodes = tuple(state.prove_account(HISTORY_ADDRESS))
    stray = StateRecord(HISTORY_ADDRESS, StorageProof(nodes, ()))
    changed = replace(early, state=(*early.state, stray))
    assert failing(check(story, changed)) == {"state"}
    assert failing(check(story, replace(early, state=early.state[::-1]))) == {"state"}
    assert failing(check(story, replace(early, state=early.state * 2))) == {"state"}
