"""A consortium with its ledger in memory, and a story of uses whose every part an auditor meets.

Members and keys are those of `tests.chaincode.world`; four of the five own a validator, the fifth
joins on the way. Each step is one transaction in one sealed block of the real ledger.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from chaincode import ADDRESSES
from node.audit.export import export
from node.chain.genesis import (
    DEVELOPMENT_TIME_LOCK_SECONDS,
    AccountGrant,
    Founder,
    NodeGrant,
    build_genesis,
    parse_genesis,
)
from node.chain.ledger import Ledger
from node.execution.pyevm import PyEvmEngine
from node.execution.state_trie import PythonStateTrie
from node.rpc.backend import Backend
from node.rpc.dispatch import Dispatcher
from node.rpc.eth import EthMethods
from node.rpc.ledger import LedgerMethods
from node.sdk.abi import encode_call
from node.sdk.client import Client
from node.sdk.governance import add_validator
from node.sdk.journal import Journal, Use
from node.sdk.light import LightClient
from node.spec import usage
from node.spec.block import Block
from node.spec.consents import SignedConsent
from node.spec.proposals import Proposal
from node.spec.seal import hash_for_commit_seal, with_round, with_seals
from node.spec.terms import Terms, revocation_digest, words
from node.spec.transaction import decode_transaction, sign_dynamic_fee
from node.spec.types import ZERO_HASH, Address, Hash32
from node.spec.vocabulary import (
    Ballot,
    DeliveryMode,
    Reason,
    ReceiptKind,
    Role,
    SubjectMode,
    mask,
)
from node.storage.chain_store import ChainStore
from node.storage.kv import MemoryKeyValue
from node.telemetry import Metrics
from tests.chaincode import world
from tests.chaincode.world import A, B, account, both, hashed, key, plain, signature

VALIDATORS = ("a.node", "b.node", "c.node", "exchange.node")
JOINING = "regulator.node"
WITHIN = 60
"""Seconds to answer, to settle and to acknowledge an end."""
DEADLINES: dict[str, Any] = dict.fromkeys(
    ("answer_within", "settle_within", "acknowledge_within"), WITHIN
)


def genesis_text(kinds: Mapping[int, int] | None = None) -> str:
    """The genesis file of the consortium, with other kinds for some members."""
    known = {**world.KINDS, **(kinds or {})}
    accounts = [
        AccountGrant(index, account(f"{name}.{role}"), mask(Role.SENDER, bit))
        for index, name in world.NAMES.items()
        for role, bit in world.ROLES.items()
    ]
    nodes = [
        NodeGrant(index, account(f"{name}.node"), f"{name}.node" in VALIDATORS)
        for index, name in world.NAMES.items()
    ]
    founders = [
        Founder(world.IDENTIFIERS[index].decode(), int(known[index]), f"Member {name}")
        for index, name in world.NAMES.items()
    ]
    return build_genesis(
        chain_id=world.CHAIN_ID,
        timestamp=world.GENESIS_TIME,
        founders=founders,
        accounts=accounts,
        nodes=nodes,
        funds={},
        development=True,
    )


class Chain:
    """The ledger, one transaction a block, and the journal that both sides keep alike."""

    def __init__(self, journal: Path, kinds: Mapping[int, int] | None = None) -> None:
        self.genesis = parse_genesis(genesis_text(kinds))
        store = ChainStore(MemoryKeyValue())
        self.ledger = Ledger(store, self.genesis, PyEvmEngine(), PythonStateTrie())
        self.journal = Journal(journal)
        self.time = world.GENESIS_TIME
        self._nonces: dict[str, int] = {}
        self._proposals = 0

    @property
    def number(self) -> int:
        return self.ledger.head.number

    def send(self, sender: str, contract: str, method: str, *values: Any) -> Block:
        """Run one transaction in the next block; it must succeed."""
        data = encode_call(contract, method, *values)
        return self.send_data(sender, Address(ADDRESSES[contract]), data)

    def send_data(self, sender: str, to: Address, data: bytes) -> Block:
        nonce = self._nonces.get(sender, 0)
        self._nonces[sender] = nonce + 1
        raw = sign_dynamic_fee(
            key(sender), chain_id=world.CHAIN_ID, nonce=nonce, gas=20_000_000, to=to, data=data
        )
        block = self.seal([raw])
        assert self.ledger.store.blocks.receipts(block.header.number)[0].succeeded
        return block

    def send_together(self, *calls: tuple[Any, ...]) -> Block:
        """Run transactions in one block, in this order; each must succeed."""
        raws = []
        for sender, contract, method, *values in calls:
            nonce = self._nonces.get(sender, 0)
            self._nonces[sender] = nonce + 1
            raws.append(
                sign_dynamic_fee(
                    key(sender),
                    chain_id=world.CHAIN_ID,
                    nonce=nonce,
                    gas=5_000_000,
                    to=Address(ADDRESSES[contract]),
                    data=encode_call(contract, method, *values),
                )
            )
        block = self.seal(raws)
        receipts = self.ledger.store.blocks.receipts(block.header.number)
        assert [receipt.succeeded for receipt in receipts] == [True] * len(calls)
        return block

    def seal(self, raws: list[bytes]) -> Block:
        """Commit the next block, sealed by all validators in no order."""
        self.time += 1
        candidates = [decode_transaction(raw) for raw in raws]
        built = self.ledger.build(self.time, self.ledger.validators[0], candidates, seconds=60)
        header = with_round(built.block.header, 1)
        digest = hash_for_commit_seal(header)
        keys = {account(name): key(name) for name in (*VALIDATORS, JOINING)}
        seals = [world.sign(keys[node], digest) for node in reversed(self.ledger.validators)]
        block = Block(with_seals(header, seals), built.block.transactions)
        self.ledger.commit(block)
        return block

    def wait(self, seconds: int) -> None:
        self.time += seconds

    def client(self) -> Client:
        return Client(_Transport(self.ledger))

    async def export(self, *wanted: Hash32) -> bytes:
        """A bundle of some authorizations, by default all that the journal knows."""
        light = LightClient(self.client(), self.genesis.hash)
        return (await export(light, [self.journal], wanted))[0]

    # What the parties do -------------------------------------------------------------------------

    def market(self, **changes: Any) -> None:
        names, fields = world.schema()
        offer = (world.SALT, world.offering(**changes), names, fields)
        self.send("a.approver", "catalog", "publish", *offer)
        self.send("exchange.approver", "catalog", "approve", world.product(), 1)
        self.send("exchange.approver", "templates", "propose", world.TEMPLATE, world.CLAUSES)
        self.send("regulator.approver", "templates", "adopt", world.TEMPLATE)

    def grant(self, terms: Terms) -> Hash32:
        """An active authorization; a subject's approval is carried in signed."""
        identifier = world.identifier(terms)
        self.send("b.approver", *world.requesting(terms))
        if terms.subject_mode == SubjectMode.ONE:
            half = signature("subject", identifier)
            half = half[:-1] + bytes([half[-1] + 27])  # as wallets write it
            self.send("b.approver", *world.approving(terms, half))
        self.send("a.approver", *world.approving(terms))
        return identifier

    def open(self, authorization: Hash32, number: int, **changes: Any) -> Hash32:
        opening = world.opening(authorization, self, **changes)
        self.send("b.gateway", "leases", "open", opening, account("a.gateway"))
        return usage.lease_id(authorization, number)

    def use(self, lease: Hash32, count: int, unsigned: int = 0, **changes: Any) -> None:
        """Add uses to the journal; the last `unsigned` lack the countersignature."""
        for left in range(count, 0, -1):
            last = self.journal.last(lease)
            number = last.request.number + 1 if last else 1
            previous = hashed(last.receipt) if last and last.receipt else lease
            receipt = world.receipt(self, lease, number, previous, **changes)
            self.record(receipt, countersigned=left > unsigned)

    def record(
        self,
        receipt: usage.Receipt,
        *,
        countersigned: bool = True,
        consent: SignedConsent | None = None,
    ) -> None:
        request = _request(receipt)
        asked = signature("b.gateway", usage.request_digest(request, world.CHAIN_ID))
        provider, consumer = both(hashed(receipt))
        half = consumer if countersigned else None
        self.journal.add(Use(request, "", asked, receipt, b"", "", provider, half, consent))

    def receipts(self, lease: Hash32) -> list[usage.Receipt]:
        return [use.receipt for use in self.journal.signed_receipts(lease)]

    def range(self, authorization: Hash32, number: int, first: int, last: int, closes: bool) -> Any:
        lease = usage.lease_id(authorization, number)
        shown = hashed(self.receipts(lease)[last - 1]) if last else lease
        return usage.UseRange(authorization, number, first, last, shown, closes)

    def anchor(self, *ranges: usage.UseRange) -> None:
        leaves = [
            self.receipts(usage.lease_id(r.authorization, r.lease))[n - 1]
            for r in ranges
            for n in range(r.first, r.last + 1)
        ]
        batch = world.batch_of(list(ranges), leaves)
        self.send("a.gateway", *world.settling(batch, list(ranges)))

    def settle(self, authorization: Hash32, number: int, use: int) -> None:
        receipt = self.receipts(usage.lease_id(authorization, number))[use - 1]
        values = (authorization, number, plain(receipt), *both(hashed(receipt)))
        self.send("a.gateway", "leases", "settle", *values)

    def close(self, authorization: Hash32, number: int) -> None:
        lease = usage.lease_id(authorization, number)
        receipts = self.receipts(lease)
        last = hashed(receipts[-1]) if receipts else lease
        digest = usage.close_digest(lease, len(receipts), last, world.CHAIN_ID)
        values = (authorization, number, len(receipts), last, *both(digest))
        self.send("a.gateway", "leases", "close", *values)

    def close_alone(self, authorization: Hash32, number: int, claims: int) -> None:
        """The consumer closes with a co-signed receipt, the provider shows one more, and claims."""
        shown = len(self.receipts(usage.lease_id(authorization, number))) - claims
        self.show("closeAlone", authorization, number, shown - 1)
        self.show("answer", authorization, number, shown)
        self.wait(WITHIN)
        self.claim(authorization, number, shown)
        self.send("a.gateway", "closings", "finalize", authorization, number)

    def show(self, method: str, authorization: Hash32, number: int, use: int) -> None:
        """Begin a one-sided close, or answer in it, with the receipt of a use."""
        receipt = self.receipts(usage.lease_id(authorization, number))[use - 1]
        values = (authorization, number, plain(receipt), *both(hashed(receipt)))
        self.send("a.gateway" if method == "answer" else "b.gateway", "closings", method, *values)

    def claim(self, authorization: Hash32, number: int, shown: int) -> None:
        """The provider claims the uses after those shown."""
        lease = usage.lease_id(authorization, number)
        for receipt in self.receipts(lease)[shown:]:
            use = self.journal.get(lease, receipt.number)
            claim = (plain(_request(receipt)), use.request_signature, plain(receipt))
            signed = (*claim, use.provider_signature)
            self.send("a.gateway", "closings", "claim", authorization, number, *signed)

    def join(self) -> None:
        """A fifth validator, voted in by three of four members: the validator set changes."""
        self.govern(add_validator(account(JOINING)))

    def govern(self, proposal: Proposal) -> None:
        """Carry a proposal by three of four members, wait for its time lock and enact it."""
        ask = (int(proposal.kind), proposal.content)
        self.send("a.governor", "governance", "propose", *ask)
        self._proposals += 1
        for name in ("b", "c"):
            vote = (self._proposals, int(Ballot.AGREE))
            self.send(f"{name}.governor", "governance", "vote", *vote)
        self.wait(DEVELOPMENT_TIME_LOCK_SECONDS)
        self.send("a.governor", "governance", "enact", self._proposals, proposal.content)


