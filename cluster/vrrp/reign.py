"""What a master does about others it hears: yield to the better, answer the worse, distrust the deaf.

The election asks for a judgement of every advert heard as master, carries out its effects, and yields if it says
so; see the package for the rules.
"""

from __future__ import annotations

from _operator import add
from typing import TYPE_CHECKING, NamedTuple, cast

from cluster.units import NANOSECONDS_PER_SECOND, Centiseconds, Nanoseconds, Priority
from cluster.vrrp import words
from cluster.vrrp.events import Advertise, AdvertiseEverywhere, Announce, Effect, Noted
from cluster.vrrp.handover import HOLD
from cluster.vrrp.priority import FAREWELL, NEVER, master_down_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from cluster.vrrp.paths import Hearing, Path

REPEAT_ANNOUNCEMENTS = 5 * NANOSECONDS_PER_SECOND
"""After taking the role, for neighbours that missed the first ones."""

_later = cast("Callable[[Nanoseconds, Nanoseconds], Nanoseconds]", add)
"""A plain number, as the clock gives it: an idle master makes no other object of each beat (clock.py)."""


class Judgement(NamedTuple):
    """What to do about an advert.

    Attributes:
        effects: to carry out.
        yields: why to give the role to its sender, or empty.
        deaf: the sender is worse and does not hear us.
    """

    effects: tuple[Effect, ...] = ()
    yields: str = ""
    deaf: bool = False


class Reign:
    """The time of a node as master.

    Attributes:
        next_advert: when the next regular advert is due.
        repeat_at: when the announcements are repeated.
    """

    def __init__(self) -> None:
        self.next_advert = NEVER
        self.repeat_at = NEVER
        self._interval = Nanoseconds(0)
        self._said = AdvertiseEverywhere(FAREWELL)
        self._beats = 0

    def begin(self, now: Nanoseconds) -> None:
        """The role was taken just now."""
        self.repeat_at = Nanoseconds(now + REPEAT_ANNOUNCEMENTS)

    def end(self, paths: Collection[Path]) -> None:
        """The role is gone, and with it every answer that was still to be given."""
        for path in paths:
            path.forget_rivals()

    # --- what is sent ---------------------------------------------------------------------------------

    def advertise(self, priority: Priority, interval: Centiseconds, now: Nanoseconds) -> list[Effect]:
        """Advertise everywhere, out of turn, and count the interval from here.

        Whatever changes priority or interval of a master calls this, so `beat` may say the same again.
        """
        self._interval = interval.nanoseconds
        self._said = AdvertiseEverywhere(priority)
        self.next_advert = now
        return self.beat(now)

    def beat(self, now: Nanoseconds) -> list[Effect]:
        """The regular adverts, if they are due; they keep their beat when a timer is a little late."""
        if self.next_advert > now:
            return []
        on_the_beat = _later(self.next_advert, self._interval)
        self.next_advert = on_the_beat if on_the_beat > now else _later(now, self._interval)
        self._beats += 1
        return [self._said]

    def fire(self, paths: Collection[Path], now: Nanoseconds) -> list[Effect]:
        """What is due."""
        effects: list[Effect] = []
        if self.repeat_at <= now:
            self.repeat_at = NEVER
            effects += announce(paths)
        return effects + self.beat(now)

    # --- what is heard ----------------------------------------------------------------------------------

    def judge(
        self,
        path: Path,
        hearing: Hearing,
        paths: Collection[Path],
        *,
        own: Priority,
        interval: Centiseconds,
        hears_us: Collection[str],
        leaving: bool,
        now: Nanoseconds,
    ) -> Judgement:
        """Judge an advert.

        Args:
            path: where it came in.
            hearing: what it said.
            paths: all HA interfaces.
            own: our effective priority.
            interval: between our adverts.
            hears_us: where the partner says over the hotwire that it does.
            leaving: we hand over, and an equal will do.
            now: the present instant.
        """
        if hearing.priority == FAREWELL:
            return self._answer_farewell(path, own, now)
        if hearing.priority > own or (leaving and hearing.priority == own):
            return Judgement(yields=words.better(hearing, own, paths))
        run = path.meet_rival(hearing, now)
        patience = master_down_interval(own, interval)
        if hearing.priority == own:
            lower = [other for other in paths if other.interface.vrid < path.interface.vrid]
            if any(other.hears_equal(own, now) and not other.unheard(now, patience) for other in lower):
                return Judgement()
            if path.interface.source < hearing.source:
                # Let the lower ones have their say first.
                late = run >= interval.nanoseconds or not lower
                return Judgement(yields=words.tie(hearing, path) if late else "")
        # A worse one that hears us anywhere yields; an equal one only where we hear each other.
        heard = path.interface.name in hears_us if hearing.priority == own else bool(hears_us)
        if run >= patience and not heard:
            return Judgement(yields=words.unheard(hearing, path, run), deaf=True)
        return self._answer(path, hearing, own, run, now)

    def _answer(
        self, path: Path, hearing: Hearing, own: Priority, run: Nanoseconds, now: Nanoseconds
    ) -> Judgement:
        """Tell a master no better than ourselves that we are here, once between two regular adverts."""
        name = path.interface.name
        effects: list[Effect] = []
        # What a slow master said before it heard us comes once; who goes on is another one.
        if run >= HOLD and not path.rival_told:
            path.rival_told = True
            effects.append(Noted("two-masters", name, words.rival(hearing, own)))
        if path.answered != self._beats:
            path.answered = self._beats
            effects.append(Advertise(name, own))
        return Judgement((*effects, *burst(path, now)))

    def _answer_farewell(self, path: Path, own: Priority, now: Nanoseconds) -> Judgement:
        """The old master removed its addresses; the last ARP reply heard by a client may have been its own."""
        path.end_rivalry()
        if not path.may_answer_farewell(now):
            return Judgement(tuple(burst(path, now)))
        return Judgement((Announce(path.interface.name), Advertise(path.interface.name, own)))


def announce(paths: Collection[Path]) -> list[Effect]:
    """Announce the addresses on every interface."""
    return [Announce(path.interface.name) for path in paths]


def burst(path: Path, now: Nanoseconds) -> list[Effect]:
    """Announce on one interface, at once or when the last burst is a second old."""
    return [Announce(path.interface.name)] if path.may_burst(now) else []
