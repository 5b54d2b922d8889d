"""What must fail, visibly and with its reason: at the gateway before a byte is read, and on chain.

Each attempt is made twice. At the gateway it must be refused with the expected reason, and the
gateway must not have touched the provider's data. Forced on chain, past the gateway and with both
parties' keys at hand, the contract must revert with its own reason.
"""

import time
from collections.abc import Awaitable
from dataclasses import replace

from node.errors import Refused, Reverted
from node.sdk import contracts
from node.sdk.consumer import LeaseHandle
from node.sdk.contracts import Call
from node.sdk.journal import Use
from node.sdk.query import record_query
from node.spec.crypto import address_of, keccak256, sign
from node.spec.types import ZERO_HASH, Hash32
from node.spec.usage import Receipt, Request, lease_id, receipt_hash
from node.spec.vocabulary import purpose
from scripts.demo.story import AGGREGATE_USES, DEFAULT_RATE, PURPOSE, RECORD, opening
from scripts.demo.world import World, require, say


async def refused(world: World, attempt: Awaitable[object], reason: str) -> None:
    """Check that the gateway refuses with `reason`, before it reads any data."""
    reads = world.data_reads()
    try:
        await attempt
    except Refused as error:
        require(reason in error.reason, f"refused as {error.reason!r}, expected {reason!r}")
        require(world.data_reads() == reads, f"the gateway read data before refusing: {reason}")
        say(f"at the gateway  {error.reason}")
        return
    require(False, f"the gateway served what it must refuse: {reason}")


async def reverted(world: World, call: Call, reason: str, *, gateway: bool = True) -> None:
    """Check that the same attempt, forced on chain, reverts with `reason`."""
    sender = world.gateways["consumer"] if gateway else world.approvers["consumer"]
    try:
        await sender.send(call)
    except Reverted as error:
        require(reason in error.reason, f"reverted with {error.reason!r}, expected {reason!r}")
        say(f"forced on chain {error.reason}")
        return
    require(False, f"the contract accepted what it must refuse: {reason}")


async def refuse_field(world: World) -> None:
    """A field that was not granted."""
    query = record_query(PURPOSE, ["foreign_worker"])
    await refused(world, world.consumer.ask(world.leases["single"], query), "field not granted")
    fields = world.manifest.mask_of("foreign_worker")
    call = _open(world, opening(world, "single", 1, 600, fields=fields))
    await reverted(world, call, "field not granted")


async def refuse_purpose(world: World) -> None:
    """A purpose that was not granted."""
    query = record_query("FraudManagement", ["credit_amount"])
    await refused(world, world.consumer.ask(world.leases["single"], query), "purpose not granted")
    call = _open(world, opening(world, "single", 1, 600, purpose=purpose("FraudManagement")))
    await reverted(world, call, "purpose not granted")


def _open(world: World, wanted: contracts.Opening) -> Call:
    return contracts.open_lease(wanted, address_of(world.provider_key))


async def refuse_one_too_many(world: World) -> None:
    """The 26th use of 25: at the gateway, and as one more lease."""
    lease = world.leases["aggregate"]
    await refused(world, world.consumer.ask(lease, DEFAULT_RATE), "uses exhausted")
    await reverted(world, _open(world, opening(world, "aggregate", 1, 600)), "uses exhausted")


async def refuse_receipt_too_many(world: World) -> None:
    """A 26th receipt, in order and signed by both, once 25 are settled."""
    lease = world.leases["aggregate"]
    state = await world.lease_state("aggregate")
    forged = await _forged_receipt(world, lease, AGGREGATE_USES + 1)
    call = _settle(world, lease, replace(forged, previous=state.last), world.consumer_key)
    await reverted(world, call, "more uses than the lease reserved", gateway=False)


async def refuse_without_lease(world: World) -> None:
    """A use with no lease."""
    authorization = world.authorizations["single"]
    handle = LeaseHandle(authorization, 99, address_of(world.provider_key))
    await refused(world, world.consumer.ask(handle, RECORD), "no lease")
    receipt = await _forged_receipt(world, handle, 1)
    call = _settle(world, handle, receipt, world.consumer_key)
    await reverted(world, call, "not open", gateway=False)


async def refuse_skipped_number(world: World) -> None:
    """A number skipped."""
    lease = world.leases["single"]
    due = world.consumer.next_request(lease, RECORD)
    skipping = Request(due.lease, due.number + 1, due.request_hash, due.previous)
    await refused(world, world.consumer.request(lease, RECORD, skipping), "number skipped")
    receipt = await _forged_receipt(world, lease, 3)
    call = _settle(world, lease, receipt, world.consumer_key)
    await reverted(world, call, "not the next use", gateway=False)


async def refuse_forged_signature(world: World) -> None:
    """A receipt with one signature forged."""
    lease = world.leases["forged"] = await world.lease("forged", opening(world, "single", 1, 1_200))
    use = await world.consumer.request(lease, RECORD)
    stranger = keccak256(b"a key of nobody here")
    await refused(world, _countersign_by(world, lease, use, stranger), "not the consumer's")
    assert use.receipt is not None, "requested above"
    call = _settle(world, lease, use.receipt, stranger)
    await reverted(world, call, "not the consumer's signature", gateway=False)
    await world.consumer.countersign(lease, use)
    say("countersigned by the right key, the same receipt is accepted")


async def _countersign_by(world: World, lease: LeaseHandle, use: Use, key: bytes) -> None:
    assert use.receipt is not None, "a use that was answered"
    signature = sign(key, receipt_hash(use.receipt, world.network.chain_id))
    await world.consumer.post(
        "/countersign",
        {
            "authorization": "0x" + lease.authorization.hex(),
            "lease": lease.number,
            "use": use.request.number,
            "signature": "0x" + signature.hex(),
        },
    )


async def refuse_after_revocation(world: World) -> None:
    """A use after the revocation, in the very next block."""
    lease = world.leases["single"]
    state = await world.authorization(world.authorizations["single"])
    await refused(world, world.consumer.ask(lease, RECORD), "authorization has ended")
    say(f"revoked in block {state.ended}, refused at block {world.view.head.number}")
    await reverted(
        world, _open(world, opening(world, "single", 1, 600)), "authorizations: not active"
    )
    late = world.consumer.journal.get(lease.id, 2)
    assert late is not None, "made before"
    assert late.receipt is not None, "made before"
    assert state.ended is not None, "revoked before"
    receipt = replace(late.receipt, state_block=state.ended)
    call = _settle(world, lease, receipt, world.consumer_key)
    await reverted(world, call, "state block after the authorization ended", gateway=False)


async def _forged_receipt(world: World, lease: LeaseHandle, number: int) -> Receipt:
    """Return a receipt that both keys will sign although no such use was made."""
    head = await world.view.advance()
    return Receipt(
        lease=lease_id(lease.authorization, lease.number),
        number=number,
        previous=lease.id,
        request_hash=ZERO_HASH,
        kind=0,
        state_block=head.number,
        used_at=int(time.time()),
        record_count=1,
        data_since=0,
        consent=ZERO_HASH,
        input_commitment=ZERO_HASH,
        output_commitment=ZERO_HASH,
    )


def _settle(world: World, lease: LeaseHandle, receipt: Receipt, consumer_key: bytes) -> Call:
    """Return the settling of a receipt signed by the provider's key and the given one."""
    digest: Hash32 = receipt_hash(receipt, world.network.chain_id)
    provider, consumer = sign(world.provider_key, digest), sign(consumer_key, digest)
    return contracts.settle_receipt(lease.authorization, lease.number, receipt, provider, consumer)
