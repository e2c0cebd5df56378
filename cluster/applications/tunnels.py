"""The instances of OpenVPN as systemd units, which get their settings by a drop-in of the unit.

Debian has two templates: `openvpn@NAME` for /etc/openvpn/NAME.conf, stopped and restarted with openvpn.service, and
`openvpn-server@NAME` for /etc/openvpn/server/NAME.conf. An instance is the one whose file is there, the first where
both are. Its drop-in in /run/systemd/system says the command line that the unit has anyway (of the package, or of
the administrator's own drop-in) with `--config` of our file at the end; it goes with the boot or the instance.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cluster import files
from cluster.applications.systemctl import systemctl
from cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster.applications.openvpn import Instances
    from cluster.model import Config

TEMPLATES = (("openvpn@", ""), ("openvpn-server@", "server"))
"""Of Debian's package: the unit, and the directory below /etc/openvpn that its file is in."""
DROP_IN = "zz-utmcli.conf"
"""Last of the drop-ins by name, so that what an administrator overrides is what we begin with."""
_HEAD = "# Written by clusterd when openvpn starts; see openvpn get.\n"


def overridden(shown: str, unit: str, settings: Path) -> str:
    """A drop-in that appends our settings to the command line of a unit.

    Args:
        shown: what `systemctl cat` says of the unit, drop-ins included.
        unit: its name, for the error.
        settings: the file of the instance.

    Raises:
        ClusterError: it has no command line, or more than one.
    """
    found: list[str] = []
    ours = False
    for line in shown.replace("\\\n", " ").splitlines():
        if line.startswith("# /"):
            ours = line.endswith(f"/{DROP_IN}")
        elif line.startswith("ExecStart=") and not ours:
            command = line.removeprefix("ExecStart=").strip()
            found = [*found, command] if command else []  # an empty one takes back those before it
    if len(found) != 1:
        raise ClusterError(f"the unit {unit} has {len(found)} command lines; only with one it can get its settings")
    escaped = str(settings).replace("%", "%%")
    return f"{_HEAD}[Service]\nExecStart=\nExecStart={found[0]} --config {escaped}\n"


class Tunnels:
    """The units of the instances.

    Args:
        instances: as they are configured.
        etc: where OpenVPN's own files are.
        runtime: systemd's directory of units that end with the boot.
    """

    def __init__(
        self,
        instances: Instances,
        etc: Path = Path("/etc/openvpn"),
        runtime: Path = Path("/run/systemd/system"),
    ) -> None:
        self._instances = instances
        self._etc = etc
        self._runtime = runtime

    def begin(self, running: Callable[[], Config]) -> None:
        """The configuration is known from now on; see `Instances.begin`."""
        self._instances.begin(running)

    @property
    def units(self) -> tuple[str, ...]:
        """Of the instances that OpenVPN has a file for."""
        return tuple(unit for name in self._instances.files if (unit := self._unit(name)))

    async def prepared(self, verb: str) -> list[str]:
        """The units to start, restart or stop beside openvpn.service, ready for it.

        Those of instances that were deleted are ended by the way, unless openvpn.service begins them anew.

        Args:
            verb: of systemctl.

        Raises:
            ClusterError: OpenVPN has no file for an instance, or a unit cannot be told where to listen.
        """
        stale = [unit for unit in self._with_drop_in() if unit not in self.units]
        if verb == "stop":
            return [*self.units, *stale]
        settled = self._instances.files
        changed = False
        for name in settled:
            changed |= await self._settle(self._required(name), settled[name])
        self._instances.write(settled)
        for unit in stale:
            await systemctl("stop", "--", unit)
            self._drop_in(unit).unlink(missing_ok=True)
        if changed or stale:
            await systemctl("daemon-reload")
        return list(self.units)

    def _unit(self, name: str) -> str:
        for template, directory in TEMPLATES:
            if (self._etc / directory / f"{name}.conf").is_file():
                return f"{template}{name}.service"
        return ""

    def _required(self, name: str) -> str:
        unit = self._unit(name)
        if not unit:
            places = " nor ".join(str(self._etc / directory / f"{name}.conf") for _, directory in TEMPLATES)
            raise ClusterError(f"OpenVPN has no file for the instance {name}: there is neither {places}")
        return unit

    async def _settle(self, unit: str, settings: Path) -> bool:
        """Let a unit read our file last; whether that is news to systemd."""
        text, path = overridden(await systemctl("cat", "--", unit), unit, settings), self._drop_in(unit)
        try:
            if path.exists() and path.read_text(encoding="utf-8") == text:
                return False
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ClusterError(f"{path} cannot be written: {error.strerror}") from error
        files.replace(path, text.encode(), mode=0o644)
        return True

    def _drop_in(self, unit: str) -> Path:
        return self._runtime / f"{unit}.d" / DROP_IN

    def _with_drop_in(self) -> list[str]:
        there = sorted(self._runtime.glob(f"*.service.d/{DROP_IN}"))
        return [path.parent.name.removesuffix(".d") for path in there]
