"""Wishes to be erased: the subject or its agent had each, and nothing else hastens deletion (R21).

What brings a deletion forward is a person's withdrawal, or its wish about terms that stood on its
consent. Either stands in the same transaction.
"""

from node.audit.calldata import ContractCall, plain_signature
from node.audit.evidence import Case, Evidence, Happening, require
from node.spec.crypto import recover
from node.spec.obligations import erasure_digest
from node.spec.types import Address
from node.spec.vocabulary import LegalBasis, Reason


def require_wishes(evidence: Evidence, case: Case) -> None:
    """Hold each answer to who asked, and each date that was brought forward to its cause."""
    for answered in case.named("ErasureAnswered"):
        terms, account = case.version_at(answered).terms, answered.address("account")
        subject = f"{case.name}, {answered.where}"
        entitled = account in (terms.subject, terms.agent)
        require(subject, (entitled, "neither the subject nor its agent asked to be erased"))
        signer = _signer(evidence, case, answered)
        if signer is None:
            case.cannot_show("indirect", event=answered.where)
        require(subject, (signer in (None, account), "another asked to be erased"))
    for brought in case.named("DeletionBroughtForward"):
        caused = any(_hastens(case, other) for other in evidence.of_transaction(brought))
        require(f"{case.name}, {brought.where}", (caused, "no wish of the subject hastens it"))


def _signer(evidence: Evidence, case: Case, answered: Happening) -> Address | None:
    """Return who signed a wish; None where it came through another contract."""
    match answered.call():
        case ContractCall("askErasure", (_, b"")):
            return answered.sender()
        case ContractCall("askErasure", (_, signature)):
            digest = erasure_digest(case.identifier, evidence.chain_id)
            return recover(digest, plain_signature(signature))
        case _:
            return None


def _hastens(case: Case, happening: Happening) -> bool:
    """Whether an event is the subject's withdrawal, or its wish to be erased from a case."""
    if happening.event.values.get("authorization") != case.identifier:
        return False
    if happening.name == "ErasureAnswered":
        return case.version_at(happening).terms.legal_basis == LegalBasis.CONSENT
    return happening.event.values.get("reason") == Reason.SUBJECT_WITHDREW
