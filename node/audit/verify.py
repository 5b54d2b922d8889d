"""The whole argument over one file, in numbered checks (sigstore's manner).

The chain's part first: (1) form and digest, (2) genesis, (3) validator sets, (4) finality,
(5) inclusion, (6) state. Then for each authorization (7) terms, (8) approvals, (9) parties,
(10) leases, (11) receipts, (12) signatures, (13) settlement, (14) closes, (15) counts,
(16) revocation. Last, that nothing in the file is left over (17). A check that stands on one which
failed is not run and reads "not provable"; nothing is ever called proved that did not run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Final

from node.audit.bundle import decode_bundle
from node.audit.cases import gather_cases
from node.audit.checks_chain import (
    Details,
    check_finality,
    check_genesis,
    check_inclusion,
    check_state,
    check_validator_sets,
)
from node.audit.checks_closing import check_closes, check_counts, check_revocation
from node.audit.checks_leases import check_leases
from node.audit.checks_receipts import check_receipts, check_signatures
from node.audit.checks_settlement import check_settlement
from node.audit.checks_surplus import check_surplus
from node.audit.checks_terms import check_approvals, check_parties, check_terms
from node.audit.evidence import Case, CheckFailed, Evidence, Statement, text_of
from node.errors import DataccordError, IntegrityError, NotReady, RemoteError
from node.spec.types import Hash32

BUNDLE: Final = "bundle"
"""What the checks of the whole file are about."""


class Status(Enum):
    """What became of a check."""

    PROVED = "proved"
    FAILED = "failed"
    NOT_PROVABLE = "not provable"
    NOT_COMPARED = "not compared"


@dataclass(frozen=True, slots=True)
class Result:
    """One check over the bundle or over one authorization."""

    check: str
    about: str
    status: Status
    details: Details = field(default_factory=dict)
    subject: str = ""
    """The object that does not hold."""
    what: str = ""
    """What about it does not hold, or the check this one stands on."""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All that a verification found."""

    chain_id: int | None
    genesis_hash: Hash32 | None
    compared: bool
    """Whether the caller named the genesis hash to trust."""
    results: tuple[Result, ...]
    statements: tuple[Statement, ...]
    cases: tuple[Case, ...]
    """Authorizations of which every check is proved."""
    timestamp: int = 0
    """Of the block whose state is proved, Unix seconds."""

    @property
    def failures(self) -> tuple[Result, ...]:
        """The checks that failed."""
        return tuple(result for result in self.results if result.status is Status.FAILED)

    @property
    def exit_code(self) -> int:
        """5 where a check failed, 4 where the genesis was not compared, else 0."""
        if self.failures:
            return IntegrityError.code
        return 0 if self.compared else NotReady.code


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
    ("settlement", ("signatures",), check_settlement),
    ("closes", ("settlement",), check_closes),
    ("counts", ("leases", "closes"), check_counts),
    ("revocation", ("leases",), check_revocation),
)

CHECKS: Final = (
    *("form", "genesis", *(check for check, _, _ in _CHAIN)),
    *(check for check, _, _ in _TRAIL),
    "surplus",
)
"""Ids of all checks in the order of the argument."""


class _Run:
    """Results so far, and the rule that a check needs those it stands on."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self._held: set[tuple[str, str]] = set()

    def try_check(
        self,
        check: str,
        about: str,
        needs: Sequence[tuple[str, str]],
        run: Callable[[], Details],
        held: Status = Status.PROVED,
    ) -> None:
        """Run a check unless one it stands on did not hold."""
        for need in needs:
            if need not in self._held:
                self.skip(check, about, need[0])
                return
        try:
            details = run()
        except CheckFailed as error:
            self.fail(check, about, error.subject, error)
        except (IntegrityError, RemoteError) as error:
            self.fail(check, about, about, error)
        else:
            self.results.append(Result(check, about, held, details))
            self._held.add((check, about))

    def fail(self, check: str, about: str, subject: str, error: DataccordError) -> None:
        """Note that a check does not hold."""
        failed = Result(check, about, Status.FAILED, {}, subject, error.what, error.why)
        self.results.append(failed)

    def skip(self, check: str, about: str, need: str) -> None:
        """Note that a check stands on one that does not hold."""
        self.results.append(Result(check, about, Status.NOT_PROVABLE, what=need))

    def holds(self, check: str, about: str) -> bool:
        """Whether a check holds."""
        return (check, about) in self._held


def verify(data: bytes, trusted: Hash32 | None) -> Report:
    """Return what a file proves; `trusted` is the genesis hash that the auditor knows.

    Never raises for anything that stands in the file.
    """
    run = _Run()
    evidence = _decode(run, data)
    if evidence is None:
        for check in CHECKS[1:]:
            run.skip(check, BUNDLE, "form")
        return Report(None, None, trusted is not None, tuple(run.results), (), ())
    _check_chain(run, evidence, trusted)
    _check_cases(run, evidence)
    return Report(
        evidence.chain_id,
        evidence.genesis_hash,
        trusted is not None,
        tuple(run.results),
        tuple(statement for case in evidence.cases for statement in case.statements),
        tuple(case for case in evidence.cases if _is_proved(run, case)),
        evidence.last.timestamp if evidence.bundle.blocks else 0,
    )


def _decode(run: _Run, data: bytes) -> Evidence | None:
    decoded: list[Evidence] = []

    def decode() -> Details:
        decoded.append(Evidence(decode_bundle(data)))
        return {"bytes": len(data)}

    run.try_check("form", BUNDLE, (), decode)
    return decoded[0] if decoded else None


def _check_chain(run: _Run, evidence: Evidence, trusted: Hash32 | None) -> None:
    held = Status.NOT_COMPARED if trusted is None else Status.PROVED
    genesis = partial(check_genesis, evidence, trusted)
    run.try_check("genesis", BUNDLE, (("form", BUNDLE),), genesis, held)
    for check, need, function in _CHAIN:
        run.try_check(check, BUNDLE, ((need, BUNDLE),), partial(function, evidence))


def _check_cases(run: _Run, evidence: Evidence) -> None:
    _gather(run, evidence)
    for case in evidence.cases:
        about = text_of(case.identifier)
        for check, needs, function in _TRAIL:
            stands_on = [(need, about) for need in needs]
            run.try_check(check, about, stands_on, partial(function, evidence, case))
    everything = [(result.check, result.about) for result in run.results]
    run.try_check("surplus", BUNDLE, everything, partial(check_surplus, evidence))


def _gather(run: _Run, evidence: Evidence) -> None:
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


def _is_proved(run: _Run, case: Case) -> bool:
    about = text_of(case.identifier)
    return all(run.holds(check, about) for check, _, _ in _TRAIL)
