"""Only who holds salt and clear terms opens a seal, and can leave nothing out (R19)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from node.errors import ProofError, SignatureError
from node.sdk import sealed as sdk
from node.spec import disclosure as d
from node.spec import sealed as s
from node.spec.crypto import keccak256
from node.spec.disclosure import Disclosure, Opened
from node.spec.state_proof import reader
from node.spec.types import Hash32
from node.spec.usage import SignedReceipt
from node.spec.vocabulary import LegalBasis, Reason, SubjectMode, purpose
from tests.chaincode import sealed as kit
from tests.chaincode import world as w


class Case:
    """Two leases: one with three receipts, settled and closed, one that lapsed."""

    def __init__(self) -> None:
        self.world = kit.consortium()
        self.authorization = kit.grant(self.world)
        lease = kit.open_lease(self.world, self.authorization, uses=5)
        self.receipts = kit.uses(self.world, lease, 3)
        kit.settle(self.world, self.authorization, 1, self.receipts, closes=True)
        other = kit.open_lease(self.world, self.authorization, 2, uses=5)
        self.ground = sdk.ground_of(self.authorization, Reason.REGULATOR_ORDER)
        self.world.carry_out("regulator.officer", sdk.make_unavailable(self.ground))
        self.world.time = kit.lease_state(self.world, other).deadline
        self.world.carry_out("regulator.officer", sdk.lapse_sealed(self.authorization, 2))

    def shown(self, **changes: Any) -> Disclosure:
        return kit.disclosure(self.receipts, [], **{"ground": self.ground, **changes})

    def opened(self, shown: Disclosure) -> Opened:
        """Verify it against just the slots that it says it needs, as proofs would give them."""
        values = {}
        for contract, slots in (
            ("sealed", d.slots_of_disclosure(shown, w.CHAIN_ID)),
            ("members", d.slots_of_vouchers(shown, w.CHAIN_ID)),
        ):
            read = self.world.reader(contract)
            values[contract] = reader({slot: read(slot) for slot in slots})
        return d.verify_disclosure(shown, values["sealed"], values["members"], w.CHAIN_ID)


@pytest.fixture(scope="module")
def case() -> Case:
    return Case()


def test_it_proves_who_used_how_often_for_what(case: Case) -> None:
    assert case.opened(case.shown()) == Opened(
        authorization=case.authorization,
        provider=w.A,
        consumer=w.B,
        purpose=purpose("AntiMoneyLaunderingCompliance"),
        leases=2,
        uses=3,
        lapsed=1,
        keep_until=kit.clear_terms().valid_until + d.RETENTION_SECONDS,
    )


def changed(case: Case, place: int, **changes: Any) -> list[SignedReceipt]:
    receipts = list(case.receipts)
    receipts[place] = kit.signed(replace(receipts[place].receipt, **changes))
    return receipts


def resealed(case: Case, clear: Any, **changes: Any) -> Disclosure:
    """A disclosure of other clear terms, under a commitment of their own."""
    terms = sdk.seal(
        clear,
        kit.SALT,
        kit.PROVIDER.address,
        kit.CONSUMER.address,
        changes.pop("regulator", w.REGULATOR),
        w.CHAIN_ID,
    )
    return case.shown(clear=clear, sealed=terms, **changes)


LIES: dict[str, tuple[Callable[[Case], Disclosure], str]] = {
    "another salt": (
        lambda case: case.shown(salt=keccak256(b"other")),
        "do not give the commitment",
    ),
    "other clear terms": (
        lambda case: case.shown(clear=kit.clear_terms(fields=1)),
        "do not give the commitment",
    ),
    "terms never granted": (
        lambda case: case.shown(sealed=kit.sealed_terms(maximum_uses=1)),
        "nothing was granted",
    ),
    "no lease": (lambda case: case.shown(leases=()), "0 of 2 leases"),
    "a lease left out": (lambda case: case.shown(leases=(tuple(case.receipts),)), "1 of 2 leases"),
    "a receipt left out": (
        lambda case: case.shown(leases=(tuple(case.receipts[:2]), ())),
        "2 of 3 receipts",
    ),
    "a receipt too many": (
        lambda case: case.shown(leases=(tuple(case.receipts), tuple(case.receipts[:1]))),
        "1 of 0 receipts",
    ),
    "receipts out of order": (
        lambda case: case.shown(leases=(tuple(case.receipts[::-1]), ())),
        "does not follow",
    ),
    "another last receipt": (
        lambda case: case.shown(leases=(tuple(changed(case, 2, record_count=1)), ())),
        "another hash than on chain",
    ),
    "a receipt after the end": (
        lambda case: case.shown(
            leases=(tuple(changed(case, 0, state_block=case.world.number)), ())
        ),
        "contradicts its lease",
    ),
    "no ground": (lambda case: case.shown(ground=None), "ground that is not shown"),
    "another ground": (
        lambda case: case.shown(ground=replace(case.ground, reason=Reason.SUPERSEDED)),
        "not the one on chain",
    ),
    "another bank's voucher": (
        lambda case: case.shown(provider_voucher=voucher("c.approver")),
        "does not vouch for the provider's key",
    ),
    "a gateway's voucher": (
        lambda case: case.shown(consumer_voucher=voucher("b.gateway")),
        "does not vouch for the consumer's key",
    ),
}


def voucher(name: str) -> bytes:
    return sdk.sign_terms(kit.sealed_terms(), w.key(name), w.CHAIN_ID)


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_found(case: Case, lie: str) -> None:
    make, said = LIES[lie]
    with pytest.raises(ProofError, match=said):
        case.opened(make(case))


def test_a_receipt_by_another_key_is_found(case: Case) -> None:
    first = case.receipts[0]
    swapped = replace(first, provider_signature=first.consumer_signature)
    with pytest.raises(ProofError, match="is not signed by"):
        case.opened(case.shown(leases=((swapped, *case.receipts[1:]), ())))
    unsigned = replace(first, consumer_signature=None)
    with pytest.raises(SignatureError):
        case.opened(case.shown(leases=((unsigned, *case.receipts[1:]), ())))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"purpose": purpose("CreditChecking")}, "purpose is not to be sealed"),
        ({"legal_basis": LegalBasis.CONTRACT}, "legal basis is not to be sealed"),
        ({"subject_mode": SubjectMode.ONE}, "a subject takes part"),
        ({"consumer": w.A}, "provider is the consumer"),
        ({"consumer": w.REGULATOR}, "regulator is a side"),
    ],
)
def test_what_must_not_be_sealed_is_named(changes: dict[str, Any], said: str) -> None:
    """The contract sees none of it, so whoever opens it does."""
    case = Case.__new__(Case)
    case.world = kit.consortium()
    clear = kit.clear_terms(**changes)
    terms = sdk.seal(
        clear, kit.SALT, kit.PROVIDER.address, kit.CONSUMER.address, w.REGULATOR, w.CHAIN_ID
    )
    case.world.carry_out("regulator.approver", kit.granting(terms))
    vouchers = (sdk.sign_terms(terms, w.key(name), w.CHAIN_ID) for name in ("a.approver",) * 2)
    with pytest.raises(ProofError, match=said):
        case.opened(Disclosure(clear, kit.SALT, terms, *vouchers))


def test_limits_on_chain_are_those_of_the_clear_terms() -> None:
    case = Case.__new__(Case)
    case.world = kit.consortium()
    terms = kit.sealed_terms(maximum_uses=99)
    case.world.carry_out("regulator.approver", kit.granting(terms))
    with pytest.raises(ProofError, match="limits differ"):
        case.opened(kit.disclosure(sealed=terms))


def test_the_salt_is_what_keeps_it_closed(case: Case) -> None:
    """Who guesses the clear terms, all but the salt, cannot tell whether the guess is right."""
    on_chain = kit.sealed_terms().commitment
    guesses = {
        s.commitment(kit.clear_terms(), Hash32(bytes(32)), w.CHAIN_ID),
        s.commitment(kit.clear_terms(), keccak256(b"a guess"), w.CHAIN_ID),
    }
    assert on_chain not in guesses
    assert case.shown().sealed.commitment == on_chain
