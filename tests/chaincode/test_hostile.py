"""No method takes a value that makes no sense: it says which rule that breaks, and changes nothing.

Methods, their types and the reasons they may give come from the artifacts, so a new method is tried
without being named here. Values are the smallest, the largest and alien ones of each type; senders
are a stranger, and accounts whose role lets them in; calldata are cut off and overlong.
"""

from typing import Any

import pytest

from chaincode import ADDRESSES, CONTRACTS, load
from node.sdk.abi import encode_call
from node.sdk.contracts import Call
from node.spec.types import Address
from tests.chaincode import world as w

SENDERS = ("x", "a.approver", "b.gateway", "a.governor", "regulator.approver")
ALL_REASONS = frozenset(reason for name in CONTRACTS for reason in load(name).reasons)
METHODS = [
    (name, entry)
    for name in CONTRACTS
    for entry in load(name).abi
    if entry["type"] == "function" and entry["stateMutability"] == "nonpayable" and entry["inputs"]
]


def smallest(part: Any) -> Any:
    return value_of(part, 0)


def largest(part: Any) -> Any:
    return value_of(part, 1)


def alien(part: Any) -> Any:
    return value_of(part, 2)


def value_of(part: Any, kind: int) -> Any:
    """A value of an ABI type: 0 the smallest, 1 the largest, 2 one that stands for nothing."""
    found: str = part["type"]
    if found.endswith("]"):
        inner = {**part, "type": found[: found.rindex("[")]}
        size = found[found.rindex("[") + 1 : -1]
        return [value_of(inner, kind) for _ in range(int(size) if size else kind)]
    if found == "tuple":
        return tuple(value_of(inner, kind) for inner in part["components"])
    if found == "bool":
        return kind == 1
    if found == "address":
        return "0x" + ("00", "ff", "a5")[kind] * 20
    if found.startswith("uint"):
        return (0, 2 ** int(found[4:]) - 1, 77)[kind]
    if found == "string":
        return ("", "\x7f" * 9, "alien")[kind]
    if found == "bytes":
        return (b"", b"\xff" * 65, b"\xa5" * 65)[kind]
    return (b"\0", b"\xff", b"\xa5")[kind] * int(found[5:])


@pytest.fixture(scope="module")
def market() -> w.World:
    """A market with one active authorization and an open lease, that hostile calls might spoil."""
    world = w.market()
    w.open_lease(world, w.grant(world))
    return world


HARMLESS = {
    ("catalog", "assignZone"),
    ("exports", "declareElsewhere"),
    ("members", "admitNode"),
    ("members", "setCertificate"),
    ("templates", "caution"),
    ("templates", "refuse"),
}
"""Methods for whose right account some of these values mean something: they may pass."""


@pytest.mark.parametrize("make", [smallest, largest, alien])
@pytest.mark.parametrize(
    ("name", "entry"), METHODS, ids=[f"{name}.{entry['name']}" for name, entry in METHODS]
)
def test_hostile_values_are_refused_by_a_rule(
    market: w.World, name: str, entry: Any, make: Any
) -> None:
    values = [make(part) for part in entry["inputs"]]
    data = encode_call(name, entry["name"], *values)
    for sender in SENDERS:
        told = refusal(market, sender, name, data)
        if told is None:
            assert (name, entry["name"]) in HARMLESS, f"{sender} passes with {values}"
        else:
            assert told in ALL_REASONS, f"{sender}: {told}"


@pytest.mark.parametrize(
    ("name", "entry"), METHODS, ids=[f"{name}.{entry['name']}" for name, entry in METHODS]
)
def test_malformed_calldata_change_nothing(market: w.World, name: str, entry: Any) -> None:
    data = encode_call(name, entry["name"], *(largest(part) for part in entry["inputs"]))
    for cut in (data[:4], data[:35], data[: len(data) // 2], data[:4] + b"\xff" * (len(data) - 4)):
        assert refusal(market, "x", name, cut) is not None


def refusal(world: w.World, sender: str, contract: str, data: bytes) -> str | None:
    """Run a call on a copy; its reason, or None where it passed. A refused one leaves no trace."""
    trial = world.copy()
    before = trial.state.copy()
    try:
        trial.carry_out(sender, Call(Address(ADDRESSES[contract]), data, contract))
    except w.Refusal as refused:
        assert trial.state == before
        return str(refused)
    return None


def test_every_kind_of_value_occurs() -> None:
    """The derivation reaches structures, lists and every atomic type there is."""
    kinds = {part["type"] for _, entry in METHODS for part in entry["inputs"]}
    assert {"tuple", "bytes32", "uint256", "address", "bool"} <= kinds
    assert any(kind.endswith("[]") for kind in kinds)
    assert len(METHODS) > 60
