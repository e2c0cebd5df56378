"""Client and server over a real unix socket: roles, deadlines, limits, garbage, slow readers."""

from __future__ import annotations

import asyncio
import os
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from cluster.errors import (
    ClusterError,
    NotAuthorisedError,
    NotFoundError,
    ProtocolError,
    UnreachableError,
)
from cluster.observed import ClusterEvent
from cluster.peer import Peer
from cluster.rpc.client import Client
from cluster.rpc.framing import FrameDecoder, pack, unpack_reply
from cluster.rpc.messages import (
    MAX_FRAME,
    Actor,
    Ask,
    Done,
    Events,
    ExportConfig,
    Failure,
    FollowEvents,
    GetConfig,
    GetEvents,
    GetInfo,
    Info,
    Request,
    SetMaintenance,
    Text,
)
from cluster.rpc.server import Limits, Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

ADMIN = Actor(user="admin", source="console", role="admin")
READER = Actor(user="eve", source="ssh 192.0.2.7", role="readonly")
INFO = Info(
    cluster_state="backup", sync_state="error", hotwire_dev="LAN3", maintainance=False, hostname="utm.local"
)


class Appliance:
    """A handler that answers by rote and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Ask] = []
        self.busy = asyncio.Event()
        self.release = asyncio.Event()
        self.finished = asyncio.Event()

    async def answer(self, ask: Ask, actor: Actor) -> object:
        self.asked.append(ask)
        self.busy.set()
        match ask:
            case GetInfo():
                return INFO
            case SetMaintenance():
                await self.release.wait()
                self.finished.set()
                return Done()
            case ExportConfig(name="big"):
                return Text(text="x" * (4 * 1024 * 1024))
            case ExportConfig(name="huge"):
                return Text(text="x" * (MAX_FRAME + 1))
            case ExportConfig(name="defect"):
                raise ZeroDivisionError
            case ExportConfig(name=name):
                raise NotFoundError(f"no configuration {name}", ("there are: default",))
        return Done()

    async def follow(self, ask: FollowEvents, actor: Actor) -> AsyncIterator[Events]:
        for number in range(1, 4):
            yield Events(events=(ClusterEvent(number=number, at=0.0, kind="role", interface="", text="t"),))
        await self.release.wait()


@asynccontextmanager
async def serving(
    path: Path, limits: Limits | None = None, allowed: Callable[[Peer], bool] = lambda _peer: True
) -> AsyncIterator[Appliance]:
    appliance = Appliance()
    server = Server(path, appliance, allowed, limits)
    await server.start()
    try:
        yield appliance
    finally:
        appliance.release.set()
        await server.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clusterd.sock"


def run(scenario: Coroutine[None, None, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 20))


async def raw_failure(reader: asyncio.StreamReader) -> Failure:
    """The one failure that a connection gets before it is closed."""
    stream = await reader.read(-1)
    decoder = FrameDecoder()
    decoder.feed(stream)
    (payload,) = decoder.frames()
    answer = unpack_reply(payload).answer
    assert isinstance(answer, Failure)
    return answer


def test_an_answer_comes_back_typed(path: Path) -> None:
    async def scenario() -> None:
        async with serving(path), await Client.connect(path) as client:
            assert await client.ask(GetInfo(), ADMIN) == INFO

    run(scenario())


def test_a_failure_arrives_as_the_exception_of_its_code_with_all_details(path: Path) -> None:
    async def scenario() -> None:
        async with serving(path), await Client.connect(path) as client:
            with pytest.raises(NotFoundError, match="no configuration x") as caught:
                await client.ask(ExportConfig(name="x"), ADMIN)
            assert caught.value.details == ("there are: default",)
            assert await client.ask(GetInfo(), ADMIN) == INFO

    run(scenario())


def test_a_reader_may_look_but_neither_change_nor_see_secrets(path: Path) -> None:
    async def scenario() -> None:
        async with serving(path) as appliance, await Client.connect(path) as client:
            assert await client.ask(GetInfo(), READER) == INFO
            await client.ask(GetConfig(), READER)
            with pytest.raises(NotAuthorisedError, match="eve"):
                await client.ask(SetMaintenance(value=True), READER)
            with pytest.raises(NotAuthorisedError):
                await client.ask(GetConfig(secrets=True), READER)
            assert appliance.asked == [GetInfo(), GetConfig()]

    run(scenario())


def test_a_peer_that_is_not_allowed_is_told_so_by_its_kernel_credentials(path: Path) -> None:
    seen: list[Peer] = []

    def nobody(peer: Peer) -> bool:
        seen.append(peer)
        return False

    async def scenario() -> None:
        async with serving(path, allowed=nobody) as appliance:
            with pytest.raises(ClusterError, match="may not speak to clusterd"):
                async with await Client.connect(path) as client:
                    await client.ask(GetInfo(), ADMIN)
            assert seen == [Peer(os.getpid(), os.getuid(), os.getgid())]
            assert appliance.asked == []

    run(scenario())


def test_a_deadline_ends_the_wait_but_not_the_work(path: Path) -> None:
    async def scenario() -> None:
        async with serving(path) as appliance, await Client.connect(path) as client:
            with pytest.raises(UnreachableError, match=r"not done within 0\.05 s"):
                await client.ask(SetMaintenance(value=True), ADMIN, deadline=0.05)
            appliance.release.set()
            await appliance.finished.wait()

    run(scenario())


def test_a_client_that_hangs_up_does_not_interrupt_its_request(path: Path) -> None:
    async def scenario() -> None:
        async with serving(path) as appliance:
            _reader, writer = await asyncio.open_unix_connection(path)
            writer.write(pack(Request(id=1, actor=ADMIN, ask=SetMaintenance(value=True))))
            await writer.drain()
            await appliance.busy.wait()
            writer.transport.abort()
            appliance.release.set()
            await appliance.finished.wait()

    run(scenario())


@pytest.mark.parametrize(
    ("garbage", "complaint"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "too long"),
        (struct.pack("!I", MAX_FRAME + 1), "too long"),
        (struct.pack("!I", 3) + b"\xc1\xff\x00", "not a request"),
        (struct.pack("!I", 1) + b"\x80", "not a request"),
    ],
)
def test_garbage_is_answered_once_and_the_connection_closed(path: Path, garbage: bytes, complaint: str) -> None:
    async def scenario() -> None:
        async with serving(path), await Client.connect(path) as neighbour:
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(garbage)
            failure = await raw_failure(reader)
            assert failure.code == ProtocolError.code
            assert complaint in failure.message
            writer.close()
            assert await neighbour.ask(GetInfo(), ADMIN) == INFO

    run(scenario())


def test_a_frame_that_never_ends_is_given_up(path: Path) -> None:
    async def scenario() -> None:
        async with serving(path, Limits(stall=0.05)):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(struct.pack("!I", 100) + b"half")
            assert await reader.read(-1) == b""
            writer.close()

    run(scenario())


def test_a_frame_that_trickles_is_given_up_as_well(path: Path) -> None:
    async def scenario() -> None:
        async with serving(path, Limits(stall=0.2)):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(struct.pack("!I", 100))
            hung_up = asyncio.ensure_future(reader.read(-1))
            while not hung_up.done():
                writer.write(b".")
                await asyncio.wait((hung_up,), timeout=0.05)
            assert hung_up.result() == b""
            writer.close()

    run(scenario())


def test_a_client_that_does_not_read_stalls_nobody_else(path: Path) -> None:
    async def scenario() -> None:
        async with serving(path, Limits(stall=0.3)) as appliance:
            _reader, writer = await asyncio.open_unix_connection(path, limit=1)
            for number in range(1, 6):
                writer.write(pack(Request(id=number, actor=ADMIN, ask=ExportConfig(name="big"))))
            await appliance.busy.wait()
            async with await Client.connect(path) as neighbour:
                assert await neighbour.ask(GetInfo(), ADMIN, deadline=0.2) == INFO
            assert len([ask for ask in appliance.asked if isinstance(ask, ExportConfig)]) == 1
            writer.transport.abort()

    run(scenario())


def test_an_answer_too_long_for_a_frame_becomes_a_protocol_error(path: Path) -> None:
    async def scenario() -> None:
        async with serving(path), await Client.connect(path) as client:
            with pytest.raises(ProtocolError, match="too long"):
                await client.ask(ExportConfig(name="huge"), ADMIN)
            assert await client.ask(GetInfo(), ADMIN) == INFO

    run(scenario())


def test_a_defect_of_the_handler_fails_one_request_with_its_traceback_in_the_log_alone(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with serving(path), await Client.connect(path) as client:
            with pytest.raises(ClusterError, match="internal error") as caught:
                await client.ask(ExportConfig(name="defect"), ADMIN)
            assert type(caught.value) is ClusterError
            assert await client.ask(GetInfo(), ADMIN) == INFO

    run(scenario())
    assert "ZeroDivisionError" in caplog.text


def test_connections_beyond_the_limit_are_told_so(path: Path) -> None:
    async def scenario() -> None:
        async with (
            serving(path, Limits(connections=1)),
            await Client.connect(path) as first,
            await Client.connect(path) as second,
        ):
            assert await first.ask(GetInfo(), ADMIN) == INFO
            with pytest.raises(UnreachableError, match="serves 1 connections already"):
                await second.ask(GetInfo(), ADMIN)

    run(scenario())


def test_requests_beyond_the_limit_are_refused_while_the_others_go_on(path: Path) -> None:
    async def scenario() -> None:
        async with (
            serving(path, Limits(in_flight=1)) as appliance,
            await Client.connect(path) as first,
            await Client.connect(path) as second,
        ):
            slow = asyncio.create_task(first.ask(SetMaintenance(value=True), ADMIN))
            await appliance.busy.wait()
            with pytest.raises(UnreachableError, match="1 requests already"):
                await second.ask(GetInfo(), ADMIN)
            appliance.release.set()
            assert await slow == Done()

    run(scenario())


def test_overlapping_requests_of_one_connection_each_get_their_own_answer(path: Path) -> None:
    async def scenario() -> None:
        async with serving(path), await Client.connect(path) as client:
            answers = await asyncio.gather(
                client.ask(GetInfo(), ADMIN), client.ask(GetEvents(), ADMIN), client.ask(GetInfo(), ADMIN)
            )
            assert answers == [INFO, Done(), INFO]

    run(scenario())


def test_events_are_followed_until_the_client_has_enough(path: Path) -> None:
    async def scenario() -> None:
        async with serving(path), await Client.connect(path) as client:
            numbers: list[int] = []
            async for events in client.follow(FollowEvents(), READER):
                numbers += [event.number for event in events.events]
                if len(numbers) == 3:
                    break
            assert numbers == [1, 2, 3]

    run(scenario())


def test_a_stream_ends_with_an_error_when_the_daemon_goes(path: Path) -> None:
    async def scenario() -> None:
        async with serving(path) as appliance, await Client.connect(path) as client:
            stream = client.follow(FollowEvents(), READER)
            for _number in range(3):
                await anext(stream)
            appliance.release.set()
            with pytest.raises(UnreachableError, match="ended the stream"):
                await anext(stream)

    run(scenario())


def test_a_missing_daemon_is_said_so(path: Path) -> None:
    async def scenario() -> None:
        with pytest.raises(UnreachableError, match="does not run"):
            await Client.connect(path)

    run(scenario())


def test_waiting_requests_fail_when_the_daemon_dies(path: Path) -> None:
    async def scenario() -> None:
        async def die_on_first_byte(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.transport.abort()

        async with await asyncio.start_unix_server(die_on_first_byte, path), await Client.connect(path) as client:
            with pytest.raises(UnreachableError):
                await client.ask(GetInfo(), ADMIN)
            assert not client.connected
            with pytest.raises(UnreachableError):
                await client.ask(GetInfo(), ADMIN)

    run(scenario())


def test_a_daemon_that_ends_finishes_what_it_was_asked_and_answers(path: Path) -> None:
    async def scenario() -> None:
        appliance = Appliance()
        server = Server(path, appliance, lambda _peer: True)
        await server.start()
        async with await Client.connect(path) as client:
            asking = asyncio.create_task(client.ask(SetMaintenance(value=True), ADMIN))
            await appliance.busy.wait()
            closing = asyncio.create_task(server.close())
            await asyncio.sleep(0.02)
            assert not closing.done()
            appliance.release.set()
            assert await asking == Done()
            await closing

    run(scenario())


def test_a_daemon_that_speaks_nonsense_is_a_protocol_error(path: Path) -> None:
    async def scenario() -> None:
        async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(struct.pack("!I", 2) + b"\xc1\xc1")

        async with await asyncio.start_unix_server(babble, path), await Client.connect(path) as client:
            with pytest.raises(ProtocolError, match="not a reply"):
                await client.ask(GetInfo(), ADMIN)

    run(scenario())


def test_the_socket_is_for_owner_and_group_only_and_goes_with_the_server(path: Path) -> None:
    modes: list[int] = []

    async def scenario() -> None:
        async with serving(path):
            modes.append(path.stat().st_mode & 0o777)  # noqa: ASYNC240 - one look

    path.write_text("left by a dead daemon")
    run(scenario())
    assert modes == [0o660]
    assert not path.exists()
