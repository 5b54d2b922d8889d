# pragma version 0.4.3
# pragma evm-version prague
"""
@title Members and validators
@notice Who belongs to the consortium: members with their accounts, nodes and certificates, and the
        validator set that QBFT reads with `getValidators()`.
        A member's governors manage its own entries. What concerns all (a member's admission or
        suspension, the validator set) passes by ballots: one vote for each member that owns a
        validator, more than half of them, under one and the same validator set, within 30 days.
        The first storage positions are fixed: nodes read permissions and validators there.
"""

from interfaces import IMembers
import addresses
import identifiers
import vocabulary

implements: IMembers

VALIDATORS_MAX: constant(uint256) = 100
MEMBERS_MAX: constant(uint256) = 255
CERTIFICATE_MAX: constant(uint256) = 1_024
ACCOUNTS_AT_GENESIS: constant(uint256) = 512
BALLOT_LIFETIME: constant(uint256) = 30 * 86_400

SENDER: constant(uint256) = 1 << vocabulary.ROLE_SENDER
APPROVER: constant(uint256) = 1 << vocabulary.ROLE_APPROVER
GATEWAY: constant(uint256) = 1 << vocabulary.ROLE_GATEWAY
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
# In a member's standing: how many of its approvers must agree, 0 for one.
APPROVALS_SHIFT: constant(uint256) = 16
APPROVALS_MAX: constant(uint256) = 16
FROZEN_SHIFT: constant(uint256) = 24
FROZEN_MASK: constant(uint256) = 2**40 - 1
# A mandate: zones from bit 0, kinds of members from bit 16.
MANDATE_MASK: constant(uint256) = 2**24 - 1
KEYS_MAX: constant(uint256) = 2**24 - 1
ACTIVE: constant(uint256) = 1 << 8

struct Member:
    # LEI or USCC, ASCII.
    identifier: bytes32
    # Bits 0 to 7: kind; bit 8: active; bits 16 to 23: approvers that must agree, 0 for one; bits 24
    # to 63: the first second at which no freeze lies over it.
    standing: uint256
    name: String[64]


struct Founder:
    identifier: bytes32
    kind: uint256
    name: String[64]
    # DER of the member's certificate authority; may be empty.
    certificate: Bytes[CERTIFICATE_MAX]


struct AccountEntry:
    member: uint256
    account: address
    roles: uint256


struct NodeEntry:
    member: uint256
    node: address
    validator: bool


struct Ballot:
    # The validator set under which the votes were cast; under another they do not count.
    setVersion: uint256
    openedAt: uint256
    # One bit for each member index.
    voters: uint256
    count: uint256


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
ballots: HashMap[bytes32, Ballot]
# What a regulator's officers may freeze and inspect, by its index.
mandates: HashMap[uint256, uint256]

event MemberAdmitted:
    member: indexed(uint256)
    identifier: bytes32
    kind: uint256
    name: String[64]


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


