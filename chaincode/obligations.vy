# pragma version 0.4.3
# pragma evm-version prague
"""
@title Obligations
@notice Duties that follow a use, each with a date (R21). The end of an authorization opens its deletion,
        where it ends by time or use anyone does: the consumer certifies it by the end of the agreed
        retention, at once where the subject withdrew, and both sides certify that the salts of a
        person's reference are destroyed once records need not be kept. A regulator imposes duties to
        inform and to compensate. A dispute, a freeze of the authorization, or an officer for an
        inspection holds deletion: its clock stands still meanwhile.
        What follows from an end is kept by the version of the terms that ended. Terms that are renewed
        after their end supersede what is owed still: what counts is the end that stays.
        A person who asks to be erased is answered at once, with dates and grounds. Where the terms stood
        on consent, deletion is brought forward to that: consent is withdrawn from what is kept, too.
        What is late anyone puts on record; a late fulfilment is one, and stays late.
"""

from interfaces import IAuthorizations
from interfaces import IMembers
from interfaces import IObligations
from interfaces import IParameters
import addresses
import agreements
import signatures
import vocabulary

implements: IObligations

DAY: constant(uint256) = 86_400
YEAR: constant(uint256) = 366 * DAY
HOLD_MAX: constant(uint256) = YEAR
# In the word of limits: it is shared onward.
SHARED: constant(uint256) = 1 << 197
# How long records are kept, and those against money laundering, and the purposes that these are for.
RECORDS: constant(uint256) = 3 * YEAR
RECORDS_AML: constant(uint256) = 10 * YEAR
PURPOSES_AML: constant(uint256) = (1 << 2) | (1 << 3) | (1 << 44)
ERASURE_TYPE: constant(bytes32) = keccak256("Erasure(bytes32 authorization)")

struct Obligation:
    # Vocabulary index.
    kind: uint256
    authorization: bytes32
    # The member that owes it.
    member: uint256
    # Unix seconds, the first at which it is late, if nothing held it.
    due: uint256
    # Seconds for which the authorization had been held when it was opened.
    heldBefore: uint256
    # Vocabulary index.
    status: uint256


struct Hold:
    # Open disputes.
    disputes: uint256
    # Unix seconds, the first at which an officer's hold is over.
    until: uint256
    # Unix seconds since when something has held it without break; 0 for nothing.
    since: uint256
    # Seconds of holds that are over.
    total: uint256
    # Unix seconds, the first at which a freeze of the authorization is over.
    thawsAt: uint256


# Fixed positions: node/spec/obligations.py reads them.
obligations: HashMap[bytes32, Obligation]
holds: HashMap[bytes32, Hold]

event ObligationOpened:
    obligation: indexed(bytes32)
    authorization: indexed(bytes32)
    member: indexed(uint256)
    kind: uint256
    due: uint256
    evidence: bytes32


event ObligationFulfilled:
    obligation: indexed(bytes32)
    authorization: indexed(bytes32)
    member: indexed(uint256)
    status: uint256
    evidence: bytes32


event ObligationSuperseded:
    obligation: indexed(bytes32)
    authorization: indexed(bytes32)
    member: indexed(uint256)
    # Unix seconds, the first at which it was late, holds up to now counted.
    due: uint256


event DeletionBroughtForward:
    obligation: indexed(bytes32)
    authorization: indexed(bytes32)
    member: indexed(uint256)
    due: uint256


event ErasureAnswered:
    authorization: indexed(bytes32)
    # Who asked: the subject or its agent.
    account: indexed(address)
    # What stands against erasing the data, and the salts, by vocabulary index; and the first seconds
    # (Unix) at which each is late, holds up to now counted.
    data: uint256
    dataDue: uint256
    records: uint256
    recordsDue: uint256


event DeletionCertified:
    obligation: indexed(bytes32)
    authorization: indexed(bytes32)
    leases: uint256
    method: bytes32
    scope: bytes32


event ObligationOverdue:
    obligation: indexed(bytes32)
    authorization: indexed(bytes32)
    member: indexed(uint256)
    due: uint256


