"""The log of the shell host: one line a message on standard error, in the form clusterd uses too."""

from __future__ import annotations

import logging
import os
from logging.handlers import SysLogHandler
from pathlib import Path

_SYSLOG = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}


class LineFormatter(logging.Formatter):
    """``LEVEL utmcli[pid]: text``; under the journal with the priority it understands (sd-daemon(3))."""

    def __init__(self, *, journal: bool) -> None:
        super().__init__(f"%(levelname)s utmcli[{os.getpid()}]: %(message)s")
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        """One record; the journal takes every line for a message of its own."""
        text = super().format(record)
        if not self._journal:
            return text
        mark = f"<{_SYSLOG.get(record.levelname, 6)}>"
        return "\n".join(mark + line for line in text.split("\n"))


def set_up() -> None:
    """Send everything from INFO upwards to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter(journal="JOURNAL_STREAM" in os.environ))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def to_syslog() -> None:
    """Keep the user's terminal clean: a command that runs in its own process logs to syslog, if there is one."""
    device = Path("/dev/log")
    handler = SysLogHandler(str(device)) if device.is_socket() else logging.NullHandler()
    handler.setFormatter(LineFormatter(journal=False))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
