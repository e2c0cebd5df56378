"""The audit of this node: who typed what, from where, and what came of it; kept on disk, and sent to syslog.

Lines come from the shell host, which covers secrets before anything leaves it, and from clusterd's own socket where
it refuses somebody.
"""

from __future__ import annotations

import os
import socket
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from cluster.journal import Journal
from cluster.rpc.messages import Audited

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cluster.rpc.messages import Actor, Ask

CAPACITY = 10_000
"""Lines kept at least."""
LOGIN = "(login)"
NOT_AUTHORISED = 4
"""The exit code of what was refused."""
SYSLOG = "/dev/log"
_AUTHPRIV_INFO = 10 * 8 + 6
"""Facility and severity (RFC 5424 section 6.2.1): only root reads it, and it is no fault."""


class AuditLog:
    """What administrators did on this node.

    Args:
        path: of the journal; made when missing.
        syslog: where the system's log listens, if it does.

    Raises:
        ClusterError: the journal is there but cannot be read.
    """

    def __init__(self, path: Path, syslog: str = SYSLOG) -> None:
        self._journal = Journal(path, Audited, CAPACITY)
        self._number = self._journal.lines[-1].number if self._journal.lines else 0
        self._syslog = _Syslog(syslog)

    def note(self, commands: Iterable[Audited]) -> None:
        """Keep lines, which get their numbers here."""
        numbered = [msgspec.structs.replace(line, number=self._next()) for line in commands]
        self._journal.append(numbered)
        for line in numbered:
            self._syslog.send(_sentence(line))

    def refused(self, ask: Ask, actor: Actor) -> None:
        """Keep that clusterd refused a request because of its role, whatever the shell host made of it."""
        line = f"(refused {type(ask).__name__})"
        self.note([
            Audited(
                at=time.time(), user=actor.user[:64], source=actor.source[:128], session="clusterd", line=line,
                code=NOT_AUTHORISED, duration=0.0,
            )
        ])  # fmt: skip

    def last(self, limit: int, user: str = "", *, failed: bool = False) -> tuple[Audited, ...]:
        """The newest lines, oldest of them first.

        Args:
            limit: how many at most.
            user: only this account's; empty: everybody's.
            failed: only what did not end with exit code 0.
        """
        fitting = (line for line in self._journal.lines if user in {"", line.user} and (line.code or not failed))
        return tuple(deque(fitting, maxlen=max(0, limit)))

    def last_login(self, user: str) -> tuple[Audited, ...]:
        """The newest login of an account, if it is still known."""
        logins = (line for line in reversed(self._journal.lines) if line.user == user and line.line == LOGIN)
        return tuple(line for line in [next(logins, None)] if line)

    def _next(self) -> int:
        self._number += 1
        return self._number


def _sentence(line: Audited) -> str:
    """A line for syslog: one fact after the other, the command last since it may hold anything."""
    command = "".join(character if character.isprintable() else " " for character in line.line)
    return (
        f"audit: user={line.user} source={line.source!r} session={line.session} code={line.code} "
        f"duration={line.duration:.3f} command={command}"
    )


class _Syslog:
    """The system's log, where there is one: never waited for, since the audit on disk is the one that counts."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def send(self, text: str) -> None:
        message = f"<{_AUTHPRIV_INFO}>clusterd[{os.getpid()}]: {text}".encode("utf-8", "replace")
        with suppress(OSError):  # there is none, it is restarted just now, or it does not keep up
            self._socket.sendto(message, self._address)
