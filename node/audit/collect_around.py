"""State beside an authorization's own: disputes, duties, templates, fees, and past states.

As in `slots`, exactly what the checks will read. Past states are asked of the node block by block;
one that no longer keeps them gives none, and the bundle then lacks them and says so.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from node.audit.bundle import BlockRecord, FeeOpening, PastRecord, Trail
from node.audit.checks_disputes import DISPUTES_MAX
from node.audit.checks_fees import signers_of, statement_of
from node.audit.checks_freezes import GRANTED, slots_at
from node.audit.checks_obligations import duties_of, imposed_on
from node.audit.collect import collect_block
from node.audit.evidence import Case, Evidence
from node.audit.fees import statements_of
from node.audit.slots import StateCollector
from node.errors import NotReady, Refused, RemoteError
from node.sdk.journal import Journal
from node.sdk.light import LightClient
from node.spec import registry
from node.spec.disputes import DISPUTE_COUNT, DISPUTES, slot_of_disputed, slots_of_dispute
from node.spec.obligations import ERASURES, OBLIGATIONS, slots_of_hold, slots_of_obligation
from node.spec.proposals import PARAMETERS, slot_of_value
from node.spec.registry import AUTHORIZATIONS, MEMBERS, TEMPLATES
from node.spec.state_proof import reader
from node.spec.statements import STATEMENTS_OF_PERIODS, slot_of_fees, slot_of_payment
from node.spec.templates import LISTS, slot_of_template
from node.spec.types import Address, Hash32
from node.spec.usage import SignedReceipt
from node.spec.vocabulary import Parameter

PAST_MAX: Final = 2_000
"""Earlier blocks whose state one bundle shows; of more, the newest."""


async def collect_around(collector: StateCollector, evidence: Evidence) -> None:
    """Read what the checks of disputes, lists, fees and duties will ask of the last state."""
    for case in evidence.cases:
        texts = {version.terms.template for version in (case, *case.amendments)}
        await collector.need(TEMPLATES, (LISTS, *map(slot_of_template, texts)))
        await _duties(collector, case)
        await _disputes(collector, case)
        for stated in statements_of(evidence, (case.terms.provider, case.terms.consumer)):
            named = Hash32(stated.value("statement"))
            slots = (slot_of_fees(statement_of(stated)), slot_of_payment(named))
            await collector.need(STATEMENTS_OF_PERIODS, slots)
            signers = signers_of(evidence, stated) or ()
            await collector.need(MEMBERS, map(registry.slot_of_permission, signers))


async def _duties(collector: StateCollector, case: Case) -> None:
    following = [duty.identifier for duty in duties_of(case, *ERASURES)]
    imposed = [Hash32(happening.value("obligation")) for happening in imposed_on(case)]
    slots = [slot for name in (*following, *imposed) for slot in slots_of_obligation(name)]
    await collector.need(OBLIGATIONS, (*slots, *slots_of_hold(case.identifier)))
    await collector.need(PARAMETERS, (slot_of_value(Parameter.DELETION_WITHIN),))


async def _disputes(collector: StateCollector, case: Case) -> None:
    words = await collector.need(OBLIGATIONS, ())
    if not any(words[slot] for slot in slots_of_hold(case.identifier)):
        return
    count = (await collector.need(DISPUTES, (DISPUTE_COUNT,)))[DISPUTE_COUNT]
    if count > DISPUTES_MAX:
        return
    numbers = range(1, count + 1)
    words = await collector.need(DISPUTES, map(slot_of_disputed, numbers))
    over = int.from_bytes(case.identifier, "big")
    own = [number for number in numbers if words[slot_of_disputed(number)] == over]
    await collector.need(DISPUTES, (slot for number in own for slot in slots_of_dispute(number)))


def collect_openings(
    evidence: Evidence, journals: Iterable[Journal]
) -> tuple[tuple[FeeOpening, ...], tuple[bytes, ...]]:
    """Return the openings and price plans that journals hold of the fee statements shown.

    Plans are of use only where every statement of a pair is opened.
    """
    kept = list(journals)
    openings: dict[Hash32, FeeOpening] = {}
    plans: dict[Hash32, bytes] = {}
    for case in evidence.cases:
        stated = statements_of(evidence, (case.terms.provider, case.terms.consumer))
        names = [Hash32(happening.value("statement")) for happening in stated]
        found = {name: _opening(kept, name) for name in names}
        openings |= {name: opening for name, opening in found.items() if opening is not None}
        if stated and all(found.values()) and case.named("AuthorizationActivated"):
            for version in (case, *case.amendments):
                documents = (journal.price_plan(version.terms.price_plan) for journal in kept)
                document = next((document for document in documents if document), None)
                plans |= {} if document is None else {version.terms.price_plan: document}
    return (
        tuple(openings[name] for name in sorted(openings)),
        tuple(plans[name] for name in sorted(plans)),
    )


def _opening(journals: Iterable[Journal], name: Hash32) -> FeeOpening | None:
    for journal in journals:
        held = journal.fees(name)
        if held is not None:
            return FeeOpening(name, *held)
    return None


async def collect_past(
    collector: StateCollector,
    light: LightClient,
    evidence: Evidence,
    trails: Iterable[Trail],
) -> tuple[tuple[PastRecord, ...], tuple[BlockRecord, ...]]:
    """Return the states of the time that the check of freezes asks for, and their headers."""
    receipts = {trail.lease: trail.receipts for trail in trails}
    wanted: dict[int, dict[Address, set[int]]] = defaultdict(lambda: defaultdict(set))
    for case in evidence.cases:
        words = await collector.need(AUTHORIZATIONS, ())
        frozen = registry.was_frozen(reader(words), case.identifier)
        for number, zone, is_use in _moments(case, receipts):
            for address, slots in slots_at(case, zone, frozen, is_use).items():
                wanted[number][address] |= slots
    for address, slots in wanted.pop(light.current.number, {}).items():
        await collector.need(address, slots)
    records: list[PastRecord] = []
    for number in sorted(sorted(wanted)[-PAST_MAX:]):
        records += await _past(light, number, wanted[number])
    have = {record.final.header.number for record in evidence.bundle.blocks}
    blocks = []
    for number in sorted({record.number for record in records}, reverse=True):
        if number not in have and number + 1 not in have:
            blocks.append(await collect_block(light, number, ()))
            have.add(number)
    return tuple(records), tuple(blocks)


def _moments(
    case: Case, receipts: Mapping[Hash32, tuple[SignedReceipt, ...]]
) -> Iterator[tuple[int, int, bool]]:
    """Yield the blocks whose state is asked for, the zone, and whether for a lease or a use."""
    for happening in case.named(*GRANTED):
        yield happening.block - 1, case.version_at(happening).zone, False
    for opened in case.named("LeaseOpened"):
        yield opened.block - 1, case.version_at(opened).zone, True
        for use in receipts.get(Hash32(opened.value("lease")), ()):
            block = use.receipt.state_block
            yield block, case.version_in(block).zone, True


async def _past(
    light: LightClient, number: int, wanted: Mapping[Address, set[int]]
) -> list[PastRecord]:
    """Return the proofs of an earlier state; none where the node does not keep it."""
    found = []
    try:
        for address in sorted(wanted):
            proof = await light.storage(address, tuple(wanted[address]), number)
            found.append(PastRecord(number, address, proof))
    except (RemoteError, NotReady, Refused):
        return []
    return found
