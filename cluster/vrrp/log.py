"""Lines on standard error in the form all daemons of this project share: ``LEVEL name[pid]: text``."""

from __future__ import annotations

import os
from select import select

_STDERR = 2
_LONGEST = 1024
"""Below PIPE_BUF: a pipe that is writable at all takes such a line without blocking."""


class Log:
    """Writes lines, and never waits for the reader: an engine blocked by a full pipe would lose its role."""

    def __init__(self) -> None:
        self._prefix = f"vrrp[{os.getpid()}]: "
        self._lost = 0

    def info(self, text: str) -> None:
        """Something happened as it should."""
        self._line("INFO", text)

    def warning(self, text: str) -> None:
        """Something an administrator should look at."""
        self._line("WARNING", text)

    def error(self, text: str) -> None:
        """Something does not work."""
        self._line("ERROR", text)

    def _line(self, level: str, text: str) -> None:
        if self._lost:
            text = f"{text} ({self._lost} earlier lines were lost: nobody read them)"
        line = f"{level} {self._prefix}{text}".encode("utf-8", "replace")[:_LONGEST].replace(b"\n", b" ") + b"\n"
        try:
            if select((), (_STDERR,), (), 0)[1]:
                os.write(_STDERR, line)
                self._lost = 0
                return
        except (OSError, ValueError):
            # The reader is gone, or standard error was never open; the events are on the control socket too.
            self._lost += 1
            return
        self._lost += 1
