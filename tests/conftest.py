"""What every session of tests says first, the engines it runs on, and last: reasons never seen."""

from tests import engines
from tests.chaincode.seen import (
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
)

__all__ = ["pytest_sessionfinish", "pytest_terminal_summary", "pytest_testnodedown"]


def pytest_report_header() -> list[str]:
    return [engines.BEST.line, f"tests of engines and ledgers run on: {', '.join(engines.NAMES)}"]
