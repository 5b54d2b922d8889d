"""The judge of a story. It shares no rule with the code it judges: its own quorum, its own seals.

It is told of every block an honest member stores and every consensus message an honest member
sends, and raises `Violation` at the first breach of:

    agreement      one block hash at each height
    seals          ceil(2n/3) seals by distinct validators on every stored block
    links          each block names its parent's hash
    state          one state root at each height, the header's
    sign-state     no two values of one honest validator for one height, round and kind
    order          in a round, no honest signature that comes before one already seen
    justification  no honest PREPARE after round 0 without an independently justified proposal
    bounds         no buffer beyond its limit

Liveness is the story's to judge, for it knows when the world was healed.
"""

from typing import TYPE_CHECKING, Any

from node.consensus.encoding import encode_payload
from node.consensus.intake import Intake
from node.consensus.messages import (
    Kind,
    Message,
    Prepare,
    Proposal,
    Recover,
)
from node.errors import SignatureError
from node.spec.block import Block
from node.spec.codec import decode, to_bytes, to_list
from node.spec.seal import hash_for_block, hash_for_commit_seal
from node.spec.types import Address

if TYPE_CHECKING:
    from tests.sim.member import Member

STEP_ORDER = {Kind.ROUND_CHANGE: 0, Kind.PROPOSAL: 1, Kind.PREPARE: 2, Kind.COMMIT: 3}
DECODED_MAX = 1000
"""The limit on remembered frames."""
SYNC_BLOCKS_MAX = 2 * 4 * 64
"""The limit on blocks a member keeps for import."""


class Violation(AssertionError):
    """A property that must always hold does not."""


class Checker:
    """Watches one story."""

    def __init__(
        self,
        addresses: tuple[Address, ...],
        honest: set[int],
        genesis: Any,
        recover: Recover,
        intake: Intake,
    ) -> None:
        self._addresses = addresses
        self._honest = {addresses[index] for index in honest}
        self._recover = recover
        self._intake = intake
        self.needed = -(-2 * len(addresses) // 3)
        self.decided = {0: (hash_for_block(genesis), genesis.state_root)}
        self._heads: dict[int, int] = {}
        self._seen: set[bytes] = set()
        self._signed: dict[tuple[Address, int, int, Kind], bytes] = {}
        self._latest: dict[Address, tuple[int, int, int]] = {}
        self._justified: set[tuple[int, int, bytes]] = set()
        self._steps = 0

    def upon_commit(self, member: int, block: Block) -> None:
        """Judge a block that an honest member has stored."""
        if self._addresses[member] not in self._honest:
            return
        header = block.header
        number, block_hash = header.number, hash_for_block(header)
        known = self.decided.setdefault(number, (block_hash, header.state_root))
        if known[0] != block_hash:
            raise Violation(f"agreement: two blocks at height {number}, by member {member}")
        if known[1] != header.state_root:
            raise Violation(f"state: two state roots at height {number}")
        if number - 1 not in self.decided or header.parent_hash != self.decided[number - 1][0]:
            raise Violation(f"links: block {number} of member {member} has another parent")
        self._judge_seals(block, member)
        self._heads[member] = number

    def _judge_seals(self, block: Block, member: int) -> None:
        seals = to_list(to_list(decode(block.header.extra_data), "extra data")[4], "seals")
        digest = hash_for_commit_seal(block.header)
        signers = set()
        for seal in seals:
            try:
                signers.add(self._recover(digest, to_bytes(seal, "seal")))
            except SignatureError as error:
                raise Violation(f"seals: {error.what}, member {member}") from error
        signers &= set(self._addresses)
        if len(signers) < self.needed:
            raise Violation(
                f"seals: {len(signers)} of {self.needed} at height {block.header.number}, "
                f"stored by member {member}"
            )

    def upon_sent(self, member: int, code: int, data: bytes) -> None:
        """Judge a consensus message that a member puts on the network."""
        if data in self._seen:
            return
        self._seen.add(data)
        message = self._intake.decode(code, data)
        if isinstance(message, Proposal):
            self._judge_justification(message)
        if message.author not in self._honest:
            return
        place = (message.author, message.height, message.round, message.kind)
        value = encode_payload(message.signed.payload)
        if self._signed.setdefault(place, value) != value:
            raise Violation(
                f"sign-state: member {self._addresses.index(message.author)} signed two values of "
                f"{message.kind.name} at height {message.height}, round {message.round}"
            )
        self._judge_order(message)
        if isinstance(message, Prepare):
            self._judge_prepare(message)

    def _judge_order(self, message: Message) -> None:
        """A first-seen message is a new signature: it must come after the author's last."""
        step = (message.height, message.round, STEP_ORDER[message.kind])
        if step < self._latest.get(message.author, (0, 0, 0)):
            raise Violation(f"order: {message.kind.name} {step} signed after a later one")
        self._latest[message.author] = step

    def _judge_justification(self, message: Proposal) -> None:
        place = (message.height, message.round, bytes(message.digest))
        if self._is_justified(message):
            self._justified.add(place)

    def _is_justified(self, message: Proposal) -> bool:
        if message.round == 0:
            return True
        changes = [part for part in message.round_changes if part.author in self._addresses]
        here = [p for p in changes if p.payload.round == message.round]
        if len({part.author for part in here}) < self.needed:
            return False
        claims = [part.payload.prepared for part in here if part.payload.prepared is not None]
        if not claims:
            return True
        best = max(claims, key=lambda claim: claim.round)
        voters = {
            part.author
            for part in message.prepares
            if part.author in self._addresses
            and (part.payload.height, part.payload.round) == (message.height, best.round)
            and part.payload.digest == best.digest
        }
        return len(voters) >= self.needed

    def _judge_prepare(self, message: Prepare) -> None:
        place = (message.height, message.round, bytes(message.digest))
        if message.round > 0 and place not in self._justified:
            raise Violation(
                f"justification: member {self._addresses.index(message.author)} prepared at "
                f"height {message.height}, round {message.round} what no quorum allows"
            )

    def upon_step(self, member: "Member") -> None:
        """Look at a member's buffers, now and then."""
        self._steps += 1
        if self._steps % 64 or not member.honest:
            return
        count = len(self._addresses)
        kept_max = count * (2 * 11 + 1) + count * (2 * 11 + 2)
        sizes = {
            "votes": (member.machine.buffered_count, kept_max),
            "frames": (len(self._intake), DECODED_MAX),
            "blocks": (member.sync.buffered_count, SYNC_BLOCKS_MAX),
        }
        for name, (size, size_max) in sizes.items():
            if size > size_max:
                raise Violation(f"bounds: {name} of member {member.index}: {size} > {size_max}")