event BallotCast:
    proposal: indexed(bytes32)
    member: indexed(uint256)
    action: String[16]
    count: uint256
    electors: uint256


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
        index: uint256 = self._admit_member(founder.identifier, founder.kind, founder.name)
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
def isFrozen(index: uint256) -> bool:
    """
    @notice Whether a freeze lies over a member (R22).
    """
    return block.timestamp < (self.members[index].standing >> FROZEN_SHIFT) & FROZEN_MASK


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
    @notice Members that own a validator: more than half of them carry a ballot.
    """
    return self.elector_count


@view
@external
def ballot(proposal: bytes32) -> Ballot:
    """
    @notice The votes on a proposal so far.
    """
    return self.ballots[proposal]


@external
def admitAccount(account: address, roles: uint256):
    """
    @notice A governor admits an account of its own member, or gives it other roles.
    """
    self._admit_account(self._governor(), account, roles)


@external
def revokeAccount(account: address, reason: uint256):
    """
    @notice A governor revokes an account of its own member. The account stays attributed to it.
    """
    index: uint256 = self._governor()
    word: uint256 = self.permissions[account]
    assert self._owner(word) == index, "members: account of another member"
    assert self._is_reason(reason), "members: unknown reason"
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
    assert needed != 0 and needed <= APPROVALS_MAX, "members: approvals out of range"
    index: uint256 = self._governor()
    word: uint256 = self.members[index].standing & ~(255 << APPROVALS_SHIFT)
    self.members[index].standing = word | (needed << APPROVALS_SHIFT)
    log ApprovalsSet(member=index, needed=needed)


@external
def admitNode(node: address):
    """
    @notice A governor admits a node of its own member.
    """
    self._admit_node(self._governor(), node)


@external
def revokeNode(node: address):
    """
    @notice A governor revokes a node of its own member; a validator must leave the set first.
    """
    index: uint256 = self._governor()
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
    self._set_certificate(self._governor(), slot, certificate)


@external
def voteValidator(node: address, add: bool) -> bool:
    """
    @notice Vote to add an admitted node to the validator set, or to remove a validator.
    @return Whether this vote carried it.
    """
    known: bool = self._position(node) < len(self.validators)
    if add:
        assert self.nodes[node] != 0, "members: unknown node"
        assert self.members[self.nodes[node]].standing & ACTIVE != 0, "members: member is suspended"
        assert self.governor_count[
            self.nodes[node]
        ] != 0, "members: a member with a validator needs a governor"
        assert not known, "members: already a validator"
    else:
        assert known, "members: not a validator"
        assert len(self.validators) > 1, "members: empty validator set"
    action: String[16] = "add validator" if add else "remove validator"
    if not self._carried(keccak256(abi_encode(action, node)), action):
        return False
    if add:
        self._add_validator(node)
    else:
        self._remove_validator(node)
    return True


@external
def voteMember(
    identifier: bytes32, kind: uint256, name: String[64], governor: address
) -> bool:
    """
    @notice Vote to admit a member with its first governor account.
    @return Whether this vote carried it.
    """
    assert self.member_by_identifier[identifier] == 0, "members: already a member"
    assert identifiers.is_entity(identifier), "members: not an LEI or USCC"
    action: String[16] = "admit member"
    proposal: bytes32 = keccak256(abi_encode(action, identifier, kind, name, governor))
    if not self._carried(proposal, action):
        return False
    index: uint256 = self._admit_member(identifier, kind, name)
    self._admit_account(index, governor, SENDER | GOVERNOR)
    return True


@external
def voteMandate(index: uint256, mandate: uint256) -> bool:
    """
    @notice Vote on what a regulator's officers may freeze and inspect; 0 for nothing (R22).
    @return Whether this vote carried it.
    """
    assert (
        self.members[index].standing & 511 == vocabulary.MEMBER_KIND_REGULATOR | ACTIVE
    ), "members: not an active regulator"
    assert mandate & ~MANDATE_MASK == 0, "members: unknown part of a mandate"
    action: String[16] = "set mandate"
    if not self._carried(keccak256(abi_encode(action, index, mandate)), action):
        return False
    self.mandates[index] = mandate
    log MandateSet(member=index, mandate=mandate)
    return True


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


@external
def voteSuspension(index: uint256, reason: uint256) -> bool:
    """
    @notice Vote to suspend a member: none of its accounts may act. Its validators leave first.
    @return Whether this vote carried it.
    """
    assert self.members[index].standing & ACTIVE != 0, "members: not an active member"
    assert self.validators_owned[index] == 0, "members: member owns a validator"
    assert self._is_reason(reason), "members: unknown reason"
    action: String[16] = "suspend member"
    if not self._carried(keccak256(abi_encode(action, index, reason)), action):
        return False
    self.members[index].standing ^= ACTIVE
    log MemberSuspended(member=index, reason=reason)
    return True


@external
def voteReinstatement(index: uint256) -> bool:
    """
    @notice Vote to let a suspended member act again.
    @return Whether this vote carried it.
    """
    word: uint256 = self.members[index].standing
    assert word != 0 and word & ACTIVE == 0, "members: not a suspended member"
    action: String[16] = "reinstate member"
    if not self._carried(keccak256(abi_encode(action, index)), action):
        return False
    self.members[index].standing = word | ACTIVE
    log MemberReinstated(member=index)
    return True


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
def _admit_member(identifier: bytes32, kind: uint256, name: String[64]) -> uint256:
    assert identifiers.is_entity(identifier), "members: not an LEI or USCC"
    assert self.member_by_identifier[identifier] == 0, "members: already a member"
    assert kind != 0 and kind <= vocabulary.MEMBER_KIND_LAST, "members: unknown kind"
    assert len(name) != 0, "members: no name"
    index: uint256 = self.member_count + 1
    assert index <= MEMBERS_MAX, "members: too many members"
    self.member_count = index
    self.members[index] = Member(identifier=identifier, standing=kind | ACTIVE, name=name)
    self.member_by_identifier[identifier] = index
    log MemberAdmitted(member=index, identifier=identifier, kind=kind, name=name)
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
    @dev A member never loses its last governor: nobody could manage its entries again.
    """
    count: uint256 = self.governor_count[index]
    if before & GOVERNOR == 0 and after & GOVERNOR != 0:
        self.governor_count[index] = count + 1
    elif before & GOVERNOR != 0 and after & GOVERNOR == 0:
        assert count > 1, "members: last governor"
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
    assert len(changed) != 0, "members: empty validator set"
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


@internal
def _carried(proposal: bytes32, action: String[16]) -> bool:
    """
    @dev Cast the sender's vote. A passed ballot is cleared, so the same question can be put again.
    """
    voter: uint256 = self._governor()
    assert self.validators_owned[voter] != 0, "members: only owners of a validator vote"
    ballot: Ballot = self.ballots[proposal]
    if (
        ballot.setVersion != self.validator_set_version
        or block.timestamp > ballot.openedAt + BALLOT_LIFETIME
    ):
        ballot = Ballot(
            setVersion=self.validator_set_version, openedAt=block.timestamp, voters=0, count=0
        )
    assert (ballot.voters >> voter) & 1 == 0, "members: already voted"
    ballot.voters |= 1 << voter
    ballot.count += 1
    carried: bool = 2 * ballot.count > self.elector_count
    self.ballots[proposal] = empty(Ballot) if carried else ballot
    log BallotCast(
        proposal=proposal,
        member=voter,
        action=action,
        count=ballot.count,
        electors=self.elector_count,
    )
    return carried
