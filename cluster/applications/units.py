"""Applications as systemd units, by systemctl(1).

An application is those of its units that this machine has: a unit that is not there, or is masked, does not count.
So whoever has two alternatives installed masks the one that shall not run.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cluster.applications.table import KNOWN, units_of
from cluster.errors import ClusterError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cluster.observed import ApplicationWord

SYSTEMCTL = "systemctl"
LOOK_PATIENCE = 10.0
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
    """The driver for systemd."""

    def names(self) -> tuple[str, ...]:
        """None of its own: the table has them all."""
        return ()

    async def states(self, names: Iterable[str]) -> Mapping[str, ApplicationWord]:
        """How these applications are: up if any of their units is.

        Raises:
            ClusterError: systemd does not answer.
        """
        there = await self._look()
        words: dict[str, ApplicationWord] = {}
        for name in names:
            ups = [there[unit] for unit in units_of(name) if unit in there]
            words[name] = "MISSING" if not ups else "UP" if any(ups) else "DOWN"
        return words

    def adopt(self) -> tuple[str, ...]:
        """Nothing: systemd has them all the time."""
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

    async def _look(self) -> dict[str, bool]:
        units = [unit for known in KNOWN for unit in known.units]
        return read(await _systemctl("show", "--property=Names,LoadState,ActiveState", "--", *units))

    async def _do(self, verb: str, name: str) -> None:
        there = await self._look()
        units = [unit for unit in units_of(name) if unit in there]
        if not units:
            raise NotFoundError(f"the application {name} is not installed on this machine")
        await _systemctl(verb, "--", *units, patience=PATIENCE)


async def _systemctl(*words: str, patience: float = LOOK_PATIENCE) -> str:
    """Its standard output.

    Raises:
        ClusterError: it failed, and what it said; or it did not end.
    """
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(SYSTEMCTL, *words, stdout=pipe, stderr=pipe)
    except OSError as error:
        raise ClusterError(f"{SYSTEMCTL} cannot be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(patience):
            out, err = await process.communicate()
    except TimeoutError as error:
        raise ClusterError(f"{SYSTEMCTL} {words[0]} does not end within {patience:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        said = err.decode(errors="replace").strip().splitlines() or ["it gave no reason"]
        raise ClusterError(f"{SYSTEMCTL} {words[0]} failed: {said[0]}")
    return out.decode(errors="replace")
