# pragma version 0.4.3
# pragma evm-version prague
"""
@title Members and validators
@notice Who belongs to the consortium: members with their accounts, nodes and certificates, and the
        validator set that QBFT reads with `getValidators()`.
        A member's governors manage its own entries, as many of them together as it demands. What
        concerns all (a member's admission or suspension, the validator set, a regulator's mandate)
        is enacted by Governance alone, after the ballots of the members that own a validator.
        The first storage positions are fixed: nodes read permissions and validators there.
"""

from interfaces import IGoverned
from interfaces import IMembers
import addresses
import identifiers
import vocabulary

implements: IGoverned
implements: IMembers

VALIDATORS_MAX: constant(uint256) = 100
MEMBERS_MAX: constant(uint256) = 255
CERTIFICATE_MAX: constant(uint256) = 1_024
ACCOUNTS_AT_GENESIS: constant(uint256) = 512
GOVERNORS_MAX: constant(uint256) = 16
# What fewer validators cannot bear without being voted as a kind of its own: one fault.
VALIDATORS_SAFE: constant(uint256) = 4
CONTENT_MAX: constant(uint256) = 1_024
NAME_MAX: constant(uint256) = 64
AGREEMENT_LIFETIME: constant(uint256) = 7 * 86_400

SENDER: constant(uint256) = 1 << vocabulary.ROLE_SENDER
APPROVER: constant(uint256) = 1 << vocabulary.ROLE_APPROVER
GATEWAY: constant(uint256) = 1 << vocabulary.ROLE_GATEWAY
READING: constant(uint256) = SENDER | (1 << vocabulary.ROLE_GOVERNOR) | (1 << vocabulary.ROLE_READER)
GOVERNOR: constant(uint256) = 1 << vocabulary.ROLE_GOVERNOR
OFFICER: constant(uint256) = 1 << vocabulary.ROLE_OFFICER
ROLES: constant(uint256) = (1 << (vocabulary.ROLE_READER + 1)) - 1
COMPROMISED: constant(uint256) = 1 << 15
# A permission word: roles from bit 0, compromised 15, member 32, number of the key 64.
MEMBER_SHIFT: constant(uint256) = 32
MEMBER_MASK: constant(uint256) = 2**32 - 1
KEY_SHIFT: constant(uint256) = 64
# The word of a key: account from bit 0, member 160, compromised 176.
KEY_MEMBER_SHIFT: constant(uint256) = 160
KEY_COMPROMISED: constant(uint256) = 1 << 176
# In a member's standing: how many of its approvers and of its governors must agree, 0 for one, and
# the least of both that the consortium demands.
APPROVALS_SHIFT: constant(uint256) = 16
FROZEN_SHIFT: constant(uint256) = 24
FROZEN_MASK: constant(uint256) = 2**40 - 1
GOVERNORS_SHIFT: constant(uint256) = 64
APPROVALS_FLOOR_SHIFT: constant(uint256) = 72
GOVERNORS_FLOOR_SHIFT: constant(uint256) = 80
JURISDICTION_SHIFT: constant(uint256) = 88
HEAD_OFFICE_SHIFT: constant(uint256) = 104
THRESHOLD_MAX: constant(uint256) = 16
# A mandate: zones from bit 0, kinds of members from bit 16.
MANDATE_MASK: constant(uint256) = 2**24 - 1
KEYS_MAX: constant(uint256) = 2**24 - 1
ACTIVE: constant(uint256) = 1 << 8

struct Member:
    # LEI or USCC, ASCII.
    identifier: bytes32
    # Bits 0 to 7: kind; bit 8: active; bits 16 to 23: approvers that must agree, 0 for one; bits 24
    # to 63: the first second at which no freeze lies over it; from bit 64, eight bits each: governors
    # that must agree, the least number of approvers and of governors that the consortium demands;
    # from bit 88 its home jurisdiction, from bit 104 the member whose branch abroad it is, 0 for none.
    standing: uint256
    name: String[64]


struct Founder:
    identifier: bytes32
    kind: uint256
    name: String[64]
    # DER of the member's certificate authority; may be empty.
    certificate: Bytes[CERTIFICATE_MAX]
    # ISO 3166 numeric code of its home, and the founder before it whose branch it is; 0 for none.
    jurisdiction: uint256
    headOffice: uint256


struct AccountEntry:
    member: uint256
    account: address
    roles: uint256


struct NodeEntry:
    member: uint256
    node: address
    validator: bool


struct Agreement:
    # Unix seconds of the first.
    openedAt: uint256
    # Governors that want the same.
    accounts: DynArray[address, GOVERNORS_MAX]