def _request(receipt: usage.Receipt) -> usage.Request:
    asked = (receipt.lease, receipt.number, receipt.request_hash, receipt.previous)
    return usage.Request(*asked)


class _Transport:
    """The node's own RPC methods, without a socket."""

    def __init__(self, ledger: Ledger) -> None:
        backend = Backend(
            store=ledger.store,
            engine=ledger.engine,
            environment=ledger.environment_of,
            chain_id=world.CHAIN_ID,
            client_version="test",
            validators_at=lambda _: ledger.validators,
            resolve=ledger.transactions.resolve,
            send=lambda raw: ZERO_HASH,
            pending=lambda _: None,
            next_nonce=lambda _, nonce: nonce,
            pool_size=lambda: (0, 0),
            peer_count=lambda: 0,
            best_known=lambda: ledger.head.number,
            head_state=lambda: (ledger.head.number, ledger.state_of(ledger.head)),
        )
        methods = {**EthMethods(backend).methods(), **LedgerMethods(backend).methods()}
        self._dispatcher = Dispatcher(methods, {}, Metrics())

    async def post(self, body: Any) -> Any:
        return orjson.loads(await self._dispatcher.answer(orjson.dumps(body)))

    async def close(self) -> None:
        pass


def agreed(nonce: int, **changes: Any) -> Terms:
    """Terms whose deadlines a test can wait for."""
    return world.terms(nonce=nonce, **DEADLINES, **changes)


