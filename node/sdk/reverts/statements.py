"""Reasons of `statements`, each an exception class with what to do next."""

from node.sdk.reverts.base import DONE, PARTY, ROLE, SHAPE, SIGNATURE, WAIT, revert

MalformedSignature = revert("statements: malformed signature", SIGNATURE)
NeitherGatewayNorApprover = revert("statements: neither gateway nor approver", ROLE)
NoCommitment = revert("statements: no commitment", SHAPE)
NoReference = revert("statements: no reference", SHAPE)
NoSuchPeriod = revert("statements: no such period", SHAPE)
NoSuchStatement = revert("statements: no such statement", SHAPE)
NotAParty = revert("statements: not a party", PARTY)
NotAnExchange = revert("statements: not an exchange", ROLE)
NotTheProvidersApprover = revert("statements: not the provider's approver", ROLE)
PaidAlready = revert("statements: paid already", DONE)
PeriodIsNotOver = revert("statements: period is not over", WAIT)
ProviderIsTheConsumer = revert("statements: provider is the consumer", SHAPE)
RootWithoutUses = revert("statements: root without uses", SHAPE)
SignatureOfAnother = revert("statements: signature of another", SIGNATURE)
StatedAlready = revert("statements: stated already", DONE)
TotalOutOfRange = revert("statements: total out of range", SHAPE)
UnknownKindOfPayment = revert("statements: unknown kind of payment", SHAPE)
