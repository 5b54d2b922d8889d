"""The share's steps, in order."""

import asyncio
import hmac
import secrets
import time

from node.execution.choice import NATIVE, PY_EVM
from node.sdk import contracts, market
from node.sdk.abi import decode_result, encode_call
from node.sdk.client import Client
from node.sdk.contracts import Call, Opening
from node.sdk.market import Clauses
from node.sdk.query import Measure, aggregate_query, record_query
from node.sdk.settlement import RangeRequest
from node.spec.crypto import address_of, keccak256, recover, sign
from node.spec.registry import CATALOG, status_at
from node.spec.seal import decode_extra_data, hash_for_commit_seal
from node.spec.terms import Terms, authorization_id, revocation_digest
from node.spec.types import ZERO_ADDRESS, ZERO_HASH, Hash32
from node.spec.vocabulary import (
    HOME,
    AuthorizationStatus,
    ContractKind,
    DeliveryMode,
    LeaseStatus,
    LegalBasis,
    OwnerRight,
    ProductStatus,
    Reason,
    SubjectMode,
    mask,
    purpose,
)
from scripts.demo.world import World, dataccord, require, say

PURPOSE = "CreditScoreEvaluation"
GROUPS = ["purpose", "status_of_existing_checking_account"]
AGGREGATE_FIELDS = (*GROUPS, "class", "credit_amount")
RECORD_FIELDS = ["credit_history", "duration_in_month", "credit_amount", "savings_account_bonds"]
AGGREGATE_USES = 25
SUBJECT_ROW = 42
DEFAULT_RATE = aggregate_query(PURPOSE, GROUPS, [Measure("share", "class", "2")])
RECORD = record_query(PURPOSE, RECORD_FIELDS)


CLAUSES = Clauses(
    kind=ContractKind.PROVISION,
    purposes=1 << purpose(PURPOSE),
    modes=mask(DeliveryMode.FIELDS, DeliveryMode.QUERY),
    maximum_uses=1_000,
    maximum_days=366,
    minimum_group=10,
    abroad=False,
    onward=False,
)
"""What terms under the demo's template may say."""


async def start_network(world: World) -> None:
    """Four validators of four members reach block 1 within 30 s."""
    began = time.monotonic()
    place = ("--dir", str(world.folder / "net"), "--port-offset", str(world.port_offset))
    status = dataccord("net", "up", "--validators", "4", *place)
    elapsed = time.monotonic() - began
    require(all(node["running"] for node in status["nodes"]), "a validator does not run")
    require(all(node["height"] >= 1 for node in status["nodes"]), "a validator has no block 1")
    require(elapsed <= 30, f"block 1 took {elapsed:.0f} s")
    await world.connect()
    head = await world.light.advance()
    say(f"4 processes, block {head.number} after {elapsed:.1f} s, genesis {status['genesis_hash']}")
    say(f"proved: block {head.number} carries a quorum of seals of the set proved from genesis")


async def mix_engines(world: World) -> None:
    """Two validators go on with the reference engine beside two with the native one."""
    world.later_engine = PY_EVM
    for index in (2, 3):
        world.kill(index)
        dataccord("net", "up", "--dir", str(world.network.folder), engine=PY_EVM)
    names = []
    for plan in world.network.nodes:
        async with Client(plan.rpc) as client:
            names.append(str(await client.call("web3_clientVersion")).rsplit("/", 1)[-1])
    say(f"engines of the four: {', '.join(names)}")
    require(names == [NATIVE, NATIVE, PY_EVM, PY_EVM], "the engines are not two and two")


