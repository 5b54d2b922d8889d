# pragma version 0.4.3
# pragma evm-version prague
"""
@title Sandboxes
@notice What regulators let be tried within bounds (包容审慎): a sandbox has a zone, an end, members that
        are admitted, and caps on authorizations and uses. A product version is published as belonging to
        one; Grants then refuses what is not within it, and counts here what has become active.
        What a sandbox relaxes is one thing: its purposes are allowed in it beside those that the zone
        names. Masks of fields by level and class (R4), both lists, templates, approvals, freezes and all
        limits of terms hold in it as anywhere.
        Opening takes two officers, because it widens what a whole zone allows, as a freeze of a zone
        takes two (R22). What stays within what they signed, admitting, and what only narrows it,
        expelling and closing, takes one. Terms end no later than their sandbox, so no lease outlasts it;
        closing early and expelling revoke what is in force, so leases need not ask here.
"""

from interfaces import IAuthorizations
from interfaces import IMembers
from interfaces import ISandboxes
import addresses
import seconding
import vocabulary

implements: ISandboxes

OFFICER: constant(uint256) = 1 << vocabulary.ROLE_OFFICER
SPAN_MAX: constant(uint256) = 2 * 366 * 86_400
# So many that one transaction ends them all, each with the duties that an end opens.
AUTHORIZATIONS_MAX: constant(uint256) = 32
USES_MAX: constant(uint256) = 2**32 - 1
CONSUMER_AT: constant(uint256) = 8

struct Sandbox:
    # Vocabulary index.
    zone: uint256
    # Bit i: purpose i is allowed in it, whatever the zone names.
    purposes: uint256
    # Unix seconds, the first outside.
    until: uint256
    # Caps: authorizations, uses in all, uses of one authorization.
    authorizationsMaximum: uint256
    usesMaximum: uint256
    usesEach: uint256
    # Counted so far; neither ever falls.
    authorizations: uint256
    uses: uint256
    # Bit i: member i may provide and consume in it.
    admitted: uint256
    # The block that closed it early, 0 for none.
    closedIn: uint256


# Fixed positions: node/spec/sandboxes.py reads them.
sandbox_count: uint256
sandboxes: HashMap[uint256, Sandbox]
# Most uses that an authorization was ever allowed in its sandbox; 0 for one in none.
counted: HashMap[bytes32, uint256]
# Authorizations of a sandbox, by place from 0.
listed: HashMap[uint256, HashMap[uint256, bytes32]]
# What the first of two officers said, by the hash of it; see `seconding`.
firsts: HashMap[bytes32, uint256]

event SandboxProposed:
    proposal: indexed(bytes32)
    officer: indexed(address)


event SandboxOpened:
    sandbox: indexed(uint256)
    zone: indexed(uint256)
    officer: indexed(address)
    caseHash: bytes32
    purposes: uint256
    until: uint256
    authorizationsMaximum: uint256
    usesMaximum: uint256
    usesEach: uint256


event SandboxMemberAdmitted:
    sandbox: indexed(uint256)
    member: indexed(uint256)
    officer: indexed(address)


event SandboxMemberExpelled:
    sandbox: indexed(uint256)
    member: indexed(uint256)
    officer: indexed(address)
    caseHash: bytes32


event SandboxClosed:
    sandbox: indexed(uint256)
    officer: indexed(address)
    caseHash: bytes32


event SandboxCounted:
    sandbox: indexed(uint256)
    authorization: indexed(bytes32)
    # Of this authorization, and in all of the sandbox.
    uses: uint256
    authorizations: uint256
    allUses: uint256


@deploy
def __init__():
    """
    @notice No sandboxes at genesis.
    """
    pass


@view
@external
def sandboxCount() -> uint256:
    """
    @notice How many sandboxes there ever were: they are numbered from 1.
    """
    return self.sandbox_count


@view
@external
def sandbox(number: uint256) -> Sandbox:
    """
    @notice A sandbox as stored; all zero when there is none.
    """
    return self.sandboxes[number]


@view
@external
def isOpen(number: uint256) -> bool:
    """
    @notice Whether anything may be granted in a sandbox as of this block.
    """
    return self._is_open(number)


@view
@external
def countedOf(authorization: bytes32) -> uint256:
    """
    @notice Uses that an authorization takes of its sandbox's cap; 0 for one that was active in none.
    """
    return self.counted[authorization]


@view
@external
def authorizationAt(number: uint256, place: uint256) -> bytes32:
    """
    @notice The authorization at a place of a sandbox's list, from 0.
    """
    return self.listed[number][place]


