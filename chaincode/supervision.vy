# pragma version 0.4.3
# pragma evm-version prague
"""
@title Supervision
@notice What regulators' officers do on record: freezes, inspections, roots of access logs. A freeze lies
        over what it freezes and changes nothing below: it ends by itself on its date, or is lifted, and
        what was there is there again. One officer freezes for at most 72 hours, a second extends, and
        only another freezes the same again afterwards; a zone, with some purposes or all, always takes
        two, also to freeze it further, and is narrowed by lifting alone (R22). Revoking, settling,
        closing and disputing go on meanwhile (R11).
        The freeze itself is kept where each lease asks anyway: by Authorizations, Members, Templates.
"""

from interfaces import IAuthorizations
from interfaces import IFreezable
from interfaces import IMembers
from interfaces import IObligations
from interfaces import ITemplates
import addresses
import seconding
import vocabulary

OFFICER: constant(uint256) = 1 << vocabulary.ROLE_OFFICER
ALONE_MAX: constant(uint256) = 72 * 3_600
EXTENSION_MAX: constant(uint256) = 30 * 86_400
INSPECTION_MAX: constant(uint256) = 366 * 86_400
KINDS_AT: constant(uint256) = 16
KIND_AT: constant(uint256) = 64
ZONE_AT: constant(uint256) = 236

struct Order:
    # The officer who ordered or last extended it; kept when it is over.
    officer: address
    # Unix seconds, the first at which it is over; 0 once it is lifted.
    until: uint256


# By the hash of what is frozen.
orders: HashMap[bytes32, Order]
# What the first of two officers said, by the hash of it; see `seconding`.
firsts: HashMap[bytes32, uint256]
# Inspections by id: from bit 0 the second at which each is over, from bit 64 the kind of member inspected;
# 0 for none or closed.
inspections: HashMap[bytes32, uint256]
# Root of a node's access log of a day, counted from 1970 at UTC+8 (R24).
log_roots: HashMap[address, HashMap[uint256, bytes32]]

event FreezeOrdered:
    subject: indexed(bytes32)
    member: indexed(uint256)
    officer: indexed(address)
    ground: uint256
    caseHash: bytes32
    until: uint256


event FreezeProposed:
    subject: indexed(bytes32)
    officer: indexed(address)


event FreezeLifted:
    subject: indexed(bytes32)
    member: indexed(uint256)
    officer: indexed(address)


event InspectionOpened:
    inspection: indexed(bytes32)
    member: indexed(uint256)
    officer: indexed(address)
    inspected: uint256
    caseHash: bytes32
    until: uint256


event InspectionClosed:
    inspection: indexed(bytes32)
    officer: indexed(address)
    findings: bytes32


event AccessLogAnchored:
    node: indexed(address)
    day: indexed(uint256)
    root: bytes32


@deploy
def __init__():
    """
    @notice Nothing is frozen at genesis.
    """
    pass


@view
@external
def order(subject: bytes32) -> Order:
    """
    @notice The freeze of a subject; see `subjectOf`.
    """
    return self.orders[subject]


@pure
@external
def subjectOf(kind: String[16], target: uint256) -> bytes32:
    """
    @notice What orders name: an "authorization" by its id, a "member" or a "zone" by its index.
    """
    return self._subject(kind, target)


@view
@external
def logRoot(node: address, day: uint256) -> bytes32:
    """
    @notice The root of a node's access log of a day; zero when none was anchored.
    """
    return self.log_roots[node][day]


@external
def freezeAuthorization(
    authorization: bytes32, ground: uint256, caseHash: bytes32, until: uint256
):
    """
    @notice Freeze an authorization in force, or extend its freeze.
    @param caseHash Salted hash of the case; its text goes to those concerned.
    """
    mandate: uint256 = self._mandate()
    zone: uint256 = (
        staticcall IAuthorizations(addresses.AUTHORIZATIONS).standingOf(authorization) >> ZONE_AT
    ) & 255
    assert (mandate >> zone) & 1 == 1, "supervision: outside the mandate"
    self._order("authorization", convert(authorization, uint256), ground, caseHash, until)
    extcall IFreezable(addresses.AUTHORIZATIONS).setFrozen(authorization, until)
    extcall IObligations(addresses.OBLIGATIONS).holdForFreeze(
        authorization, self._member(), caseHash, until
    )