# Fixed positions: node/spec/registry.py names them and a test compares them with the layout.
validators: DynArray[address, VALIDATORS_MAX]
validator_set_version: uint256
permissions: HashMap[address, uint256]
nodes: HashMap[address, uint256]
certificates: HashMap[uint256, Bytes[CERTIFICATE_MAX]]
members: HashMap[uint256, Member]
member_count: uint256
# Every account ever admitted has a number, so that a lease names its two keys in 24 bits each.
keys: HashMap[uint256, uint256]

key_count: uint256
member_by_identifier: HashMap[bytes32, uint256]
governor_count: HashMap[uint256, uint256]
validators_owned: HashMap[uint256, uint256]
elector_count: uint256
# What awaits more governors of one member, by the hash of member, action and its values.
agreements: HashMap[bytes32, Agreement]
# What a regulator's officers may freeze and inspect, by its index.
mandates: HashMap[uint256, uint256]

event MemberAdmitted:
    member: indexed(uint256)
    identifier: bytes32
    kind: uint256
    name: String[64]
    jurisdiction: uint256
    headOffice: uint256


event MemberSuspended:
    member: indexed(uint256)
    reason: uint256


event MemberReinstated:
    member: indexed(uint256)


event AccountAdmitted:
    member: indexed(uint256)
    account: indexed(address)
    roles: uint256


event AccountRevoked:
    member: indexed(uint256)
    account: indexed(address)
    reason: uint256


event MandateSet:
    member: indexed(uint256)
    mandate: uint256


event MemberFrozen:
    member: indexed(uint256)
    until: uint256


event ApprovalsSet:
    member: indexed(uint256)
    needed: uint256


event GovernorsSet:
    member: indexed(uint256)
    needed: uint256


event RoleThresholdSet:
    member: indexed(uint256)
    role: uint256
    least: uint256


event GovernorAgreed:
    member: indexed(uint256)
    account: indexed(address)
    action: indexed(bytes32)
    count: uint256
    needed: uint256


event NodeAdmitted:
    member: indexed(uint256)
    node: indexed(address)


event NodeRevoked:
    member: indexed(uint256)
    node: indexed(address)


event CertificateSet:
    member: indexed(uint256)
    slot: uint256
    # keccak256 of the DER; of nothing when the slot was cleared.
    certificateHash: bytes32


event ValidatorAdded:
    node: indexed(address)
    setVersion: uint256


event ValidatorRemoved:
    node: indexed(address)
    setVersion: uint256


@deploy
def __init__(
    founders: DynArray[Founder, 64],
    accounts: DynArray[AccountEntry, ACCOUNTS_AT_GENESIS],
    nodes: DynArray[NodeEntry, 128],
):
    """
    @notice The consortium at genesis. Founders take the indices 1, 2, ... in their order.
    """
    for founder: Founder in founders:
        index: uint256 = self._admit_member(
            founder.identifier,
            founder.kind,
            founder.name,
            founder.jurisdiction,
            founder.headOffice,
        )
        if len(founder.certificate) != 0:
            self._set_certificate(index, 0, founder.certificate)
    for entry: AccountEntry in accounts:
        assert entry.member != 0 and entry.member <= self.member_count, "members: unknown member"
        self._admit_account(entry.member, entry.account, entry.roles)
    for entry: NodeEntry in nodes:
        assert entry.member != 0 and entry.member <= self.member_count, "members: unknown member"
        self._admit_node(entry.member, entry.node)
        if entry.validator:
            self._add_validator(entry.node)
    assert len(self.validators) != 0, "members: empty validator set"
    for i: uint256 in range(64):
        if i == len(founders):
            break
        assert (
            self.validators_owned[i + 1] == 0 or self.governor_count[i + 1] != 0
        ), "members: a member with a validator needs a governor"


@view
@external
def getValidators() -> DynArray[address, VALIDATORS_MAX]:
    """
    @notice The validator set in ascending order; the call QBFT makes on the parent's state.
    """
    return self.validators


@view
@external
def validatorSetVersion() -> uint256:
    """
    @notice How often the validator set has changed, counted from the first validator.
    """
    return self.validator_set_version


@view
@external
def memberCount() -> uint256:
    """
    @notice Members ever admitted; their indices are 1 to this number.
    """
    return self.member_count


@view
@external
def member(index: uint256) -> Member:
    """
    @notice The member at an index; all zero when there is none.
    """
    return self.members[index]


@view
@external
def memberByIdentifier(identifier: bytes32) -> uint256:
    """
    @notice The index of the member with an LEI or USCC; 0 when there is none.
    """
    return self.member_by_identifier[identifier]


