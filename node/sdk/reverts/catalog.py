"""Reasons of `catalog`, each an exception class with what to do next."""

from node.sdk.reverts.base import DONE, PRODUCT, ROLE, revert

AcceptanceTooLong = revert("catalog: acceptance too long", PRODUCT)
ApprovalByTheProviderItself = revert("catalog: approval by the provider itself", PRODUCT)
ApprovalIsAnExchanges = revert("catalog: approval is an exchange's", ROLE)
ApprovalIsTheZoneOperators = revert("catalog: approval is the zone operator's", ROLE)
ClassBelowTheFloorOfItsKind = revert("catalog: class below the floor of its kind", PRODUCT)
EmptyFieldName = revert("catalog: empty field name", PRODUCT)
LevelBelowTheFloorOfItsKind = revert("catalog: level below the floor of its kind", PRODUCT)
MalformedFields = revert("catalog: malformed fields", PRODUCT)
ModeNotAllowedInTheZone = revert("catalog: mode not allowed in the zone", PRODUCT)
NamesDoNotMatchTheFields = revert("catalog: names do not match the fields", PRODUCT)
NoContent = revert("catalog: no content", PRODUCT)
NoEvidenceOfSource = revert("catalog: no evidence of source", PRODUCT)
NoMeasuredQuality = revert("catalog: no measured quality", PRODUCT)
NoTemplate = revert("catalog: no template", PRODUCT)
NotAProposedVersion = revert("catalog: not a proposed version", PRODUCT)
NotAnActiveMember = revert("catalog: not an active member", PRODUCT)
NotAnApprover = revert("catalog: not an approver", ROLE)
NotTheZonesOperator = revert("catalog: not the zone's operator", ROLE)
OnlyLevel1IsOpen = revert("catalog: only level 1 is open", PRODUCT)
OnlyPublicDataAreOpenOnApplication = revert(
    "catalog: only public data are open on application", PRODUCT
)
PricePlanAndClassDiffer = revert("catalog: price plan and class differ", PRODUCT)
ProviderIsNotAdmittedToTheZone = revert("catalog: provider is not admitted to the zone", PRODUCT)
RetiredAlready = revert("catalog: retired already", DONE)
RetiringIsTheProvidersOrAnExchanges = revert(
    "catalog: retiring is the provider's or an exchange's", ROLE
)
TemplateNotAllowedInTheZone = revert("catalog: template not allowed in the zone", PRODUCT)
UnknownClass = revert("catalog: unknown class", PRODUCT)
UnknownDeliveryMode = revert("catalog: unknown delivery mode", PRODUCT)
UnknownFieldKind = revert("catalog: unknown field kind", PRODUCT)
UnknownLevel = revert("catalog: unknown level", PRODUCT)
UnknownPriceClass = revert("catalog: unknown price class", PRODUCT)
UnknownProductVersion = revert("catalog: unknown product version", PRODUCT)
UnknownReason = revert("catalog: unknown reason", PRODUCT)
UnknownRight = revert("catalog: unknown right", PRODUCT)
UnknownZone = revert("catalog: unknown zone", PRODUCT)
ZonesAreAssignedByARegulator = revert("catalog: zones are assigned by a regulator", ROLE)
