"""Reasons of `challenges`, each an exception class with what to do next."""

from node.sdk.reverts.base import DONE, PARTY, PROOF, ROLE, SIGNATURE, revert

BatchIsNotAnchored = revert("challenges: batch is not anchored", PROOF)
CorrectedAlready = revert("challenges: corrected already", DONE)
CorrectionOfAnotherReceipt = revert("challenges: correction of another receipt", PROOF)
FirstReceiptDoesNotStartTheChain = revert(
    "challenges: first receipt does not start the chain", PROOF
)
LeafOfAnotherLease = revert("challenges: leaf of another lease", PROOF)
LeafOutOfOrder = revert("challenges: leaf out of order", PROOF)
NeitherGatewayNorApprover = revert("challenges: neither gateway nor approver", ROLE)
NoEvidence = revert("challenges: no evidence", PROOF)
NotAKeyOfTheLease = revert("challenges: not a key of the lease", PROOF)
NotALeafOfTheBatch = revert("challenges: not a leaf of the batch", PROOF)
NotAParty = revert("challenges: not a party", PARTY)
NotTheBatchsRanges = revert("challenges: not the batch's ranges", PROOF)
NotTheRangesLastReceipt = revert("challenges: not the range's last receipt", PROOF)
NotTheSameUse = revert("challenges: not the same use", PROOF)
NothingContradictsTheLeaf = revert("challenges: nothing contradicts the leaf", PROOF)
ReceiptIsNotSettled = revert("challenges: receipt is not settled", PROOF)
ReplacedByItself = revert("challenges: replaced by itself", PROOF)
StateBlockAboveTheBatchsHighest = revert("challenges: state block above the batch's highest", PROOF)
TheSameReceipt = revert("challenges: the same receipt", PROOF)
TwoSigners = revert("challenges: two signers", SIGNATURE)
UnknownCause = revert("challenges: unknown cause", PROOF)
VoidAlready = revert("challenges: void already", DONE)