@view
@external
def kindOf(index: uint256) -> uint256:
    """
    @notice The kind of an active member; 0 when it is unknown or suspended.
    """
    word: uint256 = self.members[index].standing
    return word & 255 if word & ACTIVE != 0 else 0


@view
@external
def standings(one: uint256, other: uint256) -> (uint256, uint256):
    """
    @notice The words of standing of two members: kind from bit 0, active 8, the second a freeze over it
            ends 24, its jurisdiction 88; 0 for none.
    """
    return self.members[one].standing, self.members[other].standing


@view
@external
def standing(account: address) -> (uint256, uint256, uint256):
    """
    @notice Member index, member kind and role bits of an account; three zeros when it may not act.
    """
    return self._standing(account)


@view
@external
def approver(account: address) -> (uint256, uint256, uint256):
    """
    @notice Member index and kind of an approver, and how many approvers of that member must agree;
            three zeros for whoever may not approve.
    """
    index: uint256 = 0
    kind: uint256 = 0
    roles: uint256 = 0
    index, kind, roles = self._standing(account)
    if roles & APPROVER == 0:
        return 0, 0, 0
    needed: uint256 = (self.members[index].standing >> APPROVALS_SHIFT) & 255
    return index, kind, max(needed, 1)


@view
@external
def permission(account: address) -> uint256:
    """
    @notice The stored word: bits 0 to 5 roles, bit 15 key compromised, from bit 32 the member, from
            bit 64 the number of the key.
    """
    return self.permissions[account]


@view
@external
def memberOf(account: address) -> uint256:
    """
    @notice The member an account belongs or belonged to; 0 when none ever admitted it.
    """
    return self._owner(self.permissions[account])


@view
@external
def isCompromised(account: address) -> bool:
    """
    @notice Whether the account was revoked because its key is compromised (R17).
    """
    return self.permissions[account] & COMPROMISED != 0


@view
@external
def mandateOf(index: uint256) -> uint256:
    """
    @notice What a regulator's officers may freeze: zones from bit 0, kinds of members from bit 16.
    """
    return self.mandates[index]


@view
@external
def homeOf(index: uint256) -> (uint256, uint256):
    """
    @notice The home jurisdiction of a member, and the member whose branch abroad it is; 0 for none.
    """
    word: uint256 = self.members[index].standing
    return (word >> JURISDICTION_SHIFT) & 1_023, (word >> HEAD_OFFICE_SHIFT) & 65_535


@view
@external
def gateways(provider: address, consumer: address) -> (uint256, uint256):
    """
    @notice For each account, its member from bit 32 and its key's number from bit 0, when it is now a
            gateway of an active member that is not frozen; else 0.
    """
    return self._gateway(provider), self._gateway(consumer)


@view
@external
def keyPair(provider: uint256, consumer: uint256) -> (uint256, uint256):
    """
    @notice The words of two keys by their numbers: account from bit 0, member 160, compromised 176;
            0 for a number never given.
    """
    return self.keys[provider], self.keys[consumer]


@view
@external
def nodeMember(node: address) -> uint256:
    """
    @notice The member that runs a node; 0 when the node is not admitted.
    """
    return self.nodes[node]


@view
@external
def certificate(index: uint256, slot: uint256) -> Bytes[CERTIFICATE_MAX]:
    """
    @notice The DER of a member's certificate authority, slot 0 or 1; empty when there is none.
    """
    return self.certificates[2 * index + slot] if slot < 2 else b""


@view
@external
def electors() -> uint256:
    """
    @notice Members that own a validator: they vote on proposals.
    """
    return self.elector_count


@view
@external
def isElector(index: uint256) -> bool:
    """
    @notice Whether a member owns a validator.
    """
    return self.validators_owned[index] != 0


@view
@external
def governorOf(account: address) -> uint256:
    """
    @notice The active member whose governor an account is; 0 when it is none.
    """
    index: uint256 = 0
    kind: uint256 = 0
    roles: uint256 = 0
    index, kind, roles = self._standing(account)
    return index if roles & GOVERNOR != 0 else 0


@view
@external
def governance(index: uint256) -> (uint256, uint256):
    """
    @notice How many governors a member has, and how many of them must agree.
    """
    return self.governor_count[index], self._governors_needed(index)


@view
@external
def agrees(index: uint256, accounts: DynArray[address, GOVERNORS_MAX]) -> bool:
    """
    @notice Whether a member is an elector and enough of these accounts are its governors now.
    """
    return (
        self.validators_owned[index] != 0
        and self._governors_among(index, accounts) >= self._governors_needed(index)
    )


