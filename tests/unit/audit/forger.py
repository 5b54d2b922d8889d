"""A last block whose state the contracts never left, sealed by the story's own validators."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from node.audit.bundle import Bundle
from node.audit.export import in_one_form
from node.execution.state_trie import PythonStateTrie
from node.spec import registry
from node.spec.account import decode_account
from node.spec.crypto import keccak256
from node.spec.disputes import DISPUTE_COUNT, DISPUTES, slots_of_dispute
from node.spec.obligations import OBLIGATIONS, slots_of_hold, slots_of_obligation
from node.spec.registry import AUTHORIZATIONS
from node.spec.seal import hash_for_commit_seal, with_round, with_seals
from node.spec.state_proof import SlotProof, StorageProof
from node.spec.statements import STATEMENTS_OF_PERIODS, slot_of_fees
from node.spec.templates import LISTS, slot_of_template
from node.spec.trie import get, prove
from node.spec.types import AccountChange, Address, BlockDiff, Hash32
from tests.chaincode.world import TEMPLATE, account, key, sign
from tests.unit.audit.factory import JOINING, VALIDATORS, Chain

_PLACES: dict[str, tuple[Address, Callable[[Any], int]]] = {
    "limits": (AUTHORIZATIONS, lambda story: registry.slots_of_authorization(story.plain)[1]),
    "standing": (AUTHORIZATIONS, lambda story: registry.slots_of_authorization(story.plain)[0]),
    "ended": (AUTHORIZATIONS, lambda story: registry.slots_of_authorization(story.personal)[0]),
    "lease": (registry.LEASES, lambda story: registry.slots_of_lease(story.first)[0]),
    "template": (registry.TEMPLATES, lambda _: slot_of_template(TEMPLATE)),
    "lists": (registry.TEMPLATES, lambda _: LISTS),
    "fees": (STATEMENTS_OF_PERIODS, lambda trade: slot_of_fees(trade.first.statement)),
    "held": (OBLIGATIONS, lambda trade: slots_of_hold(trade.platform)[3]),
    "ruling": (DISPUTES, lambda _: slots_of_dispute(1)[9]),
    "until": (DISPUTES, lambda _: slots_of_dispute(1)[10]),
    "disputed": (DISPUTES, lambda _: slots_of_dispute(1)[2]),
    "count": (DISPUTES, lambda _: DISPUTE_COUNT),
    "deleted": (OBLIGATIONS, lambda trade: slots_of_obligation(trade.deletion)[5]),
    "informed": (OBLIGATIONS, lambda trade: slots_of_obligation(trade.duty)[5]),
    "due": (OBLIGATIONS, lambda trade: slots_of_obligation(trade.deletion)[3]),
}
"""Words that may be forged, by contract and slot."""


def forged(story: Chain, bundle: Bundle, part: str, change: int) -> Bundle:
    """The bundle over a last block with one word of state changed.

    `change` is added to the word; for "ended" it is the block that ends the personal authorization,
    for "code" another code stands at the leases.
    """
    held = story.ledger.state_of(story.ledger.head)
    nodes = dict.fromkeys(())
    store = story.ledger.store.nodes

    def node(node_hash: Hash32) -> bytes:
        made = nodes.get(node_hash)
        return store.node((None, b"", node_hash)) if made is None else made

    address = registry.LEASES if part == "code" else _PLACES[part][0]
    before = held.account(address)
    assert before is not None
    storage, code = {}, before.code_hash
    if part == "code":
        code = keccak256(b"another")
    else:
        slot = _PLACES[part][1](story)
        word = held.storage(address, slot)
        kept = word & ~(0xFFFFFFFF << 142)
        storage[slot] = kept | change << 142 if part == "ended" else word + change
    diff = BlockDiff({address: AccountChange(before.nonce, before.balance, code, storage)})
    update = PythonStateTrie().update(
        story.ledger.head.state_root, diff, lambda places: [node(h) for _, _, h in places]
    )
    nodes.update({node_hash: data for _, _, node_hash, data in update.made})
    return _resealed(story, bundle, update.root, node)


def _resealed(story: Chain, bundle: Bundle, root: Hash32, node) -> Bundle:
    final = bundle.blocks[-1].final
    header = with_round(replace(final.header, state_root=root), 0)
    digest = hash_for_commit_seal(header)
    names = (*VALIDATORS, JOINING)
    sealing = [name for name in names if account(name) in story.ledger.validators]
    seals = [sign(key(name), digest) for name in sealing]
    final = replace(final, header=with_seals(header, seals))
    state = tuple(
        replace(record, proof=_proved(record.proof, root, record.address, node))
        for record in bundle.state
    )
    record = replace(bundle.blocks[-1], final=final)
    validators = {len(VALIDATORS) + 1: tuple(sorted(map(account, names)))}
    validators[len(VALIDATORS)] = tuple(sorted(map(account, VALIDATORS)))
    changed = replace(bundle, blocks=(*bundle.blocks[:-1], record), state=state)
    return in_one_form(changed, validators)


def _proved(proof: StorageProof, root: Hash32, address: Address, node) -> StorageProof:
    place = keccak256(address)
    value = get(root, place, node)
    assert value is not None
    storage_root = decode_account(value).storage_root
    slots = tuple(
        SlotProof(part.slot, prove(storage_root, keccak256(part.slot.to_bytes(32, "big")), node))
        for part in proof.slots
    )
    return StorageProof(prove(root, place, node), slots)