def personal(nonce: int) -> Terms:
    return replace(world.personal_terms(nonce=nonce), **DEADLINES)


class Story(Chain):
    """Three authorizations that between them pass every way of settling, closing and ending.

    `plain` settles alone and in batches and closes by both; `personal` closes by one side with a
    claim and is revoked by its subject's signature; `lapsing` shares a batch with `plain`, lapses
    and opens another lease; `declined` never becomes active. `early` is a bundle of `plain` from
    before the validator set changed.
    """

    def __init__(self, journal: Path) -> None:
        super().__init__(journal)
        self.market()
        self.plain = self.grant(agreed(1))
        self.first = self.open(self.plain, 1)
        self.second = self.open(self.plain, 2, uses=5, fields=0b11)
        self.use(self.first, 3)
        self.early = asyncio.run(self.export(self.plain))
        self.join()
        self.lapsing = self.grant(agreed(2))
        self.third = self.open(self.lapsing, 1, uses=4, expires_at=self.time + 40)
        self.use(self.second, 2)
        self.use(self.second, 1, kind=ReceiptKind.VOID, record_count=0)
        self.use(self.third, 2)
        self.settle(self.plain, 1, 1)
        self.anchor(
            self.range(self.plain, 1, 2, 3, False),
            self.range(self.plain, 2, 1, 3, True),
            self.range(self.lapsing, 1, 1, 2, False),
        )
        self.close(self.plain, 1)
        self.personal = self.grant(personal(3))
        self.fourth = self.open(self.personal, 1, uses=6, mode=DeliveryMode.FIELDS)
        self.use(self.fourth, 5, unsigned=1, record_count=1)
        self.revoke()
        self.close_alone(self.personal, 1, claims=1)
        self.wait(WITHIN)
        self.send("b.gateway", "leases", "lapse", self.lapsing, 1)
        self.send("a.gateway", "closings", "stateUses", self.lapsing, 1, 3)
        self.send("b.gateway", "closings", "stateUses", self.lapsing, 1, 2)
        self.fifth = self.open(self.lapsing, 2, uses=2)
        declined = agreed(4)
        self.declined = world.identifier(declined)
        self.send("b.approver", *world.requesting(declined))
        self.send("a.approver", "refusals", "decline", words(declined), Reason.DECLINED)
        self.seal([])

    def revoke(self) -> None:
        reason = Reason.SUBJECT_WITHDREW
        digest = revocation_digest(self.personal, reason, world.CHAIN_ID)
        half = signature("subject", digest)
        self.send("a.approver", "refusals", "revokeSigned", words(personal(3)), reason, half)


__all__ = ["A", "B", "Chain", "Story"]