@external
def admitAccount(account: address, roles: uint256):
    """
    @notice A governor admits an account of its own member, or gives it other roles.
    """
    index: uint256 = self._agreed(keccak256(abi_encode("admitAccount", account, roles)))
    if index != 0:
        self._admit_account(index, account, roles)


@external
def revokeAccount(account: address, reason: uint256):
    """
    @notice A governor revokes an account of its own member. The account stays attributed to it.
    """
    assert self._is_reason(reason), "members: unknown reason"
    index: uint256 = self._agreed(keccak256(abi_encode("revokeAccount", account, reason)))
    if index == 0:
        return
    word: uint256 = self.permissions[account]
    assert self._owner(word) == index, "members: account of another member"
    self._count_governor(index, word, 0)
    key: uint256 = word >> KEY_SHIFT
    flag: uint256 = word & COMPROMISED
    if reason == vocabulary.REASON_KEY_COMPROMISED:
        flag = COMPROMISED
        self.keys[key] |= KEY_COMPROMISED
    self.permissions[account] = (key << KEY_SHIFT) | (index << MEMBER_SHIFT) | flag
    log AccountRevoked(member=index, account=account, reason=reason)


@external
def setApprovals(needed: uint256):
    """
    @notice A governor sets how many different approvers of its member must agree to an approval.
    """
    assert needed != 0 and needed <= THRESHOLD_MAX, "members: approvals out of range"
    index: uint256 = self._agreed(keccak256(abi_encode("setApprovals", needed)))
    if index == 0:
        return
    word: uint256 = self.members[index].standing
    assert (
        needed >= (word >> APPROVALS_FLOOR_SHIFT) & 255
    ), "members: fewer than the consortium demands"
    self.members[index].standing = self._with(word, APPROVALS_SHIFT, needed)
    log ApprovalsSet(member=index, needed=needed)


@external
def setGovernors(needed: uint256):
    """
    @notice A governor sets how many different governors of its member must agree to whatever one of
            them could do before, and to its ballots.
    """
    assert needed != 0 and needed <= THRESHOLD_MAX, "members: governors out of range"
    index: uint256 = self._agreed(keccak256(abi_encode("setGovernors", needed)))
    if index == 0:
        return
    word: uint256 = self.members[index].standing
    assert (
        needed >= (word >> GOVERNORS_FLOOR_SHIFT) & 255
    ), "members: fewer than the consortium demands"
    assert needed <= self.governor_count[index], "members: fewer governors than must agree"
    self.members[index].standing = self._with(word, GOVERNORS_SHIFT, needed)
    log GovernorsSet(member=index, needed=needed)


@external
def admitNode(node: address):
    """
    @notice A governor admits a node of its own member.
    """
    index: uint256 = self._agreed(keccak256(abi_encode("admitNode", node)))
    if index != 0:
        self._admit_node(index, node)


@external
def revokeNode(node: address):
    """
    @notice A governor revokes a node of its own member; a validator must leave the set first.
    """
    index: uint256 = self._agreed(keccak256(abi_encode("revokeNode", node)))
    if index == 0:
        return
    assert self.nodes[node] == index, "members: node of another member"
    assert self._position(node) == len(self.validators), "members: node is a validator"
    self.nodes[node] = 0
    log NodeRevoked(member=index, node=node)


@external
def setCertificate(slot: uint256, certificate: Bytes[CERTIFICATE_MAX]):
    """
    @notice A governor sets its member's certificate authority; two slots serve an overlap. An empty
            certificate clears the slot.
    """
    assert slot < 2, "members: no such certificate slot"
    index: uint256 = self._agreed(keccak256(abi_encode("setCertificate", slot, certificate)))
    if index != 0:
        self._set_certificate(index, slot, certificate)


@external
def setFrozen(subject: bytes32, until: uint256):
    """
    @notice Supervision freezes a member up to a second, the first at which it is over; 0 lifts.
    """
    assert msg.sender == addresses.SUPERVISION, "members: only supervision"
    index: uint256 = convert(subject, uint256)
    word: uint256 = self.members[index].standing & ~(FROZEN_MASK << FROZEN_SHIFT)
    self.members[index].standing = word | (until << FROZEN_SHIFT)
    log MemberFrozen(member=index, until=until)