async def publish_product(world: World) -> None:
    """The provider publishes its product; the exchange is the second approver (R4)."""
    await world.send("provider", contracts.publish_product(world.manifest))
    provider = world.network.members["provider"]
    call = encode_call("catalog", "productId", provider, world.manifest.salt)
    found = await world.client.view(CATALOG, call, sender=ZERO_ADDRESS)
    world.product = Hash32(found)
    await world.send("exchange", contracts.approve_product(world.product, 1))
    text = world.manifest.template_hash
    await world.send("exchange", market.propose_template(text, CLAUSES))
    await world.send("regulator", market.adopt_template(text))
    call = encode_call("catalog", "statusOf", world.product, 1)
    answer = await world.client.view(CATALOG, call, sender=ZERO_ADDRESS)
    status = decode_result("catalog", "statusOf", answer)
    require(status == ProductStatus.APPROVED, "the product is not approved")
    say(f"{len(world.manifest.fields)} fields held to their floors, 0x{found.hex()[:16]}…")


def terms_of(world: World, *, subject: bool) -> Terms:
    """Return the terms of one of the two authorizations."""
    now = int(time.time())
    names = RECORD_FIELDS if subject else AGGREGATE_FIELDS
    salt = secrets.token_bytes(32)
    reference = hmac.digest(salt, str(SUBJECT_ROW).encode(), "sha256")
    return Terms(
        provider=world.network.members["provider"],
        consumer=world.network.members["consumer"],
        exchange=0,
        exchange_share=0,
        operator=0,
        approver=0,
        product=world.product,
        product_version=1,
        right=OwnerRight.PROCESSING,
        subject_mode=SubjectMode.ONE if subject else SubjectMode.NONE,
        subject=address_of(world.subject_key) if subject else ZERO_ADDRESS,
        subject_reference=Hash32(reference) if subject else ZERO_HASH,
        agent=ZERO_ADDRESS,
        delegation=ZERO_HASH,
        notice=keccak256(b"privacy notice") if subject else ZERO_HASH,
        legal_basis=LegalBasis.CONSENT if subject else LegalBasis.CONTRACT,
        purpose=purpose(PURPOSE),
        fields=world.manifest.mask_of(*names),
        modes=mask(DeliveryMode.FIELDS if subject else DeliveryMode.QUERY),
        destination=HOME,
        mechanism=0,
        mechanism_reference=ZERO_HASH,
        mechanism_until=0,
        recipients=0,
        parent=ZERO_HASH,
        amends=ZERO_HASH,
        minimum_group=0 if subject else 10,
        maximum_uses=12 if subject else AGGREGATE_USES,
        rate_period=0,
        rate_limit=0,
        look_back_days=0,
        retention_days=30,
        valid_from=now - 60,
        valid_until=now + 3_600,
        unsigned_maximum=1,
        answer_within=20,
        settle_within=20,
        acknowledge_within=20,
        price_class=0,
        price_plan=ZERO_HASH,
        template=world.manifest.template_hash,
        nonce=int.from_bytes(secrets.token_bytes(16), "big"),
    )


async def grant_authorizations(world: World) -> None:
    """Two authorizations: aggregates, approved by the provider; one person's, by that person."""
    chain_id = world.network.chain_id
    aggregate, single = terms_of(world, subject=False), terms_of(world, subject=True)
    for name, terms in (("aggregate", aggregate), ("single", single)):
        world.authorizations[name] = authorization_id(terms, chain_id)
        world.terms[name] = terms
        await world.send("consumer", contracts.request_authorization(terms))
        await world.send("provider", contracts.approve_authorization(terms))
    state = await world.authorization(world.authorizations["single"])
    require(
        state.status == AuthorizationStatus.PARTIALLY_APPROVED,
        "the single authorization is active without its subject",
    )
    signature = sign(world.subject_key, world.authorizations["single"])
    await world.send("exchange", contracts.approve_authorization(single, [signature]))
    for name, identifier in world.authorizations.items():
        state = await world.authorization(identifier)
        require(state.status == AuthorizationStatus.ACTIVE, f"{name} is not active")
        say(f"{name}: active, {state.maximum_uses} uses, 0x{identifier.hex()[:16]}…")
    say("proved: the subject's EIP-712 signature was carried in by another, no gas of its own")
    reference = "0x" + single.subject_reference.hex()
    await world.start_gateway(world.product, {reference: SUBJECT_ROW})


