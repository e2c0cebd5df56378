"""Applications as supervised children, for a machine without systemd: what init would do, and no more.

A program that ends by itself is started again. It outlives a killed clusterd, as the engine does; the next one
finds it by pid and start time in the run directory and adopts it. An orderly end of clusterd ends it, and the
next clusterd starts it again: for programs without an init, clusterd is their init.

An application is one program, or several: openvpn is one for each of its instances, under the names `openvpn@NAME`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from typing import TYPE_CHECKING, NamedTuple

from cluster import files
from cluster.applications import dropins, openvpn
from cluster.errors import ClusterError
from cluster.process.child import Child, Ended
from cluster.process.identity import Identity
from cluster.process.policy import RestartPolicy
from cluster.process.spawn import Command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from cluster.applications.openvpn import Instances
    from cluster.model import Config
    from cluster.observed import ApplicationWord

_LOG = logging.getLogger("clusterd")

HEALTHY_AFTER = 2.0
"""Seconds after which a program counts as one that works."""
SETTLE = 0.3
"""Seconds in which a program that cannot work has mostly ended."""
STOP_PATIENCE = 5.0
"""Seconds for a program to end; then it is killed."""
_NOBODY = Identity(0, 0)
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class _Program(NamedTuple):
    argv: tuple[str, ...]
    child: Child
    policy: RestartPolicy


class Programs:
    """The driver for drop-in files.

    Args:
        directory: of the files.
        record: file in the run directory that remembers what shall run.
        note: takes kind and sentence of an event.
        instances: of OpenVPN.
    """

    def __init__(
        self, directory: Path, record: Path, note: Callable[[str, str], None], instances: Instances
    ) -> None:
        self._directory = directory
        self._record = record
        self._note = note
        self._instances = instances
        self._programs: dict[str, _Program] = {}
        self._identities: dict[str, Identity] = {}

    def names(self) -> tuple[str, ...]:
        """Applications that have a file."""
        return tuple(sorted({*dropins.names(self._directory), *map(_application, self._programs)}))

    async def states(self, names: Iterable[str]) -> Mapping[str, ApplicationWord]:
        """How these applications are: up if any of their programs is."""
        there = set(dropins.names(self._directory))
        up = {_application(program) for program in self._programs if self._pid(program)}
        return {name: "UP" if name in up else "DOWN" if name in there else "MISSING" for name in names}

    def adopt(self, running: Callable[[], Config]) -> tuple[str, ...]:
        """Go on where the last clusterd stopped; returns what it had running and is not there any more."""
        self._instances.begin(running)
        recorded = self._recorded()
        self._programs = {name: self._made(name, argv) for name, (argv, _) in recorded.items()}
        self._identities = {name: identity for name, (_, identity) in recorded.items()}
        there = [name for name, one in self._identities.items() if one.alive and self._child(name).adopt(one.pid)]
        lost = [name for name in recorded if name not in there]
        for name in lost:
            self._forget(name)
        _LOG.info("applications: adopted %s; lost %s", ", ".join(there) or "none", ", ".join(lost) or "none")
        return tuple(sorted(set(map(_application, lost))))

    async def start(self, name: str) -> None:
        """Start its programs, and keep them running from now on; one that runs stays as it is.

        Raises:
            ClusterError: its file is refused, or it does not stay up; it is tried again until it is stopped.
        """
        commands = self._commands(name)
        stale = [each for each in self._of(name) if each not in commands]
        for each in self._of(name):
            if each in commands and self._pid(each) is not None:
                self._child(each).start()  # one that is just ending is started again
                del commands[each]
        self._write(commands)
        await asyncio.gather(*map(self._end, stale))
        await self._begin(commands)

    async def _begin(self, commands: Mapping[str, tuple[str, ...]]) -> None:
        for name, argv in commands.items():
            await self._end(name)
            self._programs[name] = self._made(name, argv)
        self._save()  # that they shall run, even if they cannot be started now
        for name in commands:
            self._child(name).start()
        await asyncio.sleep(SETTLE if commands else 0)
        for name in commands:
            program = self._programs.get(name)
            if program is not None and (program.policy.failures or program.child.pid is None):
                raise ClusterError(f"{name} does not stay up; clusterd's log says more")

    async def stop(self, name: str) -> None:
        """End its programs, and do not start them again."""
        await asyncio.gather(*(self._end(each) for each in self._of(name)))

    async def _end(self, name: str) -> None:
        if name in self._programs:
            await self._child(name).stop(STOP_PATIENCE)
            self._forget(name)
            self._save()

    async def restart(self, name: str) -> None:
        """End its programs and start them, with the command line and the settings that they have now.

        Raises:
            ClusterError: as `start`; while its file is refused, what runs goes on.
        """
        commands = self._commands(name)
        self._write(commands)
        await self.stop(name)
        await self._begin(commands)

    def _commands(self, name: str) -> dict[str, tuple[str, ...]]:
        """The command line of each of its programs."""
        line = dropins.command(self._directory, name)
        if name != openvpn.APPLICATION:
            return {name: line}
        try:
            return openvpn.commands(line, self._instances.files)
        except ClusterError as error:
            raise ClusterError(f"{self._directory / name} is refused: {error.message}") from error

    def _write(self, programs: Iterable[str]) -> None:
        """The settings of those that are about to start; what runs on keeps those that it has."""
        self._instances.write(openvpn.instance(each) for each in programs if openvpn.instance(each))

    def _of(self, name: str) -> list[str]:
        """Its programs that shall run."""
        return [each for each in self._programs if _application(each) == name]

    def leave(self) -> None:
        """Leave them to the next clusterd."""
        for program in self._programs.values():
            program.child.unwanted()

    async def end(self) -> None:
        """Orderly end of clusterd: end them all, for the next clusterd to start again."""
        await asyncio.gather(*(program.child.stop(STOP_PATIENCE) for program in self._programs.values()))

    def _child(self, name: str) -> Child:
        return self._programs[name].child

    def _forget(self, name: str) -> None:
        self._programs.pop(name, None)
        self._identities.pop(name, None)

    def _pid(self, name: str) -> int | None:
        program = self._programs.get(name)
        return None if program is None else program.child.pid

    def _made(self, name: str, argv: tuple[str, ...]) -> _Program:
        policy = RestartPolicy()
        kept = {word: value for word, value in os.environ.items() if word in {"LANG", "TZ"}}
        child = Child(
            name,
            Command(argv, {"PATH": os.environ.get("PATH", _DEFAULT_PATH), **kept}),
            policy,
            was_healthy=lambda _pid, age: age > HEALTHY_AFTER,
            on_start=lambda pid: self._started(name, pid),
            on_end=lambda ended: self._ended(name, policy, ended),
        )
        return _Program(argv, child, policy)

    def _started(self, name: str, pid: int) -> None:
        try:
            self._identities[name] = Identity.of(pid)
        except ProcessLookupError:  # ended already; the pidfd tells
            self._identities[name] = _NOBODY
        self._save()

    def _ended(self, name: str, policy: RestartPolicy, ended: Ended) -> None:
        if policy.is_news:
            again = "was started again" if self._pid(name) else "is started again after a pause"
            self._note("application", f"the application {name} (pid {ended.pid}) {ended} and {again}")

    def _save(self) -> None:
        document = {
            name: (program.argv, self._identities.get(name, _NOBODY)) for name, program in self._programs.items()
        }
        try:
            files.replace(self._record, json.dumps(document).encode())
        except ClusterError as error:
            _LOG.warning("%s; a restarted clusterd will not know its applications", error.message)

    def _recorded(self) -> dict[str, tuple[tuple[str, ...], Identity]]:
        try:
            found = json.loads(self._record.read_bytes())
            return {name: (tuple(argv), Identity(*identity)) for name, (argv, identity) in found.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, AttributeError, OSError) as error:
            _LOG.warning("%s is damaged, running applications are not known: %s", self._record, error)
            return {}


def _application(program: str) -> str:
    return program.partition("@")[0]
