"""The machine clusterd runs on: facts for `system info`, and how it is restarted."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from cluster.errors import RefusedError
from cluster.rpc.messages import System

_POWER_OFF = signal.SIGRTMIN + 4


def software() -> str:
    """Version of this software. The first call may take 300 ms on a busy machine: not for a loop that watches."""
    from importlib.metadata import version  # noqa: PLC0415 - a restarted engine would wait for it

    return version("utmcli")


def facts(hostname: str, config_name: str) -> System:
    """What `system info` shows.

    Args:
        hostname: as configured.
        config_name: name of the current configuration.
    """
    memory = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    return System(
        hostname=hostname,
        version=software(),
        uptime=float(Path("/proc/uptime").read_text().split()[0]),
        loadavg=os.getloadavg(),
        kernel=os.uname().release,
        memory_total=_bytes(memory["MemTotal"]),
        memory_available=_bytes(memory["MemAvailable"]),
        config_name=config_name,
    )


def restart(*, power_off: bool) -> None:
    """Tell process 1 to restart the machine, or to power it off.

    SIGINT is Ctrl-Alt-Del to sysvinit, systemd and busybox; SIGRTMIN+4 is `poweroff` to systemd.

    Raises:
        RefusedError: this process may not do that.
    """
    try:
        os.kill(1, _POWER_OFF if power_off else signal.SIGINT)
    except PermissionError as error:
        raise RefusedError("clusterd runs without the right to restart this machine") from error


def _bytes(entry: str) -> int:
    return int(entry.split(maxsplit=1)[0]) * 1024
