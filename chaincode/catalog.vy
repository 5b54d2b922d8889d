# pragma version 0.4.3
# pragma evm-version prague
"""
@title Catalog of data products
@notice A provider publishes versions of a product; each field names a kind from the vocabulary and
        is held to that kind's floor of level and personal-information class (R4). A version can be
        granted once an exchange other than the provider has approved it. What a data set's level is
        follows from its fields: masks of fields by level and class are computed here, never
        declared.
"""

from interfaces import ICatalog
from interfaces import IMembers
import addresses
import vocabulary

implements: ICatalog


FIELDS_MAX: constant(uint256) = 256
NAMES_MAX: constant(uint256) = 8_192
LEVELS: constant(uint256) = 5
CLASSES: constant(uint256) = 4
MODES: constant(uint256) = (1 << (vocabulary.DELIVERY_MODE_MPC + 1)) - 1
APPROVER: constant(uint256) = 1 << vocabulary.ROLE_APPROVER
NEWLINE: constant(uint256) = 10

PROVIDER_SHIFT: constant(uint256) = 0
STATUS_SHIFT: constant(uint256) = 32
MODES_SHIFT: constant(uint256) = 40
ZONE_SHIFT: constant(uint256) = 48
COUNT_SHIFT: constant(uint256) = 56

struct Version:
    # Provider (bits 0 to 31), status (32), modes (40), zone (48), number of fields (56 to 71).
    summary: uint256
    # keccak256 of the field names, separated by newlines.
    names: bytes32
    # keccak256 of the text of the terms template (the Chinese text prevails).
    template: bytes32
    # Field masks, of level 1 first.
    levels: uint256[LEVELS]
    # Field masks, of class C1 first; a field in none of them is not personal.
    classes: uint256[CLASSES - 1]


struct Zone:
    # Bits: operator 0, whether it approves each authorization 16, modes 24 (0 for all).
    word: uint256
    # Bit i: member i may provide and consume; 0 for everyone.
    admitted: uint256
    # Bit i: purpose i of the vocabulary is allowed; 0 for all.
    purposes: uint256


versions: HashMap[bytes32, HashMap[uint256, Version]]
latest: HashMap[bytes32, uint256]
zones: HashMap[uint256, Zone]

event ProductPublished:
    product: indexed(bytes32)
    version: indexed(uint256)
    provider: indexed(uint256)
    zone: uint256
    modes: uint256
    template: bytes32
    names: Bytes[NAMES_MAX]
    # Two bytes a field: kind, then level times 16 plus class.
    fields: Bytes[2 * FIELDS_MAX]
    levels: uint256[LEVELS]
    classes: uint256[CLASSES - 1]


event ProductApproved:
    product: indexed(bytes32)
    version: indexed(uint256)
    approver: indexed(uint256)


event ProductRetired:
    product: indexed(bytes32)
    version: indexed(uint256)
    member: indexed(uint256)
    reason: uint256


event ZoneAssigned:
    zone: indexed(uint256)
    operator: indexed(uint256)


event ZoneRuled:
    zone: indexed(uint256)
    approvesEach: bool
    modes: uint256
    admitted: uint256
    purposes: uint256


@deploy
def __init__():
    """
    @notice The catalog starts empty.
    """
    pass


@pure
@external
def productId(provider: uint256, salt: bytes32) -> bytes32:
    """
    @notice The id of a provider's product: no other member can publish under it.
    """
    return self._product_id(provider, salt)


@view
@external
def latestVersion(product: bytes32) -> uint256:
    """
    @notice The newest version published, whatever its status; 0 when the product does not exist.
    """
    return self.latest[product]


@view
@external
def version(product: bytes32, number: uint256) -> Version:
    """
    @notice One version as stored; all zero when it does not exist.
    """
    return self.versions[product][number]


@view
@external
def offer(product: bytes32, version: uint256) -> ICatalog.Offer:
    """
    @notice One version of a product as far as a grant depends on it.
    """
    summary: uint256 = self.versions[product][version].summary
    count: uint256 = summary >> COUNT_SHIFT
    zone: uint256 = (summary >> ZONE_SHIFT) & 255
    return ICatalog.Offer(
        provider=summary & (2**32 - 1),
        status=(summary >> STATUS_SHIFT) & 255,
        modes=(summary >> MODES_SHIFT) & 255,
        fields=max_value(uint256) if count == FIELDS_MAX else (1 << count) - 1,
        level4=self.versions[product][version].levels[3],
        level5=self.versions[product][version].levels[4],
        class3=self.versions[product][version].classes[2],
        template=self.versions[product][version].template,
        zone=zone,
        zoneRule=self.zones[zone].word,
        admitted=self.zones[zone].admitted,
        purposes=self.zones[zone].purposes,
    )


