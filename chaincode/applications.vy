# pragma version 0.4.3
# pragma evm-version prague
"""
@title Applications for public data
@notice Data of a government office or a public-service operator that is open on application: a member
        asks for one version of a product for one purpose, a reviewer of record at the provider decides,
        and until it has approved, Grants refuses the member every term on that version. What is applied
        for is a version because fields, levels and modes are a version's: the next one is another
        question.
        Time to decide is counted in working days (R8), may be extended once, and stands still while a
        supplement is awaited. What is late anyone puts on record; a late decision is one, and is
        recorded as late. Only an application that is open bars another for the same: every later one
        names the one before it.
"""

from interfaces import IApplications
from interfaces import ICatalog
from interfaces import IHolidays
from interfaces import IMembers
from interfaces import IParameters
import addresses
import vocabulary

implements: IApplications

# An approval ends within so many seconds; who goes on applies again.
APPROVAL_MAX: constant(uint256) = 5 * 366 * 86_400
# Longest chain of purposes, a child and the parents above it.
PURPOSES_DEEP: constant(uint256) = 5
# In a product version's summary: it is granted on application alone.
ON_APPLICATION: constant(uint256) = 1 << 98
STATUS_SHIFT: constant(uint256) = 32

struct Application:
    # Vocabulary index; an approved one stays so here once it has expired.
    status: uint256
    # Members.
    applicant: uint256
    provider: uint256
    product: bytes32
    version: uint256
    purpose: uint256
    # Hash of the application's document.
    document: bytes32
    # The application before it for the same, 0 for none.
    earlier: uint256
    # The provider's account that decides; none at first.
    reviewer: address
    # Unix seconds, the first at which a decision is late; 0 while the clock stands still.
    due: uint256
    # Working days that were left when the clock stopped; 0 where no supplement was ever asked.
    daysLeft: uint256
    # Unix seconds, the first at which a supplement is no longer taken; 0 where none was ever asked.
    supplementDue: uint256
    # Unix seconds, the first outside an approval; 0 without one.
    until: uint256
    # Vocabulary index of why it was refused, 0 where it was not.
    reason: uint256
    # Hash of the conditions of an approval, or of a refusal's text.
    decision: bytes32
    # The block of the decision.
    decidedIn: uint256
    isExtended: bool
    # That it was overdue is on record; that it was decided late.
    isOverdue: bool
    isLate: bool


# Fixed positions: node/spec/applications.py reads them.
application_count: uint256
applications: HashMap[uint256, Application]
# By what is applied for and by whom: the newest application, and the newest that was approved.
newest: HashMap[bytes32, uint256]
approved: HashMap[bytes32, uint256]

event ApplicationFiled:
    application: indexed(uint256)
    provider: indexed(uint256)
    applicant: indexed(uint256)
    product: bytes32
    version: uint256
    purpose: uint256
    document: bytes32
    earlier: uint256
    due: uint256


event ReviewerAssigned:
    application: indexed(uint256)
    reviewer: indexed(address)


event SupplementAsked:
    application: indexed(uint256)
    wanted: bytes32
    daysLeft: uint256
    due: uint256


event SupplementFiled:
    application: indexed(uint256)
    document: bytes32
    due: uint256


event ApplicationExtended:
    application: indexed(uint256)
    grounds: bytes32
    due: uint256


event ApplicationApproved:
    application: indexed(uint256)
    reviewer: indexed(address)
    until: uint256
    conditions: bytes32
    isLate: bool


event ApplicationRefused:
    application: indexed(uint256)
    reviewer: indexed(address)
    reason: uint256
    text: bytes32
    isLate: bool


event ApplicationWithdrawn:
    application: indexed(uint256)


event ApplicationLapsed:
    application: indexed(uint256)


event ApplicationOverdue:
    application: indexed(uint256)
    provider: indexed(uint256)
    due: uint256


@deploy
def __init__():
    """
    @notice No applications at genesis.
    """
    pass


@view
@external
def applicationCount() -> uint256:
    """
    @notice How many applications there ever were: they are numbered from 1.
    """
    return self.application_count


@view
@external
def application(number: uint256) -> Application:
    """
    @notice An application as stored; all zero when there is none.
    """
    return self.applications[number]


