"""`dataccord statement`: a period's fees computed from evidence, shown, signed and anchored.

Fees follow from a proved trail, so each side computes them from its own evidence file, and signs
what the other proposes only where its own comes to the same, line by line. What was signed is kept
in a journal: without content and salt nobody can open what the ledger holds.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from node.audit.bundle import FILE_BYTES_MAX
from node.audit.fees import fees_in, versions_of
from node.audit.result import Report
from node.audit.verify import verify
from node.cli.calls import add_key, add_node, add_signing, key_of, send_call
from node.cli.output import add_command, emit
from node.cli.values import parser_of, read_json
from node.errors import ConfigError, IntegrityError, NotReady, UsageError
from node.render.fees import LANGUAGES, fees_lines, left_out_lines
from node.sdk import fee_file
from node.sdk.fee_file import FeeFile
from node.sdk.journal import Journal
from node.spec.fees import Fees, encode_fees, left_out
from node.spec.pricing import PricePlan, encode_plan, plan_from_json, plan_hash
from node.spec.types import Hash32

_HASH = parser_of({"type": "bytes32"}, "")


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verbs beyond single methods."""
    _add_compute(verbs)
    _add_show(verbs)
    _add_sign(verbs)
    submit = add_command(
        verbs,
        "submit-fees",
        _submit,
        "anchor a fee file that every side has signed; anyone may",
        example="dataccord statement submit-fees --file may.fees --key sender.key",
    )
    submit.add_argument("--file", type=Path, required=True, help="the fee file")
    add_node(submit)
    add_signing(submit)


