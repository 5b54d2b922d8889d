"""How the consortium changes its rules, as calls: proposals, ballots, enacting.

Each builds the call of one contract function; `node.sdk.sender` signs and sends it. What a proposal
asks is built by the functions of the second part, one for each kind.
"""

from node.errors import ProofError
from node.sdk.abi import decode_event, encode_call, event_topic
from node.sdk.client import Client, log_from_json
from node.sdk.contracts import Call
from node.sdk.market import Caution
from node.spec.crypto import keccak256
from node.spec.proposals import GOVERNANCE, Proposal, encode_proposal
from node.spec.types import ZERO_ADDRESS, Address, Hash32
from node.spec.vocabulary import (
    HOME,
    Ballot,
    MemberKind,
    Parameter,
    ProductStatus,
    ProposalKind,
    Reason,
    Role,
    VersionStatus,
)
from node.spec.working_days import Table


def _call(function: str, *values: object) -> Call:
    return Call(GOVERNANCE, encode_call("governance", function, *values), f"governance.{function}")


def propose(proposal: Proposal) -> Call:
    """Propose, as a governor; where its member owns a validator, this is its voice too."""
    return _call("propose", int(proposal.kind), proposal.content)


def vote(number: int, ballot: Ballot) -> Call:
    """Say what a governor of an elector says to a proposal; it may change until it is enacted."""
    return _call("vote", number, int(ballot))


def withdraw_proposal(number: int) -> Call:
    """Take a proposal back, as a governor of the member that made it."""
    return _call("withdraw", number)


def enact(number: int, proposal: Proposal) -> Call:
    """Enact a carried proposal whose time lock is over; anyone may."""
    return _call("enact", number, proposal.content)


async def find_proposal(client: Client, number: int, content_hash: Hash32) -> Proposal:
    """Return what a proposal asks, from the event that opened it, held to the hash in state.

    Raises:
        ProofError: the node shows none, or another.
    """
    topics = ["0x" + event_topic("governance", "ProposalOpened").hex(), f"0x{number:064x}"]
    for entry in await client.logs(GOVERNANCE, list[str | None](topics), first=0):
        event = decode_event("governance", log_from_json(entry))
        if event is not None and keccak256(event.values["content"]) == content_hash:
            kind = ProposalKind(event.values["kind"])
            return Proposal(kind, event.values["content"])
    raise ProofError(f"proposal {number}: the node shows no such content")


# What is asked --------------------------------------------------------------------------------


def admit_member(
    identifier: str,
    kind: MemberKind,
    governor: Address,
    name: str,
    jurisdiction: int = HOME,
    head_office: int = 0,
) -> Proposal:
    """Admit a member by its LEI or USCC, with its first governor's account.

    `head_office` is the member whose branch abroad it is, 0 for none.
    """
    values = (identifier.encode("ascii"), int(kind), governor, jurisdiction, head_office, name)
    return encode_proposal(ProposalKind.ADMIT_MEMBER, *values)


def suspend_member(member: int, reason: Reason) -> Proposal:
    """Suspend a member, none of whose accounts may act then; its validators leave first."""
    return encode_proposal(ProposalKind.SUSPEND_MEMBER, member, int(reason))


def reinstate_member(member: int) -> Proposal:
    """Let a suspended member act again."""
    return encode_proposal(ProposalKind.REINSTATE_MEMBER, member)


def add_validator(node: Address) -> Proposal:
    """Add an admitted node to the validator set."""
    return encode_proposal(ProposalKind.ADD_VALIDATOR, node)


def remove_validator(node: Address, lowers_tolerance: bool = False) -> Proposal:
    """Remove a validator; a set that then bears fewer faults has to be voted as just that."""
    if lowers_tolerance:
        return encode_proposal(ProposalKind.LOWER_FAULT_TOLERANCE, node)
    return encode_proposal(ProposalKind.REMOVE_VALIDATOR, node)


def set_role_threshold(member: int, role: Role, least: int) -> Proposal:
    """Demand that so many approvers, or governors, of a member agree at least; 0 for none."""
    return encode_proposal(ProposalKind.ROLE_THRESHOLD, member, int(role), least)


def set_mandate(regulator: int, zones: int, kinds: int) -> Proposal:
    """Set what a regulator's officers may freeze and inspect: masks of zones and of kinds."""
    return encode_proposal(ProposalKind.MANDATE, regulator, zones | kinds << 16)


def set_share(kind: ProposalKind, share: int) -> Proposal:
    """Change the share of electors that carries a kind, in ten-thousandths: 5,000 to 9,999."""
    return encode_proposal(ProposalKind.SHARE, int(kind), share)


def set_parameter(parameter: Parameter, value: int) -> Proposal:
    """Set a parameter, in its own unit and within its bounds."""
    return encode_proposal(ProposalKind.PARAMETER, int(parameter), value)


def activate_feature(feature: Hash32, height: int) -> Proposal:
    """Let a feature, named by a hash, begin at a block."""
    return encode_proposal(ProposalKind.FEATURE, feature, height)


def set_holidays(year: int, table: Table) -> Proposal:
    """Set the working days of a year."""
    return encode_proposal(ProposalKind.HOLIDAY_TABLE, year, *table)


def adopt_vocabulary(version: int, digest: bytes) -> Proposal:
    """Adopt the next version of the vocabulary, by the SHA-256 of its source."""
    return encode_proposal(ProposalKind.VOCABULARY_VERSION, version, digest)


def set_version(version: int, status: VersionStatus, gate: Address = ZERO_ADDRESS) -> Proposal:
    """Open the next version of the contracts, or close or open an earlier one (R23)."""
    return encode_proposal(ProposalKind.CONTRACT_VERSION, version, int(status), gate)


def halt_version(version: int, seconds: int) -> Proposal:
    """Halt a version, 72 hours at most: nothing is granted, leased or settled; no lock waits."""
    return encode_proposal(ProposalKind.HALT, version, seconds)


def vote_template_in(template: Hash32) -> Proposal:
    """Adopt a template that an exchange proposed, by its text's hash."""
    return encode_proposal(ProposalKind.TEMPLATE, template, int(ProductStatus.APPROVED), 0)


def vote_template_out(template: Hash32, reason: Reason) -> Proposal:
    """Retire a template; what was granted under it goes on."""
    return encode_proposal(ProposalKind.TEMPLATE, template, int(ProductStatus.RETIRED), int(reason))


def add_refusal(category: int, destination: int, purposes: int) -> Proposal:
    """Refuse purposes beside those that the negative list names, all of them in `purposes`."""
    return encode_proposal(ProposalKind.LIST_ENTRY, category, destination, purposes, 0)


def add_caution(category: int, destination: int, entry: Caution) -> Proposal:
    """Put an entry on the cautious list, or more purposes into one that asks the same."""
    return encode_proposal(
        ProposalKind.LIST_ENTRY, category, destination, entry.purposes, entry.word
    )
