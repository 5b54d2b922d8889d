"""A consortium in memory for tests of the contracts: constructed as genesis does, run on py-evm.

Members: 1 bank A (the provider), 2 bank B (the consumer), 3 an exchange, 4 a regulator, 5 bank C
(nobody's party). Each has a governor, an approver and a gateway; the banks own one validator each.
Every call is one transaction in one block; a refused one must name its reason.
"""

from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import eth_abi

from chaincode import ADDRESSES, CONTRACTS, load
from chaincode.vocabulary import load as load_vocabulary
from node.chain.genesis import SHARES, parameter_values
from node.errors import ConfigError
from node.execution.engine import BlockEnvironment, Message, Outcome, never
from node.execution.memory_state import MemoryState
from node.execution.pyevm import CONSTRUCTOR_GAS, PyEvmEngine, PyEvmSession, evm_message
from node.sdk.abi import decode_result, encode_call
from node.sdk.contracts import Call
from node.sdk.governance import enact, propose, vote
from node.spec import registry, usage
from node.spec.crypto import keccak256
from node.spec.merkle import root
from node.spec.proposals import Proposal
from node.spec.terms import Terms, authorization_id, words
from node.spec.types import ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from node.spec.vocabulary import (
    HOME,
    Ballot,
    DeliveryMode,
    LegalBasis,
    Mechanism,
    OwnerRight,
    ProposalKind,
    Role,
    SubjectMode,
    Zone,
    field_kind,
    mask,
    purpose,
)
from tests.chaincode.members import (
    EXCHANGE,
    IDENTIFIERS,
    KINDS,
    NAMES,
    REGULATOR,
    A,
    B,
    C,
    account,
    key,
    sign,
    signature,
)
from tests.chaincode.seen import note, note_flaws

__all__ = ["EXCHANGE", "REGULATOR", "key", "sign"]

CHAIN_ID = 20_260
GENESIS_TIME = 1_800_000_000
DAY = 86_400
FLOOR = 3_600
"""The deadline floor of this genesis, seconds."""
TIME_LOCK = 7_200
"""Between carrying and enacting a proposal, seconds."""

TEMPLATE = keccak256(b"template")
FIELDS = (
    "SubjectReference",
    "CreditHistory",
    "LoanTerms",
    "HealthRecord",
    "SectorAggregate",
    "Biometric",
)
"""Kinds of the product's fields: levels 2, 3, 3, 4, 5, and a C3 one."""

PURPOSES = sum(1 << term.index for term in load_vocabulary()["purpose"])
CLAUSES = (1, PURPOSES, mask(*DeliveryMode), 2**32 - 1, 3_660, 0, True, True)
"""Of the template: they allow whatever the other rules do."""

SALT = keccak256(b"salt")
UNRULED = mask(*DeliveryMode)


class Refusal(AssertionError):
    """A transaction reverted; the text is its reason."""


@dataclass
class World:
    """State, time and block of a chain of one-transaction blocks."""

    state: MemoryState
    number: int = 100
    time: int = GENESIS_TIME
    engine: PyEvmEngine = field(default_factory=PyEvmEngine)

    def copy(self) -> "World":
        return World(self.state.copy(), self.number, self.time)

    def environment(self) -> BlockEnvironment:
        return BlockEnvironment(
            self.number, self.time, ZERO_ADDRESS, 200_000_000, ZERO_HASH, CHAIN_ID, ZERO_HASH
        )

    def send(self, sender: str, contract: str, method: str, *values: Any) -> Outcome:
        """Run one transaction in the next block; Refusal when it reverts."""
        data = encode_call(contract, method, *values)
        return self.carry_out(sender, Call(Address(ADDRESSES[contract]), data, method))

    def carry_out(self, sender: str, call: Call) -> Outcome:
        """Run a call of the SDK as `send` does."""
        self.number += 1
        self.time += 1
        session = PyEvmSession(self.environment(), self.state)
        message = Message(account(sender), call.to, call.data)
        message = replace(message, gas=100_000_000)
        outcome = session.apply(evm_message(message, session), never)
        if not outcome.succeeded:
            raise Refusal(reason(outcome))
        self.state.apply(session.diff())
        note_flaws(outcome.logs)
        return outcome

    def refused(self, sender: str, contract: str, method: str, *values: Any) -> str:
        """Run a transaction that must revert; return its reason."""
        before = self.state.copy()
        try:
            self.send(sender, contract, method, *values)
        except Refusal as refusal:
            assert self.state == before
            return str(refusal)
        raise AssertionError(f"{contract}.{method} was not refused")

    def attempt(self, sender: str, contract: str, method: str, *values: Any) -> str:
        """Run a transaction that may revert; return its reason, or nothing when it passed."""
        try:
            self.send(sender, contract, method, *values)
        except Refusal as refusal:
            return str(refusal)
        return ""

    def view(self, contract: str, method: str, *values: Any) -> Any:
        message = Message(
            to=Address(ADDRESSES[contract]), data=encode_call(contract, method, *values)
        )
        outcome = self.engine.call(self.environment(), message, self.state)
        if not outcome.succeeded:
            raise Refusal(reason(outcome))
        return decode_result(contract, method, outcome.return_data)

    def authorization(self, identity: Hash32) -> registry.AuthorizationState | None:
        return registry.authorization(self.reader("authorizations"), identity)

    def lease(self, identity: Hash32) -> registry.LeaseState | None:
        places = map(self.reader, ("leases", "members", "closings"))
        return registry.lease(*places, identity)

    def reader(self, contract: str) -> registry.ReadSlot:
        address = Address(ADDRESSES[contract])
        return lambda slot: self.state.storage(address, slot)


