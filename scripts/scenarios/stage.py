"""The consortium that scenarios are played on: keys, what members send, and records of uses.

A stage needs a node and the keys of a development network, nothing else; a gateway is there where
the node is ours. What a scenario shows is noted in English and Chinese. A use without a gateway is
its record alone: a receipt that both sides' keys sign.
"""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from copy import copy
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from node.cli.devnet import DevelopmentNetwork
from node.config import read_private_key
from node.sdk import approval_file, contracts, governance
from node.sdk.abi import decode_event, decode_result, encode_call
from node.sdk.approval_file import ApprovalFile
from node.sdk.client import Client, TransactionReceipt
from node.sdk.consumer import Consumer, LeaseHandle
from node.sdk.contracts import Call, Opening
from node.sdk.product import Field, Manifest
from node.sdk.query import Query
from node.sdk.reverts import Revert
from node.sdk.reverts.governance import TimeLockIsRunning
from node.sdk.sender import Sender
from node.spec import merkle, registry
from node.spec.calendar import beginning_of, window_of
from node.spec.crypto import address_of, keccak256, sign
from node.spec.proposals import Proposal
from node.spec.registry import AuthorizationState, LeaseState
from node.spec.slots import ReadSlot
from node.spec.terms import Terms, authorization_id
from node.spec.types import ZERO_ADDRESS, Address, Hash32
from node.spec.usage import (
    Batch,
    Receipt,
    SignedReceipt,
    UseRange,
    batch_id,
    close_digest,
    lease_id,
    pack_ranges,
    ranges_hash,
    receipt_hash,
)
from node.spec.vocabulary import (
    HOME,
    Ballot,
    DeliveryMode,
    LegalBasis,
    MemberKind,
    OwnerRight,
    RatePeriod,
    Role,
    SubjectMode,
    Zone,
    mask,
    purpose,
)

FLOOR_SECONDS: Final = 20
"""Least time to answer on a development network."""

ENACT_TRIES: Final = 20
ENACT_PAUSE_SECONDS: Final = 0.5
EMPTY: Final[dict[object, Any]] = {Address: ZERO_ADDRESS, Hash32: Hash32(bytes(32))}
"""What stands for "none" in a member of the terms that is no number."""


class NotProved(Exception):
    """Something that a scenario promises does not hold."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One thing that a scenario proved, in both languages."""

    en: str
    zh: str


@dataclass
class Gateway:
    """The provider's gateway as a consumer reaches it, and the product that it serves."""

    consumer: Consumer
    manifest: Manifest
    product: Hash32
    references: tuple[Hash32, ...]
    """Salted references of the subjects whose records it holds."""

    def offered(self, *fields: str) -> dict[str, Any]:
        """Return the members of terms that ask for some of its fields, at its price."""
        return {
            "fields": self.manifest.mask_of(*fields),
            "product": self.product,
            "price_class": int(self.manifest.price_class),
            "price_plan": self.manifest.price_plan_hash,
        }