event DeletionHeld:
    authorization: indexed(bytes32)
    member: indexed(uint256)
    # Open disputes, and the later end of an officer's hold and of a freeze.
    disputes: uint256
    until: uint256
    caseHash: bytes32


@deploy
def __init__():
    """
    @notice No obligations at genesis.
    """
    pass


@pure
@external
def obligationId(
    kind: uint256, authorization: bytes32, member: uint256, evidence: bytes32
) -> bytes32:
    """
    @notice What an obligation is kept under; for what follows from an end `evidence` is the number of
            the version of the terms. The kinds tell the two apart: none that follows is imposed.
    """
    return self._id(kind, authorization, member, evidence)


@view
@external
def obligation(id: bytes32) -> Obligation:
    """
    @notice An obligation as stored; all zero when there is none.
    """
    return self.obligations[id]


@view
@external
def dueOf(id: bytes32) -> uint256:
    """
    @notice When it is late, with the time for which it was held so far, Unix seconds.
    """
    return self._due(self.obligations[id])


@view
@external
def isHeld(authorization: bytes32) -> bool:
    """
    @notice Whether a dispute or an officer holds the deletion of an authorization's data.
    """
    return self._is_held(self.holds[authorization])


@external
def openDeletion(authorization: bytes32):
    """
    @notice Anyone opens what the end of an authorization by time or use obliges to, once for each
            version of the terms.
    """
    self._open_deletion(authorization)


@external
def openAtEnd(authorization: bytes32):
    """
    @notice Authorizations ended one that was in force: what that obliges to is opened with it, if it is
            not open already, because its uses were exhausted or its time was over before. Then a
            withdrawal brings deletion forward.
    """
    assert msg.sender == addresses.AUTHORIZATIONS, "obligations: only authorizations"
    standing: uint256 = staticcall IAuthorizations(addresses.AUTHORIZATIONS).standingOf(authorization)
    id: bytes32 = self._deletion(authorization, standing)
    if self.obligations[id].kind == 0:
        self._open_deletion(authorization)
    elif self._is_withdrawn(standing):
        self._bring_forward(id)


@external
def supersede(authorization: bytes32, standing: uint256):
    """
    @notice Authorizations amends one: what the end of its terms up to now obliges to, and is not done,
            gives way to the end that is to come. That it was overdue stays on record by its event.
    @param standing The packed word before the amendment.
    """
    assert msg.sender == addresses.AUTHORIZATIONS, "obligations: only authorizations"
    self._supersede(self._deletion(authorization, standing))
    for member: uint256 in [standing & 255, (standing >> 8) & 255]:
        self._supersede(
            self._id(
                vocabulary.OBLIGATION_KIND_DESTROY_SALT,
                authorization,
                member,
                self._version(standing),
            )
        )


@view
@external
def erasureHash(authorization: bytes32) -> bytes32:
    """
    @notice The EIP-712 digest by which a subject asks to be erased. It may be carried in again: that
            changes nothing, and is answered again.
    """
    return self._erasure(authorization)


@external
def askErasure(terms: agreements.Terms, signature: Bytes[65]):
    """
    @notice Carry in what the subject, or the agent in its place, signed to be erased from an
            authorization that has ended; who is that itself needs no signature. What is in force is
            withdrawn from instead (Refusals).
    @param terms Those in force at its end.
    """
    shown: bytes32 = agreements.id(terms)
    authorization: bytes32 = staticcall IAuthorizations(
        addresses.AUTHORIZATIONS
    ).authorizationOf(shown)
    assert (
        staticcall IAuthorizations(addresses.AUTHORIZATIONS).termsOf(authorization) == shown
    ), "obligations: not terms in force"
    account: address = msg.sender
    if len(signature) != 0:
        account = signatures.signer(self._erasure(authorization), signature)
    assert account != empty(address) and (
        account == terms.subject or account == terms.agent
    ), "obligations: not the subject"
    standing: uint256 = staticcall IAuthorizations(addresses.AUTHORIZATIONS).standingOf(authorization)
    deletion: bytes32 = self._deletion(authorization, standing)
    if self.obligations[deletion].kind == 0:
        self._open_deletion(authorization)
    if convert(terms.legalBasis, uint256) == vocabulary.LEGAL_BASIS_CONSENT:
        self._bring_forward(deletion)
    self._answer(authorization, account, deletion, self._last_salt(authorization, standing))


