"""The HA segments: switches with cables, weather and partitions.

Everybody on a segment is a number: 0 and 1 are the two nodes, 2 is the stranger. A frame passes when both cables
are plugged, nobody cut this direction, and the weather lets it; delays are drawn per copy, so frames overtake
each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

STRANGER = 2


class Weather:
    """What happens to frames on one segment: probabilities of loss and duplication, delays in nanoseconds."""

    __slots__ = ("duplication", "jitter", "latency", "loss")

    def __init__(self, latency: int, jitter: int) -> None:
        self.loss = 0.0
        self.duplication = 0.0
        self.latency = latency
        self.jitter = jitter


class Segment:
    """One HA network: `LAN1`, ...

    Attributes:
        cut: directions (from, to) in which nothing passes.
        unplugged: who has no link here.
        calm: weather of a healthy segment.
        weather: what it is now.
    """

    __slots__ = ("calm", "cut", "name", "unplugged", "weather")

    def __init__(self, name: str, calm: Weather) -> None:
        self.name = name
        self.calm = calm
        self.weather = calm
        self.cut: set[tuple[int, int]] = set()
        self.unplugged: set[int] = set()

    def carries(self, sender: int, receiver: int) -> bool:
        """Whether every frame passes in this direction, with its ordinary delay."""
        return (
            self.weather is self.calm
            and (sender, receiver) not in self.cut
            and sender not in self.unplugged
            and receiver not in self.unplugged
        )

    def delays(self, sender: int, receiver: int, rng: Random) -> list[int]:
        """The delay of every copy of a frame that arrives, none if it is lost."""
        if (sender, receiver) in self.cut or sender in self.unplugged or receiver in self.unplugged:
            return []
        weather = self.weather
        if weather is self.calm:
            return [weather.latency + int(rng.random() * weather.jitter)]
        copies = 2 if rng.random() < weather.duplication else 1
        return [
            weather.latency + int(rng.random() * weather.jitter)
            for _ in range(copies)
            if rng.random() >= weather.loss
        ]
