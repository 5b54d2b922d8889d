"""Links between members: they lose, delay, repeat and reorder frames, and part in one direction.

A frame is a tuple whose first item is its kind: ("qbft", code, bytes), ("head", number),
("ask", request, first, count), ("blocks", request, blocks), ("hello",).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.sim.world import World

Frame = tuple[Any, ...]
Deliver = Callable[[int, int, Frame], None]
Veil = Callable[[int, int, Frame], bool]


@dataclass(slots=True)
class Weather:
    """How bad all links are at present."""

    loss: float = 0.0
    repeat: float = 0.0
    delay_ms_min: int = 1
    delay_ms_max: int = 20


class Network:
    """Who hears what, and when."""

    def __init__(self, world: World, deliver: Deliver) -> None:
        self._world = world
        self._deliver = deliver
        self.weather = Weather()
        self.cut: set[tuple[int, int]] = set()
        """Directed links that carry nothing."""
        self.veil: Veil | None = None
        """Where given, hides the frames for which it is true."""

    def send(self, source: int, target: int, frame: Frame) -> None:
        """Send a frame; it may arrive never, late, or twice."""
        weather, chance = self.weather, self._world.chance
        if (source, target) in self.cut or (self.veil and self.veil(source, target, frame)):
            return
        copies = 1
        if weather.loss and chance.random() < weather.loss:
            copies = 0
        if weather.repeat and chance.random() < weather.repeat:
            copies += 1
        for _ in range(copies):
            delay_ms = chance.randint(weather.delay_ms_min, weather.delay_ms_max)
            self._world.after(delay_ms, self._deliver, source, target, frame)

    def part(self, links: set[tuple[int, int]]) -> None:
        """Cut directed links."""
        self.cut |= links

    def heal(self) -> None:
        """Make every link whole and quick."""
        self.cut.clear()
        self.veil = None
        self.weather = Weather()
