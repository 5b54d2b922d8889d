"""The catalog computes what later checks trust: levels and classes from fields, never declared."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaincode.vocabulary import load
from node.spec.crypto import keccak256
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import DeliveryMode, MemberKind, ProductStatus, Reason, Zone, mask
from tests.chaincode import world as w

OFFER = (
    *("provider", "status", "modes", "fields", "level4", "level5", "class3", "template"),
    *("zone", "zone_rule", "admitted", "purposes"),
)


@pytest.fixture
def world():
    return w.genesis()


def publication(**changes):
    names, fields = w.schema()
    values = {
        "salt": w.SALT,
        "zone": Zone.FINANCE,
        "modes": mask(DeliveryMode.QUERY),
        "template": w.TEMPLATE,
        "names": names,
        "fields": fields,
        **changes,
    }
    return ("catalog", "publish", *values.values())


def offer(world, version=1):
    return dict(zip(OFFER, world.view("catalog", "offer", w.product(), version), strict=True))


def test_a_version_is_proposed_approved_retired(world):
    assert w.events(world.send("a.approver", *publication())) == ["ProductPublished"]
    assert offer(world) == {
        "provider": w.A,
        "status": ProductStatus.PROPOSED,
        "modes": mask(DeliveryMode.QUERY),
        "fields": 0b111111,
        "level4": 0b101000,
        "level5": 0b010000,
        "class3": 0b100000,
        "template": w.TEMPLATE,
        "zone": Zone.FINANCE,
        "zone_rule": 0,
        "admitted": 0,
        "purposes": 0,
    }
    outcome = world.send("exchange.approver", "catalog", "approve", w.product(), 1)
    assert w.events(outcome) == ["ProductApproved"]
    assert offer(world)["status"] == ProductStatus.APPROVED
    world.send("a.approver", "catalog", "retire", w.product(), 1, Reason.TEMPLATE_RETIRED)
    assert offer(world)["status"] == ProductStatus.RETIRED


def test_versions_count_up_and_belong_to_their_provider(world):
    world.send("a.approver", *publication())
    world.send("a.approver", *publication())
    assert world.view("catalog", "latestVersion", w.product()) == 2
    world.send("b.approver", *publication())
    assert world.view("catalog", "latestVersion", w.product()) == 2
    other = world.view("catalog", "productId", w.B, w.SALT)
    assert world.view("catalog", "latestVersion", other) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"zone": 0}, "unknown zone"),
        ({"zone": 14}, "unknown zone"),
        ({"modes": 0}, "unknown delivery mode"),
        ({"modes": 1 << 6}, "unknown delivery mode"),
        ({"template": ZERO_HASH}, "no template"),
        ({"fields": b""}, "malformed fields"),
        ({"fields": b"\x02"}, "malformed fields"),
        ({"names": b"one", "fields": b"\x01\x10" * 2}, "names do not match the fields"),
        ({"names": b"one\n", "fields": b"\x01\x10" * 2}, "empty field name"),
        ({"names": b"\none", "fields": b"\x01\x10" * 2}, "empty field name"),
        ({"names": b"one", "fields": b"\x00\x10"}, "unknown field kind"),
        ({"names": b"one", "fields": b"\xff\x10"}, "unknown field kind"),
        ({"names": b"one", "fields": b"\x04\x22"}, "level below the floor of its kind"),
        ({"names": b"one", "fields": b"\x04\x31"}, "class below the floor of its kind"),
        ({"names": b"one", "fields": b"\x04\x62"}, "unknown level"),
        ({"names": b"one", "fields": b"\x04\x34"}, "unknown class"),
    ],
)
def test_what_cannot_be_published(world, changes, reason):
    assert world.refused("a.approver", *publication(**changes)) == f"catalog: {reason}"


def test_the_second_approver_is_another_exchange(world):
    assert world.refused("a.gateway", *publication()) == "catalog: not an approver"
    world.send("a.approver", *publication())
    approve = ("catalog", "approve", w.product(), 1)
    for sender in ("a.approver", "b.approver", "regulator.approver"):
        assert world.refused(sender, *approve) == "catalog: approval is an exchange's"
    assert world.refused("exchange.gateway", *approve) == "catalog: not an approver"
    assert world.refused("exchange.approver", "catalog", "approve", w.product(), 2) == (
        "catalog: unknown product version"
    )
    world.send("exchange.approver", *approve)
    assert world.refused("exchange.approver", *approve) == "catalog: not a proposed version"


def test_an_exchange_does_not_approve_its_own(world):
    world.send("exchange.approver", *publication())
    own = world.view("catalog", "productId", w.EXCHANGE, w.SALT)
    assert w.KINDS[w.EXCHANGE] is MemberKind.EXCHANGE
    assert world.refused("exchange.approver", "catalog", "approve", own, 1) == (
        "catalog: approval by the provider itself"
    )


def test_retiring(world):
    world.send("a.approver", *publication())
    retire = ("catalog", "retire", w.product(), 1)
    assert world.refused("b.approver", *retire, 1) == (
        "catalog: retiring is the provider's or an exchange's"
    )
    assert world.refused("a.approver", *retire, 0) == "catalog: unknown reason"
    world.send("exchange.approver", *retire, Reason.BREACH_OF_TERMS)
    assert world.refused("a.approver", *retire, 1) == "catalog: retired already"
    assert world.refused("a.approver", "catalog", "retire", w.product(), 7, 1) == (
        "catalog: unknown product version"
    )


KINDS = st.lists(st.sampled_from(load()["field_kind"]), min_size=1, max_size=40)


@settings(max_examples=10, deadline=None)
@given(kinds=KINDS, raised=st.sampled_from([0, 1]))
def test_masks_partition_the_fields(kinds, raised):
    """Each field is in just one level's mask and at most one class's, at or above its floor."""
    world = w.genesis()
    levels = [min(5, kind.level + raised) for kind in kinds]
    fields = b"".join(
        bytes([kind.index, level << 4 | kind.personal_class])
        for kind, level in zip(kinds, levels, strict=True)
    )
    names = b"\n".join(b"f%d" % i for i in range(len(kinds)))
    world.send("a.approver", *publication(names=names, fields=fields))
    summary, hashed, _, by_level, by_class = world.view("catalog", "version", w.product(), 1)
    assert summary >> 56 == len(kinds)
    assert hashed == keccak256(names)
    for i, (kind, level) in enumerate(zip(kinds, levels, strict=True)):
        assert [mask_ >> i & 1 for mask_ in by_level] == [level == n for n in range(1, 6)]
        assert [mask_ >> i & 1 for mask_ in by_class] == [
            kind.personal_class == n for n in range(1, 4)
        ]
    assert sum(by_level) == (1 << len(kinds)) - 1


def test_a_product_may_have_256_fields(world):
    names = b"\n".join(b"f%d" % i for i in range(256))
    world.send("a.approver", *publication(names=names, fields=b"\x01\x10" * 256))
    assert offer(world)["fields"] == 2**256 - 1
