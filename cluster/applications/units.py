"""Applications as systemd units, by systemctl(1).

An application is those of its units that this machine has: a unit that is not there, or is masked, does not count.
So whoever has two alternatives installed masks the one that shall not run. Instances of OpenVPN are units as well
(tunnels.py): openvpn.service itself is up in any case and says nothing of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.applications import openvpn
from cluster.applications.systemctl import systemctl
from cluster.applications.table import KNOWN, units_of
from cluster.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cluster.applications.tunnels import Tunnels
    from cluster.model import Config
    from cluster.observed import ApplicationWord

PATIENCE = 60.0
"""Seconds for systemd to start or stop an application; it may go on by itself after that."""
_UP = frozenset({"active", "reloading", "activating", "refreshing"})


def read(shown: str) -> dict[str, bool]:
    """What `systemctl show` said: whether it is up, for each name of each unit that this machine has."""
    found: dict[str, bool] = {}
    for block in shown.split("\n\n"):
        about = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if about.get("LoadState") == "loaded":
            found |= dict.fromkeys(about.get("Names", "").split(), about.get("ActiveState") in _UP)
    return found


class Units:
    """The driver for systemd.

    Args:
        tunnels: the units of OpenVPN's instances.
    """

    def __init__(self, tunnels: Tunnels) -> None:
        self._tunnels = tunnels

    def names(self) -> tuple[str, ...]:
        """None of its own: the table has them all."""
        return ()

    async def states(self, names: Iterable[str]) -> Mapping[str, ApplicationWord]:
        """How these applications are: up if any of their units is, of openvpn those of its instances.

        Raises:
            ClusterError: systemd does not answer.
        """
        there = await self._look()
        words: dict[str, ApplicationWord] = {}
        for name in names:
            ups = [there[unit] for unit in self._telling(name, there)]
            words[name] = "MISSING" if not ups else "UP" if any(ups) else "DOWN"
        return words

    def adopt(self, running: Callable[[], Config]) -> tuple[str, ...]:
        """Nothing is lost: systemd has them all the time."""
        self._tunnels.begin(running)
        return ()

    async def start(self, name: str) -> None:
        """Start its units.

        Raises:
            ClusterError: systemd says why it cannot, or takes too long.
        """
        await self._do("start", name)

    async def stop(self, name: str) -> None:
        """Stop its units.

        Raises:
            ClusterError: as `start`.
        """
        await self._do("stop", name)

    async def restart(self, name: str) -> None:
        """Restart its units.

        Raises:
            ClusterError: as `start`.
        """
        await self._do("restart", name)

    def leave(self) -> None:
        """Nothing: they are systemd's."""

    async def end(self) -> None:
        """Nothing: they are systemd's."""

    def _telling(self, name: str, there: Mapping[str, bool]) -> list[str]:
        """The units whose state is that of an application."""
        own = [unit for unit in units_of(name) if unit in there]
        if own and name == openvpn.APPLICATION:
            return [unit for unit in self._tunnels.units if unit in there] or own
        return own

    async def _look(self) -> dict[str, bool]:
        units = [unit for known in KNOWN for unit in known.units]
        return read(
            await systemctl("show", "--property=Names,LoadState,ActiveState", "--", *units, *self._tunnels.units)
        )

    async def _do(self, verb: str, name: str) -> None:
        there = await self._look()
        units = [unit for unit in units_of(name) if unit in there]
        if not units:
            raise NotFoundError(f"the application {name} is not installed on this machine")
        if name == openvpn.APPLICATION:
            units += await self._tunnels.prepared(verb)
        await systemctl(verb, "--", *units, patience=PATIENCE)
