"""Privileges of a supervised process: a few capabilities for good, whatever it or its successors execute.

The bounding set is taken away by `setpriv` (util-linux) between us and the process; it ends in an exec, so
the process id stays. Where setpriv is missing or the kernel refuses, it runs with ours, and the log says so.
"""

from __future__ import annotations

import logging
import subprocess

from cluster.process.limits import ENGINE_CAPABILITIES, setpriv, works

_LOG = logging.getLogger("clusterd")


def confined(
    argv: tuple[str, ...], capabilities: tuple[str, ...] = ENGINE_CAPABILITIES, name: str = "the engine"
) -> tuple[str, ...]:
    """The command line that runs `argv` with these capabilities at most, and no way to gain others.

    Args:
        argv: what to run.
        capabilities: without their prefix, as setpriv(1) has them.
        name: for the log.
    """
    prefix = setpriv(capabilities)
    if not prefix:
        _LOG.warning("setpriv is not installed: %s keeps all capabilities", name)
        return argv
    if works(prefix):
        return (*prefix, *argv)
    again = subprocess.run((*prefix, "true"), stderr=subprocess.PIPE, text=True, check=False)
    _LOG.warning("setpriv does not work here, %s keeps all capabilities: %s", name, again.stderr.strip())
    return argv