@view
@external
def statusOf(number: uint256) -> uint256:
    """
    @notice Where it stands as of this block, by vocabulary index: expired follows from time; 0 when there
            is no such application.
    """
    status: uint256 = self.applications[number].status
    if (
        status == vocabulary.APPLICATION_STATUS_APPROVED
        and block.timestamp >= self.applications[number].until
    ):
        return vocabulary.APPLICATION_STATUS_EXPIRED
    return status


@view
@external
def newestOf(
    product: bytes32, version: uint256, applicant: uint256, purpose: uint256
) -> (uint256, uint256):
    """
    @notice The numbers of a member's newest application for a product version and a purpose, and of the
            newest that was approved; 0 for none.
    """
    place: bytes32 = self._place(product, version, applicant, purpose)
    return self.newest[place], self.approved[place]


@view
@external
def isApproved(
    product: bytes32, version: uint256, applicant: uint256, purpose: uint256, until: uint256
) -> bool:
    """
    @notice Whether a member may be granted this product version for a purpose up to a time: the newest
            approval for the purpose or one of its parents (R6) has not expired and ends no earlier.
    """
    wanted: uint256 = purpose
    for _: uint256 in range(PURPOSES_DEEP):
        if wanted == 0:
            break
        number: uint256 = self.approved[self._place(product, version, applicant, wanted)]
        ends: uint256 = self.applications[number].until
        if block.timestamp < ends and until <= ends:
            return True
        wanted = vocabulary.parent_of(wanted)
    return False


@external
def apply(product: bytes32, version: uint256, purpose: uint256, document: bytes32) -> uint256:
    """
    @notice An approver of a member applies for a product version, for one purpose.
    @param document Hash of the application's document, which has a salt in it: the hashes that follow
           are of documents too, and nothing of what they say is on chain.
    @return The application's number.
    """
    applicant: uint256 = self._approver(msg.sender)
    summary: uint256 = staticcall ICatalog(addresses.CATALOG).summaryOf(product, version)
    assert summary & ON_APPLICATION != 0, "applications: not open on application"
    assert (
        (summary >> STATUS_SHIFT) & 255 == vocabulary.PRODUCT_STATUS_APPROVED
    ), "applications: product is not approved"
    provider: uint256 = summary & (2**32 - 1)
    assert applicant != provider, "applications: applicant is the provider"
    assert (
        purpose != 0 and purpose <= vocabulary.PURPOSE_LAST
    ), "applications: unknown purpose"
    assert document != empty(bytes32), "applications: no document"
    place: bytes32 = self._place(product, version, applicant, purpose)
    earlier: uint256 = self.newest[place]
    assert not self._is_open(self.applications[earlier].status), "applications: one is open already"
    due: uint256 = self._deadline(block.timestamp, vocabulary.PARAMETER_DECIDE_WITHIN)
    number: uint256 = self.application_count + 1
    self.application_count = number
    self.newest[place] = number
    self.applications[number] = Application(
        status=vocabulary.APPLICATION_STATUS_UNDER_REVIEW,
        applicant=applicant,
        provider=provider,
        product=product,
        version=version,
        purpose=purpose,
        document=document,
        earlier=earlier,
        reviewer=empty(address),
        due=due,
        daysLeft=0,
        supplementDue=0,
        until=0,
        reason=0,
        decision=empty(bytes32),
        decidedIn=0,
        isExtended=False,
        isOverdue=False,
        isLate=False,
    )
    log ApplicationFiled(
        application=number,
        provider=provider,
        applicant=applicant,
        product=product,
        version=version,
        purpose=purpose,
        document=document,
        earlier=earlier,
        due=due,
    )
    return number


@external
def assign(number: uint256, reviewer: address):
    """
    @notice An approver of the provider names the reviewer of record, an approver of its own, or another
            in that one's place.
    """
    provider: uint256 = self._approver(msg.sender)
    asked: Application = self.applications[number]
    assert self._is_open(asked.status), "applications: not open"
    assert provider == asked.provider, "applications: not the provider"
    assert self._approver(reviewer) == provider, "applications: reviewer of another member"
    self.applications[number].reviewer = reviewer
    log ReviewerAssigned(application=number, reviewer=reviewer)


