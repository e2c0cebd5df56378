"""What a supervised process may do at most, as the command line of setpriv(1) and the limit on core dumps.

Apart from `confine.py`, which has something to say where it does not work: the engine of a restarted clusterd does
not wait for a log to be imported.
"""

from __future__ import annotations

import os
import resource

ENGINE_CAPABILITIES = ("net_raw", "net_admin", "sys_nice", "ipc_lock")
"""Raw sockets, addresses, SCHED_RR, locked memory."""


def leave_no_cores() -> None:
    """Write no core dump of this process and of all that it starts: they hold keys."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def setpriv(capabilities: tuple[str, ...]) -> tuple[str, ...]:
    """What to put in front of a command line so that it keeps these capabilities at most, and cannot gain others.

    Args:
        capabilities: without their prefix, as setpriv(1) has them.

    Returns:
        Nothing where setpriv (util-linux) is not installed.
    """
    keep = ",".join(f"+{capability}" for capability in capabilities)
    for directory in os.get_exec_path():
        program = f"{directory}/setpriv"
        if os.access(program, os.X_OK):
            return (program, "--bounding-set", f"-all,{keep}", "--inh-caps", "-all", "--no-new-privs", "--")
    return ()


def works(prefix: tuple[str, ...]) -> bool:
    """Whether a command line that begins like this gets as far as the command."""
    silent = [(os.POSIX_SPAWN_OPEN, handle, os.devnull, os.O_RDWR, 0) for handle in (0, 1, 2)]
    try:
        pid = os.posix_spawnp(prefix[0], (*prefix, "true"), os.environ, file_actions=silent)
    except OSError:
        return False
    _pid, status = os.waitpid(pid, 0)
    return not status
