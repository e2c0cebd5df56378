"""Saying a thing once per source and minute, however often it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.units import Nanoseconds, Seconds

if TYPE_CHECKING:
    from collections.abc import Hashable

EVERY = Seconds(60)
CAPACITY = 16
"""Few: an attacker who invents sources shall not push the causes of role changes out of the list of events."""


class RateLimit:
    """Admits each key once per interval and counts what it held back.

    Its memory is bounded: an attacker may invent any number of source addresses. While `capacity` keys are
    held, all further ones share a single place.

    Args:
        every: the interval.
        capacity: how many keys are told apart.
    """

    __slots__ = ("_capacity", "_every", "_held")

    def __init__(self, every: Seconds = EVERY, capacity: int = CAPACITY) -> None:
        self._every = every.nanoseconds
        self._capacity = capacity
        self._held: dict[Hashable, tuple[int, int]] = {}

    def admit(self, key: Hashable, now: Nanoseconds) -> int | None:
        """Whether to speak now.

        Args:
            key: what must not be repeated, e.g. source address and reason.
            now: monotonic clock.

        Returns:
            None to be silent; otherwise how many were held back since the last time, 0 or more.
        """
        if key not in self._held and len(self._held) >= self._capacity:
            self._expire(now)
            if len(self._held) >= self._capacity:
                key = None
        spoken, held_back = self._held.get(key, (None, 0))
        if spoken is not None and now - spoken < self._every:
            self._held[key] = (spoken, held_back + 1)
            return None
        self._held[key] = (now, 0)
        return held_back

    def _expire(self, now: Nanoseconds) -> None:
        self._held = {key: held for key, held in self._held.items() if now - held[0] < self._every}
