"""The next engine, ready before it is needed: what an engine is started from when there is no time to import it.

The heir (`cluster/heir.py`) is a process with an engine's privileges that has imported everything and waits. It
costs memory (some 6 MiB of PSS) and no time; without it a restart takes longer than a partner waits that expects an
advert every 10 ms. Where there is none, or it died, an engine is started from the beginning, as the first one is.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from cluster.process.spawn import spawn

if TYPE_CHECKING:
    from cluster.process.spawn import Command

ENGINE, HEIR = "cluster.vrrp", "cluster.heir"
_ABOVE = 300
"""Where the heir's end gets its number from: out of the way of the one it has there."""


class Succession:
    """Engines, one after the other, and the heir of the present one.

    Args:
        command: the engine.
    """

    def __init__(self, command: Command) -> None:
        # At its leisure: what it imports shall not keep the engine that runs from its adverts.
        argv = tuple(HEIR if word == ENGINE else word for word in command.argv)
        self._command = command._replace(argv=argv, real_time=0)
        self._heir: int | None = None
        self._word: socket.socket | None = None

    @property
    def heir(self) -> int | None:
        """The pid of the one that waits, or did when it was last needed."""
        return self._heir

    def prepare(self) -> None:
        """Let an heir wait, unless one does.

        Raises:
            OSError: it cannot be started.
        """
        if self._word is not None:
            return
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            above = fcntl.fcntl(theirs, fcntl.F_DUPFD_CLOEXEC, _ABOVE)
            try:
                self._heir = spawn(self._command._replace(handles=(above,)))
            except OSError:
                ours.close()
                raise
            finally:
                os.close(above)
        self._word = ours

    def start(self, command: Command) -> int:
        """Start an engine: the heir where there is one.

        Args:
            command: the engine, with the descriptors it is given.

        Returns:
            Its pid.

        Raises:
            OSError: it cannot be started.
        """
        heir, word = self._heir, self._word
        if heir is None or word is None:
            return spawn(command)
        with word:
            self._heir = self._word = None
            try:
                with suppress(PermissionError):  # as everybody else, then, as `spawn` has it
                    os.sched_setscheduler(heir, os.SCHED_RR, os.sched_param(command.real_time))
                socket.send_fds(word, [b"!"], list(command.handles))
            except OSError:
                _end(heir)
                return spawn(command)
        return heir

    def dismiss(self) -> None:
        """Let nobody wait any longer."""
        if self._heir is not None:
            _end(self._heir)
        if self._word is not None:
            self._word.close()
        self._heir = self._word = None


def _end(pid: int) -> None:
    """End a child of ours and collect its status."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)
