"""The checks that need no knowledge of data sharing: genesis, sets, seals, inclusion, state.

Each takes the evidence, adds to it what it proved, and raises where an object does not hold. They
run in this order; each stands on those before it. Proofs show exactly the slots their step needs,
and a header carries exactly a quorum of seals by ascending signer: so one trail has one file.
"""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final

import chaincode
from node.audit.batches import taken_apart
from node.audit.bundle import BlockRecord, Inclusion, StateRecord
from node.audit.evidence import Evidence, Happening, naming, place, require, text_of
from node.audit.result import Details
from node.errors import ProofError
from node.sdk.abi import decode_event
from node.spec import registry
from node.spec.applications import APPLICATIONS
from node.spec.codec import encode
from node.spec.crypto import keccak256
from node.spec.disputes import DISPUTES
from node.spec.finality import (
    FinalHeader,
    ValidatorSets,
    genesis_sets,
    proved_set,
    verify_final,
)
from node.spec.obligations import OBLIGATIONS
from node.spec.proposals import PARAMETERS
from node.spec.receipt import decode_receipt
from node.spec.sandboxes import SANDBOXES
from node.spec.seal import hash_for_block, quorum, verify_seals
from node.spec.state_proof import SLOTS_MAX, StorageProof, reader, verify_account, verify_storage
from node.spec.transaction import decode_transaction
from node.spec.trie import verify
from node.spec.types import Address, Hash32
from node.spec.versions import VERSIONS

CONTRACTS: Final = {
    registry.MEMBERS: "members",
    registry.CATALOG: "catalog",
    registry.AUTHORIZATIONS: "authorizations",
    registry.LEASES: "leases",
    registry.CLOSINGS: "closings",
    registry.CHALLENGES: "challenges",
    registry.CONSENTS: "consents",
    registry.EXPORTS: "exports",
    registry.TEMPLATES: "templates",
    registry.STATEMENTS_OF_PERIODS: "statements",
    OBLIGATIONS: "obligations",
    DISPUTES: "disputes",
    PARAMETERS: "parameters",
    APPLICATIONS: "applications",
    SANDBOXES: "sandboxes",
    VERSIONS: "versions",
}
WATCHED: Final = {
    registry.GRANTS: "grants",
    registry.AUTHORIZATIONS: "authorizations",
    registry.LEASES: "leases",
    registry.CLOSINGS: "closings",
    registry.CHALLENGES: "challenges",
    registry.MEMBERS: "members",
    registry.TEMPLATES: "templates",
    registry.STATEMENTS_OF_PERIODS: "statements",
    OBLIGATIONS: "obligations",
    DISPUTES: "disputes",
}
"""The contracts whose events make a trail."""


def check_genesis(evidence: Evidence, trusted: Hash32 | None) -> Details:
    """The genesis header hashes to the trusted hash, and its state names the first validators."""
    bundle = evidence.bundle
    with naming("genesis"):
        anchor = hash_for_block(bundle.genesis) if trusted is None else trusted
        evidence.sets = dict(genesis_sets(bundle.genesis, anchor, bundle.genesis_validators))
        _require_set_slots("genesis", bundle.genesis_validators, evidence.sets)
    evidence.genesis_hash = anchor
    return {"genesis": text_of(anchor)}


def check_validator_sets(evidence: Evidence) -> Details:
    """Each later validator set is proved by a header that the one before it sealed (N15)."""
    sets = dict(evidence.sets)
    for change in evidence.bundle.changes:
        number, known = change.final.header.number, max(sets)
        subject = f"validator set proved by block {number}"
        with naming(subject):
            version = _check_final(change.final, sets)
            found = proved_set(change.final.header, change.validators)
        require(
            subject,
            (version == known, f"it was sealed by set {version}, the newest before it is {known}"),
            (min(found) > known, f"set {min(found)} is no newer than {known}"),
        )
        _require_set_slots(subject, change.validators, found)
        sets.update(found)
    evidence.sets = sets
    return {"sets": len(sets), "validators": len(sets[max(sets)])}


def _require_set_slots(subject: str, proof: StorageProof, found: ValidatorSets) -> None:
    count = sum(map(len, found.values()))
    needed = {registry.VALIDATORS, registry.VALIDATOR_SET_VERSION}
    needed |= {registry.slot_of_validator(position) for position in range(count)}
    shown = {part.slot for part in proof.slots}
    require(subject, (shown == needed, "its proof shows slots that the set does not need"))


