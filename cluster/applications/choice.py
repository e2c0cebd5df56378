"""How applications are run on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cluster.applications.follower import Applications
from cluster.applications.openvpn import Instances
from cluster.applications.programs import Programs
from cluster.applications.tunnels import Tunnels
from cluster.applications.units import Units

if TYPE_CHECKING:
    from collections.abc import Callable

SYSTEMD = Path("/run/systemd/system")
"""There when systemd is process 1: sd_booted(3)."""


def applications(directory: Path, run_dir: Path, note: Callable[[str, str], None]) -> Applications:
    """Those of this machine: systemd's units where it runs, else supervised children.

    Args:
        directory: of drop-in files.
        run_dir: for the records of what runs, and the settings of OpenVPN.
        note: takes kind and sentence of an event.
    """
    instances = Instances(run_dir / "openvpn")
    record = run_dir / "applications.json"
    if SYSTEMD.is_dir():
        return Applications(Units(Tunnels(instances)), record, note)
    return Applications(Programs(directory, run_dir / "programs.json", note, instances), record, note)
