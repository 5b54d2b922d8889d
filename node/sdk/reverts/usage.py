"""Reasons of `usage`, each an exception class with what to do next."""

from node.sdk.reverts.base import CHAIN, COUNT, FROZEN, KEY, LATE, SIGNATURE, revert

AVoidUseDeliveredRecords = revert("usage: a void use delivered records", CHAIN)
ConsentToASingleUseIsNotDue = revert("usage: consent to a single use is not due", CHAIN)
ConsumersKeyIsCompromised = revert("usage: consumer's key is compromised", KEY)
DataFromAfterTheUse = revert("usage: data from after the use", CHAIN)
MoreThanOneRecordInAUseOfFields = revert("usage: more than one record in a use of fields", CHAIN)
MoreUsesThanTheLeaseReserved = revert("usage: more uses than the lease reserved", COUNT)
NoConsentToTheUse = revert("usage: no consent to the use", CHAIN)
NoSuchLease = revert("usage: no such lease", CHAIN)
NotTheConsumersSignature = revert("usage: not the consumer's signature", SIGNATURE)
NotTheProvidersSignature = revert("usage: not the provider's signature", SIGNATURE)
ProvidersKeyIsCompromised = revert("usage: provider's key is compromised", KEY)
ReceiptOfAnotherLease = revert("usage: receipt of another lease", CHAIN)
StateBlockAfterTheAuthorizationEnded = revert(
    "usage: state block after the authorization ended", CHAIN
)
StateBlockBeforeTheLeaseOpened = revert("usage: state block before the lease opened", CHAIN)
StateBlockInTheFuture = revert("usage: state block in the future", CHAIN)
UnknownKindOfReceipt = revert("usage: unknown kind of receipt", CHAIN)
UnknownLease = revert("usage: unknown lease", CHAIN)
UsedAfterTheLeaseExpired = revert("usage: used after the lease expired", LATE)
UsedWhileSuspendedOrFrozen = revert("usage: used while suspended or frozen", FROZEN)
