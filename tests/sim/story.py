"""What a seed makes happen, from the first block until all is well again.

A story has two acts. In the first the world is bad, in ways drawn from the seed: weather, parted
links, crashes at bad moments, pauses, liars among the validators. Then the world heals: links are
whole, everybody is up, and only the liars go on lying. In the second act every honest member must
reach at least `HEIGHTS_MIN` and finalise `HEIGHTS_AFTER` blocks more, within a time that the
capped round timeout bounds.
"""

from dataclasses import dataclass

from node.consensus.intake import Intake
from tests.sim.chain import genesis_of
from tests.sim.checker import Checker, Violation
from tests.sim.engine import real_engines, toy_engines, transactions
from tests.sim.keys import Key, cheap_keys, real_keys, recover_cheap, recover_real, sealed_by
from tests.sim.liars import LIARS
from tests.sim.member import Member, Setting
from tests.sim.network import Frame, Network, Weather
from tests.sim.world import START_MS, World

HEIGHTS_MIN = 10
HEIGHTS_AFTER = 3
OPERATOR_MS = 3 * 60_000
"""How long after healing an operator looks whether a validator must be told to rejoin."""
HEALED_LIMIT_MS = 10 * 60_000
"""Rounds reached in the bad act may have to time out first, at up to 60 s each."""


@dataclass(frozen=True, slots=True)
class Report:
    """How a story went."""

    seed: int
    validators: int
    heights: int
    crashes: int
    liars: int
    faulty: bool
    real: bool
    events: int
    trace: str