@external
def freezeMember(index: uint256, ground: uint256, caseHash: bytes32, until: uint256):
    """
    @notice Freeze a member, or extend its freeze: it grants nothing, opens and serves no lease.
    """
    mandate: uint256 = self._mandate()
    kind: uint256 = staticcall IMembers(addresses.MEMBERS).kindOf(index)
    assert (
        kind != 0 and (mandate >> (KINDS_AT + kind)) & 1 == 1
    ), "supervision: outside the mandate"
    self._order("member", index, ground, caseHash, until)
    extcall IFreezable(addresses.MEMBERS).setFrozen(convert(index, bytes32), until)


@external
def freezeZone(
    zone: uint256, purposes: uint256, ground: uint256, caseHash: bytes32, until: uint256
) -> bool:
    """
    @notice Freeze purposes (by bit) in a zone, 0 standing for every zone. The second officer who says
            the same puts it in force. While one runs, another holds all of its purposes and ends no
            earlier.
    @return Whether it is in force.
    """
    mandate: uint256 = self._mandate()
    assert zone <= vocabulary.ZONE_LAST, "supervision: unknown zone"
    assert (
        (mandate >> zone) & 1 == 1
    ), "supervision: outside the mandate"
    assert purposes != 0, "supervision: no purposes"
    assert (
        purposes >> (vocabulary.PURPOSE_LAST + 1) == 0
    ), "supervision: unknown purpose"
    self._check(ground, caseHash, until, EXTENSION_MAX)
    self._check_wider(zone, purposes, until)
    proposal: bytes32 = keccak256(abi_encode(zone, purposes, ground, caseHash, until))
    first: address = seconding.first_of(self.firsts[proposal])
    assert first != msg.sender, "supervision: a second officer is needed"
    if (
        staticcall IMembers(addresses.MEMBERS).mandateOf(self._regulator(first)) >> zone
    ) & 1 == 0:
        self.firsts[proposal] = seconding.said()
        log FreezeProposed(subject=self._subject("zone", zone), officer=msg.sender)
        return False
    self.firsts[proposal] = 0
    self._keep(self._subject("zone", zone), ground, caseHash, until)
    extcall IFreezable(addresses.TEMPLATES).setZoneFrozen(zone, purposes, until)
    return True


@external
def lift(kind: String[16], target: uint256):
    """
    @notice An officer within whose mandate it lies ends a freeze early.
    """
    subject: bytes32 = self._subject(kind, target)
    mandate: uint256 = self._mandate()
    assert self.orders[subject].until > block.timestamp, "supervision: not frozen"
    if kind == "zone":
        assert (mandate >> target) & 1 == 1, "supervision: outside the mandate"
        extcall IFreezable(addresses.TEMPLATES).setZoneFrozen(target, 0, 0)
    elif kind == "member":
        member: uint256 = staticcall IMembers(addresses.MEMBERS).kindOf(target)
        assert (mandate >> (KINDS_AT + member)) & 1 == 1, "supervision: outside the mandate"
        extcall IFreezable(addresses.MEMBERS).setFrozen(convert(target, bytes32), 0)
    else:
        authorization: bytes32 = convert(target, bytes32)
        zone: uint256 = (
            staticcall IAuthorizations(addresses.AUTHORIZATIONS).standingOf(authorization)
            >> ZONE_AT
        ) & 255
        assert (mandate >> zone) & 1 == 1, "supervision: outside the mandate"
        extcall IFreezable(addresses.AUTHORIZATIONS).setFrozen(authorization, 0)
        extcall IObligations(addresses.OBLIGATIONS).holdForFreeze(
            authorization, self._member(), empty(bytes32), 0
        )
    self.orders[subject].until = 0
    log FreezeLifted(subject=subject, member=self._member(), officer=msg.sender)


@external
def openInspection(inspected: uint256, caseHash: bytes32, until: uint256) -> bytes32:
    """
    @notice An officer puts on record that a member is inspected, until a date.
    @return The inspection's id.
    """
    mandate: uint256 = self._mandate()
    kind: uint256 = staticcall IMembers(addresses.MEMBERS).kindOf(inspected)
    assert (
        kind != 0 and (mandate >> (KINDS_AT + kind)) & 1 == 1
    ), "supervision: outside the mandate"
    assert caseHash != empty(bytes32), "supervision: no case"
    assert (
        until > block.timestamp and until <= block.timestamp + INSPECTION_MAX
    ), "supervision: end out of range"
    inspection: bytes32 = keccak256(abi_encode(msg.sender, inspected, caseHash, until))
    assert self.inspections[inspection] == 0, "supervision: open already"
    self.inspections[inspection] = until | (kind << KIND_AT)
    log InspectionOpened(
        inspection=inspection,
        member=self._member(),
        officer=msg.sender,
        inspected=inspected,
        caseHash=caseHash,
        until=until,
    )
    return inspection


