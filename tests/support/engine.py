"""A real engine process in a namespace, driven through its files and its control socket as the manager does."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cluster.vrrp.page import Page

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster.vrrp.page import Snapshot
    from tests.support.netns import Namespace

ROOT = Path(__file__).parent.parent.parent
SECRET = "hex:" + "5a" * 32
MASTER_DOWN = 0.752
"""Seconds, with the default timers and priority 254."""
PATIENCE = 20.0
"""Seconds for what other processes do on a busy machine. How quick they are is asked of their own clock."""


def interface(name: str = "LAN2", vrid: int = 2, *addresses: str, watch: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"name": name, "vrid": vrid, "addresses": addresses or ("192.168.200.1/24",), "watch": watch}


def configuration(*interfaces: dict[str, Any], mode: str = "hmac", **changes: Any) -> dict[str, Any]:
    authentication = {"mode": mode, "keys": [{"id": 1, "secret": SECRET}], "send_key": 1}
    document = {"version": 1, "authentication": authentication, "interfaces": interfaces or (interface(),)}
    return document | changes


def eventually(condition: Callable[[], Any], within: float = PATIENCE) -> Any:
    """What the condition returned as soon as it was true; fails when it never is."""
    end = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {within} s"
        time.sleep(0.005)
    return found


class Engine:
    """One engine; `start` it as often as it dies."""

    def __init__(self, namespace: Namespace, directory: Path, document: dict[str, Any]) -> None:
        self.namespace = namespace
        self.run_dir = directory
        self.state_dir = directory / "state"
        self.state_dir.mkdir(parents=True)
        self.process: subprocess.Popen[str] | None = None
        self.configure(document)

    def configure(self, document: dict[str, Any]) -> None:
        (self.run_dir / "engine.json").write_text(json.dumps(document))

    def start(self) -> None:
        module = [sys.executable, "-S", "-P", "-m", "cluster.vrrp"]
        directories = ["--run-dir", str(self.run_dir), "--state-dir", str(self.state_dir)]
        self.process = subprocess.Popen(
            self.namespace.command(*module, *directories),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def running(self) -> subprocess.Popen[str]:
        assert self.process is not None
        return self.process

    @property
    def page(self) -> Snapshot | None:
        """The page, once it speaks for the process that runs now."""
        page = Page.read(str(self.run_dir / "engine.page"))
        return page if page is not None and page.pid == self.running.pid else None

    def is_(self, role: str) -> bool:
        page = self.page
        return page is not None and page.role.value == role and self._listens()

    def _listens(self) -> bool:
        """Its page may speak of it a moment before that, beside the socket of the engine that was killed."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as manager:
            return manager.connect_ex(str(self.run_dir / "engine.sock")) == 0

    def becomes(self, role: str, within: float = PATIENCE) -> None:
        eventually(lambda: self.is_(role), within)

    def since(self, role: str) -> float:
        """The unix time at which it took this role, by its own clock: a busy test looks late."""
        page: Snapshot = eventually(lambda: (page := self.page) and page.role.value == role and page)
        return page.since / 1e9

    def ask(self, do: str, **more: Any) -> dict[str, Any]:
        return self.talk(json.dumps({"do": do, **more}).encode())[0]

    def talk(self, request: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Send one packet; the answer, and the events that came before it."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as manager:
            manager.settimeout(PATIENCE)
            manager.connect(str(self.run_dir / "engine.sock"))
            manager.send(request)
            events = []
            while True:
                packet = json.loads(manager.recv(200_000))
                if "re" in packet:
                    return packet, events
                events.append(packet["event"])

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.ask("status")["status"]
        return status

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        return [event for event in self.talk(b'{"do": "status"}')[1] if kind in ("", event["kind"])]

    def kill(self) -> None:
        self.running.kill()
        self.running.wait()

    def stop(self) -> int:
        self.running.terminate()
        return self.running.wait(PATIENCE)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        if self.process is not None and self.process.stderr is not None:
            self.process.stderr.close()
