"""What a verification found: one result a check and object, and what they come to together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from node.audit.evidence import Case, CheckFailed, NotShown, Statement
from node.errors import DataccordError, IntegrityError, NotReady, RemoteError
from node.spec.types import Hash32

Details = Mapping[str, Any]
"""What a check found, for its line in the report."""

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
    lacks: str = ""
    """Of a check that ran and is not provable: what the file lacks, by its key in `texts`."""


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
    block: int = 0
    """The last block of the file: what came after it is not shown."""
    timestamp: int = 0
    """Of that block, Unix seconds."""
    not_before: int | None = None
    """The oldest state that the caller accepts, Unix seconds."""

    @property
    def is_old(self) -> bool:
        """Whether the file ends before the time that the caller asked for."""
        return self.not_before is not None and self.timestamp < self.not_before

    @property
    def failures(self) -> tuple[Result, ...]:
        """The checks that failed."""
        return tuple(result for result in self.results if result.status is Status.FAILED)

    @property
    def unshown(self) -> tuple[Result, ...]:
        """The checks that ran and found that the file lacks what they need."""
        return tuple(result for result in self.results if result.lacks)

    @property
    def exit_code(self) -> int:
        """5 where a check failed, 4 where the genesis was not compared or it is old, else 0."""
        if self.failures:
            return IntegrityError.code
        return 0 if self.compared and not self.is_old else NotReady.code


class Run:
    """Results so far, and the rule that a check needs those it stands on."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self._held: set[tuple[str, str]] = set()
        self._unshown: set[tuple[str, str]] = set()

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
                self._unshown |= {(check, about)} if need in self._unshown else set()
                return
        try:
            details = run()
        except NotShown as error:
            values = error.values
            unshown = Result(check, about, Status.NOT_PROVABLE, values, lacks=error.key)
            self.results.append(unshown)
            self._unshown.add((check, about))
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

    def stands(self, check: str, about: str) -> bool:
        """Whether a check holds, or is not provable only because the file lacks what it needs."""
        return self.holds(check, about) or (check, about) in self._unshown