@view
@external
def summaryOf(product: bytes32, version: uint256) -> uint256:
    """
    @notice The first word of a product version: provider 0, status 32, modes 40, zone 48, fields 56.
    """
    return self.versions[product][version].summary


@view
@external
def zoneOf(zone: uint256) -> Zone:
    """
    @notice The rules of a zone; all zero where it has no operator.
    """
    return self.zones[zone]


@view
@external
def statusOf(product: bytes32, version: uint256) -> uint256:
    """
    @notice Vocabulary index of a product version's status; 0 when it does not exist.
    """
    return self._status(product, version)


@external
def publish(
    salt: bytes32,
    zone: uint256,
    modes: uint256,
    template: bytes32,
    names: Bytes[NAMES_MAX],
    fields: Bytes[2 * FIELDS_MAX],
) -> (bytes32, uint256):
    """
    @notice An approver of the provider proposes the next version of a product.
    @param fields Two bytes a field: its kind, then 16 * level + class, neither below the kind's
           floor.
    @return The product's id and the number of this version.
    """
    provider: uint256 = self._approver()
    assert zone != 0 and zone <= vocabulary.ZONE_LAST, "catalog: unknown zone"
    assert modes != 0 and modes & ~MODES == 0, "catalog: unknown delivery mode"
    assert template != empty(bytes32), "catalog: no template"
    count: uint256 = len(fields) // 2
    assert count != 0 and len(fields) % 2 == 0, "catalog: malformed fields"
    assert self._count_names(names) == count, "catalog: names do not match the fields"
    self._check_zone(zone, provider, modes)
    product: bytes32 = self._product_id(provider, salt)
    number: uint256 = self.latest[product] + 1
    entry: Version = Version(
        summary=(
            (provider << PROVIDER_SHIFT)
            | (vocabulary.PRODUCT_STATUS_PROPOSED << STATUS_SHIFT)
            | (modes << MODES_SHIFT)
            | (zone << ZONE_SHIFT)
            | (count << COUNT_SHIFT)
        ),
        names=keccak256(names),
        template=template,
        levels=self._levels(fields, count),
        classes=self._classes(fields, count),
    )
    self.latest[product] = number
    self.versions[product][number] = entry
    log ProductPublished(
        product=product,
        version=number,
        provider=provider,
        zone=zone,
        modes=modes,
        template=template,
        names=names,
        fields=fields,
        levels=entry.levels,
        classes=entry.classes,
    )
    return product, number


@external
def approve(product: bytes32, version: uint256):
    """
    @notice The second approver lets a version be granted: the operator of its zone, or where it has
            none an exchange; never the provider.
    """
    approver: uint256 = self._approver()
    summary: uint256 = self.versions[product][version].summary
    assert summary != 0, "catalog: unknown product version"
    operator: uint256 = self.zones[(summary >> ZONE_SHIFT) & 255].word & 65535
    if operator != 0:
        assert approver == operator, "catalog: approval is the zone operator's"
    else:
        assert (
            staticcall IMembers(addresses.MEMBERS).kindOf(approver)
            == vocabulary.MEMBER_KIND_EXCHANGE
        ), "catalog: approval is an exchange's"
    assert approver != summary & (2**32 - 1), "catalog: approval by the provider itself"
    assert (
        self._status(product, version) == vocabulary.PRODUCT_STATUS_PROPOSED
    ), "catalog: not a proposed version"
    self._set_status(product, version, vocabulary.PRODUCT_STATUS_APPROVED)
    log ProductApproved(product=product, version=version, approver=approver)


@external
def retire(product: bytes32, version: uint256, reason: uint256):
    """
    @notice The provider, or an exchange, ends granting of a version; what was granted goes on under
            its terms.
    """
    member: uint256 = self._approver()
    assert reason != 0 and reason <= vocabulary.REASON_LAST, "catalog: unknown reason"
    summary: uint256 = self.versions[product][version].summary
    assert summary != 0, "catalog: unknown product version"
    assert member == summary & (2**32 - 1) or (
        staticcall IMembers(addresses.MEMBERS).kindOf(member) == vocabulary.MEMBER_KIND_EXCHANGE
    ), "catalog: retiring is the provider's or an exchange's"
    assert (
        self._status(product, version) != vocabulary.PRODUCT_STATUS_RETIRED
    ), "catalog: retired already"
    self._set_status(product, version, vocabulary.PRODUCT_STATUS_RETIRED)
    log ProductRetired(product=product, version=version, member=member, reason=reason)


