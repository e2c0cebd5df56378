"""Applications follow the role, and do what an administrator asks for."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import defaultdict
from typing import TYPE_CHECKING, Protocol

from cluster import files
from cluster.applications import table
from cluster.errors import ClusterError, NotFoundError, RefusedError
from cluster.observed import ApplicationState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from cluster.model import Config
    from cluster.observed import ApplicationWord
    from cluster.rpc.messages import ApplicationVerb

_LOG = logging.getLogger("clusterd")

END_PATIENCE = 6.0
"""Seconds that an orderly end of clusterd waits for what a backup must not run."""


class Driver(Protocol):
    """How applications are run on this machine; each method but the plain ones raises ClusterError."""

    def names(self) -> tuple[str, ...]:
        """Applications that it knows beside the table."""

    async def states(self, names: Iterable[str]) -> Mapping[str, ApplicationWord]:
        """How these applications are."""

    def adopt(self, running: Callable[[], Config]) -> tuple[str, ...]:
        """Go on where the last clusterd stopped; returns what ran then and does not any more.

        Args:
            running: tells the running configuration, whose settings whatever starts gets.
        """

    async def start(self, name: str) -> None:
        """Start one; nothing if it runs."""

    async def stop(self, name: str) -> None:
        """Stop one; nothing if it does not run."""

    async def restart(self, name: str) -> None:
        """Stop one and start it."""

    def leave(self) -> None:
        """This clusterd ends, the applications go on."""

    async def end(self) -> None:
        """Orderly end of clusterd."""


class Applications:
    """A follower of the role; nobody ever waits for what it does.

    Args:
        driver: runs them.
        record: file in the run directory that remembers which wishes of the role were fulfilled.
        note: takes kind and sentence of an event.
    """

    def __init__(self, driver: Driver, record: Path, note: Callable[[str, str], None]) -> None:
        self._driver = driver
        self._record = record
        self._note = note
        self._config: Callable[[], Config] | None = None
        self._is_master: bool | None = None
        self._changed = asyncio.Event()
        self._one: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._lost: set[str] = set()
        self._fulfilled: dict[str, bool] = {}

    def begin(self, config: Callable[[], Config], running: Callable[[], Config]) -> None:
        """What is in force is known from now on.

        Args:
            config: tells the configuration in force.
            running: tells the running configuration; its settings are effective with a restart of the application.
        """
        self._config = config
        self._fulfilled = self._recorded()
        self._lost = set(self._driver.adopt(running))
        for name in self._lost:
            self._fulfilled.pop(name, None)
        self._changed.set()

    # --- the role -----------------------------------------------------------------------------------

    async def become_master(self) -> None:
        """Starts are under way."""
        self._is_master = True
        self._changed.set()

    async def become_backup(self) -> None:
        """Stops are under way."""
        self._is_master = False
        self._changed.set()

    async def run(self) -> None:
        """Do what role and configuration ask for, until cancelled; the applications go on then."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    await self._changed.wait()
                    self._changed.clear()
                    work = group.create_task(self._work())
                    changed = group.create_task(self._changed.wait())
                    await asyncio.wait((work, changed), return_when=asyncio.FIRST_COMPLETED)
                    for task in (work, changed):
                        task.cancel()
                    await asyncio.wait((work, changed))
        finally:
            self._driver.leave()

    async def end(self) -> None:
        """Orderly end of clusterd, after the role was given up."""
        try:
            async with asyncio.timeout(END_PATIENCE):
                await self._work()
        except TimeoutError:
            _LOG.warning("applications did not stop within %g s", END_PATIENCE)
        await self._driver.end()

    async def _work(self) -> None:
        """Once through all applications, all at the same time."""
        if self._config is None:
            return
        config = self._config()
        if config.cluster.enabled and self._is_master is None:
            return
        names = sorted(table.named_in(config) | self._fulfilled.keys() | self._lost)
        try:
            states = await self._driver.states(names)
        except ClusterError as error:
            self._note("follower-failed", f"applications do not follow the role: {error.message}")
            return
        await asyncio.gather(*(self._follow(config, name, states[name]) for name in names))

    async def _follow(self, config: Config, name: str, state: ApplicationWord) -> None:
        wish = table.wish(config, name, is_master=bool(self._is_master))
        if state == "MISSING":
            self._lost.discard(name)
        if wish is None and name in self._lost:
            wish = True  # nobody stopped it
        elif wish is None or state == "MISSING":
            self._remember(name, None)
            return
        async with self._one[name]:
            if self._fulfilled.get(name) is wish and (wish or state == "DOWN"):
                return
            self._remember(name, None)
            try:
                await (self._driver.start(name) if wish else self._driver.stop(name))
            except ClusterError as error:
                verb = "started" if wish else "stopped"
                self._note("follower-failed", f"the application {name} could not be {verb}: {error.message}")
                return
            self._lost.discard(name)
            self._remember(name, wish)
            _LOG.info("the application %s is %s", name, "up" if wish else "down")

    def _remember(self, name: str, wish: bool | None) -> None:
        """What was fulfilled; before anything is begun, nothing is."""
        if self._fulfilled.get(name) is wish:
            return
        self._fulfilled = {each: up for each, up in self._fulfilled.items() if each != name}
        if wish is not None:
            self._fulfilled[name] = wish
        try:
            files.replace(self._record, json.dumps(self._fulfilled).encode())
        except ClusterError as error:
            _LOG.warning("%s; a restarted clusterd starts and stops applications again", error.message)

    def _recorded(self) -> dict[str, bool]:
        try:
            return {str(name): bool(up) for name, up in json.loads(self._record.read_bytes()).items()}
        except FileNotFoundError:
            return {}
        except (ValueError, AttributeError, OSError) as error:
            _LOG.warning("%s is damaged, applications follow the role anew: %s", self._record, error)
            return {}

    # --- the administrator --------------------------------------------------------------------------

    async def states(self, config: Config) -> tuple[ApplicationState, ...]:
        """All applications, by name.

        Args:
            config: whose flags are shown.

        Raises:
            ClusterError: systemd does not answer.
        """
        known = {known.name for known in table.KNOWN}
        names = sorted(known | table.named_in(config) | set(self._driver.names()))
        words = await self._driver.states(names)
        return tuple(
            ApplicationState(
                name=name, title=table.title_of(name), state=words[name], flags=table.flags(config, name)
            )
            for name in names
        )

    async def control(self, word: str, verb: ApplicationVerb) -> str:
        """Start, stop or restart one; its name. This lasts until the role changes.

        Args:
            word: its name or its title.
            verb: what to do.

        Raises:
            NotFoundError: there is no such application, or not on this machine.
            RefusedError: it stays down while this node is backup.
            ClusterError: it could not be done.
        """
        assert self._config is not None, "requests are answered after the begin"
        config, name = self._config(), table.name_of(word)
        all_states = {each.name: each.state for each in await self.states(config)}
        if name not in all_states:
            raise NotFoundError(f"there is no application {word}; known are {', '.join(all_states)}")
        if all_states[name] == "MISSING":
            raise NotFoundError(f"the application {name} is not installed on this machine")
        async with self._one[name]:
            wish = table.wish(self._config(), name, is_master=bool(self._is_master))
            if wish is False and verb != "stop":
                raise RefusedError(
                    f"the application {name} stays down while this node is not master; see cluster backup_disable"
                )
            self._lost.discard(name)
            # From here on the administrator has the last word, not what the role wished for before.
            self._remember(name, wish)
            doing = {"start": self._driver.start, "stop": self._driver.stop, "restart": self._driver.restart}
            await doing[verb](name)
        return name
