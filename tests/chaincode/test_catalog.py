"""The catalog computes what later checks trust: levels and classes from fields, never declared."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaincode.vocabulary import load
from node.spec.crypto import keccak256
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import (
    DeliveryMode,
    MemberKind,
    OwnerRight,
    ProductStatus,
    Reason,
    Zone,
    mask,
)
from tests.chaincode import world as w

OFFER = (
    *("provider", "status", "modes", "right", "fields", "guarded", "level5", "class3"),
    *("has_documents", "price_class", "conditions", "zone", "zone_rule", "admitted"),
    *("purposes", "is_template_allowed"),
)


@pytest.fixture
def world():
    return w.genesis()


def publication(**changes):
    names, fields = w.schema()
    names, fields = changes.pop("names", names), changes.pop("fields", fields)
    said = w.offering(**{"modes": mask(DeliveryMode.QUERY), **changes})
    return ("catalog", "publish", w.SALT, said, names, fields)


def offer(world, version=1, fields=2**256 - 1):
    asked = (w.TEMPLATE, ZERO_HASH, fields)
    told = world.view("catalog", "offer", w.product(), version, *asked)
    return dict(zip(OFFER, told, strict=True))


def test_a_version_is_proposed_approved_retired(world):
    assert w.events(world.send("a.approver", *publication())) == ["ProductPublished"]
    assert offer(world) == {
        "provider": w.A,
        "status": ProductStatus.PROPOSED,
        "modes": mask(DeliveryMode.QUERY),
        "right": OwnerRight.OPERATING,
        "fields": 0b111111,
        "guarded": 0b111000,
        "level5": 0b010000,
        "class3": 0b100000,
        "has_documents": True,
        "zone": Zone.FINANCE,
        "price_class": 0,
        "conditions": 0,
        "zone_rule": 0,
        "admitted": 2**256 - 1,
        "purposes": 2**256 - 1,
        "is_template_allowed": True,
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
        ({"right": 0}, "unknown right"),
        ({"right": 4}, "unknown right"),
        ({"price_class": 5, "price_plan": w.TEMPLATE}, "unknown price class"),
        ({"price_class": 1}, "price plan and class differ"),
        ({"price_plan": w.TEMPLATE}, "price plan and class differ"),
        ({"acceptance_days": 367}, "acceptance too long"),
        ({"evidence": ZERO_HASH}, "no evidence of source"),
        ({"quality": ZERO_HASH}, "no measured quality"),
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
    summary, hashed, _, by_level, by_class, *_ = world.view("catalog", "version", w.product(), 1)
    assert summary >> 56 & 0xFFFF == len(kinds)
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


OPEN = (keccak256(b"file"), keccak256(b"licence"), keccak256(b"evidence"))


def opened(**changes):
    values = {
        "zone": Zone.FINANCE,
        "content": OPEN[0],
        "licence": OPEN[1],
        "evidence": OPEN[2],
        "names": b"rate",
        "fields": level_1(),
        **changes,
    }
    return ("catalog", "publishOpen", w.SALT, *values.values())


def level_1():
    kind = next(kind for kind in load()["field_kind"] if kind.level == 1)
    return bytes([kind.index, 0x10])


def test_an_open_product_is_downloaded_and_never_granted(world):
    assert w.events(world.send("a.approver", *opened())) == ["ProductPublished"]
    world.send("exchange.approver", "catalog", "approve", w.product(), 1)
    assert offer(world)["conditions"] == 1
    version = world.view("catalog", "version", w.product(), 1)
    assert (version[2], version[-1]) == (keccak256(OPEN[1] + ZERO_HASH), OPEN[0])
    agreed = w.terms(fields=1, template=OPEN[1])
    refused = world.refused("b.approver", *w.requesting(agreed))
    assert refused == "grants: an open product is not granted"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"content": ZERO_HASH}, "no content"),
        ({"licence": ZERO_HASH}, "no template"),
        ({"evidence": ZERO_HASH}, "no evidence of source"),
        ({"zone": 0}, "unknown zone"),
        ({"fields": b"\x04\x32"}, "only level 1 is open"),
        ({"fields": b"\x01\x20"}, "only level 1 is open"),
        ({"fields": b"\x01\x11"}, "only level 1 is open"),
    ],
)
def test_what_is_not_open(world, changes, reason):
    assert world.refused("a.approver", *opened(**changes)) == f"catalog: {reason}"
