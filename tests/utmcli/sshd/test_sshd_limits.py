"""What connections and sessions may take: a real server and real clients on the loopback, limits brought near."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, cast

import asyncssh
import pytest
from msgspec.structs import replace

from cluster.errors import UnreachableError
from cluster.rpc import messages as m
from utmcli.bulletin import Bulletin
from utmcli.outlook import Outlook
from utmcli.sshd import door, house, listener, server
from utmcli.sshd.channel import Channel, Visitor
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
        self.login = m.Login(exists=True, enabled=True, idle_timeout=0, hotwire="", role="admin", keys=(key,))
        self.is_away = False
        self.checked: list[str] = []
        self.verdicts = asyncio.Semaphore(0)

    async def ask(self, ask: m.Ask, _actor: m.Actor, _deadline: float) -> m.AnyAnswer:
        if self.is_away:
            raise UnreachableError("there is no clusterd")
        if isinstance(ask, m.CheckPassword):
            self.checked.append(ask.password)
            await self.verdicts.acquire()
            return m.Verdict(right=False)
        return self.login if isinstance(ask, m.GetLogin) else m.Done()


class Scene:
    """A server that listens, and the key that opens it."""

    def __init__(self, directory: Path) -> None:
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        public = " ".join(self.key.export_public_key().decode().split()[:2])
        self.clusterd = PlayedLink(public)
        link = cast("Any", self.clusterd)
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


def test_a_burst_of_sessions_gets_no_more_than_the_share_of_the_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "MAX_SESSIONS", 3)

    async def story(scene: Scene) -> None:
        connection = await scene.connect()
        opened = await asyncio.gather(*(shell(connection) for _ in range(9)), return_exceptions=True)
        assert sum(isinstance(each, asyncssh.ChannelOpenError) for each in opened) == 6
        assert scene.house.sessions["anna"] == 3
        connection.abort()
        await until(lambda: not scene.house.sessions)

    play(tmp_path, story)


def test_a_session_counts_from_when_it_is_open_and_not_from_when_it_is_asked_for(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        visitor = Visitor(m.Actor(user="anna", source="ssh", role="admin"), 0, initial=None)
        never_opened = Channel(scene.house, visitor)
        assert not scene.house.sessions
        never_opened.connection_lost(None)
        assert not scene.house.sessions

    play(tmp_path, story)


def test_a_connection_without_a_session_ends_when_a_session_would(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        scene.clusterd.login = replace(scene.clusterd.login, idle_timeout=1)
        empty, used = await scene.connect(), await scene.connect("bert")
        session = await shell(used)
        await empty.wait_closed()
        assert not scene.house.connections["anna"]
        await session.wait_closed()  # it is idle as well
        await used.wait_closed()
        assert not scene.house.connections

    play(tmp_path, story)


def test_a_connection_whose_session_is_used_stays(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        scene.clusterd.login = replace(scene.clusterd.login, idle_timeout=2)
        empty, used = await scene.connect(), await scene.connect("bert")
        session = await shell(used)

        async def keep_typing() -> None:
            while True:
                session.stdin.write(b"#\n")
                await asyncio.sleep(0.1)

        typing = asyncio.create_task(keep_typing())
        await empty.wait_closed()
        empty = await scene.connect()
        await empty.wait_closed()
        typing.cancel()
        assert scene.house.sessions["bert"] == 1

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("change", "farewell"),
    [
        ({"exists": False}, b"% Error: the account anna was deleted"),
        ({"role": "readonly"}, b"% Error: the account anna is no administrator any more: log in again"),
    ],
)
def test_whoever_may_not_be_here_any_more_is_told_so_and_has_to_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], farewell: bytes
) -> None:
    monkeypatch.setattr(server, "REVIEW", 0.05)

    async def story(scene: Scene) -> None:
        connection = await scene.connect()
        session, empty = await shell(connection), await scene.connect()
        scene.clusterd.login = replace(scene.clusterd.login, **change)
        assert farewell in await session.stdout.read()
        assert (await session.wait()).exit_status == 4
        await connection.wait_closed()
        await empty.wait_closed()

    play(tmp_path, story)


def test_everybody_stays_while_clusterd_is_away_or_gives_them_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "REVIEW", 0.01)

    async def story(scene: Scene) -> None:
        scene.clusterd.login = replace(scene.clusterd.login, role="readonly")
        session = await shell(await scene.connect())
        scene.clusterd.is_away = True
        await asyncio.sleep(0.1)  # some reviews; were it too short, nothing would be tested, and nothing fail
        scene.clusterd.is_away, scene.clusterd.login = False, replace(scene.clusterd.login, role="admin")
        await asyncio.sleep(0.1)
        session.stdin.write(b"exit\n")
        assert (await session.wait()).exit_status == 0

    play(tmp_path, story)


def test_who_is_logging_in_or_about_to_open_a_session_keeps_a_host_that_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(scene: Scene) -> None:
        assert not scene.server.busy
        _, knocking = await asyncio.open_connection("127.0.0.1", scene.port)
        await until(lambda: scene.server.busy)
        knocking.close()
        await until(lambda: not scene.server.busy)
        connection = await scene.connect()
        assert scene.server.busy
        monkeypatch.setattr(door, "NEXT_SESSION", 0.0)
        assert not scene.server.busy
        session = await shell(connection)
        assert scene.server.busy
        monkeypatch.undo()
        session.stdin.write(b"exit\n")
        await session.wait()
        assert scene.server.busy

    play(tmp_path, story)


def test_guessers_who_hang_up_leave_clusterd_room_for_others_and_what_they_tried_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def guess(scene: Scene, number: int) -> asyncio.Task[m.Verdict]:
        source = f"192.0.2.{number}"
        task = asyncio.create_task(scene.house.check(f"user{number}", f"guess {number}", source, exists=False))
        await asyncio.sleep(0.001)
        return task

    async def story(scene: Scene) -> None:
        for number in range(50):
            (await guess(scene, number)).cancel()
        last = await guess(scene, 99)
        assert scene.clusterd.checked == [f"guess {number}" for number in range(house.CHECKS)]
        for _ in range(house.CHECKS + 1):
            scene.clusterd.verdicts.release()
        assert await last == house.WRONG
        assert scene.clusterd.checked[house.CHECKS :] == ["guess 99"], "nobody looks at what was taken back in time"
        assert "from 192.0.2.0, 1 lately" in caplog.text, "to hang up while it is looked at hides none"

    play(tmp_path, story)


def test_no_more_passwords_wait_for_clusterd_than_it_would_soon_look_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house, "MAX_WAITING", 2)

    async def story(scene: Scene) -> None:
        def guess(number: int) -> asyncio.Task[m.Verdict]:
            source = f"192.0.2.{number}"
            return asyncio.create_task(scene.house.check(f"user{number}", f"guess {number}", source, exists=False))

        held = [guess(number) for number in range(house.CHECKS + 2)]
        await until(lambda: scene.house._checks.waiting == 2)
        assert await guess(99) == house.WRONG
        for _ in held:
            scene.clusterd.verdicts.release()
        await asyncio.gather(*held)
        assert "guess 99" not in scene.clusterd.checked

    play(tmp_path, story)
