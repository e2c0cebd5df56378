"""What a backup goes by: is there a master, is it worse than we are, and when do we take its place?

The election keeps one vigil for its whole life, because what was heard as master still counts as backup; see
the package for the rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds
from cluster.vrrp import words
from cluster.vrrp.priority import FAREWELL, NEVER, RANK_HANDED_OVER, master_down_interval, rank_of, skew
from cluster.vrrp.refrain import Refrain

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from cluster.units import Centiseconds, Priority
    from cluster.vrrp.events import Heard, Settings
    from cluster.vrrp.paths import Hearing, Path, Paths

ONE_WAY_BAR = 300 * NANOSECONDS_PER_SECOND
"""How long a master that was not heard does not preempt."""


class Vigil:
    """The watch a backup keeps over the master.

    Attributes:
        newest: the newest advert of all, which speaks for the partner everywhere.
        refrain: what the master repeats.
        resynchronised: this node knows the master's connections.
        barred_until: no preemption before this, because the partner did not hear us.
    """

    def __init__(self) -> None:
        self.newest: Hearing | None = None
        self.refrain = Refrain()
        self._word: Priority | None = None
        self.resynchronised = False
        self.barred_until = NEVER
        self._silent_since = Nanoseconds(0)
        self._challenge_since: Nanoseconds | None = None
        self._links_gone_at: Nanoseconds | None = None
        self._links_said_gone = False

    def begin(self, now: Nanoseconds) -> None:
        """This node became backup: silence counts from here."""
        self._silent_since = now
        self._challenge_since = None
        self._links_gone_at = None
        # What is heard next deserves a thought, even if it only repeats what was heard as master.
        self._word = None
        self.refrain.forget()

    def bar(self, now: Nanoseconds) -> None:
        """This node yielded because it was not heard."""
        self.barred_until = Nanoseconds(now + ONE_WAY_BAR)

    def heard(self, hearing: Hearing, paths: Paths) -> bool:
        """An advert came in on any interface.

        Returns:
            Whether it is a reason to reconsider. It is none when it only repeats the last word of all, and nobody
            else was heard whose falling silent could be one.
        """
        self.refrain.forget()
        before, self._word = self._word, hearing.priority
        self.newest = hearing
        if hearing.priority != FAREWELL:
            self._links_gone_at = None
        return before != hearing.priority or bool(paths.crowded)

    def heard_together(self, adverts: tuple[Heard, ...], paths: Paths, now: Nanoseconds) -> None:
        """All of these were `heard` just now, the last of them last."""
        if self._word is not None:
            self.refrain.learn(adverts, paths, now)

    def links_gone(self, gone: bool, now: Nanoseconds) -> None:
        """The partner states over the hotwire whether its HA links are gone.

        Only the first statement counts, until it is taken back: if somebody is heard after it, repeating it does
        not make it truer.
        """
        if not gone:
            self._links_gone_at = None
        elif not self._links_said_gone:
            self._links_gone_at = now
            self.refrain.forget()  # who is heard again is not gone
        self._links_said_gone = gone

    def interval(self, settings: Settings) -> Centiseconds:
        """The interval in force: the master's, once it was heard (RFC 9568 section 6.4.2)."""
        return settings.advert_interval if self.newest is None else self.newest.interval

    # --- shall we take its place? -------------------------------------------------------------------

    def handed_back(self, paths: Paths, now: Nanoseconds) -> bool:
        """Whether the partner, whom we handed the role, hands it back."""
        rival = self._rival(paths, now)
        return rival is not None and rank_of(rival.priority) == RANK_HANDED_OVER

    def reconsider(self, claim: Priority, paths: Paths, now: Nanoseconds) -> None:
        """Whether there is a challenge to carry out, and since when.

        Args:
            claim: our priority, pending losses included.
            paths: the HA interfaces.
            now: the present instant.
        """
        rival = self._rival(paths, now)
        wins = rival is not None and (
            rival.priority == FAREWELL or (self.barred_until == NEVER and claim > rival.priority)
        )
        if not wins:
            self._challenge_since = None
        elif self._challenge_since is None:
            self._challenge_since = now

    def _rival(self, paths: Paths, now: Nanoseconds) -> Hearing | None:
        """The best claim that counts: the newest word of all, or somebody who stands alone."""
        rival = self.newest
        if rival is None or rival.silent(now):
            return None
        for hearing in _standing_alone(paths, now):
            if hearing.priority > rival.priority:
                rival = hearing
        return rival

    # --- when? ------------------------------------------------------------------------------------------

    def due(self, priority: Priority, settings: Settings, paths: Paths) -> Nanoseconds:
        """When this node becomes master if nothing more is heard.

        Args:
            priority: our effective priority.
            settings: for the limit on resynchronisation, and the interval if no master was heard.
            paths: the HA interfaces.
        """
        return min(self.silence_due(priority, settings, paths), self.due_besides(priority, settings, paths))

    def due_besides(self, priority: Priority, settings: Settings, paths: Paths) -> Nanoseconds:
        """As `due`, but for silence: hearing the same again does not move it."""
        due = NEVER
        if self._links_gone_at is not None and any(path.up for path in paths.values()):
            due = Nanoseconds(self._links_gone_at + skew(priority, self.interval(settings)))
        if self._challenge_since is not None:
            due = min(due, self._challenge_due(self._challenge_since, priority, settings))
        return due

    def silence_due(self, priority: Priority, settings: Settings, paths: Paths) -> Nanoseconds:
        """When the master has been silent for too long."""
        patience = master_down_interval(priority, self.interval(settings))
        due = self._silent_since + patience
        if self.newest is not None:
            due = max(due, self.newest.at + patience)
            for hearing in _standing_alone(paths, self.newest.at):
                due = max(due, hearing.at + master_down_interval(priority, hearing.interval))
        return Nanoseconds(due)

    def _challenge_due(self, since: Nanoseconds, priority: Priority, settings: Settings) -> Nanoseconds:
        due = Nanoseconds(since + skew(priority, self.interval(settings)))
        if self.resynchronised or (self.newest is not None and self.newest.priority == FAREWELL):
            return due
        return max(due, Nanoseconds(since + settings.resync_limit.nanoseconds))

    # --- why? -------------------------------------------------------------------------------------------

    def take(
        self, priority: Priority, claim: Priority, settings: Settings, everywhere: Paths, now: Nanoseconds
    ) -> str:
        """End the vigil, because `due` has come; returns the cause as a sentence."""
        paths = everywhere.values()
        newest, since, gone = self.newest, self._challenge_since, self._links_gone_at
        self._challenge_since = self._links_gone_at = None
        self.barred_until = NEVER
        if newest is not None and since is not None and now >= self._challenge_due(since, priority, settings):
            _overrule(priority, paths)
            if newest.priority == FAREWELL:
                return words.farewell(newest)
            return words.preemption(newest, claim, paths)
        if gone is not None and any(path.up for path in paths):
            return "the partner says over the hotwire that all its HA interfaces are gone"
        heard = self._silent_since if newest is None else max(newest.at, self._silent_since)
        return words.silence(now, heard, paths, newest)

    def explanation(self, now: Nanoseconds) -> Iterator[str]:
        """Whom we heard last, and what keeps us from taking its place, one sentence each."""
        yield words.partner(self.newest, now)
        if self.barred_until < NEVER:
            yield (
                "the partner did not hear us: no preemption until the hotwire says that it does, or for "
                f"{words.seconds(self.barred_until - now)}"
            )
        if self._challenge_since is not None and not self.resynchronised:
            yield "this node waits for its connections to be resynchronised before it takes the role"


def _standing_alone(paths: Paths, now: Nanoseconds) -> Iterator[Hearing]:
    for path in paths.crowded.values():
        for hearing in path.hearings.values():
            if hearing.stands_alone and not hearing.silent(now):
                yield hearing


def _overrule(priority: Priority, paths: Collection[Path]) -> None:
    """Mark the claims as good as ours that we take for old words of the partner."""
    for path in paths:
        for hearing in path.hearings.values():
            if hearing.priority >= priority:
                hearing.overruled = True
