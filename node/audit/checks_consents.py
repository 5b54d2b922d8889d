"""Consents: in subject mode `perUse` each use stands on one that its subject signed for it (R2)."""

from node.audit.evidence import Case, Evidence, LeaseCase, naming, require, text_of
from node.audit.result import Details
from node.spec import registry
from node.spec.consents import refuse_use, slot_of_consent, verify_consent
from node.spec.usage import SignedReceipt


def check_consents(evidence: Evidence, case: Case) -> Details:
    """Each use that needs it has a consent of its own: signed, fitting, not taken back."""
    seen: set[bytes] = set()
    for lease in case.leases:
        for use in lease.receipts:
            subject = f"{case.name}, {lease.name}, receipt {use.receipt.number}"
            if not lease.state.is_per_use:
                require(subject, (use.consent is None, "it shows a consent that is not due"))
                continue
            _require_consent(evidence, case, lease, use, subject)
            require(subject, (use.receipt.consent not in seen, "its consent permitted another use"))
            seen.add(use.receipt.consent)
    return {"consents": len(seen)}


def _require_consent(
    evidence: Evidence, case: Case, lease: LeaseCase, use: SignedReceipt, subject: str
) -> None:
    require(subject, (use.consent is not None, "its consent is not shown"))
    assert use.consent is not None, "required above"
    with naming(subject):
        hashed = verify_consent(use.consent, evidence.chain_id)
        slot = slot_of_consent(use.consent.consent.authorization, use.receipt.consent)
        revoked = evidence.reader(registry.CONSENTS)(slot)
    # Which of the lease's fields a use took is known to the sides, who signed the request's hash.
    wanted = (case.identifier, lease.state.purpose, 0, use.receipt.used_at)
    refusal = refuse_use(use.consent.consent, *wanted)
    require(
        subject,
        (hashed == use.receipt.consent, f"it was given another consent than {text_of(hashed)}"),
        (refusal is None, f"its consent does not permit it: {refusal}"),
        (
            not revoked or use.receipt.state_block < revoked,
            f"its consent was taken back in block {revoked}",
        ),
    )