@external
def closeInspection(inspection: bytes32, findings: bytes32):
    """
    @notice An officer within whose mandate it lies closes an inspection, with the hash of its findings.
    """
    mandate: uint256 = self._mandate()
    word: uint256 = self.inspections[inspection]
    assert word != 0, "supervision: no open inspection"
    kind: uint256 = word >> KIND_AT
    assert (mandate >> (KINDS_AT + kind)) & 1 == 1, "supervision: outside the mandate"
    assert findings != empty(bytes32), "supervision: no findings"
    self.inspections[inspection] = 0
    log InspectionClosed(inspection=inspection, officer=msg.sender, findings=findings)


@external
def anchorAccessLog(node: address, day: uint256, root: bytes32):
    """
    @notice An account of the member that runs a node anchors the root of its access log of a day, once
            (R24).
    """
    member: uint256 = self._member()
    assert (
        member != 0 and staticcall IMembers(addresses.MEMBERS).nodeMember(node) == member
    ), "supervision: node of another member"
    assert root != empty(bytes32), "supervision: no root"
    assert day <= (block.timestamp + 8 * 3_600) // 86_400, "supervision: day in the future"
    assert self.log_roots[node][day] == empty(bytes32), "supervision: anchored already"
    self.log_roots[node][day] = root
    log AccessLogAnchored(node=node, day=day, root=root)


@pure
@internal
def _subject(kind: String[16], target: uint256) -> bytes32:
    return keccak256(abi_encode(kind, target))


@view
@internal
def _member() -> uint256:
    member: uint256 = 0
    kind: uint256 = 0
    roles: uint256 = 0
    member, kind, roles = staticcall IMembers(addresses.MEMBERS).standing(msg.sender)
    return member


@view
@internal
def _mandate() -> uint256:
    """
    @dev The mandate of the officer's regulator: zones from bit 0, kinds of members from bit 16.
    """
    regulator: uint256 = self._regulator(msg.sender)
    assert regulator != 0, "supervision: not an officer"
    return staticcall IMembers(addresses.MEMBERS).mandateOf(regulator)


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


@internal
def _order(
    kind: String[16], target: uint256, ground: uint256, caseHash: bytes32, until: uint256
):
    """
    @dev One officer alone freezes for 72 hours at most; another extends what is frozen, or freezes it
         again when it is over or lifted: else one could freeze for ever, 72 hours at a time.
    """
    subject: bytes32 = self._subject(kind, target)
    standing: Order = self.orders[subject]
    assert standing.officer != msg.sender, "supervision: a second officer is needed"
    if standing.until > block.timestamp:
        assert until > standing.until, "supervision: no extension"
        self._check(ground, caseHash, until, EXTENSION_MAX)
    else:
        self._check(ground, caseHash, until, ALONE_MAX)
    self._keep(subject, ground, caseHash, until)


@view
@internal
def _check(ground: uint256, caseHash: bytes32, until: uint256, longest: uint256):
    assert ground != 0 and ground <= vocabulary.FREEZE_GROUND_LAST, "supervision: unknown ground"
    assert caseHash != empty(bytes32), "supervision: no case"
    assert (
        until > block.timestamp and until <= block.timestamp + longest
    ), "supervision: end out of range"


@view
@internal
def _check_wider(zone: uint256, purposes: uint256, until: uint256):
    """
    @dev A freeze that runs is not narrowed or cut short by another: that is lifting.
    """
    held: uint256 = 0
    over: uint256 = 0
    held, over = staticcall ITemplates(addresses.TEMPLATES).freezeOf(zone)
    assert block.timestamp >= over or (
        held & ~purposes == 0 and until >= over
    ), "supervision: no extension"


@internal
def _keep(subject: bytes32, ground: uint256, caseHash: bytes32, until: uint256):
    self.orders[subject] = Order(officer=msg.sender, until=until)
    log FreezeOrdered(
        subject=subject,
        member=self._member(),
        officer=msg.sender,
        ground=ground,
        caseHash=caseHash,
        until=until,
    )
