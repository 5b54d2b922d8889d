"""Nothing is in the file that no proof needed: so no value in it can be changed unnoticed."""

from itertools import pairwise

from node.audit.evidence import Evidence, place, require, text_of
from node.audit.result import Details
from node.spec.crypto import keccak256


def check_surplus(evidence: Evidence) -> Details:
    """Each block, transaction, set, slot and receipt in the bundle was needed by a check."""
    _require_sets(evidence)
    _require_blocks(evidence)
    for record in evidence.bundle.state:
        read = evidence.read.get(record.address, set())
        extra = [part.slot for part in record.proof.slots if part.slot not in read]
        subject = f"state of {text_of(record.address)}"
        require(subject, (bool(read), "no check needed this contract"))
        require(subject, (not extra, f"no check needed slot 0x{extra[0]:x}" if extra else ""))
    _require_trails(evidence)
    _require_past(evidence)
    _require_documents(evidence)
    return {}


def _require_sets(evidence: Evidence) -> None:
    newest = max(evidence.sets)
    used = not evidence.bundle.changes or newest in evidence.sealing_versions
    require(f"validator set {newest}", (used, "it sealed no block of the bundle"))


def _require_blocks(evidence: Evidence) -> None:
    needed = {(h.block, h.index) for case in evidence.cases for h in case.all_events}
    needed |= evidence.noted
    # A block whose child is in the file is shown by that.
    numbers = {record.final.header.number for record in evidence.bundle.blocks}
    shown = {number for number, _ in evidence.past_read if number + 1 not in numbers}
    last = evidence.bundle.blocks[-1]
    for record in evidence.bundle.blocks:
        number = record.final.header.number
        for inclusion in record.inclusions:
            subject = place(number, inclusion.index)
            present = (number, inclusion.index) in needed
            require(subject, (present, "it shows nothing of the bundle's authorizations"))
        needs = bool(record.inclusions) or record is last or number in shown
        require(f"block {number}", (needs, "it holds no transaction of the bundle"))


def _require_past(evidence: Evidence) -> None:
    for past in evidence.bundle.past:
        read = evidence.past_read.get((past.number, past.address), set())
        extra = [part.slot for part in past.proof.slots if part.slot not in read]
        subject = f"state of {text_of(past.address)} after block {past.number}"
        require(subject, (bool(read) and not extra, "no check needed all of its slots"))


def _require_documents(evidence: Evidence) -> None:
    opened = [opening.statement for opening in evidence.bundle.openings]
    plans = [keccak256(document) for document in evidence.bundle.plans]
    for what, names in (("fee statements", opened), ("price plans", plans)):
        ascend = all(before < after for before, after in pairwise(names))
        require(what, (ascend, "their documents do not ascend"))
    for opening in evidence.bundle.openings:
        present = opening.statement in evidence.opened
        subject = f"fee statement {text_of(opening.statement)}"
        require(subject, (present, "nothing in the bundle anchors it"))
    for document in evidence.bundle.plans:
        name = keccak256(document)
        require(f"price plan {text_of(name)}", (name in evidence.opened, "no check needed it"))


def _require_trails(evidence: Evidence) -> None:
    known = {lease.state.lease for case in evidence.cases for lease in case.leases}
    previous = b""
    for trail in evidence.bundle.trails:
        require(
            f"trail of lease {text_of(trail.lease)}",
            (trail.lease in known, "no authorization of the bundle has that lease"),
            (bool(trail.receipts), "it has no receipts"),
            (trail.lease > previous, "trails do not ascend"),
        )
        previous = trail.lease