def opening(world: World, name: str, uses: int, seconds: int, **changes: object) -> Opening:
    """Return a lease's opening for an authorization by name."""
    mode = DeliveryMode.QUERY if name == "aggregate" else DeliveryMode.FIELDS
    values: dict[str, object] = {
        "authorization": world.authorizations[name],
        "uses": uses,
        "purpose": purpose(PURPOSE),
        "fields": 0,
        "mode": mode,
        "expires_at": int(time.time()) + seconds,
    }
    return Opening(**(values | changes))  # type: ignore[arg-type]


async def make_uses(world: World) -> None:
    """Leases are opened, and the gateway serves against them; both sides sign each receipt."""
    lapsing = await world.lease("lapsing", opening(world, "single", 2, 15))
    await world.consumer.ask(lapsing, RECORD)
    aggregate = await world.lease("aggregate", opening(world, "aggregate", AGGREGATE_USES, 1_200))
    first = await world.consumer.ask(aggregate, DEFAULT_RATE)
    say(f"default rate by purpose and checking status: {first.result[:150]}…")
    require('"groups_withheld":' in first.result, "the answer does not say what was withheld")
    began = time.monotonic()
    for _ in range(AGGREGATE_USES - 1):
        await world.consumer.ask(aggregate, DEFAULT_RATE)
    each = (time.monotonic() - began) / (AGGREGATE_USES - 1)
    say(f"{AGGREGATE_USES} uses, {each * 1000:.0f} ms each with both signatures: no block time")
    single = await world.lease("single", opening(world, "single", 5, 1_200))
    for _ in range(3):
        record = await world.consumer.ask(single, RECORD)
    say(f"one person's granted fields: {record.result}")
    alone = await world.lease("alone", opening(world, "single", 3, 1_200))
    for _ in range(2):
        await world.consumer.ask(alone, RECORD)


async def settle_one(world: World) -> None:
    """One receipt is settled alone, with both signatures checked by the contract."""
    lease = world.leases["single"]
    use = world.consumer.journal.get(lease.id, 1)
    require(use is not None and use.receipt is not None, "the consumer kept no receipt")
    assert use is not None, "required above"
    assert use.receipt is not None, "required above"
    assert use.consumer_signature is not None, "countersigned when asked"
    await world.send(
        "consumer",
        contracts.settle_receipt(
            lease.authorization,
            lease.number,
            use.receipt,
            use.provider_signature,
            use.consumer_signature,
        ),
    )
    state = await world.lease_state("single")
    require(state.settled == 1, "the receipt is not settled")
    say("receipt 1 of the single-record lease is on chain")


async def revoke(world: World) -> None:
    """The subject withdraws by a signature; in force from that block on."""
    identifier = world.authorizations["single"]
    digest = revocation_digest(identifier, Reason.SUBJECT_WITHDREW, world.network.chain_id)
    signature = sign(world.subject_key, digest)
    carried = contracts.carry_revocation(world.terms["single"], Reason.SUBJECT_WITHDREW, signature)
    await world.send("provider", carried)
    state = await world.authorization(identifier)
    status = status_at(state, world.view.head.timestamp)
    require(status == AuthorizationStatus.REVOKED, "the authorization is not revoked")
    say(f"revoked in block {state.ended}: reason subject_withdrew")


async def settle_batch(world: World) -> None:
    """The other receipts settle as one Merkle batch, those of the revoked authorization too."""
    aggregate, single = world.leases["aggregate"], world.leases["single"]
    wishes = [
        RangeRequest(aggregate.authorization, aggregate.number, 1, AGGREGATE_USES, False),
        RangeRequest(single.authorization, single.number, 2, 3, False),
    ]
    members = world.network.members
    built, theirs, ours = await world.consumer.batch(
        members["provider"], members["consumer"], wishes
    )
    await world.send("consumer", contracts.settle_batch(built.batch, built.ranges, theirs, ours))
    settled = (await world.lease_state("aggregate")).settled
    require(settled == AGGREGATE_USES, "aggregate uses not settled")
    require((await world.lease_state("single")).settled == 3, "single uses not settled")
    say(f"{built.batch.count} receipts under root 0x{built.batch.root.hex()[:16]}…")
    say("proved: uses made before the revocation settle after it")


