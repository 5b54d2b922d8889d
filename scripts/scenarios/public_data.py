"""Part of B: an office's data are open on application, so the bank must apply before it asks.

Everything happens in one working day, the least there is, so nothing here becomes overdue: that the
clock cannot be called over too early is shown instead.
"""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from node.sdk import applications, contracts, governance
from node.sdk.abi import decode_event
from node.sdk.reverts import applications as refused
from node.sdk.reverts import grants
from node.spec.applications import APPLICATIONS
from node.spec.crypto import address_of, keccak256
from node.spec.terms import Terms
from node.spec.types import ZERO_HASH, Hash32
from node.spec.vocabulary import (
    ApplicationStatus,
    DeliveryMode,
    MemberKind,
    RefusalReason,
    mask,
    purpose,
)
from node.spec.working_days import Table, deadline, year_table
from scripts.scenarios.stage import Stage

IDENTIFIER: Final = "DEMO00WATERBUREAU086"
NAME: Final = "Water Bureau"
OFFICE, APPROVER = "water", "water.approver"
DECIDE_WITHIN: Final = 20
"""Working days in which a development network's office decides."""

DOCUMENT, TEXT = Hash32(keccak256(b"application 7")), Hash32(keccak256(b"decision 7"))
YEAR_SECONDS: Final = 366 * 86_400


async def show(stage: Stage) -> None:
    """Refused, supplemented, approved and used; another purpose refused for a reason."""
    tables = await _tables(stage)
    await stage.join(OFFICE, IDENTIFIER, MemberKind.GOVERNMENT_OFFICE, NAME)
    pair = stage.between(OFFICE, "consumer", ZERO_HASH)
    manifest = replace(stage.offered, name="Water use", on_application=True)
    pair.product = await pair.publish(manifest)
    terms = pair.terms(modes=mask(DeliveryMode.QUERY))
    await _prove_barred(stage, terms, "without an approved application nothing is granted")
    number = await _file(stage, pair.product, terms.purpose)
    await _review(stage, number, tables)
    await _grant_and_use(pair, terms)
    other = purpose("FraudManagement")
    await _refuse(stage, await _file(stage, pair.product, other))
    await _prove_barred(
        stage, replace(terms, purpose=other, nonce=1), "what was refused is not granted"
    )


async def _tables(stage: Stage) -> dict[int, Table]:
    """Vote the working days of this year and the next, as weekdays."""
    this = datetime.fromtimestamp(time.time() + 8 * 3_600, UTC).year
    tables = {year: year_table(year, ()) for year in (this, this + 1)}
    for year, table in tables.items():
        await stage.govern(governance.set_holidays(year, table))
    return tables


async def _prove_barred(stage: Stage, terms: Terms, en: str) -> None:
    zh = "未经同意不得授权" if "without" in en else "不予开放的不得授权"
    call = contracts.request_authorization(terms)
    attempt = stage.send("consumer.approver", call)
    await stage.prove_refused(attempt, grants.NoApprovedApplication, en, zh)


async def _file(stage: Stage, product: Hash32, wanted: int) -> int:
    """Apply as the bank, and have the office name its reviewer; return the number."""
    call = applications.apply_for_data(product, 1, wanted, DOCUMENT)
    sent = await stage.send("consumer.approver", call)
    event = decode_event("applications", sent.logs[0])
    assert event is not None, "filed just now"
    number: int = event.values["application"]
    reviewer = address_of(stage.key(APPROVER))
    await stage.send(APPROVER, applications.assign_reviewer(number, reviewer))
    return number


async def _review(stage: Stage, number: int, tables: dict[int, Table]) -> None:
    """Ask for a supplement, have it filed, and approve; no clock is called over too early."""
    asked = applications.mark_application_overdue(number)
    await stage.prove_refused(
        stage.send("regulator.approver", asked),
        refused.TimeToDecideIsNotOver,
        "in time it is not called overdue",
        "期限内不得认定逾期",
    )
    await stage.send(APPROVER, applications.ask_supplement(number, TEXT))
    await stage.prove_refused(
        stage.send(APPROVER, applications.approve_application(number, _in_a_year(), TEXT)),
        refused.NotUnderReview,
        "while a supplement is awaited the clock stands still",
        "待补正期间中止计时",
    )
    filed = await stage.send("consumer.approver", applications.file_supplement(number, DOCUMENT))
    block = await stage.client.call("eth_getBlockByNumber", hex(filed.block_number), False)
    kept = await stage.ask("applications", APPLICATIONS, "application", number)
    since = int(block["timestamp"], 16)
    due = deadline(lambda year: tables.get(year, (0, 0)), since, DECIDE_WITHIN)
    stage.prove(
        kept[9] == due,
        f"the office decides within {DECIDE_WITHIN} working days",
        f"应在{DECIDE_WITHIN}个工作日内答复",
    )
    await stage.send(APPROVER, applications.approve_application(number, _in_a_year(), TEXT))


async def _grant_and_use(pair: Stage, terms: Terms) -> None:
    """Grant under the approval; one use settles."""
    await pair.grant(terms)
    lease = await pair.lease(terms, 1, DeliveryMode.QUERY)
    (use,) = await pair.record(lease, 1)
    sent = await pair.send(f"{OFFICE}.gateway", pair.settling(lease, use))
    pair.prove(len(sent.logs) == 1, "approved, it is granted and used", "同意后授权并使用")


async def _refuse(stage: Stage, number: int) -> None:
    reason = RefusalReason.NOT_WITHIN_PURPOSE
    await stage.send(APPROVER, applications.refuse_application(number, reason, TEXT))
    status = await stage.ask("applications", APPLICATIONS, "statusOf", number)
    stage.prove(
        status == ApplicationStatus.REFUSED,
        "another purpose is refused for a reason of the list",
        "另一用途依清单理由不予开放",
    )


def _in_a_year() -> int:
    return int(time.time()) + YEAR_SECONDS
