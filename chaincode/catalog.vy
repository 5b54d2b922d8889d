# pragma version 0.4.3
# pragma evm-version prague
"""
@title Catalog of data products
@notice A provider publishes versions of a product; each field names a kind from the vocabulary and
        is held to that kind's floor of level and personal-information class (R4). A version can be
        granted once a second approver has approved it. What a data set's level is follows from its
        fields: masks of fields by level and class are computed here, never declared. It carries the
        evidence of its source and its measured quality, the owner's right it is offered under, and the
        hash of its price plan. An open product, of level 1 alone, is downloaded by hash and licence and
        never granted (R5). What a public provider opens on application alone is granted to members
        whose application it approved (applications.vy). What is tried in a sandbox belongs to it from
        its publication on, and is granted within its bounds alone (sandboxes.vy).
"""

from interfaces import ICatalog
from interfaces import IMembers
from interfaces import ISandboxes
import addresses
import vocabulary

implements: ICatalog


FIELDS_MAX: constant(uint256) = 256
ACCEPTANCE_DAYS_MAX: constant(uint256) = 366
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
RIGHT_SHIFT: constant(uint256) = 72
PRICE_SHIFT: constant(uint256) = 76
ACCEPTANCE_SHIFT: constant(uint256) = 80
# A grant reads no more words than the flags of a summary and of a zone's word ask for.
CAREFUL: constant(uint256) = 1 << 96
CONDITIONS_SHIFT: constant(uint256) = 97
OPEN: constant(uint256) = 1 << 97
ON_APPLICATION: constant(uint256) = 1 << 98
SANDBOX_SHIFT: constant(uint256) = 100
CONDITIONS: constant(uint256) = 2**35 - 1
EACH: constant(uint256) = 1 << 16
TEMPLATES: constant(uint256) = 1 << 32
ADMITS: constant(uint256) = 1 << 33
PURPOSES: constant(uint256) = 1 << 34
ASSIGNED_SHIFT: constant(uint256) = 40
# What a template is allowed by: the operator, since it was assigned the zone.
NAMED: constant(uint256) = 65535 | ((2**32 - 1) << ASSIGNED_SHIFT)

struct Offering:
    zone: uint256
    modes: uint256
    # Vocabulary indices: the owner's right that is offered, and the class of the price.
    right: uint256
    priceClass: uint256
    # Days after a grant takes effect in which its consumer may object (R5).
    acceptanceDays: uint256
    # Hashes: of the terms template's text, of the price plan (0 for what is free), of the evidence that
    # the source was examined, of the report of the quality measured.
    template: bytes32
    pricePlan: bytes32
    evidence: bytes32
    quality: bytes32
    # Granted only to members whose application the provider approved.
    onApplication: bool
    # The number of the sandbox it is tried in, 0 for none.
    sandbox: uint256


struct Version:
    # Provider (bits 0 to 31), status (32), modes (40), zone (48), number of fields (56 to 71), owner's
    # right (72), class of price (76), days of acceptance (80); flags: has fields of level 4 or 5 or of
    # class C3 (96), is open (97), is granted on application alone (98); its sandbox (100 to 131).
    summary: uint256
    # keccak256 of the field names, separated by newlines.
    names: bytes32
    # keccak256 of the hashes of terms template and price plan, which a grant shows.
    documents: bytes32
    # Field masks, of level 1 first.
    levels: uint256[LEVELS]
    # Field masks, of class C1 first; a field in none of them is not personal.
    classes: uint256[CLASSES - 1]
    # Mask of the fields that no special rule concerns: below level 4, not of class C3.
    plain: uint256
    evidence: bytes32
    quality: bytes32
    # Of an open product: keccak256 of the file to download; its licence then stands for its template.
    content: bytes32


struct Zone:
    # Bits: operator 0, whether it approves each authorization 16, modes 24 (0 for all), whether it
    # names templates 32, members 33, purposes 34; how often the zone was assigned 40.
    word: uint256
    # Bit i: member i may provide and consume; 0 for everyone.
    admitted: uint256
    # Bit i: purpose i of the vocabulary is allowed; 0 for all.
    purposes: uint256


versions: HashMap[bytes32, HashMap[uint256, Version]]
latest: HashMap[bytes32, uint256]
zones: HashMap[uint256, Zone]
# By zone and template, the operator that allowed it (bit 0) and the assignment it had the zone by (40):
# one that is assigned the zone again begins anew.
templates: HashMap[uint256, HashMap[bytes32, uint256]]

event ProductPublished:
    product: indexed(bytes32)
    version: indexed(uint256)
    provider: indexed(uint256)
    offering: Offering
    # Of an open product alone.
    content: bytes32
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