def _add_compute(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    compute = add_command(
        verbs,
        "compute-fees",
        _compute,
        "compute a pair's fees of a period from an evidence file; needs no network",
        example="dataccord statement compute-fees --evidence own.evidence --genesis-hash 0x… "
        "--provider 1 --consumer 2 --since 1767196800 --until 1767283200 --plan price.json "
        "--out may.fees",
    )
    _add_evidence(compute)
    for name in ("provider", "consumer"):
        compute.add_argument(f"--{name}", type=int, required=True, help="index of the member")
    compute.add_argument("--since", type=int, required=True, help="Unix seconds, the first inside")
    compute.add_argument("--until", type=int, required=True, help="Unix seconds, the first after")
    compute.add_argument(
        "--plan",
        type=Path,
        action="append",
        default=[],
        help="a price plan's JSON; may be repeated",
    )
    compute.add_argument("--out", type=Path, required=True, help="the fee file to write")
    compute.add_argument("--lang", choices=(*LANGUAGES, "both"), default="both")


def _add_show(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    show = add_command(
        verbs,
        "show-fees",
        _show,
        "show a fee file as a table, and who has signed it",
        example="dataccord statement show-fees --file may.fees --lang zh",
    )
    show.add_argument("--file", type=Path, required=True, help="the fee file")
    show.add_argument("--lang", choices=(*LANGUAGES, "both"), default="both")


def _add_sign(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    sign = add_command(
        verbs,
        "sign-fees",
        _sign,
        "sign a fee file once one's own evidence comes to the same; needs no network",
        example="dataccord statement sign-fees --file may.fees --side consumer "
        "--evidence own.evidence --genesis-hash 0x… --journal uses.sqlite --key approver.key --yes",
    )
    sign.add_argument("--file", type=Path, required=True, help="the fee file")
    sign.add_argument("--side", choices=fee_file.SIDES, required=True, help="whose signature it is")
    _add_evidence(sign)
    sign.add_argument(
        "--journal", type=Path, required=True, help="where content and salt are kept for evidence"
    )
    sign.add_argument("--yes", action="store_true", help="sign what is shown")
    add_key(sign)


def _add_evidence(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--evidence", type=Path, required=True, help="one's own evidence file")
    parser.add_argument(
        "--genesis-hash", type=_HASH, required=True, help="the genesis hash to trust"
    )


def _compute(arguments: argparse.Namespace) -> int:
    report = _proved(arguments)
    pair, period = (arguments.provider, arguments.consumer), (arguments.since, arguments.until)
    plans = {plan_hash(plan): plan for plan in map(_plan, arguments.plan)}
    fees = _fees(report, pair, period, plans)
    assert report.chain_id is not None, "the file is proved"
    file = fee_file.propose_fees(report.chain_id, fees, list(plans.values()))
    _write(arguments.out, file)
    left = _left_out(report, pair, fees.until, plans)
    lines = _lines(file.fees, arguments.lang)
    lines += [line for one in _languages(arguments.lang) for line in left_out_lines(left, one)]
    next_command = f"dataccord statement sign-fees --file {arguments.out} --side SIDE --yes"
    emit(
        arguments,
        {**_to_json(file), "left_out": left},
        "\n".join([*lines, f"next: {next_command}"]),
    )
    return 0


def _show(arguments: argparse.Namespace) -> int:
    file = fee_file.read(arguments.file)
    signed = [f"{side}: 0x{account.hex()}" for side, account, _ in file.signed]
    lines = [*_lines(file.fees, arguments.lang), f"id 0x{file.digest.hex()}", *signed]
    emit(arguments, _to_json(file), "\n".join(lines))
    return 0


def _sign(arguments: argparse.Namespace) -> int:
    file, report = fee_file.read(arguments.file), _proved(arguments)
    if file.chain_id != report.chain_id:
        raise IntegrityError(f"{arguments.file}: it is of chain {file.chain_id}")
    plans = {plan_hash(plan): plan for plan in file.plans}
    pair, period = (file.fees.provider, file.fees.consumer), (file.fees.since, file.fees.until)
    ours = _fees(report, pair, period, plans)
    fee_file.require_equal(ours, file.fees)
    print("\n".join(_lines(ours, "both")), file=sys.stderr)
    if not arguments.yes:
        raise UsageError(
            "nothing is signed",
            why="the fees above are signed with --yes",
            next_command=f"dataccord statement sign-fees --file {arguments.file} "
            f"--side {arguments.side} --yes, with the same evidence, journal and key",
        )
    signed = fee_file.sign_fees(file, ours, arguments.side, key_of(arguments))
    _keep(arguments.journal, signed)
    _write(arguments.file, signed)
    emit(arguments, _to_json(signed), f"signed for the {arguments.side}: 0x{signed.digest.hex()}")
    return 0


def _submit(arguments: argparse.Namespace) -> int:
    return send_call(fee_file.anchoring(fee_file.read(arguments.file)), arguments)


def _proved(arguments: argparse.Namespace) -> Report:
    """Return the report of one's own evidence; a flaw of it is no ground to compute from."""
    path = arguments.evidence
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise ConfigError(f"{path}: more than {FILE_BYTES_MAX} bytes")
        report = verify(path.read_bytes(), Hash32(arguments.genesis_hash))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read", why=str(error)) from error
    for failure in report.failures:
        raise IntegrityError(
            f"{path}: {failure.check} does not hold",
            why=f"{failure.subject}: {failure.what}",
            next_command=f"dataccord audit verify {path}",
        )
    return report


def _fees(
    report: Report,
    pair: tuple[int, int],
    period: tuple[int, int],
    plans: dict[Hash32, PricePlan],
) -> Fees:
    if report.timestamp < period[1]:
        raise NotReady(
            "the evidence ends before the period does",
            why=f"its last block is of {report.timestamp}, the period ends at {period[1]}",
            next_command="dataccord audit export anew once the period is over",
        )
    return fees_in(report.cases, pair, period, plans.get)


def _left_out(
    report: Report, pair: tuple[int, int], until: int, plans: dict[Hash32, PricePlan]
) -> dict[str, int]:
    """Return how many anchored uses cost nothing up to a time, by ground."""
    found = Counter(
        left_out(use, until)
        for case in report.cases
        if (case.terms.provider, case.terms.consumer) == pair
        for version in versions_of(case, plans.get)
        for use in version.uses
    )
    return {ground: count for ground, count in sorted(found.items(), key=str) if ground}


def _plan(path: Path) -> PricePlan:
    return plan_from_json(read_json(path))


def _lines(fees: Fees, language: str) -> list[str]:
    return [line for one in _languages(language) for line in fees_lines(fees, one)]


def _languages(language: str) -> tuple[str, ...]:
    return LANGUAGES if language == "both" else (language,)


def _to_json(file: FeeFile) -> dict[str, Any]:
    totals = {
        currency: {"amount": amount, "exchange": part}
        for currency, (amount, part) in file.fees.totals.items()
    }
    return {
        "statement": "0x" + file.digest.hex(),
        "commitment": "0x" + file.statement.commitment.hex(),
        "content": json.loads(encode_fees(file.fees)),
        "totals": totals,
        "signed": [side for side, _, _ in file.signed],
    }


def _keep(path: Path, file: FeeFile) -> None:
    journal = Journal(path)
    try:
        content = encode_fees(file.fees)
        journal.keep_fees(file.digest, file.salt, content, map(encode_plan, file.plans))
    finally:
        journal.close()


def _write(path: Path, file: FeeFile) -> None:
    try:
        path.write_text(fee_file.encode(file), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written", why=str(error)) from error
