# pragma version 0.4.3
# pragma evm-version prague
"""
@title Statements
@notice What each side of a pair says of a period (R15). A use statement is one a period, pair and side:
        a total and a root over (authorization, count); what it leaves out is nil. The contract compares
        both totals and puts a difference on record. A fee statement is one a period and pair: a salted
        commitment that both sign, and in platform trade the exchange; it is never compared here, since
        no amount is ever on chain (R18). A payment is marked by the hash of its reference.
"""

from interfaces import IMembers
import addresses
import signatures
import vocabulary

APPROVER: constant(uint256) = 1 << vocabulary.ROLE_APPROVER
GATEWAY: constant(uint256) = 1 << vocabulary.ROLE_GATEWAY
PERIOD_MAX: constant(uint256) = 366 * 86_400
FEE_TYPE: constant(bytes32) = keccak256(
    "FeeStatement(uint32 provider,uint32 consumer,uint32 exchange,uint64 since,uint64 until,bytes32 commitment)"
)

struct FeeStatement:
    provider: uint32
    consumer: uint32
    # 0 in direct trade.
    exchange: uint32
    # Unix seconds, the first inside and the last outside.
    since: uint64
    until: uint64
    # keccak256 of salt and content.
    commitment: bytes32


# By the hash of pair and period. Bits of a word: provider stated 0, consumer stated 1, the provider's
# total 32, the consumer's 96.
totals: HashMap[bytes32, uint256]
# The commitment of a pair and period; zero for none.
fees: HashMap[bytes32, bytes32]
# The kind of payment of a fee statement, by its digest; 0 for none.
payments: HashMap[bytes32, uint256]
# The exchange that signed the fee statement of a pair and period; 0 in direct trade.
exchanges: HashMap[bytes32, uint256]

event UsesOfPeriodStated:
    provider: indexed(uint256)
    consumer: indexed(uint256)
    member: indexed(uint256)
    since: uint256
    until: uint256
    total: uint256
    root: bytes32


event TotalsDiffer:
    provider: indexed(uint256)
    consumer: indexed(uint256)
    since: uint256
    until: uint256
    stated: uint256
    other: uint256


event FeesStated:
    statement: indexed(bytes32)
    provider: indexed(uint256)
    consumer: indexed(uint256)
    exchange: uint256
    since: uint256
    until: uint256
    commitment: bytes32


event FeesPaid:
    statement: indexed(bytes32)
    kind: uint256
    reference: bytes32


@deploy
def __init__():
    """
    @notice No statements at genesis.
    """
    pass


@pure
@external
def pairPeriod(provider: uint256, consumer: uint256, since: uint256, until: uint256) -> bytes32:
    """
    @notice What totals and fees are kept under.
    """
    return self._key(provider, consumer, since, until)


@view
@external
def stated(key: bytes32) -> uint256:
    """
    @notice Both sides' totals of a pair and period, packed; see `totals`.
    """
    return self.totals[key]


@view
@external
def feesOf(key: bytes32) -> bytes32:
    """
    @notice The commitment to the fees of a pair and period; zero when none was stated.
    """
    return self.fees[key]


@view
@external
def paymentOf(statement: bytes32) -> uint256:
    """
    @notice The kind of payment by which a fee statement was paid; 0 when it is not.
    """
    return self.payments[statement]


@view
@external
def statementId(statement: FeeStatement) -> bytes32:
    """
    @notice The EIP-712 digest of a fee statement, which both sides sign.
    """
    return self._id(statement)


@external
def stateUses(
    provider: uint256,
    consumer: uint256,
    since: uint256,
    until: uint256,
    total: uint256,
    root: bytes32,
):
    """
    @notice One side states its uses of a period that is over, once.
    @param root Over (authorization, count) of all that are not nil; zero for a total of 0.
    """
    member: uint256 = 0
    kind: uint256 = 0
    roles: uint256 = 0
    member, kind, roles = staticcall IMembers(addresses.MEMBERS).standing(msg.sender)
    assert roles & (GATEWAY | APPROVER) != 0, "statements: neither gateway nor approver"
    assert provider != consumer, "statements: provider is the consumer"
    assert member == provider or member == consumer, "statements: not a party"
    assert total < 2**64, "statements: total out of range"
    assert (total == 0) == (root == empty(bytes32)), "statements: root without uses"
    self._check_period(since, until)
    key: bytes32 = self._key(provider, consumer, since, until)
    side: uint256 = 0 if member == provider else 1
    word: uint256 = self.totals[key]
    assert (word >> side) & 1 == 0, "statements: stated already"
    word |= (1 << side) | (total << (32 + 64 * side))
    self.totals[key] = word
    log UsesOfPeriodStated(
        provider=provider,
        consumer=consumer,
        member=member,
        since=since,
        until=until,
        total=total,
        root=root,
    )
    if word & 3 == 3:
        other: uint256 = (word >> (32 + 64 * (1 - side))) & (2**64 - 1)
        if other != total:
            log TotalsDiffer(
                provider=provider,
                consumer=consumer,
                since=since,
                until=until,
                stated=total,
                other=other,
            )