def reason(outcome: Outcome) -> str:
    if outcome.return_data[:4] != b"\x08\xc3\x79\xa0":
        return f"no reason: {outcome.reason} {outcome.return_data.hex()}"
    return note(str(eth_abi.decode(["string"], outcome.return_data[4:])[0]))


def events(outcome: Outcome) -> list[str]:
    """Names of the events, in order."""
    names = {
        keccak256(_event_signature(entry).encode()): entry["name"]
        for name in CONTRACTS
        for entry in load(name).abi
        if entry["type"] == "event"
    }
    return [names[log.topics[0]] for log in outcome.logs]


def _event_signature(entry: Any) -> str:
    return f"{entry['name']}({','.join(_abi_type(part) for part in entry['inputs'])})"


def _abi_type(part: Any) -> str:
    if not part["type"].startswith("tuple"):
        return str(part["type"])
    inner = ",".join(_abi_type(component) for component in part["components"])
    return f"({inner}){part['type'][5:]}"


ROLES = {"governor": Role.GOVERNOR, "approver": Role.APPROVER, "gateway": Role.GATEWAY}


def members_arguments() -> tuple[Any, Any, Any]:
    founders = [
        (IDENTIFIERS[index].ljust(32, b"\0"), KINDS[index], f"Member {NAMES[index]}", b"", HOME, 0)
        for index in NAMES
    ]
    accounts = [
        (index, account(f"{NAMES[index]}.{role}"), mask(Role.SENDER, bit))
        for index in NAMES
        for role, bit in ROLES.items()
    ]
    nodes = [(index, account(f"{NAMES[index]}.node"), True) for index in (A, B, C)]
    return founders, accounts, nodes


def constructor(name: str, *values: Any) -> bytes:
    artifact = load(name)
    inputs = next((entry["inputs"] for entry in artifact.abi if entry["type"] == "constructor"), [])
    return artifact.constructor + eth_abi.encode([_abi_type(part) for part in inputs], values)


def construct(*members: Any, **others: Any) -> World:
    """A new chain with these arguments of Members, and of others by their names."""
    world = World(MemoryState())
    arguments: dict[str, Any] = {
        "members": members,
        "grants": (FLOOR,),
        "governance": ([SHARES[kind] for kind in ProposalKind],),
        "parameters": (FLOOR, parameter_values(TIME_LOCK, FLOOR)),
    } | others
    for name in CONTRACTS:
        initcode = constructor(name, *arguments.get(name, ()))
        session = PyEvmSession(world.environment(), world.state)
        outcome = session.construct(
            Address(ADDRESSES[name]), initcode, ZERO_ADDRESS, CONSTRUCTOR_GAS
        )
        if not outcome.succeeded:
            raise ConfigError(f"genesis: the constructor of {name} failed", why=reason(outcome))
        world.state.apply(session.diff())
    return world


@cache
def _genesis() -> World:
    return construct(*members_arguments())


def genesis() -> World:
    """A fresh consortium."""
    return _genesis().copy()


