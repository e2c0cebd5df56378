"""One supervised process: started, noticed when it ends, started again as the policy says, stopped in order.

The end is noticed through a pidfd: within a millisecond, without polling, and for adopted processes too, which
are no children of ours (the engine outlives clusterd). A child gets a session of its own, so that a signal
typed at clusterd's console does not reach it; nothing ties its life to ours.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from cluster.process.spawn import spawn
from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster.process.policy import RestartPolicy
    from cluster.process.spawn import Command

_LOG = logging.getLogger("clusterd")

class Ended(NamedTuple):
    """How a process ended.

    Attributes:
        pid: which one.
        status: exit status; negative for a signal; None where we are not its parent and cannot know.
    """

    pid: int
    status: int | None

    def __str__(self) -> str:
        if self.status is None:
            return "ended"
        if self.status < 0:
            return f"was killed by {signal.Signals(-self.status).name}"
        return f"exited with status {self.status}"


class Child:
    """A process that shall run as long as it is wanted.

    Args:
        name: for the log.
        command: what to run.
        policy: when to start again.
        was_healthy: asked of each process that ended unasked: its pid and its age in seconds.
        before_start: called before each start, to clear the way; not before an adoption.
        on_start: called with the pid after each start or adoption.
        on_end: called after each end that was not asked for, once the restart is done or planned.
        equip: given the command before each start, returns the one that is started.
        start: starts it and returns its pid; OSError when it cannot be started.
    """

    def __init__(
        self,
        name: str,
        command: Command,
        policy: RestartPolicy,
        *,
        was_healthy: Callable[[int, float], bool],
        before_start: Callable[[], None] | None = None,
        on_start: Callable[[int], None] | None = None,
        on_end: Callable[[Ended], None] | None = None,
        equip: Callable[[Command], Command] | None = None,
        start: Callable[[Command], int] = spawn,
    ) -> None:
        self._equip = equip
        self._start = start
        self._name = name
        self._command = command
        self._policy = policy
        self._was_healthy = was_healthy
        self._before_start = before_start
        self._on_start = on_start
        self._on_end = on_end
        self._pid: int | None = None
        self._pidfd = -1
        self._since = 0.0
        self._wanted = False
        self._restart: asyncio.TimerHandle | None = None
        self._gone = asyncio.Event()
        self._gone.set()
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """Of the running process, or None."""
        return self._pid

    def start(self) -> None:
        """Start the process unless it runs; from now on it is kept running."""
        self._wanted = True
        if self._pid is None:
            self._cancel_restart()
            self._spawn()

    def adopt(self, pid: int) -> bool:
        """Take over the supervision of a process that runs already.

        Returns:
            False when it is gone; nothing has changed then.
        """
        if self._pid is not None:
            return self._pid == pid
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            return False
        self._wanted = True
        self._cancel_restart()
        self._watch(pid, pidfd)
        return True

    def kill(self) -> None:
        """SIGKILL; since it is still wanted it is started again."""
        self._signal(signal.SIGKILL)

    async def stop(self, timeout: float) -> None:  # noqa: ASYNC109 - SIGKILL follows, not a cancellation
        """End the process for good: SIGTERM, and SIGKILL when it has not ended after `timeout` seconds."""
        self.unwanted()
        self._signal(signal.SIGTERM)
        if not await self.wait(timeout):
            _LOG.warning("%s did not stop within %g s: killed", self._name, timeout)
            self._signal(signal.SIGKILL)
            await self._gone.wait()

    def unwanted(self) -> None:
        """Do not start it again when it ends."""
        self._wanted = False
        self._cancel_restart()

    async def wait(self, timeout: float) -> bool:  # noqa: ASYNC109 - an answer, not a cancellation
        """Wait until no process runs; False when one still does after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._gone.wait()
        except TimeoutError:
            return False
        return True

    def _spawn(self) -> None:
        self._restart = None
        if self._before_start is not None:
            self._before_start()
        try:
            pid = self._start(self._command if self._equip is None else self._equip(self._command))
        except OSError as error:
            _LOG.error("%s cannot be started: %s", self._name, error)
            self._again(was_healthy=False)
            return
        self._watch(pid, os.pidfd_open(pid))

    def _watch(self, pid: int, pidfd: int) -> None:
        self._pid, self._pidfd, self._since = pid, pidfd, time.monotonic()
        self._gone.clear()
        asyncio.get_running_loop().add_reader(pidfd, self._ended)
        if self._on_start is not None:
            self._on_start(pid)

    def _ended(self) -> None:
        """The pidfd is readable: the process has ended."""
        assert self._pid is not None
        ended = Ended(self._pid, _reap(self._pid))
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._pid, self._pidfd = None, -1
        if self._wanted:
            self._again(was_healthy=self._was_healthy(ended.pid, time.monotonic() - self._since))
            _LOG.warning("%s (pid %d) %s", self._name, ended.pid, ended)
            if self._on_end is not None:
                self._on_end(ended)
        if self._pid is None:
            self._gone.set()

    def _again(self, *, was_healthy: bool) -> None:
        now = Nanoseconds(time.monotonic_ns())
        delay = self._policy.ended(was_healthy=was_healthy, now=now) - now
        self.restarts += 1
        if delay <= 0:
            self._spawn()
            return
        seconds = delay / NANOSECONDS_PER_SECOND
        _LOG.warning("%s starts again in %.1f s", self._name, seconds)
        self._restart = asyncio.get_running_loop().call_later(seconds, self._spawn)

    def _cancel_restart(self) -> None:
        if self._restart is not None:
            self._restart.cancel()
            self._restart = None

    def _signal(self, number: signal.Signals) -> None:
        if self._pid is not None:
            with suppress(ProcessLookupError):  # ended this very moment; the pidfd tells
                signal.pidfd_send_signal(self._pidfd, number)


def _reap(pid: int) -> int | None:
    """Collect the exit status of an ended process; None where it is not our child."""
    try:
        _pid, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(status)