@external
def askSupplement(number: uint256, wanted: bytes32):
    """
    @notice The reviewer asks for a supplement, once and for all that is lacking: the time to decide
            stands still until it is filed. Who is late already cannot stop the clock, and where no table
            covers what would be left after a filing on its last day, the applicant could not file: then
            nothing is asked.
    @param wanted Hash of the text that says what is lacking.
    """
    asked: Application = self._reviewed(number)
    assert block.timestamp < asked.due, "applications: past the time to decide"
    assert asked.supplementDue == 0, "applications: a supplement was asked already"
    assert wanted != empty(bytes32), "applications: no document"
    left: uint256 = staticcall IHolidays(addresses.HOLIDAYS).workingDays(
        block.timestamp, asked.due
    )
    due: uint256 = self._deadline(block.timestamp, vocabulary.PARAMETER_SUPPLEMENT_WITHIN)
    latest: uint256 = self._resumed(due - 1, left)
    self.applications[number].status = vocabulary.APPLICATION_STATUS_AWAITING_SUPPLEMENT
    self.applications[number].due = 0
    self.applications[number].daysLeft = left
    self.applications[number].supplementDue = due
    log SupplementAsked(application=number, wanted=wanted, daysLeft=left, due=due)


@external
def fileSupplement(number: uint256, document: bytes32):
    """
    @notice An approver of the applicant files the supplement: the clock goes on with the working days
            that were left, one at the least.
    """
    asked: Application = self.applications[number]
    assert self._approver(msg.sender) == asked.applicant, "applications: not the applicant"
    assert (
        asked.status == vocabulary.APPLICATION_STATUS_AWAITING_SUPPLEMENT
    ), "applications: no supplement is awaited"
    assert block.timestamp < asked.supplementDue, "applications: past the time to supplement"
    assert document != empty(bytes32), "applications: no document"
    due: uint256 = self._resumed(block.timestamp, asked.daysLeft)
    self.applications[number].status = vocabulary.APPLICATION_STATUS_UNDER_REVIEW
    self.applications[number].due = due
    log SupplementFiled(application=number, document=document, due=due)


@external
def extend(number: uint256, grounds: bytes32):
    """
    @notice An approver of the provider extends the time to decide, once and before it is over.
    @param grounds Hash of the text that gives the reason.
    """
    asked: Application = self.applications[number]
    provider: uint256 = self._approver(msg.sender)
    assert (
        asked.status == vocabulary.APPLICATION_STATUS_UNDER_REVIEW
    ), "applications: not under review"
    assert provider == asked.provider, "applications: not the provider"
    assert block.timestamp < asked.due, "applications: past the time to decide"
    assert not asked.isExtended, "applications: extended already"
    assert grounds != empty(bytes32), "applications: no document"
    due: uint256 = self._deadline(asked.due - 1, vocabulary.PARAMETER_EXTEND_BY)
    self.applications[number].isExtended = True
    self.applications[number].due = due
    log ApplicationExtended(application=number, grounds=grounds, due=due)


@external
def approve(number: uint256, until: uint256, conditions: bytes32):
    """
    @notice The reviewer approves, in time or late: until a date, Unix seconds, the first outside, and
            under conditions given by their hash. For the same it takes the place of an earlier approval.
    """
    asked: Application = self._reviewed(number)
    assert (
        until > block.timestamp and until <= block.timestamp + APPROVAL_MAX
    ), "applications: end out of range"
    assert conditions != empty(bytes32), "applications: no document"
    late: bool = self._decide(number, asked.due, vocabulary.APPLICATION_STATUS_APPROVED, conditions)
    self.applications[number].until = until
    self.approved[
        self._place(asked.product, asked.version, asked.applicant, asked.purpose)
    ] = number
    log ApplicationApproved(
        application=number, reviewer=msg.sender, until=until, conditions=conditions, isLate=late
    )


