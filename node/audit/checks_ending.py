"""The end of a grant: when, by whom and why it ended, and that no use was made after it."""

from itertools import zip_longest
from typing import Final

from node.audit.calldata import ContractCall, direct_call, plain_signature
from node.audit.checks_approvals import require_account
from node.audit.evidence import Case, Evidence, Happening, naming, require
from node.audit.result import Details
from node.spec.crypto import recover
from node.spec.terms import revocation_digest
from node.spec.types import Address
from node.spec.vocabulary import AuthorizationStatus, Party, Reason, Ruling, label

ENDINGS: Final = {
    "AuthorizationRejected": AuthorizationStatus.REJECTED,
    "AuthorizationRevoked": AuthorizationStatus.REVOKED,
    "AuthorizationTerminated": AuthorizationStatus.TERMINATED,
}
"""Events that end an authorization, each with the status it leaves."""


def check_revocation(evidence: Evidence, case: Case) -> Details:
    """The grant ended when, how and by whom state says; no receipt stands on a later state."""
    ends, state = case.named(*ENDINGS), case.state
    _require_not_suspended(case)
    _require_not_frozen(case)
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


def _require_not_frozen(case: Case) -> None:
    """State has the last freeze, and no use was made on a state that a freeze lay over (R22)."""
    freezes = case.named("AuthorizationFrozen")
    until = freezes[-1].value("until") if freezes else 0
    same = until == case.state.frozen_until
    require(case.name, (same, "state holds another freeze than is shown"))
    for freeze, after in zip_longest(freezes, freezes[1:]):
        over = freeze.value("until") if after is None else min(freeze.value("until"), after.time)
        for lease in case.leases:
            for use in lease.receipts:
                receipt = use.receipt
                free = receipt.state_block < freeze.block or receipt.used_at >= over
                # A gateway's clock may be behind that of the block which lifted it.
                free = free or (after is not None and receipt.state_block >= after.block)
                subject = f"{case.name}, {lease.name}, receipt {receipt.number}"
                require(subject, (free, f"used while frozen in block {freeze.block}"))


def _require_not_suspended(case: Case) -> None:
    """No use was made and no lease opened while a party had taken its approval back."""
    since: Happening | None = None
    away = 0
    for happening in case.named("AuthorizationSuspended", "AuthorizationResumed"):
        if not away:
            since = happening
        away ^= happening.value("parties")
        if not away and since is not None:
            _require_idle(case, since, happening.block)
    if away and since is not None:
        _require_idle(case, since, None)


def _require_idle(case: Case, since: Happening, until: int | None) -> None:
    for lease in case.leases:
        for use in lease.receipts:
            block = use.receipt.state_block
            idle = block < since.block or (until is not None and block >= until)
            subject = f"{case.name}, {lease.name}, receipt {use.receipt.number}"
            require(subject, (idle, f"used while suspended from block {since.block} on"))


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
        require_account(evidence, case, account, known[0])


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
