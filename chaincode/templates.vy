# pragma version 0.4.3
# pragma evm-version prague
"""
@title Templates and lists
@notice The standard contracts that terms are made under, with the ranges of their clauses; the
        negative list, which refuses a purpose for a category of data and a destination; and the
        cautious list, which asks more of it: a named approver, a regulator, a cap of uses, certain
        delivery modes. A category is a zone of the catalog. Terms outside all this cannot be requested,
        the lists are asked again at each approval, and the negative one at each lease (R23).
        Whoever may use data for a purpose may use them for all that it covers (R6), so an entry, and a
        freeze, bite on every purpose that covers one of theirs.
        An exchange proposes a template and a regulator adopts it. An entry of a list takes two
        different approvers of regulators, who say the same. The consortium may vote on both: it adopts
        and retires templates as a regulator does, and adds to the lists, but never takes off them.
"""

from interfaces import IGoverned
from interfaces import IMembers
from interfaces import ITemplates
from interfaces import IVersioned
import addresses
import seconding
import vocabulary

implements: IGoverned
implements: ITemplates
implements: IVersioned


REGULATOR: constant(uint256) = 1 << vocabulary.PARTY_REGULATOR
APPROVER: constant(uint256) = 1 << vocabulary.PARTY_APPROVER
CONTENT_MAX: constant(uint256) = 1_024
MODES: constant(uint256) = (1 << (vocabulary.DELIVERY_MODE_MPC + 1)) - 1
# Places in a template's word.
MODES_AT: constant(uint256) = 8
USES_AT: constant(uint256) = 16
DAYS_AT: constant(uint256) = 48
GROUP_AT: constant(uint256) = 64
ABROAD_AT: constant(uint256) = 96
ONWARD_AT: constant(uint256) = 97
STATUS_AT: constant(uint256) = 100
PURPOSES_AT: constant(uint256) = 104
# Places in an entry of the cautious list.
CAP_AT: constant(uint256) = 16
CAREFUL_MODES_AT: constant(uint256) = 48
ASKS_REGULATOR_AT: constant(uint256) = 56
UINT32: constant(uint256) = 2**32 - 1
VERSION: constant(uint256) = 2**64 - 1
# Places beside the negative list's version.
FROZEN_AT: constant(uint256) = 64
CAUTIONS_AT: constant(uint256) = 128
HALTED_AT: constant(uint256) = 192
CLOSED_AT: constant(uint256) = 232

struct Clauses:
    # Vocabulary index of the standard contract.
    kind: uint256
    # Bit i: purpose i of the vocabulary may be agreed.
    purposes: uint256
    modes: uint256
    # Most uses and most days of validity.
    maximumUses: uint256
    maximumDays: uint256
    # Smallest minimum group of terms without a single subject.
    minimumGroup: uint256
    # Whether results may leave the country, and whether the consumer may share onward.
    abroad: bool
    onward: bool


struct Template:
    # Bits: kind 0, modes 8, most uses 16, most days 48, smallest group 64, abroad 96, onward 97,
    # status 100, purposes 104.
    word: uint256


struct Freeze:
    purposes: uint256
    # Unix seconds, the first at which it is over.
    until: uint256


struct Caution:
    purposes: uint256
    # Bits: member that approves 0, most uses 16, modes 48, asks a regulator 56. 0 adds nothing.
    word: uint256


templates: HashMap[bytes32, Template]
# By category from bit 16 and destination from bit 0; 0 in either stands for all.
refused: HashMap[uint256, uint256]
cautions: HashMap[uint256, Caution]
# How often each list was changed: the version in force of the negative list from bit 0 and of the
# cautious list from bit 128, 0 while it is empty; from bit 64 the second at which the last freeze of a
# zone is over; and since each grant and lease reads this word, the gate of version 1 (R23): the end of
# its last halt 192, whether it is closed 232.
lists: uint256
# What the first of two approvers said, by the hash of it; see `seconding`.
firsts: HashMap[bytes32, uint256]
# What Supervision froze, by zone; 0 for every zone. Fixed position: node/spec/registry.py reads it.
freezes: HashMap[uint256, Freeze]

event TemplateProposed:
    template: indexed(bytes32)
    member: indexed(uint256)
    clauses: Clauses


event TemplateAdopted:
    template: indexed(bytes32)
    member: indexed(uint256)


event TemplateRetired:
    template: indexed(bytes32)
    member: indexed(uint256)
    reason: uint256