@external
def impose(
    kind: uint256, authorization: bytes32, member: uint256, due: uint256, evidence: bytes32
):
    """
    @notice An approver of a regulator obliges a side to inform or to compensate by a date.
    @param evidence Hash of what is to be told or made good, and why.
    """
    regulator: uint256 = 0
    sort: uint256 = 0
    needed: uint256 = 0
    regulator, sort, needed = staticcall IMembers(addresses.MEMBERS).approver(msg.sender)
    assert (
        regulator != 0 and sort == vocabulary.MEMBER_KIND_REGULATOR
    ), "obligations: not an approver of a regulator"
    assert (
        kind == vocabulary.OBLIGATION_KIND_INFORM or kind == vocabulary.OBLIGATION_KIND_COMPENSATE
    ), "obligations: not a kind that is imposed"
    standing: uint256 = staticcall IAuthorizations(addresses.AUTHORIZATIONS).standingOf(authorization)
    assert standing != 0 and (
        member == standing & 255 or member == (standing >> 8) & 255
    ), "obligations: not a side"
    assert evidence != empty(bytes32), "obligations: no evidence"
    assert (
        due > block.timestamp and due <= block.timestamp + YEAR
    ), "obligations: date out of range"
    self._open(kind, authorization, member, due, evidence)


@external
def certifyDeletion(authorization: bytes32, leases: uint256, method: bytes32, scope: bytes32):
    """
    @notice An approver of the consumer certifies that it deleted what it received under all leases.
            One that lapsed may lack statements still: nothing is served or settled under it any more,
            its data are deleted like the others', and what its uses were is asked apart from that.
    @param leases How many there were: all, and each closed or lapsed.
    @param method Hash of how it was deleted, `scope` of what.
    """
    standing: uint256 = staticcall IAuthorizations(addresses.AUTHORIZATIONS).standingOf(authorization)
    member: uint256 = self._approver()
    assert member == (standing >> 8) & 255, "obligations: not the consumer"
    assert (standing >> 72) & 15 == 0, "obligations: leases are not closed"
    assert leases == (standing >> 48) & (2**24 - 1), "obligations: not all leases"
    assert method != empty(bytes32) and scope != empty(bytes32), "obligations: no evidence"
    id: bytes32 = self._deletion(authorization, standing)
    assert not self._is_held(self.holds[authorization]), "obligations: deletion is held"
    self._fulfil(id, scope)
    log DeletionCertified(
        obligation=id, authorization=authorization, leases=leases, method=method, scope=scope
    )


@external
def fulfil(id: bytes32, evidence: bytes32):
    """
    @notice An approver of the member that owes it shows that it did any other duty.
    """
    owed: Obligation = self.obligations[id]
    assert owed.member == self._approver(), "obligations: owed by another member"
    assert evidence != empty(bytes32), "obligations: no evidence"
    assert owed.kind != vocabulary.OBLIGATION_KIND_DELETE_DATA, "obligations: deletion is certified"
    assert (
        owed.kind != vocabulary.OBLIGATION_KIND_DESTROY_SALT
        or not self._is_held(self.holds[owed.authorization])
    ), "obligations: deletion is held"
    self._fulfil(id, evidence)


@external
def markOverdue(id: bytes32):
    """
    @notice Anyone puts on record that an obligation is late.
    """
    owed: Obligation = self.obligations[id]
    assert owed.status == vocabulary.OBLIGATION_STATUS_OWED, "obligations: not owed"
    assert not (
        self._is_erasure(owed.kind) and self._is_held(self.holds[owed.authorization])
    ), "obligations: deletion is held"
    due: uint256 = self._due(owed)
    assert block.timestamp >= due, "obligations: not late"
    self.obligations[id].status = vocabulary.OBLIGATION_STATUS_OVERDUE
    log ObligationOverdue(
        obligation=id, authorization=owed.authorization, member=owed.member, due=due
    )


