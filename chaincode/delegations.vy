# pragma version 0.4.3
# pragma evm-version prague
"""
@title Delegations
@notice Who may approve in a data subject's place, for which purposes and until when. An agent is named
        by the subject's own signature; a guardian, whose ward cannot sign, by a member that vouches for
        it, and only that member may provide data on the guardian's word. Principal, agent or whoever
        vouched end a delegation at any time, and what was granted on it dies with it: Authorizations
        asks here before each lease.
"""

from interfaces import IDelegations
from interfaces import IMembers
import addresses
import signatures
import vocabulary

implements: IDelegations


DURATION_MAX: constant(uint256) = 10 * 366 * 86_400
DELEGATION_TYPE: constant(bytes32) = keccak256(
    "Delegation(uint8 kind,address principal,address agent,uint256 purposes,uint64 until,bytes32 evidence,uint256 nonce)"
)
END_TYPE: constant(bytes32) = keccak256("EndOfDelegation(bytes32 delegation)")
KIND_AT: constant(uint256) = 40
VOUCHED_AT: constant(uint256) = 48
ENDED_AT: constant(uint256) = 64
TIME: constant(uint256) = 2**40 - 1

struct Delegation:
    # Vocabulary index: agent or guardian.
    kind: uint8
    # The subject's key, and the key that approves for it.
    principal: address
    agent: address
    # Bit i: purpose i of the vocabulary.
    purposes: uint256
    # Unix seconds, the first outside.
    until: uint64
    # Hash of the document behind it.
    evidence: bytes32
    nonce: uint256


struct Record:
    # Bits: until 0, kind 40, member that vouched 48, ended 64. 0 for none. Fixed position:
    # node/spec/registry.py reads it from storage proofs.
    word: uint256
    purposes: uint256
    principal: address
    agent: address


delegations: HashMap[bytes32, Record]

event Delegated:
    delegation: indexed(bytes32)
    principal: indexed(address)
    agent: indexed(address)
    kind: uint256
    purposes: uint256
    until: uint256
    evidence: bytes32
    voucher: uint256


event DelegationEnded:
    delegation: indexed(bytes32)
    account: indexed(address)


@deploy
def __init__():
    """
    @notice No delegations at genesis.
    """
    pass


@view
@external
def delegationId(delegation: Delegation) -> bytes32:
    """
    @notice The EIP-712 digest of a delegation: what the principal signs, and its id.
    """
    return self._id(delegation)


@view
@external
def record(delegation: bytes32) -> Record:
    """
    @notice What state keeps of a delegation; all zero when there is none.
    """
    return self.delegations[delegation]


@view
@external
def isLive(delegation: bytes32) -> bool:
    """
    @notice Whether a delegation stands now.
    """
    return self._is_live(self.delegations[delegation].word)


@view
@external
def check(
    delegation: bytes32, principal: address, agent: address, purpose: uint256, provider: uint256
) -> bool:
    """
    @notice True, or revert unless a delegation lets `agent` approve for `principal` what a provider gives.
    """
    found: Record = self.delegations[delegation]
    assert self._is_live(found.word), "delegations: not in force"
    assert (
        found.principal == principal and found.agent == agent
    ), "delegations: of others"
    assert (
        purpose < 256 and (found.purposes >> purpose) & 1 == 1
    ), "delegations: purpose beyond its power"
    voucher: uint256 = (found.word >> VOUCHED_AT) & 65535
    assert voucher == 0 or voucher == provider, "delegations: vouched by another member"
    return True


@external
def delegate(delegation: Delegation, signature: Bytes[65]) -> bytes32:
    """
    @notice Carry in a subject's signed delegation to an agent.
    @return Its id.
    """
    assert (
        convert(delegation.kind, uint256) == vocabulary.DELEGATION_KIND_AGENT
    ), "delegations: not an agent's"
    id: bytes32 = self._id(delegation)
    assert (
        delegation.principal != empty(address)
        and signatures.signer(id, signature) == delegation.principal
    ), "delegations: not signed by the principal"
    self._add(id, delegation, 0)
    return id


@external
def vouch(delegation: Delegation) -> bytes32:
    """
    @notice An approver vouches for a guardian, with the hash of the evidence.
    @return The delegation's id.
    """
    assert (
        convert(delegation.kind, uint256) == vocabulary.DELEGATION_KIND_GUARDIAN
    ), "delegations: not a guardian's"
    member: uint256 = self._member_of(msg.sender)
    assert member != 0, "delegations: not an approver"
    assert delegation.evidence != empty(bytes32), "delegations: no evidence"
    id: bytes32 = self._id(delegation)
    self._add(id, delegation, member)
    return id


@external
def end(delegation: bytes32):
    """
    @notice Its principal, its agent or an approver of the member that vouched ends a delegation.
    """
    self._end(delegation, msg.sender)


@external
def endSigned(delegation: bytes32, signature: Bytes[65]):
    """
    @notice Carry in the signed end of a delegation.
    """
    digest: bytes32 = signatures.digest(self, keccak256(abi_encode(END_TYPE, delegation)))
    account: address = signatures.signer(digest, signature)
    assert account != empty(address), "delegations: malformed signature"
    self._end(delegation, account)


@internal
def _add(id: bytes32, delegation: Delegation, voucher: uint256):
    until: uint256 = convert(delegation.until, uint256)
    assert self.delegations[id].word == 0, "delegations: known already"
    assert (
        delegation.agent != empty(address) and delegation.agent != delegation.principal
    ), "delegations: no agent"
    assert delegation.principal != empty(address), "delegations: no principal"
    assert delegation.purposes != 0, "delegations: no purposes"
    assert (
        until > block.timestamp and until <= block.timestamp + DURATION_MAX
    ), "delegations: end out of range"
    self.delegations[id] = Record(
        word=until | (convert(delegation.kind, uint256) << KIND_AT) | (voucher << VOUCHED_AT),
        purposes=delegation.purposes,
        principal=delegation.principal,
        agent=delegation.agent,
    )
    log Delegated(
        delegation=id,
        principal=delegation.principal,
        agent=delegation.agent,
        kind=convert(delegation.kind, uint256),
        purposes=delegation.purposes,
        until=until,
        evidence=delegation.evidence,
        voucher=voucher,
    )


@internal
def _end(delegation: bytes32, account: address):
    word: uint256 = self.delegations[delegation].word
    assert self._is_live(word), "delegations: not in force"
    voucher: uint256 = (word >> VOUCHED_AT) & 65535
    assert (
        account == self.delegations[delegation].principal
        or account == self.delegations[delegation].agent
        or (voucher != 0 and self._member_of(account) == voucher)
    ), "delegations: not a party"
    self.delegations[delegation].word = word | (1 << ENDED_AT)
    log DelegationEnded(delegation=delegation, account=account)


@view
@internal
def _is_live(word: uint256) -> bool:
    return block.timestamp < word & TIME and (word >> ENDED_AT) & 1 == 0


@view
@internal
def _member_of(account: address) -> uint256:
    """
    @dev The member whose approver an account is; 0 for none.
    """
    member: uint256 = 0
    kind: uint256 = 0
    needed: uint256 = 0
    member, kind, needed = staticcall IMembers(addresses.MEMBERS).approver(account)
    return member


@view
@internal
def _id(delegation: Delegation) -> bytes32:
    return signatures.digest(self, keccak256(abi_encode(DELEGATION_TYPE, delegation)))