event EntryProposed:
    entry: indexed(bytes32)
    member: indexed(uint256)
    category: uint256
    destination: uint256


event PurposesRefused:
    category: indexed(uint256)
    destination: indexed(uint256)
    purposes: uint256
    version: uint256


event CautionSet:
    category: indexed(uint256)
    destination: indexed(uint256)
    caution: Caution
    version: uint256


event ZoneFrozen:
    zone: indexed(uint256)
    purposes: uint256
    until: uint256


event GateSet:
    closed: bool
    haltedUntil: uint256


@deploy
def __init__():
    """
    @notice No templates and empty lists at genesis.
    """
    pass


@view
@external
def template(text: bytes32) -> Template:
    """
    @notice A template by the hash of its text; all zero when there is none.
    """
    return self.templates[text]


@view
@external
def versions() -> (uint256, uint256):
    """
    @notice The versions in force of the negative and of the cautious list.
    """
    return self.lists & VERSION, (self.lists >> CAUTIONS_AT) & VERSION


@view
@external
def isRefused(category: uint256, purpose: uint256, destination: uint256) -> bool:
    """
    @notice Whether the negative list, or a freeze of the zone, refuses a purpose, or one it covers, for
            this category and destination.
    """
    return self._is_refused(category, purpose, destination)


@view
@external
def freezeOf(zone: uint256) -> (uint256, uint256):
    """
    @notice The purposes last frozen in a zone, 0 for every zone, and the second at which that is over;
            zeros when it was lifted.
    """
    return self.freezes[zone].purposes, self.freezes[zone].until


@view
@external
def check(wanted: ITemplates.Wanted) -> (uint256, uint256):
    """
    @notice Revert with the rule that forbids these terms.
    @return The parties that the cautious list adds, by bit, and the member it names; 0 for none.
    """
    self._check_clauses(wanted)
    assert not self._is_refused(
        wanted.category, wanted.purpose, wanted.destination
    ), "templates: on the negative list"
    return self._cautions_for(wanted)


@view
@external
def cautionsFor(wanted: ITemplates.Wanted) -> (uint256, uint256):
    """
    @notice Revert with the rule of the cautious list that forbids these terms as of this block.
    @return The parties that it adds, by bit, and the member it names; 0 for none.
    """
    return self._cautions_for(wanted)


@external
def propose(text: bytes32, clauses: Clauses):
    """
    @notice An exchange proposes a template.
    @param text keccak256 of its text; the Chinese text prevails.
    """
    member: uint256 = self._approver_of(vocabulary.MEMBER_KIND_EXCHANGE)
    assert text != empty(bytes32), "templates: no text"
    assert self.templates[text].word == 0, "templates: known already"
    assert (
        clauses.kind != 0 and clauses.kind <= vocabulary.CONTRACT_KIND_LAST
    ), "templates: unknown kind of contract"
    assert clauses.purposes != 0, "templates: no purposes"
    self._check_purposes(clauses.purposes)
    assert clauses.modes != 0 and clauses.modes & ~MODES == 0, "templates: unknown delivery mode"
    assert (
        clauses.maximumUses <= UINT32
        and clauses.maximumDays <= 65535
        and clauses.minimumGroup <= UINT32
    ), "templates: clause out of range"
    self.templates[text] = Template(
        word=(
            clauses.kind
            | (clauses.modes << MODES_AT)
            | (clauses.maximumUses << USES_AT)
            | (clauses.maximumDays << DAYS_AT)
            | (clauses.minimumGroup << GROUP_AT)
            | (convert(clauses.abroad, uint256) << ABROAD_AT)
            | (convert(clauses.onward, uint256) << ONWARD_AT)
            | (vocabulary.PRODUCT_STATUS_PROPOSED << STATUS_AT)
            | (clauses.purposes << PURPOSES_AT)
        ),
    )
    log TemplateProposed(template=text, member=member, clauses=clauses)


@external
def adopt(text: bytes32):
    """
    @notice A regulator adopts a proposed template: from now on terms can be made under it.
    """
    member: uint256 = self._approver_of(vocabulary.MEMBER_KIND_REGULATOR)
    self._check_adoption(text)
    self._adopt(text, member)


@external
def retire(text: bytes32, reason: uint256):
    """
    @notice A regulator ends requests under a template; what was granted goes on under its terms.
    """
    member: uint256 = self._approver_of(vocabulary.MEMBER_KIND_REGULATOR)
    self._check_retirement(text, reason)
    self._retire(text, member, reason)


