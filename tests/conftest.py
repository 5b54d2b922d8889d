"""What every session of tests says first: the engines it runs on."""

from tests import engines


def pytest_report_header() -> list[str]:
    lines = [engines.BEST.line, f"tests of engines and ledgers run on: {', '.join(engines.NAMES)}"]
    if engines.NATIVE_MISSING:
        lines.append(f"left out: traces and engine comparisons ({engines.NATIVE_MISSING})")
    return lines
