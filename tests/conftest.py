"""What every session of tests says first: the engines it runs on."""

from tests import engines


def pytest_report_header() -> list[str]:
    return [engines.BEST.line, f"tests of engines and ledgers run on: {', '.join(engines.NAMES)}"]