@view
@external
def purposesOf(number: uint256) -> uint256:
    """
    @notice Purposes allowed in a sandbox beside those of its zone, by bit.
    """
    return self.sandboxes[number].purposes


@view
@external
def checkProduct(number: uint256, zone: uint256, provider: uint256) -> bool:
    """
    @notice True, or revert with the rule that forbids a member to publish in a sandbox.
    """
    assert self._is_open(number), "sandboxes: not open"
    assert self.sandboxes[number].zone == zone, "sandboxes: sandbox of another zone"
    self._check_admitted(number, provider)
    return True


@view
@external
def check(trial: ISandboxes.Trial) -> bool:
    """
    @notice True, or revert with the rule that forbids terms in a sandbox, as its counters stand now.
    """
    more: uint256 = self._check(trial)
    return True


@external
def take(trial: ISandboxes.Trial):
    """
    @notice Grants saw an authorization become active in a sandbox, or an amendment of one take effect:
            count it and its uses. An amendment counts what it allows beyond all versions before it.
    """
    assert msg.sender == addresses.GRANTS, "sandboxes: only grants"
    more: uint256 = self._check(trial)
    number: uint256 = trial.sandbox
    if self.counted[trial.authorization] == 0:
        self.listed[number][self.sandboxes[number].authorizations] = trial.authorization
        self.sandboxes[number].authorizations += 1
    self.counted[trial.authorization] += more
    self.sandboxes[number].uses += more
    log SandboxCounted(
        sandbox=number,
        authorization=trial.authorization,
        uses=self.counted[trial.authorization],
        authorizations=self.sandboxes[number].authorizations,
        allUses=self.sandboxes[number].uses,
    )


@external
def open(
    zone: uint256,
    purposes: uint256,
    authorizationsMaximum: uint256,
    usesMaximum: uint256,
    usesEach: uint256,
    until: uint256,
    caseHash: bytes32,
) -> uint256:
    """
    @notice Two officers whose mandates have the zone open a sandbox: the first proposes, the second says
            the same.
    @param purposes By bit, allowed beside those of the zone; 0 relaxes nothing.
    @param until Unix seconds, two years on at most.
    @return The sandbox's number; 0 while it is proposed.
    """
    assert zone != 0 and zone <= vocabulary.ZONE_LAST, "sandboxes: unknown zone"
    self._check_mandate(zone)
    assert (
        purposes & 1 == 0 and purposes >> (vocabulary.PURPOSE_LAST + 1) == 0
    ), "sandboxes: unknown purpose"
    assert (
        authorizationsMaximum != 0
        and authorizationsMaximum <= AUTHORIZATIONS_MAX
        and usesEach != 0
        and usesEach <= usesMaximum
        and usesMaximum <= USES_MAX
    ), "sandboxes: caps out of range"
    assert (
        until > block.timestamp and until <= block.timestamp + SPAN_MAX
    ), "sandboxes: end out of range"
    assert caseHash != empty(bytes32), "sandboxes: no case"
    proposal: bytes32 = keccak256(
        abi_encode(zone, purposes, authorizationsMaximum, usesMaximum, usesEach, until, caseHash)
    )
    first: address = seconding.first_of(self.firsts[proposal])
    assert first != msg.sender, "sandboxes: a second officer is needed"
    if not self._has_mandate(self._regulator(first), zone):
        self.firsts[proposal] = seconding.said()
        log SandboxProposed(proposal=proposal, officer=msg.sender)
        return 0
    self.firsts[proposal] = 0
    number: uint256 = self.sandbox_count + 1
    self.sandbox_count = number
    self.sandboxes[number] = Sandbox(
        zone=zone,
        purposes=purposes,
        until=until,
        authorizationsMaximum=authorizationsMaximum,
        usesMaximum=usesMaximum,
        usesEach=usesEach,
        authorizations=0,
        uses=0,
        admitted=0,
        closedIn=0,
    )
    log SandboxOpened(
        sandbox=number,
        zone=zone,
        officer=msg.sender,
        caseHash=caseHash,
        purposes=purposes,
        until=until,
        authorizationsMaximum=authorizationsMaximum,
        usesMaximum=usesMaximum,
        usesEach=usesEach,
    )
    return number