@external
def hold(authorization: bytes32, caseHash: bytes32, until: uint256):
    """
    @notice An officer whose mandate has the zone holds deletion for a freeze or an inspection, up to a
            date; a date that is past lifts the hold.
    """
    member: uint256 = 0
    kind: uint256 = 0
    roles: uint256 = 0
    member, kind, roles = staticcall IMembers(addresses.MEMBERS).standing(msg.sender)
    assert (roles >> vocabulary.ROLE_OFFICER) & 1 == 1, "obligations: not an officer"
    standing: uint256 = staticcall IAuthorizations(addresses.AUTHORIZATIONS).standingOf(authorization)
    mandate: uint256 = staticcall IMembers(addresses.MEMBERS).mandateOf(member)
    assert (
        standing != 0 and (mandate >> ((standing >> 236) & 15)) & 1 == 1
    ), "obligations: outside the mandate"
    assert caseHash != empty(bytes32), "obligations: no case"
    assert until <= block.timestamp + HOLD_MAX, "obligations: date out of range"
    held: Hold = self._settled(self.holds[authorization])
    held.until = until
    self._keep(authorization, held, member, caseHash)


@external
def holdForDispute(authorization: bytes32, opens: bool):
    """
    @notice Disputes says that one was opened, or is over.
    """
    assert msg.sender == addresses.DISPUTES, "obligations: only disputes"
    held: Hold = self._settled(self.holds[authorization])
    if opens:
        held.disputes += 1
    else:
        held.disputes -= 1
    self._keep(authorization, held, 0, empty(bytes32))


@external
def holdForFreeze(authorization: bytes32, member: uint256, caseHash: bytes32, until: uint256):
    """
    @notice Supervision says that a regulator froze it, up to a second, or lifted that.
    """
    assert msg.sender == addresses.SUPERVISION, "obligations: only supervision"
    held: Hold = self._settled(self.holds[authorization])
    held.thawsAt = until
    self._keep(authorization, held, member, caseHash)


@pure
@internal
def _id(kind: uint256, authorization: bytes32, member: uint256, evidence: bytes32) -> bytes32:
    return keccak256(abi_encode(kind, authorization, member, evidence))


@pure
@internal
def _deletion(authorization: bytes32, standing: uint256) -> bytes32:
    """
    @dev The consumer's deletion after the end of the terms in force.
    """
    return self._id(
        vocabulary.OBLIGATION_KIND_DELETE_DATA,
        authorization,
        (standing >> 8) & 255,
        self._version(standing),
    )


@view
@internal
def _erasure(authorization: bytes32) -> bytes32:
    return signatures.digest(self, keccak256(abi_encode(ERASURE_TYPE, authorization)))


@view
@internal
def _last_salt(authorization: bytes32, standing: uint256) -> bytes32:
    """
    @dev The side's duty to destroy its salts that is not done; the consumer's where both are.
    """
    found: bytes32 = empty(bytes32)
    for member: uint256 in [standing & 255, (standing >> 8) & 255]:
        found = self._id(
            vocabulary.OBLIGATION_KIND_DESTROY_SALT, authorization, member, self._version(standing)
        )
        if self._is_open(self.obligations[found]):
            break
    return found


@internal
def _answer(authorization: bytes32, account: address, deletion: bytes32, salt: bytes32):
    data: Obligation = self.obligations[deletion]
    records: Obligation = self.obligations[salt]
    log ErasureAnswered(
        authorization=authorization,
        account=account,
        data=self._ground(data, vocabulary.ERASURE_GROUND_AGREED_RETENTION),
        dataDue=self._due(data),
        records=self._ground(records, vocabulary.ERASURE_GROUND_RECORD_KEEPING),
        recordsDue=self._due(records),
    )


