"""A product's manifest: what a provider offers, as it publishes it and serves from it.

One JSON file names the product's fields with kind, level and personal-information class, its zone,
delivery modes, owner's right and price, and the files beside it: terms template, evidence of
source, report of quality, price plan. The plan is a document of `node.spec.pricing`, which may be
written as any JSON; its hash is that of its one encoding. The ledger holds the fields to their
kinds' floors (R4) and the hashes of the files (R5).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from node.errors import ConfigError, DecodeError
from node.spec.crypto import keccak256
from node.spec.pricing import PricePlan, plan_from_json, plan_hash
from node.spec.types import ZERO_HASH, Hash32
from node.spec.vocabulary import DeliveryMode, OwnerRight, PriceClass, Zone, field_kind, mask

FIELDS_MAX: Final = 256
_C2: Final = 2
_MEMBERS: Final = frozenset(
    {
        *("name", "zone", "modes", "right", "price", "acceptance_days", "date"),
        *("template", "evidence", "quality", "fields"),
    }
)
_PRICE_MEMBERS: Final = frozenset({"class", "plan"})
_FIELD_MEMBERS: Final = frozenset({"name", "kind", "level", "class"})


@dataclass(frozen=True, slots=True)
class Field:
    """One column: `kind` by its vocabulary name, `level` 1 to 5, `personal` 0 (none) to 3 (C3)."""

    name: str
    kind: str
    level: int
    personal: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A product as its provider describes it.

    `template`, `evidence` and `quality` are the texts of documents whose hashes are published, as
    is that of the price plan; it is None for what is free. `date` names the field with each
    record's day, which look-back goes by; empty where records have none.
    """

    name: str
    zone: Zone
    modes: tuple[DeliveryMode, ...]
    template: str
    fields: tuple[Field, ...]
    right: OwnerRight = OwnerRight.PROCESSING
    price_plan: PricePlan | None = None
    acceptance_days: int = 0
    evidence: str = ""
    quality: str = ""
    date: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The fields' names; a field's place here is its bit in every mask."""
        return tuple(field.name for field in self.fields)

    @property
    def salt(self) -> Hash32:
        """What the product's id is made from, beside its provider."""
        return keccak256(self.name.encode("utf-8"))

    @property
    def template_hash(self) -> Hash32:
        """What terms and catalog hold of the template."""
        return keccak256(self.template.encode("utf-8"))

    @property
    def price_plan_hash(self) -> Hash32:
        """What terms and catalog hold of the price plan; zero for what is free."""
        return ZERO_HASH if self.price_plan is None else plan_hash(self.price_plan)

    @property
    def price_class(self) -> PriceClass:
        """How fees follow from the plan."""
        return PriceClass.FREE if self.price_plan is None else self.price_plan.price_class

    def offering(self) -> tuple[int | bytes, ...]:
        """Return what the catalog holds beside the fields, in its order."""
        found: list[int | bytes] = [int(self.zone), self.modes_mask(), int(self.right)]
        found += [int(self.price_class), self.acceptance_days]
        found += [self.template_hash, self.price_plan_hash]
        found += [keccak256(text.encode("utf-8")) for text in (self.evidence, self.quality)]
        return tuple(found)

    def sensitive_mask(self) -> int:
        """Return the mask of fields whose personal information is sensitive: C2 and C3."""
        return sum(1 << place for place, part in enumerate(self.fields) if part.personal >= _C2)

    def mask_of(self, *names: str) -> int:
        """Return the mask of some fields.

        Raises:
            ConfigError: the product has no such field.
        """
        unknown = [name for name in names if name not in self.names]
        if unknown:
            raise ConfigError(f"product {self.name}: no field {', '.join(unknown)}")
        return sum(1 << self.names.index(name) for name in set(names))

    def published_names(self) -> bytes:
        """Return the names as the catalog takes them."""
        return "\n".join(self.names).encode("utf-8")

    def published_fields(self) -> bytes:
        """Return two bytes a field: its kind, then 16 times level plus class."""
        return b"".join(
            bytes((field_kind(field.kind).index, field.level << 4 | field.personal))
            for field in self.fields
        )

    def modes_mask(self) -> int:
        """Return the mask of delivery modes."""
        return mask(*self.modes)


def load_manifest(path: Path) -> Manifest:
    """Return the manifest in a JSON file; its documents are files beside it.

    Raises:
        ConfigError: unreadable, or not of the form above.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return _manifest(value, path.parent)
    except OSError as error:
        raise ConfigError(f"{error.filename}: cannot be read", why=str(error.strerror)) from error
    except (ValueError, KeyError, TypeError, AttributeError, DecodeError) as error:
        raise ConfigError(f"{path}: not a product manifest", why=str(error)) from error


def _manifest(value: Any, folder: Path) -> Manifest:
    if set(value) != _MEMBERS or not 0 < len(value["fields"]) <= FIELDS_MAX:
        raise ValueError(f"expected {', '.join(sorted(_MEMBERS))}, with 1 to {FIELDS_MAX} fields")
    fields = tuple(_field(part) for part in value["fields"])
    date = str(value["date"])
    if date and date not in {field.name for field in fields}:
        raise ValueError(f"date: no field {date}")
    plan = _price(value["price"], folder)
    template, evidence, quality = (
        (folder / value[name]).read_text(encoding="utf-8")
        for name in ("template", "evidence", "quality")
    )
    return Manifest(
        str(value["name"]),
        Zone[value["zone"].upper()],
        tuple(DeliveryMode[mode.upper()] for mode in value["modes"]),
        template,
        fields,
        OwnerRight[value["right"].upper()],
        plan,
        int(value["acceptance_days"]),
        evidence,
        quality,
        date,
    )


def _price(value: Any, folder: Path) -> PricePlan | None:
    """Return the plan that a price names; it must be of the price's class."""
    if set(value) != _PRICE_MEMBERS:
        raise ValueError(f"a price has {', '.join(sorted(_PRICE_MEMBERS))}")
    price_class = PriceClass[value["class"].upper()]
    if (price_class == PriceClass.FREE) != (value["plan"] == ""):
        raise ValueError("price: a plan is for what is not free")
    if not value["plan"]:
        return None
    plan = plan_from_json(json.loads((folder / value["plan"]).read_text(encoding="utf-8")))
    if plan.price_class != price_class:
        raise ValueError(f"price: its plan is of class {plan.price_class.name.lower()}")
    return plan


def _field(value: Any) -> Field:
    if set(value) != _FIELD_MEMBERS:
        raise ValueError(f"a field has {', '.join(sorted(_FIELD_MEMBERS))}")
    field_kind(value["kind"])
    level, personal = int(value["level"]), int(value["class"])
    if not 1 <= level <= 5 or not 0 <= personal <= 3:
        raise ValueError(f"field {value['name']}: level is 1 to 5, class 0 to 3")
    return Field(str(value["name"]), str(value["kind"]), level, personal)
