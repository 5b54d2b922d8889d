"""A sealed authorization in the consortium of the contracts' tests: keys, terms and calls."""

from dataclasses import replace
from typing import Any

from node.sdk import sealed as sdk
from node.sdk.contracts import Call
from node.sdk.governance import set_mandate
from node.spec import sealed as s
from node.spec.crypto import keccak256, sign
from node.spec.disclosure import Disclosure
from node.spec.terms import Terms
from node.spec.types import Hash32
from node.spec.usage import Receipt, SignedReceipt, lease_id
from node.spec.vocabulary import LegalBasis, MemberKind, Role, Zone, mask, purpose
from tests.chaincode import world as w

SALT = keccak256(b"salt of clear terms")
PROVIDER = sdk.derive_key(keccak256(b"secret of a"), b"first")
CONSUMER = sdk.derive_key(keccak256(b"secret of b"), b"first")


def clear_terms(**changes: Any) -> Terms:
    """What the two banks and the regulator agree on, and nobody else reads."""
    values: dict[str, Any] = {
        "purpose": purpose("AntiMoneyLaunderingCompliance"),
        "legal_basis": LegalBasis.LEGAL_OBLIGATION,
        "fields": 0b101,
    }
    return w.terms(**{**values, **changes})


def sealed_terms(**changes: Any) -> s.SealedTerms:
    keys = (PROVIDER.address, CONSUMER.address)
    made = sdk.seal(clear_terms(), SALT, *keys, w.REGULATOR, w.CHAIN_ID)
    return replace(made, **changes)


def identity(terms: s.SealedTerms) -> Hash32:
    return s.sealed_id(terms, w.CHAIN_ID)


def consortium(start: w.World | None = None) -> w.World:
    """A market whose regulator has a mandate, an officer and a second approver."""
    world = w.market() if start is None else start
    for name, role in (("officer", Role.OFFICER), ("second", Role.APPROVER)):
        account = w.account(f"regulator.{name}")
        world.send(
            "regulator.governor", "members", "admitAccount", account, mask(Role.SENDER, role)
        )
    w.govern(world, set_mandate(w.REGULATOR, mask(Zone.FINANCE), mask(MemberKind.BANK)))
    return world


def granting(terms: s.SealedTerms, *approvals: bytes, **keys: bytes) -> Call:
    provider, consumer = (
        keys.get(side, key.private)
        for side, key in (("provider", PROVIDER), ("consumer", CONSUMER))
    )
    signed = (sdk.sign_terms(terms, key, w.CHAIN_ID) for key in (provider, consumer))
    return sdk.carry_grant(terms, *signed, approvals)


def grant(world: w.World, **changes: Any) -> Hash32:
    terms = sealed_terms(**changes)
    world.carry_out("regulator.approver", granting(terms))
    return identity(terms)


def leasing(world: w.World, authorization: Hash32, number: int, **changes: Any) -> Call:
    values = {"uses": 10, "expires_at": world.time + w.DAY, **changes}
    key = values.pop("key", CONSUMER.private)
    lease = s.SealedLease(authorization=authorization, number=number, **values)
    return sdk.carry_lease(lease, sdk.sign_lease(lease, key, w.CHAIN_ID))


def open_lease(world: w.World, authorization: Hash32, number: int = 1, **changes: Any) -> Hash32:
    world.carry_out("regulator.officer", leasing(world, authorization, number, **changes))
    return lease_id(authorization, number)


def uses(world: w.World, lease: Hash32, count: int, **changes: Any) -> list[SignedReceipt]:
    """Receipts of a lease's first uses, signed by both one-time keys."""
    found: list[SignedReceipt] = []
    last = lease
    for number in range(1, count + 1):
        receipt = w.receipt(world, lease, number, last, **changes)
        found.append(signed(receipt))
        last = s.sealed_receipt_hash(receipt, w.CHAIN_ID)
    return found


def signed(receipt: Receipt) -> SignedReceipt:
    hashed = s.sealed_receipt_hash(receipt, w.CHAIN_ID)
    return SignedReceipt(receipt, sign(PROVIDER.private, hashed), sign(CONSUMER.private, hashed))


def settling(
    authorization: Hash32, number: int, settlement: s.SealedSettlement, **keys: bytes
) -> Call:
    provider = keys.get("provider", PROVIDER.private)
    consumer = keys.get("consumer", CONSUMER.private)
    signatures = (sdk.sign_settlement(settlement, key, w.CHAIN_ID) for key in (provider, consumer))
    return sdk.carry_settlement(authorization, number, settlement, *signatures)


def settle(
    world: w.World,
    authorization: Hash32,
    number: int,
    receipts: list[SignedReceipt],
    *,
    before: int = 0,
    closes: bool = False,
) -> s.SealedSettlement:
    lease = lease_id(authorization, number)
    made = sdk.settlement_of(lease, receipts, w.CHAIN_ID, before=before, closes=closes)
    world.carry_out("regulator.officer", settling(authorization, number, made))
    return made


def state(world: w.World, authorization: Hash32) -> s.SealedState:
    found = s.sealed_state(world.reader("sealed"), authorization)
    assert found is not None
    return found


def lease_state(world: w.World, lease: Hash32) -> s.SealedLeaseState:
    found = s.sealed_lease_state(world.reader("sealed"), lease)
    assert found is not None
    return found


def disclosure(*leases: list[SignedReceipt], **changes: Any) -> Disclosure:
    """What the regulator holds, with the receipts of each lease."""
    terms = sealed_terms()
    vouchers = (
        sdk.sign_terms(terms, w.key(name), w.CHAIN_ID) for name in ("a.approver", "b.approver")
    )
    shown = Disclosure(clear_terms(), SALT, terms, *vouchers, tuple(map(tuple, leases)))
    return replace(shown, **changes)