@external
def stateFees(
    statement: FeeStatement,
    providerSignature: Bytes[65],
    consumerSignature: Bytes[65],
    exchangeSignature: Bytes[65],
):
    """
    @notice Anchor a fee statement, signed by an approver of each side, and of the exchange in platform
            trade. Anyone may carry it in; one stands for a pair and period.
    """
    provider: uint256 = convert(statement.provider, uint256)
    consumer: uint256 = convert(statement.consumer, uint256)
    exchange: uint256 = convert(statement.exchange, uint256)
    since: uint256 = convert(statement.since, uint256)
    until: uint256 = convert(statement.until, uint256)
    assert provider != consumer, "statements: provider is the consumer"
    assert statement.commitment != empty(bytes32), "statements: no commitment"
    self._check_period(since, until)
    key: bytes32 = self._key(provider, consumer, since, until)
    assert self.fees[key] == empty(bytes32), "statements: stated already"
    digest: bytes32 = self._id(statement)
    self._check_signer(digest, providerSignature, provider)
    self._check_signer(digest, consumerSignature, consumer)
    if exchange != 0:
        assert (
            staticcall IMembers(addresses.MEMBERS).kindOf(exchange)
            == vocabulary.MEMBER_KIND_EXCHANGE
        ), "statements: not an exchange"
        self._check_signer(digest, exchangeSignature, exchange)
        self.exchanges[key] = exchange
    self.fees[key] = statement.commitment
    log FeesStated(
        statement=digest,
        provider=provider,
        consumer=consumer,
        exchange=exchange,
        since=since,
        until=until,
        commitment=statement.commitment,
    )


@external
def markPaid(statement: FeeStatement, kind: uint256, reference: bytes32):
    """
    @notice The provider, who was to be paid, marks a fee statement paid, once.
    @param reference Salted hash of the payment's reference.
    """
    member: uint256 = 0
    standing: uint256 = 0
    needed: uint256 = 0
    member, standing, needed = staticcall IMembers(addresses.MEMBERS).approver(msg.sender)
    provider: uint256 = convert(statement.provider, uint256)
    assert member != 0 and member == provider, "statements: not the provider's approver"
    key: bytes32 = self._key(
        provider,
        convert(statement.consumer, uint256),
        convert(statement.since, uint256),
        convert(statement.until, uint256),
    )
    assert (
        statement.commitment != empty(bytes32)
        and self.fees[key] == statement.commitment
        and self.exchanges[key] == convert(statement.exchange, uint256)
    ), "statements: no such statement"
    assert kind != 0 and kind <= vocabulary.PAYMENT_KIND_LAST, "statements: unknown kind of payment"
    assert reference != empty(bytes32), "statements: no reference"
    digest: bytes32 = self._id(statement)
    assert self.payments[digest] == 0, "statements: paid already"
    self.payments[digest] = kind
    log FeesPaid(statement=digest, kind=kind, reference=reference)


@pure
@internal
def _key(provider: uint256, consumer: uint256, since: uint256, until: uint256) -> bytes32:
    return keccak256(abi_encode(provider, consumer, since, until))


@view
@internal
def _id(statement: FeeStatement) -> bytes32:
    return signatures.digest(self, keccak256(abi_encode(FEE_TYPE, statement)))


@view
@internal
def _check_period(since: uint256, until: uint256):
    assert since < until and until <= since + PERIOD_MAX, "statements: no such period"
    assert until <= block.timestamp, "statements: period is not over"


@view
@internal
def _check_signer(digest: bytes32, signature: Bytes[65], wanted: uint256):
    """
    @dev R17: an approver of the member at this block.
    """
    account: address = signatures.signer(digest, signature)
    assert account != empty(address), "statements: malformed signature"
    member: uint256 = 0
    kind: uint256 = 0
    needed: uint256 = 0
    member, kind, needed = staticcall IMembers(addresses.MEMBERS).approver(account)
    assert member != 0 and member == wanted, "statements: signature of another"