@view
@external
def checkProposal(kind: uint256, content: Bytes[CONTENT_MAX]) -> bool:
    """
    @notice True, or revert with the rule that forbids what a proposal asks of this contract as things are now.
    """
    if kind == vocabulary.PROPOSAL_KIND_ADMIT_MEMBER:
        self._check_newcomer(content)
    elif kind == vocabulary.PROPOSAL_KIND_SUSPEND_MEMBER:
        self._check_suspension(content)
    elif kind == vocabulary.PROPOSAL_KIND_REINSTATE_MEMBER:
        self._check_reinstatement(content)
    elif kind == vocabulary.PROPOSAL_KIND_ADD_VALIDATOR:
        self._check_new_validator(content)
    elif (
        kind == vocabulary.PROPOSAL_KIND_REMOVE_VALIDATOR
        or kind == vocabulary.PROPOSAL_KIND_LOWER_FAULT_TOLERANCE
    ):
        self._check_leaving(content, kind)
    elif kind == vocabulary.PROPOSAL_KIND_ROLE_THRESHOLD:
        self._check_role_threshold(content)
    elif kind == vocabulary.PROPOSAL_KIND_MANDATE:
        self._check_mandate(content)
    else:
        raise "members: unknown kind of proposal"
    return True


@external
def enactProposal(kind: uint256, content: Bytes[CONTENT_MAX]):
    """
    @notice Governance enacts a carried proposal.
    """
    assert msg.sender == addresses.GOVERNANCE, "members: only governance"
    if kind == vocabulary.PROPOSAL_KIND_ADMIT_MEMBER:
        governor: address = self._check_newcomer(content)
        index: uint256 = self._admit_member(
            convert(self._word(content, 0), bytes32),
            self._word(content, 1),
            self._name(content),
            self._word(content, 3),
            self._word(content, 4),
        )
        self._admit_account(index, governor, SENDER | GOVERNOR)
    elif kind == vocabulary.PROPOSAL_KIND_SUSPEND_MEMBER:
        suspended: uint256 = self._check_suspension(content)
        self.members[suspended].standing ^= ACTIVE
        log MemberSuspended(member=suspended, reason=self._word(content, 1))
    elif kind == vocabulary.PROPOSAL_KIND_REINSTATE_MEMBER:
        reinstated: uint256 = self._check_reinstatement(content)
        self.members[reinstated].standing |= ACTIVE
        log MemberReinstated(member=reinstated)
    elif kind == vocabulary.PROPOSAL_KIND_ADD_VALIDATOR:
        self._add_validator(self._check_new_validator(content))
    elif (
        kind == vocabulary.PROPOSAL_KIND_REMOVE_VALIDATOR
        or kind == vocabulary.PROPOSAL_KIND_LOWER_FAULT_TOLERANCE
    ):
        self._remove_validator(self._check_leaving(content, kind))
    elif kind == vocabulary.PROPOSAL_KIND_ROLE_THRESHOLD:
        self._set_role_threshold(content)
    elif kind == vocabulary.PROPOSAL_KIND_MANDATE:
        self._check_mandate(content)
        self.mandates[self._word(content, 0)] = self._word(content, 1)
        log MandateSet(member=self._word(content, 0), mandate=self._word(content, 1))
    else:
        raise "members: unknown kind of proposal"


@view
@internal
def _standing(account: address) -> (uint256, uint256, uint256):
    word: uint256 = self.permissions[account]
    if word & SENDER == 0:
        return 0, 0, 0
    index: uint256 = self._owner(word)
    state: uint256 = self.members[index].standing
    if state & ACTIVE == 0:
        return 0, 0, 0
    return index, state & 255, word & ROLES


@view
@internal
def _governor() -> uint256:
    """
    @dev The member whose governor the sender is.
    """
    index: uint256 = 0
    kind: uint256 = 0
    roles: uint256 = 0
    index, kind, roles = self._standing(msg.sender)
    assert roles & GOVERNOR != 0, "members: not a governor"
    return index


@internal
def _agreed(action: bytes32) -> uint256:
    """
    @dev The member whose governor the sender is, once as many of its governors as must agree have
         called with the same values within a week; 0 while more are awaited. Whoever ceased to be a
         governor meanwhile does not count.
    """
    index: uint256 = self._governor()
    needed: uint256 = self._governors_needed(index)
    if needed < 2:
        return index
    key: bytes32 = keccak256(abi_encode(index, action))
    agreement: Agreement = self.agreements[key]
    if block.timestamp > agreement.openedAt + AGREEMENT_LIFETIME:
        agreement = Agreement(openedAt=block.timestamp, accounts=[])
    accounts: DynArray[address, GOVERNORS_MAX] = []
    for account: address in agreement.accounts:
        assert account != msg.sender, "members: agreed already"
        if self._is_governor(index, account):
            accounts.append(account)
    accounts.append(msg.sender)
    count: uint256 = len(accounts)
    agreement.accounts = accounts
    self.agreements[key] = empty(Agreement) if count >= needed else agreement
    log GovernorAgreed(
        member=index, account=msg.sender, action=action, count=count, needed=needed
    )
    return index if count >= needed else 0


