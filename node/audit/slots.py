"""The state part of a bundle: exactly the slots that the checks will read, proved at the head.

A node is asked twice where a slot's place depends on another's value: a lease names its pair of
keys, an account its member, a member's name its length.
"""

from collections.abc import Iterable, Mapping

from node.audit.bundle import StateRecord, Trail
from node.audit.cases import leases_of
from node.audit.checks_approvals import REQUESTS, candidates_of, sides_of
from node.audit.checks_conditions import blocks_of, places_of
from node.audit.checks_ending import ENDINGS, ender_of
from node.audit.checks_exports import sensitive_slots
from node.audit.checks_terms import product_slots, zone_of
from node.audit.evidence import Case, Evidence
from node.sdk.light import LightClient
from node.spec import registry
from node.spec.applications import (
    APPLICATIONS,
    CHAIN_MAX,
    application,
    is_on_application,
    slot_of_newest,
    slots_of_application,
)
from node.spec.consents import slot_of_consent
from node.spec.exports import needs_record, slot_of_person, slot_of_record, year_of
from node.spec.interruptions import slot_of_count, slots_of_interruptions
from node.spec.registry import (
    AUTHORIZATIONS,
    CATALOG,
    CLOSINGS,
    LEASES,
    MEMBERS,
    LeaseState,
)
from node.spec.sandboxes import SANDBOXES, sandbox_of, slot_of_counted, slots_of_sandbox
from node.spec.slots import ReadSlot, mapping_slot
from node.spec.state_proof import SLOTS_MAX, reader
from node.spec.terms import Terms
from node.spec.types import Address, Hash32
from node.spec.usage import SignedReceipt
from node.spec.versions import VERSIONS, slot_of_halt
from node.spec.vocabulary import MemberKind, Party

_NAME_OFFSET = 2
"""Where in a member's record its name begins, with its length."""


class StateCollector:
    """Slots read so far at the newest proved header."""

    def __init__(self, light: LightClient) -> None:
        self._light = light
        self.words: dict[Address, dict[int, int]] = {}

    async def need(self, address: Address, slots: Iterable[int]) -> dict[int, int]:
        """Read slots unless they were, and return all of the contract's words read so far."""
        words = self.words.setdefault(address, {})
        missing = sorted(set(slots) - words.keys())
        for start in range(0, len(missing), SLOTS_MAX):
            part = tuple(missing[start : start + SLOTS_MAX])
            words.update(await self._light.read(address, part))
        return words

    async def records(self) -> tuple[StateRecord, ...]:
        """Return the proofs of all that was read, in the one order of a bundle."""
        found = []
        for address in sorted(address for address, words in self.words.items() if words):
            slots = sorted(self.words[address])
            for start in range(0, len(slots), SLOTS_MAX):
                part = tuple(slots[start : start + SLOTS_MAX])
                proof = await self._light.storage(address, part, self._light.current.number)
                found.append(StateRecord(address, proof))
        return tuple(found)


async def collect_state(
    light: LightClient, evidence: Evidence
) -> tuple[StateCollector, dict[Hash32, LeaseState]]:
    """Return what the bundle's cases need of the state, and their leases as state has them."""
    collector = StateCollector(light)
    leases: dict[Hash32, LeaseState] = {}
    for case in evidence.cases:
        for number, version in enumerate((case, *case.amendments), 1):
            await _agreement(collector, case, version)
            await _members(collector, evidence, case, version)
            if number > 1:
                slot = registry.slot_of_version(case.identifier, number)
                await collector.need(AUTHORIZATIONS, (slot,))
        corrected = [
            registry.slot_of_correction(Hash32(happening.value("receipt")))
            for happening in case.named("ReceiptCorrected")
        ]
        if corrected:
            await collector.need(registry.CHALLENGES, corrected)
        for identifier in leases_of(case.events):
            state = await _lease(collector, identifier)
            if state is not None:
                leases[identifier] = state
    return collector, leases


async def collect_consents(collector: StateCollector, trails: Iterable[Trail]) -> None:
    """Read whether the consents that receipts stand on were taken back."""
    slots = [
        slot_of_consent(use.consent.consent.authorization, use.receipt.consent)
        for trail in trails
        for use in trail.receipts
        if use.consent is not None
    ]
    if slots:
        await collector.need(registry.CONSENTS, slots)


async def collect_exports(
    collector: StateCollector,
    evidence: Evidence,
    leases: Mapping[Hash32, LeaseState],
    trails: Iterable[Trail],
) -> None:
    """Read whether what went abroad was on record, and whose data each use took there (R20)."""
    receipts = {trail.lease: trail.receipts for trail in trails}
    for case in evidence.cases:
        for opened in case.named("LeaseOpened"):
            lease = leases.get(Hash32(opened.value("lease")))
            if lease is None:
                continue
            version = (case, *case.amendments)[lease.version - 1]
            terms = version.terms
            if not needs_record(terms):
                continue
            slots = [slot_of_record(version.identifier, year_of(opened.time))]
            uses = receipts.get(lease.lease, ()) if lease.is_per_use else ()
            slots += await _persons(collector, terms, uses)
            await collector.need(registry.EXPORTS, slots)


