"""A verification as text for people and JSON for programs, in English or Chinese.

Every report ends with what no file proves. A check that did not run is never shown as proved, and
an authorization's summary is shown only where all of its checks hold.
"""

from typing import Any

from node.audit.evidence import Statement
from node.audit.result import BUNDLE, Details, Report, Result, Status
from node.audit.summary import moment, padded, summary_lines, summary_of
from node.audit.texts import (
    CLOSING,
    DETAILS,
    HEADINGS,
    LACKS,
    STATEMENTS,
    STATUSES,
    TITLES,
    say,
)

_TITLE_WIDTH = 50
_STATUS_WIDTH = 14


def to_json(report: Report, language: str = "en") -> dict[str, Any]:
    """Return the report as a JSON object."""
    return {
        "conclusion": _conclusion(report, language),
        "exit_code": report.exit_code,
        "chain_id": report.chain_id,
        "genesis_hash": _genesis(report),
        "genesis_compared": report.compared,
        "as_of": {"block": report.block, "time": moment(report.timestamp)},
        "checks": [_result_json(result, language) for result in report.results],
        "failures": len(report.failures),
        "unshown": len(report.unshown),
        "authorizations": _summaries(report, language),
        "not_provable": [
            {"key": statement.key, **statement.values, "text": _statement(statement, language)}
            for statement in report.statements
        ],
        "no_file_proves": [say(text, language) for text in CLOSING],
    }


def to_text(report: Report, language: str = "en") -> str:
    """Return the report as lines for a person."""
    lines = [say(HEADINGS["title"], language), _conclusion(report, language)]
    if report.genesis_hash is not None:
        values = {"chain": report.chain_id, "genesis": _genesis(report)}
        lines.append(say(HEADINGS["chain"], language, **values))
        as_of = {"block": report.block, "time": moment(report.timestamp)}
        lines.append(say(HEADINGS["as-of"], language, **as_of))
    summaries = {summary["authorization"]: summary for summary in _summaries(report, language)}
    for about in dict.fromkeys(result.about for result in report.results):
        lines += ["", _heading(about, language)]
        if about in summaries:
            lines += [*summary_lines(summaries[about], language), ""]
        for result in report.results:
            if result.about == about:
                lines += _result_lines(result, language)
    if report.statements:
        lines += ["", say(HEADINGS["statements"], language)]
        lines += [f"  - {_short(s)}: {_statement(s, language)}" for s in report.statements]
    lines += ["", say(HEADINGS["closing"], language)]
    lines += [f"  - {say(text, language)}" for text in CLOSING]
    if not report.compared and not report.failures:
        lines += ["", say(HEADINGS["next"], language)]
    return "\n".join(lines)


def _summaries(report: Report, language: str) -> list[dict[str, Any]]:
    return [summary_of(case, report.timestamp, language) for case in report.cases]


def _genesis(report: Report) -> str | None:
    return None if report.genesis_hash is None else "0x" + report.genesis_hash.hex()


def _conclusion(report: Report, language: str) -> str:
    if report.failures:
        return say(HEADINGS["failed"], language, count=len(report.failures))
    said = []
    if not report.compared:
        said.append(say(HEADINGS["uncompared"], language, genesis=_genesis(report)))
    elif report.is_old:
        wanted = moment(report.not_before or 0)
        said.append(say(HEADINGS["old"], language, time=moment(report.timestamp), wanted=wanted))
    if report.unshown:
        said.append(say(HEADINGS["partly"], language, count=len(report.unshown)))
    return " ".join(said) or say(HEADINGS["proved"], language)


def _heading(about: str, language: str) -> str:
    if about == BUNDLE:
        return say(HEADINGS["bundle"], language)
    return say(HEADINGS["authorization"], language, authorization=about)


def _short(statement: Statement) -> str:
    return str(statement.values["authorization"])[:12] + "…"


def _statement(statement: Statement, language: str) -> str:
    return say(STATEMENTS[statement.key], language, **statement.values)


def _detail(result: Result, language: str) -> str:
    if result.lacks:
        return say(LACKS[result.lacks], language, **result.details)
    if result.status is Status.NOT_PROVABLE:
        return say(HEADINGS["stands-on"], language, check=result.what)
    if result.status is Status.FAILED:
        return ""
    return say(DETAILS[_detail_key(result.check, result.details)], language, **result.details)


def _detail_key(check: str, details: Details) -> str:
    """Return which sentence says what a check found."""
    match check:
        case "revocation" if details["ended"] is None:
            return "not-ended"
        case "deletion" if details["due"] is None:
            return "deletion-none"
        case "deletion" if details["fulfilled"]:
            return "deletion-done"
        case "fees" if not details["statements"]:
            return "fees-free"
        case _:
            return check


def _result_lines(result: Result, language: str) -> list[str]:
    title = padded(f"[{result.check}] {say(TITLES[result.check], language)}", _TITLE_WIDTH + 16)
    status = padded(say(STATUSES[result.status.value], language), _STATUS_WIDTH)
    lines = [f"  {title} {status} {_detail(result, language)}".rstrip()]
    if result.status is Status.FAILED:
        lines.append(f"      {result.subject}: {result.what}")
        lines += [f"      {result.why}"] if result.why else []
    return lines


def _result_json(result: Result, language: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "check": result.check,
        "title": say(TITLES[result.check], language),
        "about": result.about,
        "status": result.status.value,
        "details": dict(result.details),
    }
    if result.status is Status.FAILED:
        found |= {"object": result.subject, "what": result.what, "why": result.why}
    elif result.lacks:
        lacks = say(LACKS[result.lacks], language, **result.details)
        found |= {"lacks": result.lacks, "text": lacks}
    elif result.status is Status.NOT_PROVABLE:
        found["stands_on"] = result.what
    return found
