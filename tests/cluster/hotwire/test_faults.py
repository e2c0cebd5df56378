"""Faults beside the hotwire that must end neither it nor clusterd, and moments at which it is told to end."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest

from cluster.config import schema
from cluster.config.store import Store
from cluster.errors import RefusedError, UnreachableError
from cluster.events_log import EventLog
from cluster.hotwire import entrance, ssh
from cluster.hotwire.entrance import Entrance
from cluster.hotwire.keys import OwnKey
from cluster.hotwire.link import HotwireLink
from cluster.hotwire.settings import HotwireSettings
from cluster.hotwire.state import LinkDownError
from cluster.lease import EditLease
from cluster.partnership import Partnership
from cluster.vrrp.events import Role
from tests.support.pair import configuration

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 20.0


class SlowLink(HotwireLink):
    """Takes its time to end what it has."""

    ending: asyncio.Event

    async def _live_on(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.ending.set()
            await asyncio.sleep(0.05)


def test_a_link_that_is_told_to_end_while_it_begins_anew_ends(tmp_path: Path) -> None:
    async def scenario() -> None:
        played: Any = SimpleNamespace()
        link = SlowLink(own_key=OwnKey(tmp_path), hello=played, responder=played, on_change=lambda: None)
        link.ending = asyncio.Event()
        life = asyncio.create_task(link.run())
        await asyncio.sleep(0)
        link.rekeyed()
        await link.ending.wait()
        life.cancel()
        done, _ = await asyncio.wait((life,), timeout=PATIENCE)
        assert done

    asyncio.run(scenario())


class SulkingEngine:
    """Says no to everything, as one of another version might."""

    role, pid, sequence = Role.BACKUP, 42, None

    def __init__(self) -> None:
        self.asked = asyncio.Semaphore(0)

    async def ask(self, _do: str, **_fields: object) -> dict[str, Any]:
        self.asked.release()
        raise RefusedError("no")


def test_the_loop_that_watches_the_engine_does_not_wait_for_the_version_of_the_software(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_by: list[threading.Thread] = []

    def version(_package: str) -> str:
        asked_by.append(threading.current_thread())
        return "1.0"

    monkeypatch.setattr("importlib.metadata.version", version)
    partner_is_told(tmp_path)
    assert asked_by
    assert threading.main_thread() not in asked_by


def test_an_engine_that_says_no_does_not_end_clusterd(tmp_path: Path) -> None:
    partner_is_told(tmp_path)


def partner_is_told(tmp_path: Path) -> None:
    """Look after the partner twice, with an engine that says no."""

    async def scenario() -> None:
        config = schema.parse(configuration(2, 3, OwnKey(tmp_path).public("utm").line))
        store, engine = Store.open(tmp_path), SulkingEngine()
        store.initialise(config, 1.0)
        partnership = Partnership(
            store=store,
            engine=engine,  # type: ignore[arg-type]
            events=EventLog(tmp_path / "events"),
            lease=EditLease(),
            own_key=OwnKey(tmp_path),
        )
        await partnership.apply(config)
        life = asyncio.create_task(partnership.run())
        async with asyncio.timeout(PATIENCE):
            for _ in range(2):
                await engine.asked.acquire()
                partnership.changed()
        assert not life.done()
        life.cancel()
        await asyncio.wait((life,))
        store.close()

    asyncio.run(scenario())


def test_two_that_need_the_first_key_at_the_same_time_get_the_same(tmp_path: Path) -> None:
    for number in range(5):
        directory = tmp_path / str(number)
        directory.mkdir()
        key = OwnKey(directory)
        with ThreadPoolExecutor(8) as threads:
            found = set(threads.map(key.private, ["utm"] * 8))
        assert found == {(directory / "hotwire.key").read_bytes()}


def test_a_connection_that_is_given_up_at_its_last_step_does_not_come_up_later(tmp_path: Path) -> None:
    """The settings changed, perhaps the key that the partner was known by."""

    async def scenario() -> None:
        own = OwnKey(tmp_path)
        public = own.public("utm").line
        asked, gone = asyncio.Event(), asyncio.Event()

        class Slow(asyncssh.SSHServer):  # type: ignore[misc]  # asyncssh has no types here
            def public_key_auth_supported(self) -> bool:
                return True

            def validate_public_key(self, _username: str, _key: Any) -> bool:
                return True

            async def session_requested(self) -> bool:
                asked.set()
                await asyncio.sleep(PATIENCE)
                return False

            def connection_lost(self, _exc: Exception | None) -> None:
                gone.set()

        private = asyncssh.import_private_key(own.private("utm"))
        server = await asyncssh.listen("127.0.0.1", 0, server_factory=Slow, server_host_keys=[private], config=None)
        sock = socket.create_connection(("127.0.0.1", server.get_port()))
        sock.setblocking(False)
        way = ssh.Way(own.private("utm"), (public,))
        entering = asyncio.create_task(way.enter(sock, lambda *_: pytest.fail("it came up")))
        async with asyncio.timeout(PATIENCE):
            await asked.wait()
            entering.cancel()
            await asyncio.wait((entering,))
            await asyncio.wait_for(gone.wait(), PATIENCE / 2)
        server.close()

    asyncio.run(scenario())


def test_the_partners_shell_that_answers_while_its_clusterd_is_restarted_is_no_partner_with_another_key(
    tmp_path: Path,
) -> None:
    """Both listen on one port: without the hotwire's server the kernel gives the connection to the shell's."""
    own = OwnKey(tmp_path)
    way = ssh.Way(own.private("utm"), (own.public("utm").line,))

    async def scenario() -> str:
        shell = asyncssh.generate_private_key("ssh-ed25519")
        whose = {"server_host_keys": [shell], "server_version": "utmcli", "config": None}
        server = await asyncssh.listen("127.0.0.1", 0, **whose)
        sock = socket.create_connection(("127.0.0.1", server.get_port()))
        sock.setblocking(False)
        with pytest.raises(LinkDownError) as caught:
            await way.enter(sock, lambda *_: pytest.fail("it came up"))
        server.close()
        return caught.value.state.reason

    assert asyncio.run(scenario()) == "the partner is not reached at 127.0.0.1: another SSH server answers there"


@pytest.mark.parametrize(
    ("reads", "why"),
    [
        (0, "the connection ended as soon as it began"),
        (1, "the partner is not reached at 127.0.0.1: connection reset by peer"),
    ],
)
def test_a_partner_that_dies_while_it_is_entered_is_told_of_in_words(tmp_path: Path, reads: int, why: str) -> None:
    """`reads`: how many bytes of ours it still reads."""
    own = OwnKey(tmp_path)
    way = ssh.Way(own.private("utm"), (own.public("utm").line,))

    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            sock = socket.create_connection(listening.getsockname())
            partner, _ = listening.accept()
        for one in (sock, partner):
            one.setblocking(False)
        partner.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closed with a reset
        if not reads:
            partner.close()
        entering = asyncio.create_task(way.enter(sock, lambda *_: pytest.fail("it came up")))
        if reads:
            await asyncio.get_running_loop().sock_recv(partner, reads)
            partner.close()
        with pytest.raises((LinkDownError, UnreachableError)) as caught:
            await entering
        told = caught.value
        assert (told.state.reason if isinstance(told, LinkDownError) else told.message) == why

    asyncio.run(scenario())


def test_a_caller_that_cannot_be_let_in_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrance, "LISTEN_PAUSE", 0.01)

    async def scenario() -> None:
        refused = asyncio.Event()

        def refusal(_text: str) -> bytes:
            refused.set()
            return b"SSH-2.0-utmcli\r\n"

        settings = HotwireSettings("lo", "127.0.0.1", ("127.0.0.99",), ())
        way: Any = SimpleNamespace(refusal=refusal)
        board: Any = SimpleNamespace()
        with socket.socket() as listening:
            listening.setblocking(False)
            listening.bind(("127.0.0.1", 0))  # and does not listen: accept(2) fails
            serving = asyncio.create_task(Entrance(settings, way, board)._accept(listening))
            await asyncio.sleep(0.03)
            listening.listen()
            _reader, writer = await asyncio.open_connection(*listening.getsockname())
            async with asyncio.timeout(PATIENCE):
                await refused.wait()
            writer.close()
            serving.cancel()
            await asyncio.wait((serving,))

    asyncio.run(scenario())


def test_whoever_is_refused_can_go_on_speaking_until_he_has_read_why() -> None:
    """OpenSSH writes first: on a connection that is closed at once it finds a broken pipe and never reads on."""

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        settings = HotwireSettings("lo", "127.0.0.1", ("127.0.0.99",), ())
        way: Any = SimpleNamespace(refusal=str.encode)
        board: Any = SimpleNamespace()
        with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as calling:
            listening.setblocking(False)
            calling.setblocking(False)
            serving = asyncio.create_task(Entrance(settings, way, board)._accept(listening))
            async with asyncio.timeout(PATIENCE):
                await loop.sock_connect(calling, listening.getsockname())
                await loop.sock_sendall(calling, b"SSH-2.0-stranger")
                await asyncio.sleep(0.1)
                for _ in range(3):
                    await loop.sock_sendall(calling, b"more")
                    await asyncio.sleep(0.01)
                assert await loop.sock_recv(calling, 100) == b"this address is not the partner's"
                assert await loop.sock_recv(calling, 100) == b""
            serving.cancel()
            await asyncio.wait((serving,))

    asyncio.run(scenario())
