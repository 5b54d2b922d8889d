"""Messages kept while they may still matter, in bounded stores (N11).

`Votes` holds one height's: of PREPARE and COMMIT each validator's first in each round from the
current one to ten ahead, and of ROUND_CHANGE each validator's highest, whatever its round. `Ahead`
holds what came early for the next height, unjudged, until the head moves. Both keep nothing but
from validators, so n bounds them; whatever is dropped here comes again by retransmission (N12).
"""

from typing import Final, TypeVar

from node.consensus.events import Fault
from node.consensus.messages import Commit, Kind, Message, Prepare, Proposal, RoundChange
from node.consensus.rules import Context, is_valid_round_change_message
from node.spec.types import Address, Hash32

ROUNDS_AHEAD_MAX: Final = 10
"""PREPARE and COMMIT are kept for this many rounds after the current one (N11)."""

AHEAD_BYTES_MAX: Final = 64 * 1024 * 1024
"""Bytes of blocks kept for the next height, as Besu's future buffer."""

Vote = Prepare | Commit | RoundChange
V = TypeVar("V", Prepare, Commit)
_Ballots = dict[int, dict[Address, V]]


class Votes:
    """One height's votes, judged as they come."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._prepares: _Ballots[Prepare] = {}
        self._commits: _Ballots[Commit] = {}
        self.round_changes: dict[Address, RoundChange] = {}

    def __len__(self) -> int:
        prepares = sum(len(ballot) for ballot in self._prepares.values())
        return prepares + sum(map(len, self._commits.values())) + len(self.round_changes)

    def known(self, message: Vote) -> Vote | None:
        """Return what the same author said before of the same round and kind."""
        match message:
            case Prepare():
                return self._prepares.get(message.round, {}).get(message.author)
            case Commit():
                return self._commits.get(message.round, {}).get(message.author)
            case RoundChange():
                known = self.round_changes.get(message.author)
                return known if known is not None and known.round == message.round else None

    def fault_of(self, message: Vote) -> Fault | None:
        """Return what a vote proves against its author, by itself or beside an earlier one."""
        known = self.known(message)
        if known is not None:
            return None if _value(known) == _value(message) else Fault.EQUIVOCATION
        if isinstance(message, Commit) and message.sealer != message.author:
            return Fault.INVALID_SEAL
        if isinstance(message, RoundChange):
            valid = is_valid_round_change_message(message, self._context)
            return None if valid else Fault.INVALID_ROUND_CHANGE
        return None

    def add(self, message: Vote, current: int) -> bool:
        """Keep a faultless vote if the round is in reach and its author has not voted in it."""
        if message.round < current or self.known(message) is not None:
            return False
        if isinstance(message, RoundChange):
            return self._add_round_change(message)
        if message.round > current + ROUNDS_AHEAD_MAX:
            return False
        if isinstance(message, Prepare):
            self._prepares.setdefault(message.round, {})[message.author] = message
        else:
            self._commits.setdefault(message.round, {})[message.author] = message
        return True

    def _add_round_change(self, message: RoundChange) -> bool:
        known = self.round_changes.get(message.author)
        if known is not None and known.round > message.round:
            return False
        self.round_changes[message.author] = message
        return True

    def prepares(self, round_number: int, digest: Hash32) -> list[Prepare]:
        """Return the PREPAREs for a digest, by ascending author."""
        ballot = self._prepares.get(round_number, {})
        return [vote for _, vote in sorted(ballot.items()) if vote.digest == digest]

    def commits(self, round_number: int, digest: Hash32) -> list[Commit]:
        """Return the COMMITs for a digest, by ascending author."""
        ballot = self._commits.get(round_number, {})
        return [vote for _, vote in sorted(ballot.items()) if vote.digest == digest]

    def round_changes_to(self, round_number: int) -> list[RoundChange]:
        """Return the ROUND_CHANGEs to exactly this round, by ascending author."""
        kept = sorted(self.round_changes.items())
        return [message for _, message in kept if message.round == round_number]

    def forget_below(self, round_number: int) -> None:
        """Drop the ballots of rounds that are over."""
        for ballots in (self._prepares, self._commits):
            for over in [number for number in ballots if number < round_number]:
                del ballots[over]


def _value(vote: Vote) -> object:
    """Return what a vote commits its author to."""
    return vote.signed.payload.prepared if isinstance(vote, RoundChange) else vote.digest


class Ahead:
    """What came early for the next height: of each validator few messages, and of bytes a limit.

    For each author: a PREPARE and a COMMIT in each of rounds 0 to 10, the last PROPOSAL and the
    last ROUND_CHANGE. They are judged when their height begins.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[Address, Kind, int], Message] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, message: Message) -> None:
        """Keep a message for the next height, if there is room for it."""
        if message.kind in (Kind.PREPARE, Kind.COMMIT):
            if message.round > ROUNDS_AHEAD_MAX:
                return
            slot = message.round
        else:
            slot = 0
        key = (message.author, message.kind, slot)
        known = self._kept.pop(key, None)
        self._bytes -= 0 if known is None else _weight(known)
        if self._bytes + _weight(message) <= AHEAD_BYTES_MAX:
            self._kept[key] = message
            self._bytes += _weight(message)

    def take(self, height: int) -> tuple[Message, ...]:
        """Return what was kept for a height, in order of arrival, and forget everything."""
        taken = tuple(message for message in self._kept.values() if message.height == height)
        self._kept.clear()
        self._bytes = 0
        return taken


def _weight(message: Message) -> int:
    """Return about how many bytes a message holds in memory: its block's transactions."""
    block = message.block if isinstance(message, Proposal | RoundChange) else None
    return 1024 if block is None else 1024 + sum(map(len, block.transactions))