event TemplateAllowed:
    zone: indexed(uint256)
    template: indexed(bytes32)
    allowed: bool


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
def offer(
    product: bytes32, version: uint256, template: bytes32, pricePlan: bytes32, fields: uint256
) -> ICatalog.Offer:
    """
    @notice One version of a product as far as a grant of these fields depends on it. Masks of fields
            that a rule concerns are zero where none of these is among them.
    """
    summary: uint256 = self.versions[product][version].summary
    count: uint256 = (summary >> COUNT_SHIFT) & 65535
    zone: uint256 = (summary >> ZONE_SHIFT) & 255
    rule: uint256 = self.zones[zone].word
    found: ICatalog.Offer = ICatalog.Offer(
        provider=summary & (2**32 - 1),
        status=(summary >> STATUS_SHIFT) & 255,
        modes=(summary >> MODES_SHIFT) & 255,
        right=(summary >> RIGHT_SHIFT) & 15,
        fields=max_value(uint256) if count == FIELDS_MAX else (1 << count) - 1,
        guarded=0,
        level5=0,
        class3=0,
        hasDocuments=self.versions[product][version].documents
        == self._documents(template, pricePlan),
        priceClass=(summary >> PRICE_SHIFT) & 15,
        conditions=(summary >> CONDITIONS_SHIFT) & CONDITIONS,
        zone=zone,
        zoneRule=rule,
        admitted=max_value(uint256),
        purposes=max_value(uint256),
        isTemplateAllowed=True,
    )
    if summary & CAREFUL != 0 and fields & ~self.versions[product][version].plain != 0:
        found.level5 = self.versions[product][version].levels[4]
        found.guarded = found.level5 | self.versions[product][version].levels[3]
        found.class3 = self.versions[product][version].classes[2]
    if rule & ADMITS != 0:
        found.admitted = self.zones[zone].admitted
    if rule & PURPOSES != 0:
        found.purposes = self.zones[zone].purposes
        # All that a sandbox relaxes.
        tried: uint256 = (summary >> SANDBOX_SHIFT) & (2**32 - 1)
        if tried != 0:
            found.purposes |= staticcall ISandboxes(addresses.SANDBOXES).purposesOf(tried)
    if rule & TEMPLATES != 0:
        found.isTemplateAllowed = self.templates[zone][template] == rule & NAMED
    return found


@view
@external
def sensitiveFields(product: bytes32, version: uint256) -> uint256:
    """
    @notice The fields of a product version whose personal information is sensitive: classes C2 and C3.
    """
    return (
        self.versions[product][version].classes[1] | self.versions[product][version].classes[2]
    )


@view
@external
def summaryOf(product: bytes32, version: uint256) -> uint256:
    """
    @notice The first word of a product version, packed; see `Version`.
    """
    return self.versions[product][version].summary


