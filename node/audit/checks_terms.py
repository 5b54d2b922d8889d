"""Terms and approvals: what was agreed is what state enforces, and every party it needs agreed.

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
from node.spec.onward import DEPTH_MAX, refuse_child
from node.spec.registry import mapping_slot
from node.spec.terms import Terms, authorization_id
from node.spec.types import Address, Hash32
from node.spec.vocabulary import (
    HOME,
    AuthorizationStatus,
    DeliveryMode,
    Mechanism,
    MemberKind,
    Party,
    SubjectMode,
    mask,
)

GUARDED: Final = mask(DeliveryMode.QUERY, DeliveryMode.MODEL, DeliveryMode.PSI, DeliveryMode.MPC)
"""Modes in which no record of a person leaves the provider."""

VERSIONS: Final = 0
"""Position of `versions` in Catalog: product to version number to the words below."""
_SUMMARY, _TEMPLATE, _LEVELS, _CLASS3 = 0, 2, 3, 10
LEVELS: Final = 5

_APPROVAL_ENDS: Final = (AuthorizationStatus.REQUESTED, AuthorizationStatus.PARTIALLY_APPROVED)


def product_slots(product: Hash32, version: int) -> tuple[int, ...]:
    """Return the slots of a product version that its terms depend on."""
    base = mapping_slot(mapping_slot(VERSIONS, product), version)
    levels = range(_LEVELS, _LEVELS + LEVELS)
    return tuple(base + offset for offset in (_SUMMARY, _TEMPLATE, *levels, _CLASS3))


def check_terms(evidence: Evidence, case: Case) -> Details:
    """The terms hash to the authorization's id, and state holds these terms and no others."""
    computed = authorization_id(case.terms, evidence.chain_id)
    require(case.name, (computed == case.identifier, "the terms do not hash to its id"))
    with naming(case.name):
        read = evidence.reader(registry.AUTHORIZATIONS)
        case.proved_state = registry.authorization(read, case.identifier)
    require(case.name, (case.proved_state is not None, "state holds no such authorization"))
    _require_state_of_terms(case)
    _require_product(evidence, case)
    _require_parent(evidence, case)
    return {"uses": case.terms.maximum_uses, "from": case.terms.valid_from}


def _require_state_of_terms(case: Case) -> None:
    names = (
        *("provider", "consumer", "valid_until", "rate_period", "rate_limit"),
        *("exchange", "subject_mode", "purpose", "fields", "modes", "destination"),
        *("maximum_uses", "valid_from", "unsigned_maximum", "answer_within", "settle_within"),
    )
    # Limits and fields are written with the last approval; before, nothing can be leased by them.
    require(case.name, (case.state.version == 1, "state holds another version of its terms"))
    in_force = case.state.approved == case.state.required
    for name in names if in_force else names[:3]:
        same = getattr(case.state, name) == getattr(case.terms, name)
        require(case.name, (same, f"state and terms differ in {name.replace('_', ' ')}"))


def _require_product(evidence: Evidence, case: Case) -> None:
    """The product version is the provider's, and its fields may be granted so (R4)."""
    terms = case.terms
    read = evidence.reader(registry.CATALOG)
    slots = product_slots(terms.product, terms.product_version)
    summary, template, *levels, class3 = (read(slot) for slot in slots)
    case.levels = tuple(levels)
    high = terms.fields & (levels[3] | levels[4])
    require(
        case.name,
        (_offers(summary, terms), "the product is another member's"),
        (template == int.from_bytes(terms.template, "big"), "the template is not the product's"),
        (terms.fields >> (summary >> 56) == 0, "a field that the product does not have"),
        (terms.fields & class3 == 0, "a field of class C3 is granted"),
        (not high or terms.modes & ~GUARDED == 0, "a mode not allowed at level 4"),
        (not terms.fields & levels[4] or terms.destination == HOME, "level 5 goes abroad"),
        (_has_ground(terms), "it goes abroad without a mechanism that outlasts it"),
    )


def _offers(summary: int, terms: Terms) -> bool:
    """Whether a product is its provider's; what is shared onward is held to its parent instead."""
    return summary & 0xFFFFFFFF == terms.provider or any(terms.parent)


def _has_ground(terms: Terms) -> bool:
    if terms.destination == HOME:
        return terms.mechanism == Mechanism.NONE
    named = terms.mechanism != Mechanism.NONE and any(terms.mechanism_reference)
    return named and terms.mechanism_until >= terms.valid_until


def _require_parent(evidence: Evidence, case: Case) -> None:
    """What is shared onward lies within its parent, which the bundle proves too."""
    case.ancestors = ancestors_of(evidence, case)
    if not case.ancestors:
        return
    refusal = refuse_child(case.terms, case.ancestors[0].terms)
    require(case.name, (refusal is None, f"it lies beyond its parent: {refusal}"))
    given = sum(
        happening.value("uses")
        for happening in case.ancestors[0].named("UsesSharedOnward")
        if happening.value("child") == case.identifier
    )
    owed = case.terms.maximum_uses if case.named("AuthorizationActivated") else 0
    require(case.name, (given == owed, "its parent gave it other uses than it may make"))