def _check_final(final: FinalHeader, sets: ValidatorSets) -> int:
    """Check that a header is final in its one form; return the version of the set behind it."""
    verify_final(final, sets)
    if [part.slot for part in final.version.slots] != [registry.VALIDATOR_SET_VERSION]:
        raise ProofError("the proof of the set's version shows other slots too")
    proved = verify_storage(final.parent.state_root, registry.MEMBERS, final.version)
    version = registry.validator_set_version(reader(proved))
    signers = verify_seals(final.header, sets[version])
    if len(signers) != quorum(len(sets[version])) or any(a > b for a, b in pairwise(signers)):
        raise ProofError("the header does not carry just a quorum of seals by ascending signer")
    return version


def check_finality(evidence: Evidence) -> Details:
    """Each block is sealed by a quorum of the set in force, and blocks ascend."""
    previous = 0
    require("bundle", (bool(evidence.bundle.blocks), "it holds no block"))
    for record in evidence.bundle.blocks:
        number = record.final.header.number
        subject = f"block {number}"
        require(subject, (number > previous, f"it does not follow block {previous} in the bundle"))
        with naming(subject):
            evidence.sealing_versions.add(_check_final(record.final, evidence.sets))
        previous = number
    return {"blocks": len(evidence.bundle.blocks), "last": previous}


def check_inclusion(evidence: Evidence) -> Details:
    """Each transaction and its receipt stand at one index under the block's two roots."""
    count = 0
    for record in evidence.bundle.blocks:
        last = -1
        for inclusion in record.inclusions:
            number = record.final.header.number
            subject = place(number, inclusion.index)
            require(subject, (inclusion.index > last, "indices do not ascend"))
            with naming(subject):
                _add_happenings(evidence, record, inclusion)
            last, count = inclusion.index, count + 1
    return {"transactions": count, "events": len(evidence.happenings)}


def _add_happenings(evidence: Evidence, record: BlockRecord, inclusion: Inclusion) -> None:
    header, key = record.final.header, encode(inclusion.index)
    raw = verify(header.transactions_root, key, inclusion.transaction)
    held = verify(header.receipts_root, key, inclusion.receipt)
    if raw is None or held is None:
        raise ProofError("proved to be absent")
    receipt, transaction = decode_receipt(held), decode_transaction(raw)
    if not receipt.succeeded:
        raise ProofError("the transaction failed, and shows nothing")
    for log in receipt.logs:
        contract = WATCHED.get(log.address)
        event = None if contract is None else decode_event(contract, log)
        for part in () if event is None else taken_apart(event):
            order = len(evidence.happenings)
            happening = Happening(part, transaction, header, inclusion.index, order)
            evidence.happenings.append(happening)


def check_state(evidence: Evidence) -> Details:
    """Slots of the last block's state are proved, under the contracts that this auditor knows.

    So are those of earlier states that the file shows: each under the root of a header that is in
    the file, or is the proved parent of one.
    """
    root = evidence.last.state_root
    _require_record_order(evidence.bundle.state)
    for record in evidence.bundle.state:
        found = _proved(root, record.address, record.proof, f"state of {text_of(record.address)}")
        evidence.words.setdefault(record.address, {}).update(found)
    _prove_past(evidence)
    slots = sum(map(len, evidence.words.values()))
    return {"slots": slots, "contracts": len(evidence.words), "block": evidence.last.number}


def _proved(root: Hash32, address: Address, proof: StorageProof, subject: str) -> Mapping[int, int]:
    name = CONTRACTS.get(address)
    require(subject, (name is not None, "it is no contract of Dataccord"))
    with naming(subject):
        found = verify_storage(root, address, proof)
        account = verify_account(root, address, proof.account)
    known = keccak256(chaincode.load(str(name)).runtime)
    holds = account is not None and account.code_hash == known
    require(subject, (holds, "its code is not the contract that this version knows"))
    return found


def _prove_past(evidence: Evidence) -> None:
    roots: dict[int, Hash32] = {}
    for record in evidence.bundle.blocks:
        for header in (record.final.parent, record.final.header):
            roots[header.number] = header.state_root
    previous = (-1, b"")
    for past in evidence.bundle.past:
        subject = f"state of {text_of(past.address)} after block {past.number}"
        require(
            subject,
            (past.number in roots, "no header of the bundle is that block's"),
            (past.number < evidence.last.number, "it is not of an earlier block"),
            (previous < (past.number, past.address), "records of past states do not ascend"),
        )
        previous = (past.number, past.address)
        found = _proved(roots[past.number], past.address, past.proof, subject)
        evidence.past[past.number, past.address] = dict(found)


def _require_record_order(records: Iterable[StateRecord]) -> None:
    """A contract's slots ascend, in records of which all but the last are full."""
    for before, after in pairwise(records):
        subject = f"state of {text_of(after.address)}"
        ascends = before.address < after.address or (
            before.address == after.address
            and len(before.proof.slots) == SLOTS_MAX
            and bool(after.proof.slots)
            and before.proof.slots[-1].slot < after.proof.slots[0].slot
        )
        require(subject, (ascends, "records of state are out of order, or divided otherwise"))