@view
@internal
def _ground(owed: Obligation, kept: uint256) -> uint256:
    """
    @dev What stands against an erasure now; `kept` is the ground while its time has not come.
    """
    if not self._is_open(owed):
        return vocabulary.ERASURE_GROUND_ERASED
    held: Hold = self.holds[owed.authorization]
    if held.disputes != 0:
        return vocabulary.ERASURE_GROUND_OPEN_DISPUTE
    if block.timestamp < held.thawsAt:
        return vocabulary.ERASURE_GROUND_RUNNING_FREEZE
    if block.timestamp < held.until:
        return vocabulary.ERASURE_GROUND_OPEN_INSPECTION
    if block.timestamp + self._within() < self._due(owed):
        return kept
    return vocabulary.ERASURE_GROUND_NOTHING


@pure
@internal
def _version(standing: uint256) -> bytes32:
    return convert(standing >> 248, bytes32)


@pure
@internal
def _is_withdrawn(standing: uint256) -> bool:
    return (standing >> 136) & 31 == vocabulary.REASON_SUBJECT_WITHDREW


@view
@internal
def _within() -> uint256:
    """
    @dev Seconds in which a side deletes once it need not keep.
    """
    return staticcall IParameters(addresses.PARAMETERS).valueOf(
        vocabulary.PARAMETER_DELETION_WITHIN
    )


@view
@internal
def _approver() -> uint256:
    member: uint256 = 0
    kind: uint256 = 0
    needed: uint256 = 0
    member, kind, needed = staticcall IMembers(addresses.MEMBERS).approver(msg.sender)
    assert member != 0, "obligations: not an approver"
    return member


@internal
def _open_deletion(authorization: bytes32):
    status: uint256 = staticcall IAuthorizations(addresses.AUTHORIZATIONS).statusOf(authorization)
    assert (
        status == vocabulary.AUTHORIZATION_STATUS_REVOKED
        or status == vocabulary.AUTHORIZATION_STATUS_TERMINATED
        or status == vocabulary.AUTHORIZATION_STATUS_EXPIRED
        or status == vocabulary.AUTHORIZATION_STATUS_EXHAUSTED
    ), "obligations: the authorization has not ended"
    limits: uint256 = staticcall IAuthorizations(addresses.AUTHORIZATIONS).limitsOf(authorization)
    assert limits != 0, "obligations: the authorization was never in force"
    # Uses that were taken out of it are made by those it is shared with, until it has expired.
    assert (
        status != vocabulary.AUTHORIZATION_STATUS_EXHAUSTED or limits & SHARED == 0
    ), "obligations: the authorization has not ended"
    standing: uint256 = staticcall IAuthorizations(addresses.AUTHORIZATIONS).standingOf(authorization)
    # Whoever ends what has expired does not move its end.
    since: uint256 = min(block.timestamp, (standing >> 190) & (2**36 - 1))
    retained: uint256 = since + ((limits >> 201) & 8_191) * DAY
    if self._is_withdrawn(standing):
        retained = min(retained, block.timestamp)
    within: uint256 = self._within()
    consumer: uint256 = (standing >> 8) & 255
    version: bytes32 = self._version(standing)
    self._open(
        vocabulary.OBLIGATION_KIND_DELETE_DATA,
        authorization,
        consumer,
        retained + within,
        version,
    )
    if (limits >> 16) & 3 != vocabulary.SUBJECT_MODE_NONE:
        kept: uint256 = RECORDS_AML if (PURPOSES_AML >> (limits & 255)) & 1 == 1 else RECORDS
        for member: uint256 in [standing & 255, consumer]:
            self._open(
                vocabulary.OBLIGATION_KIND_DESTROY_SALT,
                authorization,
                member,
                since + kept + within,
                version,
            )


@internal
def _bring_forward(id: bytes32):
    """
    @dev The subject withdrew: what is to be deleted later is due as if retention had ended now.
    """
    owed: Obligation = self.obligations[id]
    due: uint256 = block.timestamp + self._within()
    if owed.status != vocabulary.OBLIGATION_STATUS_OWED or self._due(owed) <= due:
        return
    owed.due = due
    owed.heldBefore = self._held(self.holds[owed.authorization])
    self.obligations[id] = owed
    log DeletionBroughtForward(
        obligation=id, authorization=owed.authorization, member=owed.member, due=due
    )