def ancestors_of(evidence: Evidence, case: Case) -> tuple[Case, ...]:
    """Return the authorizations that one shares onward, its parent first."""
    known = {other.identifier: other for other in evidence.cases}
    found: list[Case] = []
    parent = case.terms.parent
    while any(parent):
        present = parent in known and len(found) < DEPTH_MAX
        require(case.name, (present, "what it shares onward is not in the bundle"))
        found.append(known[parent])
        parent = known[parent].terms.parent
    return tuple(found)


def required_parties(terms: Terms, levels: tuple[int, ...]) -> int:
    """Return the mask of parties whose approval the terms need (R2, R4)."""
    parties = mask(Party.PROVIDER, Party.CONSUMER)
    if terms.subject_mode == SubjectMode.ONE:
        parties |= mask(Party.SUBJECT)
    if terms.exchange:
        parties |= mask(Party.EXCHANGE)
    high = terms.fields & (levels[3] | levels[4])
    if high or terms.modes & mask(DeliveryMode.RAW) or terms.destination != HOME:
        parties |= mask(Party.REGULATOR)
    parties |= mask(Party.OPERATOR) if terms.operator else 0
    return parties | (mask(Party.APPROVER) if terms.approver else 0)


def check_approvals(evidence: Evidence, case: Case) -> Details:
    """Each required party approved the terms, all before the authorization became active."""
    required = required_parties(case.terms, case.levels)
    shown = case.requested.value("required")
    # The cautious list in force then may have asked for a regulator beside what the terms say.
    careful = required | mask(Party.REGULATOR)
    require(
        case.name,
        (
            shown in (required, careful) and shown == case.state.required,
            "other parties are required by its terms",
        ),
    )
    required = shown
    approved = 0
    _require_requester(evidence, case)
    approvals = case.named("AuthorizationApproved")
    for happening in approvals:
        _require_approval(evidence, case, happening)
        party = happening.value("parties")
        require(
            f"{case.name}, {happening.where}",
            (party & required & ~approved == party != 0, "not the approval of an awaited party"),
            (happening.value("approved") == approved | party, "other parties had approved"),
        )
        approved |= party
    complete, approved = approved == required, _after_suspensions(case, approved)
    require(case.name, (approved == case.state.approved, _missing(case, approved)))
    _require_activation(case, approvals, complete, approved)
    return {"parties": approved.bit_count(), "required": required.bit_count()}


def _after_suspensions(case: Case, approved: int) -> int:
    """Return who approves once parties took their approval back, and gave it again."""
    for happening in case.named("AuthorizationSuspended", "AuthorizationResumed"):
        parties = happening.value("parties")
        suspends = happening.name == "AuthorizationSuspended"
        subject = f"{case.name}, {happening.where}"
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
        if call is None or call.name != "request":
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
    if call is None or call.name not in ("request", "approve"):
        return None
    first = happening.value("parties") == happening.value("approved") == mask(Party.CONSUMER)
    if first and call.name == "request":
        return [happening.sender()]
    signatures = map(plain_signature, call.arguments[1])
    return [happening.sender(), *(recover(case.identifier, half) for half in signatures)]


def _party_of(evidence: Evidence, case: Case, account: Address) -> int:
    """Return what an account is to the terms, by bit; 0 for nothing."""
    if account == case.terms.subject:
        return mask(Party.SUBJECT)
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
    """Raise unless an account is that of a party: the subject's key, or one of its member."""
    subject, terms = f"{case.name}, account 0x{account.hex()}", case.terms
    if party == Party.SUBJECT:
        require(subject, (account == terms.subject, "it is not the subject's key"))
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


def _require_activation(
    case: Case, approvals: list[Happening], complete: bool, approved: int
) -> None:
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
        active, last = activations[0], max(h.order for h in (case.requested, *approvals))
        same = (active.block, active.index) == (approvals[-1].block, approvals[-1].index)
        require(
            f"{case.name}, {active.where}",
            (same and active.order > last, "it does not follow the last approval"),
        )


def check_parties(evidence: Evidence, case: Case) -> Details:
    """The parties are members of the consortium, each known by its LEI or USCC."""
    terms = case.terms
    wanted = {terms.provider, terms.consumer, *case.regulators}
    wanted |= {terms.exchange, terms.operator, terms.approver} - {0}
    for index in sorted(wanted):
        subject = f"{case.name}, member {index}"
        with naming(subject):
            member = registry.member(evidence.reader(registry.MEMBERS), index)
        require(subject, (member is not None and bool(member.identifier), "it is no member"))
        if member is not None:
            case.members[index] = member
    if terms.exchange:
        kind = case.members[terms.exchange].kind
        subject = f"{case.name}, member {terms.exchange}"
        require(subject, (kind == MemberKind.EXCHANGE, "it is no exchange"))
    return {"members": len(wanted)}
