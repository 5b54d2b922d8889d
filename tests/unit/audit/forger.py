"""A last block whose state the contracts never left, sealed by the story's own validators."""

from dataclasses import replace

from node.audit.bundle import Bundle
from node.audit.export import in_one_form
from node.execution.state_trie import PythonStateTrie
from node.spec import registry
from node.spec.account import decode_account
from node.spec.crypto import keccak256
from node.spec.seal import hash_for_commit_seal, with_round, with_seals
from node.spec.state_proof import SlotProof, StorageProof
from node.spec.trie import get, prove
from node.spec.types import AccountChange, Address, BlockDiff, Hash32
from tests.chaincode.world import account, key, sign
from tests.unit.audit.factory import JOINING, VALIDATORS, Story

_SLOTS = {
    "limits": lambda story: registry.slots_of_authorization(story.plain)[1],
    "standing": lambda story: registry.slots_of_authorization(story.plain)[0],
    "ended": lambda story: registry.slots_of_authorization(story.personal)[0],
    "lease": lambda story: registry.slots_of_lease(story.first)[0],
}


def forged(story: Story, bundle: Bundle, part: str, change: int) -> Bundle:
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

    address = registry.LEASES if part in ("lease", "code") else registry.AUTHORIZATIONS
    before = held.account(address)
    assert before is not None
    storage, code = {}, before.code_hash
    if part == "code":
        code = keccak256(b"another")
    else:
        slot = _SLOTS[part](story)
        word = held.storage(address, slot)
        kept = word & ~(0xFFFFFFFF << 142)
        storage[slot] = kept | change << 142 if part == "ended" else word + change
    diff = BlockDiff({address: AccountChange(before.nonce, before.balance, code, storage)})
    update = PythonStateTrie().update(
        story.ledger.head.state_root, diff, lambda places: [node(h) for _, _, h in places]
    )
    nodes.update({node_hash: data for _, _, node_hash, data in update.made})
    return _resealed(bundle, update.root, node)


def _resealed(bundle: Bundle, root: Hash32, node) -> Bundle:
    final = bundle.blocks[-1].final
    header = with_round(replace(final.header, state_root=root), 0)
    digest = hash_for_commit_seal(header)
    seals = [sign(key(name), digest) for name in (*VALIDATORS, JOINING)]
    final = replace(final, header=with_seals(header, seals))
    state = tuple(
        replace(record, proof=_proved(record.proof, root, record.address, node))
        for record in bundle.state
    )
    record = replace(bundle.blocks[-1], final=final)
    validators = {len(VALIDATORS) + 1: tuple(sorted(map(account, (*VALIDATORS, JOINING))))}
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