async def _persons(
    collector: StateCollector, terms: Terms, uses: Iterable[SignedReceipt]
) -> list[int]:
    """Return where Exports counts the persons whose data some uses took abroad."""
    given = [(use.consent.consent, use.receipt) for use in uses if use.consent is not None]
    if not given:
        return []
    words = await collector.need(CATALOG, sensitive_slots(terms))
    sensitive = any(terms.fields & words[slot] for slot in sensitive_slots(terms))
    return [
        slot_of_person(
            terms.provider,
            year_of(receipt.used_at),
            consent.export_reference,
            is_sensitive=sensitive,
        )
        for consent, receipt in given
    ]


async def _agreement(collector: StateCollector, case: Case, version: Case) -> None:
    own = version.identifier
    words = await collector.need(AUTHORIZATIONS, registry.slots_of_authorization(own))
    words = await collector.need(AUTHORIZATIONS, registry.slots_of_authorization(own, words))
    if version is case:  # an amendment's own record is never in force
        await _interruptions(collector, own, reader(words))
    slots = product_slots(version.terms.product, version.terms.product_version)
    summary = (await collector.need(CATALOG, slots))[slots[0]]
    version.zone = zone_of(summary)
    if is_on_application(summary):
        for block in blocks_of(version):
            await _approval(collector, version.terms, block)
    if number := sandbox_of(summary):
        counted = slot_of_counted(case.identifier)
        await collector.need(SANDBOXES, (*slots_of_sandbox(number), counted))


async def _approval(collector: StateCollector, terms: Terms, block: int) -> None:
    """Read the chains of applications as far as `applications.covering` looks through them."""
    for place in places_of(terms):
        slot = slot_of_newest(place)
        number = (await collector.need(APPLICATIONS, (slot,)))[slot]
        for _ in range(CHAIN_MAX):
            if not number:
                break
            words = await collector.need(APPLICATIONS, slots_of_application(number))
            found = application(reader(words), number)
            assert found is not None, "applications name those that exist"
            if found.counted_at(block) and terms.valid_until <= found.until:
                return
            if found.counted_at(block - 1):
                break
            number = found.earlier


async def _interruptions(collector: StateCollector, own: Hash32, read: ReadSlot) -> None:
    state = registry.authorization(read, own)
    if state is not None and state.was_interrupted:
        slot = slot_of_count(own)
        words = await collector.need(AUTHORIZATIONS, (slot,))
        await collector.need(AUTHORIZATIONS, slots_of_interruptions(own, words[slot]))


async def _lease(collector: StateCollector, identifier: Hash32) -> LeaseState | None:
    slots = registry.slots_of_lease(identifier)
    words = await collector.need(LEASES, slots)
    if not words[slots[0]]:
        return None
    count = slot_of_halt(1, 0)
    halts = (await collector.need(VERSIONS, (count,)))[count]
    await collector.need(VERSIONS, (slot_of_halt(1, place) for place in range(1, halts + 1)))
    keys = await collector.need(MEMBERS, registry.slots_of_keys(words[slots[0]]))
    statements: dict[int, int] = {}
    if registry.has_lapsed(words[slots[0]]):
        statements = await collector.need(CLOSINGS, (registry.slot_of_statement(identifier),))
    return registry.lease(reader(words), reader(keys), reader(statements), identifier)


async def _members(
    collector: StateCollector, evidence: Evidence, case: Case, version: Case
) -> None:
    """Read whose accounts acted under a version, and who its parties are."""
    sides = sides_of(version.terms)
    wanted = set(sides) - {0}
    for account in _accounts(evidence, case, version):
        words = await collector.need(MEMBERS, (registry.slot_of_permission(account),))
        index = registry.member_of(reader(words), account)
        if index and index not in sides:
            words = await collector.need(MEMBERS, (registry.slot_of_member_standing(index),))
    wanted |= await _regulators(collector, version)
    for index in wanted:
        base = mapping_slot(registry.MEMBER_RECORDS, index)
        words = await collector.need(MEMBERS, (base, base + 1, base + _NAME_OFFSET))
        length = min(words[base + _NAME_OFFSET], registry.NAME_BYTES_MAX)
        first = base + _NAME_OFFSET + 1
        await collector.need(MEMBERS, range(first, first + (length + 31) // 32))


async def _regulators(collector: StateCollector, case: Case) -> set[int]:
    """Return the members that approved as regulators."""
    found, sides = set(), sides_of(case.terms)
    for happening in case.named("AuthorizationApproved"):
        if happening.value("parties") >> Party.REGULATOR & 1:
            for account in candidates_of(case, happening) or ():
                words = await collector.need(MEMBERS, ())
                own = account in (case.terms.subject, case.terms.agent)
                index = 0 if own else registry.member_of(reader(words), account)
                if index and index not in sides:
                    standing = words[registry.slot_of_member_standing(index)]
                    found |= {index} if standing & 255 == MemberKind.REGULATOR else set()
    return found


def _accounts(evidence: Evidence, case: Case, version: Case) -> list[Address]:
    """Return the accounts that requested, approved or ended, but for subject's and agent's keys."""
    found: list[Address] = []
    call = version.requested.call()
    if call is not None and call.name in REQUESTS:
        found.append(version.requested.sender())
    for happening in version.named("AuthorizationApproved"):
        found += candidates_of(version, happening) or ()
    for end in case.named(*ENDINGS):
        account = ender_of(evidence, case, end) if case.version_at(end) is version else None
        found += [] if account is None else [account]
    own = (version.terms.subject, version.terms.agent)
    return [account for account in found if account not in own]
