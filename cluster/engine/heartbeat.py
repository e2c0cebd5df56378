"""Whether the engine still lives, judged by its heartbeat. Pure: the clock comes in as `now`.

A process can hang without ending (SIGSTOP, a stuck system call). The heartbeat of the state page tells, but
only a watcher that was itself scheduled on time may conclude anything: on a machine that stood still for a
second every heartbeat is a second old, and killing the engine would make things worse. A watcher that comes
late therefore gives the engine another limit to beat.
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
ON_TIME = Nanoseconds(50 * _MILLISECOND)
"""A watcher that comes later than this was not scheduled on time."""


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
        lost, late = False, now - self.due > ON_TIME
        if beat is not None and beat != self._beat:
            self._beat = beat
            self._until = Nanoseconds(beat + limit)
        elif now >= self._until:
            lost = not late
            self._until = Nanoseconds(now + (FIRST_BEAT if lost else limit))
        first = self._beat is None
        self.due = min(self._until, Nanoseconds(now + FIRST_LOOKS)) if first else max(self._until, now)
        return lost