async def close_by_both(world: World) -> None:
    """Both sides close two leases at once; what was not used is given back."""
    for name in ("aggregate", "single"):
        lease = world.leases[name]
        used, last, theirs, ours = await world.consumer.closing(lease)
        call = contracts.close_lease(lease.authorization, lease.number, used, last, theirs, ours)
        await world.send("consumer", call)
        state = await world.lease_state(name)
        require(state.status == LeaseStatus.CLOSED, f"lease {name} is not closed")
        say(f"lease {name}: closed by both after {used} of {state.uses} uses")


async def close_alone(world: World) -> None:
    """One side begins to close alone with its highest co-signed receipt."""
    lease = world.leases["alone"]
    last = world.consumer.journal.get(lease.id, 2)
    assert last is not None, "made above"
    assert last.consumer_signature is not None, "countersigned when asked"
    call = contracts.close_lease_alone(
        lease.authorization,
        lease.number,
        last.receipt,
        last.provider_signature,
        last.consumer_signature,
    )
    await world.send("provider", call)
    state = await world.lease_state("alone")
    require(state.status == LeaseStatus.CLOSING, "the lease is not closing")
    require(state.settled == 2, "the highest co-signed receipt did not count")
    say("the provider alone shows receipt 2; the consumer has 20 s to show a higher one")


async def finish_leases(world: World) -> None:
    """The close by one side becomes final, and the lease that nobody closed lapses."""
    alone = await world.lease_state("alone")
    await _until(world, alone.deadline + 2)
    handle = world.leases["alone"]
    await world.send("provider", contracts.finalize_lease(handle.authorization, handle.number))
    require((await world.lease_state("alone")).status == LeaseStatus.CLOSED, "not final")
    say("closed by one side: final after answerWithin")
    handle = world.leases["lapsing"]
    lapsing = await world.lease_state("lapsing")
    await _until(world, lapsing.expires_at + 20 + 1)
    await world.send("exchange", contracts.lapse_lease(handle.authorization, handle.number))
    lapsing = await world.lease_state("lapsing")
    require(lapsing.status == LeaseStatus.LAPSED, "the third lease did not lapse")
    say("the third lease lapsed: all its reserved uses stay counted, no fee accrues")


async def _until(world: World, timestamp: int) -> None:
    """Wait until the chain's clock has passed a time."""
    wait = timestamp - time.time()
    if wait > 0:
        await asyncio.sleep(wait)
    await world.view.advance()


async def kill_and_return(world: World) -> None:
    """A validator is killed; blocks go on; it comes back, catches up and signs again."""
    victim = len(world.network.nodes) - 1
    address = bytes.fromhex(world.network.nodes[victim].address[2:])
    process = world.kill(victim)
    before = await world.client.block_number()
    while (height := await world.client.block_number()) < before + 2:
        await _tick(world)
    say(f"validator {victim} (process {process}) killed with SIGKILL; blocks went on to {height}")
    folder = str(world.network.folder)
    status = dataccord("net", "up", "--dir", folder, engine=world.later_engine)
    again = status["nodes"][victim]
    require(again["running"] and again["pid"] != process, "the validator did not come back")
    deadline = time.monotonic() + 60
    number = await world.client.block_number()
    while address not in await _signers(world, number):
        require(time.monotonic() < deadline, "the validator did not sign again within 60 s")
        await _tick(world)
        number = max(number, await world.client.block_number())
    say(f"it caught up and sealed block {number}")


async def _tick(world: World) -> None:
    """Send a transaction that does nothing, so that a block need not wait to be empty."""
    sender = world.approvers["exchange"]
    await sender.send(Call(sender.address, b"", "nothing"))


async def _signers(world: World, number: int) -> set[bytes]:
    header = await world.client.header(number)
    digest = hash_for_commit_seal(header)
    return {recover(digest, seal) for seal in decode_extra_data(header.extra_data).seals}
