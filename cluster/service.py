"""clusterd as a service: its one log format, and the word to systemd that it is ready.

The log is ``LEVEL clusterd[pid]: text`` on standard error. Under journald (JOURNAL_STREAM is set) the level
goes in front as ``<N>``, which sd-daemon(3) defines.
"""

from __future__ import annotations

import logging
import os
import socket

_SYSLOG = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


class _Line(logging.Formatter):
    def __init__(self, *, journal: bool) -> None:
        super().__init__(f"%(levelname)s clusterd[{os.getpid()}]: %(message)s")
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return f"<{_SYSLOG.get(record.levelno, 6)}>{text}" if self._journal else text


def begin_log() -> logging.Logger:
    """Write the log to standard error from now on; returns clusterd's logger."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Line(journal="JOURNAL_STREAM" in os.environ))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    log = logging.getLogger("clusterd")
    log.setLevel(logging.INFO)
    return log


def say_ready() -> None:
    """Tell systemd, where it waits for us (sd_notify(3), Type=notify-reload or notify)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.connect("\0" + address[1:] if address.startswith("@") else address)
        notify.send(f"READY=1\nMAINPID={os.getpid()}".encode())
