"""What may happen to the consensus machine, and what it may ask for: two closed unions.

Every event carries `now_ms`, the Unix time in milliseconds at which the driver saw it; the machine
knows no other clock. Effects are performed strictly in the order given. Where an effect has an
answer, the answer is an event, later:

    Sign        the performer signs, records (synced), sends, and feeds MessageReceived back
    StartTimer  TimerFired with the same timer
    BuildBlock  BlockBuilt
    CheckBlock  BlockChecked
    CommitBlock HeadChanged, once the block is the head
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from node.consensus.messages import Certificate, Draft, Message
from node.spec.block import Block
from node.spec.header import Header
from node.spec.types import Address, Hash32


class TimerKind(Enum):
    """What a timer is for."""

    GATE = "gate"
    """At start: validators have had time to connect (N7)."""
    BLOCK = "block"
    """The parent's timestamp plus the block period has come."""
    EMPTY = "empty"
    """The parent's timestamp plus the empty-block period has come (N7)."""
    ROUND = "round"
    """The round has lasted its timeout."""
    HOLD = "hold"
    """A proposal's timestamp is no longer in the future (N6)."""
    REPEAT = "repeat"
    """Time to send the round's messages again (N12)."""


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer's identity. Of each kind only the one started last counts; others fire unheeded."""

    kind: TimerKind
    token: int


@dataclass(frozen=True, slots=True)
class Restored:
    """What the sign-state holds for a height: where a restarted validator goes on (N13).

    `round` is the highest round signed in, or the one that `recover --rejoin-at` names (N14).
    `messages` are all of our own at this height, `certificate` the last prepared block's.
    """

    round: int
    messages: tuple[Message, ...] = ()
    certificate: Certificate | None = None


@dataclass(frozen=True, slots=True)
class HeadChanged:
    """The chain's head is now `head`; the machine turns to the next height.

    `validators` is the set for the next height, read from the head's state. `may_sign` is False
    while the node observes (N13, N14). `restored` is what our key signed at the next height before.
    """

    now_ms: int
    head: Header
    validators: tuple[Address, ...]
    may_sign: bool = True
    restored: Restored | None = None


@dataclass(frozen=True, slots=True)
class PoolChanged:
    """The pool's answer to "is a transaction executable on the head?" (N7)."""

    now_ms: int
    executable: bool


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A decoded message, from the peer `sender`, or our own if None."""

    now_ms: int
    message: Message
    sender: Address | None


@dataclass(frozen=True, slots=True)
class BlockBuilt:
    """The block asked for; its extra data may carry any round."""

    now_ms: int
    height: int
    round: int
    block: Block


@dataclass(frozen=True, slots=True)
class BlockChecked:
    """Whether the block whose digest this is, is valid upon the head."""

    now_ms: int
    digest: Hash32
    valid: bool


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer has run out."""

    now_ms: int
    timer: Timer


@dataclass(frozen=True, slots=True)
class PeerConnected:
    """A peer with this node address has completed its hello."""

    now_ms: int
    peer: Address


@dataclass(frozen=True, slots=True)
class PeerDisconnected:
    """A peer is gone."""

    now_ms: int
    peer: Address


Event = (
    HeadChanged
    | PoolChanged
    | MessageReceived
    | BlockBuilt
    | BlockChecked
    | TimerFired
    | PeerConnected
    | PeerDisconnected
)


class Fault(Enum):
    """Why a validator is reported. Each is proved by what it signed, whoever passed it on."""

    EQUIVOCATION = "equivocation"
    """Two different values for one height, round and kind."""
    INVALID_PROPOSAL = "invalid proposal"
    """Wrong proposer, or a justification that does not hold."""
    INVALID_BLOCK = "invalid block"
    """A justified proposal of a block that is not valid."""
    INVALID_ROUND_CHANGE = "invalid round change"
    """A prepared claim without its certificate."""
    INVALID_SEAL = "invalid seal"
    """A COMMIT whose seal is not its author's."""


@dataclass(frozen=True, slots=True)
class Sign:
    """Sign the draft, record it synced, send it to all validators, feed it back."""

    draft: Draft


@dataclass(frozen=True, slots=True)
class Send:
    """Send messages signed before, or pass on another's; to one peer, or to all validators.

    Neither the message's author nor `via`, the peer it came from, needs it.
    """

    messages: tuple[Message, ...]
    to: Address | None = None
    via: Address | None = None


@dataclass(frozen=True, slots=True)
class AnnounceHead:
    """Tell one peer, or all, which block is our head (N12)."""

    to: Address | None = None


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Feed back TimerFired after `delay_ms`; an earlier timer of the kind may be forgotten."""

    timer: Timer
    delay_ms: int


@dataclass(frozen=True, slots=True)
class BuildBlock:
    """Build a block upon the head, as coinbase ourselves, with this timestamp (seconds).

    Work begun for an earlier BuildBlock or CheckBlock may be abandoned (N5).
    """

    height: int
    round: int
    timestamp: int


@dataclass(frozen=True, slots=True)
class CheckBlock:
    """Check a proposed block: header rules but the seals and the clock, and full execution.

    Work begun for an earlier BuildBlock or CheckBlock may be abandoned (N5).
    """

    block: Block
    digest: Hash32


@dataclass(frozen=True, slots=True)
class CommitBlock:
    """Verify, store and announce a block that carries a quorum of seals."""

    block: Block


@dataclass(frozen=True, slots=True)
class ReportPeer:
    """A validator broke a rule of QBFT; `evidence` are the signed messages that prove it."""

    validator: Address
    fault: Fault
    evidence: tuple[Message, ...]


Effect = (
    Sign | Send | AnnounceHead | StartTimer | BuildBlock | CheckBlock | CommitBlock | ReportPeer
)

FUTURE_TIME_MAX_S: Final = 1
"""A proposal's timestamp may be this many seconds after the clock's whole second (rule 4)."""
