"""Corrections of receipts, as calls: both sides sign one, anyone carries it in, once a receipt.

Nothing is changed by it: the receipt stays on record with the correction beside it, and what was
counted stays counted. `node.spec.usage.correction_of` makes what is signed.
"""

from dataclasses import astuple

from node.sdk.abi import encode_call
from node.sdk.contracts import Call
from node.spec.crypto import sign
from node.spec.registry import CHALLENGES
from node.spec.usage import Correction, Receipt, correction_digest


def sign_correction(correction: Correction, key: bytes, chain_id: int) -> bytes:
    """Return a side's signature by its key of the lease."""
    return sign(key, correction_digest(correction, chain_id))


def correct_receipt(
    receipt: Receipt,
    correction: Correction,
    provider_signature: bytes,
    consumer_signature: bytes,
) -> Call:
    """Carry in what both sides say of a settled or claimed receipt."""
    values = (astuple(receipt), astuple(correction), provider_signature, consumer_signature)
    return Call(CHALLENGES, encode_call("challenges", "correct", *values), "challenges.correct")
