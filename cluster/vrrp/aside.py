"""Work that may have to wait, on a thread of its own: the loop never waits for a disk or for the kernel's lock.

Renewing an address takes the lock that the kernel holds for all changes of interfaces, of every network namespace.
Somebody who makes or removes interfaces at the time holds it for tens of milliseconds: measured 54 ms while
namespaces came and went, and the partner took over. A file system that is busy with a commit is no faster.

The thread inherits the engine's real-time scheduling and hardly ever runs: system calls that wait do so without
the interpreter's lock. It is woken at the last moment before the loop falls asleep: while the loop still has that
lock, the thread would run into it at once, and both would pay for the encounter. `_thread` instead of `threading`,
whose import would take a millisecond of a restart.
"""

from __future__ import annotations

import sys
from _thread import allocate_lock, stack_size, start_new_thread
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Work = Callable[[], None]
    Failed = Callable[[OSError], None]

_STACK = 256 * 1024
"""Bytes; the usual eight megabytes may be more than the memory that may be locked."""

_YIELD = 0.001
"""Seconds after which the other thread lets the loop in, should it ever be busy itself; usual are 5 ms."""


class Aside:
    """Does one thing after the other, in the order asked for, while its owner goes on.

    Attributes:
        asked: something is to be done; the loop calls `begin` before it waits.
        failed: called on the other thread when there is something to `report`.
    """

    def __init__(self) -> None:
        self.asked = False
        self.failed: Callable[[], None] = _nothing
        self._waiting: deque[tuple[Work, Failed]] = deque()
        self._failures: deque[tuple[Failed, OSError]] = deque()
        self._wake = allocate_lock()
        self._started = False

    def do(self, work: Work, failed: Failed) -> None:
        """Have something done after the next `begin`; what is waiting already is not asked for twice.

        Args:
            work: runs on the other thread; what it shares with this one needs a lock.
            failed: told of an OSError it raised, on this thread, by `report`.
        """
        if (work, failed) in self._waiting:
            return
        self._waiting.append((work, failed))
        self.asked = True

    def begin(self) -> None:
        """Let the other thread do what was asked for."""
        self.asked = False
        if not self._started:
            self._started = True
            stack_size(_STACK)
            sys.setswitchinterval(_YIELD)
            start_new_thread(self._run, ())
        elif self._wake.locked():
            # Only this thread releases it, so it is still locked now.
            self._wake.release()

    @property
    def failing(self) -> bool:
        """Whether there is something to `report`."""
        return bool(self._failures)

    def report(self) -> None:
        """Tell of what failed since the last call."""
        while self._failures:
            failed, problem = self._failures.popleft()
            failed(problem)

    def _run(self) -> None:
        self._wake.acquire()
        while True:
            while self._waiting:
                work, failed = self._waiting.popleft()
                try:
                    work()
                except OSError as problem:
                    self._failures.append((failed, problem))
                    self.failed()
            self._wake.acquire()


def _nothing() -> None:
    """Before anybody wants to know."""