@external
def refuse(number: uint256, reason: uint256, text: bytes32):
    """
    @notice The reviewer refuses, in time or late, for a reason of the vocabulary. An earlier approval
            stays in force to its end.
    @param text Hash of the decision's text.
    """
    asked: Application = self._reviewed(number)
    assert (
        reason != 0 and reason <= vocabulary.REFUSAL_REASON_LAST
    ), "applications: unknown reason"
    assert text != empty(bytes32), "applications: no document"
    late: bool = self._decide(number, asked.due, vocabulary.APPLICATION_STATUS_REFUSED, text)
    self.applications[number].reason = reason
    log ApplicationRefused(
        application=number, reviewer=msg.sender, reason=reason, text=text, isLate=late
    )


@external
def withdraw(number: uint256):
    """
    @notice An approver of the applicant withdraws an application that is open.
    """
    asked: Application = self.applications[number]
    assert self._approver(msg.sender) == asked.applicant, "applications: not the applicant"
    assert self._is_open(asked.status), "applications: not open"
    self.applications[number].status = vocabulary.APPLICATION_STATUS_WITHDRAWN
    log ApplicationWithdrawn(application=number)


@external
def lapse(number: uint256):
    """
    @notice Anyone puts on record that the supplement did not come in time: the application is over.
    """
    asked: Application = self.applications[number]
    assert (
        asked.status == vocabulary.APPLICATION_STATUS_AWAITING_SUPPLEMENT
    ), "applications: no supplement is awaited"
    assert block.timestamp >= asked.supplementDue, "applications: time to supplement is not over"
    self.applications[number].status = vocabulary.APPLICATION_STATUS_LAPSED
    log ApplicationLapsed(application=number)


@external
def markOverdue(number: uint256):
    """
    @notice Anyone puts on record that the provider has not decided in time. It may still decide.
    """
    asked: Application = self.applications[number]
    assert (
        asked.status == vocabulary.APPLICATION_STATUS_UNDER_REVIEW
    ), "applications: not under review"
    assert block.timestamp >= asked.due, "applications: time to decide is not over"
    assert not asked.isOverdue, "applications: overdue already"
    self.applications[number].isOverdue = True
    log ApplicationOverdue(application=number, provider=asked.provider, due=asked.due)


@pure
@internal
def _place(product: bytes32, version: uint256, applicant: uint256, purpose: uint256) -> bytes32:
    return keccak256(abi_encode(product, version, applicant, purpose))


@pure
@internal
def _is_open(status: uint256) -> bool:
    return (
        status == vocabulary.APPLICATION_STATUS_UNDER_REVIEW
        or status == vocabulary.APPLICATION_STATUS_AWAITING_SUPPLEMENT
    )


@view
@internal
def _approver(account: address) -> uint256:
    """
    @dev The active member whose approver an account is.
    """
    member: uint256 = 0
    kind: uint256 = 0
    needed: uint256 = 0
    member, kind, needed = staticcall IMembers(addresses.MEMBERS).approver(account)
    assert member != 0, "applications: not an approver"
    return member


@view
@internal
def _reviewed(number: uint256) -> Application:
    """
    @dev An application under review, by the reviewer of record, who is the provider's approver still.
    """
    asked: Application = self.applications[number]
    provider: uint256 = self._approver(msg.sender)
    assert (
        asked.status == vocabulary.APPLICATION_STATUS_UNDER_REVIEW
    ), "applications: not under review"
    assert (
        msg.sender == asked.reviewer and provider == asked.provider
    ), "applications: not the reviewer"
    return asked


@view
@internal
def _deadline(time: uint256, parameter: uint256) -> uint256:
    days: uint256 = staticcall IParameters(addresses.PARAMETERS).valueOf(parameter)
    return staticcall IHolidays(addresses.HOLIDAYS).deadline(time, days)


@view
@internal
def _resumed(time: uint256, left: uint256) -> uint256:
    """
    @dev When a decision is late if the clock goes on at a time with so many working days left.
    """
    return staticcall IHolidays(addresses.HOLIDAYS).deadline(time, max(left, 1))


@internal
def _decide(number: uint256, due: uint256, status: uint256, decision: bytes32) -> bool:
    """
    @dev Keep a decision; whether it came late.
    """
    late: bool = block.timestamp >= due
    self.applications[number].status = status
    self.applications[number].decision = decision
    self.applications[number].decidedIn = block.number
    self.applications[number].isLate = late
    return late