@view
@internal
def _governors_needed(index: uint256) -> uint256:
    return max((self.members[index].standing >> GOVERNORS_SHIFT) & 255, 1)


@view
@internal
def _governors_among(index: uint256, accounts: DynArray[address, GOVERNORS_MAX]) -> uint256:
    """
    @dev How many of the accounts, each another, are governors of a member now.
    """
    count: uint256 = 0
    for account: address in accounts:
        if self._is_governor(index, account):
            count += 1
    return count


@view
@internal
def _is_governor(index: uint256, account: address) -> bool:
    word: uint256 = self.permissions[account]
    return word & GOVERNOR != 0 and self._owner(word) == index


@pure
@internal
def _with(word: uint256, at: uint256, count: uint256) -> uint256:
    """
    @dev A standing with eight of its bits changed.
    """
    return (word & ~(255 << at)) | (count << at)


@pure
@internal
def _word(content: Bytes[CONTENT_MAX], place: uint256) -> uint256:
    return convert(slice(content, 32 * place, 32), uint256)


@pure
@internal
def _account(word: uint256) -> address:
    assert word >> 160 == 0, "members: malformed content"
    return convert(convert(word, uint160), address)


@pure
@internal
def _name(content: Bytes[CONTENT_MAX]) -> String[NAME_MAX]:
    """
    @dev A newcomer's name: what follows the words of the content.
    """
    return convert(slice(content, 160, len(content) - 160), String[NAME_MAX])


@view
@internal
def _check_newcomer(content: Bytes[CONTENT_MAX]) -> address:
    """
    @dev Words: identifier, kind, first governor, home jurisdiction, head office; then the name. Gives
         the governor.
    """
    assert (
        len(content) > 160 and len(content) <= 160 + NAME_MAX
    ), "members: malformed content"
    identifier: bytes32 = convert(self._word(content, 0), bytes32)
    assert identifiers.is_entity(identifier), "members: not an LEI or USCC"
    assert self.member_by_identifier[identifier] == 0, "members: already a member"
    kind: uint256 = self._word(content, 1)
    assert kind != 0 and kind <= vocabulary.MEMBER_KIND_LAST, "members: unknown kind"
    self._check_home(kind, self._word(content, 3), self._word(content, 4))
    governor: address = self._account(self._word(content, 2))
    assert governor != empty(address), "members: no account"
    assert self.permissions[governor] == 0, "members: account of another member"
    return governor


@view
@internal
def _check_home(kind: uint256, jurisdiction: uint256, headOffice: uint256):
    """
    @dev A branch abroad is a member of its own, of its head office's kind and another jurisdiction (R20).
    """
    assert vocabulary.is_jurisdiction(jurisdiction), "members: unknown jurisdiction"
    if headOffice == 0:
        return
    assert headOffice <= self.member_count, "members: unknown head office"
    word: uint256 = self.members[headOffice].standing
    assert (
        word & 255 == kind and (word >> JURISDICTION_SHIFT) & 1_023 != jurisdiction
    ), "members: not a branch abroad"


@view
@internal
def _check_suspension(content: Bytes[CONTENT_MAX]) -> uint256:
    """
    @dev Words: member, reason. Its validators leave first.
    """
    assert len(content) == 64, "members: malformed content"
    index: uint256 = self._word(content, 0)
    assert self.members[index].standing & ACTIVE != 0, "members: not an active member"
    assert self.validators_owned[index] == 0, "members: member owns a validator"
    assert self._is_reason(self._word(content, 1)), "members: unknown reason"
    return index


@view
@internal
def _check_reinstatement(content: Bytes[CONTENT_MAX]) -> uint256:
    """
    @dev Word: member.
    """
    assert len(content) == 32, "members: malformed content"
    index: uint256 = self._word(content, 0)
    word: uint256 = self.members[index].standing
    assert word != 0 and word & ACTIVE == 0, "members: not a suspended member"
    return index


@view
@internal
def _check_new_validator(content: Bytes[CONTENT_MAX]) -> address:
    """
    @dev Word: an admitted node of an active member with a governor.
    """
    assert len(content) == 32, "members: malformed content"
    node: address = self._account(self._word(content, 0))
    owner: uint256 = self.nodes[node]
    assert owner != 0, "members: unknown node"
    assert self.members[owner].standing & ACTIVE != 0, "members: member is suspended"
    assert (
        self.governor_count[owner] != 0
    ), "members: a member with a validator needs a governor"
    count: uint256 = len(self.validators)
    assert self._position(node) == count, "members: already a validator"
    return node


