"""A clusterd for tests of the shell: the real socket server with canned answers behind it, in a thread."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Self

from cluster.errors import NotFoundError
from cluster.model import Config, Interface
from cluster.observed import ClusterEvent, ClusterStatus, NamedConfig
from cluster.rpc import messages
from cluster.rpc.server import Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NOBODY = 65534
OWN_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f master.cluster.local"

EXAMPLE = Config(
    hostname="master.cluster.local",
    interfaces={
        "LAN1": Interface(id=1, flags=("HA",), vrid=1),
        "LAN2": Interface(id=2, flags=("HA",), vrid=2),
        "LAN3": Interface(id=3, flags=("HOTWIRE",)),
    },
)


INFO = """\
attribute    |value
-------------+-----
cluster_state|master
sync_state   |synchronized
hotwire_dev  |LAN3
maintainance |false
"""
"""What `cluster info` prints of it."""

STATUS = ClusterStatus(
    role="master",
    since=100.0,
    cause="no partner was heard",
    priority=254,
    handing_over=False,
    engine="running",
    engine_pid=1,
    engine_restarts=0,
    real_time="granted",
    sync_state="synchronized",
    sync_reason="",
    hotwire_dev="LAN3",
    maintainance=False,
    interfaces=(),
    explanation=(),
)


class Answers:
    """What the fake knows and was asked; tests change it while it runs.

    Attributes:
        asked: every request with its actor, in order; not those for the audit.
        audited: lines for the audit.
        hostname: shown in the prompt.
        status: of this node.
        unsaved: whether the current configuration has unsaved edits.
        texts: configurations by name, as imported.
        events: put into the stream that a follower sees.
        told: number of the last one that was taken.
        fail: raised instead of any answer.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[messages.AnyAsk, messages.Actor]] = []
        self.audited: list[messages.Audited] = []
        self.hostname = "master.cluster.local"
        self.unsaved = False
        self.status = STATUS
        self.texts: dict[str, str] = {}
        self.events = 3
        self.told = 0
        self.fail: Exception | None = None
        self.following = threading.Event()
        self.stopped_following = threading.Event()

    async def answer(self, ask: messages.AnyAsk, actor: messages.Actor) -> messages.AnyAnswer:
        if isinstance(ask, messages.NoteCommands):
            self.audited += ask.commands
            return messages.Done()
        self.asked.append((ask, actor))
        return self._usual(ask)

    def _usual(self, ask: messages.AnyAsk) -> messages.AnyAnswer:
        if self.fail is not None:
            raise self.fail
        match ask:
            case messages.GetInfo():
                return messages.Info(
                    cluster_state="master",
                    sync_state="synchronized",
                    hotwire_dev="LAN3",
                    maintainance=False,
                    hostname=self.hostname,
                )
            case messages.GetStatus():
                return messages.Status(self.status)
            case messages.GetConfig():
                return messages.ConfigReply(config=EXAMPLE, revision=1)
            case messages.GetHotwireKeys():
                return messages.HotwireKeys(own=messages.SshKey(line=OWN_KEY, fingerprint="SHA256:own"), partner=())
            case messages.ListConfigs():
                start = NamedConfig(name="start", current=True, start=True, unsaved=self.unsaved)
                return messages.Configs((start,))
            case messages.ImportConfig(name=name, text=text):
                self.texts[name] = text
                return messages.Done()
            case messages.ExportConfig(name=name):
                if name not in self.texts:
                    raise NotFoundError(f"there is no configuration {name}")
                return messages.Text(self.texts[name])
            case messages.GetEvents():
                return messages.Events(())
            case messages.EditConfig():
                return messages.Done()
            case _:
                raise NotFoundError(f"the fake has no answer to {type(ask).__name__}")

    async def follow(self, _ask: messages.FollowEvents, _actor: messages.Actor) -> AsyncIterator[messages.Events]:
        self.following.set()
        try:
            for number in range(self.events):
                text = f"event {number}"
                event = ClusterEvent(number=number, at=0.0, kind="role", interface="", text=text, role="master")
                yield messages.Events((event,))
                self.told = number
            await asyncio.Event().wait()
        finally:
            self.stopped_following.set()


class FakeClusterd:
    """The fake on ``clusterd.sock`` of a run directory, as a context manager; may be stopped and started again."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self._path = run_dir / "clusterd.sock"
        self.answers = Answers()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen."""
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(30), "the fake clusterd did not start"

    def stop(self) -> None:
        """Hang up on everybody; nothing happens if it is not running."""
        if self._thread is None or self._loop is None or self._stop is None:
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._thread = None

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = Server(self._path, self.answers, allowed=lambda _peer: True)
        await server.start(group=NOBODY)
        ready.set()
        await self._stop.wait()
        await server.close()
