"""How applications are run on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cluster.applications.follower import Applications
from cluster.applications.programs import Programs
from cluster.applications.units import Units

if TYPE_CHECKING:
    from collections.abc import Callable

SYSTEMD = Path("/run/systemd/system")
"""There when systemd is process 1: sd_booted(3)."""


def applications(directory: Path, run_dir: Path, note: Callable[[str, str], None]) -> Applications:
    """Those of this machine: systemd's units where it runs, else supervised children.

    Args:
        directory: of drop-in files.
        run_dir: for the records of what runs.
        note: takes kind and sentence of an event.
    """
    driver = Units() if SYSTEMD.is_dir() else Programs(directory, run_dir / "programs.json", note)
    return Applications(driver, run_dir / "applications.json", note)