def carry(world: World, proposal: Proposal, voters: tuple[str, ...] = ("a", "b", "c")) -> int:
    """Propose as the first voter, agree as the others; return the proposal's number."""
    world.carry_out(f"{voters[0]}.governor", propose(proposal))
    number: int = world.view("governance", "proposalCount")
    for voter in voters[1:]:
        world.carry_out(f"{voter}.governor", vote(number, Ballot.AGREE))
    return number


def govern(world: World, proposal: Proposal, voters: tuple[str, ...] = ("a", "b", "c")) -> Outcome:
    """Carry a proposal, wait for its time lock and enact it."""
    number = carry(world, proposal, voters)
    world.time += TIME_LOCK
    return world.carry_out("a.governor", enact(number, proposal))


def offering(**changes: Any) -> tuple[Any, ...]:
    """What a product version says beside its fields, in the contract's order."""
    values = {
        "zone": Zone.FINANCE,
        "modes": UNRULED,
        "right": OwnerRight.OPERATING,
        "price_class": 0,
        "acceptance_days": 10,
        "template": TEMPLATE,
        "price_plan": ZERO_HASH,
        "evidence": keccak256(b"evidence"),
        "quality": keccak256(b"quality"),
        "on_application": False,
        "sandbox": 0,
    }
    return tuple({**values, **changes}.values())


def schema(kinds: tuple[str, ...] = FIELDS) -> tuple[bytes, bytes]:
    """Names and packed fields of a product with these kinds, each at its floor."""
    found = [field_kind(kind) for kind in kinds]
    packed = b"".join(bytes([kind.index, kind.level << 4 | kind.personal_class]) for kind in found)
    return "\n".join(kinds).encode(), packed


def product() -> Hash32:
    return keccak256(A.to_bytes(32, "big") + SALT)


@cache
def _market() -> World:
    world = genesis()
    names, fields = schema()
    world.send("a.approver", "catalog", "publish", SALT, offering(), names, fields)
    world.send("exchange.approver", "catalog", "approve", product(), 1)
    world.send("exchange.approver", "templates", "propose", TEMPLATE, CLAUSES)
    world.send("regulator.approver", "templates", "adopt", TEMPLATE)
    return world


def market() -> World:
    """A consortium with one approved product of bank A."""
    return _market().copy()


def terms(**changes: Any) -> Terms:
    """Terms that bank B may request of bank A, with changes."""
    standard = Terms(
        provider=A,
        consumer=B,
        exchange=0,
        exchange_share=0,
        operator=0,
        approver=0,
        product=product(),
        product_version=1,
        right=OwnerRight.PROCESSING,
        subject_mode=SubjectMode.NONE,
        subject=ZERO_ADDRESS,
        subject_reference=ZERO_HASH,
        agent=ZERO_ADDRESS,
        delegation=ZERO_HASH,
        notice=ZERO_HASH,
        legal_basis=LegalBasis.CONTRACT,
        purpose=purpose("CreditChecking"),
        fields=0b111,
        modes=mask(DeliveryMode.QUERY, DeliveryMode.PSI),
        destination=HOME,
        mechanism=0,
        mechanism_reference=ZERO_HASH,
        mechanism_until=0,
        recipients=0,
        parent=ZERO_HASH,
        amends=ZERO_HASH,
        minimum_group=5,
        maximum_uses=100,
        rate_period=0,
        rate_limit=0,
        look_back_days=0,
        retention_days=30,
        valid_from=GENESIS_TIME,
        valid_until=GENESIS_TIME + 30 * DAY,
        unsigned_maximum=2,
        answer_within=FLOOR,
        settle_within=FLOOR,
        acknowledge_within=FLOOR,
        price_class=0,
        price_plan=ZERO_HASH,
        template=TEMPLATE,
        nonce=0,
    )
    return replace(standard, **changes)


PERSON: dict[str, Any] = {
    "subject_mode": SubjectMode.ONE,
    "subject": account("subject"),
    "subject_reference": keccak256(b"salted"),
    "legal_basis": LegalBasis.CONSENT,
    "minimum_group": 0,
    "notice": keccak256(b"notice"),
}
ABROAD: dict[str, Any] = {
    "destination": 344,
    "mechanism": Mechanism.STANDARD_CONTRACT,
    "mechanism_reference": keccak256(b"filing"),
    "mechanism_until": GENESIS_TIME + 400 * DAY,
}
ALL_BUT_B = ("a", "exchange", "regulator")


