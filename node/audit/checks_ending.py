"""The end of a grant: when, by whom and why it ended, and that no use was made after it."""

from dataclasses import replace
from typing import Final

from node.audit.calldata import ContractCall, direct_call, plain_signature
from node.audit.checks_approvals import require_account
from node.audit.evidence import Case, Evidence, Happening, naming, require
from node.audit.result import Details
from node.spec.crypto import recover
from node.spec.interruptions import ENDLESS, Interruption, covering, interruptions_of
from node.spec.registry import AUTHORIZATIONS
from node.spec.terms import revocation_digest
from node.spec.types import Address
from node.spec.vocabulary import AuthorizationStatus, Party, Reason, Ruling, label

ENDINGS: Final = {
    "AuthorizationRejected": AuthorizationStatus.REJECTED,
    "AuthorizationRevoked": AuthorizationStatus.REVOKED,
    "AuthorizationTerminated": AuthorizationStatus.TERMINATED,
}
"""Events that end an authorization, each with the status it leaves."""

INTERRUPTING: Final = ("AuthorizationSuspended", "AuthorizationResumed", "AuthorizationFrozen")
"""Events that begin, lengthen or end an interruption."""


def check_revocation(evidence: Evidence, case: Case) -> Details:
    """The grant ended when, how and by whom state says; no receipt stands on a later state."""
    ends, state = case.named(*ENDINGS), case.state
    _require_uninterrupted(evidence, case)
    for ancestor in case.ancestors:
        for end in ancestor.named(*ENDINGS):
            _require_before(case, end)
    if not ends:
        require(
            case.name,
            (state.ended is None, f"state ends it in block {state.ended}, unshown"),
            (state.reason == 0, "state holds a reason for an end that is not shown"),
        )
        return {"ended": None, "reason": None}
    end = ends[0]
    subject = f"{case.name}, {end.where}"
    require(
        subject,
        (len(ends) == 1, "it ended twice"),
        (end.block == state.ended, f"state ends it in block {state.ended}"),
        (ENDINGS[end.name] == state.status, "state says that it ended otherwise"),
        (end.value("reason") == state.reason, "state holds another reason"),
    )
    with naming(subject):
        _require_ender(evidence, case, end)
    _require_before(case, end)
    return {"ended": end.block, "reason": label("reason", state.reason)}


def _require_uninterrupted(evidence: Evidence, case: Case) -> None:
    """State has the interruptions that are shown, and no use was made under one (R11, R22)."""
    freezes = case.named("AuthorizationFrozen")
    until = freezes[-1].value("until") if freezes else 0
    same = until == case.state.frozen_until
    require(case.name, (same, "state holds another freeze than is shown"))
    kept = _interruptions(evidence, case)
    shown = interruptions_in(case)
    require(case.name, (shown == kept, "state holds other interruptions than are shown"))
    _require_uncovered(case, kept)
    for ancestor in case.ancestors:
        _require_uncovered(case, _interruptions(evidence, ancestor))


def _interruptions(evidence: Evidence, case: Case) -> tuple[Interruption, ...]:
    """Return what state keeps of a case's suspensions and freezes."""
    if not case.state.was_interrupted:
        return ()
    return interruptions_of(evidence.reader(AUTHORIZATIONS), case.identifier)


def _require_uncovered(case: Case, interruptions: tuple[Interruption, ...]) -> None:
    """No use was made while one lay over the grant, or over one that it shares onward."""
    for lease in case.leases:
        for use in lease.receipts:
            found = covering(interruptions, use.receipt.state_block, use.receipt.used_at)
            begun = 0 if found is None else found.begun
            subject = f"{case.name}, {lease.name}, receipt {use.receipt.number}"
            flaw = f"used while suspended or frozen from block {begun} on"
            require(subject, (found is None, flaw))


def interruptions_in(case: Case) -> tuple[Interruption, ...]:
    """Return the suspensions and freezes that a case's events tell of, as state keeps them.

    A suspension lasts until all have resumed, longer than any freeze; a freeze until its second or
    until it is lifted. What begins while another lies over the authorization makes that longer.
    """
    found: list[Interruption] = []
    away = 0
    for happening in case.named(*INTERRUPTING):
        is_open = bool(found) and found[-1].is_open(happening.time)
        if happening.name == "AuthorizationFrozen":
            until = happening.value("until")
        else:
            away ^= happening.value("parties")
            until = 0
        if away:
            until = ENDLESS
        if not until:
            found[-1:] = [replace(e, ended=happening.block) if is_open else e for e in found[-1:]]
        elif is_open:
            found[-1] = replace(found[-1], until=until)
        else:
            found.append(Interruption(happening.block, None, until))
    return tuple(found)


def _require_before(case: Case, end: Happening) -> None:
    """No use was made on a state in which the grant had ended (R11)."""
    for lease in case.leases:
        for use in lease.receipts:
            require(
                f"{case.name}, {lease.name}, receipt {use.receipt.number}",
                (use.receipt.state_block < end.block, f"used in or after block {end.block}"),
            )
        anchors = ("ReceiptSettled", "RangeSettled", "LeaseAnswered", "UseClaimed")
        late = [h for h in lease.events if h.name in anchors and h.order > end.order]
        if late:
            case.cannot_show("backdating", lease=lease.number, block=end.block)


def _require_ender(evidence: Evidence, case: Case, end: Happening) -> None:
    if end.name == "AuthorizationRevoked" and not end.value("parties"):
        _require_ruling(evidence, case, end)
        return
    terminated = end.name == "AuthorizationTerminated"
    parties = 1 << Party.CONSUMER if terminated else end.value("parties")
    known = [party for party in Party if parties == 1 << party]
    require(f"{case.name}, {end.where}", (len(known) == 1, "it is not ended by one party"))
    account = ender_of(evidence, case, end)
    if account is None:
        case.cannot_show("indirect", event=end.where)
    else:
        require_account(evidence, case.version_at(end), account, known[0])


def _require_ruling(evidence: Evidence, case: Case, end: Happening) -> None:
    """What no party ended, a dispute's final ruling ended, for a breach of the terms."""
    number = int.from_bytes(end.value("evidence"), "big")
    rulings = [
        h
        for h in evidence.of_transaction(end)
        if h.name == "DisputeEnded"
        and h.value("authorization") == case.identifier
        and h.value("dispute") == number
    ]
    ended = [h.value("ruling") == Ruling.UPHELD_ENDING for h in rulings] == [True]
    require(
        f"{case.name}, {end.where}",
        (ended, "neither a party nor a ruling ended it"),
        (end.value("reason") == Reason.BREACH_OF_TERMS, "a ruling ends for another reason"),
    )


def ender_of(evidence: Evidence, case: Case, end: Happening) -> Address | None:
    """Return who signed the ending; None where it came through another contract."""
    reason = end.value("reason")
    called = end.call() or direct_call("refusals", end.transaction)
    match called or direct_call("sandboxes", end.transaction):
        case ContractCall("revoke" | "decline" | "close" | "expel"):
            # The last two are of Sandboxes, whose officers end what is tried in one.
            return end.sender()
        case ContractCall("revokeSigned", (_, _, signature)) if reason in tuple(Reason):
            digest = revocation_digest(case.identifier, Reason(reason), evidence.chain_id)
            return recover(digest, plain_signature(signature))
        case _:
            return None
