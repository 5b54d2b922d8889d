"""Conditions of a product: an application approved in time, a sandbox whose bounds hold.

Both are read from state: an application keeps its decision for good, and the chain of those for
the same shows which approval counted at a block. Who was admitted to a sandbox at a block, state
does not keep; that is said.
"""

from node.audit.evidence import Case, Evidence, naming, require
from node.spec.applications import (
    APPLICATIONS,
    covering,
    is_on_application,
    is_too_long,
    places,
)
from node.spec.sandboxes import SANDBOXES, counted, sandbox, sandbox_of
from node.spec.terms import Terms
from node.spec.types import Hash32


def blocks_of(version: Case) -> tuple[int, ...]:
    """Return the blocks in which a version of terms was held to its product's conditions.

    They are those of the request and, if it came into force, of that.
    """
    began = version.named("AuthorizationActivated")
    effect = version.amended or (began[0] if began else None)
    return tuple(sorted({version.requested.block, *([effect.block] if effect else [])}))


def places_of(terms: Terms) -> tuple[Hash32, ...]:
    """Return where Applications holds what may cover terms."""
    return places(terms.product, terms.product_version, terms.consumer, terms.purpose)


def check_conditions(evidence: Evidence, case: Case, version: Case, summary: int) -> None:
    """Hold a version of an authorization to the conditions that its product's summary names."""
    if is_on_application(summary):
        with naming(version.name):
            _require_application(evidence, case, version)
    if number := sandbox_of(summary):
        with naming(version.name):
            _require_sandbox(evidence, case, version, number)


def _require_application(evidence: Evidence, case: Case, version: Case) -> None:
    """The consumer's approved application covered the terms when they were let through."""
    read, wanted = evidence.reader(APPLICATIONS), places_of(version.terms)
    for block in blocks_of(version):
        found = covering(read, wanted, version.terms.valid_until, block)
        if found is None and is_too_long(read, wanted):
            case.cannot_show("applications", block=block)
            continue
        require(
            version.name,
            (found is not None, f"no application approved by block {block} covers its terms"),
        )
        assert found is not None, "required above"
        number, approval = found
        own = approval.provider == version.terms.provider or any(version.terms.parent)
        require(version.name, (own, f"application {number} was another provider's to decide"))


def _require_sandbox(evidence: Evidence, case: Case, version: Case, number: int) -> None:
    """What came into force is counted in its sandbox, within its end and caps."""
    read, terms = evidence.reader(SANDBOXES), version.terms
    found, uses = sandbox(read, number), counted(read, case.identifier)
    require(version.name, (found is not None, f"there is no sandbox {number}"))
    assert found is not None, "required above"
    began = version.amended is not None or bool(version.named("AuthorizationActivated"))
    require(
        version.name,
        (terms.valid_until <= found.until, f"it outlasts sandbox {number}"),
        (terms.maximum_uses <= found.uses_each, f"more uses than sandbox {number} allows one"),
        (not began or uses >= terms.maximum_uses, f"sandbox {number} does not count its uses"),
        (found.uses <= found.uses_maximum, f"sandbox {number} counts more uses than its cap"),
        (
            found.authorizations <= found.authorizations_maximum,
            f"sandbox {number} counts more authorizations than its cap",
        ),
    )
    running = began and terms == case.in_force and evidence.last.timestamp < terms.valid_until
    ended = case.state.ended is not None
    stands = bool(found.closed_in) and running and not ended
    require(version.name, (not stands, f"sandbox {number} was closed early, and it stands"))
    case.cannot_show("admitted", sandbox=number)
