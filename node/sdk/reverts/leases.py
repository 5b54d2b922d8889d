"""Reasons of `leases`, each an exception class with what to do next."""

from node.sdk.reverts.base import COUNT, DONE, INTERNAL, LATE, LEASE, ROLE, WAIT, revert

BatchIsAnchoredAlready = revert("leases: batch is anchored already", DONE)
CountDiffersFromTheRanges = revert("leases: count differs from the ranges", LEASE)
CountsRunBackwards = revert("leases: counts run backwards", LEASE)
DoesNotFollowTheLastReceipt = revert("leases: does not follow the last receipt", LEASE)
EmptyRange = revert("leases: empty range", LEASE)
EndsBeforeItBegins = revert("leases: ends before it begins", LEASE)
LeaseOfAnotherPairOfKeys = revert("leases: lease of another pair of keys", LEASE)
MoreUsesThanTheLeaseReserved = revert("leases: more uses than the lease reserved", COUNT)
NoLastReceipt = revert("leases: no last receipt", LEASE)
NoRanges = revert("leases: no ranges", LEASE)
NotAGateway = revert("leases: not a gateway", ROLE)
NotAllUsesAreSettled = revert("leases: not all uses are settled", LEASE)
NotOpen = revert("leases: not open", LEASE)
NotTheBatchsRanges = revert("leases: not the batch's ranges", LEASE)
NotTheConsumersGateway = revert("leases: not the consumer's gateway", ROLE)
NotTheLastReceipt = revert("leases: not the last receipt", LEASE)
NotTheNextUse = revert("leases: not the next use", LEASE)
NotThePairsConsumer = revert("leases: not the pair's consumer", LEASE)
NotThePairsProvider = revert("leases: not the pair's provider", LEASE)
NotTheProvidersGateway = revert("leases: not the provider's gateway", ROLE)
NothingToOpen = revert("leases: nothing to open", LEASE)
OnlyClosings = revert("leases: only closings", INTERNAL)
PastTheSettlingDeadline = revert("leases: past the settling deadline", LATE)
RangesOutOfOrder = revert("leases: ranges out of order", LEASE)
SettlingDeadlineIsNotOver = revert("leases: settling deadline is not over", WAIT)
StateBlockAfterTheAuthorizationEnded = revert(
    "leases: state block after the authorization ended", LEASE
)
StateBlockBeforeTheLeaseOpened = revert("leases: state block before the lease opened", LEASE)
StateBlockInTheFuture = revert("leases: state block in the future", LEASE)
