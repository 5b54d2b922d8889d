"""Corrections: which receipts both sides corrected by a record beside them, once each."""

from node.audit.checks_settlement import note_seconded, require_both
from node.audit.evidence import Case, Evidence, Happening, LeaseCase, naming, require
from node.audit.result import Details
from node.spec.registry import CHALLENGES, slot_of_correction
from node.spec.types import Hash32
from node.spec.usage import Correction, correction_digest


def check_corrections(evidence: Evidence, case: Case) -> Details:
    """Each correction is of a receipt in the file, signed by both keys, and the one in state."""
    for lease in case.leases:
        for happening in lease.events:
            if happening.name == "ReceiptCorrected":
                with naming(f"{case.name}, {lease.name}, {happening.where}"):
                    _add(evidence, case, lease, happening)
    return {"corrected": sum(len(lease.corrections) for lease in case.leases)}


def correction_in(happening: Happening) -> Correction:
    """Return the correction that an event tells of."""
    return Correction(
        Hash32(happening.value("receipt")),
        Hash32(happening.value("replacement")),
        happening.value("cause"),
    )


def _add(evidence: Evidence, case: Case, lease: LeaseCase, happening: Happening) -> None:
    number, correction = happening.value("number"), correction_in(happening)
    subject = f"{case.name}, {lease.name}, {happening.where}"
    digest = correction_digest(correction, evidence.chain_id)
    kept = evidence.reader(CHALLENGES)(slot_of_correction(correction.receipt))
    require(
        subject,
        (lease.hash_of(number) == correction.receipt, "it corrects another receipt than is shown"),
        (number not in lease.corrections, f"receipt {number} is corrected twice"),
        (kept.to_bytes(32, "big") == digest, "state holds another correction"),
    )
    call = happening.call()
    if call is None or call.name != "correct":
        case.cannot_show("indirect", event=happening.where)
    else:
        signatures = (call.arguments[2], call.arguments[3])
        keys = (lease.state.provider_key, lease.state.consumer_key)
        require_both(subject, digest, signatures, keys)
        note_seconded(case, happening, *signatures)
    if any(correction.replacement):
        case.cannot_show("replacement", receipt=number, lease=lease.number)
    lease.corrections[number] = correction
