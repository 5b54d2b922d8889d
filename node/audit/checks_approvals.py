"""Approvals: every party that terms need agreed to them, before they took effect.

The required parties are computed here from the terms and the product's fields, not taken from the
contract's word (R4). An approval is a signature over the terms carried in calldata, or a
transaction by an account of the party; accounts belong to members for ever, so the registry of the
last block tells whose they are. That an account held the approver's role at that time is the
contract's judgement, whose code is proved.
"""

from typing import Final

from node.audit.calldata import direct_call, plain_signature
from node.audit.evidence import Case, Evidence, Happening, naming, require
from node.audit.result import Details
from node.spec import registry
from node.spec.crypto import recover
from node.spec.terms import Terms
from node.spec.types import Address, Hash32
from node.spec.vocabulary import (
    HOME,
    AuthorizationStatus,
    DeliveryMode,
    MemberKind,
    Party,
    SubjectMode,
    mask,
)

REQUESTS: Final = ("request", "requestUpon")
"""Functions of Grants by which a consumer asks for terms."""

_APPROVAL_ENDS: Final = (AuthorizationStatus.REQUESTED, AuthorizationStatus.PARTIALLY_APPROVED)


def required_parties(terms: Terms, levels: tuple[int, ...]) -> int:
    """Return the mask of parties whose approval the terms need (R2, R4)."""
    parties = mask(Party.PROVIDER, Party.CONSUMER)
    if terms.subject_mode == SubjectMode.ONE:
        parties |= mask(Party.AGENT if any(terms.agent) else Party.SUBJECT)
    if terms.exchange:
        parties |= mask(Party.EXCHANGE)
    high = terms.fields & (levels[3] | levels[4])
    if high or terms.modes & mask(DeliveryMode.RAW) or terms.destination != HOME:
        parties |= mask(Party.REGULATOR)
    parties |= mask(Party.OPERATOR) if terms.operator else 0
    return parties | (mask(Party.APPROVER) if terms.approver else 0)


def check_approvals(evidence: Evidence, case: Case) -> Details:
    """Each required party approved the terms, all before the authorization became active."""
    complete, approved, required = _check_agreement(evidence, case)
    given = approved
    for version in case.amendments:
        done, last, required = _check_agreement(evidence, version)
        require(version.name, (done, "it took effect without all approvals"))
        case.regulators += [index for index in version.regulators if index not in case.regulators]
        given |= last
    approved = _in_the_end(case, approved)
    require(
        case.name,
        (required == case.state.required, "other parties are required by its terms"),
        (approved == case.state.approved, _missing(case, approved)),
    )
    _require_activation(case, complete, approved)
    return {"parties": given.bit_count(), "required": required.bit_count()}


def _check_agreement(evidence: Evidence, case: Case) -> tuple[bool, int, int]:
    """Return whether all required parties approved a version's terms, who did, and who had to."""
    required = required_parties(case.terms, case.levels)
    shown = int(case.requested.value("required"))
    # The cautious list in force then may have asked for a regulator beside what the terms say.
    careful = required | mask(Party.REGULATOR)
    require(case.name, (shown in (required, careful), "other parties are required by its terms"))
    approved = 0
    _require_requester(evidence, case)
    approvals = case.named("AuthorizationApproved")
    for happening in approvals:
        _require_approval(evidence, case, happening)
        party = happening.value("parties")
        require(
            f"{case.name}, {happening.where}",
            (party & shown & ~approved == party != 0, "not the approval of an awaited party"),
            (happening.value("approved") == approved | party, "other parties had approved"),
        )
        approved |= party
    if case.amended is not None:
        same = (approved, shown) == (case.state.approved, case.state.required)
        applied = case.state.status == AuthorizationStatus.APPLIED
        require(case.name, (same and applied, "state holds another record of the amendment"))
        _require_follows_approvals(case, case.amended)
    return approved == shown, approved, shown


def _in_the_end(case: Case, approved: int) -> int:
    """Return who approves once parties took their approval back, gave it again, and amended."""
    versions = {version.identifier: version for version in case.amendments}
    names = ("AuthorizationSuspended", "AuthorizationResumed", "AuthorizationAmended")
    for happening in case.named(*names):
        subject = f"{case.name}, {happening.where}"
        if happening.name == "AuthorizationAmended":
            version = versions[Hash32(happening.value("amendment"))]
            approved = version.requested.value("required")
            continue
        parties = happening.value("parties")
        suspends = happening.name == "AuthorizationSuspended"
        require(subject, (bool(approved & parties) == suspends, "it had done so already"))
        approved ^= parties
    return approved


def _missing(case: Case, approved: int) -> str:
    absent = [p.name.lower() for p in Party if (case.state.approved & ~approved) >> p & 1]
    return f"state holds approvals that the bundle does not show: {', '.join(absent) or 'none'}"


def _require_requester(evidence: Evidence, case: Case) -> None:
    subject = f"{case.name}, {case.requested.where}"
    with naming(subject):
        call = case.requested.call()
        if call is None or call.name not in REQUESTS:
            case.cannot_show("indirect", event=case.requested.where)
            return
        _require_account(evidence, case, case.requested.sender(), Party.CONSUMER)


