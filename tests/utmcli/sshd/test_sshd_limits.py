"""What connections and sessions may take: a real server and real clients on the loopback, limits brought near."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, cast

import asyncssh
import pytest

from cluster.rpc import messages as m
from utmcli.bulletin import Bulletin
from utmcli.outlook import Outlook
from utmcli.sshd import door, listener, server
from utmcli.sshd.house import House
from utmcli.trail import Trail
from utmcli.turns import Turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

PATIENCE = 20.0


class PlayedLink:
    """clusterd, as far as a login needs it: every account has the same key."""

    def __init__(self, key: str) -> None:
        self.lines = Turns(4)
        self.changes = 0
        self.outlook = Outlook(cast("Any", self))
        self._login = m.Login(exists=True, enabled=True, idle_timeout=0, hotwire="", role="readonly", keys=(key,))

    async def ask(self, ask: m.Ask, _actor: m.Actor, _deadline: float) -> m.AnyAnswer:
        return self._login if isinstance(ask, m.GetLogin) else m.Done()


class Scene:
    """A server that listens, and the key that opens it."""

    def __init__(self, directory: Path) -> None:
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        public = " ".join(self.key.export_public_key().decode().split()[:2])
        link = cast("Any", PlayedLink(public))
        self.house = House(link, Trail(link), Bulletin(link), directory, count(1))
        self.server = server.SshServer(self.house, self.key.export_private_key())
        self.socket = listener.listen(0)
        self.port = self.socket.getsockname()[1]

    async def connect(self, user: str = "anna") -> Any:
        return await asyncssh.connect(
            "127.0.0.1", self.port, username=user, client_keys=[self.key], known_hosts=None, config=None
        )


def play(directory: Path, story: Callable[[Scene], Awaitable[None]]) -> None:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Scene]:
        scene = Scene(directory)
        await scene.server.start(scene.socket)
        try:
            yield scene
        finally:
            await scene.server.close()

    async def scenario() -> None:
        async with asyncio.timeout(PATIENCE), opened() as scene:
            await story(scene)

    asyncio.run(scenario())


async def until(true: Callable[[], bool]) -> None:
    """Wait; the patience is the whole story's."""
    while not true():  # noqa: ASYNC110 - what is waited for happens at the other end of a socket
        await asyncio.sleep(0.01)


async def shell(connection: Any) -> Any:
    """A session that waits for what is typed."""
    return await connection.create_process(term_type="dumb", encoding=None)


def test_an_account_has_so_many_sessions_and_another_one_when_one_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "MAX_SESSIONS", 2)

    async def story(scene: Scene) -> None:
        first, second, other = await scene.connect(), await scene.connect(), await scene.connect("bert")
        one, _two = await shell(first), await shell(second)
        with pytest.raises(asyncssh.ChannelOpenError, match="2 sessions of this account are open already"):
            await shell(second)
        await shell(other)
        one.close()
        await until(lambda: scene.house.sessions["anna"] == 1)
        await shell(second)

    play(tmp_path, story)


def test_an_account_has_so_many_connections_and_another_one_when_one_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "MAX_CONNECTIONS", 2)

    async def story(scene: Scene) -> None:
        first, _second = await scene.connect(), await scene.connect()
        with pytest.raises((asyncssh.DisconnectError, asyncssh.ChannelOpenError)):
            await shell(await scene.connect())
        await shell(await scene.connect("bert"))
        first.close()
        await until(lambda: scene.house.connections["anna"] == 1)
        await shell(await scene.connect())

    play(tmp_path, story)


def test_who_does_not_log_in_has_to_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LOGIN_TIME", 0.2)

    async def story(scene: Scene) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", scene.port)
        assert (await reader.readline()).startswith(b"SSH-2.0-")
        assert len(scene.house.entrance) == 1
        while await reader.read(4096):
            pass
        writer.close()
        await until(lambda: len(scene.house.entrance) == 0)

    play(tmp_path, story)


def test_a_client_that_answers_no_longer_gives_its_place_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "KEEPALIVE", 0.1)
    monkeypatch.setattr(server, "KEEPALIVES", 2)

    async def story(scene: Scene) -> None:
        lively, silent = await scene.connect("bert"), await scene.connect()
        await shell(silent)
        silent._transport.pause_reading()
        await until(lambda: not scene.house.connections["anna"] and not scene.house.sessions["anna"])
        assert scene.house.connections["bert"] == 1
        lively.close()

    play(tmp_path, story)


def test_a_client_gets_the_cipher_that_costs_least(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        assert (await scene.connect()).get_extra_info("send_cipher") == "aes256-gcm@openssh.com"

    play(tmp_path, story)


def test_sessions_that_end_before_they_began_are_not_counted_for_ever(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        for abrupt in (False, True) * 10:
            connection = await scene.connect()
            opening = [asyncio.create_task(shell(connection)) for _ in range(3)]
            await asyncio.sleep(0)
            if abrupt:
                connection.abort()
            else:
                connection.disconnect(asyncssh.DISC_BY_APPLICATION, "changed my mind")
            await asyncio.gather(*opening, return_exceptions=True)
        await until(lambda: not scene.house.connections["anna"] and not scene.house.sessions["anna"])
        assert not scene.house.channels

    play(tmp_path, story)
