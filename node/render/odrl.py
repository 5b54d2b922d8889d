"""Terms as an ODRL 2.2 Agreement in JSON-LD, with a profile for what ODRL has no word for.

One permission, because the count is one over all modes; what is not granted is prohibited, which is
ODRL's default of conflicts too. In the profile `count` is of an authorization and its rule:
consumed when a lease reserves uses, given back when it closes, never reset but by new terms.
"""

from typing import Any, Final

from node.render import iri
from node.render.directory import NO_DIRECTORY, Directory
from node.render.facts import bits_of, field_name, instant
from node.spec.terms import Terms

_PERIODS: Final = {1: "PT1H", 2: "P1D", 3: "P1W", 4: "P1M", 5: "P1Y"}
"""Windows of the rate as ISO 8601 durations."""


def agreement(terms: Terms, chain_id: int, directory: Directory = NO_DIRECTORY) -> dict[str, Any]:
    """Return the Agreement.

    Raises:
        DecodeError: an index of the terms is not in this version of the vocabulary.
    """
    parties = {
        "assigner": _party(chain_id, terms.provider, directory),
        "assignee": _party(chain_id, terms.consumer, directory),
    }
    target = iri.product(chain_id, terms)
    return {
        "@context": [iri.ODRL, iri.PREFIXES],
        "@type": "Agreement",
        "uid": iri.authorization(chain_id, terms),
        "profile": iri.PROFILE,
        "conflict": "prohibit",
        **iri.signed(chain_id, terms),
        **parties,
        "permission": [_permission(terms, chain_id, target, directory)],
        "prohibition": _prohibitions(terms, chain_id, target),
        "obligation": _obligations(terms, chain_id),
    }


def _party(chain_id: int, index: int, directory: Directory) -> dict[str, Any]:
    name = directory.name_of(index)
    card = {"dcd:unsignedName": name} if name else {}
    return {"@type": "Party", "uid": iri.member(chain_id, index), **card}


def _permission(terms: Terms, chain_id: int, target: str, directory: Directory) -> dict[str, Any]:
    permission: dict[str, Any] = {
        "target": target,
        "action": "use",
        "constraint": _constraints(terms, directory),
    }
    subject = iri.subject(chain_id, terms)
    if subject:
        permission["duty"] = [
            {"action": "obtainConsent", "consentingParty": {"@type": "Party", "uid": subject}}
        ]
    return permission


def _constraints(terms: Terms, directory: Directory) -> list[dict[str, Any]]:
    found = [
        _constraint("purpose", "isA", {"@id": iri.purpose(terms.purpose)}),
        _constraint("dateTime", "gteq", _moment(terms.valid_from)),
        _constraint("dateTime", "lt", _moment(terms.valid_until)),
        _constraint("count", "lteq", _integer(terms.maximum_uses)),
        _constraint("spatial", "eq", iri.jurisdiction(terms.destination)),
        _constraint(
            "dcd:deliveryMode",
            "isAnyOf",
            [f"dcd:{iri.name_of('delivery_mode', mode)}" for mode in bits_of(terms.modes)],
        ),
        _constraint(
            "dcd:field",
            "isAnyOf",
            [field_name(place, directory) for place in bits_of(terms.fields)],
        ),
    ]
    if terms.minimum_group:
        found.append(_constraint("dcd:kMinimum", "gteq", _integer(terms.minimum_group)))
    if terms.rate_period in _PERIODS:
        rate = _constraint("dcd:ratePerWindow", "lteq", _integer(terms.rate_limit))
        found.append({**rate, "unit": _PERIODS[terms.rate_period]})
    for operand, days in (
        ("dcd:lookback", terms.look_back_days),
        ("dcd:retention", terms.retention_days),
    ):
        if days:
            found.append(_constraint(operand, "lteq", _typed(f"P{days}D", "xsd:duration")))
    return found


def _prohibitions(terms: Terms, chain_id: int, target: str) -> list[dict[str, Any]]:
    """Onward sharing is prohibited, but to the recipients named."""
    prohibition: dict[str, Any] = {"target": target, "action": "distribute"}
    if terms.recipients:
        members = [iri.member(chain_id, index) for index in bits_of(terms.recipients)]
        prohibition["constraint"] = [_constraint("recipient", "isNoneOf", members)]
    return [prohibition]


def _obligations(terms: Terms, chain_id: int) -> list[dict[str, Any]]:
    """Each use is recorded by both; data is deleted when it may no longer be kept."""
    assignee = {"@type": "Party", "uid": iri.member(chain_id, terms.consumer)}
    delete: dict[str, Any] = {"action": "delete", "assignee": assignee}
    days = terms.retention_days
    if days:
        period = _typed(f"P{days}D", "xsd:duration")
        delete["constraint"] = [_constraint("delayPeriod", "lteq", period)]
    inform = {
        "action": "inform",
        "assignee": assignee,
        "informedParty": {"@type": "Party", "uid": iri.member(chain_id, terms.provider)},
    }
    return [inform, delete]


def _constraint(operand: str, operator: str, value: Any) -> dict[str, Any]:
    return {
        "@type": "Constraint",
        "leftOperand": operand,
        "operator": operator,
        "rightOperand": value,
    }


def _typed(value: str, kind: str) -> dict[str, str]:
    return {"@value": value, "@type": kind}


def _moment(seconds: int) -> dict[str, str]:
    return _typed(instant(seconds), "xsd:dateTime")


def _integer(value: int) -> dict[str, str]:
    return _typed(str(value), "xsd:integer")
