"""Privileges of a supervised process: a few capabilities for good, whatever it or its successors execute.

The bounding set is taken away by `setpriv` (util-linux) between us and the process; it ends in an exec, so
the process id stays. Where setpriv is missing or the kernel refuses, it runs with ours, and the log says so.
"""

from __future__ import annotations

import logging
import resource
import shutil
import subprocess

_LOG = logging.getLogger("clusterd")

ENGINE_CAPABILITIES = ("net_raw", "net_admin", "sys_nice", "ipc_lock")
"""Raw sockets, addresses, SCHED_RR, locked memory."""


def leave_no_cores() -> None:
    """Write no core dump of this process and of all that it starts: they hold keys."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def confined(
    argv: tuple[str, ...], capabilities: tuple[str, ...] = ENGINE_CAPABILITIES, name: str = "the engine"
) -> tuple[str, ...]:
    """The command line that runs `argv` with these capabilities at most, and no way to gain others.

    Args:
        argv: what to run.
        capabilities: without their prefix, as setpriv(1) has them.
        name: for the log.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        _LOG.warning("setpriv is not installed: %s keeps all capabilities", name)
        return argv
    keep = ",".join(f"+{capability}" for capability in capabilities)
    prefix = (setpriv, "--bounding-set", f"-all,{keep}", "--inh-caps", "-all", "--no-new-privs", "--")
    trial = subprocess.run((*prefix, "true"), stderr=subprocess.PIPE, text=True, check=False)
    if trial.returncode:
        _LOG.warning("setpriv does not work here, %s keeps all capabilities: %s", name, trial.stderr.strip())
        return argv
    return (*prefix, *argv)