def _require_approval(evidence: Evidence, case: Case, happening: Happening) -> None:
    """Who approved is shown by signatures over the terms, and by the transaction's own."""
    subject = f"{case.name}, {happening.where}"
    with naming(subject):
        accounts = approvers_of(evidence, case, happening)
    if accounts is None:
        case.cannot_show("indirect", event=happening.where)
        return
    shown = 0
    for party, account in accounts:
        require_account(evidence, case, account, Party(party.bit_length() - 1))
        shown |= party
        if party == mask(Party.REGULATOR):
            read = evidence.reader(registry.MEMBERS)
            case.regulators.append(registry.member_of(read, account))
    parties = happening.value("parties")
    require(subject, (not parties & ~shown, "no account of a party that it names approved"))


def approvers_of(
    evidence: Evidence, case: Case, happening: Happening
) -> list[tuple[int, Address]] | None:
    """Return (party's bit, account) for whoever approved in an event's transaction.

    None where the call came through another contract. An account that is no party is left out: a
    transaction may carry others' signatures.
    """
    accounts = candidates_of(case, happening)
    if accounts is None:
        return None
    parties = [(_party_of(evidence, case, account), account) for account in accounts]
    return [(party, account) for party, account in parties if party & happening.value("parties")]


def candidates_of(case: Case, happening: Happening) -> list[Address] | None:
    """Return the accounts that signed an approving transaction or terms carried in it."""
    call = direct_call("grants", happening.transaction)
    if call is None or call.name not in (*REQUESTS, "approve"):
        return None
    first = happening.value("parties") == happening.value("approved") == mask(Party.CONSUMER)
    if first and call.name in REQUESTS:
        return [happening.sender()]
    signatures = map(plain_signature, call.arguments[-1])
    return [happening.sender(), *(recover(case.identifier, half) for half in signatures)]


def _party_of(evidence: Evidence, case: Case, account: Address) -> int:
    """Return what an account is to the terms, by bit; 0 for nothing."""
    if account == case.terms.subject:
        return mask(Party.SUBJECT)
    if account == case.terms.agent:
        return mask(Party.AGENT)
    read = evidence.reader(registry.MEMBERS)
    index = registry.member_of(read, account)
    members = sides_of(case.terms)
    if not index or index in members:
        return mask(members[index]) if index else 0
    kind = read(registry.slot_of_member_standing(index)) & 255
    return mask(Party.REGULATOR) if kind == MemberKind.REGULATOR else 0


def sides_of(terms: Terms) -> dict[int, Party]:
    """Return what each member that the terms name is to them."""
    return {
        terms.approver: Party.APPROVER,
        terms.operator: Party.OPERATOR,
        terms.exchange: Party.EXCHANGE,
        terms.consumer: Party.CONSUMER,
        terms.provider: Party.PROVIDER,
    }


def _require_account(evidence: Evidence, case: Case, account: Address, party: Party) -> None:
    require_account(evidence, case, account, party)
    if party == Party.REGULATOR:
        case.regulators.append(registry.member_of(evidence.reader(registry.MEMBERS), account))


def require_account(evidence: Evidence, case: Case, account: Address, party: Party) -> None:
    """Raise unless an account is that of a party: its own key, or one of its member."""
    subject, terms = f"{case.name}, account 0x{account.hex()}", case.terms
    if party == Party.SUBJECT:
        require(subject, (account == terms.subject, "it is not the subject's key"))
        return
    if party == Party.AGENT:
        require(subject, (account == terms.agent, "it is not the agent's key"))
        return
    read = evidence.reader(registry.MEMBERS)
    index = registry.member_of(read, account)
    members = {
        Party.PROVIDER: terms.provider,
        Party.CONSUMER: terms.consumer,
        Party.EXCHANGE: terms.exchange,
        Party.OPERATOR: terms.operator,
        Party.APPROVER: terms.approver,
    }
    if party == Party.REGULATOR:
        kind = read(registry.slot_of_member_standing(index)) & 255
        require(subject, (kind == MemberKind.REGULATOR, "its member is no regulator"))
        return
    require(subject, (index == members[party] != 0, f"it is no account of the {_name(party)}"))


def _name(party: Party) -> str:
    return party.name.lower()


def _require_activation(case: Case, complete: bool, approved: int) -> None:
    activations, ended = case.named("AuthorizationActivated"), case.state.ended is not None
    suspended = approved != case.state.required
    in_force = AuthorizationStatus.SUSPENDED if suspended else AuthorizationStatus.ACTIVE
    require(
        case.name,
        (len(activations) == complete, "it is active without all approvals, or not with them"),
        (complete or case.state.status != AuthorizationStatus.ACTIVE, "state says active"),
        (
            not complete or ended or case.state.status == in_force,
            "state says another status than active",
        ),
        (not complete or case.state.status not in _APPROVAL_ENDS, "state says not yet active"),
    )
    if activations:
        _require_follows_approvals(case, activations[0])


def _require_follows_approvals(case: Case, effect: Happening) -> None:
    """Terms take effect in the very transaction of their last approval, and after it."""
    approvals = case.named("AuthorizationApproved")
    last = max(h.order for h in (case.requested, *approvals))
    same = (effect.block, effect.index) == (approvals[-1].block, approvals[-1].index)
    require(
        f"{case.name}, {effect.where}",
        (same and effect.order > last, "it does not follow the last approval"),
    )