@external
def assignZone(zone: uint256, operator: uint256):
    """
    @notice A regulator names the member that operates a zone; 0 for none, which frees the zone.
    """
    member: uint256 = 0
    kind: uint256 = 0
    needed: uint256 = 0
    member, kind, needed = staticcall IMembers(addresses.MEMBERS).approver(msg.sender)
    assert kind == vocabulary.MEMBER_KIND_REGULATOR, "catalog: zones are assigned by a regulator"
    assert zone != 0 and zone <= vocabulary.ZONE_LAST, "catalog: unknown zone"
    assert (
        operator == 0 or staticcall IMembers(addresses.MEMBERS).kindOf(operator) != 0
    ), "catalog: not an active member"
    self.zones[zone] = Zone(word=operator, admitted=0, purposes=0)
    log ZoneAssigned(zone=zone, operator=operator)


@external
def ruleZone(
    zone: uint256, approvesEach: bool, modes: uint256, admitted: uint256, purposes: uint256
):
    """
    @notice The operator says who may provide and consume in its zone, in which modes, for what, and
            whether it approves each authorization. What was granted goes on under its terms.
    """
    operator: uint256 = self._approver()
    assert self.zones[zone].word & 65535 == operator, "catalog: not the zone's operator"
    assert modes & ~MODES == 0, "catalog: unknown delivery mode"
    word: uint256 = operator | (modes << 24)
    if approvesEach:
        word |= 1 << 16
    self.zones[zone] = Zone(word=word, admitted=admitted, purposes=purposes)
    log ZoneRuled(
        zone=zone,
        approvesEach=approvesEach,
        modes=modes,
        admitted=admitted,
        purposes=purposes,
    )


@view
@internal
def _check_zone(zone: uint256, provider: uint256, modes: uint256):
    """
    @dev What a zone demands of a product published in it.
    """
    admitted: uint256 = self.zones[zone].admitted
    allowed: uint256 = (self.zones[zone].word >> 24) & 255
    assert (
        admitted == 0 or (admitted >> provider) & 1 == 1
    ), "catalog: provider is not admitted to the zone"
    assert allowed == 0 or modes & ~allowed == 0, "catalog: mode not allowed in the zone"


@pure
@internal
def _product_id(provider: uint256, salt: bytes32) -> bytes32:
    return keccak256(abi_encode(provider, salt))


@view
@internal
def _approver() -> uint256:
    """
    @dev The member whose approver the sender is.
    """
    member: uint256 = 0
    kind: uint256 = 0
    roles: uint256 = 0
    member, kind, roles = staticcall IMembers(addresses.MEMBERS).standing(msg.sender)
    assert roles & APPROVER != 0, "catalog: not an approver"
    return member


@view
@internal
def _status(product: bytes32, version: uint256) -> uint256:
    return (self.versions[product][version].summary >> STATUS_SHIFT) & 255


@internal
def _set_status(product: bytes32, version: uint256, status: uint256):
    summary: uint256 = self.versions[product][version].summary
    summary &= ~(255 << STATUS_SHIFT)
    self.versions[product][version].summary = summary | (status << STATUS_SHIFT)


@pure
@internal
def _count_names(names: Bytes[NAMES_MAX]) -> uint256:
    """
    @dev Names are separated by one newline each; an empty name is refused.
    """
    count: uint256 = 1
    length: uint256 = 0
    for i: uint256 in range(len(names), bound=NAMES_MAX):
        if convert(slice(names, i, 1), uint256) == NEWLINE:
            assert length != 0, "catalog: empty field name"
            length = 0
            count += 1
        else:
            length += 1
    assert length != 0, "catalog: empty field name"
    return count


@pure
@internal
def _levels(fields: Bytes[2 * FIELDS_MAX], count: uint256) -> uint256[LEVELS]:
    """
    @dev Masks of fields by level, after holding each field to its kind's floor.
    """
    masks: uint256[LEVELS] = empty(uint256[LEVELS])
    for i: uint256 in range(count, bound=FIELDS_MAX):
        kind: uint256 = convert(slice(fields, 2 * i, 1), uint256)
        tag: uint256 = convert(slice(fields, 2 * i + 1, 1), uint256)
        floor_: uint256 = vocabulary.floor_of(kind)
        assert floor_ != 0, "catalog: unknown field kind"
        level: uint256 = tag >> 4
        assert level >= floor_ >> 4, "catalog: level below the floor of its kind"
        assert tag & 15 >= floor_ & 15, "catalog: class below the floor of its kind"
        assert level <= LEVELS, "catalog: unknown level"
        assert tag & 15 < CLASSES, "catalog: unknown class"
        masks[level - 1] |= 1 << i
    return masks


@pure
@internal
def _classes(fields: Bytes[2 * FIELDS_MAX], count: uint256) -> uint256[CLASSES - 1]:
    masks: uint256[CLASSES - 1] = empty(uint256[CLASSES - 1])
    for i: uint256 in range(count, bound=FIELDS_MAX):
        class_: uint256 = convert(slice(fields, 2 * i + 1, 1), uint256) & 15
        if class_ != 0:
            masks[class_ - 1] |= 1 << i
    return masks
