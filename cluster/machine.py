"""The machine clusterd runs on: facts for `system info`, whether it booted anew, and how it is restarted."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from cluster import files
from cluster.errors import RefusedError
from cluster.rpc.messages import System

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_POWER_OFF = signal.SIGRTMIN + 4


def boot_id() -> str:
    """The kernel's id of this boot."""
    return _BOOT_ID.read_text(encoding="ascii").strip()


class BootMarker:
    """Tells the first start after a boot from a restart of the daemon.

    The run directory is emptied by a boot where it is a tmpfs; where it is not, the kernel's boot id tells. Both
    are looked at, since containers share the boot id of their host.

    Args:
        path: of the marker, in the run directory.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def is_set(self) -> bool:
        """Whether the start configuration was applied since the machine booted."""
        try:
            return self._path.read_bytes() == _BOOT_ID.read_bytes()
        except FileNotFoundError:
            return False

    def set(self) -> None:
        """The start configuration is applied.

        Raises:
            ClusterError: the run directory cannot be written.
        """
        files.replace(self._path, _BOOT_ID.read_bytes())


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
