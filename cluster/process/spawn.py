"""What a supervised process is started with, and how it is started.

It gets a session of its own, so that a signal typed at clusterd's console does not reach it; nothing ties its life
to ours. Apart from `child.py` so that a process can be started before asyncio, which supervises it, is imported.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_HANDLE = 3
"""Behind standard input, output and error."""


class Command(NamedTuple):
    """What to run.

    Attributes:
        argv: program (absolute path) and its arguments.
        environment: the whole environment of the process.
        handles: descriptors that it gets as 3, 4 and so on; their own numbers are far above those.
        real_time: priority in SCHED_RR from its first instruction on, where permitted; 0: as everybody else.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    handles: tuple[int, ...] = ()
    real_time: int = 0


def spawn(command: Command) -> int:
    """Start a process.

    Returns:
        Its id.

    Raises:
        OSError: it cannot be started.
    """
    if command.real_time:
        try:
            # On a busy machine a process waits longer for its first turn than it takes to start.
            return _posix_spawn(command, scheduler=(os.SCHED_RR, os.sched_param(command.real_time)))
        except PermissionError:  # not permitted: it starts as everybody else, and the engine says so in its status
            pass
    return _posix_spawn(command)


def _posix_spawn(command: Command, **more: Any) -> int:
    given = ((os.POSIX_SPAWN_DUP2, handle, number) for number, handle in enumerate(command.handles, FIRST_HANDLE))
    return os.posix_spawn(
        command.argv[0],
        command.argv,
        command.environment,
        file_actions=((os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, 2, 1), *given),
        setsid=True,
        setsigmask=(),
        setsigdef=(signal.SIGPIPE, signal.SIGHUP, signal.SIGINT, signal.SIGTERM),
        **more,
    )