def personal_terms(**changes: Any) -> Terms:
    """Terms of one consenting subject."""
    return terms(**{**PERSON, "modes": mask(DeliveryMode.FIELDS), **changes})


def identifier(agreed: Terms) -> Hash32:
    return authorization_id(agreed, CHAIN_ID)


def requesting(agreed: Terms, *approvals: bytes) -> tuple[Any, ...]:
    """The call that requests terms, with approvals given beforehand."""
    return ("grants", "request", words(agreed), approvals)


def approving(agreed: Terms, *approvals: bytes) -> tuple[Any, ...]:
    """The call that approves terms as the sender, or carries approvals."""
    return ("grants", "approve", words(agreed), approvals)


def request(world: World, agreed: Terms) -> Hash32:
    world.send("b.approver", *requesting(agreed))
    return identifier(agreed)


def grant(world: World, **changes: Any) -> Hash32:
    """An active authorization between A and B."""
    agreed = terms(**changes)
    request(world, agreed)
    world.send("a.approver", *approving(agreed))
    return identifier(agreed)


def opening(authorization: Hash32, world: World, /, **changes: Any) -> tuple[Any, ...]:
    values = {
        "authorization": authorization,
        "uses": 10,
        "purpose": purpose("CreditScoreEvaluation"),
        "fields": 0,
        "mode": DeliveryMode.QUERY,
        "expires_at": world.time + DAY,
    }
    return tuple({**values, **changes}.values())


def open_lease(world: World, authorization: Hash32, number: int = 1, **changes: Any) -> Hash32:
    world.send(
        "b.gateway",
        "leases",
        "open",
        opening(authorization, world, **changes),
        account("a.gateway"),
    )
    return usage.lease_id(authorization, number)


def receipt(
    world: World, lease: Hash32, number: int, previous: Hash32, /, **changes: Any
) -> usage.Receipt:
    standard = usage.Receipt(
        lease=lease,
        number=number,
        previous=previous,
        request_hash=keccak256(b"request %d" % number),
        kind=0,
        state_block=world.number,
        used_at=world.time,
        record_count=12,
        data_since=0,
        consent=ZERO_HASH,
        input_commitment=keccak256(b"input"),
        output_commitment=keccak256(b"output"),
    )
    return replace(standard, **changes)


def chain(world: World, lease: Hash32, count: int, **changes: Any) -> list[usage.Receipt]:
    """The first receipts of a lease, each following the one before."""
    found: list[usage.Receipt] = []
    last = lease
    for number in range(1, count + 1):
        found.append(receipt(world, lease, number, last, **changes))
        last = hashed(found[-1])
    return found


def hashed(value: usage.Receipt) -> Hash32:
    return usage.receipt_hash(value, CHAIN_ID)


def plain(value: Any) -> tuple[Any, ...]:
    """A frozen value as the ABI wants it."""
    return tuple(getattr(value, name) for name in value.__dataclass_fields__)


def both(digest: bytes, sides: tuple[str, str] = ("a", "b")) -> tuple[bytes, bytes]:
    """Signatures of the provider's and the consumer's gateway."""
    provider, consumer = sides
    return signature(f"{provider}.gateway", digest), signature(f"{consumer}.gateway", digest)


def batch_of(
    ranges: list[usage.UseRange], receipts: list[usage.Receipt], /, **changes: Any
) -> usage.Batch:
    leaves = [hashed(entry) for entry in receipts]
    standard = usage.Batch(
        provider=A,
        consumer=B,
        root=root(leaves),
        ranges=usage.ranges_hash(usage.pack_ranges(ranges)),
        count=len(receipts),
        highest_state_block=max((entry.state_block for entry in receipts), default=0),
    )
    return replace(standard, **changes)


def settling(batch: usage.Batch, ranges: list[usage.UseRange]) -> tuple[Any, ...]:
    """The call that anchors a batch, signed by both gateways."""
    lists = plain(usage.pack_ranges(ranges))
    return ("leases", "settleBatch", plain(batch), *lists, *both(usage.batch_id(batch, CHAIN_ID)))


def anchor(world: World, batch: usage.Batch, ranges: list[usage.UseRange]) -> Outcome:
    return world.send("a.gateway", *settling(batch, ranges))