@external
def refuse(category: uint256, destination: uint256, purposes: uint256) -> bool:
    """
    @notice Set the purposes that the negative list refuses for a category and destination, 0 in either
            standing for all. The second approver of a regulator that says the same puts it in force.
    @return Whether it is in force.
    """
    self._check_purposes(purposes)
    proposal: bytes32 = keccak256(abi_encode("refuse", category, destination, purposes))
    if not self._is_seconded(proposal, category, destination):
        return False
    self._refuse(category, destination, purposes)
    return True


@external
def setZoneFrozen(zone: uint256, purposes: uint256, until: uint256):
    """
    @notice Supervision freezes purposes in a zone, 0 standing for every zone, up to a second, the first
            at which it is over; no purposes lift.
    """
    assert msg.sender == addresses.SUPERVISION, "templates: only supervision"
    self.freezes[zone] = Freeze(purposes=purposes, until=until)
    lists: uint256 = self.lists
    over: uint256 = max((lists >> FROZEN_AT) & VERSION, until)
    self.lists = (lists & ~(VERSION << FROZEN_AT)) | (over << FROZEN_AT)
    log ZoneFrozen(zone=zone, purposes=purposes, until=until)


@external
def setGate(closed: bool, haltedFrom: uint256, haltedUntil: uint256):
    """
    @notice Versions closes, opens or halts version 1: its grants and leases ask here.
    """
    assert msg.sender == addresses.VERSIONS, "templates: only versions"
    lists: uint256 = self.lists & ((1 << HALTED_AT) - 1)
    self.lists = lists | (haltedUntil << HALTED_AT) | (convert(closed, uint256) << CLOSED_AT)
    log GateSet(closed=closed, haltedUntil=haltedUntil)


@external
def caution(category: uint256, destination: uint256, entry: Caution) -> bool:
    """
    @notice Set what the cautious list asks for a category and destination, as `refuse` does.
    @return Whether it is in force.
    """
    self._check_purposes(entry.purposes)
    self._check_caution(entry.word)
    proposal: bytes32 = keccak256(abi_encode("caution", category, destination, entry))
    if not self._is_seconded(proposal, category, destination):
        return False
    self._caution(category, destination, entry)
    return True


@view
@external
def checkProposal(kind: uint256, content: Bytes[CONTENT_MAX]) -> bool:
    """
    @notice True, or revert with the rule that forbids what a proposal asks, as things are now.
    """
    self._check_proposal(kind, content)
    return True


@external
def enactProposal(kind: uint256, content: Bytes[CONTENT_MAX]):
    """
    @notice Governance enacts a carried proposal. Its events name no member: all members said so.
    """
    assert msg.sender == addresses.GOVERNANCE, "templates: only governance"
    self._check_proposal(kind, content)
    if kind == vocabulary.PROPOSAL_KIND_TEMPLATE:
        text: bytes32 = convert(slice(content, 0, 32), bytes32)
        if self._word(content, 1) == vocabulary.PRODUCT_STATUS_APPROVED:
            self._adopt(text, 0)
        else:
            self._retire(text, 0, self._word(content, 2))
        return
    category: uint256 = self._word(content, 0)
    destination: uint256 = self._word(content, 1)
    purposes: uint256 = self._word(content, 2)
    if self._word(content, 3) == 0:
        self._refuse(category, destination, purposes)
    else:
        self._caution(
            category, destination, Caution(purposes=purposes, word=self._word(content, 3))
        )


@view
@internal
def _check_clauses(wanted: ITemplates.Wanted):
    word: uint256 = self.templates[wanted.template].word
    assert (
        (word >> STATUS_AT) & 15 == vocabulary.PRODUCT_STATUS_APPROVED
    ), "templates: template is not in force"
    assert (
        (word >> (PURPOSES_AT + wanted.purpose)) & 1 == 1
    ), "templates: purpose outside the template"
    assert (
        wanted.modes & ~((word >> MODES_AT) & 255) == 0
    ), "templates: mode outside the template"
    assert (
        wanted.maximumUses <= (word >> USES_AT) & UINT32
    ), "templates: uses outside the template"
    assert (
        wanted.validSeconds <= ((word >> DAYS_AT) & 65535) * 86_400
    ), "templates: validity outside the template"
    assert (
        wanted.minimumGroup == 0 or wanted.minimumGroup >= (word >> GROUP_AT) & UINT32
    ), "templates: group outside the template"
    assert (
        wanted.destination == vocabulary.HOME or (word >> ABROAD_AT) & 1 == 1
    ), "templates: export outside the template"
    assert (
        not wanted.onward or (word >> ONWARD_AT) & 1 == 1
    ), "templates: onward sharing outside the template"