class Story:
    """One seed's history."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.world = World(seed)
        chance = self.world.chance
        self.count = 4 if chance.random() < 0.7 else 7
        self.network = Network(self.world, self._deliver)
        self.real = seed % 10 == 9
        self.recover = recover_real if self.real else recover_cheap
        self.keys: list[Key] = list((real_keys if self.real else cheap_keys)(self.count))
        addresses = tuple(key.address for key in self.keys)
        liars_max = (self.count - 1) // 3
        liars = chance.randint(1, liars_max) if chance.random() < 0.45 else 0
        self.liars = set(chance.sample(range(self.count), liars))
        self.honest = set(range(self.count)) - self.liars
        intake = Intake(self.recover)
        self.checker = Checker(
            addresses, self.honest, genesis_of(addresses).header, self.recover, intake
        )
        self.setting = Setting(
            self.world,
            self.network,
            addresses,
            self.recover,
            intake,
            real_engines() if self.real else toy_engines(),
            self.checker,
        )
        self.members = [self._member(index) for index in range(self.count)]
        self.bad_until_ms = START_MS
        self.faults: list[str] = []
        self.rejoined = 0
        self.traffic = transactions()
        self.sent = 0

    def _member(self, index: int) -> Member:
        if index in self.honest:
            return Member(index, self.keys[index], self.setting)
        kind = self.world.chance.choice(LIARS)
        return kind(index, self.keys[index], self.setting)

    def _deliver(self, source: int, target: int, frame: Frame) -> None:
        self.world.note(f"{source}>{target} {frame[0]}", _bytes_of(frame))
        self.members[target].upon_frame(source, frame)

    # Acts

    def tell(self) -> Report:
        """Live through both acts; raises Violation where a property breaks."""
        for member in self.members:
            self.world.after(self.world.chance.randint(0, 400), self._rise, member.index)
        self._send_transactions()
        if self.world.chance.random() < 0.95:
            self._plan_faults()
        self.world.run(lambda: False, self.bad_until_ms - START_MS)
        self._heal()
        self.world.after(OPERATOR_MS, self._operate)
        start = min(self.members[index].height for index in self.honest)
        goal = max(HEIGHTS_MIN, start + HEIGHTS_AFTER)
        if not self.world.run(lambda: self._all_at(goal), HEALED_LIMIT_MS):
            heights = {i: self._describe(i) for i in sorted(self.honest)}
            raise Violation(f"liveness: not all honest members reach {goal}: {heights}")
        return self._report()

    def _describe(self, index: int) -> str:
        member = self.members[index]
        return f"height {member.height} round {member.machine.round} up {member.running}"

    def _all_at(self, goal: int) -> bool:
        return all(self.members[index].height >= goal for index in self.honest)

    def _report(self) -> Report:
        crashes = sum(member.crashes for member in self.members)
        heights = min(self.members[index].height for index in self.honest)
        faulty = bool(self.faults or self.liars)
        return Report(
            *(self.seed, self.count, heights, crashes, len(self.liars), faulty, self.real),
            *(self.world.events, self.world.trace),
        )

    def _rise(self, index: int) -> None:
        """Start a member and connect it to whoever is up."""
        member = self.members[index]
        if member.running:
            return
        member.start()
        for other in self.members:
            if other.running and other.index != index:
                member.upon_peer(other.index, True)
                other.upon_peer(index, True)

    def _heal(self) -> None:
        self.network.heal()
        for member in self.members:
            member.paused_until_ms = 0
            member.records_until_crash = member.frames_until_crash = None
            self._rise(member.index)
        for member in self.members:
            for other in self.members:
                if member.index != other.index:
                    member.upon_peer(other.index, True)

    def _operate(self) -> None:
        """Do what an operator does when a validator that observes is needed for the quorum.

        `recover --rejoin-at` (N14): a round above any that the others report, at which it votes.
        """
        if self._all_at(HEIGHTS_MIN):
            return
        rounds = [self.members[index].machine.round for index in sorted(self.honest)]
        for index in sorted(self.honest):
            member = self.members[index]
            if member.is_observing:
                self.rejoined += 1
                member.crash()
                member.rejoin_at = max(rounds) + 1
                self._rise(index)

    # Faults

    def _plan_faults(self) -> None:
        chance = self.world.chance
        length_ms = chance.randint(4_000, 16_000)
        self.bad_until_ms = START_MS + length_ms
        faults = (self._weather, self._part, self._crash, self._power_cut, self._pause, self._veil)
        for fault in chance.sample(faults, chance.randint(1, 3)):
            for _ in range(chance.randint(1, 2)):
                self.world.after(chance.randint(500, length_ms - 1_000), fault)
            self.faults.append(fault.__name__)

    def _weather(self) -> None:
        chance = self.world.chance
        self.network.weather = Weather(
            loss=chance.uniform(0, 0.3),
            repeat=chance.uniform(0, 0.3),
            delay_ms_max=chance.choice([20, 200, 1_000]),
        )

    def _part(self) -> None:
        """Part the members in two, in both directions or in one, for a while."""
        chance = self.world.chance
        some = set(chance.sample(range(self.count), chance.randint(1, self.count // 2)))
        rest = set(range(self.count)) - some
        links = {(a, b) for a in sorted(some) for b in sorted(rest)}
        if chance.random() < 0.6:
            links |= {(b, a) for a, b in links}
        self.network.part(links)
        self.world.after(chance.randint(1_000, 9_000), self._join, frozenset(links))

    def _join(self, links: frozenset[tuple[int, int]]) -> None:
        self.network.cut -= links
        for a, b in sorted(links):
            self.members[b].upon_peer(a, True)

    def _crash(self) -> None:
        chance = self.world.chance
        victims = chance.sample(range(self.count), chance.randint(1, self.count))
        for index in victims:
            self.world.after(chance.randint(0, 300), self.members[index].crash)
            self.world.after(chance.randint(400, 4_000), self._rise, index)

    def _power_cut(self) -> None:
        """Let the power fail while a member signs or sends."""
        chance = self.world.chance
        for index in chance.sample(range(self.count), chance.randint(1, self.count)):
            if chance.random() < 0.4:
                self.members[index].records_until_crash = chance.randint(1, 8)
            else:
                self.members[index].frames_until_crash = chance.randint(1, 20)

    def _pause(self) -> None:
        chance = self.world.chance
        self.members[chance.randrange(self.count)].pause(chance.randint(200, 8_000))

    def _veil(self) -> None:
        """Let the next height's COMMITs of early rounds reach one member only, and cut it off."""
        chance = self.world.chance
        chosen = chance.randrange(self.count)
        height = max((member.height for member in self.members if member.running), default=0) + 1

        def hides(source: int, target: int, frame: Frame) -> bool:
            if source == chosen and self.members[chosen].height >= height:
                return True
            return frame[0] == "qbft" and frame[1] == 0x14 and target != chosen

        self.network.veil = hides
        self.world.after(chance.randint(3_000, 12_000), self._lift_veil)

    def _lift_veil(self) -> None:
        self.network.veil = None

    def _send_transactions(self) -> None:
        """Keep the pools busy, mostly."""
        chance = self.world.chance
        if self.sent == len(self.traffic):
            return
        raw = self.traffic[self.sent]
        self.sent += 1
        heard = chance.sample(range(self.count), chance.randint(1, self.count))
        for index in heard:
            self.members[index].add_transaction(raw)
        self.world.after(chance.choice([200, 700, 1_500]), self._send_transactions)


def _bytes_of(frame: Frame) -> bytes:
    return frame[2] if frame[0] == "qbft" else repr(frame[1:2]).encode()


def tell(seed: int) -> Report:
    """Tell the story of a seed."""
    story = Story(seed)
    with sealed_by(story.recover):
        return story.tell()
