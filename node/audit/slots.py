"""The state part of a bundle: exactly the slots that the checks will read, proved at the head.

A node is asked twice where a slot's place depends on another's value: a lease names its pair of
keys, an account its member, a member's name its length.
"""

from collections.abc import Iterable

from node.audit.bundle import StateRecord
from node.audit.cases import leases_of
from node.audit.checks_ending import ENDINGS, ender_of
from node.audit.checks_terms import product_slots
from node.audit.evidence import Case, Evidence
from node.sdk.light import LightClient
from node.sdk.view import lease_slots
from node.spec import registry
from node.spec.registry import AUTHORIZATIONS, CATALOG, LEASES, MEMBERS, LeaseState
from node.spec.state_proof import SLOTS_MAX, reader
from node.spec.types import Address, Hash32
from node.spec.vocabulary import Party

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
) -> tuple[tuple[StateRecord, ...], dict[Hash32, LeaseState]]:
    """Return the state records that the bundle's cases need, and their leases as state has them."""
    collector = StateCollector(light)
    leases: dict[Hash32, LeaseState] = {}
    for case in evidence.cases:
        await collector.need(AUTHORIZATIONS, registry.slots_of_authorization(case.identifier))
        terms = case.terms
        await collector.need(CATALOG, product_slots(terms.product, terms.product_version))
        for identifier in leases_of(case.events):
            state = await _lease(collector, identifier)
            if state is not None:
                leases[identifier] = state
        await _members(collector, evidence, case)
    return await collector.records(), leases


async def _lease(collector: StateCollector, identifier: Hash32) -> LeaseState | None:
    words = await collector.need(LEASES, registry.slots_of_lease(identifier))
    words = await collector.need(LEASES, lease_slots(identifier, words))
    return registry.lease(reader(words), identifier)


async def _members(collector: StateCollector, evidence: Evidence, case: Case) -> None:
    """Read whose accounts acted, and who the parties are."""
    wanted = {case.terms.provider, case.terms.consumer, case.terms.exchange} - {0}
    for account, parties in _accounts(evidence, case):
        if parties != 1 << Party.SUBJECT:
            words = await collector.need(MEMBERS, (registry.slot_of_permission(account),))
            if parties == 1 << Party.REGULATOR:
                wanted.add(registry.member_of(reader(words), account))
    for index in wanted:
        base = registry.mapping_slot(registry.MEMBER_RECORDS, index)
        words = await collector.need(MEMBERS, (base, base + 1, base + _NAME_OFFSET))
        length = min(words[base + _NAME_OFFSET], registry.NAME_BYTES_MAX)
        first = base + _NAME_OFFSET + 1
        await collector.need(MEMBERS, range(first, first + (length + 31) // 32))


def _accounts(evidence: Evidence, case: Case) -> list[tuple[Address, int]]:
    """Return the accounts that requested, approved or ended, each with what it acted as."""
    found: list[tuple[Address, int]] = []
    call = case.requested.call()
    if call is not None and call.name == "request":
        found.append((case.requested.sender(), 1 << Party.CONSUMER))
    for happening in case.named("AuthorizationApproved"):
        found.append((happening.address("account"), happening.value("parties")))
    for end in case.named(*ENDINGS):
        account = ender_of(evidence, case, end)
        if account is not None:
            consumer = 1 << Party.CONSUMER
            found.append((account, end.event.values.get("parties", consumer)))
    return found
