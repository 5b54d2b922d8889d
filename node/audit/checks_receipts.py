"""Receipts: one chain a lease without gap, within what the lease fixed, signed by both keys."""

from node.audit.evidence import Case, Evidence, LeaseCase, naming, require
from node.audit.result import Details
from node.spec.registry import lease_facts
from node.spec.terms import data_since
from node.spec.usage import contradiction, verify_trail


def check_receipts(evidence: Evidence, case: Case) -> Details:
    """Receipts run 1, 2, ... in each lease, chained by hash, and none contradicts its lease.

    A gateway dates no use before the block that it stands on, so none is older than its lease: else
    the look-back, a consent that had expired or the persons of another year would cover it.
    """
    del evidence
    for lease in case.leases:
        facts = lease_facts(lease.state, None)
        for number, use in enumerate(lease.receipts, 1):
            receipt, previous = use.receipt, lease.hash_of(number - 1)
            flaw = contradiction(receipt, facts)
            reach = data_since(case.terms_under(lease), receipt.used_at)
            require(
                f"{case.name}, {lease.name}, receipt {number}",
                (receipt.lease == lease.state.lease, "it is of another lease"),
                (receipt.number == number, f"it says number {receipt.number}"),
                (receipt.previous == previous, "it does not name the receipt before it"),
                (flaw is None, f"it contradicts its lease: {flaw}"),
                (receipt.used_at >= lease.opened.time, "it was used before its lease was opened"),
                (receipt.data_since >= reach, "its data reaches further back than the terms allow"),
            )
    return {"receipts": sum(len(lease.receipts) for lease in case.leases)}


def check_signatures(evidence: Evidence, case: Case) -> Details:
    """Each receipt is signed by both keys of its lease; a claimed one by the provider alone."""
    for lease in case.leases:
        subject = f"{case.name}, {lease.name}"
        settled = lease.state.settled
        for number, use in enumerate(lease.receipts, 1):
            countersigned = use.consumer_signature is not None
            require(
                f"{subject}, receipt {number}",
                (countersigned or number > settled, "the consumer's signature is missing"),
                (
                    not countersigned or number <= settled,
                    "a claimed use is countersigned",
                ),
            )
        with naming(subject):
            _verify_lease(evidence, case, lease)
    return {"signatures": sum(_count(lease) for lease in case.leases)}


def _verify_lease(evidence: Evidence, case: Case, lease: LeaseCase) -> None:
    facts = lease_facts(lease.state, None)
    maximum = min(lease.state.claimed, case.terms_under(lease).unsigned_maximum)
    verify_trail(facts, lease.receipts, evidence.chain_id, unsigned_maximum=maximum)


def _count(lease: LeaseCase) -> int:
    return sum(1 + (use.consumer_signature is not None) for use in lease.receipts)
