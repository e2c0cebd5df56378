"""A process by pid and start time.

A pid alone may belong to somebody else by the time it is used; a pid that started at a recorded tick cannot.
"""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path
from typing import NamedTuple


class Identity(NamedTuple):
    """One process, for as long as it lives.

    Attributes:
        pid: its number in our process namespace.
        start: clock ticks from boot to its start (proc(5), field 22 of stat).
    """

    pid: int
    start: int

    @classmethod
    def of(cls, pid: int) -> Identity:
        """Who has this pid now.

        Raises:
            ProcessLookupError: nobody.
        """
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError) as error:
            raise ProcessLookupError(f"no process has the pid {pid}") from error
        # The second field is the program's name in parentheses and may itself contain blanks and parentheses.
        fields = stat[stat.rindex(")") + 2 :].split()
        if fields[0] in "ZX":
            raise ProcessLookupError(f"process {pid} has ended")
        return cls(pid, int(fields[19]))

    def open(self) -> int:
        """A pidfd of exactly this process; the caller closes it.

        Raises:
            ProcessLookupError: it has ended.
        """
        pidfd = os.pidfd_open(self.pid)
        # Asked after opening: from here on the descriptor cannot come to mean another process.
        if not self.alive:
            os.close(pidfd)
            raise ProcessLookupError(f"process {self.pid} has ended")
        return pidfd

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        try:
            return Identity.of(self.pid) == self
        except ProcessLookupError:
            return False

    def ended(self, patience: float) -> bool:
        """Wait for its end, for so many seconds at most; whether it came."""
        try:
            pidfd = self.open()
        except ProcessLookupError:
            return True
        try:
            return _readable(pidfd, patience)
        finally:
            os.close(pidfd)

    def end(self, number: signal.Signals, patience: float) -> bool:
        """Send a signal and wait for the end.

        Args:
            number: what to send.
            patience: how long to wait, in seconds.

        Returns:
            Whether it has ended (also if it had before).
        """
        try:
            pidfd = self.open()
        except ProcessLookupError:
            return True
        try:
            signal.pidfd_send_signal(pidfd, number)
            return _readable(pidfd, patience)
        except ProcessLookupError:
            return True
        finally:
            os.close(pidfd)


def _readable(pidfd: int, patience: float) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(patience * 1000))
