"""A real clusterd with its real engine in a network namespace, and how a test speaks to it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cluster.errors import UnreachableError
from cluster.model import SetValue
from cluster.process.adoption import listener_of
from cluster.rpc.client import Client
from cluster.rpc.messages import (
    Actor,
    ConfigReply,
    Configs,
    Done,
    EditConfig,
    Events,
    GetConfig,
    GetEvents,
    GetInfo,
    Info,
    ListConfigs,
    UpdateInterface,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster.model import Config
    from cluster.observed import ClusterEvent
    from cluster.rpc.messages import AnyAsk
    from tests.support.netns import Namespace

ADMIN = Actor(user="admin", source="console", role="admin")
PATIENCE = 30.0
HALTING = str(Path(__file__).parent / "halting.py")
_Answer = TypeVar("_Answer")


def until(happens: Callable[[], object], what: str | Callable[[], str], patience: float = PATIENCE) -> None:
    """Wait for something other processes do; a callable says what it is like at the end of all patience."""
    deadline = time.monotonic() + patience
    while not happens():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience:g} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.01)


class Appliance:
    """One node.

    Args:
        namespace: where it lives.
        directory: for its state, its run directory and its log.
        config: the factory's configuration.
    """

    def __init__(self, namespace: Namespace, directory: Path, config: dict[str, Any]) -> None:
        self.namespace = namespace
        self.state, self.run = directory / "state", directory / "run"
        self._factory = directory / "factory.json"
        self._factory.write_text(json.dumps(config))
        self.applications = directory / "applications.d"
        self._log = (directory / "log").open("ab")
        self._log_path = directory / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, shell: bool = False) -> None:
        """Start clusterd, and the shell host if wanted, and wait until it answers."""
        self.start_under(sys.executable, shell=shell)

    def start_under(self, *starter: str, shell: bool = False) -> None:
        """The same with another program in front, which gets the arguments of a Python interpreter."""
        directories = ("--state-dir", str(self.state), "--run-dir", str(self.run), "--factory", str(self._factory))
        more = ("--applications-dir", str(self.applications), *(() if shell else ("--no-shell",)))
        command = (*starter, "-m", "cluster.daemon", *directories, *more)
        self.process = subprocess.Popen(self.namespace.command(*command), stderr=self._log, start_new_session=True)
        until(self._answers, lambda: f"clusterd answers; {self.log}")

    def start_halting(self, moment: str, deed: str) -> None:
        """Start clusterd anew so that it stops at a moment (`halting.py`); its engine goes on."""
        self.kill()
        self.start_under(sys.executable, HALTING, moment, deed)

    def start_again(self) -> None:
        """Wait until clusterd has died, and start it as usual."""
        assert self.process is not None
        self.process.wait(PATIENCE)
        self.start()

    @property
    def log(self) -> str:
        return self._log_path.read_text()

    def ask(
        self,
        ask: AnyAsk,
        answer: type[_Answer] = Done,  # type: ignore[assignment]
        actor: Actor = ADMIN,
    ) -> _Answer:
        async def one() -> Any:
            async with await Client.connect(self.run / "clusterd.sock") as client:
                return await client.ask(ask, actor)

        got = asyncio.run(one())
        assert isinstance(got, answer), got
        return got

    def set(self, **paths: Any) -> Done:
        """Edit: ``set(cluster__enabled=False)``."""
        changes = tuple(SetValue(path=tuple(path.split("__")), value=value) for path, value in paths.items())
        return self.ask(EditConfig(changes=changes))

    def update(self) -> Done:
        return self.ask(UpdateInterface())

    @property
    def info(self) -> Info:
        return self.ask(GetInfo(), Info)

    @property
    def config(self) -> Config:
        """Its editable configuration, as it is."""
        return self.ask(GetConfig(secrets=True), ConfigReply).config

    @property
    def flags(self) -> dict[str, tuple[bool, bool, bool]]:
        """Of each configuration, whether it is current, the start configuration, and has something unsaved."""
        seen = self.ask(ListConfigs(), Configs).configs
        return {each.name: (each.current, each.start, each.unsaved) for each in seen}

    @property
    def role(self) -> str:
        return self.info.cluster_state

    @property
    def events(self) -> tuple[ClusterEvent, ...]:
        return self.ask(GetEvents(), Events).events

    @property
    def roles(self) -> list[str]:
        """The roles this node went through."""
        return [event.role for event in self.events if event.kind == "role"]

    def has(self, kind: str) -> bool:
        """Whether an event of this kind happened."""
        return any(event.kind == kind for event in self.events)

    @property
    def engine(self) -> int | None:
        """Pid of the engine, whoever supervises it."""
        return listener_of(self.run / "engine.sock", socket.SOCK_SEQPACKET)

    @property
    def shell(self) -> int | None:
        """Pid of the shell host."""
        return listener_of(self.run / "console.sock", socket.SOCK_STREAM)

    def holds(self, address: str, interface: str = "LAN2") -> bool:
        return address in self.namespace.addresses(interface)

    def kill(self) -> None:
        """Power loss of clusterd alone."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Orderly end; returns the exit status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """Leave nothing behind."""
        self.kill()
        for pid in (self.engine, self.shell) if self.run.exists() else ():
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
        self._log.close()

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        try:
            return bool(self.info)
        except UnreachableError:
            return False
