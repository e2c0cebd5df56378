"""Whether the engine still lives, judged by its heartbeat. Pure: the clock comes in as `now`.

A process can hang without ending (SIGSTOP, a stuck system call). The heartbeat of the state page tells, but
only a watcher that was itself scheduled on time may conclude anything: on a machine that stood still for a
second every heartbeat is a second old, and killing the engine would make things worse. So the watcher's own
lateness since the last beat is taken off the beat's age.
"""

from __future__ import annotations

from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds

INTERVAL = Nanoseconds(NANOSECONDS_PER_SECOND // 20)
"""Between two looks at the page."""
LIMIT = Nanoseconds(350 * NANOSECONDS_PER_SECOND // 1000)
"""An older heartbeat is a lost one. With the default timers the partner waits 753 ms after the last advert:
250 ms of those may have passed when the engine stops, 50 ms until we look, some 30 ms take kill and restart."""

FIRST_BEAT = Nanoseconds(2 * NANOSECONDS_PER_SECOND)
"""How long a process may take until it writes the page at all."""


class HeartbeatWatch:
    """Judges one engine process; a new process needs a new watch.

    Args:
        now: instant of the process's start or adoption; its first beat may take as long as `patience`.
        patience: for the first beat.
    """

    def __init__(self, now: Nanoseconds, patience: Nanoseconds = FIRST_BEAT) -> None:
        self._patience = patience
        self._looked = now
        self._beat = now
        self._late = 0
        self.seen = False

    def look(self, beat: Nanoseconds | None, now: Nanoseconds) -> bool:
        """Take note of the page's heartbeat.

        Args:
            beat: instant of the heartbeat on the page, None while this process has not written one.
            now: instant of this look; looks are due every `INTERVAL`.

        Returns:
            Whether the process is lost and has to be killed.
        """
        self._late += max(0, now - self._looked - INTERVAL)
        self._looked = now
        if beat is not None and (beat != self._beat or not self.seen):
            self.seen = True
            self._beat = beat
            self._late = 0
        limit = LIMIT if self.seen else self._patience
        return now - self._beat - self._late > limit