@external
def admit(number: uint256, member: uint256):
    """
    @notice An officer admits a member to a sandbox, within its caps.
    """
    self._check_officer(number)
    assert (
        staticcall IMembers(addresses.MEMBERS).kindOf(member) != 0
    ), "sandboxes: not an active member"
    admitted: uint256 = self.sandboxes[number].admitted
    assert (admitted >> member) & 1 == 0, "sandboxes: admitted already"
    self.sandboxes[number].admitted = admitted | (1 << member)
    log SandboxMemberAdmitted(sandbox=number, member=member, officer=msg.sender)


@external
def expel(number: uint256, member: uint256, caseHash: bytes32):
    """
    @notice An officer expels a member: it is granted nothing more, and what it provides or consumes in
            the sandbox is revoked.
    @param caseHash Salted hash of the case; its text goes to those concerned.
    """
    self._check_officer(number)
    self._check_admitted(number, member)
    assert caseHash != empty(bytes32), "sandboxes: no case"
    self.sandboxes[number].admitted &= ~(1 << member)
    log SandboxMemberExpelled(
        sandbox=number, member=member, officer=msg.sender, caseHash=caseHash
    )
    self._revoke(number, member, caseHash)


@external
def close(number: uint256, caseHash: bytes32):
    """
    @notice An officer closes a sandbox before its end: nothing more is granted in it, and all that is in
            force is revoked.
    """
    self._check_officer(number)
    assert caseHash != empty(bytes32), "sandboxes: no case"
    self.sandboxes[number].closedIn = block.number
    log SandboxClosed(sandbox=number, officer=msg.sender, caseHash=caseHash)
    self._revoke(number, 0, caseHash)


@view
@internal
def _is_open(number: uint256) -> bool:
    return (
        block.timestamp < self.sandboxes[number].until and self.sandboxes[number].closedIn == 0
    )


@internal
def _revoke(number: uint256, member: uint256, caseHash: bytes32):
    """
    @dev End the sandbox's authorizations of a member, or all for 0.
    """
    for place: uint256 in range(self.sandboxes[number].authorizations, bound=AUTHORIZATIONS_MAX):
        authorization: bytes32 = self.listed[number][place]
        standing: uint256 = staticcall IAuthorizations(addresses.AUTHORIZATIONS).standingOf(
            authorization
        )
        if (
            member == 0
            or member == standing & 255
            or member == (standing >> CONSUMER_AT) & 255
        ):
            extcall IAuthorizations(addresses.AUTHORIZATIONS).endInSandbox(authorization, caseHash)


@view
@internal
def _check(trial: ISandboxes.Trial) -> uint256:
    """
    @dev Hold terms to their sandbox. Gives the uses that they add to what is counted.
    """
    found: Sandbox = self.sandboxes[trial.sandbox]
    assert self._is_open(trial.sandbox), "sandboxes: not open"
    self._check_admitted(trial.sandbox, trial.provider)
    self._check_admitted(trial.sandbox, trial.consumer)
    assert trial.validUntil <= found.until, "sandboxes: terms outlast the sandbox"
    assert trial.uses <= found.usesEach, "sandboxes: more uses than one may have"
    before: uint256 = self.counted[trial.authorization]
    assert (
        before != 0 or found.authorizations < found.authorizationsMaximum
    ), "sandboxes: too many authorizations"
    more: uint256 = max(trial.uses, before) - before
    assert more <= found.usesMaximum - found.uses, "sandboxes: uses exhausted"
    return more


@view
@internal
def _check_admitted(number: uint256, member: uint256):
    assert (
        member < 256 and (self.sandboxes[number].admitted >> member) & 1 == 1
    ), "sandboxes: not admitted"


@view
@internal
def _check_officer(number: uint256):
    """
    @dev The sender may rule an open sandbox.
    """
    assert self._is_open(number), "sandboxes: not open"
    self._check_mandate(self.sandboxes[number].zone)


@view
@internal
def _check_mandate(zone: uint256):
    regulator: uint256 = self._regulator(msg.sender)
    assert regulator != 0, "sandboxes: not an officer"
    assert self._has_mandate(regulator, zone), "sandboxes: outside the mandate"


@view
@internal
def _regulator(account: address) -> uint256:
    """
    @dev The member whose officer an account is now; 0, which has no mandate, for none.
    """
    member: uint256 = 0
    kind: uint256 = 0
    roles: uint256 = 0
    member, kind, roles = staticcall IMembers(addresses.MEMBERS).standing(account)
    return member if roles & OFFICER != 0 else 0


@view
@internal
def _has_mandate(regulator: uint256, zone: uint256) -> bool:
    return (staticcall IMembers(addresses.MEMBERS).mandateOf(regulator) >> zone) & 1 == 1
