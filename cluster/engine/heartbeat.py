"""Whether the engine still lives, judged by its heartbeat. Pure: the clock comes in as `now`.

A process can hang without ending (SIGSTOP, a stuck system call). The heartbeat of the state page tells, but time
in which the watcher itself was not running tells nothing: on a machine that stood still for a second every
heartbeat is a second old, and killing the engine would make things worse. So a look that comes late puts the
verdict off by as much, and between the first doubt and the verdict there are several looks: an engine that was held
up with the watcher beats again meanwhile.
"""

from __future__ import annotations

from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds

_MILLISECOND = NANOSECONDS_PER_SECOND // 1000

LIMIT = Nanoseconds(400 * _MILLISECOND)
"""With the default timers an older heartbeat is a lost one; the engine beats every 260 ms. The partner waits 752 ms
after our last advert: of those, 250 ms may have passed at the last beat, and kill and restart take some 40. Beats
and patience grow with the advert interval, and up to one second the limit with them (`cluster/vrrp/page.py`)."""
FIRST_BEAT = Nanoseconds(2 * NANOSECONDS_PER_SECOND)
"""How long a process may take until it writes the page at all."""
FIRST_LOOKS = Nanoseconds(20 * _MILLISECOND)
"""Between two looks until then."""
DOUBT = Nanoseconds(40 * _MILLISECOND)
"""The last part of the limit, of which every moment counts only if the watcher was running."""
LOOKS = Nanoseconds(10 * _MILLISECOND)
"""Between two looks in doubt."""


class HeartbeatWatch:
    """Judges one engine process; another process needs another watch.

    Args:
        now: instant of the process's start or adoption.
    """

    def __init__(self, now: Nanoseconds) -> None:
        self._until = Nanoseconds(now + FIRST_BEAT)
        self._beat: Nanoseconds | None = None
        self.due = now

    def look(self, beat: Nanoseconds | None, now: Nanoseconds, limit: Nanoseconds = LIMIT) -> bool:
        """Take note of the page's heartbeat; to be called when `due` has come, and whenever it is convenient.

        Args:
            beat: instant of the heartbeat on the page, None while this process has not written one.
            now: instant of this look.
            limit: the age at which a heartbeat counts as lost (`Snapshot.beat_limit`).

        Returns:
            Whether the process is lost and has to be killed.
        """
        lost = False
        if beat is not None and beat != self._beat:
            self._beat = beat
            self._until = Nanoseconds(max(beat + limit, now + DOUBT))
        else:
            self._until = Nanoseconds(self._until + max(0, now - self.due))
            lost = now >= self._until
        if lost:
            self._until = Nanoseconds(now + FIRST_BEAT)
        self.due = self._next(now)
        return lost

    def _next(self, now: Nanoseconds) -> Nanoseconds:
        """When to look again: more often while there is doubt."""
        if self._beat is None:
            return min(self._until, Nanoseconds(now + FIRST_LOOKS))
        return Nanoseconds(max(self._until - DOUBT, min(self._until, now + LOOKS)))
