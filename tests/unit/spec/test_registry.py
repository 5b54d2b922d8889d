"""Slots come from stores and proofs that may be anybody's, so a reader doubts what they hold."""

import pytest

from node.errors import IntegrityError
from node.spec import registry
from node.spec.types import ZERO_HASH, Address
from node.spec.vocabulary import AuthorizationStatus, Role

ACCOUNT = Address(b"\x07" * 20)


def reader(slots):
    return lambda slot: slots.get(slot, 0)


def set_of(*validators):
    return {0: len(validators)} | dict(enumerate(validators, 1))


def test_validators():
    found = registry.validators(reader(set_of(1, 2, 2**160 - 1)))
    assert [int.from_bytes(address, "big") for address in found] == [1, 2, 2**160 - 1]
    assert registry.slot_of_validator(0) == 1


@pytest.mark.parametrize("slots", [{}, {0: 101}, {0: 2**256 - 1}, set_of(2, 1), set_of(1, 1)])
def test_a_set_the_contract_cannot_hold(slots):
    with pytest.raises(IntegrityError):
        registry.validators(reader(slots))


def permission(roles, member=3, standing=1 << 8):
    slots = {registry.slot_of_permission(ACCOUNT): member << 32 | roles}
    return reader(slots | {registry.slot_of_member_standing(3): standing})


def test_an_account_acts_only_with_its_role_and_an_active_member():
    assert registry.may_send(permission(1 << Role.SENDER), ACCOUNT)
    assert not registry.may_send(permission(1 << Role.READER), ACCOUNT)
    assert not registry.may_send(permission(1 << Role.SENDER, standing=1), ACCOUNT)
    assert not registry.may_send(permission(1 << Role.SENDER, member=4), ACCOUNT)
    assert not registry.may_send(reader({}), ACCOUNT)
    assert registry.account_standing(permission(1 << 15), ACCOUNT).compromised


def test_a_byte_array_longer_than_its_type_is_refused():
    slot = registry.mapping_slot(registry.CERTIFICATES, 2)
    with pytest.raises(IntegrityError, match="at most 1024"):
        registry.certificates(reader({slot: 1025}), 1)


def test_a_mapping_slot_is_keccak_of_base_and_key():
    told = registry.mapping_slot(0, 0).to_bytes(32, "big").hex()
    assert told == "ad3228b676f7d3cd4284a5443f17f1962b36e491b30a40b2405849e597ba5fb5"


def test_an_unknown_status_is_refused():
    slots = registry.slots_of_authorization(ZERO_HASH)
    read = reader({slots[0]: 15 << 132, slots[1]: 0})
    state = registry.authorization(read, ZERO_HASH)
    with pytest.raises(IntegrityError, match="status 15"):
        registry.status_at(state, 0)
    read = reader({slots[0]: 3 << 132 | 5 << 16 | 9 << 190, slots[1]: 5 << 54})
    state = registry.authorization(read, ZERO_HASH)
    assert registry.status_at(state, 8) == AuthorizationStatus.EXHAUSTED
    assert registry.status_at(state, 9) == AuthorizationStatus.EXPIRED
