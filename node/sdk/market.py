"""Templates, lists and zones: the rules of the market that terms are made in, as calls.

Each builds the call of one contract function; `node.sdk.sender` signs and sends it.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from node.sdk.abi import encode_call
from node.sdk.contracts import Call
from node.spec.registry import CATALOG, TEMPLATES
from node.spec.types import Hash32
from node.spec.vocabulary import ContractKind, Reason


@dataclass(frozen=True, slots=True)
class Clauses:
    """What terms under a template may say; the names are those of `chaincode/templates.vy`."""

    kind: ContractKind
    purposes: int
    """Bit i: purpose i of the vocabulary."""
    modes: int
    maximum_uses: int
    maximum_days: int
    minimum_group: int
    abroad: bool
    onward: bool


@dataclass(frozen=True, slots=True)
class Caution:
    """What the cautious list asks of some purposes; 0 or False asks nothing."""

    purposes: int
    approver: int = 0
    """The member that must approve."""
    maximum_uses: int = 0
    modes: int = 0
    asks_regulator: bool = False

    @property
    def word(self) -> int:
        """The entry's packed word."""
        asked = self.asks_regulator << 56
        return self.approver | self.maximum_uses << 16 | self.modes << 48 | asked


@dataclass(frozen=True, slots=True)
class OpenFiles:
    """The hashes of an open product's file, of its licence, and of the evidence of its source."""

    content: Hash32
    licence: Hash32
    evidence: Hash32


def _call(function: str, *values: object) -> Call:
    return Call(TEMPLATES, encode_call("templates", function, *values), f"templates.{function}")


def propose_template(text: Hash32, clauses: Clauses) -> Call:
    """Propose a template by its text's hash, as an exchange."""
    values = tuple(int(v) if isinstance(v, ContractKind) else v for v in astuple(clauses))
    return _call("propose", text, values)


def adopt_template(text: Hash32) -> Call:
    """Let terms be made under a proposed template, as a regulator."""
    return _call("adopt", text)


def retire_template(text: Hash32, reason: Reason) -> Call:
    """End requests under a template, as a regulator (R23)."""
    return _call("retire", text, int(reason))


def refuse_purposes(category: int, destination: int, purposes: int) -> Call:
    """Set an entry of the negative list; it takes two approvers of regulators within 72 hours.

    It bites on every purpose that covers one of `purposes` (R6).
    """
    return _call("refuse", category, destination, purposes)


def set_caution(category: int, destination: int, caution: Caution) -> Call:
    """Set an entry of the cautious list, as `refuse_purposes` does of the other."""
    return _call("caution", category, destination, (caution.purposes, caution.word))


def assign_zone(zone: int, operator: int) -> Call:
    """Name the member that operates a zone, as a regulator; 0 for none (R5)."""
    return Call(CATALOG, encode_call("catalog", "assignZone", zone, operator), "catalog.assignZone")


def rule_zone(zone: int, approves_each: bool, modes: int, admitted: int, purposes: int) -> Call:
    """Say what a zone admits, as its operator; masks of 0 admit all (R5)."""
    data = encode_call("catalog", "ruleZone", zone, approves_each, modes, admitted, purposes)
    return Call(CATALOG, data, "catalog.ruleZone")


def allow_template(zone: int, template: Hash32, allowed: bool) -> Call:
    """Name a template that may be used in a zone, as its operator, or take that back (R5)."""
    data = encode_call("catalog", "allowTemplate", zone, template, allowed)
    return Call(CATALOG, data, "catalog.allowTemplate")


def publish_open(
    salt: Hash32, zone: int, files: OpenFiles, names: Sequence[str], fields: bytes
) -> Call:
    """Propose an open product's next version: level 1, downloaded by hash and licence (R5)."""
    published = "\n".join(names).encode()
    values = (salt, zone, files.content, files.licence, files.evidence, published, fields)
    return Call(CATALOG, encode_call("catalog", "publishOpen", *values), "catalog.publishOpen")
