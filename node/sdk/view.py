"""Proved ledger state, fresh at every head: what a gateway decides from.

Reads are storage proofs under the newest final header, kept until an event says that they changed
(R16): with each new block its receipts are checked against the receipts root, and every read whose
key stands in a topic of a contract's event is forgotten. Where too many blocks were missed, all
reads are.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from node.errors import ProofError
from node.sdk.abi import decode_event, event_topic
from node.sdk.client import Client
from node.sdk.light import LightClient
from node.spec import registry, templates
from node.spec.block import receipts_root
from node.spec.consents import slot_of_consent
from node.spec.delegations import slot_of_delegation, stands
from node.spec.exports import slot_of_person, slot_of_record
from node.spec.header import Header
from node.spec.receipt import Log, Receipt
from node.spec.registry import AuthorizationState, LeaseState
from node.spec.sealed import SEALED, sealed_state, slots_of_sealed
from node.spec.slots import mapping_slot
from node.spec.state_proof import reader
from node.spec.types import Address, Hash32
from node.spec.usage import Ranges, lease_id, unpack_ranges
from node.spec.vocabulary import Role

FOLLOW_BLOCKS_MAX: Final = 64
"""Blocks whose receipts are fetched one by one; after a longer gap everything is read anew."""

READS_MAX: Final = 10_000

_BATCH_TOPIC: Final = event_topic("leases", "BatchAnchored")

_CONTRACTS: Final = frozenset(
    {
        registry.MEMBERS,
        registry.CATALOG,
        registry.AUTHORIZATIONS,
        registry.LEASES,
        registry.CLOSINGS,
        registry.TEMPLATES,
        registry.DELEGATIONS,
        registry.CONSENTS,
        registry.EXPORTS,
        SEALED,
    }
)


class LedgerView:
    """Authorizations, leases and accounts as the newest final block has them."""

    def __init__(self, light: LightClient) -> None:
        self._light = light
        self._head: Header | None = None
        self._reads: OrderedDict[tuple[Address, bytes], dict[int, int]] = OrderedDict()

    @property
    def head(self) -> Header:
        """The final header under which everything is read; it moves only in `advance`."""
        return self._light.current if self._head is None else self._head

    @property
    def client(self) -> Client:
        """The node behind this view, for what needs no proof because it carries its own."""
        return self._light.client

    async def advance(self) -> Header:
        """Move to the node's newest final header and forget what its blocks changed.

        The head moves once all that changed is known, and not at all where a block's receipts
        cannot be had: then the next call asks for them again, so no change is ever passed over.
        """
        before, head = self._head, await self._light.advance()
        changed: set[bytes] | None = None
        if before is not None and head.number - before.number <= FOLLOW_BLOCKS_MAX:
            changed = set()
            if head.number > before.number and self._reads:
                for header in await self._light.chain_to(before, head):
                    changed |= await self._changed_in(header)
        if self._head is before:
            self._publish(head, changed)
        return self.head

    def _publish(self, head: Header, changed: set[bytes] | None) -> None:
        """Read under `head` from now on; None stands for "anything may have changed"."""
        self._head = head
        if changed is None:
            self._reads.clear()
        else:
            for key in [key for key in self._reads if key[1] in changed]:
                del self._reads[key]

    async def _changed_in(self, header: Header) -> set[bytes]:
        receipts = await self._light.client.receipts(header.number)
        if receipts_root(receipts) != header.receipts_root:
            raise ProofError(f"block {header.number}: receipts do not lead to its receipts root")
        return _changed_keys(receipts)

    async def authorization(self, identifier: Hash32) -> AuthorizationState | None:
        """Return an authorization, None where there is none."""
        values = await self._read(
            registry.AUTHORIZATIONS,
            identifier,
            lambda known: registry.slots_of_authorization(identifier, known),
        )
        return registry.authorization(reader(values), identifier)

    async def terms_digest(self, authorization: Hash32, version: int) -> Hash32:
        """Return the digest of a version of an authorization's terms; the first one's is its id."""
        if version == 1:
            return authorization
        slot = registry.slot_of_version(authorization, version)
        key = slot.to_bytes(32, "big")
        values = await self._read(registry.AUTHORIZATIONS, key, lambda _: (slot,))
        return Hash32(values[slot].to_bytes(32, "big"))

    async def has_delegation(self, delegation: Hash32, timestamp: int) -> bool:
        """Whether a delegation stands."""
        slots = (slot_of_delegation(delegation),)
        values = await self._read(registry.DELEGATIONS, delegation, lambda _: slots)
        return stands(reader(values), delegation, timestamp)

    async def is_consent_revoked(self, authorization: Hash32, consent: Hash32) -> bool:
        """Whether a subject's consent to a use was taken back (R2)."""
        slots = (slot_of_consent(authorization, consent),)
        values = await self._read(registry.CONSENTS, consent, lambda _: slots)
        return any(values.values())

    async def is_sealed_available(self, authorization: Hash32, timestamp: int) -> bool:
        """Whether a sealed authorization is available; why not, nothing here can tell (R19)."""
        slots = slots_of_sealed(authorization)
        values = await self._read(SEALED, authorization, lambda _: slots)
        state = sealed_state(reader(values), authorization)
        return state is not None and state.is_available(timestamp)

    async def lease(self, identifier: Hash32) -> LeaseState | None:
        """Return a lease with its keys, None where there is none."""
        slots = registry.slots_of_lease(identifier)
        values = await self._read(registry.LEASES, identifier, lambda _: slots)
        if not values[slots[0]]:
            return None
        # Which accounts two numbers stand for never changes, so these reads never grow old.
        places = registry.slots_of_keys(values[slots[0]])
        keys = await self._read(registry.MEMBERS, identifier, lambda _: places)
        stated = (registry.slot_of_statement(identifier),)
        statements = await self._read(registry.CLOSINGS, identifier, lambda _: stated)
        return registry.lease(reader(values), reader(keys), reader(statements), identifier)

    async def is_export_recorded(self, terms: Hash32, year: int) -> bool:
        """Whether an export under terms, by digest, is on record for a year (R20)."""
        slots = (slot_of_record(terms, year),)
        values = await self._read(registry.EXPORTS, terms, lambda known: tuple({*known, *slots}))
        return bool(values[slots[0]])

    async def is_person_exported(
        self, exporter: int, year: int, reference: Hash32, *, is_sensitive: bool
    ) -> bool:
        """Whether a person is counted among an exporter's of a year (R20)."""
        slot = slot_of_person(exporter, year, reference, is_sensitive=is_sensitive)
        values = await self._read(registry.EXPORTS, reference, lambda known: tuple({*known, slot}))
        return bool(values[slot])

    async def is_gateway_of(self, account: Address, member: int) -> bool:
        """Whether an account is now a gateway of an active member."""
        slots = (registry.slot_of_permission(account), registry.slot_of_member_standing(member))
        key = account.rjust(32, b"\0")
        values = await self._read(registry.MEMBERS, key, lambda _: slots)
        standing = await self._read(
            registry.MEMBERS, member.to_bytes(32, "big"), lambda _: slots[1:]
        )
        read = reader({**values, **standing})
        is_members = registry.member_of(read, account) == member
        return is_members and registry.has_role(read, account, Role.GATEWAY)

    async def is_frozen(self, member: int, timestamp: int) -> bool:
        """Whether a freeze lies over a member (R22)."""
        slots = (registry.slot_of_member_standing(member),)
        key = member.to_bytes(32, "big")
        values = await self._read(registry.MEMBERS, key, lambda _: slots)
        return registry.is_frozen(reader(values), member, timestamp)

    async def is_zone_frozen(self, zone: int, purpose: int, timestamp: int) -> bool:
        """Whether a purpose is frozen in a zone, or in every zone (R22)."""
        slots = templates.slots_of_zone_freezes(zone)
        own = await self._read(registry.TEMPLATES, zone.to_bytes(32, "big"), lambda _: slots[:2])
        every = await self._read(registry.TEMPLATES, bytes(32), lambda _: slots[2:])
        return templates.is_zone_frozen(reader(own | every), zone, purpose, timestamp)

    async def authorities(self, member: int) -> tuple[bytes, ...]:
        """Return the DER of a member's certificate authorities, proved."""
        words = 1 + registry.CERTIFICATE_BYTES_MAX // 32
        slots: list[int] = []
        for place in range(2):
            base = mapping_slot(registry.CERTIFICATES, 2 * member + place)
            slots += range(base, base + words)
        values = await self._light.read(registry.MEMBERS, tuple(slots))
        return registry.certificates(reader(values), member)

    async def _read(
        self,
        contract: Address,
        key: bytes,
        wanted: Callable[[dict[int, int]], tuple[int, ...]],
    ) -> dict[int, int]:
        """Return proved slots, from memory where no event named `key` since; `wanted` may grow."""
        head, values = self.head, self._reads.get((contract, key), {})
        while missing := tuple(slot for slot in wanted(values) if slot not in values):
            values = values | await self._light.read(contract, missing, head)
            if self.head is not head:
                # The head moved while the node answered: these words may be old by now.
                head, values = self.head, self._reads.get((contract, key), {})
        self._reads[contract, key] = values
        self._reads.move_to_end((contract, key))
        if len(self._reads) > READS_MAX:
            self._reads.popitem(last=False)
        return values


def _changed_keys(receipts: tuple[Receipt, ...]) -> set[bytes]:
    """Return what the contracts' events name: ids, accounts and members that changed.

    Most are topics. A batch names its authorizations and leases in its data: a topic of each would
    cost more than settling it.
    """
    logs = [log for receipt in receipts for log in receipt.logs if log.address in _CONTRACTS]
    found = {bytes(topic) for log in logs for topic in log.topics[1:]}
    for log in logs:
        if log.address == registry.LEASES and log.topics[:1] == (_BATCH_TOPIC,):
            found |= _named_by_batch(log)
    return found


def _named_by_batch(log: Log) -> set[bytes]:
    event = decode_event("leases", log)
    assert event is not None, "its topic is the event's"
    lists = (event.values[name] for name in ("authorizations", "ranges", "lasts"))
    ranges = unpack_ranges(Ranges(*map(tuple, lists)))
    found = {bytes(entry.authorization) for entry in ranges}
    return found | {bytes(lease_id(entry.authorization, entry.lease)) for entry in ranges}
