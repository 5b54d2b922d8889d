"""Sealed authorizations by role (R19): one-time keys of two banks, what the regulator carries.

A bank derives a fresh key for each sealed authorization from a secret it keeps, signs with it, and
hands what it signed to the regulator; it sends no transaction of its own. The regulator approves
the clear terms, carries each call, and keeps what opens it (`node.spec.disclosure`).
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from typing import Final

from node.errors import Refused
from node.sdk.abi import encode_call
from node.sdk.contracts import Call
from node.spec import merkle
from node.spec.crypto import CURVE_ORDER, address_of, sign
from node.spec.sealed import (
    SEALED,
    SealedGround,
    SealedLease,
    SealedSettlement,
    SealedTerms,
    commitment,
    ground_hash,
    sealed_id,
    sealed_lease_digest,
    sealed_receipt_hash,
    sealed_settlement_digest,
)
from node.spec.terms import Terms
from node.spec.types import ZERO_HASH, Address, Hash32
from node.spec.usage import Receipt, SignedReceipt

_LABEL: Final = b"dataccord one-time key"
_SECRET_BYTES_MIN: Final = 32


@dataclass(frozen=True, slots=True)
class OneTimeKey:
    """A key of one sealed authorization; a bank derives it anew from its secret and `nonce`."""

    nonce: bytes
    private: bytes = field(repr=False)

    @property
    def address(self) -> Address:
        """What the other side, the regulator and the chain see."""
        return address_of(self.private)


# Either bank --------------------------------------------------------------------------------------


def fresh_key(secret: bytes) -> OneTimeKey:
    """Return a key that was never used, from a bank's secret of at least 32 bytes."""
    return derive_key(secret, secrets.token_bytes(32))


def derive_key(secret: bytes, nonce: bytes) -> OneTimeKey:
    """Return the key of a secret and a nonce: the same each time, and linked to no other.

    Raises:
        Refused: the secret is too short.
    """
    if len(secret) < _SECRET_BYTES_MIN:
        raise Refused("sealed: the secret is too short", why=f"{_SECRET_BYTES_MIN} bytes at least")
    private, counter = 0, 0
    while not 0 < private < CURVE_ORDER:
        message = _LABEL + nonce + counter.to_bytes(4, "big")
        private = int.from_bytes(hmac.digest(secret, message, hashlib.sha256), "big")
        counter += 1
    return OneTimeKey(nonce, private.to_bytes(32, "big"))


def sign_terms(terms: SealedTerms, key: bytes, chain_id: int) -> bytes:
    """Sign sealed terms: with a one-time key, or as an approver who vouches or approves."""
    return sign(key, sealed_id(terms, chain_id))


def sign_receipt(receipt: Receipt, key: bytes, chain_id: int) -> bytes:
    """Sign a receipt with a one-time key."""
    return sign(key, sealed_receipt_hash(receipt, chain_id))


def sign_settlement(settlement: SealedSettlement, key: bytes, chain_id: int) -> bytes:
    """Sign a settlement with a one-time key."""
    return sign(key, sealed_settlement_digest(settlement, chain_id))


def settlement_of(
    lease: Hash32, receipts: Sequence[SignedReceipt], chain_id: int, *, before: int, closes: bool
) -> SealedSettlement:
    """Return the settlement of all receipts of a lease after the first `before`.

    `receipts` are all of the lease, from the first: the last one's hash is named even where
    nothing is left but to close.
    """
    hashes = [sealed_receipt_hash(entry.receipt, chain_id) for entry in receipts]
    blocks = [entry.receipt.state_block for entry in receipts[before:]]
    return SealedSettlement(
        lease=lease,
        before=before,
        last=len(hashes),
        root=merkle.root(hashes[before:]),
        last_receipt=hashes[-1] if hashes else lease,
        highest_state_block=max(blocks, default=0),
        closes=closes,
    )


# The consumer -------------------------------------------------------------------------------------


def sign_lease(lease: SealedLease, key: bytes, chain_id: int) -> bytes:
    """Sign the opening of a lease with the consumer's one-time key."""
    return sign(key, sealed_lease_digest(lease, chain_id))


# The regulator ------------------------------------------------------------------------------------


def seal(
    clear: Terms, salt: Hash32, provider: Address, consumer: Address, regulator: int, chain_id: int
) -> SealedTerms:
    """Return what is on chain of clear terms between these one-time keys."""
    return SealedTerms(
        commitment=commitment(clear, salt, chain_id),
        provider=provider,
        consumer=consumer,
        regulator=regulator,
        maximum_uses=clear.maximum_uses,
        valid_from=clear.valid_from,
        valid_until=clear.valid_until,
        settle_within=clear.settle_within,
    )


def fresh_salt() -> Hash32:
    """Return a salt for clear terms or for a ground."""
    return Hash32(secrets.token_bytes(32))


def carry_grant(
    terms: SealedTerms,
    provider_signature: bytes,
    consumer_signature: bytes,
    approvals: Sequence[bytes] = (),
) -> Call:
    """Grant what both one-time keys signed, with approvals of the regulator's approvers."""
    signatures = (provider_signature, consumer_signature)
    return _call("grantSealed", astuple(terms), *signatures, list(approvals))


def carry_lease(lease: SealedLease, consumer_signature: bytes) -> Call:
    """Open a lease that the consumer's one-time key signed."""
    return _call("openSealed", astuple(lease), consumer_signature)


def carry_settlement(
    authorization: Hash32,
    number: int,
    settlement: SealedSettlement,
    provider_signature: bytes,
    consumer_signature: bytes,
) -> Call:
    """Settle, and close where the settlement says so, what both one-time keys signed."""
    values = (authorization, number, astuple(settlement), provider_signature, consumer_signature)
    return _call("settleSealed", *values)


def lapse_sealed(authorization: Hash32, number: int) -> Call:
    """Put on record that nobody closed a lease in time; the authorization ends with it."""
    return _call("lapseSealed", authorization, number)


def make_unavailable(ground: SealedGround) -> Call:
    """End it, for a revocation, a termination and a freeze alike."""
    return _call("makeUnavailable", ground.authorization, ground_hash(ground))


def ground_of(
    authorization: Hash32,
    reason: int,
    *,
    freeze_ground: int = 0,
    frozen_until: int = 0,
    evidence: Hash32 = ZERO_HASH,
) -> SealedGround:
    """Return why it is made unavailable, under a fresh salt; the regulator keeps it."""
    return SealedGround(fresh_salt(), authorization, reason, freeze_ground, frozen_until, evidence)


def _call(function: str, *values: object) -> Call:
    return Call(SEALED, encode_call("sealed", function, *values), f"sealed.{function}")
