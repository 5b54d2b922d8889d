"""The checks that need no knowledge of data sharing: genesis, sets, seals, inclusion, state.

Each takes the evidence, adds to it what it proved, and raises an `IntegrityError` that names the
object which does not hold. They run in this order; each stands on those before it.
"""

import chaincode
from node.audit.bundle import BlockRecord, Inclusion
from node.audit.evidence import Evidence, Happening
from node.errors import IntegrityError, ProofError, RemoteError
from node.sdk.abi import decode_event
from node.spec import registry
from node.spec.codec import encode
from node.spec.crypto import keccak256
from node.spec.finality import genesis_sets, proved_set, verify_final
from node.spec.receipt import decode_receipt
from node.spec.seal import hash_for_block
from node.spec.state_proof import verify_account, verify_storage
from node.spec.transaction import decode_transaction
from node.spec.trie import verify
from node.spec.types import Address, Hash32

CONTRACTS = {
    registry.CATALOG: "catalog",
    registry.AUTHORIZATIONS: "authorizations",
    registry.LEASES: "leases",
    registry.MEMBERS: "members",
}


def check_genesis(evidence: Evidence, trusted: Hash32 | None) -> str:
    """The genesis header hashes to the trusted hash, and its state names the first validators."""
    bundle = evidence.bundle
    anchor = hash_for_block(bundle.genesis) if trusted is None else trusted
    evidence.sets = dict(genesis_sets(bundle.genesis, anchor, bundle.genesis_validators))
    return f"0x{anchor.hex()}"


def check_validator_sets(evidence: Evidence) -> str:
    """Each later validator set is proved by a header that the one before it sealed (N15)."""
    sets = dict(evidence.sets)
    for change in evidence.bundle.changes:
        verify_final(change.final, sets)
        found = proved_set(change.final.header, change.validators)
        if min(found) <= max(sets):
            raise ProofError(
                f"validator set: block {change.final.header.number} proves none that is new"
            )
        sets.update(found)
    evidence.sets = sets
    return f"{len(sets)} set(s)"


def check_finality(evidence: Evidence) -> str:
    """Each block is sealed by a quorum of the set in force, and blocks ascend."""
    previous = 0
    for record in evidence.bundle.blocks:
        number = record.final.header.number
        if number <= previous:
            raise ProofError(f"block {number}: does not follow block {previous} in the bundle")
        verify_final(record.final, evidence.sets)
        previous = number
    if not previous:
        raise ProofError("bundle: holds no block")
    return f"{len(evidence.bundle.blocks)} blocks up to {previous}"


def check_inclusion(evidence: Evidence) -> str:
    """Each transaction and its receipt stand at one index under the block's two roots."""
    count = 0
    for record in evidence.bundle.blocks:
        last = -1
        for inclusion in record.inclusions:
            if inclusion.index <= last:
                raise ProofError(f"block {record.final.header.number}: indices do not ascend")
            last = inclusion.index
            evidence.happenings += _happenings(record, inclusion)
            count += 1
    return f"{count} transactions, {len(evidence.happenings)} events"


def _happenings(record: BlockRecord, inclusion: Inclusion) -> list[Happening]:
    header = record.final.header
    where = f"block {header.number}, transaction {inclusion.index}"
    key = encode(inclusion.index)
    try:
        raw = verify(header.transactions_root, key, inclusion.transaction)
        held = verify(header.receipts_root, key, inclusion.receipt)
    except ProofError as error:
        raise ProofError(f"{where}: {error.what}", why=error.why) from error
    if raw is None or held is None:
        raise ProofError(f"{where}: proved to be absent")
    receipt, transaction = decode_receipt(held), decode_transaction(raw)
    if not receipt.succeeded:
        raise ProofError(f"{where}: failed, and shows nothing")
    found = []
    for log in receipt.logs:
        contract = CONTRACTS.get(log.address)
        event = None if contract is None else _event(contract, log, where)
        if event is not None:
            found.append(Happening(event, transaction, header, inclusion.index))
    return found


def _event(contract: str, log, where: str):  # type: ignore[no-untyped-def]
    try:
        return decode_event(contract, log)
    except RemoteError as error:
        raise IntegrityError(f"{where}: {error.what}") from error


def check_state(evidence: Evidence) -> str:
    """Slots of the last block's state are proved, under the contracts that this auditor knows."""
    root = evidence.last.state_root
    words: dict[Address, dict[int, int]] = {}
    for record in evidence.bundle.state:
        name = CONTRACTS.get(record.address)
        where = f"state of 0x{record.address.hex()}"
        if name is None or record.address in words:
            raise ProofError(f"{where}: no contract of Dataccord, or shown twice")
        try:
            words[record.address] = dict(verify_storage(root, record.address, record.proof))
        except ProofError as error:
            raise ProofError(f"{where}: {error.what}", why=error.why) from error
        account = verify_account(root, record.address, record.proof.account)
        known = keccak256(chaincode.load(name).runtime)
        if account is None or account.code_hash != known:
            raise ProofError(f"{where}: its code is not the contract this version knows")
    evidence.words = words
    return f"{sum(map(len, words.values()))} slots of {len(words)} contracts"
