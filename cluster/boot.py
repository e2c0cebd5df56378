"""Which boot of the machine this is, and whether its start configuration was applied already."""

from __future__ import annotations

from pathlib import Path

from cluster import files

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """The kernel's id of this boot."""
    return _BOOT_ID.read_text(encoding="ascii").strip()


class BootMarker:
    """Tells the first start after a boot from a restart of the daemon.

    The run directory is emptied by a boot where it is a tmpfs; where it is not, the kernel's boot id tells. Both
    are looked at, since containers share the boot id of their host.

    Args:
        run_dir: where it is.
    """

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / "booted"

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