@view
@internal
def _check_leaving(content: Bytes[CONTENT_MAX], kind: uint256) -> address:
    """
    @dev Word: a validator. One fewer must bear as many faults, f = (n - 1) div 3, and be four at least,
         unless that was voted as the kind that says so; none is never left.
    """
    assert len(content) == 32, "members: malformed content"
    node: address = self._account(self._word(content, 0))
    count: uint256 = len(self.validators)
    assert self._position(node) < count, "members: not a validator"
    assert count > 1, "members: empty validator set"
    assert kind == vocabulary.PROPOSAL_KIND_LOWER_FAULT_TOLERANCE or (
        count > VALIDATORS_SAFE and (count - 1) // 3 == (count - 2) // 3
    ), "members: removal lowers fault tolerance"
    return node


@view
@internal
def _check_role_threshold(content: Bytes[CONTENT_MAX]) -> (uint256, uint256, uint256):
    """
    @dev Words: member, role, and how many of its accounts with that role must agree at least.
    """
    assert len(content) == 96, "members: malformed content"
    index: uint256 = self._word(content, 0)
    role: uint256 = self._word(content, 1)
    least: uint256 = self._word(content, 2)
    assert self.members[index].standing & ACTIVE != 0, "members: not an active member"
    assert (
        role == vocabulary.ROLE_APPROVER or role == vocabulary.ROLE_GOVERNOR
    ), "members: role without a threshold"
    assert least <= THRESHOLD_MAX, "members: threshold out of range"
    assert (
        role == vocabulary.ROLE_APPROVER or least <= self.governor_count[index]
    ), "members: fewer governors than must agree"
    return index, role, least


@internal
def _set_role_threshold(content: Bytes[CONTENT_MAX]):
    index: uint256 = 0
    role: uint256 = 0
    least: uint256 = 0
    index, role, least = self._check_role_threshold(content)
    word: uint256 = self.members[index].standing
    at: uint256 = APPROVALS_SHIFT
    floor_at: uint256 = APPROVALS_FLOOR_SHIFT
    if role == vocabulary.ROLE_GOVERNOR:
        at = GOVERNORS_SHIFT
        floor_at = GOVERNORS_FLOOR_SHIFT
    word = self._with(word, at, max((word >> at) & 255, least))
    self.members[index].standing = self._with(word, floor_at, least)
    log RoleThresholdSet(member=index, role=role, least=least)


@view
@internal
def _check_mandate(content: Bytes[CONTENT_MAX]):
    """
    @dev Words: regulator, and what its officers may freeze and inspect, 0 for nothing (R22).
    """
    assert len(content) == 64, "members: malformed content"
    assert (
        self.members[self._word(content, 0)].standing & 511
        == vocabulary.MEMBER_KIND_REGULATOR | ACTIVE
    ), "members: not an active regulator"
    assert (
        self._word(content, 1) & ~MANDATE_MASK == 0
    ), "members: unknown part of a mandate"


@pure
@internal
def _owner(word: uint256) -> uint256:
    """
    @dev The member a permission word names.
    """
    return (word >> MEMBER_SHIFT) & MEMBER_MASK


@view
@internal
def _gateway(account: address) -> uint256:
    word: uint256 = self.permissions[account]
    if word & (SENDER | GATEWAY) != SENDER | GATEWAY:
        return 0
    state: uint256 = self.members[self._owner(word)].standing
    if state & ACTIVE == 0 or block.timestamp < (state >> FROZEN_SHIFT) & FROZEN_MASK:
        return 0
    return (self._owner(word) << MEMBER_SHIFT) | (word >> KEY_SHIFT)


@pure
@internal
def _is_reason(reason: uint256) -> bool:
    return reason != 0 and reason <= vocabulary.REASON_LAST


@internal
def _admit_member(
    identifier: bytes32,
    kind: uint256,
    name: String[64],
    jurisdiction: uint256,
    headOffice: uint256,
) -> uint256:
    assert identifiers.is_entity(identifier), "members: not an LEI or USCC"
    assert self.member_by_identifier[identifier] == 0, "members: already a member"
    assert kind != 0 and kind <= vocabulary.MEMBER_KIND_LAST, "members: unknown kind"
    assert len(name) != 0, "members: no name"
    self._check_home(kind, jurisdiction, headOffice)
    index: uint256 = self.member_count + 1
    assert index <= MEMBERS_MAX, "members: too many members"
    self.member_count = index
    self.members[index] = Member(
        identifier=identifier,
        standing=(
            kind
            | ACTIVE
            | (jurisdiction << JURISDICTION_SHIFT)
            | (headOffice << HEAD_OFFICE_SHIFT)
        ),
        name=name,
    )
    self.member_by_identifier[identifier] = index
    log MemberAdmitted(
        member=index,
        identifier=identifier,
        kind=kind,
        name=name,
        jurisdiction=jurisdiction,
        headOffice=headOffice,
    )
    return index


