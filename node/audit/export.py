"""Gathering a bundle from one node and the parties' journals.

The node is believed in nothing: what it gives is put into the bundle as proofs, and the file is
written only after this very auditor has verified it. Which blocks matter is found by the contracts'
events; a batch draws in the authorizations of its other leases, because its root is over all their
receipts. Receipts never stand on chain: they come from the journals of provider or consumer.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from node.audit.bundle import Bundle, SetChange, Trail, encode_bundle
from node.audit.cases import gather_cases
from node.audit.checks_chain import check_inclusion
from node.audit.collect import collect_block
from node.audit.collect_around import collect_around, collect_openings, collect_past
from node.audit.evidence import Evidence, text_of
from node.audit.result import Report
from node.audit.search import Found, authorizations_of_journals, search
from node.audit.slots import collect_consents, collect_exports, collect_state
from node.audit.verify import FINDINGS, verify
from node.errors import ConfigError, IntegrityError, NotReady, Refused
from node.sdk.journal import Journal
from node.sdk.light import LightClient
from node.spec import registry
from node.spec.finality import FinalHeader, ValidatorSets
from node.spec.registry import LeaseState
from node.spec.seal import decode_extra_data, quorum, verify_seals, with_seals
from node.spec.state_proof import reader, verify_storage
from node.spec.types import Hash32
from node.spec.usage import SignedReceipt

AUTHORIZATIONS_MAX: Final = 1_000
"""Authorizations of one bundle, those that batches draw in included."""


async def export(
    light: LightClient, journals: Sequence[Journal], wanted: Sequence[Hash32] = ()
) -> tuple[bytes, Report]:
    """Return a verified bundle of some authorizations; by default of all whose uses are journaled.

    Raises:
        Refused: there is nothing to export, or a receipt is in none of the journals.
        RemoteError: the node withholds something.
    """
    await light.start()
    head = await light.advance()
    if head.number == 0:
        raise NotReady("the chain has no block yet", next_command="dataccord net status")
    chosen = list(wanted) or await authorizations_of_journals(light.client, journals)
    if not chosen:
        raise Refused("nothing to export", why="no lease on the ledger stands in the journals")
    found = await search(light.client, chosen, head.number, AUTHORIZATIONS_MAX)
    places = found.places | {head.number: found.places.get(head.number, frozenset())}
    blocks = [await collect_block(light, number, places[number]) for number in sorted(places)]
    bundle = Bundle(
        await light.client.chain_id(),
        await light.client.header(0),
        await light.set_proof(0),
        tuple(SetChange(final, proof) for final, proof in light.changes),
        tuple(blocks),
        (),
        (),
    )
    evidence = _evidence(bundle)
    collector, leases = await collect_state(light, evidence)
    trails = _trails(leases, journals)
    await collect_consents(collector, trails)
    await collect_exports(collector, evidence, leases, trails)
    await collect_around(collector, evidence)
    past, between = await collect_past(collector, light, evidence, trails)
    openings, plans = collect_openings(evidence, journals)
    whole = replace(
        bundle,
        blocks=tuple(sorted((*blocks, *between), key=lambda record: record.final.header.number)),
        state=await collector.records(),
        trails=trails,
        past=past,
        openings=openings,
        plans=plans,
    )
    data = encode_bundle(in_one_form(whole, light.sets))
    report = verify(data, light.genesis_hash)
    _require_proved(report, found)
    return data, report


def _evidence(bundle: Bundle) -> Evidence:
    """Return the events of a bundle in the making, by authorization."""
    evidence = Evidence(bundle)
    check_inclusion(evidence)
    gather_cases(evidence)
    return evidence


def _require_proved(report: Report, found: Found) -> None:
    flaws = [failure for failure in report.failures if failure.check not in FINDINGS]
    if flaws:
        first = flaws[0]
        raise IntegrityError(
            f"the bundle does not prove itself: {first.check}, {first.subject}: {first.what}",
            why=f"{first.why or 'node or journal holds another trail'} "
            f"({len(found.authorizations)} authorizations were gathered)",
        )


def _trails(leases: dict[Hash32, LeaseState], journals: Sequence[Journal]) -> tuple[Trail, ...]:
    """Return the anchored receipts of each lease, from whichever journal holds them."""
    trails = []
    for identifier, state in sorted(leases.items()):
        anchored = state.settled + state.claimed
        if anchored:
            receipts = max((_anchored(j, identifier, state) for j in journals), key=len, default=())
            if len(receipts) < anchored:
                raise Refused(
                    "receipts are missing",
                    why=f"lease {text_of(identifier)} has {anchored} anchored, the journals "
                    f"hold {len(receipts)} of them with both signatures",
                    next_command="dataccord audit export with --journal of the other party too",
                )
            trails.append(Trail(identifier, receipts))
    return tuple(trails)


def _anchored(journal: Journal, lease: Hash32, state: LeaseState) -> tuple[SignedReceipt, ...]:
    """Return a journal's receipts up to the last anchored one; claims without countersignature."""
    found: list[SignedReceipt] = []
    for use in journal.signed_receipts(lease)[: state.settled + state.claimed]:
        if len(found) >= state.settled:
            use = replace(use, consumer_signature=None)
        elif use.consumer_signature is None:
            break
        found.append(use)
    return tuple(found)


def in_one_form(bundle: Bundle, sets: ValidatorSets) -> Bundle:
    """Return the bundle with just a quorum of seals on each header, by ascending signer."""
    changes = tuple(replace(c, final=_sealed(c.final, sets)) for c in bundle.changes)
    blocks = tuple(replace(record, final=_sealed(record.final, sets)) for record in bundle.blocks)
    return replace(bundle, changes=changes, blocks=blocks)


def _sealed(final: FinalHeader, sets: ValidatorSets) -> FinalHeader:
    proved = verify_storage(final.parent.state_root, registry.MEMBERS, final.version)
    validators = sets[registry.validator_set_version(reader(proved))]
    seals = decode_extra_data(final.header.extra_data).seals
    by_signer = sorted(zip(verify_seals(final.header, validators), seals, strict=True))
    kept = [seal for _, seal in by_signer[: quorum(len(validators))]]
    return replace(final, header=with_seals(final.header, kept))


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(path.name + ".part")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written", why=str(error)) from error


def describe(report: Report) -> dict[str, Any]:
    """Return what an export says of itself."""
    return {
        "authorizations": [text_of(case.identifier) for case in report.cases],
        "receipts": sum(len(lease.receipts) for case in report.cases for lease in case.leases),
        "not_provable": sorted({result.check for result in report.unshown}),
        "findings": [
            f"{finding.check}: {finding.subject}: {finding.what}" for finding in report.failures
        ],
    }
