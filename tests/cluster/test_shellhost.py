"""The port of the SSH server: whoever applies one that somebody else has is told."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from cluster import shellhost
from cluster.shellhost import ShellHost
from tests.support.fake_clusterd import EXAMPLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster.model import Config


class PlayedChild:
    """A shell host that is counted and not run."""

    made: int = 0
    pid = 7

    def __init__(self, *_args: object, **_keys: object) -> None:
        PlayedChild.made += 1

    def start(self) -> None: ...

    def unwanted(self) -> None: ...


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ShellHost:
    """Given a shell host that runs."""
    monkeypatch.setattr(shellhost, "Child", PlayedChild)
    monkeypatch.setattr(shellhost, "listener_of", lambda *_: None)
    made = ShellHost(tmp_path, tmp_path, wanted=True)
    made.begin()
    PlayedChild.made = 0
    return made


@pytest.fixture
def occupied() -> Iterator[socket.socket]:
    """Given somebody else's listener."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def on(port: int, *, enabled: bool = True) -> Config:
    return replace(EXAMPLE, ssh=replace(EXAMPLE.ssh, port=port, enabled=enabled))


def test_a_port_that_somebody_else_has_is_said_at_every_update(host: ShellHost, occupied: socket.socket) -> None:
    port = occupied.getsockname()[1]
    for _ in range(2):
        assert asyncio.run(host.apply(on(port))) == (
            f"nobody can log in over SSH: port {port} cannot be had (address already in use)",
        )
    assert PlayedChild.made == 1


def test_once_it_is_free_the_next_update_has_it(host: ShellHost, occupied: socket.socket) -> None:
    port = occupied.getsockname()[1]
    asyncio.run(host.apply(on(port)))
    occupied.close()

    assert asyncio.run(host.apply(on(port))) == ()
    assert PlayedChild.made == 2
    assert asyncio.run(host.apply(on(port))) == ()
    assert PlayedChild.made == 2


def test_our_own_listener_is_nobody_else(host: ShellHost) -> None:
    with socket.socket() as ours:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        ours.bind(("0.0.0.0", 0))
        ours.listen()
        assert asyncio.run(host.apply(on(ours.getsockname()[1]))) == ()


def test_without_a_server_no_port_is_wanted(host: ShellHost, occupied: socket.socket) -> None:
    assert asyncio.run(host.apply(on(occupied.getsockname()[1], enabled=False))) == ()
