"""A manifest is published and served from: both sides read the same fields in one order."""

import json
from pathlib import Path
from typing import Any

import pytest

from node.errors import ConfigError
from node.sdk.product import FIELDS_MAX, Manifest, load_manifest
from node.spec.crypto import keccak256
from node.spec.pricing import PricePlan, Tier, encode_plan
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import DeliveryMode, PriceClass, field_kind

PROJECT = Path(__file__).parents[3]
DEMO = PROJECT / "config" / "demo" / "product.json"
PLAN = PricePlan(PriceClass.PER_USE, "CNY", (Tier(0, 25),), 10)
VALUE: dict[str, Any] = json.loads(DEMO.read_text(encoding="utf-8"))


def load(folder: Path, value: Any) -> Manifest:
    for name in ("template.md", "SOURCE.md", "quality.md", "price.json"):
        (folder / name).write_text("Terms.", encoding="utf-8")
    (folder / "per_use.json").write_text(json.dumps(json.loads(encode_plan(PLAN)), indent=2))
    (folder / "product.json").write_text(json.dumps(value), encoding="utf-8")
    return load_manifest(folder / "product.json")


def test_the_demo_product_loads() -> None:
    manifest = load_manifest(DEMO)
    assert len(manifest.names) == len(set(manifest.names))
    assert manifest.mask_of(*manifest.names) == (1 << len(manifest.names)) - 1
    first = manifest.fields[0]
    published = manifest.published_fields()
    assert len(published) == 2 * len(manifest.names)
    assert published[:2] == bytes((field_kind(first.kind).index, first.level << 4 | first.personal))
    assert manifest.published_names() == "\n".join(manifest.names).encode()
    template = (DEMO.parent / VALUE["template"]).read_text(encoding="utf-8")
    assert manifest.template_hash == keccak256(template.encode())
    assert manifest.modes_mask() == sum(1 << int(mode) for mode in manifest.modes)
    assert set(manifest.modes) <= set(DeliveryMode)


def test_a_plan_is_hashed_in_its_one_encoding(tmp_path: Path) -> None:
    """However its file is laid out: what is published is the hash of the canonical document."""
    price = {"class": "per_use", "plan": "per_use.json"}
    manifest = load(tmp_path, VALUE | {"template": "template.md", "price": price})
    assert (manifest.price_plan, manifest.price_class) == (PLAN, PriceClass.PER_USE)
    assert manifest.price_plan_hash == keccak256(encode_plan(PLAN))
    assert manifest.price_plan_hash in manifest.offering()
    assert load_manifest(DEMO).price_plan_hash == ZERO_HASH


def test_an_unknown_field_has_no_mask() -> None:
    manifest = load_manifest(DEMO)
    with pytest.raises(ConfigError, match="no field nothing"):
        manifest.mask_of(manifest.names[0], "nothing")


@pytest.mark.parametrize(
    "change",
    [
        {"zone": "moon"},
        {"zone": 5},
        {"modes": ["teleport"]},
        {"modes": 5},
        {"fields": []},
        {"fields": [{}]},
        {"fields": VALUE["fields"][:1] * (FIELDS_MAX + 1)},
        {"fields": [VALUE["fields"][0] | {"level": 6}]},
        {"fields": [VALUE["fields"][0] | {"level": 0}]},
        {"fields": [VALUE["fields"][0] | {"class": 4}]},
        {"fields": [VALUE["fields"][0] | {"kind": "nothing known"}]},
        {"fields": [VALUE["fields"][0] | {"more": 1}]},
        {"more": 1},
        {"template": "none.md"},
        {"quality": "none.md"},
        {"right": "all"},
        {"date": "no such field"},
        {"price": {"class": "free", "plan": "price.json"}},
        {"price": {"class": "fixed", "plan": ""}},
        {"price": {"class": "gold", "plan": "price.json"}},
        {"price": {"class": "fixed", "plan": "price.json"}},
        {"price": {"class": "fixed", "plan": "per_use.json"}},
        {"price": "free"},
    ],
)
def test_a_malformed_manifest_is_named(tmp_path: Path, change: dict[str, Any]) -> None:
    whole = VALUE | {"template": "template.md"}
    assert load(tmp_path, whole).names
    with pytest.raises(ConfigError):
        load(tmp_path, whole | change)


@pytest.mark.parametrize("text", ["", "{", "[]", "5", "null", "{}"])
def test_what_is_no_manifest(tmp_path: Path, text: str) -> None:
    (tmp_path / "product.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="not a product manifest"):
        load_manifest(tmp_path / "product.json")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_manifest(tmp_path / "none.json")