@view
@internal
def _cautions_for(wanted: ITemplates.Wanted) -> (uint256, uint256):
    parties: uint256 = 0
    member: uint256 = 0
    if (self.lists >> CAUTIONS_AT) & VERSION == 0:
        return 0, 0
    covered: uint256 = vocabulary.covered_by(wanted.purpose)
    keys: uint256[4] = self._keys(wanted.category, wanted.destination)
    for key: uint256 in keys:
        if self.cautions[key].purposes & covered == 0:
            continue
        word: uint256 = self.cautions[key].word
        cap: uint256 = (word >> CAP_AT) & UINT32
        modes: uint256 = (word >> CAREFUL_MODES_AT) & 255
        assert cap == 0 or wanted.maximumUses <= cap, "templates: uses above the cautious list's cap"
        assert (
            modes == 0 or wanted.modes & ~modes == 0
        ), "templates: mode not on the cautious list"
        if (word >> ASKS_REGULATOR_AT) & 1 == 1:
            parties |= REGULATOR
        if word & 65535 != 0:
            assert member == 0 or member == word & 65535, "templates: two named approvers"
            member = word & 65535
            parties |= APPROVER
    return parties, member


@view
@internal
def _is_refused(category: uint256, purpose: uint256, destination: uint256) -> bool:
    lists: uint256 = self.lists
    if lists >> HALTED_AT != 0 and (
        msg.sender == addresses.GRANTS or msg.sender == addresses.AUTHORIZATIONS
    ):
        assert lists >> CLOSED_AT == 0, "templates: this version is closed"
        assert block.timestamp >= lists >> HALTED_AT, "templates: this version is halted"
    if block.timestamp < (lists >> FROZEN_AT) & VERSION and (
        self._is_frozen(0, purpose) or self._is_frozen(category, purpose)
    ):
        return True
    if lists & VERSION == 0:
        return False
    covered: uint256 = vocabulary.covered_by(purpose)
    keys: uint256[4] = self._keys(category, destination)
    for key: uint256 in keys:
        if self.refused[key] & covered != 0:
            return True
    return False


@view
@internal
def _is_frozen(zone: uint256, purpose: uint256) -> bool:
    return (
        block.timestamp < self.freezes[zone].until
        and self.freezes[zone].purposes & vocabulary.covered_by(purpose) != 0
    )


@pure
@internal
def _key(category: uint256, destination: uint256) -> uint256:
    return (category << 16) | destination


@pure
@internal
def _keys(category: uint256, destination: uint256) -> uint256[4]:
    """
    @dev The four entries that concern a category and a destination.
    """
    return [
        self._key(category, destination),
        self._key(category, 0),
        self._key(0, destination),
        0,
    ]


@view
@internal
def _approver_of(wanted: uint256) -> uint256:
    """
    @dev The member whose approver the sender is; it must be of a kind.
    """
    member: uint256 = self._member_of(msg.sender, wanted)
    assert member != 0, "templates: not an approver of that kind of member"
    return member


@view
@internal
def _member_of(account: address, wanted: uint256) -> uint256:
    """
    @dev The member of a kind whose approver an account is now; 0 for none.
    """
    member: uint256 = 0
    kind: uint256 = 0
    needed: uint256 = 0
    member, kind, needed = staticcall IMembers(addresses.MEMBERS).approver(account)
    return member if kind == wanted else 0


@internal
def _is_seconded(proposal: bytes32, category: uint256, destination: uint256) -> bool:
    member: uint256 = self._approver_of(vocabulary.MEMBER_KIND_REGULATOR)
    self._check_place(category, destination)
    first: address = seconding.first_of(self.firsts[proposal])
    assert first != msg.sender, "templates: a second approver is needed"
    if self._member_of(first, vocabulary.MEMBER_KIND_REGULATOR) == 0:
        self.firsts[proposal] = seconding.said()
        log EntryProposed(
            entry=proposal, member=member, category=category, destination=destination
        )
        return False
    self.firsts[proposal] = 0
    return True


