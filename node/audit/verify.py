"""The whole argument over one file, in numbered checks (sigstore's manner).

The chain's part first: (1) form and digest, (2) genesis, (3) validator sets, (4) finality,
(5) inclusion, (6) state. Then for each authorization (7) terms, (8) approvals, (9) parties,
(10) leases, (11) receipts, (12) signatures, (13) consents, (14) exports, (15) settlement,
(16) corrections, (17) closes, (18) counts, (19) revocation, (20) lists of the time,
(21) freezes, (22) disputes, (23) fees, (24) deletion, (25) records, (26) duties. Last, that nothing
in the file is left over (27). A check that stands on one which failed is not run and reads "not
provable", and so does one that ran and found that the file lacks what it needs; nothing is ever
called proved that did not run.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from node.audit.bundle import decode_bundle
from node.audit.cases import gather_cases
from node.audit.checks_approvals import check_approvals
from node.audit.checks_chain import (
    check_finality,
    check_genesis,
    check_inclusion,
    check_state,
    check_validator_sets,
)
from node.audit.checks_closing import check_closes
from node.audit.checks_consents import check_consents
from node.audit.checks_corrections import check_corrections
from node.audit.checks_counts import check_counts
from node.audit.checks_disputes import check_disputes
from node.audit.checks_ending import check_revocation
from node.audit.checks_exports import check_exports
from node.audit.checks_fees import check_fees
from node.audit.checks_freezes import check_freezes
from node.audit.checks_leases import check_leases
from node.audit.checks_lists import check_lists
from node.audit.checks_obligations import check_deletion, check_duties, check_records
from node.audit.checks_receipts import check_receipts, check_signatures
from node.audit.checks_settlement import check_settlement
from node.audit.checks_surplus import check_surplus
from node.audit.checks_terms import check_parties, check_terms
from node.audit.evidence import Case, CheckFailed, Evidence, text_of
from node.audit.result import BUNDLE, Details, Report, Run, Status
from node.spec.types import Hash32

_BundleCheck = Callable[[Evidence], Details]
_CaseCheck = Callable[[Evidence, Case], Details]

_CHAIN: Final[tuple[tuple[str, str, _BundleCheck], ...]] = (
    ("validator-sets", "genesis", check_validator_sets),
    ("finality", "validator-sets", check_finality),
    ("inclusion", "finality", check_inclusion),
    ("state", "finality", check_state),
)
"""Check, the one it stands on, function."""

_TRAIL: Final[tuple[tuple[str, tuple[str, ...], _CaseCheck], ...]] = (
    ("terms", (), check_terms),
    ("approvals", ("terms",), check_approvals),
    ("parties", ("approvals",), check_parties),
    ("leases", ("approvals",), check_leases),
    ("receipts", ("leases",), check_receipts),
    ("signatures", ("receipts",), check_signatures),
    ("consents", ("signatures",), check_consents),
    ("exports", ("consents",), check_exports),
    ("settlement", ("signatures",), check_settlement),
    ("corrections", ("settlement",), check_corrections),
    ("closes", ("settlement",), check_closes),
    ("counts", ("leases", "closes"), check_counts),
    ("revocation", ("leases",), check_revocation),
    ("lists", ("leases",), check_lists),
    ("freezes", ("receipts",), check_freezes),
    ("disputes", ("leases",), check_disputes),
    ("fees", ("corrections", "closes", "revocation", "disputes"), check_fees),
    ("deletion", ("counts", "revocation"), check_deletion),
    ("records", ("counts", "revocation"), check_records),
    ("duties", ("terms",), check_duties),
)

FINDINGS: Final = ("freezes", "fees", "deletion", "records", "duties")
"""Checks whose failure is a finding about the parties, which the file proves, and no flaw of it."""

CHECKS: Final = (
    *("form", "genesis", *(check for check, _, _ in _CHAIN)),
    *(check for check, _, _ in _TRAIL),
    "surplus",
)
"""Ids of all checks in the order of the argument."""


def verify(data: bytes, trusted: Hash32 | None, not_before: int | None = None) -> Report:
    """Return what a file proves; `trusted` is the genesis hash that the auditor knows.

    With `not_before` (Unix seconds) a file whose last block is older does not count as proved.

    Never raises for anything that stands in the file.
    """
    run = Run()
    evidence = _decode(run, data)
    if evidence is None:
        for check in CHECKS[1:]:
            run.skip(check, BUNDLE, "form")
        return Report(
            None, None, trusted is not None, tuple(run.results), (), (), not_before=not_before
        )
    _check_chain(run, evidence, trusted)
    _check_cases(run, evidence)
    return Report(
        evidence.chain_id,
        evidence.genesis_hash,
        trusted is not None,
        tuple(run.results),
        tuple(statement for case in evidence.cases for statement in case.statements),
        tuple(case for case in evidence.cases if _is_proved(run, case)),
        evidence.last.number if evidence.bundle.blocks else 0,
        evidence.last.timestamp if evidence.bundle.blocks else 0,
        not_before,
    )


def _decode(run: Run, data: bytes) -> Evidence | None:
    decoded: list[Evidence] = []

    def decode() -> Details:
        decoded.append(Evidence(decode_bundle(data)))
        return {"bytes": len(data)}

    run.try_check("form", BUNDLE, (), decode)
    return decoded[0] if decoded else None


def _check_chain(run: Run, evidence: Evidence, trusted: Hash32 | None) -> None:
    held = Status.NOT_COMPARED if trusted is None else Status.PROVED
    genesis = partial(check_genesis, evidence, trusted)
    run.try_check("genesis", BUNDLE, (("form", BUNDLE),), genesis, held)
    for check, need, function in _CHAIN:
        run.try_check(check, BUNDLE, ((need, BUNDLE),), partial(function, evidence))


def _check_cases(run: Run, evidence: Evidence) -> None:
    _gather(run, evidence)
    for case in evidence.cases:
        about = text_of(case.identifier)
        for check, needs, function in _TRAIL:
            stands_on = [(need, about) for need in needs]
            run.try_check(check, about, stands_on, partial(function, evidence, case))
    missing = [r.check for r in run.results if not run.stands(r.check, r.about)]
    if missing:
        run.skip("surplus", BUNDLE, missing[0])
    else:
        run.try_check("surplus", BUNDLE, (), partial(check_surplus, evidence))


def _gather(run: Run, evidence: Evidence) -> None:
    """Sort the events by authorization; where that cannot be, no check of a trail runs."""
    missing = [need for need in ("inclusion", "state") if not run.holds(need, BUNDLE)]
    if not missing:
        try:
            gather_cases(evidence)
        except CheckFailed as error:
            run.fail("terms", BUNDLE, error.subject, error)
            missing = ["terms"]
    for check, _, _ in _TRAIL if missing else ():
        if check != missing[0]:
            run.skip(check, BUNDLE, missing[0])


def _is_proved(run: Run, case: Case) -> bool:
    about = text_of(case.identifier)
    return all(run.stands(check, about) for check, _, _ in _TRAIL)