@view
@external
def zoneOf(zone: uint256) -> Zone:
    """
    @notice The rules of a zone; all zero where it never had an operator.
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
    offering: Offering,
    names: Bytes[NAMES_MAX],
    fields: Bytes[2 * FIELDS_MAX],
) -> (bytes32, uint256):
    """
    @notice An approver of the provider proposes the next version of a product.
    @param fields Two bytes a field: its kind, then 16 * level + class, neither below the kind's
           floor.
    @return The product's id and the number of this version.
    """
    assert (
        offering.modes != 0 and offering.modes & ~MODES == 0
    ), "catalog: unknown delivery mode"
    assert (
        offering.right != 0 and offering.right <= vocabulary.OWNER_RIGHT_LAST
    ), "catalog: unknown right"
    assert (
        offering.priceClass <= vocabulary.PRICE_CLASS_LAST
    ), "catalog: unknown price class"
    assert (offering.priceClass == 0) == (
        offering.pricePlan == empty(bytes32)
    ), "catalog: price plan and class differ"
    assert offering.quality != empty(bytes32), "catalog: no measured quality"
    if offering.onApplication:
        self._check_public()
    return self._publish(salt, offering, empty(bytes32), names, fields)


@external
def publishOpen(
    salt: bytes32,
    zone: uint256,
    content: bytes32,
    licence: bytes32,
    evidence: bytes32,
    names: Bytes[NAMES_MAX],
    fields: Bytes[2 * FIELDS_MAX],
) -> (bytes32, uint256):
    """
    @notice An approver of the provider proposes the next version of an open product: level 1 and no
            personal information, free, by the hash of its file and of its licence (R5).
    """
    assert content != empty(bytes32), "catalog: no content"
    return self._publish(
        salt,
        Offering(
            zone=zone,
            modes=0,
            right=0,
            priceClass=0,
            acceptanceDays=0,
            template=licence,
            pricePlan=empty(bytes32),
            evidence=evidence,
            quality=empty(bytes32),
            onApplication=False,
            sandbox=0,
        ),
        content,
        names,
        fields,
    )


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
    assigned: uint256 = (self.zones[zone].word >> ASSIGNED_SHIFT) + 1
    self.zones[zone] = Zone(word=operator | (assigned << ASSIGNED_SHIFT), admitted=0, purposes=0)
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
    word: uint256 = (modes << 24) | (self.zones[zone].word & (NAMED | TEMPLATES))
    if approvesEach:
        word |= EACH
    if admitted != 0:
        word |= ADMITS
    if purposes != 0:
        word |= PURPOSES
    self.zones[zone] = Zone(word=word, admitted=admitted, purposes=purposes)
    log ZoneRuled(
        zone=zone,
        approvesEach=approvesEach,
        modes=modes,
        admitted=admitted,
        purposes=purposes,
    )


@external
def allowTemplate(zone: uint256, template: bytes32, allowed: bool):
    """
    @notice The operator names a template that may be used in its zone, or no longer; from the first
            named on no other may.
    """
    operator: uint256 = self._approver()
    assert self.zones[zone].word & 65535 == operator, "catalog: not the zone's operator"
    self.zones[zone].word |= TEMPLATES
    self.templates[zone][template] = self.zones[zone].word & NAMED if allowed else 0
    log TemplateAllowed(zone=zone, template=template, allowed=allowed)


@internal
def _publish(
    salt: bytes32,
    offering: Offering,
    content: bytes32,
    names: Bytes[NAMES_MAX],
    fields: Bytes[2 * FIELDS_MAX],
) -> (bytes32, uint256):
    provider: uint256 = self._approver()
    assert (
        offering.zone != 0 and offering.zone <= vocabulary.ZONE_LAST
    ), "catalog: unknown zone"
    assert offering.template != empty(bytes32), "catalog: no template"
    assert offering.evidence != empty(bytes32), "catalog: no evidence of source"
    assert (
        offering.acceptanceDays <= ACCEPTANCE_DAYS_MAX
    ), "catalog: acceptance too long"
    count: uint256 = len(fields) // 2
    assert count != 0 and len(fields) % 2 == 0, "catalog: malformed fields"
    assert self._count_names(names) == count, "catalog: names do not match the fields"
    self._check_zone(offering, provider)
    if offering.sandbox != 0:
        fits: bool = staticcall ISandboxes(addresses.SANDBOXES).checkProduct(
            offering.sandbox, offering.zone, provider
        )
    product: bytes32 = self._product_id(provider, salt)
    number: uint256 = self.latest[product] + 1
    entry: Version = Version(
        summary=self._summary(provider, offering, count),
        names=keccak256(names),
        documents=self._documents(offering.template, offering.pricePlan),
        levels=self._levels(fields, count),
        classes=self._classes(fields, count),
        plain=0,
        evidence=offering.evidence,
        quality=offering.quality,
        content=content,
    )
    careful: uint256 = entry.levels[3] | entry.levels[4] | entry.classes[2]
    if careful != 0:
        entry.summary |= CAREFUL
        entry.plain = ~careful
    if offering.onApplication:
        entry.summary |= ON_APPLICATION
    if content != empty(bytes32):
        entry.summary |= OPEN
        assert (
            entry.levels[1] | entry.levels[2] | entry.levels[3] | entry.levels[4] == 0
            and entry.classes[0] | entry.classes[1] | entry.classes[2] == 0
        ), "catalog: only level 1 is open"
    self.latest[product] = number
    self.versions[product][number] = entry
    log ProductPublished(
        product=product,
        version=number,
        provider=provider,
        offering=offering,
        content=content,
        names=names,
        fields=fields,
        levels=entry.levels,
        classes=entry.classes,
    )
    return product, number


@pure
@internal
def _documents(template: bytes32, pricePlan: bytes32) -> bytes32:
    return keccak256(concat(template, pricePlan))


@pure
@internal
def _summary(provider: uint256, offering: Offering, count: uint256) -> uint256:
    return (
        (provider << PROVIDER_SHIFT)
        | (vocabulary.PRODUCT_STATUS_PROPOSED << STATUS_SHIFT)
        | (offering.modes << MODES_SHIFT)
        | (offering.zone << ZONE_SHIFT)
        | (count << COUNT_SHIFT)
        | (offering.right << RIGHT_SHIFT)
        | (offering.priceClass << PRICE_SHIFT)
        | (offering.acceptanceDays << ACCEPTANCE_SHIFT)
        | (offering.sandbox << SANDBOX_SHIFT)
    )


@view
@internal
def _check_zone(offering: Offering, provider: uint256):
    """
    @dev What a zone demands of a product published in it.
    """
    zone: uint256 = offering.zone
    rule: uint256 = self.zones[zone].word
    assert rule & ADMITS == 0 or (
        (self.zones[zone].admitted >> provider) & 1 == 1
    ), "catalog: provider is not admitted to the zone"
    allowed: uint256 = (rule >> 24) & 255
    assert (
        allowed == 0 or offering.modes & ~allowed == 0
    ), "catalog: mode not allowed in the zone"
    assert rule & TEMPLATES == 0 or (
        self.templates[zone][offering.template] == rule & NAMED
    ), "catalog: template not allowed in the zone"


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
def _check_public():
    """
    @dev Data are open on application where an office or an operator for the public holds them.
    """
    member: uint256 = 0
    kind: uint256 = 0
    roles: uint256 = 0
    member, kind, roles = staticcall IMembers(addresses.MEMBERS).standing(msg.sender)
    assert (
        kind == vocabulary.MEMBER_KIND_GOVERNMENT_OFFICE
        or kind == vocabulary.MEMBER_KIND_PUBLIC_SERVICE_OPERATOR
    ), "catalog: only public data are open on application"


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