@dataclass
class Stage:
    """Everything that scenarios share."""

    folder: Path
    network: DevelopmentNetwork
    client: Client
    gateway: Gateway | None = None
    product: Hash32 = field(init=False)
    offered: Manifest = field(init=False)
    """The product of indicators as it was published."""
    template: Hash32 = field(init=False)
    provider: str = "provider"
    consumer: str = "consumer"
    """Whose keys act: the two sides of what is granted here."""
    proved: list[Shown] = field(default_factory=list)
    senders: dict[str, Sender] = field(default_factory=dict)

    @property
    def chain_id(self) -> int:
        """The chain's id."""
        return self.network.chain_id

    def between(self, provider: str, consumer: str, product: Hash32) -> "Stage":
        """Return this stage with two other sides, and a product of that provider."""
        other = copy(self)
        other.provider, other.consumer, other.product = provider, consumer, product
        return other

    @property
    def sides(self) -> tuple[int, int]:
        """The members that provide and consume."""
        return self.network.members[self.provider], self.network.members[self.consumer]

    def prove(self, holds: bool, en: str, zh: str) -> None:
        """Note what was shown, or raise `NotProved` where it does not hold."""
        if not holds:
            raise NotProved(en)
        self.proved.append(Shown(en, zh))

    async def prove_refused(
        self, attempt: Awaitable[object], expected: type[Revert], en: str, zh: str
    ) -> None:
        """Note that the contract refused, with this very class of refusal."""
        try:
            await attempt
        except Revert as error:
            self.prove(type(error) is expected, f"{en} ({error.reason})", f"{zh}（{error.reason}）")
            return
        raise NotProved(f"{en}: it was accepted")

    def key(self, name: str) -> bytes:
        """Return the key of `consumer.gateway` and so on; another's follows from its name."""
        member, _, account = name.partition(".")
        if not (self.network.member_folder(member) / f"{account}.key").exists():
            return keccak256(b"a key of a scenario: " + name.encode())
        return read_private_key(self.network.member_folder(member) / f"{account}.key")

    def sender(self, name: str) -> Sender:
        """Return an account that can send."""
        if name not in self.senders:
            self.senders[name] = Sender(self.client, self.key(name), self.chain_id)
        return self.senders[name]

    async def send(self, name: str, call: Call) -> TransactionReceipt:
        """Send a call and wait until it is final."""
        return await self.sender(name).send(call)

    async def ask(self, contract: str, to: Address, method: str, *values: Any) -> Any:
        """Return what a contract says."""
        data = await self.client.view(
            to, encode_call(contract, method, *values), sender=ZERO_ADDRESS
        )
        return decode_result(contract, method, data)

    async def state(self, authorization: Hash32) -> AuthorizationState:
        """Return what the ledger keeps of an authorization, read from its storage."""
        slots = registry.slots_of_authorization(authorization)
        read = await self.storage(registry.AUTHORIZATIONS, slots)
        found = registry.authorization(read, authorization)
        assert found is not None, "granted before"
        return found

    async def lease_state(self, lease: LeaseHandle) -> LeaseState:
        """Return what the ledger keeps of a lease, read from its storage."""
        slots = registry.slots_of_lease(lease.id)
        leases = await self.storage(registry.LEASES, slots)
        keys = await self.storage(registry.MEMBERS, registry.slots_of_keys(leases(slots[0])))
        stated = (registry.slot_of_statement(lease.id),)
        found = registry.lease(
            leases, keys, await self.storage(registry.CLOSINGS, stated), lease.id
        )
        assert found is not None, "opened before"
        return found

    async def storage(self, contract: Address, slots: tuple[int, ...]) -> ReadSlot:
        """Return a reader of some slots of a contract, as the node says they are now."""
        words = {}
        for slot in slots:
            answer = await self.client.call(
                "eth_getStorageAt", "0x" + contract.hex(), hex(slot), "latest"
            )
            words[slot] = int(answer, 16)
        return words.__getitem__

    # Market and governance ------------------------------------------------------------------------

    async def publish(self, manifest: Manifest) -> Hash32:
        """Publish a product of the provider, approved by the exchange; return its id."""
        publishing = contracts.publish_product(manifest)
        receipt = await self.send(f"{self.provider}.approver", publishing)
        product = Hash32(receipt.logs[0].topics[1])
        await self.send("exchange.approver", contracts.approve_product(product, 1))
        return product

    async def join(self, name: str, identifier: str, kind: MemberKind, title: str) -> None:
        """Admit a member by vote; its governor lets an approver and a gateway act for it."""
        governor = address_of(self.key(f"{name}.governor"))
        enacted = await self.govern(governance.admit_member(identifier, kind, governor, title))
        (index,) = (
            event.values["member"]
            for log in enacted.logs
            if (event := decode_event("members", log)) is not None
            and event.name == "MemberAdmitted"
        )
        self.network.members[name] = index
        for account, role in (("approver", Role.APPROVER), ("gateway", Role.GATEWAY)):
            owner = address_of(self.key(f"{name}.{account}"))
            admitting = contracts.admit_account(owner, mask(Role.SENDER, role))
            await self.send(f"{name}.governor", admitting)

    async def govern(self, proposal: Proposal) -> TransactionReceipt:
        """Carry a proposal by the ballots of all electors, and enact it after its time lock."""
        opened = await self.send("regulator.governor", governance.propose(proposal))
        number = int.from_bytes(opened.logs[0].topics[1], "big")
        for member in ("consumer", "provider", "exchange"):
            await self.send(f"{member}.governor", governance.vote(number, Ballot.AGREE))
        for _ in range(ENACT_TRIES):
            try:
                return await self.send("regulator.governor", governance.enact(number, proposal))
            except TimeLockIsRunning:
                await asyncio.sleep(ENACT_PAUSE_SECONDS)
        raise NotProved("a carried proposal's time lock does not end")

    # Grants ---------------------------------------------------------------------------------------

    def terms(self, **changes: Any) -> Terms:
        """Return terms that the consumer may ask of the provider: aggregates, for a day."""
        now = int(time.time())
        standard: dict[str, Any] = blank(Terms)
        standard |= {
            "provider": self.sides[0],
            "consumer": self.sides[1],
            "product": self.product,
            "product_version": 1,
            "right": OwnerRight.PROCESSING,
            "retention_days": 30,
            "acknowledge_within": FLOOR_SECONDS,
            "legal_basis": LegalBasis.CONTRACT,
            "purpose": purpose("CreditChecking"),
            "fields": 0b111,
            "modes": mask(DeliveryMode.PSI),
            "destination": HOME,
            "minimum_group": 10,
            "maximum_uses": 10,
            "valid_from": now - 60,
            "valid_until": now + 86_400,
            "unsigned_maximum": 1,
            "answer_within": FLOOR_SECONDS,
            "settle_within": FLOOR_SECONDS,
            "template": self.template,
            "nonce": time.time_ns(),
        }
        return Terms(**{**standard, **changes})

    def consented(self, subject: str, reference: Hash32, **changes: Any) -> Terms:
        """Return terms of one consenting subject, whose own fields are delivered."""
        subjective: dict[str, Any] = {
            "subject_mode": SubjectMode.ONE,
            "subject": address_of(self.key(subject)),
            "subject_reference": reference,
            "notice": keccak256(b"privacy notice"),
            "legal_basis": LegalBasis.CONSENT,
            "minimum_group": 0,
            "modes": mask(DeliveryMode.FIELDS),
        }
        return self.terms(**{**subjective, **changes})

    async def grant(self, terms: Terms, *signers: str) -> Hash32:
        """Have the consumer ask and carry in the others' approvals from a file signed offline."""
        file = ApprovalFile(self.chain_id, terms)
        for name in (f"{self.provider}.approver", *signers):
            text = approval_file.encode(approval_file.approve(file, self.key(name)))
            file = approval_file.decode(text, self.chain_id)
        call = contracts.request_authorization(terms, file.signatures)
        await self.send(f"{self.consumer}.approver", call)
        return authorization_id(terms, self.chain_id)

    # Uses -----------------------------------------------------------------------------------------

    def opening(self, terms: Terms, uses: int, mode: DeliveryMode, **changes: Any) -> Call:
        """Return the call that opens a lease of an hour under terms."""
        values: dict[str, Any] = {
            "authorization": authorization_id(terms, self.chain_id),
            "uses": uses,
            "purpose": terms.purpose,
            "fields": 0,
            "mode": mode,
            "expires_at": min(int(time.time()) + 3_600, end_of_day()),
        }
        provider_key = address_of(self.key(f"{self.provider}.gateway"))
        return contracts.open_lease(Opening(**{**values, **changes}), provider_key)

    async def lease(
        self, terms: Terms, uses: int, mode: DeliveryMode, **changes: Any
    ) -> LeaseHandle:
        """Open a lease and return it."""
        opening = self.opening(terms, uses, mode, **changes)
        sent = await self.send(f"{self.consumer}.gateway", opening)
        numbers = [
            event.values["number"]
            for log in sent.logs
            if (event := decode_event("leases", log)) is not None and event.name == "LeaseOpened"
        ]
        provider_key = address_of(self.key(f"{self.provider}.gateway"))
        authorization = changes.get("authorization", authorization_id(terms, self.chain_id))
        return LeaseHandle(authorization, numbers[0], provider_key)

    async def use(self, lease: LeaseHandle, query: Query, times: int) -> list[SignedReceipt]:
        """Make uses through the gateway where there is one, else record them; return receipts."""
        if self.gateway is None:
            return await self.record(lease, times)
        found = []
        for _ in range(times):
            made = await self.gateway.consumer.ask(lease, query)
            assert made.receipt is not None, "an answered use has its receipt"
            found.append(
                SignedReceipt(made.receipt, made.provider_signature, made.consumer_signature)
            )
        return found

    async def record(self, lease: LeaseHandle, times: int, **changes: Any) -> list[SignedReceipt]:
        """Return receipts of uses made elsewhere, chained and signed by both sides' keys."""
        head, last, found = await self.client.block_number(), lease.id, []
        for number in range(1, times + 1):
            standard: dict[str, Any] = blank(Receipt) | {
                "lease": lease.id,
                "number": number,
                "previous": last,
                "request_hash": keccak256(b"request %d" % number),
                "state_block": head,
                "used_at": int(time.time()),
                "record_count": 1,
                "input_commitment": keccak256(b"input %d" % number),
                "output_commitment": keccak256(b"output %d" % number),
            }
            receipt = Receipt(**{**standard, **changes})
            last = receipt_hash(receipt, self.chain_id)
            found.append(SignedReceipt(receipt, *self.both(last)))
        return found

    def both(self, digest: bytes) -> tuple[bytes, bytes]:
        """Return the signatures of the provider's and the consumer's gateway."""
        provider, consumer = (f"{side}.gateway" for side in (self.provider, self.consumer))
        return sign(self.key(provider), digest), sign(self.key(consumer), digest)

    def settling(self, lease: LeaseHandle, signed: SignedReceipt) -> Call:
        """Return the call that anchors one receipt."""
        assert signed.consumer_signature is not None, "countersigned when asked"
        return contracts.settle_receipt(
            lease.authorization,
            lease.number,
            signed.receipt,
            signed.provider_signature,
            signed.consumer_signature,
        )

    async def settle(
        self, uses: Sequence[tuple[LeaseHandle, Sequence[SignedReceipt]]], *, close: bool
    ) -> Batch:
        """Anchor the receipts of many leases under one root, and close those leases if asked."""
        leaves: list[Hash32] = []
        ranges = []
        for lease, signed in sorted(uses, key=lambda use: use[0].id):
            hashes = [receipt_hash(entry.receipt, self.chain_id) for entry in signed]
            leaves += hashes
            last = hashes[-1] if hashes else lease.id
            ranges.append(UseRange(lease.authorization, lease.number, 1, len(hashes), last, close))
        highest = max(entry.receipt.state_block for _, signed in uses for entry in signed)
        batch = Batch(
            *self.sides,
            merkle.root(leaves),
            ranges_hash(pack_ranges(ranges)),
            len(leaves),
            highest,
        )
        signatures = self.both(batch_id(batch, self.chain_id))
        settling = contracts.settle_batch(batch, ranges, *signatures)
        await self.send(f"{self.provider}.gateway", settling)
        return batch

    def closing(self, lease: LeaseHandle, signed: Sequence[SignedReceipt]) -> Call:
        """Return the call by which both sides close a lease after its receipts."""
        last = receipt_hash(signed[-1].receipt, self.chain_id) if signed else lease.id
        identity = lease_id(lease.authorization, lease.number)
        digest = close_digest(identity, len(signed), last, self.chain_id)
        return contracts.close_lease(
            lease.authorization, lease.number, len(signed), last, *self.both(digest)
        )


def blank(kind: type[Terms] | type[Receipt]) -> dict[str, Any]:
    """Return the members of a structure, each with what stands for none."""
    return {part.name: EMPTY.get(part.type, 0) for part in fields(kind)}


def end_of_day() -> int:
    """Return the first second of the next day of UTC+8, where windows of a day end (R8)."""
    return beginning_of(window_of(RatePeriod.DAY, int(time.time())) + 1)


def indicators(template: str) -> Manifest:
    """Return a product of derived indicators, of which every delivery mode is offered."""
    kinds = (("reference", "SubjectReference", 2, 1), ("stability", "Indicator", 2, 1))
    more = (("invoice", "TradeDocument", 2, 0), ("sector", "SectorAggregate", 5, 0))
    parts = tuple(Field(*entry) for entry in (*kinds, *more))
    return Manifest(
        "Indicators",
        Zone.FINANCE,
        tuple(DeliveryMode),
        template,
        parts,
        evidence="From the operators' own meters.",
        quality="Checked yearly.",
    )
