"""clusterd as a service: its one log format, and the word to systemd that it is ready.

The log is ``LEVEL clusterd[pid]: text`` on standard error. Where that is the journal's stream (JOURNAL_STREAM,
systemd.exec(5)), each line begins with its level as ``<N>``, which sd-daemon(3) defines.
"""

from __future__ import annotations

import logging
import os
import socket
import sys

_SYSLOG = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


class _Line(logging.Formatter):
    def __init__(self, *, journal: bool) -> None:
        super().__init__(f"%(levelname)s clusterd[{os.getpid()}]: %(message)s")
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        mark = f"<{_SYSLOG.get(record.levelno, 6)}>" if self._journal else ""
        return "\n".join(mark + line for line in text.split("\n"))


def begin_log() -> logging.Logger:
    """Write the log to standard error from now on; harmless when asked twice; returns clusterd's logger."""
    root, log = logging.getLogger(), logging.getLogger("clusterd")
    if not any(isinstance(handler.formatter, _Line) for handler in root.handlers):
        handler = logging.StreamHandler()
        handler.setFormatter(_Line(journal=_is_journal(sys.stderr.fileno())))
        root.addHandler(handler)
        root.setLevel(logging.WARNING)
        log.setLevel(logging.INFO)
    return log


def _is_journal(handle: int) -> bool:
    """JOURNAL_STREAM is inherited by processes whose output goes elsewhere, so it names its stream."""
    stream = os.fstat(handle)
    return os.environ.get("JOURNAL_STREAM") == f"{stream.st_dev}:{stream.st_ino}"


def say_ready() -> None:
    """Tell systemd, where it waits for us (sd_notify(3), Type=notify)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.connect("\0" + address[1:] if address.startswith("@") else address)
        notify.send(f"READY=1\nMAINPID={os.getpid()}".encode())
