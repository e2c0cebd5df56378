"""Whose question is next: accounts take turns, so that one that asks much keeps the others waiting for one only."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from typing import Any, TypeVar

    Outcome = TypeVar("Outcome")

_LOG = logging.getLogger(__name__)

LONGEST_BRIEF = 0.1
"""Seconds after which a brief turn ends: whatever takes longer waits for something else than the processor."""


class Turns:
    """A number of turns at once; who waits is served account by account, each account's own in order.

    Args:
        at_once: turns that are taken at the same time.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._works: set[asyncio.Task[Any]] = set()

    @property
    def waiting(self) -> int:
        """How many wait for a turn."""
        return sum(len(queue) for queue in self._waiting.values())

    @asynccontextmanager
    async def turn(self, account: str) -> AsyncIterator[None]:
        """Wait for a turn, and give it back at the end of the block."""
        await self._take(account)
        try:
            yield
        finally:
            self._next()

    @asynccontextmanager
    async def brief_turn(self, account: str) -> AsyncIterator[None]:
        """As `turn`, for a block that may go on for long: after `LONGEST_BRIEF` it goes on without a turn."""
        await self._take(account)
        given = False

        def give() -> None:
            nonlocal given
            if not given:
                given = True
                self._next()

        timer = asyncio.get_running_loop().call_later(LONGEST_BRIEF, give)
        try:
            yield
        finally:
            timer.cancel()
            give()

    async def finish(self, account: str, work: Callable[[], Coroutine[Any, Any, Outcome]]) -> Outcome:
        """Wait for a turn and do some work in it to the end, also if who wants it goes away meanwhile.

        For what somebody else, once asked, works on all the same: the turn is given back when that is done. Whoever
        goes away while still waiting leaves nothing to do.

        Raises:
            Exception: what the work raises.
        """
        await self._take(account)
        task = asyncio.create_task(work())
        self._works.add(task)
        task.add_done_callback(self._finished)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_told_nobody)
            raise

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._works.discard(task)
        self._next()

    async def _take(self, account: str) -> None:
        if self._free:
            self._free -= 1
        else:
            await self._wait(account)

    async def _wait(self, account: str) -> None:
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(account, deque()).append(called)
        try:
            await called
        except asyncio.CancelledError:
            if called.done() and not called.cancelled():
                self._next()  # it was our turn already
            else:
                self._leave(account, called)
            raise

    def _leave(self, account: str, called: asyncio.Future[None]) -> None:
        queue = self._waiting.get(account)
        if queue is not None and called in queue:
            queue.remove(called)
            if not queue:
                del self._waiting[account]

    def _next(self) -> None:
        while self._waiting:
            account, queue = next(iter(self._waiting.items()))
            called = queue.popleft()
            if queue:
                self._waiting.move_to_end(account)  # behind the others
            else:
                del self._waiting[account]
            if not called.done():
                called.set_result(None)
                return
        self._free += 1


def _told_nobody(task: asyncio.Task[Any]) -> None:
    """Whoever wanted the work went away: that it could not be done is of no interest, a defect of ours is."""
    if task.cancelled() or (problem := task.exception()) is None or isinstance(problem, ClusterError):
        return
    _LOG.error("work that nobody waits for any more failed", exc_info=problem)