@view
@internal
def _status(text: bytes32) -> uint256:
    return (self.templates[text].word >> STATUS_AT) & 15


@internal
def _set_status(text: bytes32, status: uint256):
    word: uint256 = self.templates[text].word & ~(15 << STATUS_AT)
    self.templates[text].word = word | (status << STATUS_AT)


@pure
@internal
def _word(content: Bytes[CONTENT_MAX], place: uint256) -> uint256:
    return convert(slice(content, place * 32, 32), uint256)


@view
@internal
def _check_proposal(kind: uint256, content: Bytes[CONTENT_MAX]):
    """
    @dev Words of a template: its text, the status it shall have, a reason where it is retired. Of an
         entry: category, destination, purposes, and what the cautious list asks; with nothing there it
         is the negative list's.
    """
    if kind == vocabulary.PROPOSAL_KIND_TEMPLATE:
        assert len(content) == 96, "templates: malformed content"
        text: bytes32 = convert(slice(content, 0, 32), bytes32)
        reason: uint256 = self._word(content, 2)
        if self._word(content, 1) == vocabulary.PRODUCT_STATUS_APPROVED:
            assert reason == 0, "templates: adopted for no reason"
            self._check_adoption(text)
        else:
            assert (
                self._word(content, 1) == vocabulary.PRODUCT_STATUS_RETIRED
            ), "templates: unknown status"
            self._check_retirement(text, reason)
        return
    assert kind == vocabulary.PROPOSAL_KIND_LIST_ENTRY, "templates: unknown kind of proposal"
    assert len(content) == 128, "templates: malformed content"
    self._check_addition(
        self._word(content, 0),
        self._word(content, 1),
        self._word(content, 2),
        self._word(content, 3),
    )


@view
@internal
def _check_addition(category: uint256, destination: uint256, purposes: uint256, word: uint256):
    """
    @dev What regulators have put on a list, or another vote, stays on it.
    """
    self._check_place(category, destination)
    self._check_caution(word)
    self._check_purposes(purposes)
    key: uint256 = self._key(category, destination)
    held: uint256 = self.refused[key]
    if word != 0:
        held = self.cautions[key].purposes
        assert (
            held == 0 or self.cautions[key].word == word
        ), "templates: a vote only adds to a list"
    assert held & ~purposes == 0 and purposes != held, "templates: a vote only adds to a list"


@view
@internal
def _check_adoption(text: bytes32):
    assert (
        self._status(text) == vocabulary.PRODUCT_STATUS_PROPOSED
    ), "templates: not proposed"


@view
@internal
def _check_retirement(text: bytes32, reason: uint256):
    assert reason != 0 and reason <= vocabulary.REASON_LAST, "templates: unknown reason"
    status: uint256 = self._status(text)
    assert status != 0 and status != vocabulary.PRODUCT_STATUS_RETIRED, "templates: not in force"


@pure
@internal
def _check_purposes(purposes: uint256):
    assert purposes >> (vocabulary.PURPOSE_LAST + 1) == 0, "templates: unknown purpose"


@pure
@internal
def _check_caution(word: uint256):
    assert word >> 57 == 0, "templates: malformed caution"


@view
@internal
def _check_place(category: uint256, destination: uint256):
    assert category <= vocabulary.ZONE_LAST, "templates: unknown category"
    assert (
        destination == 0 or vocabulary.is_jurisdiction(destination)
    ), "templates: unknown destination"


@internal
def _adopt(text: bytes32, member: uint256):
    self._set_status(text, vocabulary.PRODUCT_STATUS_APPROVED)
    log TemplateAdopted(template=text, member=member)


@internal
def _retire(text: bytes32, member: uint256, reason: uint256):
    self._set_status(text, vocabulary.PRODUCT_STATUS_RETIRED)
    log TemplateRetired(template=text, member=member, reason=reason)


@internal
def _refuse(category: uint256, destination: uint256, purposes: uint256):
    self.refused[self._key(category, destination)] = purposes
    self.lists += 1
    log PurposesRefused(
        category=category,
        destination=destination,
        purposes=purposes,
        version=self.lists & VERSION,
    )


@internal
def _caution(category: uint256, destination: uint256, entry: Caution):
    self.cautions[self._key(category, destination)] = entry
    self.lists += 1 << CAUTIONS_AT
    log CautionSet(
        category=category,
        destination=destination,
        caution=entry,
        version=(self.lists >> CAUTIONS_AT) & VERSION,
    )