@internal
def _admit_account(index: uint256, account: address, roles: uint256):
    word: uint256 = self.permissions[account]
    owner: uint256 = self._owner(word)
    assert account != empty(address), "members: no account"
    assert owner == 0 or owner == index, "members: account of another member"
    assert word & COMPROMISED == 0, "members: key is compromised"
    assert roles != 0 and roles & ~ROLES == 0, "members: unknown role"
    assert roles & GOVERNOR == 0 or roles & SENDER != 0, "members: a governor must be a sender"
    assert (
        roles & OFFICER == 0
        or self.members[index].standing & 255 == vocabulary.MEMBER_KIND_REGULATOR
    ), "members: only a regulator has officers"
    assert (
        roles & ~READING == 0
        or self.members[index].standing & 255 != vocabulary.MEMBER_KIND_AUDITOR
    ), "members: an auditor only reads"
    self._count_governor(index, word, roles)
    key: uint256 = word >> KEY_SHIFT
    if key == 0:
        key = self.key_count + 1
        assert key <= KEYS_MAX, "members: too many keys"
        self.key_count = key
        self.keys[key] = convert(account, uint256) | (index << KEY_MEMBER_SHIFT)
    self.permissions[account] = (key << KEY_SHIFT) | (index << MEMBER_SHIFT) | roles
    log AccountAdmitted(member=index, account=account, roles=roles)


@internal
def _count_governor(index: uint256, before: uint256, after: uint256):
    """
    @dev A member keeps at least as many governors as must agree: nobody could manage its entries
         again.
    """
    count: uint256 = self.governor_count[index]
    if before & GOVERNOR == 0 and after & GOVERNOR != 0:
        assert count < GOVERNORS_MAX, "members: too many governors"
        self.governor_count[index] = count + 1
    elif before & GOVERNOR != 0 and after & GOVERNOR == 0:
        assert count > 1, "members: last governor"
        assert (
            count > self._governors_needed(index)
        ), "members: fewer governors than must agree"
        self.governor_count[index] = count - 1


@internal
def _admit_node(index: uint256, node: address):
    assert node != empty(address), "members: no node"
    assert self.nodes[node] == 0, "members: node is admitted already"
    self.nodes[node] = index
    log NodeAdmitted(member=index, node=node)


@internal
def _set_certificate(index: uint256, slot: uint256, certificate: Bytes[CERTIFICATE_MAX]):
    self.certificates[2 * index + slot] = certificate
    log CertificateSet(member=index, slot=slot, certificateHash=keccak256(certificate))


@view
@internal
def _position(node: address) -> uint256:
    """
    @dev Where the node stands in the validator set; the length of the set when nowhere.
    """
    position: uint256 = 0
    for validator: address in self.validators:
        if validator == node:
            return position
        position += 1
    return position


@internal
def _add_validator(node: address):
    """
    @dev Insertion keeps the ascending order that QBFT's proposer rule needs.
    """
    current: DynArray[address, VALIDATORS_MAX] = self.validators
    assert len(current) < VALIDATORS_MAX, "members: too many validators"
    changed: DynArray[address, VALIDATORS_MAX] = []
    placed: bool = False
    for validator: address in current:
        if not placed and convert(node, uint160) < convert(validator, uint160):
            changed.append(node)
            placed = True
        changed.append(validator)
    if not placed:
        changed.append(node)
    self._set_validators(changed)
    owner: uint256 = self.nodes[node]
    self.validators_owned[owner] += 1
    if self.validators_owned[owner] == 1:
        self.elector_count += 1
    log ValidatorAdded(node=node, setVersion=self.validator_set_version)


@internal
def _remove_validator(node: address):
    changed: DynArray[address, VALIDATORS_MAX] = []
    for validator: address in self.validators:
        if validator != node:
            changed.append(validator)
    self._set_validators(changed)
    owner: uint256 = self.nodes[node]
    self.validators_owned[owner] -= 1
    if self.validators_owned[owner] == 0:
        self.elector_count -= 1
    log ValidatorRemoved(node=node, setVersion=self.validator_set_version)


@internal
def _set_validators(changed: DynArray[address, VALIDATORS_MAX]):
    self.validators = changed
    self.validator_set_version += 1

