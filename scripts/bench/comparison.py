"""Ratios between cases, compared with those recorded.

A figure alone says as much about the machine as about the ledger; a ratio of two that were measured
in the same minutes says less about the machine. A ratio is put so that more is better, and falls
where it is smaller than the recorded one by more than the tolerance.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

TOLERANCE: Final = 0.15


@dataclass(frozen=True, slots=True)
class Ratio:
    """One case's figure over another's."""

    over: tuple[str, str]
    under: tuple[str, str]


RATIOS: Final = {
    "sustained TPS, four validators ÷ anvil": Ratio(
        ("four", "sustained_tps"), ("anvil", "sustained_tps")
    ),
    "sustained TPS, one validator ÷ anvil": Ratio(
        ("one", "sustained_tps"), ("anvil", "sustained_tps")
    ),
    "CPU a transaction, anvil ÷ four validators": Ratio(("anvil", "cpu_us"), ("four", "cpu_us")),
    "CPU a transaction, anvil ÷ one validator": Ratio(("anvil", "cpu_us"), ("one", "cpu_us")),
    "CPU a transaction, reference engine ÷ default": Ratio(
        ("four-py-evm", "cpu_us"), ("four", "cpu_us")
    ),
    "sustained TPS, 1 M slots ÷ none": Ratio(
        ("slots-1m", "sustained_tps"), ("four", "sustained_tps")
    ),
    "sustained TPS, 5 M slots ÷ none": Ratio(
        ("slots-5m", "sustained_tps"), ("four", "sustained_tps")
    ),
    "sustained TPS, four validators ÷ one": Ratio(
        ("four", "sustained_tps"), ("validators-1", "sustained_tps")
    ),
    "sustained TPS, seven validators ÷ one": Ratio(
        ("validators-7", "sustained_tps"), ("validators-1", "sustained_tps")
    ),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A recorded ratio beside the one found now, which is None where a case was not measured."""

    name: str
    recorded: float
    found: float | None
    tolerance: float

    @property
    def is_fall(self) -> bool:
        """Whether the ratio has fallen by more than is tolerated."""
        return self.found is not None and self.found < self.recorded * (1 - self.tolerance)

    def __str__(self) -> str:
        if self.found is None:
            return f"not compared  {self.name}: recorded {self.recorded:.3f}, not measured now"
        change = 100 * (self.found / self.recorded - 1)
        word = "FALL" if self.is_fall else "holds"
        return (
            f"{word:12}  {self.name}: {self.found:.3f}, recorded {self.recorded:.3f} "
            f"({change:+.0f} %, tolerated {-100 * self.tolerance:.0f} %)"
        )


def ratios(cases: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return all ratios that the summaries of some cases allow, from their medians."""
    found = {}
    for name, ratio in RATIOS.items():
        over, under = _median(cases, *ratio.over), _median(cases, *ratio.under)
        if over is not None and under:
            found[name] = round(over / under, 4)
    return found


def _median(cases: Mapping[str, Mapping[str, Any]], case: str, figure: str) -> float | None:
    held = cases.get(case, {}).get("figures", {}).get(figure)
    return None if held is None else float(held[0])


def compare(
    recorded: Mapping[str, float], found: Mapping[str, float], tolerance: float = TOLERANCE
) -> list[Verdict]:
    """Return a verdict on every recorded ratio."""
    return [Verdict(name, value, found.get(name), tolerance) for name, value in recorded.items()]


def passes(verdicts: list[Verdict]) -> bool:
    """Whether something was compared, and nothing fell."""
    compared = [verdict for verdict in verdicts if verdict.found is not None]
    return bool(compared) and not any(verdict.is_fall for verdict in compared)
