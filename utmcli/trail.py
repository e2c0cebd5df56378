"""The trail of what was typed: on its way to clusterd's audit, without anybody waiting for it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from cluster.errors import ClusterError, UnreachableError
from cluster.rpc.messages import Actor, Audited, NoteCommands
from utmcli.commands import GRAMMAR
from utmcli.parser import without_secrets

if TYPE_CHECKING:
    from utmcli.link import Link

_LOG = logging.getLogger("utmcli")

KEPT = 2000
"""Lines that wait for a clusterd that is away; more, and the oldest are counted instead."""
BATCH = 200
"""Lines of one message."""
_LONGEST = 4096
_GATHER = 0.05
"""Seconds that lines gather before they are handed over together, while the answer of the command is on its way."""
_AGAIN = 1.0
"""Seconds until clusterd is asked again after it did not answer."""
_PATIENCE = 10.0
_HOST = Actor(user="shell host", source="shell host", role="readonly")


class Trail:
    """Collects lines and hands them to clusterd, in order.

    Args:
        link: to clusterd.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._lines: deque[Audited] = deque()
        self._lost = 0
        self._hurry = asyncio.Event()
        self._tried = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None

    def note(self, actor: Actor, session: str, line: str, code: int, began: float) -> None:
        """Keep a line with what came of it.

        Args:
            actor: who typed it.
            session: which of theirs.
            line: as typed; its secrets are covered here, without a trace of their length.
            code: the exit code.
            began: when, by `time.time`.
        """
        if len(self._lines) >= KEPT:
            self._lines.popleft()
            self._lost += 1
        covered = without_secrets(GRAMMAR, line)[:_LONGEST]
        self._lines.append(
            Audited(
                at=began,
                user=actor.user[:64],
                source=actor.source[:128],
                session=session,
                line=covered.encode("utf-8", "backslashreplace").decode(),  # bytes of another encoding are seen
                code=code,
                duration=max(0.0, time.time() - began),
            )
        )
        self._tried.clear()
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._hand_over())

    async def flush(self) -> None:
        """Hand over what is there now; wait until clusterd has it or is away, for who looks at the audit next."""
        self._hurry.set()
        if self._worker is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await self._tried.wait()

    async def close(self, patience: float) -> None:
        """Hand over what is left, within so many seconds."""
        self._hurry.set()
        if self._worker is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await asyncio.wait((self._worker,))
            self._worker.cancel()
        if self._lines:
            _LOG.warning("%d lines did not reach the audit", len(self._lines))

    async def _hand_over(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_GATHER):
                await self._hurry.wait()
        self._hurry.clear()
        while self._lines:
            batch = [self._lines[at] for at in range(min(BATCH, len(self._lines)))]
            if self._lost:
                batch.insert(0, self._gap(batch[0]))
            try:
                await self._link.ask(NoteCommands(tuple(batch)), _HOST, _PATIENCE)
            except UnreachableError:
                self._tried.set()
                await asyncio.sleep(_AGAIN)
                continue
            except ClusterError as error:
                _LOG.error("clusterd does not take %d lines into its audit: %s", len(batch), error.message)
            self._lost = 0
            taken = set(map(id, batch))
            while self._lines and id(self._lines[0]) in taken:
                self._lines.popleft()
        self._tried.set()

    def _gap(self, first: Audited) -> Audited:
        line = f"({self._lost} lines before this one were lost: clusterd was away for too long)"
        return Audited(
            at=first.at, user=_HOST.user, source=_HOST.source, session="", line=line, code=1, duration=0.0
        )