@internal
def _supersede(id: bytes32):
    owed: Obligation = self.obligations[id]
    if not self._is_open(owed):
        return
    self.obligations[id].status = vocabulary.OBLIGATION_STATUS_SUPERSEDED
    log ObligationSuperseded(
        obligation=id,
        authorization=owed.authorization,
        member=owed.member,
        due=self._due(owed),
    )


@internal
def _open(
    kind: uint256, authorization: bytes32, member: uint256, due: uint256, evidence: bytes32
):
    id: bytes32 = self._id(kind, authorization, member, evidence)
    assert self.obligations[id].kind == 0, "obligations: opened already"
    self.obligations[id] = Obligation(
        kind=kind,
        authorization=authorization,
        member=member,
        due=due,
        heldBefore=self._held(self.holds[authorization]),
        status=vocabulary.OBLIGATION_STATUS_OWED,
    )
    log ObligationOpened(
        obligation=id,
        authorization=authorization,
        member=member,
        kind=kind,
        due=due,
        evidence=evidence,
    )


@internal
def _fulfil(id: bytes32, evidence: bytes32):
    owed: Obligation = self.obligations[id]
    assert self._is_open(owed), "obligations: not owed"
    status: uint256 = vocabulary.OBLIGATION_STATUS_FULFILLED
    if block.timestamp >= self._due(owed):
        status = vocabulary.OBLIGATION_STATUS_FULFILLED_LATE
    self.obligations[id].status = status
    log ObligationFulfilled(
        obligation=id,
        authorization=owed.authorization,
        member=owed.member,
        status=status,
        evidence=evidence,
    )


@pure
@internal
def _is_open(owed: Obligation) -> bool:
    return (
        owed.status == vocabulary.OBLIGATION_STATUS_OWED
        or owed.status == vocabulary.OBLIGATION_STATUS_OVERDUE
    )


@pure
@internal
def _is_erasure(kind: uint256) -> bool:
    return (
        kind == vocabulary.OBLIGATION_KIND_DELETE_DATA
        or kind == vocabulary.OBLIGATION_KIND_DESTROY_SALT
    )


@view
@internal
def _due(owed: Obligation) -> uint256:
    """
    @dev Holds stop the clocks of erasure alone.
    """
    if not self._is_erasure(owed.kind):
        return owed.due
    return owed.due + self._held(self.holds[owed.authorization]) - owed.heldBefore


@view
@internal
def _is_held(held: Hold) -> bool:
    return held.disputes != 0 or block.timestamp < self._over(held)


@pure
@internal
def _over(held: Hold) -> uint256:
    """
    @dev The first second at which neither an officer nor a freeze holds it.
    """
    return max(held.until, held.thawsAt)


@view
@internal
def _held(held: Hold) -> uint256:
    """
    @dev Seconds for which deletion was held up to now.
    """
    if held.since == 0:
        return held.total
    if self._is_held(held):
        return held.total + block.timestamp - held.since
    return held.total + max(self._over(held), held.since) - held.since


@view
@internal
def _settled(before: Hold) -> Hold:
    """
    @dev A hold of which what ended by itself is added up.
    """
    held: Hold = before
    if held.since != 0 and not self._is_held(held):
        held.total = self._held(held)
        held.since = 0
    return held


@internal
def _keep(authorization: bytes32, changed: Hold, member: uint256, caseHash: bytes32):
    """
    @dev Begin or end the time that counts, after what holds has changed.
    """
    held: Hold = changed
    if self._is_held(held):
        if held.since == 0:
            held.since = block.timestamp
    elif held.since != 0:
        held.total += block.timestamp - held.since
        held.since = 0
    self.holds[authorization] = held
    log DeletionHeld(
        authorization=authorization,
        member=member,
        disputes=held.disputes,
        until=self._over(held),
        caseHash=caseHash,
    )
