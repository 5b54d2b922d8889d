"""A: lenders ask each other whether an applicant borrows elsewhere, without showing who."""

import time
from dataclasses import replace
from typing import Final

from node.sdk.reverts import authorizations, usage
from node.spec.consents import Consent, consent_hash
from node.spec.crypto import address_of, keccak256
from node.spec.registry import STATEMENTS_OF_PERIODS
from node.spec.terms import Terms, authorization_id
from node.spec.types import ZERO_HASH, Hash32
from node.spec.vocabulary import (
    DeliveryMode,
    LegalBasis,
    MemberKind,
    RatePeriod,
    SubjectMode,
    mask,
    purpose,
)
from scripts.scenarios.fees import state_uses
from scripts.scenarios.stage import Stage

TITLE = ("Multi-lending and fraud check", "多头借贷与反欺诈核查")
MODE = "psi: record only / 仅记录"
LENDERS: Final = {"lender-1": "DEMO00LENDERBANK0166", "lender-2": "DEMO00LENDERBANK0263"}
"""Banks that join, with their LEI; neither runs a validator."""

NIL_BY_BOTH: Final = 0b11
"""The word of a period: both sides have stated, and totals of 0."""


async def play(stage: Stage) -> None:
    """Sets are compared under one root; an applicant is looked up at each of three lenders."""
    await _compare_sets(stage)
    for name, identifier in LENDERS.items():
        await stage.join(name, identifier, MemberKind.BANK, name)
    lenders = [stage, *[await _pair(stage, name, "consumer") for name in LENDERS]]
    await _refuse_unasked(stage)
    roots = {await _look_up(lender) for lender in lenders}
    stage.prove(
        len(roots) == len(lenders),
        "an applicant is checked at three lenders, two of them voted in just now: a consent, a "
        "receipt and a root for each pair",
        "同一申请人经三家核查，其中两家方经表决加入：每对机构一份同意、一张凭证、一个根",
    )
    back = await _look_up(await _pair(stage, "consumer", "provider"))
    stage.prove(
        back not in roots,
        "the other way round stands under terms of its own",
        "反向核查另立授权",
    )
    await _state_nil(stage.between("consumer", "lender-1", ZERO_HASH))


async def _compare_sets(stage: Stage) -> None:
    """A standing authorization with a daily rate, two batches of a pair, and one too many."""
    terms = _standing(stage, rate_limit=6)
    authorization = await stage.grant(terms)
    first = await stage.lease(terms, 3, DeliveryMode.PSI)
    second = await stage.lease(terms, 3, DeliveryMode.PSI)
    uses = [(lease, await stage.record(lease, 3, record_count=40)) for lease in (first, second)]
    await stage.prove_refused(
        stage.send("consumer.gateway", stage.opening(terms, 1, DeliveryMode.PSI)),
        authorizations.RateExhausted,
        "a seventh check of the day is not reserved",
        "当日第七次核查不予预留",
    )
    batch = await stage.settle(uses, close=True)
    stage.prove(
        batch.count == 6,
        "six checks of two leases are anchored under one root",
        "两笔租约的六次核查以同一根上链",
    )
    record = await stage.state(authorization)
    stage.prove(
        (record.counted, record.open) == (6, 0),
        "six uses are counted and no lease is open",
        "计数六次，无未关租约",
    )


def _standing(stage: Stage, rate_limit: int, **changes: object) -> Terms:
    return stage.terms(
        purpose=purpose("FraudManagement"),
        modes=mask(DeliveryMode.PSI),
        maximum_uses=1_000,
        rate_period=RatePeriod.DAY,
        rate_limit=rate_limit,
        **changes,
    )


async def _pair(stage: Stage, provider: str, consumer: str) -> Stage:
    """Return a stage of two banks, the first of which has published its own register."""
    pair = stage.between(provider, consumer, ZERO_HASH)
    register = replace(stage.offered, name=f"Borrowers of {provider}")
    pair.product = await pair.publish(register)
    return pair


async def _refuse_unasked(stage: Stage) -> None:
    """Whom nobody asked is not looked up."""
    terms = await _granted(stage)
    lease = await stage.lease(terms, 1, DeliveryMode.PSI)
    uses = await stage.record(lease, 1)
    await stage.prove_refused(
        stage.send("provider.gateway", stage.settling(lease, uses[0])),
        usage.NoConsentToTheUse,
        "a check to which no applicant consented does not settle",
        "未经申请人同意的核查不得结清",
    )


async def _granted(pair: Stage) -> Terms:
    """Return terms in force by which each use needs a consent."""
    terms = _standing(
        pair,
        rate_limit=50,
        subject_mode=SubjectMode.PER_USE,
        legal_basis=LegalBasis.CONSENT,
        notice=keccak256(b"privacy notice"),
        minimum_group=0,
    )
    await pair.grant(terms)
    return terms


async def _look_up(pair: Stage) -> Hash32:
    """Look the applicant up once at one lender and anchor that; return the batch's root."""
    terms = await _granted(pair)
    lease = await pair.lease(terms, 1, DeliveryMode.PSI)
    uses = await pair.record(lease, 1, consent=_consent(pair, terms, "an applicant"))
    return (await pair.settle([(lease, uses)], close=True)).root


def _consent(pair: Stage, terms: Terms, applicant: str) -> Hash32:
    """Return the hash of an applicant's consent to one use, which the receipt carries."""
    consent = Consent(
        authorization=authorization_id(terms, pair.chain_id),
        subject=address_of(pair.key(applicant)),
        subject_reference=Hash32(keccak256(applicant.encode())),
        purpose=terms.purpose,
        fields=terms.fields,
        valid_until=int(time.time()) + 3_600,
        export_reference=ZERO_HASH,
        nonce=1,
    )
    return consent_hash(consent, pair.chain_id)


async def _state_nil(pair: Stage) -> None:
    """Two banks that asked each other nothing in a period say so (R15)."""
    until = int(time.time())
    period = (*pair.sides, until - 3_600, until)
    await state_uses(pair, *period[2:], {})
    place = await pair.ask("statements", STATEMENTS_OF_PERIODS, "pairPeriod", *period)
    pair.prove(
        await pair.ask("statements", STATEMENTS_OF_PERIODS, "stated", place) == NIL_BY_BOTH,
        "both sides of a pair state that there was nothing",
        "一对机构双方申报零使用",
    )
